// SPDX-License-Identifier: Apache-2.0
/// @file
/// SgdLearner: linear or logistic regression by online gradient descent.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include <attune/core/concepts.hpp>
#include <attune/policies/linear_learner.hpp>

namespace attune {

/// How the step size depends on the number t = 1, 2, ... of the example.
enum class RateSchedule : std::uint8_t {
  inverse_sqrt,  ///< rate / sqrt(t)
  constant,      ///< rate
  exponential,   ///< rate 2^(-(t - 1) / period)
  cosine,        ///< rate (1 + cos(pi (t - 1) / period)) / 2, from t = period on a hundredth of rate
  adaptive,      ///< rate / sqrt(1 + sum of |gradient|^2)
};
template <>
inline constexpr std::array<std::string_view, 5> kEnumNames<RateSchedule>{
    "inverse_sqrt", "constant", "exponential", "cosine", "adaptive"};

/// Options of SgdLearner.
struct SgdConfig {
  Loss loss = Loss::squared;
  double rate = 0.1;
  RateSchedule schedule = RateSchedule::inverse_sqrt;
  double l2 = 1e-6;
  double clip = 0.0;
  double radius = 0.0;
  bool intercept = true;
  double quantile = 0.5;
  double period = 10'000.0;

  template <class Self, class Visitor>
  static constexpr void fields(Self& self, Visitor&& visit) {
    visit("loss", self.loss, Bounds{}, "what is minimised; see LinearModel");
    visit("rate", self.rate, Bounds{1e-12, 1e3}, "step size, of the first step where it falls");
    visit("schedule", self.schedule, Bounds{}, "how the step size falls");
    visit("l2", self.l2, Bounds{0, 1e3}, "strength of the penalty l2/2 |w|^2; the intercept is free");
    visit("clip", self.clip, Bounds{0, 1e100}, "bound on |d loss / d score| of one example; 0: none");
    visit("radius", self.radius, Bounds{0, 1e100}, "weights are projected onto |w| <= radius; 0: not");
    visit("intercept", self.intercept, Bounds{0, 1}, "learn a constant beside the weights");
    visit("quantile", self.quantile, Bounds{0, 1}, "which quantile, with quantile loss");
    visit("period", self.period, Bounds{1, 1e15}, "examples: half-life of exponential, length of cosine");
  }
  bool operator==(const SgdConfig&) const = default;
};

/// Moves the weights against the gradient of each example,
///
///     w <- project( (w - eta_t weight dloss/ds x) / (1 + eta_t weight l2) ),    eta_t = rate / sqrt(t) or
///     rate,
///
/// or another schedule (RateSchedule), where s = w.x + intercept. The intercept moves likewise, unpenalised.
///
/// Source: Zinkevich (2003), "Online Convex Programming and Generalized Infinitesimal Gradient Ascent", ICML:
/// regret O(sqrt(T)) with rate / sqrt(t) and projection; Loshchilov, Hutter (2017), "SGDR", ICLR, for cosine;
/// Ward, Wu, Bottou (2019), "AdaGrad Stepsizes", ICML, for adaptive (b_0 = 1). Differences: the penalty is
/// applied implicitly (the division), which is stable for every step size, and equals the gradient step to
/// first order; projection is optional.
///
/// Cost: O(non-zero features), none allocates: the penalty is one common factor of all weights. Every so
/// often (rarely) one pass over all weights. Memory: 8 bytes a feature. Limits: features should have about
/// unit size: with squared loss steps diverge once rate |x|^2 > 2. `adagrad` and `ftrl` find the scale of
/// each feature themselves.
struct SgdRule {
  using Config = SgdConfig;
  static constexpr std::string_view kName = "sgd";
  static constexpr std::string_view kTitle = "gradient descent";
  static constexpr std::uint32_t kStateVersion = 2;

  struct State {
    double scale = 1.0;               ///< the common factor of all weights
    double squares = 0.0;             ///< |w|^2, kept up for the projection only
    double gradient_squares = 0.0;    ///< sum of |gradient|^2, for the adaptive schedule only
    std::uint64_t since_squares = 0;  ///< examples since `squares` was computed anew
    std::uint64_t steps = 0;          ///< examples of weight > 0

    bool operator==(const State&) const = default;
  };
};

using SgdLearner = LinearLearner<SgdRule>;
extern template class LinearLearner<SgdRule>;

}  // namespace attune
