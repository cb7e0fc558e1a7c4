// SPDX-License-Identifier: Apache-2.0
#include <attune/policies/progressive_score.hpp>

#include <cmath>
#include <limits>

#include <gtest/gtest.h>

namespace attune::progressive_score_test {
namespace {

TEST(ProgressiveScore, MeansByHand) {
  ProgressiveScore score;
  ASSERT_EQ(score.add(0.8, 1.0), Errc::ok);
  ASSERT_EQ(score.add(0.4, 0.0, 3.0), Errc::ok);
  EXPECT_NEAR(score.log_loss(), (-std::log(0.8) - 3.0 * std::log(0.6)) / 4.0, 1e-14);
  EXPECT_NEAR(score.squared_loss(), (0.04 + 3.0 * 0.16) / 4.0, 1e-14);
  EXPECT_NEAR(score.absolute_loss(), (0.2 + 3.0 * 0.4) / 4.0, 1e-14);
  EXPECT_EQ(score.accuracy(), 1.0);
  EXPECT_EQ(score.examples(), 2U);
  EXPECT_EQ(score.weight(), 4.0);
  // A share as target: cross-entropy.
  ProgressiveScore soft;
  ASSERT_EQ(soft.add(0.25, 0.5), Errc::ok);
  EXPECT_NEAR(soft.log_loss(), -0.5 * (std::log(0.25) + std::log(0.75)), 1e-14);
}

TEST(ProgressiveScore, ACertainMistakeCostsAsMuchAsElsewhere) {
  ProgressiveScore score;
  ASSERT_EQ(score.add(0.0, 1.0), Errc::ok);
  EXPECT_NEAR(score.log_loss(), -std::log(1e-15), 1e-12);
}

TEST(ProgressiveScore, RefusesWhatIsNoProbability) {
  ProgressiveScore score;
  const ProgressiveScore before = score;
  constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(score.add(1.5, 1.0), Errc::invalid_argument);
  EXPECT_EQ(score.add(0.5, -1.0), Errc::invalid_argument);
  EXPECT_EQ(score.add(0.5, 1.0, -1.0), Errc::invalid_argument);
  EXPECT_EQ(score.add(kNan, 1.0), Errc::non_finite);
  EXPECT_EQ(score.add(0.5, kNan), Errc::non_finite);
  EXPECT_EQ(score, before);
  EXPECT_TRUE(std::isnan(score.squared_loss()));
  ProgressiveScore numbers(false);
  EXPECT_EQ(numbers.add(1.5, -7.0), Errc::ok);
  EXPECT_TRUE(std::isnan(numbers.log_loss()));
  EXPECT_EQ(numbers.absolute_loss(), 8.5);
}

TEST(ProgressiveScore, ComesBack) {
  ProgressiveScore score;
  ASSERT_EQ(score.add(0.3, 1.0), Errc::ok);
  const Bytes bytes = save_state(score);
  ProgressiveScore copy;
  ASSERT_TRUE(load_state(copy, bytes));
  EXPECT_EQ(copy, score);
  ProgressiveScore other(false);
  EXPECT_FALSE(load_state(other, bytes));
  EXPECT_FALSE(load_state(copy, ByteView(bytes).first(bytes.size() - 1)));
  EXPECT_EQ(copy, score);
}

}  // namespace
}  // namespace attune::progressive_score_test
