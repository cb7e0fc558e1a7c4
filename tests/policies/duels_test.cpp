// SPDX-License-Identifier: Apache-2.0
// Duels: formulas by hand, circles of preferences, ratings; the laws are in tests/laws/.
#include <array>
#include <cmath>
#include <cstdint>

#include <gtest/gtest.h>

#include <attune/policies/builtin_sets.hpp>

namespace attune::duels_test {
namespace {

template <DuelingBandit B>
void teach(B& bandit, std::size_t winner, std::size_t loser, int times) {
  for (int i = 0; i < times; ++i) {
    ASSERT_EQ(bandit.update({.winner = to_arm(winner), .loser = to_arm(loser)}), Errc::ok);
  }
}

TEST(Rucb, AsksUntilTheBoundOfThePaperIsBelowOneHalf) {
  Rucb bandit = Rucb::make({}, {.arms = 2}).value();
  teach(bandit, 0, 1, 8);
  teach(bandit, 1, 0, 2);
  // u(1, 0) = 0.2 + sqrt(0.51 ln 10 / 10) = 0.543: arm 1 may be the better one still. Whichever is first, the
  // other has the larger bound against it than it has against itself.
  Rng rng(1);
  const PairChoice open = bandit.select_pair({}, rng);
  EXPECT_NE(open.first, open.second);
  EXPECT_EQ(open.propensity, 0.5);
  teach(bandit, 0, 1, 32);
  teach(bandit, 1, 0, 8);
  // u(1, 0) = 0.2 + sqrt(0.51 ln 50 / 50) = 0.3998: decided.
  const PairChoice sure = bandit.select_pair({}, rng);
  EXPECT_EQ(sure.first, to_arm(0));
  EXPECT_EQ(sure.second, to_arm(0));
  EXPECT_EQ(sure.propensity, 1.0);
  EXPECT_EQ(bandit.model().favourite(), to_arm(0));
}

TEST(Rucb, TheFavouriteIsTakenHalfOfTheTimeAmongCandidates) {
  Rucb bandit = Rucb::make({.alpha = 0.1}, {.arms = 3}).value();
  teach(bandit, 0, 1, 20);
  teach(bandit, 0, 2, 20);
  ASSERT_EQ(bandit.model().favourite(), to_arm(0));
  ASSERT_EQ(bandit.add_arm().value(), to_arm(3));  // never compared: a candidate, and 0 stays one
  int favourite = 0;
  for (std::uint64_t i = 0; i < 4'000; ++i) {
    Rng rng(2, 0, i);
    favourite += bandit.select_pair({}, rng).first == to_arm(0) ? 1 : 0;
  }
  EXPECT_NEAR(favourite, 2'000, 155);  // 4.9 deviations of 31.6: one seed in a million
}

TEST(DoubleThompson, FindsTheCopelandWinnerOfACircle) {
  // 0 beats 1, 1 beats 2, 2 beats 0: nobody beats all.
  constexpr std::array<std::array<double, 5>, 5> kPreference{{{0.5, 0.7, 0.3, 0.7, 0.7},
                                                              {0.3, 0.5, 0.7, 0.7, 0.3},
                                                              {0.7, 0.3, 0.5, 0.3, 0.3},
                                                              {0.3, 0.3, 0.7, 0.5, 0.3},
                                                              {0.3, 0.7, 0.7, 0.7, 0.5}}};
  // Wins: 0: 3 (1, 3, 4); 1: 2 (2, 3); 2: 1 (0); 3: 1 (2); 4: 3 (1, 2, 3). Two Copeland winners: 0 and 4.
  DoubleThompson bandit = DoubleThompson::make({}, {.arms = 5}).value();
  Rng judge(3);
  int good = 0;
  for (std::uint64_t step = 0; step < 20'000; ++step) {
    Rng rng(4, 0, step);
    const PairChoice pair = bandit.select_pair({}, rng);
    const std::size_t i = to_index(pair.first);
    const std::size_t j = to_index(pair.second);
    good += step >= 15'000 && (i == 0 || i == 4) ? 1 : 0;
    if (i != j) {
      const bool first = judge.uniform() < kPreference.at(i).at(j);
      ASSERT_EQ(bandit.update(
                    {.winner = first ? pair.first : pair.second, .loser = first ? pair.second : pair.first}),
                Errc::ok);
    }
  }
  EXPECT_GT(good, 4'500);  // of 5,000; 2,000 by chance
  EXPECT_TRUE(bandit.best_arm() == to_arm(0) || bandit.best_arm() == to_arm(4));
}

TEST(DuelTable, CountsTiesAsHalfAWinForBoth) {
  DuelTable table(2);
  ASSERT_TRUE(table.learn({.winner = to_arm(0), .loser = to_arm(1), .tie = true, .weight = 3.0}));
  ASSERT_TRUE(table.learn({.winner = to_arm(0), .loser = to_arm(1)}));
  EXPECT_EQ(table.wins(0, 1), 2.5);
  EXPECT_EQ(table.wins(1, 0), 1.5);
  EXPECT_EQ(table.share(0, 1), 0.625);
  EXPECT_EQ(table.total(), 4.0);
}

TEST(BradleyTerry, OneComparisonByHand) {
  BradleyTerry bandit = BradleyTerry::make({.deviation = 1.0}, {.arms = 2}).value();
  teach(bandit, 1, 0, 1);
  // g^2 = 1 / (1 + 3 / pi^2) = 0.766891, e = 1/2; 1 / v = 1 + g^2 / 4; m = v g / 2.
  const double trust = 1.0 / std::sqrt(1.0 + 3.0 / 9.869604401089358);
  const double variance = 1.0 / (1.0 + trust * trust / 4.0);
  EXPECT_NEAR(bandit.model().variance(1), variance, 1e-15);
  EXPECT_NEAR(bandit.model().mean(1), 0.5 * variance * trust, 1e-15);
  EXPECT_NEAR(bandit.model().mean(1), 0.367419, 1e-6);
  EXPECT_EQ(bandit.model().mean(0), -bandit.model().mean(1));
  // A tie of equals moves nothing but makes both surer.
  BradleyTerry tied = BradleyTerry::make({.deviation = 1.0}, {.arms = 2}).value();
  ASSERT_EQ(tied.update({.winner = to_arm(0), .loser = to_arm(1), .tie = true}), Errc::ok);
  EXPECT_EQ(tied.model().mean(0), 0.0);
  EXPECT_NEAR(tied.model().variance(0), variance, 1e-15);
}

TEST(BradleyTerry, RatingsComeToTheStrengthsThatThePreferencesAreMadeOf) {
  constexpr std::array<double, 4> kStrength{1.0, 0.3, -0.3, -1.0};
  BradleyTerry bandit = BradleyTerry::make({}, {.arms = 4}).value();
  Rng rng(5);
  for (int i = 0; i < 40'000; ++i) {
    const auto first = static_cast<std::size_t>(rng.below(4));
    const std::size_t second = (first + 1 + static_cast<std::size_t>(rng.below(3))) % 4;
    const bool wins = rng.uniform() < 1.0 / (1.0 + std::exp(kStrength.at(second) - kStrength.at(first)));
    ASSERT_EQ(
        bandit.update({.winner = to_arm(wins ? first : second), .loser = to_arm(wins ? second : first)}),
        Errc::ok);
  }
  for (std::size_t arm = 0; arm < 4; ++arm) {
    // A rating rests on 20,000 comparisons of information up to 1/4: deviation 0.014; 4.9 of them and some of
    // the filter's own.
    EXPECT_NEAR(bandit.model().mean(arm), kStrength.at(arm), 0.1) << arm;
  }
}

TEST(Duels, RefuseMoreArmsThanTheyCanHold) {
  EXPECT_EQ(Rucb::make({}, {.arms = 1025}).error().message, "arms = 1025 is outside [0, 1024]");
  BradleyTerry full = BradleyTerry::make({}, {.arms = kMaxDuelArms}).value();
  EXPECT_EQ(full.add_arm().error().code, Errc::full);
  Rng rng(6);
  EXPECT_EQ(full.select_pair({}, rng).status, Errc::ok);
  EXPECT_EQ(BradleyTerry::make({.deviation = 0.0}, {.arms = 2}).error().code, Errc::invalid_config);
}

}  // namespace
}  // namespace attune::duels_test
