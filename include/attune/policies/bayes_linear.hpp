// SPDX-License-Identifier: Apache-2.0
/// @file
/// BayesLinearLearner: Bayesian linear and logistic regression, and recursive least squares, online.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include <attune/core/concepts.hpp>
#include <attune/policies/gaussian_weights.hpp>
#include <attune/policies/linear_loss.hpp>

namespace attune {

/// Options of BayesLinearLearner.
struct BayesLinearConfig {
  Loss loss = Loss::squared;
  double prior_variance = 1.0;
  double constant_variance = 100.0;
  double noise = 1.0;
  double forgetting = 1.0;
  double drift = 0.0;

  template <class Self, class Visitor>
  static constexpr void fields(Self& self, Visitor&& visit) {
    visit("loss", self.loss, Bounds{}, "squared error, or logistic loss for targets in [0, 1]");
    visit("prior_variance", self.prior_variance, Bounds{1e-12, 1e12},
          "variance of a weight before any example");
    visit("constant_variance", self.constant_variance, Bounds{1e-12, 1e12}, "the same of the constant");
    visit("noise", self.noise, Bounds{1e-12, 1e12},
          "variance of a target about its score; squared loss only");
    visit("forgetting", self.forgetting, Bounds{0.5, 1},
          "part of what was learned that an example leaves: recursive least squares with forgetting below 1");
    visit("drift", self.drift, Bounds{0, 0.5},
          "part by which a belief returns to its prior with each example");
  }
  bool operator==(const BayesLinearConfig&) const = default;
};

/// A prediction and how sure of it the learner is.
struct Prediction {
  double mean = 0.0;      ///< score; with logistic loss the probability, averaged over the belief
  double variance = 0.0;  ///< of the score, without the noise of a target
};

/// Keeps the whole posterior N(m, P) of the weights of a linear model. With z the features and a constant 1,
///
///     tau = z'P z,   m <- m + P z r,   P <- P - v / (1 + v tau) P z z'P,
///
/// squared loss: v = 1 / noise, r = v (y - m.z) / (1 + v tau): exactly Bayes' rule, and recursive least
/// squares, whose ridge is noise / prior_variance. Logistic loss: r = y - p(m.z + tau r) and v = p (1 - p)
/// there: Laplace's approximation after each example, solved with one Newton step.
///
/// With `forgetting` f < 1 every example first divides P by f: old examples weigh f^age. No variance passes
/// its prior, so that directions which are not seen do not wind up. With `drift` q > 0, P <- (1 - q) P + q
/// prior after each example: weights are believed to move.
///
/// Sources: Bishop (2006), "Pattern Recognition and Machine Learning", sections 3.3 and 4.5; Haykin (2002),
/// "Adaptive Filter Theory", chapter 9; MacKay (1992), "The Evidence Framework Applied to Classification
/// Networks", for the probability averaged over the belief: p(s / sqrt(1 + pi tau / 8)).
///
/// Cost: O(features^2) to learn, O(features) to predict without the variance; 4 features^2 bytes. Nothing
/// allocates after `make`. At most 1024 features.
/// Limits: features should have about unit size (the prior is the same for all); `auto_linear` scales them.
class BayesLinearLearner {
 public:
  using Config = BayesLinearConfig;

  static constexpr std::string_view kName = "bayes_linear";
  static constexpr std::uint32_t kStateVersion = 1;
  static constexpr std::size_t kMaxFeatures = 1024;

  /// Errors: invalid_config, naming the field.
  [[nodiscard]] static Result<BayesLinearLearner> make(const Config& config, const Shape& shape);

  /// Errors: dimension_mismatch, non_finite (also features beyond 1e20, a target beyond 1e100, a weight
  /// beyond 1e9), invalid_argument (weight < 0, or a logistic target outside [0, 1]).
  [[nodiscard]] Errc partial_fit(const Input& input, double target, double weight) noexcept;
  /// The score, or the probability of the mean weights with logistic loss.
  [[nodiscard]] double predict(const Input& input) const noexcept;
  /// With the variance; NaN as predict. Cost: O(features^2).
  [[nodiscard]] Prediction predict_with_variance(const Input& input) const noexcept;

  [[nodiscard]] double weight(std::size_t feature) const noexcept { return belief_.mean(feature); }
  [[nodiscard]] double intercept() const noexcept { return belief_.mean(features_); }
  /// Of two weights; the constant's is the last, at features.
  [[nodiscard]] double covariance(std::size_t row, std::size_t column) const noexcept {
    return belief_.covariance(row, column);
  }
  [[nodiscard]] std::uint64_t updates() const noexcept { return updates_; }

  void save(Writer& writer) const;
  /// Errors: corrupt_state; unchanged on error.
  [[nodiscard]] Result<void> load(Reader& reader);
  [[nodiscard]] Description describe() const;
  [[nodiscard]] bool operator==(const BayesLinearLearner& other) const {
    return config_ == other.config_ && features_ == other.features_ && sparse_ == other.sparse_ &&
           belief_ == other.belief_ && updates_ == other.updates_;
  }

 private:
  BayesLinearLearner(const Config& config, const Shape& shape, GaussianWeights belief);
  [[nodiscard]] double score(const Input& input) const noexcept;

  Config config_;
  std::size_t features_;
  bool sparse_;
  GaussianWeights belief_;
  std::uint64_t updates_ = 0;
  // Of the example being learned; no part of the state.
  std::vector<double> z_;
  std::vector<double> gain_;
};

}  // namespace attune
