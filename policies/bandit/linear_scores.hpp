// SPDX-License-Identifier: Apache-2.0
/// @file
/// Scoring of linear arms in batches, and the choice of the best.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <utility>

#include <attune/core/arm_set.hpp>
#include <attune/core/ridge_bank.hpp>
#include <attune/core/rng.hpp>

#include "core/kernels.hpp"

namespace attune::detail {

/// Room for the features of one context.
using FeatureRoom = std::array<double, RidgeBank::kMaxDimension>;

/// A score that can be compared: finite coefficients and contexts of extreme size can multiply to NaN.
[[nodiscard]] inline double comparable(double score) noexcept {
  return std::isnan(score) ? -std::numeric_limits<double>::infinity() : score;
}

/// The best of the arms that are offered to it, whatever their order, and whether it was the greedy one.
///
/// Ties are broken by random priorities: a hash of the place in the list of arms and one random number. So an
/// arm that is passed over because it cannot win leaves no trace.
class LinearArgMax {
 public:
  /// Draws from `rng` at the first tie, or never.
  explicit LinearArgMax(Rng& rng) noexcept : rng_(&rng) {}
  /// With a number drawn before: for rules that draw from the same stream while they scan.
  explicit LinearArgMax(std::uint64_t key) noexcept : key_(key) {}

  /// `place` counts the arms that may be chosen; an arm that is listed twice has two.
  void offer(std::size_t place, std::size_t arm, double score, double mean) noexcept {
    const double value = comparable(score);
    note_mean(mean);
    if (ties_ == 0 || value > best_) {
      best_ = value;
      take(place, arm, mean);
      ties_ = 1;
    } else if (value == best_) {
      ++ties_;
      if (priority(place) > priority(place_)) {
        take(place, arm, mean);
      }
    }
  }
  /// Of an arm that is not offered.
  void note_mean(double mean) noexcept { largest_mean_ = std::max(largest_mean_, comparable(mean)); }

  /// A choice with propensity 1/ties; refused when nothing was offered.
  [[nodiscard]] Choice choice() const noexcept {
    if (ties_ == 0) {
      return Choice::refused(Errc::no_arm);
    }
    return {.arm = to_arm(arm_),
            .propensity = 1.0 / static_cast<double>(ties_),
            .score = best_,
            .greedy = comparable(mean_) >= largest_mean_,
            .status = Errc::ok};
  }
  [[nodiscard]] std::uint64_t ties() const noexcept { return ties_; }

 private:
  void take(std::size_t place, std::size_t arm, double mean) noexcept {
    place_ = place;
    arm_ = arm;
    mean_ = mean;
  }
  [[nodiscard]] std::uint64_t priority(std::size_t place) noexcept {
    if (!key_) {
      key_ = (*rng_)();
    }
    return mix64(*key_ ^ mix64(place));
  }

  Rng* rng_ = nullptr;
  double best_ = -std::numeric_limits<double>::infinity();
  std::size_t place_ = 0;
  std::size_t arm_ = 0;
  double mean_ = 0.0;
  double largest_mean_ = -std::numeric_limits<double>::infinity();
  std::uint64_t ties_ = 0;
  std::optional<std::uint64_t> key_;
};

/// Arms on their way through the scoring, some at a time. The arrays are written before they are read.
// NOLINTNEXTLINE(cppcoreguidelines-pro-type-member-init)
struct LinearBatch {
  static constexpr std::size_t kSize = 32;
  std::array<std::uint32_t, kSize> arm;
  std::array<double, kSize> mean;
  std::array<double, kSize> variance;
  std::size_t count = 0;

  [[nodiscard]] std::span<const std::uint32_t> arms() const noexcept { return std::span(arm).first(count); }
};

/// Calls visit(arm, theta'x, x'P x) for every arm that may be chosen, in order.
template <class Visitor>
void for_each_linear_score(const ArmSet& arms, const RidgeBank& models, const Context& context,
                           const StripVector& x, Visitor&& visit) noexcept {
  LinearBatch batch;
  const auto flush = [&] {
    models.scores(x, batch.arms(), batch.mean.data(), batch.variance.data());
    for (std::size_t i = 0; i < batch.count; ++i) {
      visit(std::size_t{batch.arm[i]}, batch.mean[i], batch.variance[i]);
    }
    batch.count = 0;
  };
  arms.for_each(context, [&](std::size_t arm) {
    batch.arm[batch.count++] = static_cast<std::uint32_t>(arm);
    if (batch.count == LinearBatch::kSize) {
      flush();
    }
  });
  if (batch.count > 0) {
    flush();
  }
}

/// Offers to `best` the score mean + slope sqrt(variance) of every arm that may be chosen, or of enough of
/// them: where a coarse copy of the matrices is kept, an arm whose score provably stays below another's is
/// passed over. The choice is the same, bit for bit. `draw_slope()` is called once an arm, in order.
template <class DrawSlope>
class LinearScan {
 public:
  LinearScan(const RidgeBank& models, const StripVector& x, LinearArgMax& best, DrawSlope draw_slope) noexcept
      : models_(&models), x_(&x), best_(&best), draw_slope_(draw_slope) {}

  void run(const ArmSet& arms, const Context& context) noexcept {
    if (models_->keeps_coarse()) {
      const CoarseVector coarse(*x_);
      scan(arms, context, [&] { filter(coarse); });
      narrow();
      offer(hopeful_);
    } else {
      scan(arms, context, [&] { offer(batch_); });
    }
  }

 private:
  /// Arms on their way; the arrays are written before they are read.
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-member-init)
  struct Arms : LinearBatch {
    std::array<std::size_t, kSize> place;
    std::array<double, kSize> slope;
    std::array<double, kSize> above;  ///< no score is higher; of hopeful arms only

    void take(const Arms& from, std::size_t i) noexcept {
      arm[count] = from.arm[i];
      place[count] = from.place[i];
      slope[count] = from.slope[i];
      mean[count] = from.mean[i];
      above[count++] = from.above[i];
    }
  };

  template <class Use>
  void scan(const ArmSet& arms, const Context& context, const Use& use) noexcept {
    std::size_t place = 0;
    arms.for_each(context, [&](std::size_t arm) {
      batch_.arm[batch_.count] = static_cast<std::uint32_t>(arm);
      batch_.place[batch_.count] = place++;
      batch_.slope[batch_.count] = draw_slope_();
      if (++batch_.count == LinearBatch::kSize) {
        use();
        batch_.count = 0;
      }
    });
    if (batch_.count > 0) {
      use();
      batch_.count = 0;
    }
  }

  // Rounding is monotone: replacing the variance by a bound bounds the score as it will be computed.
  void filter(const CoarseVector& coarse) noexcept {
    std::array<double, LinearBatch::kSize> error;  // NOLINT: written by the call
    models_->coarse_scores(*x_, coarse, batch_.arms(), batch_.mean.data(), batch_.variance.data(),
                           error.data());
    for (std::size_t i = 0; i < batch_.count; ++i) {
      const double most = std::sqrt(std::max(batch_.variance[i] + error[i], 0.0));
      const double least = std::sqrt(std::max(batch_.variance[i] - error[i], 0.0));
      const double slope = batch_.slope[i];
      batch_.above[i] = batch_.mean[i] + (slope * (slope >= 0.0 ? most : least));
      const double below = batch_.mean[i] + (slope * (slope >= 0.0 ? least : most));
      sure_ = std::max(sure_, below);  // not for NaN
    }
    for (std::size_t i = 0; i < batch_.count; ++i) {
      if (batch_.above[i] < sure_) {
        best_->note_mean(batch_.mean[i]);
        continue;
      }
      if (hopeful_.count == LinearBatch::kSize) {
        narrow();
      }
      if (hopeful_.count == LinearBatch::kSize) {
        offer(hopeful_);
      }
      hopeful_.take(batch_, i);  // also for NaN
    }
  }

  // Passes over the hopeful arms that a later one has overtaken.
  void narrow() noexcept {
    const std::size_t count = std::exchange(hopeful_.count, 0);
    for (std::size_t i = 0; i < count; ++i) {
      if (hopeful_.above[i] < sure_) {
        best_->note_mean(hopeful_.mean[i]);
      } else {
        hopeful_.take(hopeful_, i);
      }
    }
  }

  void offer(Arms& arms) noexcept {
    models_->scores(*x_, arms.arms(), arms.mean.data(), arms.variance.data());
    for (std::size_t i = 0; i < arms.count; ++i) {
      best_->offer(arms.place[i], arms.arm[i], arms.mean[i] + (arms.slope[i] * std::sqrt(arms.variance[i])),
                   arms.mean[i]);
    }
    arms.count = 0;
  }

  const RidgeBank* models_;
  const StripVector* x_;
  LinearArgMax* best_;
  DrawSlope draw_slope_;
  double sure_ = -std::numeric_limits<double>::infinity();  // a score that some arm is sure to reach
  Arms batch_;
  Arms hopeful_;
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

/// Propensity of a choice among ties: an arm that is offered twice counts twice.
[[nodiscard]] inline Choice with_times_offered(Choice choice, const Context& context) noexcept {
  if (choice.status == Errc::ok && !context.offered.empty() && choice.propensity < 1.0) {
    choice.propensity *= static_cast<double>(std::ranges::count(context.offered, choice.arm));
  }
  return choice;
}

}  // namespace attune::detail
