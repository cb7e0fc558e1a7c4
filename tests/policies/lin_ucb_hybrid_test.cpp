// SPDX-License-Identifier: Apache-2.0
// The laws that hold for every bandit are in tests/laws/ and run for LinUcbHybrid too.
#include <attune/policies/lin_ucb_hybrid.hpp>

#include <cmath>
#include <cstddef>
#include <limits>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <Eigen/Dense>

#include <attune/core/sampling.hpp>

#include "tests/support/allocation_counter.hpp"

namespace attune::lin_ucb_hybrid_test {
namespace {

using Matrix = Eigen::MatrixXd;
using Vector = Eigen::VectorXd;
using Point = std::vector<double>;

constexpr std::size_t kArms = 4;

Vector as_vector(const Point& x) {
  return Eigen::Map<const Vector>(x.data(), static_cast<Eigen::Index>(x.size()));
}

Point random_point(Rng& rng, std::size_t size) {
  Point x(size);
  for (double& value : x) {
    value = 0.7 * sample_normal(rng);
  }
  return x;
}

// Li et al. (2010), Algorithm 2, line by line, with weights and a ridge.
struct AlgorithmTwo {
  Matrix a0;
  Vector b0;
  std::vector<Matrix> a, b_matrix;
  std::vector<Vector> b;

  AlgorithmTwo(Eigen::Index k, Eigen::Index d, double ridge)
      : a0(ridge * Matrix::Identity(k, k)),
        b0(Vector::Zero(k)),
        a(kArms, ridge * Matrix::Identity(d, d)),
        b_matrix(kArms, Matrix::Zero(d, k)),
        b(kArms, Vector::Zero(d)) {}

  [[nodiscard]] double score(std::size_t arm, const Vector& z, const Vector& x, double alpha) const {
    const Matrix a0_inverse = a0.inverse();
    const Matrix a_inverse = a[arm].inverse();
    const Matrix& bm = b_matrix[arm];
    const Vector beta = a0_inverse * b0;
    const Vector theta = a_inverse * (b[arm] - bm * beta);
    const Vector ax = a_inverse * x;
    const double s = z.dot(a0_inverse * z) - 2.0 * z.dot(a0_inverse * (bm.transpose() * ax)) + x.dot(ax) +
                     ax.dot(bm * (a0_inverse * (bm.transpose() * ax)));
    return z.dot(beta) + x.dot(theta) + alpha * std::sqrt(s);
  }
  void learn(std::size_t arm, const Vector& z, const Vector& x, double reward, double weight) {
    Matrix& bm = b_matrix[arm];
    const Matrix before = a[arm].inverse();
    a0 += bm.transpose() * before * bm;
    b0 += bm.transpose() * before * b[arm];
    a[arm] += weight * x * x.transpose();
    bm += weight * x * z.transpose();
    b[arm] += weight * reward * x;
    const Matrix after = a[arm].inverse();
    a0 += weight * z * z.transpose() - bm.transpose() * after * bm;
    b0 += weight * reward * z - bm.transpose() * after * b[arm];
  }
};

struct World {
  Point context;
  Point actions;  // kArms rows

  World(Rng& rng, std::size_t features, std::size_t action_features)
      : context(random_point(rng, features)), actions(random_point(rng, kArms * action_features)) {}
  [[nodiscard]] Context as_context(std::size_t action_features) const {
    return {.input = {.dense = context}, .actions = {.rows = actions, .dimension = action_features}};
  }
  [[nodiscard]] Point action(std::size_t arm, std::size_t size) const {
    const auto at = actions.begin() + static_cast<std::ptrdiff_t>(arm * size);
    return {at, at + static_cast<std::ptrdiff_t>(size)};
  }
};

Vector outer(const Point& action, const Point& context) {
  Vector z(static_cast<Eigen::Index>(action.size() * context.size()));
  Eigen::Index at = 0;
  for (const double a : action) {
    for (const double x : context) {
      z(at++) = a * x;
    }
  }
  return z;
}

TEST(LinUcbHybrid, AgreesWithAlgorithmTwoOverARandomStream) {
  for (const bool intercept : {false, true}) {
    constexpr std::size_t kFeatures = 5;
    constexpr std::size_t kActionFeatures = 3;
    LinUcbHybrid policy =
        LinUcbHybrid::make({.alpha = 0.9, .ridge = 0.8, .intercept = intercept},
                           {.arms = kArms, .features = kFeatures, .action_features = kActionFeatures})
            .value();
    const std::size_t length = kFeatures + (intercept ? 1 : 0);
    AlgorithmTwo direct(static_cast<Eigen::Index>(length * kActionFeatures),
                        static_cast<Eigen::Index>(length), 0.8);
    Rng rng(1);
    for (int t = 0; t < 600; ++t) {
      const World world(rng, kFeatures, kActionFeatures);
      Point x = world.context;
      if (intercept) {
        x.push_back(1.0);
      }
      const Choice choice = policy.select(world.as_context(kActionFeatures), rng);
      double best = -std::numeric_limits<double>::infinity();
      for (std::size_t arm = 0; arm < kArms; ++arm) {
        const Vector z = outer(world.action(arm, kActionFeatures), x);
        best = std::max(best, direct.score(arm, z, as_vector(x), 0.9));
      }
      ASSERT_NEAR(choice.score, best, 1e-9);  // the oracle's own inverses cost it digits
      const std::size_t arm = rng.below(kArms);
      const Point action = world.action(arm, kActionFeatures);
      const double reward = sample_normal(rng);
      const double weight = 0.5 + rng.uniform();
      ASSERT_EQ(policy.update({.arm = to_arm(arm),
                               .reward = reward,
                               .input = {.dense = world.context},
                               .action = action,
                               .weight = weight}),
                Errc::ok);
      direct.learn(arm, outer(action, x), as_vector(x), reward, weight);
    }
  }
}

// The posterior of all coefficients at once, (beta, theta_1 ... theta_K), as one big ridge regression.
TEST(LinUcbHybrid, IsOneRidgeRegressionOverAllCoefficients) {
  constexpr Eigen::Index kShared = 3;
  constexpr Eigen::Index kOwn = 2;
  constexpr Eigen::Index kAll = kShared + kOwn * static_cast<Eigen::Index>(kArms);
  LinUcbHybrid policy = LinUcbHybrid::make({.alpha = 1.3, .shared = SharedFeatures::action},
                                           {.arms = kArms, .features = 2, .action_features = 3})
                            .value();
  Matrix a = Matrix::Identity(kAll, kAll);
  Vector b = Vector::Zero(kAll);
  Rng rng(2);
  const auto whole = [&](const World& world, std::size_t arm) {
    Vector phi = Vector::Zero(kAll);
    phi.head(kShared) = as_vector(world.action(arm, 3));
    phi.segment(kShared + kOwn * static_cast<Eigen::Index>(arm), kOwn) = as_vector(world.context);
    return phi;
  };
  for (int t = 0; t < 300; ++t) {
    const World world(rng, 2, 3);
    const Choice choice = policy.select(world.as_context(3), rng);
    const Eigen::LLT<Matrix> solver(a);
    const Vector theta = solver.solve(b);
    const Vector phi = whole(world, to_index(choice.arm));
    ASSERT_NEAR(choice.score, phi.dot(theta) + 1.3 * std::sqrt(phi.dot(solver.solve(phi))), 1e-10);
    for (Eigen::Index i = 0; i < kShared; ++i) {
      ASSERT_NEAR(policy.shared_coefficients()[static_cast<std::size_t>(i)], theta(i), 1e-10);
    }
    const Point action = world.action(to_index(choice.arm), 3);
    const double reward = sample_normal(rng);
    ASSERT_EQ(policy.update(
                  {.arm = choice.arm, .reward = reward, .input = {.dense = world.context}, .action = action}),
              Errc::ok);
    a += phi * phi.transpose();
    b += reward * phi;
  }
}

TEST(LinUcbHybrid, SharesWhatItLearnsWithArmsNeverTried) {
  // No context: a linear model over action features alone. Reward = 2 a_0 - a_1; only arm 0 is ever rewarded.
  LinUcbHybrid policy = LinUcbHybrid::make({.alpha = 0.0}, {.arms = 3, .action_features = 2}).value();
  Rng rng(3);
  for (int t = 0; t < 500; ++t) {
    const Point action = random_point(rng, 2);
    ASSERT_EQ(policy.update({.arm = to_arm(0), .reward = 2.0 * action[0] - action[1], .action = action}),
              Errc::ok);
  }
  EXPECT_NEAR(policy.shared_coefficients()[0], 2.0, 0.02);
  EXPECT_NEAR(policy.shared_coefficients()[1], -1.0, 0.02);
  const Point actions{1.0, 1.0, 1.0, -1.0, 0.0, -2.0};  // promises 1, 3, 2
  const Choice choice = policy.select({.actions = {.rows = actions, .dimension = 2}}, rng);
  EXPECT_EQ(choice.arm, to_arm(1));
  EXPECT_NEAR(choice.score, 3.0, 0.05);
}

TEST(LinUcbHybrid, ArmsCanBeAddedResetAndWarmStarted) {
  LinUcbHybrid policy =
      LinUcbHybrid::make({.alpha = 0.0}, {.arms = 1, .features = 2, .action_features = 1}).value();
  const Point x{1.0, 0.0};
  const Point action{1.0};
  for (int t = 0; t < 10; ++t) {
    ASSERT_EQ(policy.update({.arm = to_arm(0), .reward = 1.0, .input = {.dense = x}, .action = action}),
              Errc::ok);
  }
  ASSERT_TRUE(policy.add_arm());
  ASSERT_TRUE(policy.warm_start(to_arm(1), {.mean = 5.0, .weight = 10.0}));
  Rng rng(1);
  const Point actions{1.0, 1.0};
  const Context context{.input = {.dense = x}, .actions = {.rows = actions, .dimension = 1}};
  EXPECT_EQ(policy.select(context, rng).arm, to_arm(1));
  ASSERT_EQ(policy.reset_arm(to_arm(1)), Errc::ok);
  EXPECT_EQ(policy.select(context, rng).arm, to_arm(0));
  const LinUcbHybrid shared_only =
      LinUcbHybrid::make({.disjoint = false}, {.arms = 1, .features = 2, .action_features = 1}).value();
  LinUcbHybrid copy = shared_only;
  EXPECT_EQ(copy.warm_start(to_arm(0), {.mean = 1.0, .weight = 1.0}).error().code, Errc::unsupported);
}

TEST(LinUcbHybrid, StateSurvivesARoundTrip) {
  const Shape shape{.arms = kArms, .features = 3, .action_features = 2};
  LinUcbHybrid policy = LinUcbHybrid::make({}, shape).value();
  Rng rng(6);
  for (int t = 0; t < 100; ++t) {
    const World world(rng, 3, 2);
    const std::size_t arm = rng.below(kArms);
    const Point action = world.action(arm, 2);
    ASSERT_EQ(policy.update(
                  {.arm = to_arm(arm), .reward = 1.0, .input = {.dense = world.context}, .action = action}),
              Errc::ok);
  }
  LinUcbHybrid copy = LinUcbHybrid::make({}, shape).value();
  ASSERT_TRUE(load_state(copy, save_state(policy)));
  EXPECT_EQ(copy, policy);
}

TEST(LinUcbHybrid, RefusesBadInputAndKeepsItsState) {
  LinUcbHybrid policy = LinUcbHybrid::make({}, {.arms = 2, .features = 2, .action_features = 2}).value();
  const LinUcbHybrid before = policy;
  const Point x{1.0, 1.0};
  const Point action{1.0, 1.0};
  const Point nan{1.0, std::numeric_limits<double>::quiet_NaN()};
  const Point huge{1e200, 1.0};
  const auto update = [&](const Point& features, const Point& arm_features) {
    return policy.update(
        {.arm = to_arm(0), .reward = 1.0, .input = {.dense = features}, .action = arm_features});
  };
  EXPECT_EQ(update(x, {}), Errc::dimension_mismatch);
  EXPECT_EQ(update(x, nan), Errc::non_finite);
  EXPECT_EQ(update(nan, action), Errc::non_finite);
  EXPECT_EQ(update(huge, huge), Errc::non_finite);
  EXPECT_EQ(update(x, huge), Errc::non_finite);
  EXPECT_EQ(policy, before);
  Rng rng(1);
  EXPECT_EQ(policy.select({.input = {.dense = x}}, rng).status, Errc::dimension_mismatch);
  const Point rows{1.0, 1.0, nan[1], 1.0};
  Context context{.input = {.dense = x}, .actions = {.rows = rows, .dimension = 2}};
  EXPECT_EQ(policy.select(context, rng).status, Errc::non_finite);
  const std::vector<ArmIndex> first{to_arm(0)};
  context.offered = first;  // the damaged row is not looked at
  EXPECT_EQ(policy.select(context, rng).arm, to_arm(0));
  EXPECT_EQ(LinUcbHybrid::make({}, {.arms = 2, .features = 2}).error().code, Errc::invalid_config);
  EXPECT_EQ(LinUcbHybrid::make({}, {.arms = 2, .features = 100, .action_features = 100}).error().code,
            Errc::invalid_config);
  EXPECT_EQ(
      LinUcbHybrid::make({}, {.arms = 2, .features = 2, .action_features = 2, .sparse = true}).error().code,
      Errc::unsupported);
}

TEST(LinUcbHybrid, HotPathDoesNotAllocate) {
  LinUcbHybrid policy = LinUcbHybrid::make({}, {.arms = kArms, .features = 6, .action_features = 5}).value();
  Rng rng(1);
  const World world(rng, 6, 5);
  const Point action = world.action(2, 5);
  const Context context = world.as_context(5);
  bool good = true;
  const test::AllocationCount counter;
  for (int t = 0; t < 200; ++t) {
    good = good && policy.select(context, rng).status == Errc::ok &&
           policy.update(
               {.arm = to_arm(2), .reward = 1.0, .input = {.dense = world.context}, .action = action}) ==
               Errc::ok;
  }
  EXPECT_EQ(counter.count(), 0U);
  EXPECT_TRUE(good);
}

}  // namespace
}  // namespace attune::lin_ucb_hybrid_test
