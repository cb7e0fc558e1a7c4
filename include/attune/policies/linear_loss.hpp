// SPDX-License-Identifier: Apache-2.0
/// @file
/// What the linear learners share: losses, and the sum w.x over dense or sparse features.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include <attune/core/concepts.hpp>

namespace attune {

/// What a linear learner minimises, for score s = w.x + intercept and target y.
enum class Loss : std::uint8_t {
  squared,   ///< (s - y)^2 / 2; predicts s; y any finite number
  logistic,  ///< ln(1 + e^s) - y s; predicts 1 / (1 + e^-s); y in [0, 1]
  hinge,     ///< max(0, 1 - (2y - 1) s); predicts (s + 1) / 2, the border at 1/2; y in [0, 1]
  quantile,  ///< max(q (y - s), (1 - q) (s - y)); predicts s, the quantile q of y; y any finite number
  poisson,   ///< e^s - y s; predicts e^s, a rate; y >= 0
};
template <>
inline constexpr std::array<std::string_view, 5> kEnumNames<Loss>{"squared", "logistic", "hinge", "quantile",
                                                                  "poisson"};

/// Does the loss have this finite target?
[[nodiscard]] bool target_fits(Loss loss, double target) noexcept;

/// Errors: invalid_config, for learners that have squared and logistic loss only.
[[nodiscard]] Result<void> check_curved_loss(std::string_view learner, Loss loss);

/// The weights of a linear model and its score; the learners add how to change them.
struct LinearModel {
  std::size_t features = 0;
  bool sparse = false;
  Loss loss = Loss::squared;
  bool intercept = true;
  double quantile = 0.5;  ///< of quantile loss
  std::vector<double> weights;
  double bias = 0.0;

  /// One example as the learners use it.
  struct Example {
    double score = 0.0;
    double derivative = 0.0;  ///< of the loss by the score, clipped, times the example's weight
    double largest = 0.0;     ///< largest |x_i|, at least 1 with an intercept
  };

  /// Errors: invalid_config.
  [[nodiscard]] static Result<LinearModel> make(std::string_view learner, const Shape& shape, Loss loss,
                                                bool intercept, double quantile = 0.5);

  /// scale * w.x + bias. Overflow gives the largest number of the right sign, never NaN.
  [[nodiscard]] double score(const Input& input, double scale) const noexcept;
  /// d loss / d score.
  [[nodiscard]] double slope(double score, double target) const noexcept;
  /// What the loss makes of a score.
  [[nodiscard]] double predict(const Input& input, double scale) const noexcept;
  /// Checks an example and prepares its gradient. Errors: dimension_mismatch, non_finite, invalid_argument
  /// (weight < 0, or a target that the loss does not have). A gradient beyond kLargestGradient counts as
  /// non_finite.
  [[nodiscard]] Errc prepare(const Input& input, double target, double weight, double clip, double scale,
                             Example& example) const noexcept;

  /// Calls visit(i, x_i) for every feature that is not zero.
  template <class Visitor>
  void for_each_feature(const Input& input, Visitor&& visit) const noexcept {
    if (sparse) {
      for (std::size_t k = 0; k < input.sparse.index.size(); ++k) {
        if (input.sparse.value[k] != 0.0) {
          visit(std::size_t{input.sparse.index[k]}, input.sparse.value[k]);
        }
      }
    } else {
      for (std::size_t i = 0; i < input.dense.size(); ++i) {
        if (input.dense[i] != 0.0) {
          visit(i, input.dense[i]);
        }
      }
    }
  }

  /// Values, the intercept, and the largest weights, for describe().
  void describe(Description& text, double scale) const;

  bool operator==(const LinearModel&) const = default;

  static constexpr std::size_t kMaxFeatures = std::size_t{1} << 28;
  /// Gradients up to here keep every weight and sum of squares far from overflow.
  static constexpr double kLargestGradient = 1e100;
  /// No weight gets larger than this.
  static constexpr double kLargestWeight = 1e150;
};

}  // namespace attune
