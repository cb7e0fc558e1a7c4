// SPDX-License-Identifier: Apache-2.0
#include <attune/policies/hashed_interactions.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <memory>
#include <set>
#include <vector>

#include <gtest/gtest.h>

#include "tests/support/allocation_counter.hpp"
#include "tests/support/statistics.hpp"

namespace attune::hashed_interactions_test {
namespace {

using Row = std::map<std::uint32_t, double>;

struct Sparse {
  std::vector<std::uint32_t> index;
  std::vector<double> value;

  explicit Sparse(const Row& row) {
    for (const auto& [i, x] : row) {
      index.push_back(i);
      value.push_back(x);
    }
  }
  [[nodiscard]] Input input() const { return {.sparse = {.index = index, .value = value}}; }
};

InteractionMap make_map(const InteractionOptions& options, std::size_t features = 1'000) {
  return InteractionMap::make(options, {.features = features, .sparse = true}).value();
}

Row expanded(const InteractionMap& map, const Row& row) {
  const auto out = std::make_unique<InteractionMap::Expanded>();
  EXPECT_EQ(map.expand(Sparse(row).input(), *out), Errc::ok);
  const SparseFeatures features = out->features();
  Row made;
  for (std::size_t k = 0; k < features.index.size(); ++k) {
    EXPECT_TRUE(made.empty() || made.rbegin()->first < features.index[k]) << "strictly increasing";
    made[features.index[k]] = features.value[k];
  }
  return made;
}

TEST(InteractionMap, HoldsFeaturesAndProductsAtTheirPlaces) {
  const InteractionMap map = make_map({.bits = 28});
  EXPECT_EQ(expanded(map, {{3, 2.0}, {7, -1.5}, {900, 4.0}, {901, 0.0}}), (Row{{map.place(3), 2.0},
                                                                               {map.place(7), -1.5},
                                                                               {map.place(900), 4.0},
                                                                               {map.place(3, 7), -3.0},
                                                                               {map.place(3, 900), 8.0},
                                                                               {map.place(7, 900), -6.0}}));
}

TEST(InteractionMap, TakesThePairsThatAreAskedFor) {
  const Row row{{1, 1.0}, {2, 1.0}, {10, 1.0}, {20, 1.0}};
  EXPECT_EQ(expanded(make_map({.bits = 28}), row).size(), 4U + 6U);
  EXPECT_EQ(expanded(make_map({.bits = 28, .pairs = PairKind::none}), row).size(), 4U);
  EXPECT_EQ(expanded(make_map({.bits = 28, .squares = true}), row).size(), 4U + 10U);
  const InteractionMap across = make_map({.bits = 28, .pairs = PairKind::across, .groups = {10, 20}});
  const Row made = expanded(across, row);
  EXPECT_EQ(made.size(), 4U + 5U);
  EXPECT_FALSE(made.contains(across.place(1, 2)));
  EXPECT_TRUE(made.contains(across.place(10, 20)));
}

TEST(InteractionMap, WhatSharesAPlaceIsAdded) {
  const InteractionMap map = make_map({.bits = 1, .pairs = PairKind::none});
  Row row;
  Row expected;
  for (std::uint32_t i = 0; i < 100; ++i) {
    row[i] = 1.0 + i;
    expected[map.place(i)] += 1.0 + i;
  }
  EXPECT_EQ(expanded(map, row), expected);
}

TEST(InteractionMap, LeavesOutProductsBeyondItsLengthAndRefusesMoreFeatures) {
  Row row;
  for (std::uint32_t i = 0; i < 64; ++i) {
    row[i] = 1.0;
  }
  EXPECT_EQ(expanded(make_map({.bits = 28, .most = 100}), row).size(), 100U);
  const auto out = std::make_unique<InteractionMap::Expanded>();
  EXPECT_EQ(make_map({.most = 63}).expand(Sparse(row).input(), *out), Errc::dimension_mismatch);
  const Result<InteractionMap> dense = InteractionMap::make({.most = 63}, {.features = 64});
  ASSERT_FALSE(dense);
  EXPECT_EQ(dense.error().message, "features = 64 is above most = 63, for dense contexts");
}

TEST(InteractionMap, HugeValuesStayFinite) {
  const Row made = expanded(make_map({.bits = 1, .squares = true}), {{1, 1e300}, {2, -1e300}, {3, 1e300}});
  for (const auto& [place, value] : made) {
    EXPECT_TRUE(std::isfinite(value)) << place;
  }
}

TEST(InteractionMap, BadGroupsAreNamed) {
  for (const std::vector<double>& groups : {std::vector{5.0, 5.0}, std::vector{1.5}}) {
    const Result<InteractionMap> made = InteractionMap::make({.groups = groups}, {.features = 9});
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().message, "groups must be whole numbers that ascend");
  }
}

// Places and signs of neighbouring features and of their products look drawn.
TEST(InteractionMap, SpreadsNeighboursEvenly) {
  const InteractionMap map = make_map({.bits = 8});
  std::vector<double> places(256);
  for (std::uint32_t i = 0; i < 200; ++i) {
    for (std::uint32_t j = i + 1; j < 200; ++j) {
      places[map.place(i, j)] += 1.0;
    }
  }
  EXPECT_TRUE(test::is_uniform(places));
}

// The mean of the product of two hashed examples is their own product (Weinberger et al., Lemma 2).
TEST(InteractionMap, SignsKeepInnerProductsUnbiased) {
  const InteractionMap map = make_map({.bits = 6, .pairs = PairKind::none, .signs = true}, 1U << 30U);
  constexpr int kExamples = 4'000;
  double sum = 0.0;
  double squares = 0.0;
  for (std::uint32_t example = 0; example < kExamples; ++example) {
    Row left;
    Row right;
    for (std::uint32_t k = 0; k < 16; ++k) {
      left[1'000 * example + k] = 1.0;
      right[1'000 * example + k + 8] = 1.0;  // eight in common
    }
    const Row hashed_left = expanded(map, left);
    const Row hashed_right = expanded(map, right);
    double product = 0.0;
    for (const auto& [place, value] : hashed_left) {
      product += hashed_right.contains(place) ? value * hashed_right.at(place) : 0.0;
    }
    sum += product;
    squares += product * product;
  }
  const double mean = sum / kExamples;
  EXPECT_NEAR(mean, 8.0, 4.9 * std::sqrt((squares / kExamples - mean * mean) / kExamples));
}

/// Two of forty categories, one of each half; the target says whether both or neither are odd.
struct XorStream {
  Rng rng;
  explicit XorStream(std::uint64_t seed) : rng(seed) {}
  std::array<std::uint32_t, 2> index{};
  std::array<double, 2> value{1.0, 1.0};
  double target = 0.0;

  Input draw() {
    index = {static_cast<std::uint32_t>(rng.below(20)), 20 + static_cast<std::uint32_t>(rng.below(20))};
    target = index[0] % 2 == index[1] % 2 ? 1.0 : 0.0;
    return {.sparse = {.index = index, .value = value}};
  }
};

double late_error(const HashedInteractionsConfig& config) {
  HashedInteractions learner = HashedInteractions::make(config, {.features = 40, .sparse = true}).value();
  XorStream stream(1);
  double wrong = 0.0;
  for (int i = 0; i < 12'000; ++i) {
    const Input input = stream.draw();
    double before = 0.0;
    EXPECT_EQ(learner.predict_then_fit(input, stream.target, 1.0, before), Errc::ok);
    wrong += i >= 10'000 && (before > 0.5) != (stream.target > 0.5) ? 1.0 / 2'000 : 0.0;
  }
  return wrong;
}

TEST(HashedInteractions, EveryLearnerFindsWhatOnlyProductsSay) {
  for (const InnerLearner learner :
       {InnerLearner::adagrad, InnerLearner::ftrl, InnerLearner::sgd, InnerLearner::auto_linear}) {
    HashedInteractionsConfig config{.map = {.bits = 16},
                                    .inner = {.learner = learner, .loss = Loss::logistic, .rate = 0.5}};
    // Steps that fall for all places alike are small by the time a pair of 400 comes for the tenth time.
    EXPECT_LT(late_error(config), learner == InnerLearner::sgd ? 0.2 : 0.02)
        << kEnumNames<InnerLearner>[static_cast<std::size_t>(learner)];
    config.map.pairs = PairKind::none;
    // A coin: 0.5 with an error of 0.011.
    EXPECT_GT(late_error(config), 0.4);
  }
}

TEST(HashedInteractions, PredictThenFitIsPredictAndFit) {
  for (const InnerLearner learner : {InnerLearner::adagrad, InnerLearner::auto_linear}) {
    const HashedInteractionsConfig config{.map = {.bits = 10}, .inner = {.learner = learner}};
    HashedInteractions one = HashedInteractions::make(config, {.features = 40, .sparse = true}).value();
    HashedInteractions two = one;
    XorStream stream(2);
    for (int i = 0; i < 200; ++i) {
      const Input input = stream.draw();
      double before = 0.0;
      const double expected = two.predict(input);
      ASSERT_EQ(one.predict_then_fit(input, stream.target, 1.0, before), Errc::ok);
      ASSERT_EQ(two.partial_fit(input, stream.target, 1.0), Errc::ok);
      EXPECT_NEAR(before, expected, 1e-12);
    }
    EXPECT_EQ(one, two);
  }
}

TEST(HashedInteractions, LearnsWithoutAllocationAtTwentyBits) {
  HashedInteractions learner =
      HashedInteractions::make({.map = {.bits = 20}}, {.features = 1'000'000, .sparse = true}).value();
  std::vector<std::uint32_t> index(32);
  const std::vector<double> value(32, 1.0);
  Rng rng(3);
  for (int i = 0; i < 50; ++i) {
    std::set<std::uint32_t> chosen;
    while (chosen.size() < index.size()) {
      chosen.insert(static_cast<std::uint32_t>(rng.below(1'000'000)));
    }
    std::ranges::copy(chosen, index.begin());
    const test::AllocationCount count;
    ASSERT_EQ(learner.partial_fit({.sparse = {.index = index, .value = value}}, 1.0, 1.0), Errc::ok);
    ASSERT_FALSE(std::isnan(learner.predict({.sparse = {.index = index, .value = value}})));
    EXPECT_EQ(count.count(), 0U);
  }
}

TEST(HashedInteractions, AStateOfAnotherSizeIsRefused) {
  HashedInteractions small =
      HashedInteractions::make({.map = {.bits = 6}}, {.features = 40, .sparse = true}).value();
  const HashedInteractions large =
      HashedInteractions::make({.map = {.bits = 7}}, {.features = 40, .sparse = true}).value();
  const HashedInteractions before = small;
  EXPECT_FALSE(load_state(small, save_state(large)));
  EXPECT_EQ(small, before);
}

TEST(HashedInteractions, ErrorsOfTheLearnerAreItsOwn) {
  const Result<HashedInteractions> hinge = HashedInteractions::make(
      {.inner = {.learner = InnerLearner::auto_linear, .loss = Loss::hinge}}, {.features = 4});
  ASSERT_FALSE(hinge);
  EXPECT_EQ(hinge.error().code, Errc::invalid_config);
}

}  // namespace
}  // namespace attune::hashed_interactions_test
