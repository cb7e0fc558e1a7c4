// SPDX-License-Identifier: Apache-2.0
// The rules of IndexPolicy against their formulas, written down once more and in long double.
#include <attune/policies/index_policy.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <vector>

#include <gtest/gtest.h>
#include <boost/math/special_functions/beta.hpp>

#include <attune/policies/bayes_ucb.hpp>
#include <attune/policies/imed.hpp>
#include <attune/policies/kl_moss.hpp>
#include <attune/policies/kl_ucb.hpp>
#include <attune/policies/kl_ucb_pp.hpp>
#include <attune/policies/moss.hpp>
#include <attune/policies/ucb_v.hpp>

namespace attune::index_policy_test {
namespace {

using Real = long double;
constexpr double kInfinity = std::numeric_limits<double>::infinity();

template <class P>
P make_policy(std::size_t arms, const typename P::Config& config = {}) {
  return P::make(config, {.arms = arms}).value();
}

template <class P>
void learn(P& policy, std::size_t arm, double reward, double weight = 1.0) {
  ASSERT_EQ(policy.update({.arm = to_arm(arm), .reward = reward, .weight = weight}), Errc::ok);
}

Real kl_of(Real p, Real q) {
  return (p > 0 ? p * std::log(p / q) : 0) + (p < 1 ? (1 - p) * std::log((1 - p) / (1 - q)) : 0);
}

Real upper_of(Real p, Real level) {
  Real low = p;
  Real high = 1;
  for (int i = 0; i < 120; ++i) {
    const Real middle = (low + high) / 2;
    (kl_of(p, middle) > level ? high : low) = middle;
  }
  return low;
}

/// Three arms: 6 of 10, 1 of 4, 0 of 2. t = 16.
template <class P>
P three_arms(const typename P::Config& config = {}) {
  P policy = make_policy<P>(3, config);
  learn(policy, 0, 1.0, 6.0);
  learn(policy, 0, 0.0, 4.0);
  learn(policy, 1, 1.0, 1.0);
  learn(policy, 1, 0.0, 3.0);
  learn(policy, 2, 0.0, 2.0);
  return policy;
}
constexpr std::array<double, 3> kMean{0.6, 0.25, 0.0};
constexpr std::array<double, 3> kCount{10.0, 4.0, 2.0};

template <class P, class Formula>
void expect_indices(const P& policy, const Formula& formula, double tolerance = 1e-13) {
  double best = -kInfinity;
  std::size_t best_arm = 0;
  for (std::size_t arm = 0; arm < 3; ++arm) {
    const auto expected =
        static_cast<double>(formula(static_cast<Real>(kMean.at(arm)), static_cast<Real>(kCount.at(arm))));
    EXPECT_NEAR(policy.index(to_arm(arm)), expected, tolerance) << P::kName << " arm " << arm;
    best_arm = expected > best ? arm : best_arm;
    best = std::max(best, expected);
  }
  Rng rng(1);
  const Choice choice = policy.select({}, rng);
  EXPECT_EQ(choice.arm, to_arm(best_arm)) << P::kName;
  EXPECT_EQ(choice.score, policy.index(choice.arm)) << P::kName;
  EXPECT_EQ(choice.greedy, best_arm == 0) << P::kName;
}

TEST(IndexPolicy, KlUcbIsItsFormula) {
  expect_indices(three_arms<KlUcb>(), [](Real p, Real n) { return upper_of(p, std::log(Real{16}) / n); });
  const Real level = std::log(Real{16}) + 3 * std::log(std::log(Real{16}));
  expect_indices(three_arms<KlUcb>({.c = 3.0}), [&](Real p, Real n) { return upper_of(p, level / n); });
}

TEST(IndexPolicy, KlUcbPpIsItsFormula) {
  const auto g = [](Real x) {
    const Real log = std::max(std::log(x), Real{0});
    return std::max(std::log(x * (1 + log * log)), Real{0});
  };
  expect_indices(
      three_arms<KlUcbPp>(), [&](Real p, Real n) { return upper_of(p, g(16 / (3 * n)) / n); }, 1e-7);
  expect_indices(three_arms<KlUcbPp>({.horizon = 900}),
                 [&](Real p, Real n) { return upper_of(p, g(900 / (3 * n)) / n); });
  // The horizon is past: t again.
  EXPECT_EQ(three_arms<KlUcbPp>({.horizon = 12}).index(to_arm(1)), three_arms<KlUcbPp>().index(to_arm(1)));
}

TEST(IndexPolicy, KlMossIsItsFormula) {
  const auto level = [](Real horizon, Real n) { return std::max(std::log(horizon / (3 * n)), Real{0}) / n; };
  expect_indices(three_arms<KlMoss>({.horizon = 900}),
                 [&](Real p, Real n) { return upper_of(p, level(900, n)); });
  // Arm 0 has had more than a third of the pulls: its index is its mean, up to the root of the rounding.
  expect_indices(three_arms<KlMoss>(), [&](Real p, Real n) { return upper_of(p, level(16, n)); }, 1e-7);
}

TEST(IndexPolicy, ImedIsItsFormula) {
  expect_indices(three_arms<Imed>(), [](Real p, Real n) { return -(n * kl_of(p, Real{0.6}) + std::log(n)); });
}

TEST(IndexPolicy, MossIsItsFormula) {
  const auto root = [](Real horizon, Real n) {
    return std::sqrt(std::max(std::log(horizon / (3 * n)), Real{0}) / n);
  };
  expect_indices(three_arms<Moss>({.horizon = 900}), [&](Real p, Real n) { return p + root(900, n); });
  const Real wider = std::sqrt((1 + Real{1.35}) / 2);
  expect_indices(three_arms<Moss>(), [&](Real p, Real n) { return p + wider * root(16, n); });
  expect_indices(three_arms<Moss>({.horizon = 900, .reward_range = 2.0}),
                 [&](Real p, Real n) { return p + 2 * root(900, n); });
}

TEST(IndexPolicy, UcbVIsItsFormula) {
  const Real level = Real{1.2} * std::log(Real{16});
  expect_indices(three_arms<UcbV>(),
                 [&](Real p, Real n) { return p + std::sqrt(2 * p * (1 - p) * level / n) + 3 * level / n; });
  expect_indices(three_arms<UcbV>({.zeta = 2.0, .c = 0.1, .reward_range = 3.0}), [&](Real p, Real n) {
    const Real more = 2 * std::log(Real{16});
    return p + std::sqrt(2 * p * (1 - p) * more / n) + Real{0.9} * more / n;
  });
}

TEST(IndexPolicy, BayesUcbIsTheQuantile) {
  expect_indices(
      three_arms<BayesUcb>(),
      [](Real p, Real n) { return boost::math::ibetac_inv(1 + n * p, 1 + n * (1 - p), 1 / Real{16}); },
      1e-11);
  expect_indices(
      three_arms<BayesUcb>({.alpha = 0.5, .beta = 2.0, .c = 5.0}),
      [](Real p, Real n) {
        const Real tail = 1 / (16 * std::pow(std::log(Real{16}), 5));
        return boost::math::ibetac_inv(Real{0.5} + n * p, 2 + n * (1 - p), tail);
      },
      1e-11);
}

template <class P>
class IndexPolicies : public testing::Test {};
using Policies = testing::Types<KlMoss, KlUcb, KlUcbPp, Imed, Moss, UcbV, BayesUcb>;
struct Names {
  template <class P>
  static std::string GetName(int /*index*/) {
    return std::string(P::kName);
  }
};
TYPED_TEST_SUITE(IndexPolicies, Policies, Names);

// Arms that cannot win are passed over without their index: the choice must be that of all indices.
TYPED_TEST(IndexPolicies, SkippingHopelessArmsChangesNoChoice) {
  constexpr std::size_t kArms = 40;
  TypeParam policy = make_policy<TypeParam>(kArms);
  Rng world(11);
  for (std::uint64_t i = 0; i < 3'000; ++i) {
    Rng rng(12, 0, i);
    const Choice choice = policy.select({}, rng);
    double best = -kInfinity;
    double ties = 0.0;
    for (std::size_t arm = 0; arm < kArms; ++arm) {
      const double index = policy.index(to_arm(arm));
      ties = index > best ? 1.0 : ties + (index == best ? 1.0 : 0.0);
      best = std::max(best, index);
    }
    ASSERT_EQ(choice.score, best) << "step " << i;
    ASSERT_EQ(policy.index(choice.arm), best) << "step " << i;
    ASSERT_EQ(choice.propensity, 1.0 / ties) << "step " << i;
    const double mean = 0.3 + 0.4 * static_cast<double>(to_index(choice.arm)) / kArms;
    learn(policy, to_index(choice.arm), world.uniform() < mean ? 1.0 : 0.0, i % 7 == 0 ? 0.5 : 1.0);
  }
}

TYPED_TEST(IndexPolicies, ArmsBelowTheirTrialsComeFirst) {
  TypeParam policy = make_policy<TypeParam>(3, {.min_trials = 4});
  Rng rng(5);
  std::array<int, 3> pulls{};
  for (int i = 0; i < 12; ++i) {
    const Choice choice = policy.select({}, rng);
    EXPECT_EQ(choice.score, kInfinity);
    ++pulls.at(to_index(choice.arm));
    learn(policy, to_index(choice.arm), choice.arm == to_arm(1) ? 1.0 : 0.0);
  }
  EXPECT_EQ(pulls, (std::array<int, 3>{4, 4, 4}));
  EXPECT_LT(policy.select({}, rng).score, kInfinity);
}

TYPED_TEST(IndexPolicies, PendingPullsSpreadTheChoices) {
  TypeParam policy = make_policy<TypeParam>(4);
  Rng rng(7);
  std::array<int, 4> pulls{};
  for (int i = 0; i < 40; ++i) {
    const Choice choice = policy.select({}, rng);
    ASSERT_EQ(policy.note_pull(choice.arm), Errc::ok);
    ++pulls.at(to_index(choice.arm));
  }
  // Bounds that are cut at the largest reward tie all arms until one is rewarded.
  const auto [least, most] = std::ranges::minmax(pulls);
  EXPECT_GE(least, 1);
  EXPECT_LE(most, 25);
}

TYPED_TEST(IndexPolicies, AnAddedArmIsTriedAtOnceAndADisabledOneIsNot) {
  TypeParam policy = three_arms<TypeParam>();
  Rng rng(8);
  const ArmIndex added = policy.add_arm().value();
  EXPECT_EQ(policy.select({}, rng).arm, added);
  ASSERT_EQ(policy.set_enabled(added, false), Errc::ok);
  EXPECT_NE(policy.select({}, rng).arm, added);
}

TYPED_TEST(IndexPolicies, ForgettingWidensTheIndex) {
  TypeParam policy = three_arms<TypeParam>();
  TypeParam twice = make_policy<TypeParam>(3);
  for (std::size_t arm = 0; arm < 3; ++arm) {
    learn(twice, arm, 1.0, 2.0 * kMean.at(arm) * kCount.at(arm));
    learn(twice, arm, 0.0, 2.0 * (1.0 - kMean.at(arm)) * kCount.at(arm));
  }
  ASSERT_EQ(twice.forget(kNoArm, 0.5), Errc::ok);
  for (std::size_t arm = 0; arm < 3; ++arm) {
    EXPECT_NEAR(twice.index(to_arm(arm)), policy.index(to_arm(arm)), 1e-7) << arm;
    EXPECT_NEAR(twice.expectation(to_arm(arm), {}, {}), kMean.at(arm), 1e-15);
  }
}

TEST(IndexPolicy, RewardsOutsideTheUnitIntervalAreRefusedWhereTheRuleIsForCoins) {
  KlUcb coins = make_policy<KlUcb>(2);
  const KlUcb before = coins;
  for (const double reward : {-0.01, 1.01, 1e300}) {
    EXPECT_EQ(coins.update({.arm = to_arm(0), .reward = reward}), Errc::invalid_argument);
  }
  EXPECT_EQ(coins, before);
  const Result<void> warm = coins.warm_start(to_arm(0), {.mean = 2.0, .weight = 1.0});
  ASSERT_FALSE(warm);
  EXPECT_EQ(warm.error().message, "prior mean = 2 is outside [0, 1]");
  Moss any = make_policy<Moss>(2);
  learn(any, 0, -7.0);
  EXPECT_EQ(any.expectation(to_arm(0), {}, {}), -7.0);
}

TEST(IndexPolicy, BadOptionsAreNamed) {
  const Result<KlUcb> negative = KlUcb::make({.c = -1.0}, {.arms = 2});
  ASSERT_FALSE(negative);
  EXPECT_EQ(negative.error().message, "c = -1 is outside [0, 1000]");
  EXPECT_EQ(Moss::make({.reward_range = 0.0}, {.arms = 2}).error().code, Errc::invalid_config);
  EXPECT_EQ(BayesUcb::make({.alpha = 0.0}, {.arms = 2}).error().code, Errc::invalid_config);
  EXPECT_EQ(UcbV::make({.zeta = kInfinity}, {.arms = 2}).error().code, Errc::invalid_config);
}

}  // namespace
}  // namespace attune::index_policy_test
