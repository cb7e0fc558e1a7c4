// SPDX-License-Identifier: Apache-2.0
/// @file
/// propensities(): with what probability a policy chooses each arm, also where select() does not say.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include <attune/core/error.hpp>
#include <attune/core/vocabulary.hpp>
#include <attune/engine/any_agent.hpp>
#include <attune/engine/any_bandit.hpp>

namespace attune {

/// How probabilities were found.
enum class PropensityMethod : std::uint8_t {
  closed_form = 0,  ///< the policy states them; exact
  quadrature = 1,   ///< from the laws of the scores, to about seven digits
  monte_carlo = 2,  ///< shares of repeated choices
};
[[nodiscard]] std::string_view to_string(PropensityMethod method) noexcept;

/// For the policies of which repeated choices are all that there is.
struct PropensityOptions {
  double error = 0.005;               ///< largest standard error that is wanted
  std::uint64_t most_draws = 65'536;  ///< at which it ends, whatever the error is by then
  std::uint64_t seed = 0;             ///< of the draws
};

/// Probabilities of a choice.
struct Propensities {
  std::vector<double> values;  ///< by slot, summing to 1; 0 for arms that cannot be chosen
  PropensityMethod method = PropensityMethod::closed_form;
  /// 0, or the estimated absolute error of the quadrature, or the largest standard error of the shares.
  double error = 0.0;
  std::uint64_t draws = 0;  ///< of monte_carlo
};

/// What select(context) would choose, and how likely: in closed form where the policy has one, else by
/// quadrature where it draws independent scores (DrawsScores), else by repeated choices with draws of their
/// own. Nothing is learned and no draw of a decision is used up. Not for the path of a decision: microseconds
/// to seconds. Errors: the status of select (no_arm, dimension_mismatch, non_finite, unsupported, ...);
/// invalid_argument for options that are not positive.
[[nodiscard]] Result<Propensities> propensities(const AnyBandit& bandit, const Context& context,
                                                const PropensityOptions& options = {});
[[nodiscard]] Result<Propensities> propensities(const AnyAgent& agent, const Context& context,
                                                const PropensityOptions& options = {});

}  // namespace attune
