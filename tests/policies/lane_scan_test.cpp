// SPDX-License-Identifier: Apache-2.0
// Maxima over lanes, whatever the machine's registers hold, against plain loops.
#include "policies/bandit/lane_scan.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include <gtest/gtest.h>

#include <attune/core/rng.hpp>

namespace attune::detail::lane_scan_test {
namespace {

constexpr double kInfinite = std::numeric_limits<double>::infinity();

struct Scores {
  std::vector<double> score;
  std::vector<double> spread;
};

// Of few values, so that there are ties; behind `count` stands what must not be looked at.
Scores scores_of(std::size_t count, std::uint64_t seed) {
  Rng rng(seed);
  Scores made{std::vector<double>(padded(count), 1e6), std::vector<double>(padded(count), 1e6)};
  for (std::size_t i = 0; i < count; ++i) {
    made.score[i] = static_cast<double>(rng.below(4)) - 2.0;
    made.spread[i] = static_cast<double>(rng.below(3));
  }
  return made;
}

void expect_widened(const Scores& given, std::size_t count, double width) {
  std::vector<double> score = given.score;
  const ScanTop top = widen_scores(score.data(), given.spread.data(), count, width);
  double best = -kInfinite;
  for (std::size_t i = 0; i < score.size(); ++i) {
    const double value = given.score[i] + (width * given.spread[i]);
    const double within = value > -kMostScore ? std::min(value, kMostScore) : -kMostScore;
    ASSERT_EQ(score[i], i < count ? within : -kInfinite) << i;
    best = std::max(best, score[i]);
  }
  EXPECT_EQ(top.score, best);
  EXPECT_EQ(top.mean, best);
  EXPECT_EQ(top.ties, static_cast<std::size_t>(std::ranges::count(score, best)));
  EXPECT_EQ(top.arm, static_cast<std::size_t>(std::ranges::find(score, best) - score.begin()));
}

TEST(LaneScan, WidenedScoresAndTheirLargestAreThoseOfAPlainLoop) {
  for (std::size_t count = 1; count <= 200; ++count) {
    SCOPED_TRACE(count);
    expect_widened(scores_of(count, count), count, 0.5);
    expect_widened(scores_of(count, 1000 + count), count, 0.0);
  }
}

TEST(LaneScan, WidenedScoresCanBeComparedWhateverTheStateHolds) {
  for (const std::size_t count : {1U, 4U, 9U, 20U}) {
    for (const double odd :
         {kInfinite, -kInfinite, std::numeric_limits<double>::quiet_NaN(), 1e300, -1e300}) {
      Scores given = scores_of(count, count);
      given.score[count / 2] = odd;
      expect_widened(given, count, 1.0);
      std::ranges::fill(given.score, odd);
      expect_widened(given, count, 1.0);
      given.spread[count - 1] = odd;
      expect_widened(given, count, 1.0);
    }
  }
}

TEST(LaneScan, TheLargestMeanIsThatOfAPlainLoop) {
  for (std::size_t count = 1; count <= 200; ++count) {
    Scores given = scores_of(count, 7 * count);
    std::fill(given.score.begin() + static_cast<std::ptrdiff_t>(count), given.score.end(), -kInfinite);
    const ScanTop top = scan_means(given.score.data(), given.score.size());
    const double best = *std::ranges::max_element(given.score);
    EXPECT_EQ(top.score, best);
    EXPECT_EQ(top.ties, static_cast<std::size_t>(std::ranges::count(given.score, best)));
    EXPECT_EQ(top.arm, static_cast<std::size_t>(std::ranges::find(given.score, best) - given.score.begin()));
  }
}

}  // namespace
}  // namespace attune::detail::lane_scan_test
