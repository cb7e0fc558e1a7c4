// SPDX-License-Identifier: Apache-2.0
/// @file
/// AnyContinuousBandit: one handle for every ContinuousBandit, chosen at run time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>

#include <attune/core/continuous.hpp>
#include <attune/core/erased.hpp>

namespace attune {
namespace detail {

/// What AnyContinuousBandit asks of what it holds.
struct ErasedContinuousBandit : ErasedState<ErasedContinuousBandit> {
  [[nodiscard]] virtual ActionDensity select_action(const Context& context, Rng& rng,
                                                    std::span<double> out) const noexcept = 0;
  [[nodiscard]] virtual double density(const Context& context, Features action) const noexcept = 0;
  [[nodiscard]] virtual Errc update(const ActionFeedback& feedback) noexcept = 0;
  [[nodiscard]] virtual std::size_t dimension() const noexcept = 0;
  [[nodiscard]] virtual Bounds range(std::size_t coordinate) const noexcept = 0;
  [[nodiscard]] virtual std::uint64_t updates() const noexcept = 0;
};

template <ContinuousBandit B>
struct ContinuousBanditModel final : ErasedModel<ErasedContinuousBandit, ContinuousBanditModel<B>, B> {
  using ErasedModel<ErasedContinuousBandit, ContinuousBanditModel, B>::ErasedModel;
  [[nodiscard]] ActionDensity select_action(const Context& context, Rng& rng,
                                            std::span<double> out) const noexcept override {
    return this->held.select_action(context, rng, out);
  }
  [[nodiscard]] double density(const Context& context, Features action) const noexcept override {
    return this->held.density(context, action);
  }
  [[nodiscard]] Errc update(const ActionFeedback& feedback) noexcept override {
    return this->held.update(feedback);
  }
  [[nodiscard]] std::size_t dimension() const noexcept override { return this->held.dimension(); }
  [[nodiscard]] Bounds range(std::size_t coordinate) const noexcept override {
    return this->held.range(coordinate);
  }
  [[nodiscard]] std::uint64_t updates() const noexcept override { return this->held.updates(); }
};

}  // namespace detail

/// Holds any type that satisfies ContinuousBandit; copying copies the bandit. A moved-from handle may only be
/// assigned or destroyed.
class AnyContinuousBandit : public detail::Handle<detail::ErasedContinuousBandit> {
 public:
  // A handle has no kName: asking for it first keeps the concept from asking the handle whether it copies.
  template <class B>
    requires(requires { B::kName; } && ContinuousBandit<B>)
  explicit AnyContinuousBandit(B bandit)
      : Handle(std::make_unique<detail::ContinuousBanditModel<B>>(std::move(bandit))) {}

  [[nodiscard]] ActionDensity select_action(const Context& context, Rng& rng,
                                            std::span<double> out) const noexcept {
    return self_->select_action(context, rng, out);
  }
  [[nodiscard]] double density(const Context& context, Features action) const noexcept {
    return self_->density(context, action);
  }
  [[nodiscard]] Errc update(const ActionFeedback& feedback) noexcept { return self_->update(feedback); }
  [[nodiscard]] std::size_t dimension() const noexcept { return self_->dimension(); }
  [[nodiscard]] Bounds range(std::size_t coordinate) const noexcept { return self_->range(coordinate); }
  [[nodiscard]] std::uint64_t updates() const noexcept { return self_->updates(); }

  /// The bandit itself when it is a B, else null.
  template <ContinuousBandit B>
  [[nodiscard]] const B* as() const noexcept {
    return held_by<detail::ContinuousBanditModel<B>>();
  }
};

}  // namespace attune
