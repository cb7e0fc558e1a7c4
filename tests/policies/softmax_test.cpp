// SPDX-License-Identifier: Apache-2.0
#include <attune/policies/softmax.hpp>

#include <array>
#include <cmath>
#include <numbers>

#include <gtest/gtest.h>

namespace attune::softmax_test {
namespace {

Softmax make(const SoftmaxConfig& config, std::size_t arms) {
  return Softmax::make(config, {.arms = arms}).value();
}
void learn(Softmax& policy, std::size_t arm, double reward, double weight = 1.0) {
  ASSERT_EQ(policy.update({.arm = to_arm(arm), .reward = reward, .weight = weight}), Errc::ok);
}

/// Three arms of means 1, 0.5 and -1 after 16 rewards.
Softmax three_arms(const SoftmaxConfig& config) {
  Softmax policy = make(config, 3);
  learn(policy, 0, 1.0, 4.0);
  learn(policy, 1, 0.5, 10.0);
  learn(policy, 2, -1.0, 2.0);
  return policy;
}

TEST(Softmax, IsItsFormulaUnderEverySchedule) {
  const std::array<double, 3> means{1.0, 0.5, -1.0};
  const std::array<std::pair<TemperatureSchedule, double>, 3> cases{
      {{TemperatureSchedule::constant, 0.7},
       {TemperatureSchedule::log, 0.7 / std::log(std::numbers::e + 16.0)},
       {TemperatureSchedule::root, 0.7 / std::sqrt(17.0)}}};
  for (const auto& [schedule, temperature] : cases) {
    const Softmax policy = three_arms({.temperature = 0.7, .schedule = schedule});
    std::array<double, 3> found{};
    ASSERT_EQ(policy.probabilities({}, found), Errc::ok);
    double sum = 0.0;
    for (const double mean : means) {
      sum += std::exp(mean / temperature);
    }
    for (std::size_t arm = 0; arm < 3; ++arm) {
      EXPECT_NEAR(found.at(arm), std::exp(means.at(arm) / temperature) / sum, 1e-14);
    }
  }
}

TEST(Softmax, TheGreedyChoiceIsTheOneOfTheLargestMean) {
  const Softmax policy = three_arms({.schedule = TemperatureSchedule::constant});
  for (std::uint64_t i = 0; i < 200; ++i) {
    Rng rng(1, 0, i);
    const Choice choice = policy.select({}, rng);
    EXPECT_EQ(choice.greedy, choice.arm == to_arm(0));
    EXPECT_EQ(choice.score, policy.expectation(choice.arm, {}, {}));
  }
}

TEST(Softmax, UntriedArmsComeFirstAndAlike) {
  Softmax policy = make({.min_trials = 2}, 3);
  learn(policy, 0, 1.0, 2.0);
  learn(policy, 1, 1.0);
  std::array<double, 3> found{};
  ASSERT_EQ(policy.probabilities({}, found), Errc::ok);
  EXPECT_EQ(found, (std::array<double, 3>{0.0, 0.5, 0.5}));
}

TEST(Softmax, MeansFarApartAndTinyTemperaturesGiveProbabilities) {
  Softmax policy = make({.temperature = 1e-9, .schedule = TemperatureSchedule::root}, 2);
  learn(policy, 0, -1e308);
  learn(policy, 1, 1e308);
  std::array<double, 2> found{};
  ASSERT_EQ(policy.probabilities({}, found), Errc::ok);
  EXPECT_EQ(found, (std::array<double, 2>{0.0, 1.0}));
  Rng rng(1);
  EXPECT_EQ(policy.select({}, rng).arm, to_arm(1));
}

// With one temperature for ever the worse of two arms keeps its share 1 / (1 + exp(gap / temperature)).
TEST(Softmax, AConstantTemperatureKeepsExploring) {
  constexpr int kSteps = 40'000;
  Softmax policy = make({.temperature = 0.2, .schedule = TemperatureSchedule::constant}, 2);
  int worse = 0;
  for (std::uint64_t i = 0; i < kSteps; ++i) {
    Rng rng(2, 0, i);
    const std::size_t arm = to_index(policy.select({}, rng).arm);
    learn(policy, arm, rng.uniform() < (arm == 0 ? 0.8 : 0.6) ? 1.0 : 0.0);
    worse += i >= kSteps / 2 && arm == 1 ? 1 : 0;
  }
  // The gap is known to sqrt(0.16 / 15,000 + 0.24 / 5,000) = 0.008, which moves the share by 0.008 at most;
  // the draws by sqrt(0.2 / 20,000) = 0.003: 4.9 of both.
  EXPECT_NEAR(worse / (kSteps / 2.0), 1.0 / (1.0 + std::exp(1.0)), 4.9 * std::hypot(0.008, 0.0032));
}

// A temperature that falls as 1 / ln t: the regret goes on growing, but by less and less.
TEST(Softmax, AFallingTemperatureExploresLess) {
  Softmax policy = make({}, 2);
  std::array<int, 2> worse{};
  for (std::uint64_t i = 0; i < 40'000; ++i) {
    Rng rng(3, 0, i);
    const std::size_t arm = to_index(policy.select({}, rng).arm);
    learn(policy, arm, rng.uniform() < (arm == 0 ? 0.8 : 0.4) ? 1.0 : 0.0);
    worse.at(i < 20'000 ? 0 : 1) += arm == 1 ? 1 : 0;
  }
  // The share is t^(-0.4 / 0.25): a sum of t^-1.6, which converges.
  EXPECT_GT(worse[0], 0);
  EXPECT_LT(worse[1], 5);
}

TEST(Softmax, BadOptionsAreNamed) {
  const Result<Softmax> cold = Softmax::make({.temperature = 0.0}, {.arms = 2});
  ASSERT_FALSE(cold);
  EXPECT_EQ(cold.error().message, "temperature = 0 is outside [1e-09, 1e+09]");
}

}  // namespace
}  // namespace attune::softmax_test
