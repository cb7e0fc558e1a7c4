// SPDX-License-Identifier: Apache-2.0
// HalfSpaceTrees against counting, Mahalanobis against two-pass sums and Hotelling's distribution; what both
// promise.
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include <gtest/gtest.h>
#include <boost/math/distributions/chi_squared.hpp>
#include <boost/math/distributions/fisher_f.hpp>

#include <attune/core/rng.hpp>
#include <attune/core/sampling.hpp>
#include <attune/safety/half_space_trees.hpp>
#include <attune/safety/mahalanobis.hpp>

#include "tests/laws/state_laws.hpp"
#include "tests/safety/rates.hpp"
#include "tests/support/allocation_counter.hpp"

namespace attune::vector_anomaly_test {
namespace {

using laws::same_state;
using laws::saved;
using Rows = std::vector<std::vector<double>>;

/// Normal rows, the second feature 0.8 times the first and more, every 50th row far off where `spiked`.
Rows rows(std::uint64_t seed, std::size_t count, std::size_t dimension, bool spiked = false) {
  Rng rng(seed, name_stream("rows"));
  Rows all(count, std::vector<double>(dimension));
  for (std::size_t i = 0; i < count; ++i) {
    for (std::size_t k = 0; k < dimension; ++k) {
      all[i][k] =
          sample_normal(rng) + (k > 0 ? 0.8 * all[i][k - 1] : 0.0) + (spiked && i % 50 == 49 ? 20.0 : 0.0);
    }
  }
  return all;
}

template <class D>
D make_one(std::uint32_t dimension = 3) {
  typename D::Config config;
  config.dimension = dimension;
  if constexpr (requires { config.window; }) {
    config.trees = 5;
    config.height = 4;
    config.window = 50;
  }
  return D::make(config).value();
}

template <class D>
D lived(std::uint64_t seed, std::size_t count) {
  D detector = make_one<D>();
  for (const std::vector<double>& row : rows(seed, count, 3, true)) {
    (void)detector.update(row);
  }
  return detector;
}

bool same(const VectorAnomaly& left, const VectorAnomaly& right) {
  const auto bits = [](double x) { return std::bit_cast<std::uint64_t>(x); };
  return left.status == right.status && bits(left.score) == bits(right.score) &&
         bits(left.threshold) == bits(right.threshold) && left.is_anomaly == right.is_anomaly;
}

template <class D>
class VectorAnomalyLaws : public testing::Test {};
using Detectors = testing::Types<HalfSpaceTrees, Mahalanobis>;
TYPED_TEST_SUITE(VectorAnomalyLaws, Detectors, laws::TypeNames);

TYPED_TEST(VectorAnomalyLaws, AnUpdateSaysWhatTheScoreBeforeItSays) {
  TypeParam first = make_one<TypeParam>();
  TypeParam second = make_one<TypeParam>();
  std::uint64_t anomalies = 0;
  for (const std::vector<double>& row : rows(1, 600, 3, true)) {
    const VectorAnomaly before = first.score(row);
    const VectorAnomaly verdict = first.update(row);
    ASSERT_TRUE(same(before, verdict));
    ASSERT_TRUE(same(second.update(row), verdict));
    ASSERT_EQ(verdict.is_anomaly, verdict.score > verdict.threshold);
    anomalies += verdict.is_anomaly ? 1 : 0;
  }
  EXPECT_TRUE(same_state(first, second));
  EXPECT_EQ(first.count(), (AnomalyCount{.values = 600, .skipped = 0, .anomalies = anomalies}));
  EXPECT_GE(anomalies, 5U) << "ten spikes after the warm-up, some of them within the first ranges";
}

TYPED_TEST(VectorAnomalyLaws, RefusesWrongLengthsAndWhatIsNotFinite) {
  TypeParam clean = lived<TypeParam>(2, 300);
  TypeParam dirty = clean;
  const double nan = std::nan("");
  const double infinity = std::numeric_limits<double>::infinity();
  const std::vector<std::vector<double>> bad{{1, nan, 2}, {infinity, 0, 0}, {0, 0, -infinity}};
  for (const std::vector<double>& row : bad) {
    EXPECT_EQ(dirty.score(row).status, Errc::non_finite);
    const VectorAnomaly verdict = dirty.update(row);
    EXPECT_EQ(verdict.status, Errc::non_finite);
    EXPECT_FALSE(verdict.is_anomaly);
  }
  for (const std::vector<double>& row : Rows{{}, {1, 2}, {1, 2, 3, 4}}) {
    EXPECT_EQ(dirty.update(row).status, Errc::dimension_mismatch);
  }
  EXPECT_EQ(dirty.count().skipped, 6U);
  EXPECT_EQ(dirty.count().values, clean.count().values);
  for (const std::vector<double>& row : rows(3, 200, 3)) {
    ASSERT_TRUE(same(dirty.update(row), clean.update(row)));
  }
}

TYPED_TEST(VectorAnomalyLaws, HasNoUnit) {
  for (const double scale : {0x1p-200, 0x1p10, 0x1p200}) {
    TypeParam plain = make_one<TypeParam>();
    TypeParam scaled = make_one<TypeParam>();
    for (const std::vector<double>& row : rows(4, 400, 3, true)) {
      std::vector<double> other = row;
      for (double& x : other) {
        x *= scale;
      }
      ASSERT_TRUE(same(plain.update(row), scaled.update(other))) << "powers of two are exact";
    }
  }
}

TYPED_TEST(VectorAnomalyLaws, GoesOnAfterARoundTripAsIfNothingHappened) {
  const Rows all = rows(5, 400, 3, true);
  for (const std::size_t cut : {0UL, 1UL, 49UL, 50UL, 99UL, 101UL, 399UL}) {
    TypeParam original = make_one<TypeParam>();
    for (std::size_t i = 0; i < cut; ++i) {
      (void)original.update(all[i]);
    }
    laws::expect_round_trip(original, make_one<TypeParam>());
    TypeParam copy = lived<TypeParam>(9, 230);
    const Bytes bytes = saved(original);
    Reader reader(bytes);
    ASSERT_TRUE(copy.load(reader));
    for (std::size_t i = cut; i < all.size(); ++i) {
      ASSERT_TRUE(same(copy.update(all[i]), original.update(all[i]))) << i << " after " << cut;
    }
    EXPECT_TRUE(same_state(copy, original));
  }
}

TYPED_TEST(VectorAnomalyLaws, RefusesEveryCut) {
  laws::expect_every_cut_is_refused(lived<TypeParam>(5, 220), lived<TypeParam>(6, 40));
}

TYPED_TEST(VectorAnomalyLaws, FlippedBitsDoNoHarm) {
  const Rows more = rows(7, 120, 3, true);
  for (const std::size_t length : {30UL, 220UL}) {
    laws::expect_flipped_bits_do_no_harm(lived<TypeParam>(5, length), lived<TypeParam>(6, 40),
                                         [&](TypeParam detector) {
                                           for (const std::vector<double>& row : more) {
                                             ASSERT_FALSE(std::isnan(detector.update(row).score));
                                           }
                                           TypeParam other = make_one<TypeParam>();
                                           const Bytes bytes = saved(detector);
                                           Reader reader(bytes);
                                           ASSERT_TRUE(other.load(reader));
                                         });
  }
}

TYPED_TEST(VectorAnomalyLaws, DoesNotAllocateWhileItWatches) {
  TypeParam detector = make_one<TypeParam>(200);
  const Rows all = rows(8, 300, 200, true);
  const test::AllocationCount counter;
  for (const std::vector<double>& row : all) {
    (void)detector.score(row);
    (void)detector.update(row);
  }
  detector.reset();
  EXPECT_EQ(counter.count(), 0U);
}

TYPED_TEST(VectorAnomalyLaws, ResetForgetsTheStreamAndKeepsTheCounters) {
  TypeParam detector = lived<TypeParam>(5, 333);
  const AnomalyCount before = detector.count();
  detector.reset();
  EXPECT_EQ(detector.count(), before);
  TypeParam fresh = make_one<TypeParam>();
  for (const std::vector<double>& row : rows(6, 400, 3, true)) {
    ASSERT_TRUE(same(detector.update(row), fresh.update(row)));
  }
}

TYPED_TEST(VectorAnomalyLaws, ExtremeFiniteValuesDoNoHarm) {
  TypeParam detector = make_one<TypeParam>(2);
  for (const double value : {1e308, -1e308, 5e-324, -0.0, 0.0, 1.0, 1e150}) {
    for (int i = 0; i < 60; ++i) {
      const double row[] = {value, i % 2 == 0 ? value : -value};
      ASSERT_FALSE(std::isnan(detector.update(row).score));
    }
  }
  laws::expect_round_trip(detector, make_one<TypeParam>(2));
}

TYPED_TEST(VectorAnomalyLaws, AFeatureThatWasConstantStandsOut) {
  typename TypeParam::Config config;
  config.dimension = 2;
  TypeParam detector = TypeParam::make(config).value();
  Rng rng(1);
  for (int i = 0; i < 500; ++i) {
    const double row[] = {sample_normal(rng), 7.0};
    (void)detector.update(row);
  }
  const double usual[] = {0.0, 7.0};
  const double odd[] = {0.0, 7.5};
  EXPECT_FALSE(detector.score(usual).is_anomaly);
  EXPECT_GT(detector.score(odd).score, detector.score(usual).score);
  EXPECT_TRUE(detector.score(odd).is_anomaly);
}

// The share of anomalies is the level whatever the stream: |share - level| <= |q_T - q_0| / (step T).
TYPED_TEST(VectorAnomalyLaws, TheShareOfAnomaliesFollowsTheLevel) {
  typename TypeParam::Config config;
  config.dimension = 2;
  config.level = 0.05;
  TypeParam detector = TypeParam::make(config).value();
  Rng rng(2);
  double first = -1.0;
  double last = 0.0;
  double judged = 0.0;
  double anomalies = 0.0;
  for (int i = 0; i < 20000; ++i) {
    const double scale = 1.0 + i / 4000.0 + (i % 100 < 3 ? 30.0 : 0.0);  // it grows, and has outliers
    const double row[] = {scale * sample_normal(rng), scale * rng.uniform()};
    const VectorAnomaly verdict = detector.update(row);
    if (std::isfinite(verdict.threshold)) {
      first = first < 0.0 ? verdict.threshold : first;
      last = detector.score(row).threshold;
      judged += 1.0;
      anomalies += verdict.is_anomaly ? 1.0 : 0.0;
    }
  }
  double step = config.step;
  if constexpr (std::is_same_v<TypeParam, Mahalanobis>) {
    step *= first;
  }
  EXPECT_NEAR(anomalies / judged - config.level, (last - first) / (step * judged), 1e-9);
  EXPECT_NEAR(anomalies / judged, config.level, 0.02);
}

/// The densities of the paper, by counting which rows of the last window lie in the same half-spaces.
TEST(HalfSpaceTrees, CountsWhatLiesInEachHalfSpace) {
  const HalfSpaceTreesConfig config{.dimension = 3, .trees = 7, .height = 5, .window = 40, .seed = 5};
  HalfSpaceTrees detector = HalfSpaceTrees::make(config).value();
  const Rows all = rows(11, 130, 3, true);
  std::vector<double> low = all[0];
  std::vector<double> high = all[0];
  for (std::size_t i = 0; i < 40; ++i) {
    for (std::size_t k = 0; k < 3; ++k) {
      low[k] = std::min(low[k], all[i][k]);
      high[k] = std::max(high[k], all[i][k]);
    }
  }
  for (std::size_t i = 0; i < all.size(); ++i) {
    const VectorAnomaly verdict = detector.update(all[i]);
    const std::size_t window = i / 40;
    if (window == 0) {
      EXPECT_EQ(verdict.score, 0.0);
      EXPECT_FALSE(verdict.is_anomaly);
      continue;
    }
    double density = 0.0;
    for (std::size_t tree = 0; tree < 7; ++tree) {
      std::size_t node = 0;
      double share = 1.0;
      std::vector<std::size_t> inside(40);
      for (std::size_t k = 0; k < 40; ++k) {
        inside[k] = (window - 1) * 40 + k;
      }
      while (inside.size() > 4 && share < 32.0) {
        const HalfSpaceTrees::Split& split = detector.split(tree, node);
        const auto below = [&](const std::vector<double>& row) {
          const std::size_t f = split.feature;
          return (row[f] - low[f]) * (1.0 / (high[f] - low[f])) < split.cut;
        };
        const bool side = below(all[i]);
        std::erase_if(inside, [&](std::size_t k) { return below(all[k]) != side; });
        node = 2 * node + (side ? 1 : 2);
        share *= 2.0;
      }
      density += static_cast<double>(inside.size()) * share;
    }
    ASSERT_NEAR(verdict.score, 1.0 / (1.0 + density / (7.0 * 40.0)), 1e-12) << i;
  }
}

// The halvings: every cut lies within what the cuts above it leave of [s - 2 max(s, 1 - s), s + 2 max(s, 1 -
// s)], which is within [-2, 3] and holds [0, 1], and in its middle: cuts below a cut on one feature halve the
// distances.
TEST(HalfSpaceTrees, HalvesRangesThatHoldTheUnitOne) {
  const HalfSpaceTrees detector = HalfSpaceTrees::make({.dimension = 1, .trees = 200, .height = 6}).value();
  for (std::size_t tree = 0; tree < 200; ++tree) {
    const double root = detector.split(tree, 0).cut;
    EXPECT_GT(root, 0.0);
    EXPECT_LT(root, 1.0);
    const double quarter = root - detector.split(tree, 1).cut;
    EXPECT_NEAR(2.0 * quarter, 2.0 * std::max(root, 1.0 - root), 1e-12) << "half of the range";
    EXPECT_NEAR(detector.split(tree, 2).cut - root, quarter, 1e-12);
    EXPECT_NEAR(detector.split(tree, 1).cut - detector.split(tree, 3).cut, quarter / 2.0, 1e-12);
  }
}

// Two clusters and the empty middle, which the mean distance does not see.
TEST(HalfSpaceTrees, FindsTheHoleBetweenTwoClusters) {
  HalfSpaceTrees detector = HalfSpaceTrees::make({.dimension = 2}).value();
  Mahalanobis distance = Mahalanobis::make({.dimension = 2}).value();
  Rng rng(3);
  for (int i = 0; i < 2000; ++i) {
    const double center = i % 2 == 0 ? -10.0 : 10.0;
    const double row[] = {center + sample_normal(rng), center + sample_normal(rng)};
    (void)detector.update(row);
    (void)distance.update(row);
  }
  const double hole[] = {0.0, 0.0};
  const double cluster[] = {10.0, 10.0};
  EXPECT_TRUE(detector.score(hole).is_anomaly);
  EXPECT_FALSE(detector.score(cluster).is_anomaly);
  EXPECT_FALSE(distance.score(hole).is_anomaly);
}

TEST(HalfSpaceTrees, RefusesWhatIsTooLarge) {
  const auto refusal = [](const HalfSpaceTreesConfig& config) {
    const auto made = HalfSpaceTrees::make(config);
    EXPECT_FALSE(made);
    return made ? std::string() : made.error().message;
  };
  EXPECT_EQ(refusal({.trees = 1000, .height = 15}), "trees = 1000 of height = 15 have more than 2^24 nodes");
  EXPECT_EQ(refusal({.dimension = 4096, .window = 5000}),
            "window = 5000 of dimension = 4096 has more than 2^24 numbers");
  EXPECT_NE(refusal({.height = 0}).find("height = 0"), std::string::npos);
  EXPECT_NE(refusal({.dimension = 0}).find("dimension = 0"), std::string::npos);
}

TEST(Mahalanobis, MomentsAreThoseOfTwoPasses) {
  Mahalanobis detector = Mahalanobis::make({.dimension = 4, .rules = {.learn = LearnAnomalies::all}}).value();
  const Rows all = rows(12, 777, 4);
  for (const std::vector<double>& row : all) {
    (void)detector.update(row);
  }
  std::vector<double> mean(4, 0.0);
  for (const std::vector<double>& row : all) {
    for (std::size_t k = 0; k < 4; ++k) {
      mean[k] += row[k] / 777.0;
    }
  }
  for (std::size_t j = 0; j < 4; ++j) {
    EXPECT_NEAR(detector.mean()[j], mean[j], 1e-12);
    for (std::size_t k = 0; k < 4; ++k) {
      double sum = 0.0;
      for (const std::vector<double>& row : all) {
        sum += (row[j] - mean[j]) * (row[k] - mean[k]) / 776.0;
      }
      EXPECT_NEAR(detector.covariance(j, k), sum, 1e-11);
    }
  }
}

// (1, 1), (1, -1), (-1, 1), (-1, -1), each 25 times: mean 0, C = I 100 / 99, no correlation. Of (3, 4) the
// squared distance is 25 * 99 / 100, less the factor 1 + 1/100.
TEST(Mahalanobis, IsWhatTheFormulaSays) {
  Mahalanobis detector = Mahalanobis::make({.dimension = 2}).value();
  for (int i = 0; i < 100; ++i) {
    const double row[] = {i % 2 == 0 ? 1.0 : -1.0, i % 4 < 2 ? 1.0 : -1.0};
    (void)detector.update(row);
  }
  const double far[] = {3.0, 4.0};
  const VectorAnomaly verdict = detector.score(far);
  EXPECT_NEAR(verdict.score, 25.0 * 0.99 / 1.01, 1e-10);
  EXPECT_NEAR(verdict.threshold, -2.0 * std::log(0.001), 1e-10) << "chi-squared with two is exponential";
  EXPECT_TRUE(verdict.is_anomaly);
}

// A correlation of 0.9: along the diagonal two deviations are usual, across it they are not.
TEST(Mahalanobis, KnowsCorrelations) {
  Mahalanobis detector = Mahalanobis::make({.dimension = 2}).value();
  Rng rng(4);
  for (int i = 0; i < 5000; ++i) {
    const double common = sample_normal(rng);
    const double row[] = {100.0 + 5.0 * common, 0.9 * common + std::sqrt(0.19) * sample_normal(rng)};
    (void)detector.update(row);
  }
  const double along[] = {110.0, 2.0};
  const double across[] = {110.0, -2.0};
  EXPECT_FALSE(detector.score(along).is_anomaly);
  EXPECT_TRUE(detector.score(across).is_anomaly);
}

// After n rows of normal numbers the score of a further one is Hotelling's T^2.
TEST(Mahalanobis, FalseAlarmsFollowHotelling) {
  constexpr double kRows = 60.0;
  constexpr double kSize = 5.0;
  Mahalanobis detector = Mahalanobis::make({.dimension = 5,
                                            .level = 0.01,
                                            .warm_up = 60,
                                            .shrink = 1e-6,
                                            .step = 0.0,
                                            .rules = {.learn = LearnAnomalies::all}})
                             .value();
  Rng rng(5);
  std::uint64_t anomalies = 0;
  constexpr int kTrials = 20000;
  for (int trial = 0; trial < kTrials; ++trial) {
    detector.reset();
    double row[5];
    for (int i = 0; i <= 60; ++i) {
      for (double& x : row) {
        x = sample_normal(rng);
      }
      if (i < 60) {
        (void)detector.update(row);
      }
    }
    anomalies += detector.score(row).is_anomaly ? 1 : 0;
  }
  const double threshold =
      boost::math::quantile(boost::math::complement(boost::math::chi_squared(kSize), 0.01));
  const double statistic = threshold * (kRows - kSize) * kRows / (kSize * (kRows * kRows - 1.0));
  const double rate =
      boost::math::cdf(boost::math::complement(boost::math::fisher_f(kSize, kRows - kSize), statistic));
  EXPECT_TRUE(test::rate_matches(anomalies, kTrials, rate)) << rate;
}

// A flood far away is learned as points at the threshold: the cloud keeps telling it from its own.
TEST(Mahalanobis, ClippedFloodsMoveItByLittle) {
  const auto flooded = [](LearnAnomalies learn) {
    Mahalanobis detector =
        Mahalanobis::make({.dimension = 2, .step = 0.0, .rules = {.learn = learn, .patience = 0}}).value();
    for (const std::vector<double>& row : rows(13, 3000, 2)) {
      (void)detector.update(row);
    }
    const double far[] = {1000.0, -1000.0};
    for (int i = 0; i < 64; ++i) {
      (void)detector.update(far);
    }
    const double outside[] = {6.0, -6.0};
    return detector.score(outside).is_anomaly;
  };
  EXPECT_TRUE(flooded(LearnAnomalies::clipped));
  EXPECT_TRUE(flooded(LearnAnomalies::none));
  EXPECT_FALSE(flooded(LearnAnomalies::all));
}

}  // namespace
}  // namespace attune::vector_anomaly_test
