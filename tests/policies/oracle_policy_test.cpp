// SPDX-License-Identifier: Apache-2.0
// The bandits over a regression: formulas of their distributions, units, oracles, and that they find good
// arms.
#include <attune/policies/oracle_policy.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numeric>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <attune/policies/builtin_oracle.hpp>
#include <attune/policies/lin_ucb.hpp>

#include "tests/support/statistics.hpp"

namespace attune::oracle_policy_test {
namespace {

using Numbers = std::vector<double>;

Numbers random_point(Rng& rng, std::size_t features) {
  Numbers x(features);
  for (double& value : x) {
    value = 2.0 * rng.uniform() - 1.0;
  }
  return x;
}

template <class Policy>
Numbers chances(const Policy& policy, const Numbers& x) {
  Numbers out(policy.arm_count());
  EXPECT_EQ(policy.probabilities({.input = {.dense = x}}, out), Errc::ok);
  return out;
}

template <class Policy>
Numbers predictions(const Policy& policy, const Numbers& x) {
  Numbers out;
  for (std::size_t arm = 0; arm < policy.arm_count(); ++arm) {
    out.push_back(policy.expectation(to_arm(arm), {.dense = x}, {}));
  }
  return out;
}

/// Rewards of arm a in context x: (x_a + 1) / 2 and a little noise, in [0, 1].
double reward_of(std::size_t arm, const Numbers& x, Rng& rng) {
  return std::clamp(0.5 * (x[arm % x.size()] + 1.0) + 0.1 * (rng.uniform() - 0.5), 0.0, 1.0);
}

template <class Policy>
Policy taught(typename Policy::Config config, std::size_t arms, std::size_t features, int rewards) {
  Policy policy = Policy::make(config, {.arms = arms, .features = features}).value();
  Rng rng(5);
  for (int i = 0; i < rewards; ++i) {
    const Numbers x = random_point(rng, features);
    const auto arm = static_cast<std::size_t>(rng.below(arms));
    EXPECT_EQ(policy.update({.arm = to_arm(arm), .reward = reward_of(arm, x, rng), .input = {.dense = x}}),
              Errc::ok);
  }
  return policy;
}

TEST(OraclePolicy, SquareCbWeighsInverseGaps) {
  const SquareCb policy = taught<SquareCb>({.gamma = 7.0, .optimism = 0.0}, 4, 4, 60);
  const Numbers x{0.3, -0.2, 0.9, 0.1};
  const Numbers predicted = predictions(policy, x);
  const Numbers found = chances(policy, x);
  const auto best = static_cast<std::size_t>(std::ranges::max_element(predicted) - predicted.begin());
  double others = 0.0;
  for (std::size_t arm = 0; arm < 4; ++arm) {
    if (arm != best) {
      const double gap = (predicted[best] - predicted[arm]) / policy.oracle().range();
      const double expected = 1.0 / (4.0 + 7.0 * std::sqrt(4.0 * 61.0) * gap);
      EXPECT_NEAR(found[arm], expected, 1e-14);
      others += expected;
    }
  }
  EXPECT_NEAR(found[best], 1.0 - others, 1e-14);
}

TEST(OraclePolicy, FastCbWeighsGapsByTheBestLoss) {
  const FastCb policy = taught<FastCb>({.gamma = 7.0, .optimism = 0.0}, 4, 4, 60);
  const Numbers x{0.3, -0.2, 0.9, 0.1};
  const Numbers predicted = predictions(policy, x);
  const Numbers found = chances(policy, x);
  const double best = *std::ranges::max_element(predicted);
  for (std::size_t arm = 0; arm < 4; ++arm) {
    if (predicted[arm] < best) {
      const double loss = 1.0 - best;
      EXPECT_NEAR(found[arm], loss / (4.0 * loss + 7.0 * std::sqrt(4.0 * 61.0) * (best - predicted[arm])),
                  1e-14);
    }
  }
}

TEST(OraclePolicy, EpsilonFallsToItsLeast) {
  const Numbers x{0.3, -0.2, 0.9, 0.1};
  for (const double least : {0.0, 0.08}) {
    const LinEpsilonGreedy policy =
        taught<LinEpsilonGreedy>({.epsilon = 0.4, .epsilon_min = least, .optimism = 0.0}, 4, 4, 99);
    const Numbers found = chances(policy, x);
    const double epsilon = std::max(0.04, least);
    const Numbers predicted = predictions(policy, x);
    const auto best = static_cast<std::size_t>(std::ranges::max_element(predicted) - predicted.begin());
    for (std::size_t arm = 0; arm < 4; ++arm) {
      EXPECT_NEAR(found[arm], epsilon / 4.0 + (arm == best ? 1.0 - epsilon : 0.0), 1e-14);
    }
  }
}

TEST(OraclePolicy, RegCbTakesTheUpperBoundOfItsRidge) {
  const RegCb policy = taught<RegCb>({.oracle = OracleKind::ridge, .mellowness = 0.5}, 4, 4, 60);
  Rng rng(6);
  int differs = 0;
  for (int i = 0; i < 100; ++i) {
    const Numbers x = random_point(rng, 4);
    OracleArms::Buffer buffer;
    const OracleInput input = policy.oracle().prepared({.dense = x}, buffer);
    const std::array<std::uint32_t, 4> which{0, 1, 2, 3};
    std::array<double, 4> mean{};
    std::array<double, 4> spread{};
    policy.oracle().member(0).scores(input, which, mean.data(), spread.data());
    const double width = policy.oracle().deviation() * std::sqrt(0.5 * std::log(1.0 + 4.0 * 61.0));
    std::size_t best = 0;
    for (std::size_t arm = 1; arm < 4; ++arm) {
      best = mean.at(arm) + width * spread.at(arm) > mean.at(best) + width * spread.at(best) ? arm : best;
    }
    const Choice choice = policy.select({.input = {.dense = x}}, rng);
    EXPECT_EQ(to_index(choice.arm), best);
    EXPECT_EQ(choice.propensity, 1.0);
    differs += std::ranges::max_element(mean) - mean.begin() != static_cast<std::ptrdiff_t>(best) ? 1 : 0;
  }
  EXPECT_GT(differs, 0) << "the bound never mattered";
}

TEST(OraclePolicy, VotesAreCountedAndMixed) {
  const Bagging policy = taught<Bagging>({.members = 5, .epsilon = 0.2, .optimism = 0.0}, 4, 4, 40);
  Rng rng(7);
  bool split = false;
  for (int i = 0; i < 50; ++i) {
    const Numbers x = random_point(rng, 4);
    OracleArms::Buffer buffer;
    const OracleInput input = policy.oracle().prepared({.dense = x}, buffer);
    Numbers expected(4, 0.05);
    const std::array<std::uint32_t, 4> which{0, 1, 2, 3};
    for (std::size_t member = 0; member < 5; ++member) {
      std::array<double, 4> mean{};
      std::array<double, 4> spread{};
      policy.oracle().member(member).scores(input, which, mean.data(), spread.data());
      expected[static_cast<std::size_t>(std::ranges::max_element(mean) - mean.begin())] += 0.8 / 5.0;
    }
    const Numbers found = chances(policy, x);
    for (std::size_t arm = 0; arm < 4; ++arm) {
      EXPECT_NEAR(found[arm], expected[arm], 1e-14);
      split = split || (found[arm] > 0.1 && found[arm] < 0.8);
    }
  }
  EXPECT_TRUE(split) << "the members always agreed";
}

TEST(OraclePolicy, CoverGivesEveryArmItsLeast) {
  const Cover policy = taught<Cover>({.epsilon = 0.5}, 4, 4, 99);
  Rng rng(8);
  for (int i = 0; i < 50; ++i) {
    for (const double chance : chances(policy, random_point(rng, 4))) {
      EXPECT_GE(chance, 0.5 / std::sqrt(4.0 * 100.0) - 1e-14);
    }
  }
}

TEST(OraclePolicy, ManyArmsAreScoredInPartsAndAddUp) {
  constexpr std::size_t kArms = 1'500;  // more than are kept at once
  const auto check = [](auto policy) {
    Rng rng(9);
    for (int i = 0; i < 300; ++i) {
      const Numbers x = random_point(rng, 3);
      const auto arm = static_cast<std::size_t>(rng.below(kArms));
      ASSERT_EQ(policy.update({.arm = to_arm(arm), .reward = reward_of(arm, x, rng), .input = {.dense = x}}),
                Errc::ok);
    }
    const Numbers x = random_point(rng, 3);
    const Numbers found = chances(policy, x);
    EXPECT_NEAR(std::accumulate(found.begin(), found.end(), 0.0), 1.0, 1e-9);
    for (int i = 0; i < 50; ++i) {
      const Choice choice = policy.select({.input = {.dense = x}}, rng);
      ASSERT_EQ(choice.status, Errc::ok);
      ASSERT_EQ(choice.propensity, found[to_index(choice.arm)]);
    }
    // The same arms, few enough to be kept: the same gaps, so the same order of chances.
    std::vector<ArmIndex> offered;
    for (std::size_t arm = 0; arm < 20; ++arm) {
      offered.push_back(to_arm(arm * 70));
    }
    Numbers few(kArms);
    ASSERT_EQ(policy.probabilities({.input = {.dense = x}, .offered = offered}, few), Errc::ok);
    EXPECT_NEAR(std::accumulate(few.begin(), few.end(), 0.0), 1.0, 1e-12);
  };
  const Shape shape{.arms = kArms, .features = 3};
  check(SquareCb::make({}, shape).value());
  check(SquareCb::make({.oracle = OracleKind::gradient}, shape).value());
  check(FastCb::make({.oracle = OracleKind::sgd}, shape).value());
  check(LinEpsilonGreedy::make({}, shape).value());
  check(Bagging::make({}, shape).value());
}

// Powers of two change no digit: whatever the units of features and rewards, the choices are the same.
template <class Policy>
void expect_units_do_not_matter(typename Policy::Config config, double reward_unit) {
  const Shape shape{.arms = 3, .features = 4};
  Policy plain = Policy::make(config, shape).value();
  Policy scaled = Policy::make(config, shape).value();
  Rng rng(10);
  Rng noise(11);
  for (std::uint64_t i = 0; i < 400; ++i) {
    Numbers x = random_point(rng, 4);
    Rng first(12, 0, i);
    Rng second(12, 0, i);
    const Choice choice = plain.select({.input = {.dense = x}}, first);
    const double reward = reward_of(to_index(choice.arm), x, noise);
    Numbers other = x;
    for (std::size_t k = 0; k < 4; ++k) {
      other[k] *= std::ldexp(1.0, 20 * static_cast<int>(k) - 30);
    }
    const Choice twin = scaled.select({.input = {.dense = other}}, second);
    ASSERT_EQ(twin.arm, choice.arm) << i;
    ASSERT_NEAR(twin.propensity, choice.propensity, 1e-9) << i;
    ASSERT_EQ(plain.update({.arm = choice.arm, .reward = reward, .input = {.dense = x}}), Errc::ok);
    ASSERT_EQ(scaled.update({.arm = choice.arm, .reward = reward_unit * reward, .input = {.dense = other}}),
              Errc::ok);
  }
}

TEST(OraclePolicy, UnitsDoNotMatter) {
  for (const OracleKind oracle : {OracleKind::ridge, OracleKind::gradient}) {
    expect_units_do_not_matter<FastCb>({.oracle = oracle}, 1.0);
    expect_units_do_not_matter<LogisticUcb>({.oracle = oracle}, 1.0);
    expect_units_do_not_matter<SquareCb>({.oracle = oracle}, 1.0);
  }
}

template <class Policy>
double mean_reward(typename Policy::Config config, std::uint64_t seed) {
  constexpr std::uint64_t kRounds = 2'000;
  constexpr std::size_t kArms = 5;
  Policy policy = Policy::make(config, {.arms = kArms, .features = 6}).value();
  Rng world(seed);
  double sum = 0.0;
  for (std::uint64_t i = 0; i < kRounds; ++i) {
    const Numbers x = random_point(world, 6);
    Rng rng(seed, 1, i);
    const Choice choice = policy.select({.input = {.dense = x}}, rng);
    const double p = 0.5 * (x[to_index(choice.arm)] + 1.0);
    const double reward = world.uniform() < p ? 1.0 : 0.0;
    sum += reward;
    EXPECT_EQ(
        policy.update(
            {.arm = choice.arm, .reward = reward, .input = {.dense = x}, .propensity = choice.propensity}),
        Errc::ok);
  }
  return sum / static_cast<double>(kRounds);
}

// The best arm in each context pays 5/6 on average, a random one 1/2. Three worlds of 2,000 rounds: the
// deviation of their mean is at most 0.0065. The bounds leave five of them below what is asked for.
TEST(OraclePolicy, LearnsWhichArmSuitsTheContext) {
  const auto average = []<class Policy>(typename Policy::Config config, Policy* /*type*/) {
    return (mean_reward<Policy>(config, 1) + mean_reward<Policy>(config, 2) +
            mean_reward<Policy>(config, 3)) /
           3.0;
  };
  const auto expect_good = [&]<class Policy>(typename Policy::Config config, Policy* type, double least) {
    const double found = average(config, type);
    EXPECT_GT(found, least) << Policy::kName << " by "
                            << kEnumNames<OracleKind>.at(static_cast<std::size_t>(config.oracle));
  };
  expect_good(SquareCb::Config{}, static_cast<SquareCb*>(nullptr), 0.74);
  expect_good(SquareCb::Config{.oracle = OracleKind::gradient}, static_cast<SquareCb*>(nullptr), 0.73);
  expect_good(SquareCb::Config{.oracle = OracleKind::nag}, static_cast<SquareCb*>(nullptr), 0.70);
  expect_good(SquareCb::Config{.loss = Loss::logistic}, static_cast<SquareCb*>(nullptr), 0.74);
  expect_good(FastCb::Config{}, static_cast<FastCb*>(nullptr), 0.74);
  expect_good(FastCb::Config{.oracle = OracleKind::auto_linear}, static_cast<FastCb*>(nullptr), 0.70);
  expect_good(LinEpsilonGreedy::Config{}, static_cast<LinEpsilonGreedy*>(nullptr), 0.74);
  expect_good(LinEpsilonGreedy::Config{.oracle = OracleKind::ftrl}, static_cast<LinEpsilonGreedy*>(nullptr),
              0.65);
  expect_good(RegCb::Config{}, static_cast<RegCb*>(nullptr), 0.75);
  expect_good(RegCb::Config{.oracle = OracleKind::bayes_linear}, static_cast<RegCb*>(nullptr), 0.75);
  expect_good(Bagging::Config{}, static_cast<Bagging*>(nullptr), 0.74);
  expect_good(Cover::Config{}, static_cast<Cover*>(nullptr), 0.72);
  expect_good(LogisticUcb::Config{}, static_cast<LogisticUcb*>(nullptr), 0.75);
  expect_good(LogisticTs::Config{}, static_cast<LogisticTs*>(nullptr), 0.75);
}

TEST(OraclePolicy, LogisticRidgeIsLaplacesApproximation) {
  // One feature that is always 1: the posterior of one weight under the prior N(0, 1) after y successes of n,
  // by integration on a grid.
  LogisticUcb policy = LogisticUcb::make({.oracle = OracleKind::ridge}, {.arms = 1, .features = 0}).value();
  Rng rng(13);
  double successes = 0.0;
  constexpr double kCount = 400.0;
  for (int i = 0; i < static_cast<int>(kCount); ++i) {
    const double reward = rng.uniform() < 0.7 ? 1.0 : 0.0;
    successes += reward;
    ASSERT_EQ(policy.update({.arm = to_arm(0), .reward = reward}), Errc::ok);
  }
  double mass = 0.0;
  double first = 0.0;
  double second = 0.0;
  for (double w = -2.0; w < 4.0; w += 1e-3) {
    const double log_density = successes * w - kCount * std::log1p(std::exp(w)) - 0.5 * w * w;
    const double density = std::exp(log_density + 250.0);
    mass += density;
    first += density * w;
    second += density * w * w;
  }
  const double mean = first / mass;
  const double deviation = std::sqrt(second / mass - mean * mean);
  std::array<double, 1> found{};
  std::array<double, 1> spread{};
  const std::array<std::uint32_t, 1> which{0};
  OracleArms::Buffer buffer;
  const Input none;
  policy.oracle().member(0).scores(policy.oracle().prepared(none, buffer), which, found.data(),
                                   spread.data());
  // Online, the curvatures are those at the estimates of their time.
  EXPECT_NEAR(found[0], mean, 0.5 * deviation);
  EXPECT_NEAR(spread[0], deviation, 0.1 * deviation);
}

TEST(OraclePolicy, SparseContextsAreServedByLearners) {
  const Shape shape{.arms = 3, .features = 1'000'000, .sparse = true};
  SquareCb policy = SquareCb::make({}, shape).value();
  EXPECT_EQ(policy.oracle().kind(), OracleKind::nag);
  Rng world(14);
  int good = 0;
  for (std::uint64_t i = 0; i < 1'500; ++i) {
    const auto group = static_cast<std::uint32_t>(world.below(3));
    const std::array<std::uint32_t, 2> index{7 + group,
                                             999'000 + static_cast<std::uint32_t>(world.below(500))};
    const std::array<double, 2> value{1.0, 1.0};
    const Input input{.sparse = {.index = index, .value = value}};
    Rng rng(15, 0, i);
    const Choice choice = policy.select({.input = input}, rng);
    ASSERT_EQ(choice.status, Errc::ok);
    const bool right = to_index(choice.arm) == group;
    good += i >= 1'000 && right ? 1 : 0;
    ASSERT_EQ(policy.update({.arm = choice.arm, .reward = right ? 1.0 : 0.0, .input = input}), Errc::ok);
  }
  EXPECT_GT(good, 400) << "of 500";
  const Result<SquareCb> dense = SquareCb::make({.oracle = OracleKind::ridge}, shape);
  ASSERT_FALSE(dense);
  EXPECT_EQ(dense.error().code, Errc::unsupported);
  EXPECT_NE(dense.error().message.find("squarecb: oracle = \"ridge\""), std::string::npos);
}

TEST(OraclePolicy, RefusesWhatItCannotDo) {
  EXPECT_EQ(SquareCb::make({.gamma = -1.0}, {.arms = 2, .features = 2}).error().code, Errc::invalid_config);
  EXPECT_EQ(SquareCb::make({.loss = Loss::hinge}, {.arms = 2, .features = 2}).error().code,
            Errc::invalid_config);
  const Result<SquareCb> wide =
      SquareCb::make({.oracle = OracleKind::gradient}, {.arms = 2, .features = 5000});
  ASSERT_FALSE(wide);
  EXPECT_NE(wide.error().message.find("5000"), std::string::npos);
  EXPECT_EQ(Bagging::make({.members = 65}, {.arms = 2, .features = 2}).error().code, Errc::invalid_config);
  FastCb policy = FastCb::make({}, {.arms = 2, .features = 1}).value();
  const Numbers x{0.5};
  EXPECT_EQ(policy.update({.arm = to_arm(0), .reward = 1.5, .input = {.dense = x}}), Errc::invalid_argument);
  EXPECT_EQ(policy.warm_start(to_arm(0), {.mean = 2.0, .weight = 1.0}).error().code, Errc::invalid_argument);
  EXPECT_EQ(policy.updates(), 0U);
}

TEST(OraclePolicy, AStateKeepsItsOracleOrIsRefused) {
  const Shape shape{.arms = 3, .features = 2};
  const auto with = [&](OracleKind oracle) { return SquareCb::make({.oracle = oracle}, shape).value(); };
  SquareCb gradient = with(OracleKind::gradient);
  const Numbers x{0.5, -1.0};
  ASSERT_EQ(gradient.update({.arm = to_arm(1), .reward = 1.0, .input = {.dense = x}}), Errc::ok);
  SquareCb automatic = with(OracleKind::automatic);
  EXPECT_EQ(automatic.oracle().kind(), OracleKind::ridge);
  ASSERT_TRUE(load_state(automatic, save_state(gradient)));
  EXPECT_EQ(automatic.oracle().kind(), OracleKind::gradient);
  EXPECT_TRUE(automatic == gradient);
  SquareCb nag = with(OracleKind::nag);
  const Result<void> refused = load_state(nag, save_state(gradient));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::corrupt_state);
  EXPECT_EQ(nag.updates(), 0U);
}

TEST(OraclePolicy, ForgetsWhereItsOracleCan) {
  SquareCb ridge = taught<SquareCb>({}, 2, 2, 100);
  const Numbers x{0.5, 0.5};
  const double before = ridge.expectation(to_arm(0), {.dense = x}, {});
  EXPECT_EQ(ridge.forget(to_arm(0), 0.1), Errc::ok);
  EXPECT_LT(std::abs(ridge.expectation(to_arm(0), {.dense = x}, {})), std::abs(before));
  EXPECT_EQ(ridge.forget(kNoArm, 0.0), Errc::ok);
  EXPECT_EQ(ridge.expectation(to_arm(1), {.dense = x}, {}), 0.0);
  SquareCb learner = taught<SquareCb>({.oracle = OracleKind::nag}, 2, 2, 100);
  const SquareCb kept = learner;
  EXPECT_EQ(learner.forget(to_arm(0), 0.5), Errc::unsupported);
  EXPECT_TRUE(learner == kept);
  EXPECT_EQ(learner.forget(to_arm(0), 0.0), Errc::ok);
  EXPECT_FALSE(learner == kept);
  EXPECT_EQ(learner.forget(to_arm(2), 0.5), Errc::unknown_arm);
}

}  // namespace
}  // namespace attune::oracle_policy_test
