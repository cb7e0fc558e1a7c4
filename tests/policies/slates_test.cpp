// SPDX-License-Identifier: Apache-2.0
// Slates against numbers by hand, brute force and an independent ridge regression; the laws are in
// tests/laws/.
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>
#include <vector>

#include <gtest/gtest.h>
#include <Eigen/Dense>

#include <attune/policies/builtin_sets.hpp>

#include "policies/slate/best_assignment.hpp"
#include "tests/support/statistics.hpp"

namespace attune::slates_test {
namespace {

using Slate2 = std::array<ArmIndex, 2>;

template <SlateBandit B>
Slate2 best_two(const B& bandit, std::uint64_t seed = 1) {
  Slate2 arms{};
  Rng rng(seed);
  EXPECT_EQ(bandit.select_slate({}, rng, {.arms = arms}).status, Errc::ok);
  return arms;
}

/// `count` slates that show an arm alone, `hits` of them rewarded.
template <SlateBandit B>
void teach(B& bandit, std::size_t arm, int count, int hits) {
  const std::array<ArmIndex, 1> shown{to_arm(arm)};
  for (int i = 0; i < count; ++i) {
    const std::array<double, 1> rewards{i < hits ? 1.0 : 0.0};
    ASSERT_EQ(bandit.update({.shown = shown, .rewards = rewards}), Errc::ok);
  }
}

TEST(TopKUcb, OrdersByTheBoundOfThePaper) {
  TopKUcb bandit = TopKUcb::make({}, {.arms = 3}).value();
  teach(bandit, 0, 10, 5);
  teach(bandit, 1, 2, 0);
  teach(bandit, 2, 40, 24);
  // t = 52, 1.5 ln t = 5.927: 0.5 + sqrt(0.5927) = 1.270; 0 + sqrt(2.963) = 1.721; 0.6 + sqrt(0.1482) =
  // 0.985.
  EXPECT_EQ(best_two(bandit), (Slate2{to_arm(1), to_arm(0)}));
  // Without exploration the means decide: 0.6, 0.5, 0.
  TopKUcb greedy = TopKUcb::make({.exploration = 0.0}, {.arms = 3}).value();
  ASSERT_TRUE(load_state(greedy, save_state(bandit)));
  EXPECT_EQ(best_two(greedy), (Slate2{to_arm(2), to_arm(0)}));
}

TEST(TopKKlUcb, OrdersByTheBoundOfThePaper) {
  TopKKlUcb bandit = TopKKlUcb::make({}, {.arms = 3}).value();
  teach(bandit, 0, 10, 5);
  teach(bandit, 1, 2, 0);
  teach(bandit, 2, 40, 24);
  // ln t = 3.951. Arm 0: kl(0.5, q) = 0.3951 at 0.5 + sqrt(1 - exp(-0.7903)) / 2 = 0.870. Arm 1: -ln(1 - q)
  // = 1.976 at 0.861. Arm 2: kl(0.6, q) = 0.0988 at about 0.80, below both.
  EXPECT_EQ(best_two(bandit), (Slate2{to_arm(0), to_arm(1)}));
}

TEST(TopK, AClickTeachesOnlyWhatWasExamined) {
  TopKThompson bandit = TopKThompson::make({}, {.arms = 4}).value();
  const std::array<ArmIndex, 3> shown{to_arm(2), to_arm(0), to_arm(3)};
  ASSERT_EQ(bandit.update({.shown = shown, .signal = SlateSignal::first_click, .click = 1}), Errc::ok);
  const ArmMeans& seen = bandit.model();
  EXPECT_EQ(seen.weight(2), 1.0);
  EXPECT_EQ(seen.mean(2), 0.0);
  EXPECT_EQ(seen.weight(0), 1.0);
  EXPECT_EQ(seen.mean(0), 1.0);
  EXPECT_EQ(seen.weight(3), 0.0);
  ASSERT_EQ(bandit.update({.shown = shown, .signal = SlateSignal::first_click}), Errc::ok);
  EXPECT_EQ(seen.weight(3), 1.0);
  EXPECT_EQ(seen.mean(0), 0.5);
  EXPECT_EQ(bandit.updates(), 2U);
}

TEST(TopK, RewardsOutsideTheUnitIntervalAreRefusedWhole) {
  TopKUcb bandit = TopKUcb::make({}, {.arms = 2}).value();
  const TopKUcb before = bandit;
  const std::array<ArmIndex, 2> shown{to_arm(0), to_arm(1)};
  const std::array<double, 2> rewards{0.5, 1.5};
  EXPECT_EQ(bandit.update({.shown = shown, .rewards = rewards}), Errc::invalid_argument);
  EXPECT_EQ(bandit, before);
}

TEST(TopKLinUcb, RanksByTheContext) {
  TopKLinUcb bandit = TopKLinUcb::make({.alpha = 0.5}, {.arms = 6, .features = 1}).value();
  Rng world(3);
  const std::array<ArmIndex, 6> all{to_arm(0), to_arm(1), to_arm(2), to_arm(3), to_arm(4), to_arm(5)};
  for (int i = 0; i < 200; ++i) {
    const std::array<double, 1> x{2.0 * world.uniform() - 1.0};
    std::array<double, 6> rewards{};
    for (std::size_t arm = 0; arm < 6; ++arm) {
      rewards.at(arm) = (static_cast<double>(arm) - 2.5) * x[0];  // the order turns around with the sign
    }
    ASSERT_EQ(bandit.update({.shown = all, .rewards = rewards, .input = {.dense = x}}), Errc::ok);
  }
  Slate2 arms{};
  Rng rng(4);
  const std::array<double, 1> right{1.0};
  (void)bandit.select_slate({.input = {.dense = right}}, rng, {.arms = arms});
  EXPECT_EQ(arms, (Slate2{to_arm(5), to_arm(4)}));
  const std::array<double, 1> left{-1.0};
  (void)bandit.select_slate({.input = {.dense = left}}, rng, {.arms = arms});
  EXPECT_EQ(arms, (Slate2{to_arm(0), to_arm(1)}));
}

TEST(BestAssignment, IsTheBestOfAllOrders) {
  Rng rng(5);
  for (int round = 0; round < 300; ++round) {
    const std::size_t rows = 1 + static_cast<std::size_t>(rng.below(4));
    const std::size_t columns = rows + static_cast<std::size_t>(rng.below(3));
    std::vector<double> scores(rows * columns);
    for (double& score : scores) {
      score = static_cast<double>(rng.below(20)) - 10.0;  // ties too
    }
    const auto score = [&](std::size_t row, std::size_t column) { return scores[row * columns + column]; };
    std::array<std::size_t, detail::Assignment::kRows> found{};
    detail::best_assignment(rows, columns, score, found);
    double sum = 0.0;
    for (std::size_t row = 0; row < rows; ++row) {
      sum += score(row, found.at(row));
      ASSERT_EQ(std::count(found.begin(), found.begin() + static_cast<std::ptrdiff_t>(rows), found.at(row)),
                1);
    }
    std::vector<std::size_t> order(columns);
    std::iota(order.begin(), order.end(), std::size_t{0});
    double best = -std::numeric_limits<double>::infinity();
    do {
      double other = 0.0;
      for (std::size_t row = 0; row < rows; ++row) {
        other += score(row, order[row]);
      }
      best = std::max(best, other);
    } while (std::ranges::next_permutation(order).found);
    ASSERT_EQ(sum, best);
  }
}

/// Ridge regression over indicators, solved at once.
struct Oracle {
  Eigen::MatrixXd precision;
  Eigen::VectorXd response;

  Oracle(std::size_t size, double ridge)
      : precision(ridge * Eigen::MatrixXd::Identity(static_cast<int>(size), static_cast<int>(size))),
        response(Eigen::VectorXd::Zero(static_cast<int>(size))) {}
  void add(std::span<const std::size_t> places, double reward, double weight) {
    Eigen::VectorXd x = Eigen::VectorXd::Zero(response.size());
    for (const std::size_t place : places) {
      x(static_cast<int>(place)) = 1.0;
    }
    precision += weight * x * x.transpose();
    response += weight * reward * x;
  }
};

TEST(SlateRidge, MatchesRidgeRegressionSolvedAtOnce) {
  constexpr std::size_t kArms = 5;
  constexpr std::size_t kPositions = 3;
  SlateRidge bandit = SlateRidge::make({.positions = kPositions, .ridge = 0.5}, {.arms = kArms}).value();
  Oracle oracle(kArms * kPositions, 0.5);
  Rng rng(6);
  for (int i = 0; i < 3'000; ++i) {
    std::array<ArmIndex, kPositions> shown{};
    Rng draw(7, 0, static_cast<std::uint64_t>(i));
    ASSERT_EQ(bandit.select_slate({}, draw, {.arms = shown}).size, kPositions);
    const double reward = 2.0 * rng.uniform() - 0.5;
    const double weight = rng.uniform();
    std::vector<std::size_t> places;
    for (std::size_t j = 0; j < kPositions; ++j) {
      places.push_back(to_index(shown.at(j)) * kPositions + j);
    }
    oracle.add(places, reward, weight);
    ASSERT_EQ(
        bandit.update({.shown = shown, .signal = SlateSignal::whole, .reward = reward, .weight = weight}),
        Errc::ok);
  }
  const Eigen::MatrixXd covariance = oracle.precision.inverse();
  const Eigen::VectorXd values = covariance * oracle.response;
  for (std::size_t arm = 0; arm < kArms; ++arm) {
    for (std::size_t j = 0; j < kPositions; ++j) {
      const int i = static_cast<int>(arm * kPositions + j);
      // Rounding of 3,000 updates, each of some 1e-16 of numbers near 1.
      EXPECT_NEAR(bandit.value(to_arm(arm), j), values(i), 1e-10);
      EXPECT_NEAR(bandit.deviation(to_arm(arm), j), std::sqrt(covariance(i, i)), 1e-10);
    }
  }
  // What is left after an arm is reset is the marginal of the others.
  const double value = bandit.value(to_arm(1), 2);
  const double deviation = bandit.deviation(to_arm(1), 2);
  ASSERT_EQ(bandit.reset_arm(to_arm(3)), Errc::ok);
  EXPECT_EQ(bandit.value(to_arm(1), 2), value);
  EXPECT_NEAR(bandit.deviation(to_arm(1), 2), deviation, 1e-10);
  EXPECT_EQ(bandit.value(to_arm(3), 0), 0.0);
  EXPECT_NEAR(bandit.deviation(to_arm(3), 0), std::sqrt(2.0), 1e-12);
}

TEST(SlateRidge, EpsilonGreedyStatesThePropensityOfEachList) {
  SlateRidge bandit = SlateRidge::make({.positions = 2, .alpha = 0.0, .epsilon = 0.3}, {.arms = 3}).value();
  const std::array<ArmIndex, 2> shown{to_arm(2), to_arm(0)};
  ASSERT_EQ(bandit.update({.shown = shown, .signal = SlateSignal::whole, .reward = 1.0}), Errc::ok);
  std::map<Slate2, std::pair<double, double>> lists;
  for (std::uint64_t i = 0; i < 30'000; ++i) {
    Rng rng(8, 0, i);
    Slate2 arms{};
    std::array<double, 2> propensities{};
    const SlateChoice choice = bandit.select_slate({}, rng, {.arms = arms, .propensities = propensities});
    ASSERT_NEAR(choice.propensity, propensities[0] * propensities[1], 1e-15);
    lists[arms].first = choice.propensity;
    ++lists[arms].second;
  }
  ASSERT_EQ(lists.size(), 6U);
  EXPECT_NEAR(lists[shown].first, 0.7 + 0.3 / 6.0, 1e-15);
  std::vector<double> counts;
  std::vector<double> propensities;
  for (const auto& [list, entry] : lists) {
    propensities.push_back(entry.first);
    counts.push_back(entry.second);
  }
  EXPECT_TRUE(test::matches_probabilities(counts, propensities));
}

TEST(SlateRidge, RefusesWhatItCannotHold) {
  EXPECT_EQ(SlateRidge::make({.positions = 16}, {.arms = 65}).error().message,
            "positions = 16 for 65 arms are more than 1024 values");
  EXPECT_EQ(SlateRidge::make({.positions = 0}, {.arms = 2}).error().code, Errc::invalid_config);
  SlateRidge full = SlateRidge::make({.positions = 16}, {.arms = 64}).value();
  EXPECT_EQ(full.add_arm().error().code, Errc::full);
  EXPECT_EQ(full.arm_count(), 64U);
  std::array<ArmIndex, 17> arms{};
  Rng rng(9);
  EXPECT_EQ(full.select_slate({}, rng, {.arms = arms}).status, Errc::invalid_argument);
}

}  // namespace
}  // namespace attune::slates_test
