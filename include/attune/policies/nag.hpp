// SPDX-License-Identifier: Apache-2.0
/// @file
/// NagLearner: linear or logistic regression whose steps depend neither on the units of features nor on how
/// an importance is cut into examples.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include <attune/core/concepts.hpp>
#include <attune/policies/linear_loss.hpp>

namespace attune {

/// Options of NagLearner.
struct NagConfig {
  Loss loss = Loss::squared;
  double rate = 0.5;
  bool intercept = true;

  template <class Self, class Visitor>
  static constexpr void fields(Self& self, Visitor&& visit) {
    visit("loss", self.loss, Bounds{}, "squared error, or logistic loss for targets in [0, 1]");
    visit("rate", self.rate, Bounds{1e-12, 1e3}, "size of the first steps");
    visit("intercept", self.intercept, Bounds{0, 1}, "learn a constant beside the weights");
  }
  bool operator==(const NagConfig&) const = default;
};

/// Normalised adaptive gradient descent with importance-aware steps. For every i with x_i not zero:
///
///     if |x_i| > s_i:  w_i <- w_i s_i / |x_i|,  s_i <- |x_i|
///     N <- N + weight x_i^2 / s_i^2,   G_i <- G_i + weight (dloss/ds x_i)^2
///     c_i = rate sqrt(T / N) / (s_i sqrt(G_i)),   w_i <- w_i + u c_i x_i,
///
/// T the sum of weights. Instead of the gradient, u follows it along the step: it solves du/dh = -dloss/ds(s
/// + u q), u(0) = 0, q = sum of c_i x_i^2, at h = weight. Squared loss: u = (y - s) (1 - e^(-weight q)) / q.
/// Logistic loss, y = 1: d = u q solves e^s (e^d - 1) + d = weight q; y = 0 mirrored; other targets take the
/// implicit step. So no step passes the target, and with the scales at rest two examples are one of twice the
/// weight.
///
/// Sources: Ross, Mineiro, Langford (2013), "Normalized Online Learning", UAI, Algorithm 2 (NAG);
/// Karampatziakis, Langford (2011), "Online Importance Weight Aware Updates", UAI, Table 1. Difference: G_i
/// and N count weights.
///
/// Cost: O(non-zero features), none allocates. Memory: 24 bytes a feature.
/// Limits: as AdaGrad, steps only ever shrink; one enormous value of a feature makes its weight small for
/// good.
class NagLearner {
 public:
  using Config = NagConfig;

  static constexpr std::string_view kName = "nag";
  static constexpr std::uint32_t kStateVersion = 1;
  static constexpr std::size_t kMaxFeatures = LinearModel::kMaxFeatures;

  /// Errors: invalid_config, naming the field.
  [[nodiscard]] static Result<NagLearner> make(const Config& config, const Shape& shape);

  /// Errors: dimension_mismatch, non_finite (also features or a target beyond 1e50, a weight beyond 1e9),
  /// invalid_argument (weight < 0, or a logistic target outside [0, 1]).
  [[nodiscard]] Errc partial_fit(const Input& input, double target, double weight) noexcept;
  /// The score, or the probability with logistic loss.
  [[nodiscard]] double predict(const Input& input) const noexcept;

  [[nodiscard]] double weight(std::size_t feature) const noexcept { return cells_[feature].weight; }
  [[nodiscard]] double intercept() const noexcept { return constant_.weight; }
  [[nodiscard]] std::uint64_t updates() const noexcept { return updates_; }

  void save(Writer& writer) const;
  /// Errors: corrupt_state; unchanged on error.
  [[nodiscard]] Result<void> load(Reader& reader);
  [[nodiscard]] Description describe() const;
  [[nodiscard]] bool operator==(const NagLearner&) const = default;

 private:
  /// All of one weight, side by side.
  struct Cell {
    double weight = 0.0;
    double squares = 0.0;  ///< G
    double largest = 0.0;  ///< s

    bool operator==(const Cell&) const = default;
  };

  NagLearner(const Config& config, const Shape& shape)
      : config_(config), sparse_(shape.sparse), cells_(shape.features) {}
  template <class Visitor>
  void visit_features(const Input& input, Visitor&& visit) const noexcept;
  [[nodiscard]] double score(const Input& input) const noexcept;

  Config config_;
  bool sparse_;
  std::vector<Cell> cells_;
  Cell constant_;
  double norms_ = 0.0;    // N
  double weights_ = 0.0;  // T
  std::uint64_t updates_ = 0;
};

}  // namespace attune
