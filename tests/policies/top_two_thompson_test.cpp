// SPDX-License-Identifier: Apache-2.0
#include <attune/policies/top_two_thompson.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include <gtest/gtest.h>

#include <attune/core/sampling.hpp>

#include "tests/support/statistics.hpp"

namespace attune::top_two_thompson_test {
namespace {

TopTwoThompson make(const TopTwoThompsonConfig& config, std::size_t arms) {
  return TopTwoThompson::make(config, {.arms = arms}).value();
}
void learn(TopTwoThompson& policy, std::size_t arm, double reward, double weight = 1.0) {
  ASSERT_EQ(policy.update({.arm = to_arm(arm), .reward = reward, .weight = weight}), Errc::ok);
}

/// Russo's section 3.3: what is chosen, from the chances `best` that each arm has the largest draw.
std::array<double, 3> chances(const std::array<double, 3>& best, double beta) {
  std::array<double, 3> out{};
  for (std::size_t arm = 0; arm < 3; ++arm) {
    double other = 0.0;
    for (std::size_t leader = 0; leader < 3; ++leader) {
      other += leader == arm ? 0.0 : best.at(leader) / (1.0 - best.at(leader));
    }
    out.at(arm) = best.at(arm) * (beta + (1.0 - beta) * other);
  }
  return out;
}

TEST(TopTwoThompson, ChoicesHaveRussosChances) {
  constexpr std::uint64_t kChoices = 40'000;
  for (const ArmModel model : {ArmModel::bernoulli, ArmModel::gaussian}) {
    TopTwoThompson policy = make({.beta = 0.3, .model = model, .deviation = 0.5}, 3);
    const std::array<double, 3> mean{0.5, 0.4, 0.3};
    for (std::size_t arm = 0; arm < 3; ++arm) {
      learn(policy, arm, 1.0, 20.0 * mean.at(arm));
      learn(policy, arm, 0.0, 20.0 * (1.0 - mean.at(arm)));
    }
    // The chances of Thompson sampling from 25 times as many draws: their own error counts for little.
    std::array<double, 3> best{};
    Rng rng(1);
    constexpr int kDraws = 1'000'000;
    for (int i = 0; i < kDraws; ++i) {
      std::array<double, 3> draw{};
      for (std::size_t arm = 0; arm < 3; ++arm) {
        draw.at(arm) = model == ArmModel::bernoulli
                           ? sample_beta(rng, 1.0 + 20.0 * mean.at(arm), 21.0 - 20.0 * mean.at(arm))
                           : mean.at(arm) + 0.5 / std::sqrt(20.0) * sample_normal(rng);
      }
      best.at(static_cast<std::size_t>(std::ranges::max_element(draw) - draw.begin())) += 1.0 / kDraws;
    }
    const std::array<double, 3> expected = chances(best, 0.3);
    std::vector<double> counts(3);
    for (std::uint64_t i = 0; i < kChoices; ++i) {
      Rng decision(2, 0, i);
      counts[to_index(policy.select({}, decision).arm)] += 1.0;
    }
    EXPECT_TRUE(test::matches_probabilities(counts, expected));
  }
}

/// W(best, other) of coins.
double cost(double n1, double mean1, double n2, double mean2) {
  const auto kl = [](double p, double q) {
    return p * std::log(p / q) + (1.0 - p) * std::log((1.0 - p) / (1.0 - q));
  };
  const double common = (n1 * mean1 + n2 * mean2) / (n1 + n2);
  return n1 * kl(mean1, common) + n2 * kl(mean2, common);
}

// Russo's Theorem 1: the best arm has its share beta, and all others cost the same to be taken for the best.
TEST(TopTwoThompson, PullsGoToWhereTheyTellMost) {
  const std::array<double, 3> means{0.7, 0.5, 0.4};
  constexpr std::uint64_t kSteps = 6'000;
  constexpr int kRuns = 20;
  double share = 0.0;
  double ratio = 0.0;
  for (std::uint64_t run = 0; run < kRuns; ++run) {
    TopTwoThompson policy = make({}, 3);
    for (std::uint64_t i = 0; i < kSteps; ++i) {
      Rng rng(3, run, i);
      const std::size_t arm = to_index(policy.select({}, rng).arm);
      learn(policy, arm, rng.uniform() < means.at(arm) ? 1.0 : 0.0);
    }
    const Description text = policy.describe();
    const auto weight = [&](std::size_t arm) { return text.rows.at(arm).at(3); };
    share += weight(0) / kSteps / kRuns;
    ratio += std::log(cost(weight(0), means[0], weight(1), means[1]) /
                      cost(weight(0), means[0], weight(2), means[2])) /
             kRuns;
  }
  // The leader is the best arm but for the first few hundred steps; a share of 1/2 has an error of
  // sqrt(1/4 / 120,000) = 0.0015.
  EXPECT_NEAR(share, 0.5, 4.9 * 0.0015 + 0.02);
  EXPECT_NEAR(ratio, 0.0, 0.25);
}

TEST(TopTwoThompson, ACertainLeaderIsStillCheckedAgainstItsNearestRival) {
  for (const ArmModel model : {ArmModel::bernoulli, ArmModel::gaussian}) {
    TopTwoThompson policy = make({.model = model}, 4);
    for (std::size_t arm = 0; arm < 4; ++arm) {
      const double mean = std::array{0.2, 0.9, 0.4, 0.3}.at(arm);
      learn(policy, arm, 1.0, 1e6 * mean);
      learn(policy, arm, 0.0, 1e6 * (1.0 - mean));
    }
    std::vector<double> counts(4);
    for (std::uint64_t i = 0; i < 2'000; ++i) {
      Rng rng(4, 0, i);
      const Choice choice = policy.select({}, rng);
      EXPECT_EQ(choice.greedy, choice.arm == to_arm(1));
      EXPECT_TRUE(std::isnan(choice.propensity));
      counts[to_index(choice.arm)] += 1.0;
    }
    EXPECT_TRUE(test::matches_probabilities(counts, std::array{0.0, 0.5, 0.5, 0.0}));
  }
}

TEST(TopTwoThompson, TheModelSaysWhichRewardsAreTaken) {
  TopTwoThompson coins = make({}, 2);
  EXPECT_EQ(coins.update({.arm = to_arm(0), .reward = 1.5}), Errc::invalid_argument);
  TopTwoThompson any = make({.model = ArmModel::gaussian}, 2);
  EXPECT_EQ(any.update({.arm = to_arm(0), .reward = -1.5}), Errc::ok);
}

TEST(TopTwoThompson, BetaOneIsThompsonSamplingAndASingleArmIsCertain) {
  TopTwoThompson policy = make({.beta = 1.0}, 2);
  learn(policy, 0, 1.0, 1e6);
  learn(policy, 1, 0.0, 1e6);
  for (std::uint64_t i = 0; i < 100; ++i) {
    Rng rng(5, 0, i);
    EXPECT_EQ(policy.select({}, rng).arm, to_arm(0));
  }
  ASSERT_EQ(policy.set_enabled(to_arm(0), false), Errc::ok);
  Rng rng(6);
  const Choice only = policy.select({}, rng);
  EXPECT_EQ(only.arm, to_arm(1));
  EXPECT_EQ(only.propensity, 1.0);
}

}  // namespace
}  // namespace attune::top_two_thompson_test
