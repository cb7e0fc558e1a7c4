// SPDX-License-Identifier: Apache-2.0
/// @file
/// AnyDuelingBandit: one handle for every DuelingBandit, chosen at run time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

#include <attune/core/duels.hpp>
#include <attune/core/erased.hpp>

namespace attune {
namespace detail {

/// What AnyDuelingBandit asks of what it holds.
struct ErasedDuelingBandit : ErasedState<ErasedDuelingBandit> {
  [[nodiscard]] virtual PairChoice select_pair(const Context& context, Rng& rng) const noexcept = 0;
  [[nodiscard]] virtual Errc update(const DuelFeedback& feedback) noexcept = 0;
  [[nodiscard]] virtual ArmIndex best_arm() const noexcept = 0;
  [[nodiscard]] virtual std::size_t arm_count() const noexcept = 0;
  [[nodiscard]] virtual bool enabled(ArmIndex arm) const noexcept = 0;
  [[nodiscard]] virtual Result<ArmIndex> add_arm() = 0;
  virtual Errc set_enabled(ArmIndex arm, bool on) noexcept = 0;
  virtual Errc reset_arm(ArmIndex arm) noexcept = 0;
  [[nodiscard]] virtual std::uint64_t updates() const noexcept = 0;
};

template <DuelingBandit B>
struct DuelingBanditModel final : ErasedModel<ErasedDuelingBandit, DuelingBanditModel<B>, B> {
  using ErasedModel<ErasedDuelingBandit, DuelingBanditModel, B>::ErasedModel;
  [[nodiscard]] PairChoice select_pair(const Context& context, Rng& rng) const noexcept override {
    return this->held.select_pair(context, rng);
  }
  [[nodiscard]] Errc update(const DuelFeedback& feedback) noexcept override {
    return this->held.update(feedback);
  }
  [[nodiscard]] ArmIndex best_arm() const noexcept override { return this->held.best_arm(); }
  [[nodiscard]] std::size_t arm_count() const noexcept override { return this->held.arm_count(); }
  [[nodiscard]] bool enabled(ArmIndex arm) const noexcept override { return this->held.enabled(arm); }
  [[nodiscard]] Result<ArmIndex> add_arm() override { return this->held.add_arm(); }
  Errc set_enabled(ArmIndex arm, bool on) noexcept override { return this->held.set_enabled(arm, on); }
  Errc reset_arm(ArmIndex arm) noexcept override { return this->held.reset_arm(arm); }
  [[nodiscard]] std::uint64_t updates() const noexcept override { return this->held.updates(); }
};

}  // namespace detail

/// Holds any type that satisfies DuelingBandit; copying copies the bandit. A moved-from handle may only be
/// assigned or destroyed.
class AnyDuelingBandit : public detail::Handle<detail::ErasedDuelingBandit> {
 public:
  // A handle has no kName: asking for it first keeps the concept from asking the handle whether it copies.
  template <class B>
    requires(requires { B::kName; } && DuelingBandit<B>)
  explicit AnyDuelingBandit(B bandit)
      : Handle(std::make_unique<detail::DuelingBanditModel<B>>(std::move(bandit))) {}

  [[nodiscard]] PairChoice select_pair(const Context& context, Rng& rng) const noexcept {
    return self_->select_pair(context, rng);
  }
  [[nodiscard]] Errc update(const DuelFeedback& feedback) noexcept { return self_->update(feedback); }
  [[nodiscard]] ArmIndex best_arm() const noexcept { return self_->best_arm(); }
  [[nodiscard]] std::size_t arm_count() const noexcept { return self_->arm_count(); }
  [[nodiscard]] bool enabled(ArmIndex arm) const noexcept { return self_->enabled(arm); }
  [[nodiscard]] Result<ArmIndex> add_arm() { return self_->add_arm(); }
  Errc set_enabled(ArmIndex arm, bool on) noexcept { return self_->set_enabled(arm, on); }
  Errc reset_arm(ArmIndex arm) noexcept { return self_->reset_arm(arm); }
  [[nodiscard]] std::uint64_t updates() const noexcept { return self_->updates(); }

  /// The bandit itself when it is a B, else null.
  template <DuelingBandit B>
  [[nodiscard]] const B* as() const noexcept {
    return held_by<detail::DuelingBanditModel<B>>();
  }
};

}  // namespace attune
