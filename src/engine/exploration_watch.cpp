// SPDX-License-Identifier: Apache-2.0
#include "engine/exploration_watch.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "core/portable_math.hpp"

namespace attune {

void ExplorationWatch::decided(const ExplorationConfig& rules, ArmIndex arm, bool explored) {
  if (n_ >= rules.window / 2) {
    n_before_ = n_;
    explored_before_ = explored_;
    n_ = 0;
    explored_ = 0;
  }
  ++n_;
  explored_ += explored ? 1 : 0;
  if (rules.conservative) {
    ++decisions_;
    if (to_index(arm) >= arms_.size()) {
      arms_.resize(to_index(arm) + 1);
    }
    ++arms_[to_index(arm)].decisions;
  }
}

double ExplorationWatch::radius(const ConservativeConfig& rules, const Earned& arm,
                                std::size_t slot) noexcept {
  // Shares of delta: 6 / (pi i)^2 for slot i = 1, 2, ..., and likewise for n.
  constexpr double kSum = std::numbers::pi * std::numbers::pi / 6.0;
  const double n = static_cast<double>(arm.rewards);
  const double i = static_cast<double>(slot) + 1.0;
  const double weight = kSum * i * i * kSum * n * n;
  return std::sqrt(detail::portable_log(2.0 * weight / rules.delta) / (2.0 * n));
}

double ExplorationWatch::sure(const ConservativeConfig& rules, const Earned& arm, std::size_t slot) noexcept {
  return arm.rewards == 0
             ? 0.0
             : static_cast<double>(arm.rewards) * std::max(0.0, arm.mean - radius(rules, arm, slot));
}

void ExplorationWatch::rewarded(const ConservativeConfig& rules, ArmIndex arm, double reward) {
  const std::size_t slot = to_index(arm);
  if (slot >= arms_.size()) {
    arms_.resize(slot + 1);
  }
  Earned& earned = arms_[slot];
  sure_ -= sure(rules, earned, slot);
  ++earned.rewards;
  const double scaled = std::clamp((reward - rules.low) / (rules.high - rules.low), 0.0, 1.0);
  earned.mean += (scaled - earned.mean) / static_cast<double>(earned.rewards);
  sure_ += sure(rules, earned, slot);
}

void ExplorationWatch::forget(ArmIndex arm) noexcept {
  if (to_index(arm) < arms_.size()) {
    arms_[to_index(arm)] = {};  // its part of decisions_ and sure_ stays
  }
}

bool ExplorationWatch::capped(const ExplorationConfig& rules) const noexcept {
  const double n = static_cast<double>(std::max(n_ + n_before_ + 1, rules.window / 2));
  return static_cast<double>(explored_ + explored_before_ + 1) > rules.max_share * n;
}

bool ExplorationWatch::affordable(const ConservativeConfig& rules, ArmIndex baseline) const noexcept {
  const std::size_t slot = to_index(baseline);
  const Earned own = slot < arms_.size() ? arms_[slot] : Earned{};
  const double others = sure_ - sure(rules, own, slot);
  const double due = (1.0 - rules.alpha) * static_cast<double>(decisions_ + 1);
  const double ahead = static_cast<double>(own.decisions) - due;
  // Linear in the baseline's mean: the worst of its interval is an end of it.
  const double spread = own.rewards > 0 ? radius(rules, own, slot) : 1.0;
  const double mean = ahead >= 0.0 ? std::max(0.0, own.mean - spread) : std::min(1.0, own.mean + spread);
  return others + ahead * mean >= 0.0;
}

double ExplorationWatch::share(const ExplorationConfig& rules) const noexcept {
  const std::uint64_t n = n_ + n_before_;
  return n < rules.window / 2 ? std::numeric_limits<double>::quiet_NaN()
                              : static_cast<double>(explored_ + explored_before_) / static_cast<double>(n);
}

void ExplorationWatch::save(Writer& writer) const {
  for (const std::uint64_t number : {n_, explored_, n_before_, explored_before_, decisions_}) {
    writer.u64(number);
  }
  writer.f64(sure_);
  writer.u64(arms_.size());
  for (const Earned& arm : arms_) {
    writer.u64(arm.decisions);
    writer.u64(arm.rewards);
    writer.f64(arm.mean);
  }
}

void ExplorationWatch::load(Reader& reader) {
  constexpr std::size_t kArmBytes = 24;
  for (std::uint64_t* number : {&n_, &explored_, &n_before_, &explored_before_, &decisions_}) {
    *number = reader.u64();
  }
  sure_ = reader.finite();
  const std::uint64_t count = reader.u64();
  if (!reader.ok() || count > reader.left() / kArmBytes || explored_ > n_ || explored_before_ > n_before_) {
    reader.fail_now();
    return;
  }
  arms_.resize(static_cast<std::size_t>(count));
  for (Earned& arm : arms_) {
    arm.decisions = reader.u64();
    arm.rewards = reader.u64();
    arm.mean = reader.finite();
  }
}

}  // namespace attune
