// SPDX-License-Identifier: Apache-2.0
/// @file
/// LinearLearner: a linear model that moves its weights after each example; how, a rule says.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include <attune/core/concepts.hpp>
#include <attune/policies/linear_loss.hpp>

namespace attune {

/// Memory of a rule that keeps a Cell beside each weight.
template <class Cell>
struct WeightCells {
  std::vector<Cell> cells;
  Cell bias{};  ///< beside the intercept

  bool operator==(const WeightCells&) const = default;
};

/// Learns s = w.x + intercept for a Loss, one example at a time.
///
/// A Rule has a Config with the members `loss`, `clip`, `intercept` and `quantile`, a type State (what it
/// remembers beside the weights) and the constants kName, kTitle and kStateVersion. The rules are sgd.hpp,
/// adagrad.hpp, adam.hpp and ftrl.hpp; their formulas are in the sources, compiled once each.
///
/// Cost: O(non-zero features), none allocates. Memory: 8 bytes a feature, and what the rule says.
template <class Rule>
class LinearLearner {
 public:
  using Config = typename Rule::Config;

  static constexpr std::string_view kName = Rule::kName;
  static constexpr std::uint32_t kStateVersion = Rule::kStateVersion;

  /// Errors: invalid_config, naming the field.
  [[nodiscard]] static Result<LinearLearner> make(const Config& config, const Shape& shape);

  /// Errors: dimension_mismatch, non_finite (also a gradient beyond 1e100), invalid_argument (weight < 0, or
  /// a target that the loss does not have).
  [[nodiscard]] Errc partial_fit(const Input& input, double target, double weight) noexcept;
  /// What the loss makes of the score, see Loss.
  [[nodiscard]] double predict(const Input& input) const noexcept;

  [[nodiscard]] double weight(std::size_t feature) const noexcept;
  [[nodiscard]] double intercept() const noexcept { return model_.bias; }
  [[nodiscard]] std::uint64_t updates() const noexcept { return updates_; }

  void save(Writer& writer) const;
  /// Errors: corrupt_state; unchanged on error.
  [[nodiscard]] Result<void> load(Reader& reader);
  [[nodiscard]] Description describe() const;
  [[nodiscard]] bool operator==(const LinearLearner&) const = default;

 private:
  LinearLearner(const Config& config, LinearModel model);

  Config config_;
  LinearModel model_;
  typename Rule::State state_;
  std::uint64_t updates_ = 0;
};

}  // namespace attune
