// SPDX-License-Identifier: Apache-2.0
// Continuous actions: formulas by hand, convergence on a fixed context, boxes of two dimensions; the laws are
// in tests/laws/.
#include <array>
#include <cmath>

#include <gtest/gtest.h>

#include <attune/core/sampling.hpp>
#include <attune/policies/builtin_sets.hpp>

namespace attune::continuous_test {
namespace {

constexpr std::array<double, 2> kContext{0.4, -1.0};

/// Regret a step between a twentieth and a tenth of 20,000 steps, and in their second half, on a fixed
/// context with the cost 2 (a - 0.3)^2.
struct Convergence {
  double early = 0.0;
  double late = 0.0;
};
template <ContinuousBandit B>
Convergence convergence(B bandit, const Context& context, std::uint64_t seed) {
  constexpr std::uint64_t kSteps = 20'000;
  Convergence result;
  Rng world(seed);
  for (std::uint64_t step = 0; step < kSteps; ++step) {
    Rng rng(seed, 1, step);
    std::array<double, 1> action{};
    EXPECT_EQ(bandit.select_action(context, rng, action).status, Errc::ok);
    const double cost = 2.0 * (action[0] - 0.3) * (action[0] - 0.3);
    const double reward = -cost + 0.1 * sample_normal(world);
    EXPECT_EQ(bandit.update({.action = action, .reward = reward, .input = context.input}), Errc::ok);
    if (step >= kSteps / 20 && step < kSteps / 10) {
      result.early += cost / (kSteps / 20.0);
    } else if (step >= kSteps / 2) {
      result.late += cost / (kSteps / 2.0);
    }
  }
  return result;
}

TEST(ContinuousBandits, ConvergeOnAFixedContextWithAConvexCost) {
  // Uniform actions cost 0.247 a step. Both must come down to a tenth of what their first hundredth cost, and
  // to less than 0.02: an action within 0.1 of the best.
  for (const std::uint64_t seed : {1U, 2U, 3U}) {
    const Convergence spline =
        convergence(SplineSquareCb::make({}, {.features = 2}).value(), {.input = {.dense = kContext}}, seed);
    EXPECT_LT(spline.late, 0.02);
    EXPECT_LT(spline.late, 0.6 * spline.early);
    const Convergence tree = convergence(OptimisticTree::make({}, {}).value(), {}, seed);
    EXPECT_LT(tree.late, 0.02);
    EXPECT_LT(tree.late, 0.6 * tree.early);
  }
}

TEST(SplineSquareCb, FirstDensitiesByHand) {
  // Nothing is known: 4 segments and the first cell with probability 1 / 5 each, over a range of 2.
  const SplineSquareCb bandit =
      SplineSquareCb::make({.low = 1.0, .high = 3.0, .basis = 4, .cells = 8}, {}).value();
  const std::array<double, 1> first{1.1};
  const std::array<double, 1> other{2.6};
  EXPECT_NEAR(bandit.density({}, first), (0.2 * 4.0 + 0.2 * 8.0) / 2.0, 1e-15);
  EXPECT_NEAR(bandit.density({}, other), 0.2 * 4.0 / 2.0, 1e-15);
}

TEST(SplineSquareCb, LearnsACubicInTheActionTimesALineInTheContext) {
  SplineSquareCb bandit = SplineSquareCb::make({.basis = 6, .ridge = 1e-9}, {.features = 1}).value();
  const auto truth = [](double x, double a) { return (1.0 + x) * (a * a * a - a) + 0.3 * x; };
  Rng rng(4);
  for (int i = 0; i < 2'000; ++i) {
    const std::array<double, 1> x{rng.uniform()};
    const std::array<double, 1> action{rng.uniform()};
    ASSERT_EQ(bandit.update({.action = action, .reward = truth(x[0], action[0]), .input = {.dense = x}}),
              Errc::ok);
  }
  for (const double at : {0.0, 0.2, 0.5, 0.93, 1.0}) {
    const std::array<double, 1> x{0.6};
    // Cubic splines hold cubics exactly; the ridge takes about ridge / 2000 of it, rounding less.
    EXPECT_NEAR(bandit.expectation({.dense = x}, at), truth(0.6, at), 1e-6) << at;
  }
  EXPECT_TRUE(std::isnan(bandit.expectation({.dense = {}}, 0.5)));
}

TEST(SplineSquareCb, FollowsTheContext) {
  SplineSquareCb bandit = SplineSquareCb::make({}, {.features = 2}).value();
  Rng world(5);
  double late = 0.0;
  for (std::uint64_t step = 0; step < 10'000; ++step) {
    Rng rng(6, 0, step);
    const double x = world.uniform();
    const std::array<double, 2> seen{x, x * x};
    std::array<double, 1> action{};
    ASSERT_EQ(bandit.select_action({.input = {.dense = seen}}, rng, action).status, Errc::ok);
    const double cost = std::pow(action[0] - (0.2 + 0.6 * x), 2.0);
    ASSERT_EQ(bandit.update({.action = action, .reward = -cost, .input = {.dense = seen}}), Errc::ok);
    late += step >= 8'000 ? cost / 2'000.0 : 0.0;
  }
  // The best fixed action, 0.5, costs the variance of 0.6 x: 0.03.
  EXPECT_LT(late, 0.015);
}

TEST(OptimisticTree, TheFirstStepsByHand) {
  OptimisticTree tree =
      OptimisticTree::make({.low = {0.0}, .high = {8.0}, .nu = 1.0, .rho = 0.5, .confidence = 0.25}, {})
          .value();
  const std::array<double, 1> at{1.0};
  const std::array<double, 1> beyond{7.0};
  EXPECT_EQ(tree.density({}, at), 1.0 / 8.0);
  // One reward: 0.25 ln 2 / 1 = 0.173 <= 1: the box is split. Both halves are unknown: a coin decides.
  ASSERT_EQ(tree.update({.action = at, .reward = 0.5}), Errc::ok);
  EXPECT_EQ(tree.nodes(), 3U);
  EXPECT_EQ(tree.density({}, at), 0.5 / 4.0);
  EXPECT_EQ(tree.density({}, beyond), 0.5 / 4.0);
  // A reward below: 0.173 <= 0.25 splits that half; the other is unknown still and is taken for certain.
  ASSERT_EQ(tree.update({.action = at, .reward = 0.5}), Errc::ok);
  EXPECT_EQ(tree.nodes(), 5U);
  EXPECT_EQ(tree.density({}, at), 0.0);
  EXPECT_EQ(tree.density({}, beyond), 1.0 / 4.0);
}

TEST(OptimisticTree, FindsAPointOfASquare) {
  OptimisticTree tree =
      OptimisticTree::make({.low = {-1.0, 10.0}, .high = {1.0, 20.0}, .nu = 1.0, .rho = 0.7}, {}).value();
  Rng world(7);
  double late = 0.0;
  for (std::uint64_t step = 0; step < 20'000; ++step) {
    Rng rng(8, 0, step);
    std::array<double, 2> action{};
    ASSERT_EQ(tree.select_action({}, rng, action).status, Errc::ok);
    const double cost = std::pow((action[0] - 0.5) / 2.0, 2.0) + std::pow((action[1] - 12.0) / 10.0, 2.0);
    ASSERT_EQ(tree.update({.action = action, .reward = 1.0 - cost + 0.1 * sample_normal(world)}), Errc::ok);
    late += step >= 10'000 ? cost / 10'000.0 : 0.0;
  }
  EXPECT_LT(late, 0.05);  // uniform actions cost 0.146 + 0.173
}

TEST(OptimisticTree, IsFullAtItsCells) {
  OptimisticTree tree = OptimisticTree::make({.max_nodes = 9}, {}).value();
  for (std::uint64_t step = 0; step < 500; ++step) {
    Rng rng(9, 0, step);
    std::array<double, 1> action{};
    ASSERT_EQ(tree.select_action({}, rng, action).status, Errc::ok);
    ASSERT_EQ(tree.update({.action = action, .reward = action[0]}), Errc::ok);
  }
  EXPECT_EQ(tree.nodes(), 9U);
  OptimisticTree smaller = OptimisticTree::make({.max_nodes = 7}, {}).value();
  EXPECT_EQ(load_state(smaller, save_state(tree)).error().code, Errc::corrupt_state);
}

TEST(ContinuousBandits, RefuseRangesThatAreNone) {
  EXPECT_EQ(SplineSquareCb::make({.low = 1.0, .high = 1.0}, {}).error().message,
            "high = 1 is not well above low = 1");
  EXPECT_EQ(SplineSquareCb::make({.low = 1e9 - 1e-4, .high = 1e9}, {}).error().code, Errc::invalid_config);
  EXPECT_EQ(SplineSquareCb::make({.basis = 32, .cells = 16}, {}).error().message,
            "cells = 16 is below basis = 32");
  EXPECT_EQ(SplineSquareCb::make({}, {.features = 2, .sparse = true}).error().code, Errc::unsupported);
  EXPECT_EQ(OptimisticTree::make({.low = {0.0, 0.0}}, {}).error().message,
            "low and high need as many numbers, one to 4; they have 2 and 1");
  EXPECT_EQ(OptimisticTree::make({.low = {0.0, 2.0}, .high = {1.0, 1.0}}, {}).error().message,
            "high[1] = 1 is not well above low[1] = 2");
}

}  // namespace
}  // namespace attune::continuous_test
