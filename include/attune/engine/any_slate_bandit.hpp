// SPDX-License-Identifier: Apache-2.0
/// @file
/// AnySlateBandit: one handle for every SlateBandit, chosen at run time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

#include <attune/core/erased.hpp>
#include <attune/core/slates.hpp>

namespace attune {
namespace detail {

/// What AnySlateBandit asks of what it holds.
struct ErasedSlateBandit : ErasedState<ErasedSlateBandit> {
  [[nodiscard]] virtual SlateChoice select_slate(const Context& context, Rng& rng,
                                                 const SlateOut& out) const noexcept = 0;
  [[nodiscard]] virtual Errc update(const SlateFeedback& feedback) noexcept = 0;
  [[nodiscard]] virtual bool takes(SlateSignal signal) const noexcept = 0;
  [[nodiscard]] virtual std::size_t arm_count() const noexcept = 0;
  [[nodiscard]] virtual bool enabled(ArmIndex arm) const noexcept = 0;
  [[nodiscard]] virtual Result<ArmIndex> add_arm() = 0;
  virtual Errc set_enabled(ArmIndex arm, bool on) noexcept = 0;
  virtual Errc reset_arm(ArmIndex arm) noexcept = 0;
  [[nodiscard]] virtual std::uint64_t updates() const noexcept = 0;
};

template <SlateBandit B>
struct SlateBanditModel final : ErasedModel<ErasedSlateBandit, SlateBanditModel<B>, B> {
  using ErasedModel<ErasedSlateBandit, SlateBanditModel, B>::ErasedModel;
  [[nodiscard]] SlateChoice select_slate(const Context& context, Rng& rng,
                                         const SlateOut& out) const noexcept override {
    return this->held.select_slate(context, rng, out);
  }
  [[nodiscard]] Errc update(const SlateFeedback& feedback) noexcept override {
    return this->held.update(feedback);
  }
  [[nodiscard]] bool takes(SlateSignal signal) const noexcept override { return this->held.takes(signal); }
  [[nodiscard]] std::size_t arm_count() const noexcept override { return this->held.arm_count(); }
  [[nodiscard]] bool enabled(ArmIndex arm) const noexcept override { return this->held.enabled(arm); }
  [[nodiscard]] Result<ArmIndex> add_arm() override { return this->held.add_arm(); }
  Errc set_enabled(ArmIndex arm, bool on) noexcept override { return this->held.set_enabled(arm, on); }
  Errc reset_arm(ArmIndex arm) noexcept override { return this->held.reset_arm(arm); }
  [[nodiscard]] std::uint64_t updates() const noexcept override { return this->held.updates(); }
};

}  // namespace detail

/// Holds any type that satisfies SlateBandit; copying copies the bandit. A moved-from handle may only be
/// assigned or destroyed.
class AnySlateBandit : public detail::Handle<detail::ErasedSlateBandit> {
 public:
  // A handle has no kName: asking for it first keeps the concept from asking the handle whether it copies.
  template <class B>
    requires(requires { B::kName; } && SlateBandit<B>)
  explicit AnySlateBandit(B bandit)
      : Handle(std::make_unique<detail::SlateBanditModel<B>>(std::move(bandit))) {}

  [[nodiscard]] SlateChoice select_slate(const Context& context, Rng& rng,
                                         const SlateOut& out) const noexcept {
    return self_->select_slate(context, rng, out);
  }
  [[nodiscard]] Errc update(const SlateFeedback& feedback) noexcept { return self_->update(feedback); }
  [[nodiscard]] bool takes(SlateSignal signal) const noexcept { return self_->takes(signal); }
  [[nodiscard]] std::size_t arm_count() const noexcept { return self_->arm_count(); }
  [[nodiscard]] bool enabled(ArmIndex arm) const noexcept { return self_->enabled(arm); }
  [[nodiscard]] Result<ArmIndex> add_arm() { return self_->add_arm(); }
  Errc set_enabled(ArmIndex arm, bool on) noexcept { return self_->set_enabled(arm, on); }
  Errc reset_arm(ArmIndex arm) noexcept { return self_->reset_arm(arm); }
  [[nodiscard]] std::uint64_t updates() const noexcept { return self_->updates(); }

  /// The bandit itself when it is a B, else null.
  template <SlateBandit B>
  [[nodiscard]] const B* as() const noexcept {
    return held_by<detail::SlateBanditModel<B>>();
  }
};

}  // namespace attune
