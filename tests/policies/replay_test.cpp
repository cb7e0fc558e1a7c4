// SPDX-License-Identifier: Apache-2.0
#include <attune/policies/replay.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include <gtest/gtest.h>

#include <attune/core/rng.hpp>

#include "tests/support/statistics.hpp"

namespace attune::replay_test {
namespace {

constexpr Shape kShape{.features = 4};

ReplayLearner make(const ReplayConfig& config, const Shape& shape = kShape) {
  return ReplayLearner::make(config, shape).value();
}

/// Concept A is about features that B never has; the constant is what both share, and where B hurts A.
struct Example {
  std::array<double, 4> x{};
  double target = 0.0;

  [[nodiscard]] static Example draw(bool a, Rng& rng) {
    Example example;
    example.x = {rng.uniform(), 2.0 * rng.uniform() - 1.0, rng.uniform(), a ? 1.0 : 0.0};
    example.target = a ? 0.2 + 0.6 * example.x[0] : 0.9 - 0.6 * example.x[2];
    return example;
  }
  [[nodiscard]] Input input() const { return {.dense = x}; }
};

/// Squared loss on A after 2,000 examples of A and then as many of B, before A is learned again.
double loss_on_a(const ReplayConfig& config, std::uint64_t seed) {
  ReplayLearner learner = make(config);
  Rng rng(seed);
  for (int i = 0; i < 4'000; ++i) {
    const Example example = Example::draw(i < 2'000, rng);
    EXPECT_EQ(learner.partial_fit(example.input(), example.target, 1.0), Errc::ok);
  }
  double sum = 0.0;
  for (int i = 0; i < 500; ++i) {
    const Example example = Example::draw(true, rng);
    const double error = learner.predict(example.input()) - example.target;
    sum += error * error / 500.0;
  }
  return sum;
}

// Paired over seeds: the mean of the differences is five of its standard errors above zero.
TEST(Replay, KeepsWhatHasGoneAway) {
  for (const InnerLearner name : {InnerLearner::adagrad, InnerLearner::sgd, InnerLearner::ftrl}) {
    constexpr int kSeeds = 20;
    double bare = 0.0;
    double kept = 0.0;
    double sum = 0.0;
    double squares = 0.0;
    for (std::uint64_t seed = 0; seed < kSeeds; ++seed) {
      ReplayConfig config{.replays = 0, .inner = {.learner = name}};
      const double without = loss_on_a(config, seed);
      config.replays = 1;
      config.seed = seed;
      const double with = loss_on_a(config, seed);
      bare += without / kSeeds;
      kept += with / kSeeds;
      sum += without - with;
      squares += (without - with) * (without - with);
    }
    const double mean = sum / kSeeds;
    const double error = std::sqrt((squares / kSeeds - mean * mean) / (kSeeds - 1));
    EXPECT_GT(mean, 5.0 * error) << "bare " << bare << ", with replay " << kept;
    EXPECT_LT(kept, 0.5 * bare) << kEnumNames<InnerLearner>[static_cast<std::size_t>(name)];
  }
}

// Of a stream of 60 each is kept with chance 1/6: over many seeds the counts are even.
TEST(Replay, KeepsAnEvenSample) {
  constexpr std::size_t kExamples = 60;
  constexpr std::size_t kSeeds = 4'000;
  constexpr std::size_t kKept = 10;
  std::vector<double> counts(kExamples);
  std::vector<double> pairs(2);
  for (std::uint64_t seed = 0; seed < kSeeds; ++seed) {
    ReplayLearner learner = make({.capacity = kKept, .replays = 0, .seed = seed}, {.features = 1});
    for (std::size_t i = 0; i < kExamples; ++i) {
      const std::array<double, 1> x{static_cast<double>(i)};
      ASSERT_EQ(learner.partial_fit({.dense = x}, 0.0, 1.0), Errc::ok);
    }
    ASSERT_EQ(learner.kept().size(), kKept);
    std::array<double, 2> ends{};
    for (std::size_t place = 0; place < kKept; ++place) {
      const auto number = static_cast<std::size_t>(learner.kept().at(place).input.dense[0]);
      counts[number] += 1.0;
      ends[0] += number == 0 ? 1.0 : 0.0;
      ends[1] += number == kExamples - 1 ? 1.0 : 0.0;
    }
    pairs[ends[0] + ends[1] == 2.0 ? 1 : 0] += 1.0;
  }
  // Exactly ten of sixty are kept: the counts of a seed hang together, which shrinks their variance by the
  // factor (1 - 10 / 60) (60 / 59) against counts that Pearson's statistic is made for.
  constexpr double kShrink = (1.0 - static_cast<double>(kKept) / kExamples) * kExamples / (kExamples - 1.0);
  std::vector<double> scaled;
  const double expected = static_cast<double>(kSeeds * kKept) / kExamples;
  for (const double count : counts) {
    scaled.push_back(expected + (count - expected) / std::sqrt(kShrink));
  }
  EXPECT_TRUE(test::is_uniform(scaled));
  // Both ends of the stream together: (10 x 9) / (60 x 59).
  constexpr double kBoth = 90.0 / 3'540.0;
  EXPECT_TRUE(test::matches_probabilities(pairs, std::array{1.0 - kBoth, kBoth}));
}

TEST(Replay, LearnsEachExampleAndThenKeptOnesWithTheirWeight) {
  // With room for one, the only kept example is known.
  const ReplayConfig config{.capacity = 1, .replays = 3, .weight = 0.5};
  ReplayLearner learner = make(config);
  InnerModel plain = InnerModel::make(config.inner, kShape).value();
  Rng rng(1);
  Example kept;
  double kept_weight = 0.0;
  for (int i = 0; i < 50; ++i) {
    const Example example = Example::draw(i % 2 == 0, rng);
    const double weight = 0.5 + rng.uniform();
    ASSERT_EQ(learner.partial_fit(example.input(), example.target, weight), Errc::ok);
    ASSERT_EQ(plain.partial_fit(example.input(), example.target, weight), Errc::ok);
    for (int again = 0; again < 3 && i > 0; ++again) {
      ASSERT_EQ(plain.partial_fit(kept.input(), kept.target, 0.5 * kept_weight), Errc::ok);
    }
    EXPECT_EQ(learner.predict(example.input()), plain.predict(example.input())) << i;
    const ExampleBuffer::Example now = learner.kept().at(0);
    std::ranges::copy(now.input.dense, kept.x.begin());
    kept.target = now.target;
    kept_weight = now.weight;
  }
  EXPECT_EQ(learner.updates(), 50U);
}

TEST(Replay, WithoutReplaysItIsTheLearnerAlone) {
  for (const InnerLearner name :
       {InnerLearner::adagrad, InnerLearner::ftrl, InnerLearner::sgd, InnerLearner::auto_linear}) {
    const ReplayConfig config{.capacity = 5, .replays = 0, .inner = {.learner = name}};
    ReplayLearner learner = make(config);
    InnerModel plain = InnerModel::make(config.inner, kShape).value();
    Rng rng(5);
    for (int i = 0; i < 100; ++i) {
      const Example example = Example::draw(i % 2 == 0, rng);
      ASSERT_EQ(learner.partial_fit(example.input(), example.target, 1.0), Errc::ok);
      ASSERT_EQ(plain.partial_fit(example.input(), example.target, 1.0), Errc::ok);
      EXPECT_EQ(learner.predict(example.input()), plain.predict(example.input()));
    }
  }
}

TEST(Replay, WhatIsKeptDoesNotDependOnWhatIsLearnedAgain) {
  ReplayLearner one = make({.capacity = 20, .replays = 1});
  ReplayLearner five = make({.capacity = 20, .replays = 5});
  Rng rng(2);
  for (int i = 0; i < 500; ++i) {
    const Example example = Example::draw(i % 3 == 0, rng);
    ASSERT_EQ(one.partial_fit(example.input(), example.target, 1.0), Errc::ok);
    ASSERT_EQ(five.partial_fit(example.input(), example.target, 1.0), Errc::ok);
  }
  EXPECT_EQ(one.kept(), five.kept());
}

TEST(Replay, PredictsBeforeItLearns) {
  for (const InnerLearner name : {InnerLearner::adagrad, InnerLearner::auto_linear}) {
    ReplayLearner one = make({.capacity = 20, .replays = 2, .inner = {.learner = name}});
    ReplayLearner two = one;
    Rng rng(3);
    for (int i = 0; i < 300; ++i) {
      const Example example = Example::draw(true, rng);
      const double expected = two.predict(example.input());
      double before = 0.0;
      ASSERT_EQ(one.predict_then_fit(example.input(), example.target, 1.0, before), Errc::ok);
      ASSERT_EQ(two.partial_fit(example.input(), example.target, 1.0), Errc::ok);
      EXPECT_NEAR(before, expected, 1e-12);
    }
    EXPECT_EQ(one, two);
  }
}

TEST(Replay, ARefusedExampleIsNeitherKeptNorFollowed) {
  ReplayLearner learner = make({.most = 2}, {.features = 9, .sparse = true});
  const std::array<std::uint32_t, 3> index{1, 2, 3};
  const std::array<double, 3> value{1.0, 1.0, 1.0};
  const Input longer{.sparse = {.index = index, .value = value}};
  const Input good{.sparse = {.index = std::span(index).first(2), .value = std::span(value).first(2)}};
  ASSERT_EQ(learner.partial_fit(good, 1.0, 1.0), Errc::ok);
  const ReplayLearner before = learner;
  double said = 0.0;
  EXPECT_EQ(learner.partial_fit(longer, 1.0, 1.0), Errc::dimension_mismatch);
  EXPECT_EQ(learner.predict_then_fit(longer, 1.0, 1.0, said), Errc::dimension_mismatch);
  EXPECT_TRUE(std::isnan(said));
  EXPECT_EQ(learner.partial_fit(good, 1.0, -1.0), Errc::invalid_argument);
  EXPECT_EQ(learner, before);
}

TEST(Replay, AStateOfAnotherCapacityIsRefused) {
  ReplayLearner large = make({.capacity = 50});
  ReplayLearner small = make({.capacity = 10});
  Rng rng(4);
  for (int i = 0; i < 30; ++i) {
    const Example example = Example::draw(true, rng);
    ASSERT_EQ(large.partial_fit(example.input(), example.target, 1.0), Errc::ok);
    ASSERT_EQ(small.partial_fit(example.input(), example.target, 1.0), Errc::ok);
  }
  const ReplayLearner large_before = large;
  const ReplayLearner small_before = small;
  EXPECT_FALSE(load_state(small, save_state(large)));
  EXPECT_FALSE(load_state(large, save_state(small)));
  EXPECT_EQ(small, small_before);
  EXPECT_EQ(large, large_before);
}

}  // namespace
}  // namespace attune::replay_test
