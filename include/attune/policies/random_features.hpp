// SPDX-License-Identifier: Apache-2.0
/// @file
/// RandomFeatures: Bayesian regression over random cosines of the features: smooth functions of any form.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include <attune/core/concepts.hpp>
#include <attune/policies/bayes_linear.hpp>
#include <attune/policies/context_scaling.hpp>
#include <attune/policies/gaussian_weights.hpp>
#include <attune/policies/linear_loss.hpp>

namespace attune {

/// Options of RandomFeatures.
struct RandomFeaturesConfig {
  Loss loss = Loss::squared;
  std::uint64_t count = 128;
  double width = 0.5;
  std::uint64_t seed = 0;
  double prior_variance = 10.0;
  double linear_variance = 1.0;
  double constant_variance = 100.0;
  double noise = 1.0;
  std::uint64_t settle = 1000;

  template <class Self, class Visitor>
  static constexpr void fields(Self& self, Visitor&& visit) {
    visit("loss", self.loss, Bounds{}, "squared error, or logistic loss for targets in [0, 1]");
    visit("count", self.count, Bounds{1, 512}, "cosines");
    visit("width", self.width, Bounds{1e-3, 1e3},
          "distance over which the function changes, in deviations of a feature times sqrt(features)");
    visit("seed", self.seed, Bounds{0, 9e15}, "what the cosines are drawn from");
    visit("prior_variance", self.prior_variance, Bounds{1e-12, 1e12},
          "variance of what the cosines add up to, before any example");
    visit("linear_variance", self.linear_variance, Bounds{1e-12, 1e12},
          "variance of what the features themselves add up to, before any example");
    visit("constant_variance", self.constant_variance, Bounds{1e-12, 1e12}, "variance of the constant");
    visit("noise", self.noise, Bounds{1e-12, 1e12},
          "variance of a target about its score; squared loss only");
    visit("settle", self.settle, Bounds{2, 1e9}, "examples after which the scale of the features stays");
  }
  bool operator==(const RandomFeaturesConfig&) const = default;
};

/// With z the features at mean 0 and deviation 1, divided by sqrt(features), the score is linear in
///
///     sqrt(2 / count) cos(w_j.z + b_j), j = 1 ... count;   z;   and a constant 1,
///
/// w_j ~ N(0, 1 / width^2) in each coordinate and b_j uniform on a circle, drawn once from `seed`. The inner
/// product of two such vectors of cosines is exp(-|z - z'|^2 / (2 width^2)) on average: this is a Gaussian
/// process with that kernel, of rank `count`. Weights are learned as BayesLinearLearner learns them, with
/// the step of logistic loss solved to the end.
///
/// The scale of the features is looked at after 2, 3, 4, 6, 9, ... examples and taken anew where it moved by
/// more than a tenth of a deviation; what was learned before then counts half. After `settle` examples it
/// stays, so that the cosines stay the same. A feature that had been constant gets its scale when it first
/// differs.
///
/// Source: Rahimi, Recht (2007), "Random Features for Large-Scale Kernel Machines", NIPS. The linear part and
/// the running scale are additions.
///
/// Cost, for n = count + features + 1: O(n^2) to learn, O(count features) to predict without the variance;
/// 4 n^2 + 8 count features bytes. Nothing allocates after `make`. At most 511 features.
/// Limits: dense contexts. Contexts of many features that say nothing look all equally far apart.
class RandomFeatures {
 public:
  using Config = RandomFeaturesConfig;

  static constexpr std::string_view kName = "random_features";
  static constexpr std::uint32_t kStateVersion = 1;
  static constexpr std::size_t kMaxFeatures = 511;

  /// Errors: invalid_config, naming the field; unsupported for sparse contexts.
  [[nodiscard]] static Result<RandomFeatures> make(const Config& config, const Shape& shape);

  /// Errors: dimension_mismatch, non_finite (also features beyond 1e20, a target beyond 1e100, a weight
  /// beyond 1e9), invalid_argument (weight < 0, or a logistic target outside [0, 1]).
  [[nodiscard]] Errc partial_fit(const Input& input, double target, double weight) noexcept;
  /// The score, or the probability of the mean weights with logistic loss.
  [[nodiscard]] double predict(const Input& input) const noexcept;
  /// With the variance; NaN as predict. Cost: O(n^2).
  [[nodiscard]] Prediction predict_with_variance(const Input& input) const noexcept;

  [[nodiscard]] std::uint64_t updates() const noexcept { return updates_; }

  void save(Writer& writer) const;
  /// Errors: corrupt_state; unchanged on error.
  [[nodiscard]] Result<void> load(Reader& reader);
  [[nodiscard]] Description describe() const;
  [[nodiscard]] bool operator==(const RandomFeatures& other) const {
    return config_ == other.config_ && scaling_ == other.scaling_ && belief_ == other.belief_ &&
           updates_ == other.updates_;
  }

 private:
  RandomFeatures(const Config& config, const Shape& shape, GaussianWeights belief);
  [[nodiscard]] std::size_t count() const noexcept { return phase_.size(); }
  void rescale(Features x) noexcept;
  void write_features(Features x, std::span<double> z) const noexcept;

  Config config_;
  std::size_t features_;
  ContextScaling scaling_;
  GaussianWeights belief_;
  std::uint64_t updates_ = 0;
  // Drawn from the seed; no part of the state. In turns: 1 is a whole circle.
  std::vector<double> frequency_;  // of one feature after the other
  std::vector<double> phase_;
  // Of the example being learned; no part of the state.
  std::vector<double> z_;
  std::vector<double> gain_;
};

}  // namespace attune
