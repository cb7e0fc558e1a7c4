// SPDX-License-Identifier: Apache-2.0
// Means, clips and caps against hostile values: by hand, against plain models, and by the theorems they come
// from.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <deque>
#include <limits>
#include <map>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <attune/core/rng.hpp>
#include <attune/core/sampling.hpp>
#include <attune/safety/robust_mean.hpp>
#include <attune/safety/source_cap.hpp>
#include <attune/safety/winsorizer.hpp>

#include "tests/laws/state_laws.hpp"
#include "tests/support/allocation_counter.hpp"

namespace attune::poisoning_test {
namespace {

// Of 1, 2, 3, 4, 100 one goes at each end: (2 + 3 + 4) / 3, or (2 + 2 + 3 + 4 + 4) / 5.
TEST(RobustMean, ByHand) {
  const std::vector<double> values{1, 2, 3, 4, 100};
  EXPECT_NEAR(trimmed_mean(values, 0.2), 3.0, 1e-15);
  EXPECT_NEAR(winsorized_mean(values, 0.2), 3.0, 1e-15);
  EXPECT_NEAR(trimmed_mean(values, 0.0), 22.0, 1e-14);
  EXPECT_NEAR(winsorized_mean(values, 0.19), 22.0, 1e-14) << "no whole value is cut";
  const std::vector<double> skewed{1, 2, 3, 9};
  EXPECT_NEAR(winsorized_mean(skewed, 0.25), 2.5, 1e-15);
  EXPECT_NEAR(trimmed_mean(std::vector<double>{7.0}, 0.4), 7.0, 1e-15);
  EXPECT_TRUE(std::isnan(trimmed_mean({}, 0.1)));
  EXPECT_TRUE(std::isnan(trimmed_mean(values, 0.5)));
  EXPECT_TRUE(std::isnan(winsorized_mean(values, -0.1)));
  EXPECT_TRUE(std::isnan(winsorized_mean(values, std::nan(""))));
  const std::vector<double> huge{-1e308, 1e308, 1e308, 1e308};
  EXPECT_NEAR(trimmed_mean(huge, 0.0), 5e307, 1e293) << "the sum is no double";
}

// Round robin over three blocks: 1, 4 | 2, 5 | 3, 60: means 2.5, 3.5, 31.5.
TEST(MedianOfMeans, ByHand) {
  MedianOfMeans mean = MedianOfMeans::make({.blocks = 3}).value();
  EXPECT_TRUE(std::isnan(mean.estimate()));
  for (const double value : {1.0, 2.0, 3.0, 4.0, 5.0, 60.0}) {
    ASSERT_EQ(mean.add(value), Errc::ok);
  }
  EXPECT_NEAR(mean.estimate(), 3.5, 1e-14);
  EXPECT_EQ(mean.add(std::nan("")), Errc::non_finite);
  EXPECT_EQ(mean.add(std::numeric_limits<double>::infinity(), 3), Errc::non_finite);
  EXPECT_EQ(mean.skipped(), 2U);
  EXPECT_NEAR(mean.estimate(), 3.5, 1e-14);
}

// The theorem: outside of s sqrt(4 k / n) at most in a share exp(-k / 8). Student's t with three degrees of
// freedom has s = sqrt(3).
TEST(MedianOfMeans, KeepsItsBoundWithHeavyTails) {
  constexpr int kTrials = 3000;
  constexpr double kBlocks = 9.0;
  constexpr int kValues = 180;
  MedianOfMeans mean = MedianOfMeans::make({.blocks = 9}).value();
  Rng rng(1);
  double outside = 0.0;
  for (int trial = 0; trial < kTrials; ++trial) {
    mean.reset();
    for (int i = 0; i < kValues; ++i) {
      double squares = 0.0;
      for (int k = 0; k < 3; ++k) {
        const double z = sample_normal(rng);
        squares += z * z;
      }
      (void)mean.add(sample_normal(rng) / std::sqrt(squares / 3.0));
    }
    outside += std::fabs(mean.estimate()) > std::sqrt(3.0) * std::sqrt(4.0 * kBlocks / kValues) ? 1.0 : 0.0;
  }
  EXPECT_LE(outside / kTrials, std::exp(-kBlocks / 8.0));
}

// Six sources of fifty send 10^9, a thousand values each, the others ten each: they spoil six of fifteen
// blocks at most.
TEST(MedianOfMeans, ASourceSpoilsOneBlock) {
  MedianOfMeans mean = MedianOfMeans::make({}).value();
  Rng rng(2);
  for (std::uint64_t source = 0; source < 50; ++source) {
    for (int i = 0; i < (source < 6 ? 1000 : 10); ++i) {
      ASSERT_EQ(mean.add(source < 6 ? 1e9 : 5.0 + sample_normal(rng), source), Errc::ok);
    }
  }
  EXPECT_NEAR(mean.estimate(), 5.0, 3.0) << "a block has thirty clean values, or a few";
}

MedianOfMeans averaged(std::uint64_t seed, int count) {
  MedianOfMeans mean = MedianOfMeans::make({.blocks = 5}).value();
  Rng rng(seed);
  for (int i = 0; i < count; ++i) {
    (void)mean.add(sample_normal(rng), rng.below(9));
  }
  return mean;
}

TEST(MedianOfMeans, StatesComeBackAndHostileOnesDoNoHarm) {
  laws::expect_round_trip(averaged(1, 50), averaged(2, 3));
  laws::expect_every_cut_is_refused(averaged(1, 50), averaged(2, 3));
  laws::expect_flipped_bits_do_no_harm(averaged(1, 50), averaged(2, 3), [](MedianOfMeans other) {
    ASSERT_EQ(other.add(1.0), Errc::ok);
    ASSERT_FALSE(std::isnan(other.estimate()));
  });
}

// 0, 1, ..., 100: quantiles 0.01 and 0.99 are 1 and 99.
TEST(Winsorizer, ClipsToTheQuantilesOfWhatCameBefore) {
  Winsorizer clip = Winsorizer::make({.window = 101, .warm_up = 101}).value();
  for (int i = 0; i <= 100; ++i) {
    EXPECT_EQ(clip.update(i), i);
  }
  EXPECT_EQ(clip.clip(1e300), 99.0);
  EXPECT_EQ(clip.clip(-5.0), 1.0);
  EXPECT_EQ(clip.clip(50.0), 50.0);
  EXPECT_EQ(clip.update(std::numeric_limits<double>::infinity()), 99.0);
  EXPECT_TRUE(std::isnan(clip.update(std::nan(""))));
  EXPECT_EQ(clip.skipped(), 2U);
  EXPECT_EQ(clip.clipped(), 0U);
  EXPECT_EQ(clip.update(1000.0), 99.0);
  EXPECT_EQ(clip.clipped(), 1U);
  EXPECT_EQ(clip.values(), 102U);
}

// Bounds do not shrink by their own clipping: after 10^5 values 2 % are clipped still.
TEST(Winsorizer, BoundsStayWhereTheQuantilesAre) {
  Winsorizer clip = Winsorizer::make({}).value();
  Rng rng(3);
  for (int i = 0; i < 100000; ++i) {
    (void)clip.update(sample_normal(rng));
  }
  // The quantile of definition 7 of 1000 values lies at rank 990.01 of 1001 places: 1.098 % above. A
  // window's share has a deviation of 0.0033; of a hundred windows and two ends, with the binomial one,
  // 0.00065.
  const double share = static_cast<double>(clip.clipped()) / 100000.0;
  EXPECT_NEAR(share, 2.0 * (1.0 - 990.01 / 1001.0), 0.004);
}

Winsorizer clipped(std::uint64_t seed, int count) {
  Winsorizer clip = Winsorizer::make({.window = 40, .warm_up = 10}).value();
  Rng rng(seed);
  for (int i = 0; i < count; ++i) {
    (void)clip.update(sample_normal(rng));
  }
  return clip;
}

TEST(Winsorizer, StatesComeBackAndHostileOnesDoNoHarm) {
  laws::expect_round_trip(clipped(1, 100), clipped(2, 3));
  laws::expect_every_cut_is_refused(clipped(1, 100), clipped(2, 3));
  laws::expect_flipped_bits_do_no_harm(clipped(1, 100), clipped(2, 3),
                                       [](Winsorizer other) { ASSERT_FALSE(std::isnan(other.update(1.0))); });
  EXPECT_EQ(Winsorizer::make({.window = 10, .warm_up = 11}).error().message,
            "warm_up = 11 is more than window = 10");
  EXPECT_FALSE(Winsorizer::make({.lower = 0.6}));
}

// share 0.25, floor 8: a lone source gets 2, whatever it sends.
TEST(SourceCap, ALoneSourceGetsItsShareOfTheFloor) {
  SourceCap cap = SourceCap::make({.share = 0.25, .window = 100, .floor = 8.0}).value();
  EXPECT_EQ(cap.admit(7, 1.5), 1.5);
  EXPECT_EQ(cap.admit(7, 1.5), 0.5);
  EXPECT_EQ(cap.admit(7, 1.5), 0.0);
  EXPECT_EQ(cap.weight(7), 2.0);
  EXPECT_EQ(cap.total(), 2.0);
  EXPECT_EQ(cap.admit(7, 0.0), 0.0);
  EXPECT_EQ(cap.admit(7, -1.0), 0.0);
  EXPECT_EQ(cap.admit(7, std::nan("")), 0.0);
  EXPECT_EQ(cap.admit(7, 1e7), 0.0);
  EXPECT_EQ(cap.count(), (SourceCapCount{.admitted = 2, .reduced = 1, .refused = 1, .invalid = 3}));
}

// One source floods with a hundred records for each of ten others': it gets its tenth, they lose nothing.
TEST(SourceCap, AFloodGetsItsShareAndPushesNobodyOut) {
  SourceCap cap = SourceCap::make({.share = 0.1, .window = 200, .floor = 20.0}).value();
  double others = 0.0;
  for (int round = 0; round < 100; ++round) {
    for (std::uint64_t source = 1; source <= 20; ++source) {
      others += cap.admit(source);
    }
    for (int i = 0; i < 1000; ++i) {
      (void)cap.admit(0);
    }
  }
  EXPECT_EQ(others, 2000.0);
  EXPECT_LE(cap.weight(0), 0.1 * cap.total() + 1e-9);
  EXPECT_GE(cap.weight(0), 0.1 * cap.total() - 1.0);
}

/// Against a list and a map.
RC_GTEST_PROP(SourceCap, AgreesWithAPlainModel, ()) {
  const auto window = *rc::gen::inRange<std::uint32_t>(1, 12);
  const double share = *rc::gen::element(0.1, 0.25, 0.5, 0.9);
  const double floor = *rc::gen::element(0.0, 1.0, 10.0);
  const auto offered = *rc::gen::container<std::vector<std::pair<int, int>>>(
      rc::gen::pair(rc::gen::inRange(0, 6), rc::gen::inRange(0, 5)));
  SourceCap cap = SourceCap::make({.share = share, .window = window, .floor = floor}).value();
  std::deque<std::pair<std::uint64_t, double>> records;
  for (const auto& [source, weight] : offered) {
    const auto key = static_cast<std::uint64_t>(source);
    const double admitted = cap.admit(key, weight);
    RC_ASSERT(admitted >= 0.0 && admitted <= weight);
    if (admitted > 0.0) {
      records.emplace_back(key, admitted);
      if (records.size() > window) {
        records.pop_front();
      }
    }
    std::map<std::uint64_t, double> sums;
    double total = 0.0;
    for (const auto& [who, what] : records) {
      sums[who] += what;
      total += what;
    }
    RC_ASSERT(std::fabs(cap.total() - total) < 1e-9);
    for (std::uint64_t who = 0; who < 6; ++who) {
      RC_ASSERT(std::fabs(cap.weight(who) - sums[who]) < 1e-9);
    }
    if (admitted > 0.0) {
      RC_ASSERT(sums[key] <= share * std::max(total, floor) + 1e-5);
    }
    if (admitted > 0.0 && admitted < weight) {
      RC_ASSERT(sums[key] >= share * std::max(total, floor) - 1e-5);  // no less than it may have
    }
  }
  SourceCap copy = SourceCap::make({.share = share, .window = window, .floor = floor}).value();
  laws::expect_round_trip(cap, copy);
}

SourceCap filled(std::uint64_t seed, int count) {
  SourceCap cap = SourceCap::make({.share = 0.4, .window = 16, .floor = 10.0}).value();
  Rng rng(seed);
  for (int i = 0; i < count; ++i) {
    (void)cap.admit(rng.below(7), rng.uniform());
  }
  return cap;
}

TEST(SourceCap, StatesComeBackAndHostileOnesDoNoHarm) {
  laws::expect_round_trip(filled(1, 100), filled(2, 3));
  laws::expect_every_cut_is_refused(filled(1, 100), filled(2, 3));
  laws::expect_flipped_bits_do_no_harm(filled(1, 100), filled(2, 3), [](SourceCap other) {
    for (std::uint64_t i = 0; i < 60; ++i) {
      ASSERT_LE(other.admit(i % 9, 1.0), 1.0);
    }
  });
}

TEST(PoisoningDefences, DoNotAllocate) {
  MedianOfMeans mean = averaged(1, 5);
  Winsorizer clip = clipped(1, 5);
  SourceCap cap = filled(1, 5);
  const test::AllocationCount counter;
  double sum = 0.0;
  for (std::uint64_t i = 0; i < 200; ++i) {
    (void)mean.add(1.0, i);
    sum += mean.estimate() + clip.update(static_cast<double>(i)) + cap.admit(i % 5, 0.5);
  }
  EXPECT_EQ(counter.count(), 0U);
  EXPECT_GT(sum, 0.0);
}

}  // namespace
}  // namespace attune::poisoning_test
