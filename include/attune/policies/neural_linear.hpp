// SPDX-License-Identifier: Apache-2.0
/// @file
/// NeuralLinearLearner: Bayesian regression over features that a small neural network learns online.
#pragma once

#include <cstdint>
#include <string_view>
#include <utility>

#include <attune/core/concepts.hpp>
#include <attune/policies/bayes_linear.hpp>
#include <attune/policies/neural_arms.hpp>

namespace attune {

/// Options of NeuralLinearLearner.
struct NeuralLinearConfig {
  Loss loss = Loss::squared;
  NeuralOptions neural{};

  template <class Self, class Visitor>
  static constexpr void fields(Self& self, Visitor&& visit) {
    visit("loss", self.loss, Bounds{}, "squared error, or logistic loss for targets in [0, 1]");
    NeuralOptions::fields(self.neural, visit);
  }
  bool operator==(const NeuralLinearConfig&) const = default;
};

/// NeuralArms with one arm: the score is a Bayesian linear regression's over the hidden units of a network,
/// the features themselves and a constant. Examples are learned at once; the network learns beside them from
/// those that are kept, and then the regression is learned anew from these.
///
/// The variance of a prediction is that of the regression, times the mean squared error of the predictions
/// that were made before their targets were known (squared loss; 1 before the first).
///
/// Source: see NeuralArms.
///
/// Cost and memory: those of NeuralArms; O(units features) to predict without the variance. Nothing allocates
/// after `make`. Limits: dense contexts of at most 511 features; the world is taken to stay as it is.
class NeuralLinearLearner {
 public:
  using Config = NeuralLinearConfig;

  static constexpr std::string_view kName = "neural_linear";
  static constexpr std::uint32_t kStateVersion = 1;

  /// Errors: invalid_config, naming the field; unsupported for sparse contexts.
  [[nodiscard]] static Result<NeuralLinearLearner> make(const Config& config, const Shape& shape);

  /// Errors: dimension_mismatch, non_finite (also features beyond 1e20, a target beyond 1e100, a weight
  /// beyond 1e9), invalid_argument (weight < 0, or a logistic target outside [0, 1]).
  [[nodiscard]] Errc partial_fit(const Input& input, double target, double weight) noexcept;
  /// The score, or the probability of the mean weights with logistic loss.
  [[nodiscard]] double predict(const Input& input) const noexcept;
  /// With the variance; NaN as predict. Cost: O((units + features)^2).
  [[nodiscard]] Prediction predict_with_variance(const Input& input) const noexcept;

  [[nodiscard]] std::uint64_t updates() const noexcept { return updates_; }
  /// The network and its head.
  [[nodiscard]] const NeuralArms& model() const noexcept { return model_; }

  void save(Writer& writer) const;
  /// Errors: corrupt_state; unchanged on error.
  [[nodiscard]] Result<void> load(Reader& reader);
  [[nodiscard]] Description describe() const;
  [[nodiscard]] bool operator==(const NeuralLinearLearner&) const = default;

 private:
  NeuralLinearLearner(const Config& config, NeuralArms model) : config_(config), model_(std::move(model)) {}
  [[nodiscard]] double noise() const noexcept;

  Config config_;
  NeuralArms model_;
  std::uint64_t updates_ = 0;
  double errors_ = 0.0;   // squared, weighted; squared loss
  double weights_ = 0.0;  // of these
};

}  // namespace attune
