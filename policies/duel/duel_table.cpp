// SPDX-License-Identifier: Apache-2.0
#include <attune/policies/duel_table.hpp>

#include <cmath>
#include <utility>

#include "policies/bandit/choosing.hpp"

namespace attune {

bool DuelTable::learn(const DuelFeedback& feedback) noexcept {
  const std::size_t count = arms_.count();
  const std::size_t winner = to_index(feedback.winner);
  const std::size_t loser = to_index(feedback.loser);
  if (!std::isfinite(total_ + feedback.weight)) {
    return false;  // the largest sum of all
  }
  wins_[winner * count + loser] += feedback.tie ? 0.5 * feedback.weight : feedback.weight;
  wins_[loser * count + winner] += feedback.tie ? 0.5 * feedback.weight : 0.0;
  total_ += feedback.weight;
  return true;
}

ArmIndex DuelTable::best() const noexcept {
  ArmIndex best = kNoArm;
  double most_beaten = -1.0;
  double largest_share = -1.0;
  arms_.for_each({}, [&](std::size_t arm) {
    double beaten = 0.0;
    double shares = 0.0;
    arms_.for_each({}, [&](std::size_t other) {
      beaten += other != arm && share(arm, other) > 0.5 ? 1.0 : 0.0;
      shares += share(arm, other);
    });
    if (beaten > most_beaten || (beaten == most_beaten && shares > largest_share)) {
      most_beaten = beaten;
      largest_share = shares;
      best = to_arm(arm);
    }
  });
  return best;
}

Result<ArmIndex> DuelTable::add() {
  const std::size_t before = arms_.count();
  std::vector<double> wins((before + 1) * (before + 1), 0.0);
  for (std::size_t row = 0; row < before; ++row) {
    for (std::size_t column = 0; column < before; ++column) {
      wins[row * (before + 1) + column] = wins_[row * before + column];
    }
  }
  Result<ArmIndex> added = arms_.add();
  if (added) {
    wins_ = std::move(wins);
  }
  return added;
}

void DuelTable::reset(std::size_t arm) noexcept {
  const std::size_t count = arms_.count();
  for (std::size_t other = 0; other < count; ++other) {
    wins_[arm * count + other] = 0.0;
    wins_[other * count + arm] = 0.0;
  }
  // Anew, not by subtraction: what rounding left of the arm would stay for good.
  total_ = detail::sum_of(wins_);
  favourite_ = favourite_ == to_arm(arm) ? kNoArm : favourite_;
}

void DuelTable::save(Writer& writer) const {
  arms_.save(writer);
  writer.numbers(wins_);
  writer.f64(total_);
  writer.u32(static_cast<std::uint32_t>(favourite_));
}

bool DuelTable::load(Reader& reader, std::size_t most) {
  DuelTable loaded(0);
  loaded.arms_.load(reader);
  const std::size_t count = loaded.arms_.count();
  if (!reader.ok() || count > most) {
    return false;
  }
  loaded.wins_ = reader.exactly<double>(count * count);
  loaded.total_ = reader.finite();
  loaded.favourite_ = ArmIndex{reader.u32()};
  bool sound = reader.ok() && detail::all_weights(loaded.wins_) &&
               detail::plausible_sum(loaded.total_, loaded.wins_) &&
               (loaded.favourite_ == kNoArm || loaded.arms_.contains(loaded.favourite_));
  for (std::size_t arm = 0; sound && arm < count; ++arm) {
    sound = loaded.wins(arm, arm) == 0.0;
  }
  if (sound) {
    *this = std::move(loaded);
  }
  return sound;
}

void DuelTable::describe(Description& text) const {
  text.columns = {"enabled", "compared", "mean_share", "beats"};
  text.rows.reserve(arms_.count());
  for (std::size_t arm = 0; arm < arms_.count(); ++arm) {
    double all = 0.0;
    double shares = 0.0;
    double opponents = 0.0;
    double beats = 0.0;
    for (std::size_t other = 0; other < arms_.count(); ++other) {
      all += compared(arm, other);
      if (compared(arm, other) > 0.0) {
        shares += share(arm, other);
        opponents += 1.0;
        beats += share(arm, other) > 0.5 ? 1.0 : 0.0;
      }
    }
    text.rows.push_back(
        {arms_.enabled(to_arm(arm)) ? 1.0 : 0.0, all, opponents > 0.0 ? shares / opponents : 0.5, beats});
  }
}

}  // namespace attune
