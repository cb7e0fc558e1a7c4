// SPDX-License-Identifier: Apache-2.0
/// @file
/// AdamLearner: linear regression, logistic regression and others by Adam.
#pragma once

#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include <attune/core/concepts.hpp>
#include <attune/policies/linear_loss.hpp>

namespace attune {

/// Options of AdamLearner, with the names of the paper.
struct AdamConfig {
  Loss loss = Loss::squared;
  double rate = 0.01;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-8;
  double clip = 0.0;
  bool intercept = true;
  double quantile = 0.5;

  template <class Self, class Visitor>
  static constexpr void fields(Self& self, Visitor&& visit) {
    visit("loss", self.loss, Bounds{}, "what is minimised; see LinearModel");
    visit("rate", self.rate, Bounds{1e-12, 1e3}, "size of a step, nearly");
    visit("beta1", self.beta1, Bounds{0, 0.999999}, "memory of the mean gradient");
    visit("beta2", self.beta2, Bounds{0, 0.999999}, "memory of the mean squared gradient");
    visit("epsilon", self.epsilon, Bounds{1e-100, 1e6}, "added to the root of the mean square");
    visit("clip", self.clip, Bounds{0, 1e100}, "bound on |d loss / d score| of one example; 0: none");
    visit("intercept", self.intercept, Bounds{0, 1}, "learn a constant beside the weights");
    visit("quantile", self.quantile, Bounds{0, 1}, "which quantile, with quantile loss");
  }
  bool operator==(const AdamConfig&) const = default;
};

/// Steps along a fading mean of gradients, each divided by the root of a fading mean of squares,
///
///     m_i <- beta1 m_i + (1 - beta1) g_i,   v_i <- beta2 v_i + (1 - beta2) g_i^2,
///     w_i <- w_i - rate (m_i / (1 - beta1^t_i)) / (sqrt(v_i / (1 - beta2^t_i)) + epsilon),
///
/// for every i with x_i not zero; g_i = weight dloss/ds x_i, and t_i counts the examples that had i.
///
/// Source: Kingma, Ba (2015), "Adam: A Method for Stochastic Optimization", ICLR, Algorithm 1. Difference: a
/// weight moves only when its feature is present, so that sparse examples cost what they hold; on dense input
/// it is the paper's.
///
/// Cost: O(non-zero features), none allocates. Memory: 40 bytes a feature.
/// Limits: steps do not shrink: it follows a world that changes, and never settles.
class AdamLearner {
 public:
  using Config = AdamConfig;

  static constexpr std::string_view kName = "adam";
  static constexpr std::uint32_t kStateVersion = 1;

  /// Errors: invalid_config, naming the field.
  [[nodiscard]] static Result<AdamLearner> make(const Config& config, const Shape& shape);

  /// Errors: dimension_mismatch, non_finite (also a gradient beyond 1e100), invalid_argument (weight < 0, or
  /// a target that the loss does not have).
  [[nodiscard]] Errc partial_fit(const Input& input, double target, double weight) noexcept;
  /// What the loss makes of the score, see Loss.
  [[nodiscard]] double predict(const Input& input) const noexcept { return model_.predict(input, 1.0); }

  [[nodiscard]] double weight(std::size_t feature) const noexcept { return model_.weights[feature]; }
  [[nodiscard]] double intercept() const noexcept { return model_.bias; }
  [[nodiscard]] std::uint64_t updates() const noexcept { return updates_; }

  void save(Writer& writer) const;
  /// Errors: corrupt_state; unchanged on error.
  [[nodiscard]] Result<void> load(Reader& reader);
  [[nodiscard]] Description describe() const;
  [[nodiscard]] bool operator==(const AdamLearner&) const = default;

 private:
  /// Of one weight. `first` and `second` are beta1^t and beta2^t: products, not powers.
  struct Moments {
    double mean = 0.0;
    double square = 0.0;
    double first = 1.0;
    double second = 1.0;

    bool operator==(const Moments&) const = default;
  };

  AdamLearner(const Config& config, LinearModel model)
      : config_(config), model_(std::move(model)), moments_(model_.features) {}
  [[nodiscard]] double step(double gradient, Moments& moments) const noexcept;

  Config config_;
  LinearModel model_;
  std::vector<Moments> moments_;
  Moments bias_moments_;
  std::uint64_t updates_ = 0;
};

}  // namespace attune
