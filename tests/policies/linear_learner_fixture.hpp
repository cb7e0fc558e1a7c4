// SPDX-License-Identifier: Apache-2.0
/// @file
/// What the tests of the linear learners share.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include <gtest/gtest.h>

#include <attune/core/sampling.hpp>
#include <attune/core/vocabulary.hpp>

#include "tests/support/allocation_counter.hpp"
#include "tests/support/linear_examples.hpp"

namespace attune::test {

/// Makes `passes` over the examples and expects the weights near the batch solution.
template <class Learner>
void expect_near_batch(Learner learner, const Examples& examples, const std::vector<double>& batch,
                       int passes, double tolerance) {
  for (int pass = 0; pass < passes; ++pass) {
    for (std::size_t i = 0; i < examples.count(); ++i) {
      ASSERT_EQ(learner.partial_fit({.dense = examples.features[i]}, examples.targets[i], 1.0), Errc::ok);
    }
  }
  for (std::size_t j = 0; j + 1 < batch.size(); ++j) {
    EXPECT_NEAR(learner.weight(j), batch[j], tolerance) << "weight " << j;
  }
  EXPECT_NEAR(learner.intercept(), batch.back(), tolerance);
}

/// The promises of the concept that the linear learners keep in the same way.
template <class Learner>
void expect_learner_manners(const typename Learner::Config& base) {
  typename Learner::Config config = base;
  config.loss = Loss::logistic;
  Learner learner = Learner::make(config, {.features = 2}).value();
  const std::vector<double> x{0.5, -1.0};
  ASSERT_EQ(learner.partial_fit({.dense = x}, 1.0, 1.0), Errc::ok);
  const double p = learner.predict({.dense = x});
  EXPECT_GT(p, 0.5);
  EXPECT_LT(p, 1.0);

  constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
  const std::vector<double> wrong{1.0};
  const std::vector<double> nan{1.0, kNan};
  const std::vector<double> huge{1e308, -1e308};
  const Learner before = learner;
  EXPECT_EQ(learner.partial_fit({.dense = wrong}, 1.0, 1.0), Errc::dimension_mismatch);
  EXPECT_EQ(learner.partial_fit({.dense = nan}, 1.0, 1.0), Errc::non_finite);
  EXPECT_EQ(learner.partial_fit({.dense = huge}, 1.0, 1.0), Errc::non_finite);
  EXPECT_EQ(learner.partial_fit({.dense = x}, kNan, 1.0), Errc::non_finite);
  EXPECT_EQ(learner.partial_fit({.dense = x}, 1.0, kNan), Errc::non_finite);
  EXPECT_EQ(learner.partial_fit({.dense = x}, 1.0, -1.0), Errc::invalid_argument);
  EXPECT_EQ(learner.partial_fit({.dense = x}, 1.5, 1.0), Errc::invalid_argument);
  EXPECT_EQ(learner, before);
  EXPECT_TRUE(std::isnan(learner.predict({.dense = wrong})));
  EXPECT_TRUE(std::isnan(learner.predict({.dense = nan})));
  EXPECT_FALSE(std::isnan(learner.predict({.dense = huge})));
  EXPECT_EQ(learner.partial_fit({.dense = x}, 0.0, 0.0), Errc::ok);
  EXPECT_EQ(learner.predict({.dense = x}), p);
  EXPECT_EQ(learner.updates(), 2U);

  // A squared loss cannot be learned from an infinite gradient, and says so.
  Learner squared = Learner::make(base, {.features = 2}).value();
  EXPECT_EQ(squared.partial_fit({.dense = x}, 1e200, 1.0), Errc::non_finite);

  Learner copy = Learner::make(config, {.features = 2}).value();
  ASSERT_TRUE(load_state(copy, save_state(learner)));
  EXPECT_EQ(copy, learner);
  Learner other = Learner::make(config, {.features = 3}).value();
  EXPECT_FALSE(load_state(other, save_state(learner)));
}

/// Dense and sparse examples of the same numbers teach the same; a million sparse weights without allocation.
template <class Learner>
void expect_sparse_like_dense(const typename Learner::Config& config) {
  constexpr std::size_t kFeatures = std::size_t{1} << 20U;
  Learner wide = Learner::make(config, {.features = kFeatures, .sparse = true}).value();
  Learner narrow = Learner::make(config, {.features = 3}).value();
  const std::vector<std::uint32_t> index{5, 70'000, kFeatures - 1};
  Rng rng(17);
  bool good = true;
  std::vector<double> x(3);
  const AllocationCount counter;
  for (int t = 0; t < 200; ++t) {
    for (double& value : x) {
      value = rng.uniform();
    }
    const double target = x[0] - x[2];
    good = good && wide.partial_fit({.sparse = {.index = index, .value = x}}, target, 1.0) == Errc::ok &&
           narrow.partial_fit({.dense = x}, target, 1.0) == Errc::ok;
  }
  const double sparse = wide.predict({.sparse = {.index = index, .value = x}});
  EXPECT_EQ(counter.count(), 0U);
  EXPECT_TRUE(good);
  EXPECT_NEAR(sparse, narrow.predict({.dense = x}), 1e-12);  // the sums are in another order
  EXPECT_NEAR(wide.weight(70'000), narrow.weight(1), 1e-12);
  EXPECT_EQ(wide.weight(6), 0.0);
  const std::vector<std::uint32_t> unsorted{7, 5, 9};
  EXPECT_EQ(wide.partial_fit({.sparse = {.index = unsorted, .value = x}}, 0.0, 1.0),
            Errc::dimension_mismatch);
}

}  // namespace attune::test
