// SPDX-License-Identifier: Apache-2.0
#include "policies/bandit/arm_scores.hpp"

#include <cmath>

#include "core/target_clones.hpp"
#include "policies/bandit/lane_scan.hpp"

namespace attune::detail {
namespace {

// Behind the last place.
constexpr double kNoScore = -std::numeric_limits<double>::infinity();

double folded(const LaneSums& sum) noexcept {
  return ((sum[0] + sum[4]) + (sum[2] + sum[6])) + ((sum[1] + sum[5]) + (sum[3] + sum[7]));
}

}  // namespace

ATTUNE_TARGET_CLONES
double sum_of_shares(const double* score, std::size_t blocks, double largest, const GapLaw& law) noexcept {
  const GapLaw own = law;
  LaneSums total{};
  for (std::size_t block = 0; block < blocks; ++block, score += kLanes) {
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      const double value = score[lane];
      const double share = own.numerator / (own.base + (own.slope * (largest - value)));
      const double below = value < largest ? share : 0.0;
      total[lane] += value > kNoScore ? below : 0.0;
    }
  }
  return folded(total);
}

namespace {

ScanTop form_scores(const OracleArms& arms, const ScoreForm& form, double* score, const double* spread,
                    std::size_t count) noexcept {
  const ScanTop top = widen_scores(score, spread, count, form.width);
  if (!form.linked || !arms.logistic()) {
    return top;
  }
  for (std::size_t i = 0; i < count; ++i) {
    score[i] = arms.linked(score[i]);
  }
  return scan_means(score, padded(count));
}

}  // namespace

// NOLINTNEXTLINE(cppcoreguidelines-pro-type-member-init): the arrays are written as far as they are read
ArmScores::ArmScores(const OracleArms& arms, const Context& context, const OracleInput& input) noexcept
    : arms_(&arms), context_(&context), input_(&input) {
  const ArmSet& set = arms.arms();
  if (context.offered.empty() && set.all_enabled()) {
    all_ = true;
    count_ = set.count();
    for (std::size_t place = 0; place < std::min(count_, kKept); ++place) {
      arm_[place] = static_cast<std::uint32_t>(place);
    }
    return;
  }
  set.for_each(context, [this](std::size_t arm) {
    if (count_ < kKept) {
      arm_[count_] = static_cast<std::uint32_t>(arm);
    }
    ++count_;
  });
}

void ArmScores::score(std::size_t member, const ScoreForm& form) noexcept {
  number_ = member;
  member_ = &arms_->member(member);
  form_ = form;
  if (kept()) {
    alignas(64) std::array<double, kKept> room;  // NOLINT: written before it is read
    const std::span<const std::uint32_t> which = std::span(arm_).first(count_);
    const double* spread = room.data();
    if (all_) {
      spread = member_->all_scores(*input_, which, score_.data(), room.data());
    } else {
      member_->scores(*input_, which, score_.data(), room.data());
    }
    const ScanTop top = form_scores(*arms_, form_, score_.data(), spread, count_);
    best_ = {.score = top.score, .place = top.arm, .ties = top.ties};
    return;
  }
  best_ = {};
  each([this](std::size_t place, std::size_t /*arm*/, double score) {
    if (score > best_.score || best_.ties == 0) {
      best_ = {.score = score, .place = place, .ties = 1};
    } else if (score == best_.score) {
      ++best_.ties;
    }
  });
}

void ArmScores::score_batch(std::span<const std::uint32_t> which, double* score) const noexcept {
  std::array<double, kBatch> spread;  // NOLINT: written before it is read
  member_->scores(*input_, which, score, spread.data());
  static_cast<void>(form_scores(*arms_, form_, score, spread.data(), which.size()));
}

double ArmScores::one(const OracleArms& arms, const OracleInput& input, std::size_t member,
                      const ScoreForm& form, std::size_t arm) noexcept {
  const std::array<std::uint32_t, 1> which{static_cast<std::uint32_t>(arm)};
  std::array<double, kLanes> score{};
  std::array<double, kLanes> spread{};
  arms.member(member).scores(input, which, score.data(), spread.data());
  static_cast<void>(form_scores(arms, form, score.data(), spread.data(), 1));
  return score[0];
}

double ArmScores::at(std::size_t place) const noexcept {
  return kept() ? score_[place] : one(*arms_, *input_, number_, form_, arm(place));
}

std::size_t ArmScores::arm(std::size_t place) const noexcept {
  if (kept()) {
    return arm_[place];
  }
  std::size_t found = 0;
  arms_->arms().for_each(
      *context_, [&, at = std::size_t{0}](std::size_t arm) mutable { found = at++ == place ? arm : found; });
  return found;
}

std::size_t ArmScores::tied(std::size_t n) const noexcept {
  if (n == 0) {
    return best_.place;
  }
  std::size_t found = best_.place;
  each([&, seen = std::size_t{0}](std::size_t place, std::size_t /*arm*/, double score) mutable {
    if (score == best_.score && seen++ == n) {
      found = place;
    }
  });
  return found;
}

double ArmScores::below(const GapLaw& law) const noexcept {
  if (law.numerator == 0.0) {
    return 0.0;
  }
  if (kept()) {
    return sum_of_shares(score_.data(), padded(count_) / kLanes, best_.score, law);
  }
  LaneSums sum{};
  each([&](std::size_t place, std::size_t /*arm*/, double score) {
    sum[place % kLanes] += score < best_.score ? law.share(best_.score - score) : 0.0;
  });
  return folded(sum);
}

std::size_t ArmScores::drawn_below(const GapLaw& law, double left) const noexcept {
  std::size_t found = best_.place;
  bool done = false;
  each([&](std::size_t place, std::size_t /*arm*/, double score) {
    if (!done && score < best_.score) {
      const double share = law.share(best_.score - score);
      found = share > 0.0 ? place : found;  // the last one with a chance where rounding has left something
      left -= share;
      done = left < 0.0;
    }
  });
  return found;
}

}  // namespace attune::detail
