// SPDX-License-Identifier: Apache-2.0
// Learners of targets that no linear model has: random_features, tree and neural_linear.
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <attune/core/sampling.hpp>
#include <attune/policies/auto_linear.hpp>
#include <attune/policies/neural_linear.hpp>
#include <attune/policies/random_features.hpp>
#include <attune/policies/regression_tree.hpp>
#include <attune/policies/squarecb.hpp>

namespace attune::curved_learners_test {
namespace {

constexpr std::size_t kFeatures = 4;  // the first two matter
constexpr int kTaught = 3'000;
constexpr int kAsked = 1'000;

enum class Truth : std::uint8_t { exclusive_or, circle };

struct Example {
  std::vector<double> x;
  double y;
};

/// Features in odd units; y is 1 in half of all.
Example draw(Rng& rng, Truth truth) {
  std::array<double, kFeatures> z{};
  for (double& value : z) {
    value = 2.0 * rng.uniform() - 1.0;
  }
  const bool yes =
      truth == Truth::exclusive_or ? (z[0] > 0.0) != (z[1] > 0.0) : z[0] * z[0] + z[1] * z[1] < 0.6366;
  return {{1000.0 + 30.0 * z[0], 0.001 * z[1], z[2], 5.0 * z[3]}, yes ? 1.0 : 0.0};
}

/// Part of new examples on whose side of 1/2 the prediction is, after kTaught.
template <class Learner>
double accuracy(const typename Learner::Config& config, Truth truth, std::uint64_t seed) {
  Learner learner = Learner::make(config, {.features = kFeatures}).value();
  Rng rng(seed);
  for (int i = 0; i < kTaught; ++i) {
    const Example example = draw(rng, truth);
    EXPECT_EQ(learner.partial_fit({.dense = example.x}, example.y, 1.0), Errc::ok);
  }
  int right = 0;
  for (int i = 0; i < kAsked; ++i) {
    const Example example = draw(rng, truth);
    right += (learner.predict({.dense = example.x}) > 0.5) == (example.y > 0.5) ? 1 : 0;
  }
  return static_cast<double>(right) / kAsked;
}

template <class Learner>
class CurvedLearner : public testing::Test {};
using CurvedLearners = testing::Types<RandomFeatures, RegressionTree, NeuralLinearLearner>;
TYPED_TEST_SUITE(CurvedLearner, CurvedLearners, );

// Twenty worlds. The worst single one of random_features has 0.93, of the tree on the exclusive or 0.62 (its
// first split there is an accident), of a linear model at most 0.62. A mean of twenty that lie between 0.6
// and 1 has a deviation of at most 0.2 / sqrt(20) = 0.045, and of linear ones around 0.5 one of 0.02.
TYPED_TEST(CurvedLearner, LearnsWhatNoLinearModelDoes) {
  constexpr int kWorlds = 20;
  for (const Truth truth : {Truth::exclusive_or, Truth::circle}) {
    for (const Loss loss : {Loss::squared, Loss::logistic}) {
      double curved = 0.0;
      double linear = 0.0;
      for (std::uint64_t seed = 0; seed < kWorlds; ++seed) {
        curved += accuracy<TypeParam>({.loss = loss}, truth, seed) / kWorlds;
        linear += accuracy<AutoLinearLearner>({.loss = loss}, truth, seed) / kWorlds;
      }
      EXPECT_GT(curved, 0.85);
      EXPECT_LT(linear, 0.58);
    }
  }
}

TYPED_TEST(CurvedLearner, SparseContextsAreRefused) {
  const Result<TypeParam> made = TypeParam::make({}, {.features = 3, .sparse = true});
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code, Errc::unsupported);
  EXPECT_NE(made.error().message.find(std::string(TypeParam::kName) + ": needs a dense context"),
            std::string::npos)
      << made.error().message;
}

TYPED_TEST(CurvedLearner, OtherLossesAreRefused) {
  const Result<TypeParam> made = TypeParam::make({.loss = Loss::hinge}, {.features = 3});
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code, Errc::invalid_config);
}

TYPED_TEST(CurvedLearner, WithoutFeaturesItIsAMean) {
  TypeParam learner = TypeParam::make({}, {.features = 0}).value();
  for (int i = 0; i < 1'000; ++i) {
    ASSERT_EQ(learner.partial_fit({}, i % 4 == 0 ? 1.0 : 0.0, 1.0), Errc::ok);
  }
  EXPECT_NEAR(learner.predict({}), 0.25, 0.01);
}

// Bandits whose best of two arms is the exclusive or of two features: a linear oracle stays at a half.
TEST(CurvedOracle, FindsTheArmThatNoLinearOracleFinds) {
  const auto mean_reward = [](OracleKind oracle) {
    SquareCb policy = SquareCb::make({.oracle = oracle}, {.arms = 2, .features = kFeatures}).value();
    Rng world(3);
    double sum = 0.0;
    for (std::uint64_t i = 0; i < 4'000; ++i) {
      const Example example = draw(world, Truth::exclusive_or);
      Rng rng(4, 0, i);
      const Choice choice = policy.select({.input = {.dense = example.x}}, rng);
      const double reward = (to_index(choice.arm) == 1) == (example.y > 0.5) ? 1.0 : 0.0;
      sum += i >= 2'000 ? reward : 0.0;
      EXPECT_EQ(policy.update({.arm = choice.arm,
                               .reward = reward,
                               .input = {.dense = example.x},
                               .propensity = choice.propensity}),
                Errc::ok);
    }
    return sum / 2'000.0;
  };
  EXPECT_GT(mean_reward(OracleKind::random_features), 0.8);
  EXPECT_GT(mean_reward(OracleKind::tree), 0.8);
  EXPECT_GT(mean_reward(OracleKind::neural_linear), 0.8);
  EXPECT_LT(mean_reward(OracleKind::ridge), 0.65);
}

TEST(RandomFeatures, SeedsGiveOtherFunctionsAndTheSameStates) {
  const auto taught = [](std::uint64_t seed) {
    RandomFeatures learner = RandomFeatures::make({.seed = seed}, {.features = kFeatures}).value();
    Rng rng(5);
    for (int i = 0; i < 100; ++i) {
      const Example example = draw(rng, Truth::circle);
      EXPECT_EQ(learner.partial_fit({.dense = example.x}, example.y, 1.0), Errc::ok);
    }
    return learner;
  };
  Rng rng(6);
  const Example asked = draw(rng, Truth::circle);
  EXPECT_EQ(taught(1).predict({.dense = asked.x}), taught(1).predict({.dense = asked.x}));
  EXPECT_NE(taught(1).predict({.dense = asked.x}), taught(2).predict({.dense = asked.x}));
}

// A hundred examples of one kind, then of the other: what was sure and wrong gives way.
TEST(RandomFeatures, ASureAndWrongChanceGivesWay) {
  RandomFeatures learner = RandomFeatures::make({.loss = Loss::logistic}, {.features = 1}).value();
  const std::vector<double> x{1.0};
  for (int i = 0; i < 100; ++i) {
    ASSERT_EQ(learner.partial_fit({.dense = x}, 0.0, 1.0), Errc::ok);
  }
  EXPECT_LT(learner.predict({.dense = x}), 0.02);
  for (int i = 0; i < 100; ++i) {
    ASSERT_EQ(learner.partial_fit({.dense = x}, 1.0, 1.0), Errc::ok);
  }
  EXPECT_GT(learner.predict({.dense = x}), 0.5);
}

TEST(RandomFeatures, IsSurerWhereItHasSeenExamples) {
  RandomFeatures learner = RandomFeatures::make({}, {.features = 1}).value();
  Rng rng(7);
  for (int i = 0; i < 500; ++i) {
    const std::vector<double> x{sample_normal(rng)};
    ASSERT_EQ(learner.partial_fit({.dense = x}, 0.0, 1.0), Errc::ok);
  }
  const auto variance = [&](double at) {
    return learner.predict_with_variance({.dense = std::vector<double>{at}}).variance;
  };
  EXPECT_LT(variance(0.0), 0.1);
  EXPECT_GT(variance(2.4), 2.0 * variance(0.0));
}

// Later examples of another scale do not move the features.
TEST(RandomFeatures, TheScaleStaysAfterSettling) {
  RandomFeatures learner = RandomFeatures::make({.settle = 100}, {.features = 1}).value();
  Rng rng(8);
  for (int i = 0; i < 300; ++i) {
    const std::vector<double> x{i < 100 ? sample_normal(rng) : 50.0 * sample_normal(rng)};
    ASSERT_EQ(learner.partial_fit({.dense = x}, 1.0, 1.0), Errc::ok);
  }
  const Description text = learner.describe();
  EXPECT_EQ(text.values.at(2).second, 100.0);
}

TEST(RegressionTree, SplitsWhereTheTargetSteps) {
  RegressionTree tree = RegressionTree::make({.bins = 64}, {.features = 2}).value();
  Rng rng(9);
  for (int i = 0; i < 2'000; ++i) {
    const std::vector<double> x{rng.uniform(), rng.uniform()};
    ASSERT_EQ(tree.partial_fit({.dense = x}, x[1] > 0.3 ? 7.0 : -2.0, 1.0), Errc::ok);
  }
  const Description text = tree.describe();
  EXPECT_EQ(text.rows.at(0).at(0), 1.0);          // the feature
  EXPECT_NEAR(text.rows.at(0).at(1), 0.3, 0.05);  // within three bins
  EXPECT_NEAR(tree.predict({.dense = std::vector<double>{0.5, 0.9}}), 7.0, 0.1);
  EXPECT_NEAR(tree.predict({.dense = std::vector<double>{0.5, 0.1}}), -2.0, 0.1);
}

TEST(RegressionTree, HasNoMoreLeavesThanItMay) {
  RegressionTree tree = RegressionTree::make({.leaves = 5}, {.features = kFeatures}).value();
  Rng rng(10);
  for (int i = 0; i < 10'000; ++i) {
    const Example example = draw(rng, Truth::circle);
    ASSERT_EQ(tree.partial_fit({.dense = example.x}, example.y, 1.0), Errc::ok);
  }
  EXPECT_EQ(tree.leaf_count(), 5U);
}

// shrink = 1 and one example of 4: (4 + 1 * 0) / 2.
TEST(RegressionTree, MeansAreShrunken) {
  RegressionTree tree = RegressionTree::make({}, {.features = 1}).value();
  const std::vector<double> x{1.0};
  ASSERT_EQ(tree.partial_fit({.dense = x}, 4.0, 1.0), Errc::ok);
  EXPECT_EQ(tree.predict({.dense = x}), 2.0);
  RegressionTree chance = RegressionTree::make({.loss = Loss::logistic}, {.features = 1}).value();
  EXPECT_EQ(chance.predict({.dense = x}), 0.5);
  ASSERT_EQ(chance.partial_fit({.dense = x}, 1.0, 1.0), Errc::ok);
  EXPECT_EQ(chance.predict({.dense = x}), 0.75);
}

TEST(RegressionTree, MoreBinsThanItHoldsAreRefused) {
  const Result<RegressionTree> made = RegressionTree::make({.leaves = 1024, .bins = 64}, {.features = 65});
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code, Errc::invalid_config);
}

// Two leaves: a root whose children lie before it, or twice the same leaf, are no tree.
TEST(RegressionTree, AStateThatIsNoTreeIsRefused) {
  const auto state = [](std::uint32_t children, std::uint32_t first, std::uint32_t second) {
    Writer writer;
    writer.u64(9);
    writer.u64(2);
    for (const auto& [feature, next] : std::array<std::array<std::uint32_t, 2>, 3>{
             {{0, children}, {0xFFFFFFFFU, first}, {0xFFFFFFFFU, second}}}) {
      writer.u32(feature);
      writer.u32(next);
      writer.f64(0.0);
    }
    for (int number = 0; number < 2 * 5 + 2 * 2 + 2 * 2 * 3; ++number) {
      writer.u64(0);
    }
    return std::move(writer).take();
  };
  const auto loads = [](const Bytes& bytes) {
    RegressionTree tree = RegressionTree::make({.bins = 2}, {.features = 1}).value();
    Reader reader(bytes);
    const bool loaded = tree.load(reader).has_value();
    EXPECT_EQ(tree.leaf_count(), loaded ? 2U : 1U);
    return loaded;
  };
  EXPECT_TRUE(loads(state(1, 0, 1)));
  EXPECT_TRUE(loads(state(1, 1, 0)));
  EXPECT_FALSE(loads(state(0, 0, 1)));
  EXPECT_FALSE(loads(state(2, 0, 1)));
  EXPECT_FALSE(loads(state(1, 0, 0)));
  EXPECT_FALSE(loads(state(1, 0, 2)));
}

}  // namespace
}  // namespace attune::curved_learners_test
