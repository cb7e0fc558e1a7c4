// SPDX-License-Identifier: Apache-2.0
/// @file
/// SplineSquareCb: a continuous action by inverse gap weighting over a spline of the rewards, with a context.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include <attune/core/continuous.hpp>
#include <attune/core/ridge_bank.hpp>

namespace attune {

/// Options of SplineSquareCb.
struct SplineSquareCbConfig {
  double low = 0.0;
  double high = 1.0;
  std::uint32_t basis = 8;
  std::uint32_t cells = 64;
  double gamma = 10.0;
  double ridge = 0.1;
  double forgetting = 1.0;

  template <class Self, class Visitor>
  static constexpr void fields(Self& self, Visitor&& visit) {
    visit("low", self.low, Bounds{-1e9, 1e9}, "smallest action");
    visit("high", self.high, Bounds{-1e9, 1e9}, "largest action; above low");
    visit("basis", self.basis, Bounds{4, 32},
          "basis functions of the spline, and segments that are explored");
    visit("cells", self.cells, Bounds{8, 512},
          "the best action is spread over one of so many parts of the range");
    visit("gamma", self.gamma, Bounds{1e-6, 1e9},
          "how fast exploration of what is worse fades, per unit of reward");
    visit("ridge", self.ridge, Bounds{1e-9, 1e9}, "regularisation of the spline's coefficients");
    visit("forgetting", self.forgetting, Bounds{0.01, 1}, "weight of the past at each reward");
  }
  bool operator==(const SplineSquareCbConfig&) const = default;
};

/// Expects the reward of action a in context x to be f(x, a) = theta' (B(a) (x) z), z = (x, 1): a cubic
/// spline in the action whose coefficients are linear in the context, learned by ridge regression. The range
/// is cut into `basis` segments and, more finely, into `cells`. The action is drawn uniformly from
///
///     segment i with probability 1 / (basis + 1 + gamma sqrt(t) gap_i),     gap_i = max f - mean of f over
///     segment i, the cell with the largest f with the probability that is left,
///
/// t: rewards learned. So the density is known for every action and nowhere zero, exploration fades with t,
/// and what is close to the best keeps being tried.
///
/// Source: Foster, Rakhlin (2020), "Beyond UCB: Optimal and Efficient Contextual Bandits with Regression
/// Oracles", ICML, algorithm 1 (SquareCB); for continuous actions Zhu, Mineiro (2022), "Contextual Bandits
/// with Smooth Regret", ICML, section 3, and for exploring as many places as the model has dimensions, not as
/// many as there are actions, Zhu, Foster, Langford, Mineiro (2022), "Contextual Bandits with Large Action
/// Spaces", ICML (SpannerIGW). Differences: segments stand for their spanner; the regression is ridge over a
/// spline; gamma grows as sqrt(t).
///
/// Rewards: any finite number, of size about 1 for the default gamma. Cost, D = basis (features + 1): select
/// D + 4 cells multiply-adds, update 2 D^2; neither allocates. Memory: 8 D^2 bytes. Limits: one dimension;
/// dense contexts; what is steeper than the spline can follow is smoothed, and the best action is only known
/// to a cell.
class SplineSquareCb {
 public:
  using Config = SplineSquareCbConfig;

  static constexpr std::string_view kName = "spline_square_cb";
  static constexpr std::uint32_t kStateVersion = 1;

  /// Errors: invalid_config, naming the field; unsupported for sparse contexts.
  [[nodiscard]] static Result<SplineSquareCb> make(const Config& config, const Shape& shape);

  [[nodiscard]] ActionDensity select_action(const Context& context, Rng& rng,
                                            std::span<double> out) const noexcept;
  [[nodiscard]] double density(const Context& context, Features action) const noexcept;
  /// Errors: dimension_mismatch, non_finite (also: a result beyond the finite numbers), invalid_argument
  /// (weight, action outside the range).
  [[nodiscard]] Errc update(const ActionFeedback& feedback) noexcept;

  [[nodiscard]] static constexpr std::size_t dimension() noexcept { return 1; }
  [[nodiscard]] Bounds range(std::size_t /*coordinate*/) const noexcept {
    return {config_.low, config_.high};
  }
  [[nodiscard]] std::uint64_t updates() const noexcept { return updates_; }
  /// f(x, a); NaN for an input of another form or an action outside the range.
  [[nodiscard]] double expectation(const Input& input, double action) const noexcept;

  void save(Writer& writer) const;
  /// Errors: corrupt_state; unchanged on error.
  [[nodiscard]] Result<void> load(Reader& reader);
  [[nodiscard]] Description describe() const;
  [[nodiscard]] bool operator==(const SplineSquareCb& other) const {
    return updates_ == other.updates_ && model_ == other.model_;
  }

  static constexpr std::size_t kMaxBasis = 32;
  static constexpr std::size_t kMaxCells = 512;

 private:
  /// The four basis functions that are not zero at an action, the first of them and their values.
  struct Basis {
    std::size_t first = 0;
    std::array<double, 4> value{};
  };
  /// What an action is drawn from.
  struct Spread {
    std::array<double, kMaxBasis> segment{};
    double best = 1.0;     ///< probability of the best cell
    std::size_t cell = 0;  ///< which one
  };
  using Coefficients = std::array<double, kMaxBasis>;

  SplineSquareCb(const Config& config, const Shape& shape, RidgeBank model);
  [[nodiscard]] double share(double action) const noexcept {
    return (action - config_.low) / (config_.high - config_.low);
  }
  [[nodiscard]] Basis basis_at(double share) const noexcept;
  [[nodiscard]] Coefficients coefficients(Features input) const noexcept;
  [[nodiscard]] Spread spread(Features input) const noexcept;
  [[nodiscard]] double density_of(const Spread& spread, double action) const noexcept;

  Config config_;
  std::size_t features_;
  RidgeBank model_;
  std::uint64_t updates_ = 0;
  std::vector<Basis> at_cell_;  // derived: at the middle of each cell
  std::vector<double> point_;   // scratch of one update
};

}  // namespace attune
