// SPDX-License-Identifier: Apache-2.0
// Laws of Optimizer over the shipped optimizers.
#include <cmath>
#include <limits>
#include <vector>

#include <gtest/gtest.h>

#include "tests/laws/state_laws.hpp"

namespace attune::laws::optimizer_laws_test {
namespace {

/// The Config a type is tested with, and the box that it spans. Specialise for each.
template <class O>
struct OptimizerCase;
template <>
struct OptimizerCase<GpOptimizer> {
  static GpOptimizer::Config config() {
    return {.parameters = {{.name = "rate", .low = -1.0, .high = 2.0},
                           {.name = "size", .type = ParameterType::integer, .low = 1.0, .high = 9.0}},
            .candidates = 32,
            .local_searches = 1};
  }
  static bool inside(const std::vector<double>& values) {
    return values.size() == 2 && values[0] >= -1.0 && values[0] <= 2.0 && values[1] >= 1.0 &&
           values[1] <= 9.0 && values[1] == std::floor(values[1]);
  }
  static std::vector<double> outside() { return {0.0, 10.0}; }
};

template <Optimizer O>
[[nodiscard]] O make_optimizer() {
  return O::make(OptimizerCase<O>::config()).value();
}

double goal(const std::vector<double>& values) {
  double sum = 0.0;
  for (const double value : values) {
    sum -= (value - 1.5) * (value - 1.5);
  }
  return sum;
}

/// `trials` trials, of which every third stays pending and every seventh is forgotten.
template <Optimizer O>
void live(O& optimizer, std::uint64_t first, std::uint64_t trials) {
  for (std::uint64_t id = first; id < first + trials; ++id) {
    Rng rng(1, 0, id);
    const Result<std::vector<double>> proposal = optimizer.ask(rng);
    ASSERT_TRUE(proposal) << proposal.error().message;
    ASSERT_TRUE(OptimizerCase<O>::inside(*proposal));
    ASSERT_EQ(optimizer.begin({.id = id, .values = *proposal}), Errc::ok);
    if (id % 7 == 6) {
      ASSERT_EQ(optimizer.forget(id), Errc::ok);
    } else if (id % 3 != 2) {
      ASSERT_EQ(optimizer.tell(id, goal(*proposal)), Errc::ok);
    }
  }
}

template <Optimizer O>
[[nodiscard]] O lived(std::uint64_t first, std::uint64_t trials) {
  O optimizer = make_optimizer<O>();
  live(optimizer, first, trials);
  return optimizer;
}

template <class O>
class OptimizerLaws : public testing::Test {};
TYPED_TEST_SUITE(OptimizerLaws, AsTestTypes<BuiltinOptimizers>::type, TypeNames);

TYPED_TEST(OptimizerLaws, SameSeedGivesTheSameProposals) {
  const TypeParam left = lived<TypeParam>(0, 25);
  const TypeParam right = lived<TypeParam>(0, 25);
  EXPECT_TRUE(same_state(left, right));
  EXPECT_FALSE(left == lived<TypeParam>(1, 25));
  Rng one(2);
  Rng two(2);
  EXPECT_EQ(left.ask(one).value(), right.ask(two).value());
}

TYPED_TEST(OptimizerLaws, WhatIsSavedIsLoadedAndProposesOnTheSame) {
  TypeParam original = make_optimizer<TypeParam>();
  expect_round_trip(original, lived<TypeParam>(0, 6));
  for (std::uint64_t part = 0; part < 3; ++part) {
    live(original, 10 * part, 10);
    expect_round_trip(original, make_optimizer<TypeParam>());
    TypeParam restored = make_optimizer<TypeParam>();
    ASSERT_TRUE(load_state(restored, save_state(original)));
    EXPECT_EQ(restored.pending(), original.pending());
    EXPECT_EQ(restored.best(), original.best());
    live(restored, 100, 3);
    TypeParam twin = original;
    live(twin, 100, 3);
    EXPECT_TRUE(same_state(restored, twin));
  }
}

TYPED_TEST(OptimizerLaws, EveryCutIsRefused) {
  expect_every_cut_is_refused(lived<TypeParam>(0, 6), lived<TypeParam>(3, 5));
}

TYPED_TEST(OptimizerLaws, FlippedBitsDoNoHarm) {
  const auto probe = [](const TypeParam& optimizer) {
    Rng rng(3);
    const Result<std::vector<double>> proposal = optimizer.ask(rng);
    ASSERT_TRUE(proposal) << proposal.error().message;
    ASSERT_TRUE(OptimizerCase<TypeParam>::inside(*proposal));
  };
  expect_flipped_bits_do_no_harm(lived<TypeParam>(0, 5), lived<TypeParam>(3, 4), probe);
  expect_the_frame_notices_every_flipped_bit(lived<TypeParam>(0, 5), lived<TypeParam>(3, 4));
}

TYPED_TEST(OptimizerLaws, RefusedCallsChangeNothing) {
  TypeParam optimizer = lived<TypeParam>(0, 6);
  Rng rng(4);
  const std::vector<double> good = optimizer.ask(rng).value();
  ASSERT_EQ(optimizer.begin({.id = 50, .values = good}), Errc::ok);
  const TypeParam before = optimizer;
  const auto refuse = [&](Errc verdict, Errc expected) {
    EXPECT_EQ(verdict, expected);
    EXPECT_TRUE(same_state(optimizer, before));
  };
  refuse(optimizer.tell(99, 1.0), Errc::unknown_decision);
  refuse(optimizer.tell(0, 1.0), Errc::unknown_decision);  // finished
  refuse(optimizer.tell(6, 1.0), Errc::unknown_decision);
  refuse(optimizer.forget(99), Errc::unknown_decision);
  for (const double number :
       {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()}) {
    refuse(optimizer.tell(50, number), Errc::non_finite);
    std::vector<double> bad = good;
    bad[0] = number;
    refuse(optimizer.begin({.id = 51, .values = bad}), Errc::non_finite);
  }
  std::vector<double> longer = good;
  longer.push_back(1.0);
  refuse(optimizer.begin({.id = 51, .values = longer}), Errc::dimension_mismatch);
  refuse(optimizer.begin({.id = 51, .values = OptimizerCase<TypeParam>::outside()}), Errc::invalid_argument);
  refuse(optimizer.begin({.id = 50, .values = good}), Errc::duplicate);
}

TYPED_TEST(OptimizerLaws, PendingTrialsAreCountedUntilAnsweredOrForgotten) {
  TypeParam optimizer = make_optimizer<TypeParam>();
  for (std::uint64_t id = 0; id < 3; ++id) {
    Rng rng(5, 0, id);
    ASSERT_EQ(optimizer.begin({.id = id, .values = optimizer.ask(rng).value()}), Errc::ok);
  }
  EXPECT_EQ(optimizer.pending(), 3U);
  ASSERT_EQ(optimizer.tell(1, 0.5), Errc::ok);
  ASSERT_EQ(optimizer.forget(0), Errc::ok);
  EXPECT_EQ(optimizer.pending(), 1U);
  EXPECT_EQ(optimizer.best().id, 1U);
  EXPECT_EQ(optimizer.tell(0, 0.5), Errc::unknown_decision);
  EXPECT_EQ(optimizer.tell(1, 0.5), Errc::unknown_decision);
}

TYPED_TEST(OptimizerLaws, AskChangesNothing) {
  const TypeParam optimizer = lived<TypeParam>(0, 20);
  const Bytes before = saved(optimizer);
  for (std::uint64_t i = 0; i < 3; ++i) {
    Rng rng(6, 0, i);
    EXPECT_TRUE(optimizer.ask(rng));
  }
  EXPECT_EQ(saved(optimizer), before);
  EXPECT_EQ(optimizer.describe().rows.empty(), false);
}

}  // namespace
}  // namespace attune::laws::optimizer_laws_test
