// SPDX-License-Identifier: Apache-2.0
#include <attune/policies/gradient_arms.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <vector>

#include <gtest/gtest.h>

#include <attune/core/rng.hpp>
#include <attune/core/serial.hpp>

namespace attune::gradient_arms_test {
namespace {

using Numbers = std::vector<double>;

struct Scores {
  Numbers mean;
  Numbers spread;
};

Scores all_scores(const GradientArms& arms, const Numbers& z) {
  Scores out{Numbers(arms.count() + 8), Numbers(arms.count() + 8)};
  const double* const spreads = arms.all_scores(z, out.mean.data());
  std::copy_n(spreads, arms.count(), out.spread.begin());
  return out;
}

Numbers random_features(Rng& rng, std::size_t size) {
  Numbers z(8, 0.0);
  for (std::size_t i = 0; i + 1 < size; ++i) {
    z[i] = 2.0 * rng.uniform() - 1.0;
  }
  z[size - 1] = 1.0;
  return z;
}

TEST(GradientArms, OneTargetByHand) {
  GradientArms arms(3, 2, Loss::squared);
  const Numbers z{0.5, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0};
  arms.learn(1, z, 2.0, 1.0);
  // tau = 4 (0.25 + 1) = 5, step = 2 / 6, gains 4 * 0.5 and 4 * 1.
  EXPECT_NEAR(arms.weight(1, 0), 2.0 / 6.0 * 2.0, 1e-15);
  EXPECT_NEAR(arms.weight(1, 1), 2.0 / 6.0 * 4.0, 1e-15);
  EXPECT_EQ(arms.weight(0, 1), 0.0);
  const Scores scores = all_scores(arms, z);
  EXPECT_NEAR(scores.mean[1], 10.0 / 6.0, 1e-15);
  EXPECT_EQ(scores.mean[0], 0.0);
  EXPECT_EQ(scores.spread[1], std::sqrt(2.0));
  EXPECT_EQ(scores.spread[2], 2.0);
}

TEST(GradientArms, TheLogisticStepSolvesItsEquation) {
  GradientArms arms(1, 2, Loss::logistic);
  const Numbers z{1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0};
  arms.learn(0, z, 1.0, 1.0);
  // s = tau (1 - p(s)) with tau = 8: a root of s (1 + e^s) = 8, up to one Newton step.
  const double score = all_scores(arms, z).mean[0];
  EXPECT_NEAR(score * (1.0 + std::exp(score)), 8.0, 0.2);
}

TEST(GradientArms, SomeArmsScoreAsAmongAll) {
  Rng rng(1);
  GradientArms arms(19, 6, Loss::squared);
  for (int i = 0; i < 200; ++i) {
    arms.learn(static_cast<std::size_t>(rng.below(19)), random_features(rng, 6), rng.uniform(), 1.0);
  }
  const Numbers z = random_features(rng, 6);
  const Scores all = all_scores(arms, z);
  const std::array<std::uint32_t, 6> which{3, 18, 3, 0, 9, 8};
  Numbers mean(which.size());
  Numbers spread(which.size());
  arms.scores(z, which, mean.data(), spread.data());
  for (std::size_t i = 0; i < which.size(); ++i) {
    EXPECT_EQ(mean[i], all.mean[which.at(i)]);
    EXPECT_EQ(spread[i], all.spread[which.at(i)]);
  }
}

TEST(GradientArms, RestatingKeepsScores) {
  Rng rng(2);
  GradientArms arms(3, 5, Loss::squared);
  for (int i = 0; i < 300; ++i) {
    arms.learn(static_cast<std::size_t>(rng.below(3)), random_features(rng, 5), rng.uniform(), 1.0);
  }
  Numbers z = random_features(rng, 5);
  const Scores before = all_scores(arms, z);
  const Numbers stretch{0.5, 2.0, 1.25, 0.75};
  const Numbers shift{0.125, -1.0, 0.0, 3.0};
  arms.restate(stretch, shift);
  for (std::size_t i = 0; i < 4; ++i) {
    z[i] = stretch[i] * z[i] + shift[i];
  }
  const Scores after = all_scores(arms, z);
  for (std::size_t arm = 0; arm < 3; ++arm) {
    EXPECT_NEAR(after.mean[arm], before.mean[arm], 1e-13);
  }
}

TEST(GradientArms, LearnsALinearFunction) {
  Rng rng(3);
  GradientArms arms(1, 5, Loss::squared);
  const Numbers truth{0.5, -1.0, 0.25, 2.0, 0.3};
  for (int i = 0; i < 5'000; ++i) {
    const Numbers z = random_features(rng, 5);
    arms.learn(0, z, std::inner_product(truth.begin(), truth.end(), z.begin(), 0.0), 1.0);
  }
  for (std::size_t i = 0; i < truth.size(); ++i) {
    EXPECT_NEAR(arms.weight(0, i), truth[i], 1e-2);
  }
}

TEST(GradientArms, ForgettingAllIsANewArmAndNothingIsNothing) {
  Rng rng(4);
  GradientArms arms(2, 3, Loss::squared);
  const GradientArms fresh = arms;
  for (int i = 0; i < 50; ++i) {
    arms.learn(1, random_features(rng, 3), rng.uniform(), 2.0);
  }
  GradientArms kept = arms;
  kept.forget(1, 1.0);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_NEAR(kept.weight(1, i), arms.weight(1, i), 1e-15);
  }
  const Numbers z = random_features(rng, 3);
  const double sure = all_scores(arms, z).spread[1];
  kept.forget(1, 0.5);
  EXPECT_GT(all_scores(kept, z).spread[1], sure);
  arms.forget(1, 0.0);
  EXPECT_TRUE(arms == fresh);
}

TEST(GradientArms, RefusesNumbersThatLearningCannotLeave) {
  GradientArms arms(2, 3, Loss::squared);
  const auto load = [&](double weight, double variance, double seen) {
    Writer writer;
    Numbers weights(24);
    weights[8] = weight;
    Numbers variances(16);
    for (const std::size_t at : {0U, 1U, 2U, 8U, 9U, 10U}) {
      variances[at] = 1.0;
    }
    variances[9] = variance;
    writer.numbers(weights);
    writer.numbers(variances);
    writer.numbers(Numbers{3.0, seen});
    Reader reader(writer.view());
    return arms.load(reader, 2);
  };
  EXPECT_TRUE(load(1.0, 1.0, 3.0));
  EXPECT_EQ(arms.weight(0, 1), 1.0);
  EXPECT_FALSE(load(std::nan(""), 1.0, 3.0));
  EXPECT_FALSE(load(1e200, 1.0, 3.0));
  EXPECT_FALSE(load(1.0, 0.0, 3.0));
  EXPECT_FALSE(load(1.0, 4.5, 3.0));
  EXPECT_FALSE(load(1.0, 1.0, -1.0));
  EXPECT_FALSE(load(1.0, 1.0, std::nan("")));
}

}  // namespace
}  // namespace attune::gradient_arms_test
