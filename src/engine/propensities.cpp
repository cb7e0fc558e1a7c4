// SPDX-License-Identifier: Apache-2.0
#include <attune/engine/propensities.hpp>

#include <algorithm>
#include <cmath>
#include <optional>
#include <string>
#include <utility>

#include <attune/core/rng.hpp>

#include "engine/largest_draw.hpp"

namespace attune {
namespace {

constexpr std::uint64_t kOwnStream = 0x50524F50454E5349;  // draws of no decision

/// Shares of repeated choices, until their standard error is small enough. A share of 0 or 1 has the error of
/// the next possible one: Laplace's rule of succession.
template <class Policy>
Result<Propensities> by_draws(const Policy& policy, const Context& context,
                              const PropensityOptions& options) {
  if (!(options.error > 0.0) || options.most_draws == 0) {
    return fail(Errc::invalid_argument, "PropensityOptions: error and most_draws must be positive");
  }
  Propensities out{.values = std::vector<double>(policy.arm_count(), 0.0),
                   .method = PropensityMethod::monte_carlo};
  for (std::uint64_t until = 256;; until *= 2) {
    for (until = std::min(until, options.most_draws); out.draws < until; ++out.draws) {
      Rng rng(options.seed, kOwnStream, out.draws);
      const Choice choice = policy.select(context, rng);
      if (choice.status != Errc::ok) {
        return fail(choice.status, std::string(policy.name()) +
                                       " does not choose: " + std::string(to_string(choice.status)));
      }
      out.values[to_index(choice.arm)] += 1.0;
    }
    const auto draws = static_cast<double>(out.draws);
    out.error = 0.0;
    for (const double hits : out.values) {
      const double share = (hits + 1.0) / (draws + 2.0);
      out.error = std::max(out.error, std::sqrt(share * (1.0 - share) / draws));
    }
    if (out.error <= options.error || out.draws >= options.most_draws) {
      for (double& value : out.values) {
        value /= draws;
      }
      return out;
    }
  }
}

/// No value: not every score has a law, or the integral does not yield.
std::optional<Propensities> by_quadrature(const AnyBandit& bandit, const Context& context) {
  std::vector<ScoreLaw> laws;
  std::vector<ArmIndex> arms;
  const auto take = [&](ArmIndex arm) {
    if (to_index(arm) < bandit.arm_count() && bandit.enabled(arm)) {
      arms.push_back(arm);
      laws.push_back(bandit.score_law(arm, context.input, context.actions.row(arm)));
    }
  };
  if (context.offered.empty()) {
    for (std::size_t slot = 0; slot < bandit.arm_count(); ++slot) {
      take(to_arm(slot));
    }
  } else {
    std::ranges::for_each(context.offered, take);  // an arm that is listed twice is drawn twice
  }
  if (arms.empty()) {
    return std::nullopt;
  }
  std::vector<double> shares(arms.size());
  const std::optional<double> error = largest_draw_probabilities(laws, shares);
  if (!error) {
    return std::nullopt;
  }
  Propensities out{.values = std::vector<double>(bandit.arm_count(), 0.0),
                   .method = PropensityMethod::quadrature,
                   .error = *error};
  for (std::size_t i = 0; i < arms.size(); ++i) {
    out.values[to_index(arms[i])] += shares[i];
  }
  return out;
}

template <class Policy>
Result<Propensities> find(const Policy& policy, const Context& context, const PropensityOptions& options) {
  Propensities stated{.values = std::vector<double>(policy.arm_count(), 0.0)};
  const Errc told = policy.probabilities(context, stated.values);
  if (told == Errc::ok) {
    return stated;
  }
  if (told != Errc::unsupported) {
    return fail(told, std::string(policy.name()) + " does not choose: " + std::string(to_string(told)));
  }
  if constexpr (requires { policy.draws_scores(); }) {
    if (policy.draws_scores()) {
      if (std::optional<Propensities> found = by_quadrature(policy, context)) {
        return std::move(*found);
      }
    }
  }
  return by_draws(policy, context, options);
}

}  // namespace

std::string_view to_string(PropensityMethod method) noexcept {
  switch (method) {
    case PropensityMethod::closed_form:
      return "closed_form";
    case PropensityMethod::quadrature:
      return "quadrature";
    case PropensityMethod::monte_carlo:
      return "monte_carlo";
  }
  return "unknown";
}

Result<Propensities> propensities(const AnyBandit& bandit, const Context& context,
                                  const PropensityOptions& options) {
  return find(bandit, context, options);
}

Result<Propensities> propensities(const AnyAgent& agent, const Context& context,
                                  const PropensityOptions& options) {
  return find(agent, context, options);
}

}  // namespace attune
