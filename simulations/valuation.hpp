// SPDX-License-Identifier: Apache-2.0
/// @file
/// Valuation: the reward of an outcome as the simulator computes it, beside the engine, to measure regret.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include <attune/core/error.hpp>

namespace attune::sim {

/// The part of a point's reward specification that says what a complete outcome is worth:
///
///     clip( sum over components of weight * normalised(value) ), or breach_reward when a limit is broken.
///
/// Running normalisation is refused: what is learned would then have no fixed scale to measure regret on.
class Valuation {
 public:
  /// `reward` is the "reward" object of an engine point; `components` are the environment's.
  /// Errors: invalid_config (a component that the environment does not have, running normalisation).
  [[nodiscard]] static Result<Valuation> make(const nlohmann::json& reward,
                                              const std::vector<std::string>& components);

  /// `outcome` holds one number per component of the environment.
  [[nodiscard]] double value(std::span<const double> outcome) const;

  /// True when the value of an average is the average of the values.
  [[nodiscard]] bool linear() const noexcept { return linear_; }
  /// Indices of the components that the engine is told, in the environment's order.
  [[nodiscard]] const std::vector<std::size_t>& used() const noexcept { return used_; }
  /// Index of the component that counts as cost: "cost", else the first with a negative weight.
  [[nodiscard]] bool has_cost() const noexcept { return cost_ < kNone; }
  [[nodiscard]] std::size_t cost() const noexcept { return cost_; }

 private:
  struct Term {
    std::size_t component = 0;
    double weight = 1.0;
    bool scaled = false;  ///< (x - low) / (high - low), cut to [0, 1]
    double low = 0.0;
    double high = 1.0;
    double limit_min = 0.0;  ///< -infinity: none
    double limit_max = 0.0;  ///< infinity: none
  };
  static constexpr std::size_t kNone = static_cast<std::size_t>(-1);

  static Result<Term> read_term(const std::string& name, const nlohmann::json& object);

  std::vector<Term> terms_;
  std::vector<std::size_t> used_;
  double breach_reward_ = 0.0;
  double clip_min_ = 0.0;
  double clip_max_ = 0.0;
  bool linear_ = true;
  std::size_t cost_ = kNone;
};

/// The reward specification used when a scenario gives none: the first component counts, the others are only
/// recorded.
[[nodiscard]] nlohmann::json default_reward(const std::vector<std::string>& components);

}  // namespace attune::sim
