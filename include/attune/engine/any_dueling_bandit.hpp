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
struct ErasedDuelingBandit : ErasedArms<ErasedDuelingBandit> {
  [[nodiscard]] virtual PairChoice select_pair(const Context& context, Rng& rng) const noexcept = 0;
  [[nodiscard]] virtual Errc update(const DuelFeedback& feedback) noexcept = 0;
  [[nodiscard]] virtual ArmIndex best_arm() const noexcept = 0;
};

template <DuelingBandit B>
struct DuelingBanditModel final : ErasedArmsModel<ErasedDuelingBandit, DuelingBanditModel<B>, B> {
  using ErasedArmsModel<ErasedDuelingBandit, DuelingBanditModel, B>::ErasedArmsModel;
  [[nodiscard]] PairChoice select_pair(const Context& context, Rng& rng) const noexcept override {
    return this->held.select_pair(context, rng);
  }
  [[nodiscard]] Errc update(const DuelFeedback& feedback) noexcept override {
    return this->held.update(feedback);
  }
  [[nodiscard]] ArmIndex best_arm() const noexcept override { return this->held.best_arm(); }
};

}  // namespace detail

/// Holds any type that satisfies DuelingBandit; copying copies the bandit. A moved-from handle may only be
/// assigned or destroyed.
class AnyDuelingBandit : public detail::ArmsHandle<detail::ErasedDuelingBandit> {
 public:
  // A handle has no kName: asking for it first keeps the concept from asking the handle whether it copies.
  template <class B>
    requires(requires { B::kName; } && DuelingBandit<B>)
  explicit AnyDuelingBandit(B bandit)
      : ArmsHandle(std::make_unique<detail::DuelingBanditModel<B>>(std::move(bandit))) {}

  [[nodiscard]] PairChoice select_pair(const Context& context, Rng& rng) const noexcept {
    return self_->select_pair(context, rng);
  }
  [[nodiscard]] Errc update(const DuelFeedback& feedback) noexcept { return self_->update(feedback); }
  [[nodiscard]] ArmIndex best_arm() const noexcept { return self_->best_arm(); }

  /// The bandit itself when it is a B, else null.
  template <DuelingBandit B>
  [[nodiscard]] const B* as() const noexcept {
    return held_by<detail::DuelingBanditModel<B>>();
  }
};

}  // namespace attune
