// SPDX-License-Identifier: Apache-2.0
/// @file
/// Scoring of linear arms in batches, and the best of them.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>

#include <attune/core/arm_set.hpp>
#include <attune/core/ridge_bank.hpp>
#include <attune/core/sampling.hpp>

#include "core/kernels.hpp"
#include "policies/bandit/choosing.hpp"

namespace attune::detail {

/// Calls visit(arm, theta'x, x'P x) for every arm that may be chosen, in order.
template <class Visitor>
void for_each_linear_score(const ArmSet& arms, const RidgeBank& models, const Context& context,
                           const StripVector& x, Visitor&& visit) noexcept {
  constexpr std::size_t kBatch = 32;
  std::array<std::uint32_t, kBatch> which;  // NOLINT: written before it is read, as the two below
  std::array<double, kBatch> mean;          // NOLINT
  std::array<double, kBatch> variance;      // NOLINT
  std::size_t waiting = 0;
  const auto flush = [&] {
    models.scores(x, std::span(which).first(waiting), mean.data(), variance.data());
    for (std::size_t i = 0; i < waiting; ++i) {
      visit(std::size_t{which[i]}, mean[i], variance[i]);
    }
    waiting = 0;
  };
  arms.for_each(context, [&](std::size_t arm) {
    which[waiting++] = static_cast<std::uint32_t>(arm);
    if (waiting == kBatch) {
      flush();
    }
  });
  if (waiting > 0) {
    flush();
  }
}

/// A score that can be compared: finite coefficients and contexts of extreme size can multiply to NaN.
[[nodiscard]] inline double comparable(double score) noexcept {
  return std::isnan(score) ? -std::numeric_limits<double>::infinity() : score;
}

/// Follows the best score together with the means, to say whether the choice was greedy.
class LinearArgMax {
 public:
  void offer(std::size_t arm, double score, double mean, Rng& rng) noexcept {
    best_.offer(arm, comparable(score), rng);
    if (best_.chosen() == arm) {
      chosen_mean_ = mean;
    }
    largest_mean_ = std::max(largest_mean_, comparable(mean));
  }
  [[nodiscard]] Choice choice(double propensity) const noexcept {
    if (best_.empty()) {
      return Choice::refused(Errc::no_arm);
    }
    return {.arm = to_arm(best_.chosen()),
            .propensity = propensity,
            .score = best_.value(),
            .greedy = comparable(chosen_mean_) >= largest_mean_,
            .status = Errc::ok};
  }
  [[nodiscard]] const ArgMax& best() const noexcept { return best_; }

 private:
  ArgMax best_;
  double chosen_mean_ = 0.0;
  double largest_mean_ = -std::numeric_limits<double>::infinity();
};

/// P(arm) for a deterministic rule with ties broken uniformly. `for_each_score` calls its argument with
/// (arm, score), the same bits each time.
template <class ForEachScore>
[[nodiscard]] Errc tie_probabilities(std::span<double> out, const ForEachScore& for_each_score) noexcept {
  double best = -std::numeric_limits<double>::infinity();
  double ties = 0.0;
  for_each_score([&](std::size_t /*arm*/, double score) {
    if (score > best || ties == 0.0) {
      best = score;
      ties = 1.0;
    } else if (score == best) {
      ties += 1.0;
    }
  });
  if (ties == 0.0) {
    return Errc::no_arm;
  }
  std::ranges::fill(out, 0.0);
  for_each_score([&](std::size_t arm, double score) {
    if (score == best) {
      out[arm] += 1.0 / ties;
    }
  });
  return Errc::ok;
}

/// Propensity of the arm that an ArgMax chose among ties.
[[nodiscard]] inline double tie_propensity(const ArgMax& best, const Context& context) noexcept {
  return best.empty() ? 0.0 : times_offered(context, best.chosen()) / static_cast<double>(best.ties());
}

}  // namespace attune::detail
