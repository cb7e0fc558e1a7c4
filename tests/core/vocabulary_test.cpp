// SPDX-License-Identifier: Apache-2.0
#include <attune/core/vocabulary.hpp>

#include <array>
#include <cstdint>
#include <limits>
#include <vector>

#include <gtest/gtest.h>
#include <attune/core/arm_set.hpp>
#include <attune/core/config.hpp>

namespace attune::vocabulary_test {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

TEST(CheckInput, DenseVectorsMustHaveTheLengthAndBeFinite) {
  const std::array<double, 2> good{1.0, std::numeric_limits<double>::max()};
  EXPECT_EQ(check_input({.dense = good}, 2, false), Errc::ok);
  EXPECT_EQ(check_input({.dense = good}, 3, false), Errc::dimension_mismatch);
  for (const double bad : {kNan, kInfinity, -kInfinity}) {
    const std::array<double, 2> entries{1.0, bad};
    EXPECT_EQ(check_input({.dense = entries}, 2, false), Errc::non_finite);
  }
}

TEST(CheckInput, SparseIndicesMustIncreaseAndBeInRange) {
  const std::array<double, 2> value{1.0, 2.0};
  const auto verdict = [&](std::array<std::uint32_t, 2> index) {
    return check_input({.sparse = {.index = index, .value = value}}, 10, true);
  };
  EXPECT_EQ(verdict({0, 9}), Errc::ok);
  EXPECT_EQ(verdict({3, 3}), Errc::dimension_mismatch);
  EXPECT_EQ(verdict({4, 3}), Errc::dimension_mismatch);
  EXPECT_EQ(verdict({4, 10}), Errc::dimension_mismatch);
}

TEST(ArmSet, CountsAndVisitsEnabledArms) {
  ArmSet arms(4);
  EXPECT_EQ(arms.set_enabled(to_arm(2), false), Errc::ok);
  EXPECT_EQ(arms.set_enabled(to_arm(2), false), Errc::ok);
  EXPECT_EQ(arms.enabled_count(), 3U);
  std::vector<std::size_t> seen;
  arms.for_each({}, [&](std::size_t arm) { seen.push_back(arm); });
  EXPECT_EQ(seen, (std::vector<std::size_t>{0, 1, 3}));
  seen.clear();
  const std::array<ArmIndex, 3> offered{to_arm(3), to_arm(2), to_arm(77)};
  const Context context{.offered = offered};
  arms.for_each(context, [&](std::size_t arm) { seen.push_back(arm); });
  EXPECT_EQ(seen, (std::vector<std::size_t>{3}));
  EXPECT_EQ(arms.eligible(context), 1U);
  EXPECT_EQ(arms.set_enabled(to_arm(4), true), Errc::unknown_arm);
}

struct Options {
  double rate = 0.5;
  std::vector<double> weights{1.0};
  template <class Self, class Visitor>
  static constexpr void fields(Self& self, Visitor&& visit) {
    visit("rate", self.rate, Bounds{0, 1}, "a rate");
    visit("weights", self.weights, Bounds{0, 2}, "weights");
  }
};

TEST(CheckBounds, NamesFieldValueAndRule) {
  EXPECT_TRUE(check_bounds(Options{}));
  const Result<void> high = check_bounds(Options{.rate = 1.5});
  ASSERT_FALSE(high);
  EXPECT_EQ(high.error().message, "rate = 1.5 is outside [0, 1]");
  EXPECT_FALSE(check_bounds(Options{.rate = kNan}));
  EXPECT_FALSE(check_bounds(Options{.weights = {1.0, 3.0}}));
}

}  // namespace
}  // namespace attune::vocabulary_test
