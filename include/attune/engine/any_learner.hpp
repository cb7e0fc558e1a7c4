// SPDX-License-Identifier: Apache-2.0
/// @file
/// AnyLearner: one handle for every OnlineLearner, chosen at run time.
#pragma once

#include <cmath>
#include <concepts>
#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>

#include <attune/core/concepts.hpp>
#include <attune/core/erased.hpp>

namespace attune {
namespace detail {

/// What AnyLearner asks of what it holds.
struct ErasedLearner : ErasedState<ErasedLearner> {
  virtual Errc partial_fit(const Input& input, double target, double weight) noexcept = 0;
  virtual Errc predict_then_fit(const Input& input, double target, double weight,
                                double& before) noexcept = 0;
  [[nodiscard]] virtual double predict(const Input& input) const noexcept = 0;
  virtual void prefetch(const Input& input) const noexcept = 0;
  virtual Errc tick(double now_s) noexcept = 0;
  [[nodiscard]] virtual std::uint64_t updates() const noexcept = 0;
};

template <OnlineLearner L>
struct LearnerModel final : ErasedModel<ErasedLearner, LearnerModel<L>, L> {
  using ErasedModel<ErasedLearner, LearnerModel, L>::ErasedModel;
  Errc partial_fit(const Input& input, double target, double weight) noexcept override {
    return this->held.partial_fit(input, target, weight);
  }
  Errc predict_then_fit(const Input& input, double target, double weight, double& before) noexcept override {
    if constexpr (requires { this->held.predict_then_fit(input, target, weight, before); }) {
      return this->held.predict_then_fit(input, target, weight, before);
    } else {
      before = this->held.predict(input);
      return this->held.partial_fit(input, target, weight);
    }
  }
  [[nodiscard]] double predict(const Input& input) const noexcept override {
    return this->held.predict(input);
  }
  void prefetch(const Input& input) const noexcept override {
    if constexpr (requires { this->held.prefetch(input); }) {
      this->held.prefetch(input);
    }
  }
  Errc tick(double now_s) noexcept override {
    if constexpr (requires { this->held.tick(now_s); }) {
      return this->held.tick(now_s);
    } else {
      return std::isfinite(now_s) ? Errc::ok : Errc::non_finite;
    }
  }
  [[nodiscard]] std::uint64_t updates() const noexcept override { return this->held.updates(); }
};

}  // namespace detail

/// Holds any type that satisfies OnlineLearner; copying copies the learner. A moved-from handle may only be
/// assigned or destroyed.
class AnyLearner : public detail::Handle<detail::ErasedLearner> {
 public:
  // A handle has no kName: asking for it first keeps the concept from asking the handle whether it copies.
  template <class L>
    requires(requires { L::kName; } && OnlineLearner<L>)
  explicit AnyLearner(L learner) : Handle(std::make_unique<detail::LearnerModel<L>>(std::move(learner))) {}

  Errc partial_fit(const Input& input, double target, double weight) noexcept {
    return self_->partial_fit(input, target, weight);
  }
  [[nodiscard]] double predict(const Input& input) const noexcept { return self_->predict(input); }
  /// partial_fit, and in `before` what predict says before it; in one go where the learner can.
  Errc predict_then_fit(const Input& input, double target, double weight, double& before) noexcept {
    return self_->predict_then_fit(input, target, weight, before);
  }
  /// Says that this input comes soon, for learners whose weights do not fit the caches; changes nothing.
  void prefetch(const Input& input) const noexcept { self_->prefetch(input); }
  /// It is now `now_s`, in seconds of any clock: for learners that wait no longer than some time with what
  /// they hold (MiniBatchLearner); others do nothing. Errors: non_finite; those of their partial_fit.
  Errc tick(double now_s) noexcept { return self_->tick(now_s); }
  [[nodiscard]] std::uint64_t updates() const noexcept { return self_->updates(); }

  /// The learner itself when it is an L, else null.
  template <OnlineLearner L>
  [[nodiscard]] const L* as() const noexcept {
    return held_by<detail::LearnerModel<L>>();
  }
};

}  // namespace attune
