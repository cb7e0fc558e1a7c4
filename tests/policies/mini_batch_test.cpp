// SPDX-License-Identifier: Apache-2.0
#include <attune/policies/mini_batch.hpp>

#include <cmath>
#include <limits>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <attune/core/rng.hpp>

namespace attune::mini_batch_test {
namespace {

constexpr Shape kDense{.features = 3};
constexpr Shape kSparse{.features = 1'000, .sparse = true};
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

struct Dense {
  std::vector<double> x;
  double target = 0.0;

  [[nodiscard]] static Dense draw(Rng& rng) {
    std::vector<double> x{rng.uniform(), rng.uniform(), rng.uniform()};
    const double target = 0.2 + 0.5 * x[0] - 0.1 * x[2];
    return {std::move(x), target};
  }
  [[nodiscard]] Input input() const { return {.dense = x}; }
};

MiniBatchLearner make(const MiniBatchConfig& config, const Shape& shape = kDense) {
  return MiniBatchLearner::make(config, shape).value();
}

TEST(MiniBatch, IsTheInnerLearnerFedInBlocks) {
  for (const InnerLearner name :
       {InnerLearner::adagrad, InnerLearner::ftrl, InnerLearner::sgd, InnerLearner::auto_linear}) {
    const MiniBatchConfig config{.size = 8, .inner = {.learner = name}};
    MiniBatchLearner learner = make(config);
    InnerModel plain = InnerModel::make(config.inner, kDense).value();
    std::vector<Dense> block;
    Rng rng(1);
    for (int i = 1; i <= 100; ++i) {
      block.push_back(Dense::draw(rng));
      ASSERT_EQ(learner.partial_fit(block.back().input(), block.back().target, 1.0), Errc::ok);
      if (block.size() == 8) {
        for (const Dense& example : block) {
          ASSERT_EQ(plain.partial_fit(example.input(), example.target, 1.0), Errc::ok);
        }
        block.clear();
      }
      const Dense probe = Dense::draw(rng);
      EXPECT_EQ(learner.predict(probe.input()), plain.predict(probe.input())) << i;
      EXPECT_EQ(learner.held(), block.size());
      EXPECT_EQ(learner.updates(), static_cast<std::uint64_t>(i));
    }
    EXPECT_EQ(learner.flush(), block.size());
    EXPECT_EQ(learner.held(), 0U);
    EXPECT_EQ(learner.refused(), 0U);
  }
}

TEST(MiniBatch, TheOldestExampleEndsTheBatchByTheCallersClock) {
  MiniBatchLearner learner = make({.size = 100, .seconds = 30.0});
  Rng rng(2);
  const auto fit = [&] {
    const Dense example = Dense::draw(rng);
    ASSERT_EQ(learner.partial_fit(example.input(), example.target, 1.0), Errc::ok);
  };
  ASSERT_EQ(learner.tick(1'000.0), Errc::ok);
  fit();
  ASSERT_EQ(learner.tick(1'020.0), Errc::ok);
  fit();  // the second does not make the first younger
  ASSERT_EQ(learner.tick(1'029.9), Errc::ok);
  EXPECT_EQ(learner.held(), 2U);
  ASSERT_EQ(learner.tick(1'030.0), Errc::ok);
  EXPECT_EQ(learner.held(), 0U);
  EXPECT_NE(learner.predict(Dense::draw(rng).input()), 0.0);

  fit();
  ASSERT_EQ(learner.tick(1'059.9), Errc::ok);
  EXPECT_EQ(learner.held(), 1U);
  EXPECT_EQ(learner.tick(kNan), Errc::non_finite);
  ASSERT_EQ(learner.tick(5.0), Errc::ok);  // another clock: counted from here
  ASSERT_EQ(learner.tick(34.9), Errc::ok);
  EXPECT_EQ(learner.held(), 1U);
  ASSERT_EQ(learner.tick(35.0), Errc::ok);
  EXPECT_EQ(learner.held(), 0U);
}

TEST(MiniBatch, WhatCameBeforeTheFirstTickCountsFromIt) {
  MiniBatchLearner learner = make({.seconds = 10.0});
  Rng rng(3);
  const Dense example = Dense::draw(rng);
  ASSERT_EQ(learner.partial_fit(example.input(), example.target, 1.0), Errc::ok);
  ASSERT_EQ(learner.tick(1e6), Errc::ok);
  EXPECT_EQ(learner.held(), 1U);
  ASSERT_EQ(learner.tick(1e6 + 10.0), Errc::ok);
  EXPECT_EQ(learner.held(), 0U);
}

TEST(MiniBatch, RefusesAtOnceAndHoldsNothing) {
  MiniBatchLearner learner = make({.most = 2, .inner = {.loss = Loss::logistic}}, kSparse);
  const MiniBatchLearner before = learner;
  const std::vector<std::uint32_t> index{1, 5, 9};
  const std::vector<double> value{1.0, 2.0, 3.0};
  const std::vector<double> bad{1.0, kNan};
  const std::vector<double> huge{1.0, 1e101};
  const auto refuse = [&](Errc why, std::span<const double> values, double target, double weight) {
    const Input input{.sparse = {.index = std::span(index).first(values.size()), .value = values}};
    EXPECT_EQ(learner.partial_fit(input, target, weight), why);
    EXPECT_EQ(learner, before);
  };
  refuse(Errc::dimension_mismatch, value, 1.0, 1.0);  // more than `most` entries
  refuse(Errc::non_finite, bad, 1.0, 1.0);
  refuse(Errc::non_finite, huge, 1.0, 1.0);
  const std::span<const double> two = std::span(value).first(2);
  refuse(Errc::non_finite, two, kNan, 1.0);
  refuse(Errc::non_finite, two, 1.0, 2e9);
  refuse(Errc::invalid_argument, two, 1.0, -1.0);
  refuse(Errc::invalid_argument, two, 1.5, 1.0);
  const Input good{.sparse = {.index = std::span(index).first(2), .value = two}};
  EXPECT_EQ(learner.partial_fit(good, 1.0, 1.0), Errc::ok);
  EXPECT_EQ(learner.held(), 1U);
}

// A gradient beyond 1e100 cannot be foreseen: it depends on what the batch has taught by then.
TEST(MiniBatch, CountsWhatTheLearnerRefusesWhenTheBatchEnds) {
  MiniBatchLearner learner = make({.size = 2});
  const std::vector<double> far{1e90, 0.0, 0.0};
  const std::vector<double> near{1.0, 0.0, 0.0};
  ASSERT_EQ(learner.partial_fit({.dense = far}, 1e90, 1.0), Errc::ok);
  ASSERT_EQ(learner.partial_fit({.dense = near}, 1.0, 1.0), Errc::ok);
  EXPECT_EQ(learner.refused(), 1U);
  EXPECT_EQ(learner.updates(), 2U);
  EXPECT_GT(learner.predict({.dense = near}), 0.0);
}

TEST(MiniBatch, ExamplesWithoutWeightAreCountedAndDoNotEndABatch) {
  MiniBatchLearner learner = make({.size = 2});
  const std::vector<double> x{1.0, 0.0, 0.0};
  ASSERT_EQ(learner.partial_fit({.dense = x}, 1.0, 1.0), Errc::ok);
  for (int i = 0; i < 5; ++i) {
    ASSERT_EQ(learner.partial_fit({.dense = x}, 1.0, 0.0), Errc::ok);
  }
  EXPECT_EQ(learner.held(), 1U);
  EXPECT_EQ(learner.updates(), 6U);
  EXPECT_EQ(learner.predict({.dense = x}), 0.0);
}

TEST(MiniBatch, ABatchUnderWayIsSavedWithItsClock) {
  for (const bool ticked : {false, true}) {
    MiniBatchLearner learner = make({.size = 50, .seconds = 30.0});
    Rng rng(4);
    const auto fit = [&](MiniBatchLearner& to, const Dense& example) {
      ASSERT_EQ(to.partial_fit(example.input(), example.target, 1.0), Errc::ok);
    };
    if (ticked) {
      ASSERT_EQ(learner.tick(100.0), Errc::ok);
    }
    for (int i = 0; i < 75; ++i) {
      fit(learner, Dense::draw(rng));
    }
    MiniBatchLearner restored = make({.size = 50, .seconds = 30.0});
    ASSERT_TRUE(load_state(restored, save_state(learner)));
    EXPECT_EQ(restored, learner);
    EXPECT_EQ(restored.held(), 25U);
    const Dense next = Dense::draw(rng);
    for (MiniBatchLearner* each : {&learner, &restored}) {
      fit(*each, next);
      ASSERT_EQ(each->tick(130.0), Errc::ok);
    }
    EXPECT_EQ(learner.held(), ticked ? 0U : 26U);
    EXPECT_EQ(restored, learner);
  }
}

TEST(MiniBatch, AStateThatHoldsMoreThanABatchIsRefused) {
  MiniBatchLearner large = make({.size = 100});
  Rng rng(5);
  for (int i = 0; i < 40; ++i) {
    const Dense example = Dense::draw(rng);
    ASSERT_EQ(large.partial_fit(example.input(), example.target, 1.0), Errc::ok);
  }
  MiniBatchLearner small = make({.size = 40});
  const MiniBatchLearner before = small;
  EXPECT_FALSE(load_state(small, save_state(large)));
  EXPECT_EQ(small, before);
}

TEST(MiniBatch, ErrorsOfMakeNameTheLimit) {
  const Result<MiniBatchLearner> made = MiniBatchLearner::make({.size = 1'000'000}, {.features = 1'000});
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code, Errc::invalid_config);
  EXPECT_EQ(made.error().message,
            "mini_batch: 1000000 examples of 1000 numbers are more than 268435456 numbers");
  EXPECT_FALSE(MiniBatchLearner::make({.size = 0}, kDense));
  EXPECT_FALSE(
      MiniBatchLearner::make({.inner = {.learner = InnerLearner::auto_linear, .loss = Loss::hinge}}, kDense));
}

}  // namespace
}  // namespace attune::mini_batch_test
