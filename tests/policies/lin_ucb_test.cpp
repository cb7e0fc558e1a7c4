// SPDX-License-Identifier: Apache-2.0
// The laws that hold for every bandit are in tests/laws/ and run for LinUcb too.
#include <attune/policies/lin_ucb.hpp>

#include <array>
#include <cmath>
#include <cstddef>
#include <limits>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <Eigen/Dense>

#include <attune/core/sampling.hpp>

#include "tests/support/allocation_counter.hpp"
#include "tests/support/statistics.hpp"

namespace attune::lin_ucb_test {
namespace {

using Point = std::vector<double>;

LinUcb make_lin_ucb(std::size_t arms, std::size_t features, const LinUcbConfig& config = {}) {
  return LinUcb::make(config, {.arms = arms, .features = features}).value();
}

Context context_of(const Point& x) { return {.input = {.dense = x}}; }

void learn(LinUcb& policy, std::size_t arm, const Point& x, double reward, double weight = 1.0) {
  ASSERT_EQ(policy.update({.arm = to_arm(arm), .reward = reward, .input = {.dense = x}, .weight = weight}),
            Errc::ok);
}

Point random_point(Rng& rng, std::size_t size) {
  Point x(size);
  for (double& value : x) {
    value = sample_normal(rng);
  }
  return x;
}

TEST(LinUcb, ScoreMatchesTheFormulaByHand) {
  LinUcb policy = make_lin_ucb(2, 2, {.alpha = 2.0});
  learn(policy, 0, {1.0, 0.0}, 1.0);
  Rng rng(1);
  const Point x{1.0, 1.0};
  // Arm 0: A = diag(2, 1), theta = (1/2, 0): 1/2 + 2 sqrt(1/2 + 1) = 2.9494897. Arm 1: 0 + 2 sqrt(2)
  // = 2.8284271.
  const Choice choice = policy.select(context_of(x), rng);
  EXPECT_EQ(choice.arm, to_arm(0));
  EXPECT_NEAR(choice.score, 2.9494897, 1e-7);
  EXPECT_EQ(choice.propensity, 1.0);
  EXPECT_TRUE(choice.greedy);
  // In the other direction arm 1 knows as little, arm 0's mean is the same: 2 against 2, and 0 against 0.
  const Choice other = policy.select(context_of({0.0, 1.0}), rng);
  EXPECT_EQ(other.score, 2.0);
  EXPECT_EQ(other.propensity, 0.5);
}

TEST(LinUcb, AgreesWithAlgorithmOneOverARandomStream) {
  constexpr std::size_t kArms = 7;
  constexpr std::size_t kFeatures = 11;
  LinUcb policy = make_lin_ucb(kArms, kFeatures, {.alpha = 0.7, .ridge = 0.5});
  std::vector<Eigen::MatrixXd> a(kArms, 0.5 * Eigen::MatrixXd::Identity(kFeatures, kFeatures));
  std::vector<Eigen::VectorXd> b(kArms, Eigen::VectorXd::Zero(kFeatures));
  Rng world(3);
  for (int t = 0; t < 1500; ++t) {
    const Point x = random_point(world, kFeatures);
    const Eigen::VectorXd v = Eigen::Map<const Eigen::VectorXd>(x.data(), kFeatures);
    Rng rng(7, 0, static_cast<std::uint64_t>(t));
    const Choice choice = policy.select(context_of(x), rng);
    ASSERT_EQ(choice.status, Errc::ok);
    double best = -std::numeric_limits<double>::infinity();
    double best_mean = best;
    double chosen_mean = best;
    for (std::size_t arm = 0; arm < kArms; ++arm) {
      const Eigen::LLT<Eigen::MatrixXd> solver(a[arm]);
      const double mean = solver.solve(b[arm]).dot(v);
      best = std::max(best, mean + 0.7 * std::sqrt(v.dot(solver.solve(v))));
      best_mean = std::max(best_mean, mean);
      chosen_mean = arm == to_index(choice.arm) ? mean : chosen_mean;
    }
    ASSERT_NEAR(choice.score, best, 1e-11);
    if (std::abs(best_mean - chosen_mean) > 1e-9 || best_mean == chosen_mean) {
      ASSERT_EQ(choice.greedy, best_mean == chosen_mean);
    }
    const std::size_t arm = to_index(choice.arm);
    const double reward = x[arm] + 0.1 * sample_normal(world);
    learn(policy, arm, x, reward);
    a[arm] += v * v.transpose();
    b[arm] += reward * v;
  }
}

TEST(LinUcb, TheInverseStartsAsTheIdentityOverRidge) {
  const LinUcb policy = make_lin_ucb(1, 3, {.alpha = 1.0, .ridge = 4.0});
  Rng rng(1);
  EXPECT_EQ(policy.select(context_of({2.0, 0.0, 0.0}), rng).score, 1.0);  // sqrt(4 / 4)
}

TEST(LinUcb, AnInterceptIsAConstantFeature) {
  LinUcb with = make_lin_ucb(2, 7, {.intercept = true});
  LinUcb without = make_lin_ucb(2, 8);
  Rng world(5);
  for (int t = 0; t < 50; ++t) {
    const Point x = random_point(world, 7);
    Point longer = x;
    longer.push_back(1.0);
    Rng left(1, 0, static_cast<std::uint64_t>(t));
    Rng right(1, 0, static_cast<std::uint64_t>(t));
    const Choice choice = with.select(context_of(x), left);
    EXPECT_EQ(choice.score, without.select(context_of(longer), right).score);
    learn(with, to_index(choice.arm), x, x[0]);
    learn(without, to_index(choice.arm), longer, x[0]);
  }
  EXPECT_EQ(with.models(), without.models());
  const LinUcb no_context = LinUcb::make({.intercept = true}, {.arms = 2}).value();
  Rng rng(1);
  EXPECT_EQ(no_context.select({}, rng).score, 1.0);
}

TEST(LinUcb, BreaksTiesUniformly) {
  const LinUcb policy = make_lin_ucb(5, 3);
  const Point x{1.0, 2.0, 3.0};
  std::array<double, 5> counts{};
  for (std::uint64_t t = 0; t < 20'000; ++t) {
    Rng rng(11, 0, t);
    const Choice choice = policy.select(context_of(x), rng);
    ASSERT_EQ(choice.propensity, 0.2);
    counts.at(to_index(choice.arm)) += 1.0;
  }
  EXPECT_TRUE(test::is_uniform(counts));
}

TEST(LinUcb, ProbabilitiesAgreeWithPropensities) {
  LinUcb policy = make_lin_ucb(40, 4);
  Rng world(6);
  for (int t = 0; t < 30; ++t) {
    learn(policy, world.below(20), random_point(world, 4), 1.0);
  }
  std::vector<double> p(40);
  for (std::uint64_t t = 0; t < 50; ++t) {
    const Point x = random_point(world, 4);
    const std::array<ArmIndex, 4> some{to_arm(33), to_arm(2), to_arm(33), to_arm(35)};
    Context context = context_of(x);
    if (t % 2 == 1) {
      context.offered = some;
    }
    ASSERT_EQ(policy.probabilities(context, p), Errc::ok);
    Rng rng(1, 0, t);
    const Choice choice = policy.select(context, rng);
    EXPECT_DOUBLE_EQ(p[to_index(choice.arm)], choice.propensity);  // thirds may be added up
    double sum = 0.0;
    for (const double value : p) {
      sum += value;
    }
    EXPECT_NEAR(sum, 1.0, 1e-14);
  }
}

TEST(LinUcb, WarmStartIsPseudoRewards) {
  // Without an intercept, for one-hot contexts: theta_k = weight mean / (ridge + weight) in every context.
  LinUcb policy = make_lin_ucb(2, 3);
  ASSERT_TRUE(policy.warm_start(to_arm(1), {.mean = 0.8, .weight = 3.0}));
  for (std::size_t k = 0; k < 3; ++k) {
    EXPECT_NEAR(policy.models().coefficients(1)[k], 0.6, 1e-15);
  }
  Rng rng(1);
  const Choice choice = policy.select(context_of({0.0, 1.0, 0.0}), rng);
  EXPECT_EQ(choice.arm, to_arm(1));  // 0.6 + sqrt(1/4) against 1
  EXPECT_NEAR(choice.score, 1.1, 1e-15);
  // With one, as that many rewards at the zero context.
  LinUcb warm = make_lin_ucb(1, 3, {.intercept = true});
  ASSERT_TRUE(warm.warm_start(to_arm(0), {.mean = 0.8, .weight = 3.0}));
  EXPECT_NEAR(warm.models().coefficients(0)[3], 0.6, 1e-15);
  EXPECT_EQ(warm.models().coefficients(0)[0], 0.0);
  EXPECT_EQ(warm.warm_start(to_arm(0), {.mean = 0.8, .weight = -1.0}).error().code, Errc::invalid_argument);
  EXPECT_EQ(warm.warm_start(to_arm(9), {}).error().code, Errc::unknown_arm);
}

TEST(LinUcb, ForgettingFollowsAWorldThatChanges) {
  LinUcb steady = make_lin_ucb(1, 2);
  LinUcb forgetful = make_lin_ucb(1, 2, {.forgetting = 0.95});
  Rng world(8);
  for (int t = 0; t < 2000; ++t) {
    const Point x = random_point(world, 2);
    const double reward = t < 1000 ? x[0] : -x[0];
    learn(steady, 0, x, reward);
    learn(forgetful, 0, x, reward);
  }
  // Half the evidence each way leaves the first near 0; the second remembers about 20 rewards.
  EXPECT_NEAR(steady.models().coefficients(0)[0], 0.0, 0.1);
  EXPECT_NEAR(forgetful.models().coefficients(0)[0], -1.0, 0.1);
}

TEST(LinUcb, BeatsUniformChoiceInALinearWorld) {
  constexpr std::size_t kArms = 6;
  constexpr std::size_t kFeatures = 5;
  constexpr int kRounds = 4000;
  Rng world(12);
  std::vector<Point> truth;
  for (std::size_t arm = 0; arm < kArms; ++arm) {
    truth.push_back(random_point(world, kFeatures));
  }
  LinUcb policy = make_lin_ucb(kArms, kFeatures);
  double regret = 0.0;
  double uniform_regret = 0.0;
  double late_regret = 0.0;
  for (int t = 0; t < kRounds; ++t) {
    const Point x = random_point(world, kFeatures);
    std::array<double, kArms> mean{};
    double best = -std::numeric_limits<double>::infinity();
    double average = 0.0;
    for (std::size_t arm = 0; arm < kArms; ++arm) {
      for (std::size_t i = 0; i < kFeatures; ++i) {
        mean.at(arm) += truth[arm][i] * x[i];
      }
      best = std::max(best, mean.at(arm));
      average += mean.at(arm) / kArms;
    }
    Rng rng(1, 0, static_cast<std::uint64_t>(t));
    const Choice choice = policy.select(context_of(x), rng);
    const double loss = best - mean.at(to_index(choice.arm));
    regret += loss;
    late_regret += t >= kRounds / 2 ? loss : 0.0;
    uniform_regret += best - average;
    learn(policy, to_index(choice.arm), x, mean.at(to_index(choice.arm)) + 0.5 * sample_normal(world));
  }
  EXPECT_LT(regret, 0.03 * uniform_regret);
  EXPECT_LT(late_regret,
            0.3 * regret);  // logarithmic growth leaves ln 2 / ln 4000 = 0.08; linear would be 0.5
}

TEST(LinUcb, HugeContextsGetAnAnswerAndLeaveTheStateFinite) {
  LinUcb policy = make_lin_ucb(3, 2);
  const Point huge{1e300, -1e300};
  Rng rng(1);
  EXPECT_EQ(policy.select(context_of(huge), rng).status, Errc::ok);
  const LinUcb before = policy;
  EXPECT_EQ(policy.update({.arm = to_arm(0), .reward = 1.0, .input = {.dense = huge}}), Errc::non_finite);
  EXPECT_EQ(policy, before);
  const Point large{1e150, 1e149};
  learn(policy, 0, large, 1e100);
  EXPECT_EQ(policy.select(context_of(huge), rng).status, Errc::ok);
  EXPECT_EQ(policy.select(context_of({1.0, 1.0}), rng).status, Errc::ok);
}

TEST(LinUcb, RefusesBadInputAndKeepsItsState) {
  LinUcb policy = make_lin_ucb(2, 2);
  learn(policy, 1, {0.3, 0.4}, 1.0);
  const LinUcb before = policy;
  const Point x{1.0, 2.0};
  const Point short_x{1.0};
  constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
  const Point nan_x{1.0, kNan};
  EXPECT_EQ(policy.update({.arm = to_arm(2), .reward = 1.0, .input = {.dense = x}}), Errc::unknown_arm);
  EXPECT_EQ(policy.update({.arm = to_arm(0), .reward = kNan, .input = {.dense = x}}), Errc::non_finite);
  EXPECT_EQ(policy.update({.arm = to_arm(0), .reward = 1.0, .input = {.dense = short_x}}),
            Errc::dimension_mismatch);
  EXPECT_EQ(policy.update({.arm = to_arm(0), .reward = 1.0, .input = {.dense = nan_x}}), Errc::non_finite);
  EXPECT_EQ(policy.update({.arm = to_arm(0), .reward = 1.0, .input = {.dense = x}, .weight = -1.0}),
            Errc::invalid_argument);
  EXPECT_EQ(policy, before);
  Rng rng(1);
  EXPECT_EQ(policy.select(context_of(short_x), rng).status, Errc::dimension_mismatch);
  EXPECT_EQ(policy.select(context_of(nan_x), rng).status, Errc::non_finite);
}

TEST(LinUcb, RefusesBadConfigurationByName) {
  const Result<LinUcb> negative = LinUcb::make({.alpha = -1.0}, {.arms = 2, .features = 2});
  ASSERT_FALSE(negative);
  EXPECT_NE(negative.error().message.find("alpha"), std::string::npos);
  EXPECT_EQ(LinUcb::make({}, {.arms = 2}).error().code, Errc::invalid_config);
  EXPECT_EQ(LinUcb::make({}, {.arms = 2, .features = 5000}).error().code, Errc::invalid_config);
  const Result<LinUcb> sparse = LinUcb::make({}, {.arms = 2, .features = 8, .sparse = true});
  ASSERT_FALSE(sparse);
  EXPECT_EQ(sparse.error().code, Errc::unsupported);
}

TEST(LinUcb, RefusesStatesOfAnotherShape) {
  const LinUcb source = make_lin_ucb(2, 3);
  LinUcb target = make_lin_ucb(2, 4);
  const LinUcb before = target;
  Writer writer;
  source.save(writer);
  Reader reader(writer.view());
  const Result<void> loaded = target.load(reader);
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().code, Errc::corrupt_state);
  EXPECT_EQ(target, before);
}

TEST(LinUcb, HotPathDoesNotAllocateInAnyDimension) {
  for (const std::size_t features : {3U, 100U, 1000U}) {
    LinUcb policy = make_lin_ucb(3, features, {.intercept = true});
    const Point x(features, 0.01);
    bool good = true;
    const test::AllocationCount counter;
    for (std::uint64_t t = 0; t < 20; ++t) {
      Rng rng(1, 0, t);
      const Choice choice = policy.select(context_of(x), rng);
      good = good && policy.update({.arm = choice.arm, .reward = 1.0, .input = {.dense = x}}) == Errc::ok;
    }
    EXPECT_EQ(counter.count(), 0U);
    EXPECT_TRUE(good);
  }
}

}  // namespace
}  // namespace attune::lin_ucb_test
