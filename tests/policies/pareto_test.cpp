// SPDX-License-Identifier: Apache-2.0
#include <attune/policies/pareto.hpp>
#include <attune/policies/pareto_ucb1.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <vector>

#include <gtest/gtest.h>

#include "tests/laws/state_laws.hpp"
#include "tests/support/allocation_counter.hpp"
#include "tests/support/statistics.hpp"

namespace attune::pareto_test {
namespace {

/// Points on a small grid, so that many numbers are equal.
std::vector<double> grid_points(Rng& rng, std::size_t count, std::size_t dimension) {
  std::vector<double> numbers(count * dimension);
  std::ranges::generate(numbers, [&] { return static_cast<double>(rng.below(6)); });
  return numbers;
}

TEST(ParetoFront, IsWhatNoOtherPointDominates) {
  Rng rng(1);
  for (int i = 0; i < 600; ++i) {
    const std::size_t dimension = 1 + static_cast<std::size_t>(i) % 4;
    const std::vector<double> numbers = grid_points(rng, static_cast<std::size_t>(rng.below(20)), dimension);
    const PointSet points{.numbers = numbers, .dimension = dimension};
    std::vector<std::size_t> expected;
    for (std::size_t at = 0; at < points.size(); ++at) {
      bool dominated = false;
      for (std::size_t other = 0; other < points.size(); ++other) {
        bool as_good = true;
        bool better = false;
        for (std::size_t part = 0; part < dimension; ++part) {
          as_good = as_good && points[other][part] >= points[at][part];
          better = better || points[other][part] > points[at][part];
        }
        dominated = dominated || (as_good && better);
      }
      if (!dominated) {
        expected.push_back(at);
      }
    }
    ASSERT_EQ(pareto_front(points).value(), expected) << "case " << i;
  }
}

/// Number of unit cells below at least one point, for points of whole numbers from 0 to 5.
double cells(const PointSet& points, const std::vector<double>& reference) {
  double volume = 0.0;
  const std::size_t dimension = points.dimension;
  const int count = static_cast<int>(std::pow(6, dimension) + 0.5);
  for (int cell = 0; cell < count; ++cell) {
    bool covered = false;
    for (std::size_t at = 0; at < points.size() && !covered; ++at) {
      covered = true;
      for (std::size_t part = 0, rest = static_cast<std::size_t>(cell); part < dimension; ++part, rest /= 6) {
        const auto low = static_cast<double>(rest % 6);
        covered = covered && low >= reference[part] && points[at][part] >= low + 1.0;
      }
    }
    volume += covered ? 1.0 : 0.0;
  }
  return volume;
}

TEST(Hypervolume, IsTheNumberOfUnitCellsBelow) {
  Rng rng(2);
  for (int i = 0; i < 600; ++i) {
    const std::size_t dimension = 1 + static_cast<std::size_t>(i) % 3;
    const std::vector<double> numbers = grid_points(rng, static_cast<std::size_t>(rng.below(12)), dimension);
    std::vector<double> reference(dimension);
    std::ranges::generate(reference, [&] { return static_cast<double>(rng.below(3)); });
    const PointSet points{.numbers = numbers, .dimension = dimension};
    ASSERT_NEAR(hypervolume(points, reference).value(), cells(points, reference), 1e-9) << "case " << i;
  }
}

TEST(Hypervolume, OnlyTheFrontCounts) {
  Rng rng(3);
  for (int i = 0; i < 50; ++i) {
    std::vector<double> numbers(60);
    std::ranges::generate(numbers, [&] { return rng.uniform(); });
    const PointSet points{.numbers = numbers, .dimension = 3};
    std::vector<double> kept;
    const std::vector<std::size_t> front = pareto_front(points).value();
    for (const std::size_t at : front) {
      kept.insert(kept.end(), points[at].begin(), points[at].end());
    }
    const std::array<double, 3> origin{};
    const double all = hypervolume(points, origin).value();
    EXPECT_NEAR(hypervolume({.numbers = kept, .dimension = 3}, origin).value(), all, 1e-12);
    EXPECT_GT(all, 0.0);
    EXPECT_LT(all, 1.0);
  }
}

TEST(Pareto, WrongPointsAreRefused) {
  const std::vector<double> odd{1.0, 2.0, 3.0};
  EXPECT_EQ(pareto_front({.numbers = odd, .dimension = 2}).error().message,
            "3 numbers are no points of 2 components");
  EXPECT_EQ(pareto_front({.numbers = odd, .dimension = 0}).error().code, Errc::invalid_argument);
  const std::vector<double> bad{1.0, std::nan("")};
  EXPECT_EQ(pareto_front({.numbers = bad, .dimension = 2}).error().code, Errc::non_finite);
  const std::vector<double> four{1.0, 1.0, 1.0, 1.0};
  EXPECT_EQ(hypervolume({.numbers = four, .dimension = 4}, four).error().code, Errc::unsupported);
  EXPECT_EQ(hypervolume({.numbers = four, .dimension = 2}, four).error().code, Errc::dimension_mismatch);
}

ParetoUcb1 make(std::size_t arms, const ParetoUcb1Config& config = {}) {
  return ParetoUcb1::make(config, {.arms = arms}).value();
}

constexpr std::array<std::array<double, 2>, 5> kMeans{
    {{0.9, 0.2}, {0.6, 0.6}, {0.2, 0.9}, {0.5, 0.5}, {0.15, 0.2}}};

void play(ParetoUcb1& policy, std::uint64_t seed, std::uint64_t steps) {
  for (std::uint64_t i = 0; i < steps; ++i) {
    Rng rng(seed, 0, i);
    const Choice choice = policy.select({}, rng);
    ASSERT_EQ(choice.status, Errc::ok);
    std::array<double, 2> reward{};
    for (std::size_t part = 0; part < 2; ++part) {
      reward.at(part) = rng.uniform() < kMeans.at(to_index(choice.arm)).at(part) ? 1.0 : 0.0;
    }
    ASSERT_EQ(policy.update(choice.arm, reward), Errc::ok);
  }
}

// Theorem 1 of Drugan and Nowe: arms at distance e from the front are taken 8 ln(T (D K)^(1/4)) / e^2 times
// at most, and a few more; the distances are 0.1 and 0.4 in each component. The arms of the front share the
// rest.
TEST(ParetoUcb1, PlaysTheFrontAndLeavesTheRest) {
  constexpr std::uint64_t kSteps = 60'000;
  ParetoUcb1 policy = make(5);
  play(policy, 1, kSteps);
  const double level = 8.0 * std::log(kSteps * std::pow(10.0, 0.25));
  EXPECT_LT(static_cast<double>(policy.pulls(to_arm(3))), level / 0.01 + 5.0);
  EXPECT_LT(static_cast<double>(policy.pulls(to_arm(4))), level / 0.16 + 5.0);
  for (std::size_t arm = 0; arm < 3; ++arm) {
    EXPECT_GT(policy.pulls(to_arm(arm)), kSteps / 5) << arm;
  }
  EXPECT_EQ(policy.front(), (std::vector{to_arm(0), to_arm(1), to_arm(2)}));
}

TEST(ParetoUcb1, ChoicesHaveTheirProbabilities) {
  ParetoUcb1 policy = make(5);
  for (int state = 0; state < 8; ++state) {
    std::array<double, 5> probabilities{};
    ASSERT_EQ(policy.probabilities({}, probabilities), Errc::ok);
    std::array<double, 5> counts{};
    for (std::uint64_t i = 0; i < 4'000; ++i) {
      Rng rng(2, static_cast<std::uint64_t>(state), i);
      const Choice choice = policy.select({}, rng);
      ASSERT_EQ(choice.propensity, probabilities.at(to_index(choice.arm)));
      counts.at(to_index(choice.arm)) += 1.0;
    }
    EXPECT_TRUE(test::matches_probabilities(counts, probabilities));
    play(policy, static_cast<std::uint64_t>(state), state == 0 ? 3 : 300);
  }
}

TEST(ParetoUcb1, WithOneComponentItIsUcb1) {
  ParetoUcb1 policy = make(2, {.components = 1});
  for (int i = 0; i < 20; ++i) {
    const double good = i % 4 == 0 ? 0.0 : 1.0;
    const double bad = i % 4 == 0 ? 1.0 : 0.0;
    ASSERT_EQ(policy.update(to_arm(0), std::array{good}), Errc::ok);
    ASSERT_EQ(policy.update(to_arm(1), std::array{bad}), Errc::ok);
  }
  Rng rng(3);
  EXPECT_EQ(policy.select({}, rng).arm, to_arm(0));
  EXPECT_EQ(policy.select({}, rng).propensity, 1.0);
  EXPECT_EQ(policy.front(), std::vector{to_arm(0)});
}

TEST(ParetoUcb1, ArmsComeAndGo) {
  ParetoUcb1 policy = make(2);
  ASSERT_EQ(policy.update(to_arm(0), std::array{1.0, 0.0}), Errc::ok);
  ASSERT_EQ(policy.update(to_arm(1), std::array{0.0, 1.0}), Errc::ok);
  Rng rng(4);
  const ArmIndex added = policy.add_arm().value();
  EXPECT_EQ(policy.select({}, rng).arm, added);
  ASSERT_EQ(policy.set_enabled(added, false), Errc::ok);
  EXPECT_NE(policy.select({}, rng).arm, added);
  ASSERT_EQ(policy.reset_arm(to_arm(1)), Errc::ok);
  EXPECT_EQ(policy.select({}, rng).arm, to_arm(1));
  const std::array<ArmIndex, 1> offered{to_arm(0)};
  EXPECT_EQ(policy.select({.offered = offered}, rng).arm, to_arm(0));
  for (const ArmIndex arm : {to_arm(0), to_arm(1)}) {
    ASSERT_EQ(policy.set_enabled(arm, false), Errc::ok);
  }
  EXPECT_EQ(policy.select({}, rng).status, Errc::no_arm);
}

TEST(ParetoUcb1, WrongRewardsChangeNothing) {
  ParetoUcb1 policy = make(2);
  ASSERT_EQ(policy.update(to_arm(0), std::array{0.5, 0.25}), Errc::ok);
  const ParetoUcb1 before = policy;
  EXPECT_EQ(policy.update(to_arm(2), std::array{0.5, 0.5}), Errc::unknown_arm);
  EXPECT_EQ(policy.update(to_arm(0), std::array{0.5}), Errc::dimension_mismatch);
  EXPECT_EQ(policy.update(to_arm(0), std::array{0.5, std::nan("")}), Errc::non_finite);
  EXPECT_EQ(policy.update(to_arm(0), std::array{0.5, 1.01}), Errc::invalid_argument);
  EXPECT_EQ(policy, before);
}

TEST(ParetoUcb1, WhatIsSavedIsLoadedAndHostileBytesDoNoHarm) {
  ParetoUcb1 original = make(3);
  ASSERT_EQ(original.update(to_arm(0), std::array{0.5, 0.25}), Errc::ok);
  ASSERT_EQ(original.update(to_arm(2), std::array{1.0, 0.75}), Errc::ok);
  const ParetoUcb1 other = make(1);
  laws::expect_round_trip(original, other);
  laws::expect_every_cut_is_refused(original, other);
  laws::expect_flipped_bits_do_no_harm(original, other, [](const ParetoUcb1& loaded) {
    ParetoUcb1 copy = loaded;
    Rng rng(1);
    const test::AllocationCount count;
    ASSERT_NE(copy.select({}, rng).status, Errc::non_finite);
    ASSERT_EQ(copy.update(to_arm(0), std::array{0.5, 0.5}), Errc::ok);
    ASSERT_EQ(count.count(), 0U);
  });
}

}  // namespace
}  // namespace attune::pareto_test
