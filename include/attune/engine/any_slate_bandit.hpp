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
struct ErasedSlateBandit : ErasedArms<ErasedSlateBandit> {
  [[nodiscard]] virtual SlateChoice select_slate(const Context& context, Rng& rng,
                                                 const SlateOut& out) const noexcept = 0;
  [[nodiscard]] virtual Errc update(const SlateFeedback& feedback) noexcept = 0;
  [[nodiscard]] virtual bool takes(SlateSignal signal) const noexcept = 0;
};

template <SlateBandit B>
struct SlateBanditModel final : ErasedArmsModel<ErasedSlateBandit, SlateBanditModel<B>, B> {
  using ErasedArmsModel<ErasedSlateBandit, SlateBanditModel, B>::ErasedArmsModel;
  [[nodiscard]] SlateChoice select_slate(const Context& context, Rng& rng,
                                         const SlateOut& out) const noexcept override {
    return this->held.select_slate(context, rng, out);
  }
  [[nodiscard]] Errc update(const SlateFeedback& feedback) noexcept override {
    return this->held.update(feedback);
  }
  [[nodiscard]] bool takes(SlateSignal signal) const noexcept override { return this->held.takes(signal); }
};

}  // namespace detail

/// Holds any type that satisfies SlateBandit; copying copies the bandit. A moved-from handle may only be
/// assigned or destroyed.
class AnySlateBandit : public detail::ArmsHandle<detail::ErasedSlateBandit> {
 public:
  // A handle has no kName: asking for it first keeps the concept from asking the handle whether it copies.
  template <class B>
    requires(requires { B::kName; } && SlateBandit<B>)
  explicit AnySlateBandit(B bandit)
      : ArmsHandle(std::make_unique<detail::SlateBanditModel<B>>(std::move(bandit))) {}

  [[nodiscard]] SlateChoice select_slate(const Context& context, Rng& rng,
                                         const SlateOut& out) const noexcept {
    return self_->select_slate(context, rng, out);
  }
  [[nodiscard]] Errc update(const SlateFeedback& feedback) noexcept { return self_->update(feedback); }
  [[nodiscard]] bool takes(SlateSignal signal) const noexcept { return self_->takes(signal); }

  /// The bandit itself when it is a B, else null.
  template <SlateBandit B>
  [[nodiscard]] const B* as() const noexcept {
    return held_by<detail::SlateBanditModel<B>>();
  }
};

}  // namespace attune
