// SPDX-License-Identifier: Apache-2.0
#include <attune/policies/duel_ratings.hpp>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <utility>

#include "core/portable_math.hpp"
#include "policies/bandit/choosing.hpp"

namespace attune {
namespace {

// Variances below this are not told apart from none, and stay among the numbers that are quick to compute
// with.
constexpr double kLeastVariance = 1e-12;

}  // namespace

bool DuelRatings::learn(const DuelFeedback& feedback) noexcept {
  struct Side {
    std::size_t arm;
    double score;
  };
  const Side winner{.arm = to_index(feedback.winner), .score = feedback.tie ? 0.5 : 1.0};
  const Side loser{.arm = to_index(feedback.loser), .score = feedback.tie ? 0.5 : 0.0};
  const auto after = [&](const Side& own, const Side& other, double& mean, double& variance) {
    const double trust =
        1.0 / std::sqrt(1.0 + 3.0 * variance_[other.arm] / (std::numbers::pi * std::numbers::pi));
    const double lead = std::clamp(trust * (mean_[own.arm] - mean_[other.arm]), -700.0, 700.0);
    const double expected = 1.0 / (1.0 + detail::portable_exp(-lead));
    const double information = feedback.weight * trust * trust * expected * (1.0 - expected);
    variance = std::max(1.0 / (1.0 / variance_[own.arm] + information), kLeastVariance);
    mean = mean_[own.arm] + variance * feedback.weight * trust * (own.score - expected);
    return std::isfinite(mean) && std::isfinite(compared_[own.arm] + feedback.weight);
  };
  double winner_mean = 0.0;
  double winner_variance = 0.0;
  double loser_mean = 0.0;
  double loser_variance = 0.0;
  if (!after(winner, loser, winner_mean, winner_variance) ||
      !after(loser, winner, loser_mean, loser_variance)) {
    return false;
  }
  mean_[winner.arm] = winner_mean;
  mean_[loser.arm] = loser_mean;
  variance_[winner.arm] = winner_variance;
  variance_[loser.arm] = loser_variance;
  compared_[winner.arm] += feedback.weight;
  compared_[loser.arm] += feedback.weight;
  return true;
}

ArmIndex DuelRatings::best() const noexcept {
  ArmIndex best = kNoArm;
  arms_.for_each({}, [&](std::size_t arm) {
    if (best == kNoArm || mean_[arm] > mean_[to_index(best)]) {
      best = to_arm(arm);
    }
  });
  return best;
}

Result<ArmIndex> DuelRatings::add() {
  for (std::vector<double>* numbers : {&mean_, &variance_, &compared_}) {
    detail::make_room(*numbers, arms_.count() + 1);
  }
  Result<ArmIndex> added = arms_.add();
  if (added) {
    mean_.push_back(0.0);
    variance_.push_back(first_variance_);
    compared_.push_back(0.0);
  }
  return added;
}

void DuelRatings::reset(std::size_t arm) noexcept {
  mean_[arm] = 0.0;
  variance_[arm] = first_variance_;
  compared_[arm] = 0.0;
}

void DuelRatings::save(Writer& writer) const {
  arms_.save(writer);
  writer.numbers(mean_);
  writer.numbers(variance_);
  writer.numbers(compared_);
}

bool DuelRatings::load(Reader& reader, std::size_t most) {
  DuelRatings loaded(0, 1.0);
  loaded.first_variance_ = first_variance_;
  loaded.arms_.load(reader);
  const std::size_t count = loaded.arms_.count();
  if (!reader.ok() || count > most) {
    return false;
  }
  loaded.mean_ = reader.exactly<double>(count);
  loaded.variance_ = reader.exactly<double>(count);
  loaded.compared_ = reader.exactly<double>(count);
  const auto possible = [this](double variance) {
    return variance > 0.0 && variance <= std::max(first_variance_, kLeastVariance);
  };
  const bool sound = reader.ok() && all_finite(loaded.mean_) && detail::all_weights(loaded.compared_) &&
                     std::ranges::all_of(loaded.variance_, possible);
  if (sound) {
    *this = std::move(loaded);
  }
  return sound;
}

void DuelRatings::describe(Description& text) const {
  text.columns = {"enabled", "compared", "rating", "deviation", "elo"};
  text.rows.reserve(arms_.count());
  for (std::size_t arm = 0; arm < arms_.count(); ++arm) {
    text.rows.push_back({arms_.enabled(to_arm(arm)) ? 1.0 : 0.0, compared_[arm], mean_[arm],
                         std::sqrt(variance_[arm]), 1500.0 + mean_[arm] * 400.0 / std::numbers::ln10});
  }
}

}  // namespace attune
