// SPDX-License-Identifier: Apache-2.0
// The laws of AnomalyDetector, over every shipped detector.
#include <array>
#include <cmath>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <attune/safety/any_anomaly_detector.hpp>
#include <attune/safety/builtin_anomaly_detectors.hpp>

#include "tests/laws/state_laws.hpp"
#include "tests/safety/stream_laws.hpp"
#include "tests/safety/streams.hpp"
#include "tests/support/allocation_counter.hpp"

template <class... Detectors>
struct attune::laws::AsTestTypes<attune::AnomalyDetectorList<Detectors...>> {
  using type = testing::Types<Detectors...>;
};

namespace attune::laws::anomaly_laws_test {
namespace {

using test::draw_stream;

template <AnomalyDetector D>
D make_one() {
  return D::make({}).value();
}

std::vector<double> calm(std::uint64_t seed, std::size_t length) {
  return draw_stream(seed, length, test::normal(10.0, 2.0));
}

/// Calm, with an outlier of thirty deviations every 97 values.
std::vector<double> spiked(std::uint64_t seed, std::size_t length) {
  std::vector<double> values = calm(seed, length);
  for (std::size_t i = 96; i < length; i += 97) {
    values[i] += i % 2 == 0 ? 60.0 : -60.0;
  }
  return values;
}

template <AnomalyDetector D>
D lived(std::uint64_t seed, std::size_t length) {
  D detector = make_one<D>();
  for (const double value : spiked(seed, length)) {
    (void)detector.update(value);
  }
  return detector;
}

/// Equal in every bit, NaN included.
bool same(const Anomaly& left, const Anomaly& right) {
  const auto bits = [](double x) { return std::bit_cast<std::uint64_t>(x); };
  return bits(left.score) == bits(right.score) && left.is_anomaly == right.is_anomaly &&
         bits(left.expected) == bits(right.expected) && bits(left.lower) == bits(right.lower) &&
         bits(left.upper) == bits(right.upper);
}

template <class D>
class AnomalyLaws : public testing::Test {};
TYPED_TEST_SUITE(AnomalyLaws, AsTestTypes<BuiltinAnomalyDetectors>::type, TypeNames);

TYPED_TEST(AnomalyLaws, SeesEveryOutlierOfThirtyDeviations) {
  TypeParam detector = make_one<TypeParam>();
  const std::vector<double> values = spiked(1, 4000);
  std::size_t others = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const Anomaly verdict = detector.update(values[i]);
    if (i >= 300 && i % 97 == 96) {
      ASSERT_TRUE(verdict.is_anomaly) << "value " << i << " = " << values[i];
    } else {
      others += verdict.is_anomaly ? 1 : 0;
    }
  }
  // 2 % of false alarms is what the worst of them states (SeasonalResidual after its warm-up).
  EXPECT_LE(others, values.size() / 50);
}

TYPED_TEST(AnomalyLaws, AnUpdateSaysWhatTheScoreBeforeItSays) {
  TypeParam first = make_one<TypeParam>();
  TypeParam second = make_one<TypeParam>();
  for (const double value : spiked(2, 1500)) {
    const Anomaly before = first.score(value);
    const Anomaly verdict = first.update(value);
    ASSERT_TRUE(same(before, verdict));
    ASSERT_TRUE(same(second.update(value), verdict));
    ASSERT_EQ(verdict.is_anomaly, value < verdict.lower || value > verdict.upper);
    ASSERT_GE(verdict.score, 0.0);
    ASSERT_LE(verdict.score, Anomaly::kMaxScore);
  }
  EXPECT_TRUE(same_state(first, second));
}

TYPED_TEST(AnomalyLaws, CountsWhatItIsGiven) {
  TypeParam detector = make_one<TypeParam>();
  std::uint64_t anomalies = 0;
  for (const double value : spiked(3, 1500)) {
    anomalies += detector.update(value).is_anomaly ? 1 : 0;
  }
  EXPECT_EQ(detector.count(), (AnomalyCount{.values = 1500, .skipped = 0, .anomalies = anomalies}));
  EXPECT_GT(anomalies, 0U);
}

TYPED_TEST(AnomalyLaws, PassesOverNanAndInfinity) {
  TypeParam clean = make_one<TypeParam>();
  TypeParam dirty = make_one<TypeParam>();
  const double bad[] = {std::nan(""), std::numeric_limits<double>::infinity(),
                        -std::numeric_limits<double>::infinity()};
  std::uint64_t skipped = 0;
  std::size_t i = 0;
  for (const double value : spiked(4, 1500)) {
    // Where positions matter a whole period is skipped, after which the phases are as they were.
    const std::size_t count = requires { TypeParam::kPositional; } ? 24 : 1;
    for (std::size_t k = 0; i % 7 == 0 && k < count; ++k) {
      ASSERT_TRUE(same(dirty.score(bad[(i / 7) % 3]), Anomaly{}));
      ASSERT_TRUE(same(dirty.update(bad[(i / 7) % 3]), Anomaly{}));
      ++skipped;
    }
    ASSERT_TRUE(same(dirty.update(value), clean.update(value))) << "value " << i;
    ++i;
  }
  EXPECT_EQ(dirty.count().values, clean.count().values);
  EXPECT_EQ(dirty.count().anomalies, clean.count().anomalies);
  EXPECT_EQ(dirty.count().skipped, skipped);
}

TYPED_TEST(AnomalyLaws, HasNoUnit) {
  const std::vector<double> values = spiked(5, 1500);
  for (const double scale : {0x1p-300, 0x1p-10, 0x1p20, 0x1p300}) {
    TypeParam plain = make_one<TypeParam>();
    TypeParam scaled = make_one<TypeParam>();
    for (const double value : values) {
      const Anomaly one = plain.update(value);
      const Anomaly other = scaled.update(value * scale);
      ASSERT_EQ(one.is_anomaly, other.is_anomaly);
      ASSERT_EQ(one.score, other.score) << "powers of two are exact";
    }
  }
}

TYPED_TEST(AnomalyLaws, ExtremeFiniteValuesDoNoHarm) {
  TypeParam detector = make_one<TypeParam>();
  for (const double value : {1e300, -1e300, 5e-324, -0.0, 1e308, -1e308, 0.0, 1.0}) {
    for (int i = 0; i < 50; ++i) {
      const Anomaly verdict = detector.update(value);
      ASSERT_FALSE(std::isnan(verdict.score) || std::isnan(verdict.lower) || std::isnan(verdict.upper));
    }
  }
  expect_round_trip(detector, make_one<TypeParam>());
}

TYPED_TEST(AnomalyLaws, AnotherValueAfterEqualOnesStandsOut) {
  TypeParam detector = make_one<TypeParam>();
  for (int i = 0; i < 300; ++i) {
    ASSERT_EQ(detector.update(0.1).score, 0.0);
  }
  const Anomaly verdict = detector.score(0.2);
  EXPECT_TRUE(verdict.is_anomaly);
  EXPECT_NEAR(verdict.score, Anomaly::kMaxScore, 1.0);
}

TYPED_TEST(AnomalyLaws, MinSpreadIsBelieved) {
  typename TypeParam::Config config;
  config.rules.min_spread = 1.0;
  TypeParam detector = TypeParam::make(config).value();
  for (int i = 0; i < 300; ++i) {
    (void)detector.update(0.0);
  }
  EXPECT_FALSE(detector.score(1.0).is_anomaly);
  EXPECT_TRUE(detector.score(100.0).is_anomaly);
}

TYPED_TEST(AnomalyLaws, GoesOnAfterARoundTripAsIfNothingHappened) {
  constexpr std::array<std::size_t, 7> kCuts{0, 1, 20, 33, 130, 300, 699};
  expect_goes_on_after_a_round_trip(make_one<TypeParam>(), lived<TypeParam>(9, 100), spiked(6, 700), kCuts,
                                    same);
}

TYPED_TEST(AnomalyLaws, RefusesEveryCut) {
  expect_every_cut_is_refused(lived<TypeParam>(5, 300), lived<TypeParam>(6, 40));
}

TYPED_TEST(AnomalyLaws, FlippedBitsDoNoHarm) {
  const std::vector<double> more = spiked(7, 200);
  expect_flipped_bits_do_no_harm(lived<TypeParam>(5, 70), lived<TypeParam>(6, 40), [&](TypeParam detector) {
    for (const double value : more) {
      const Anomaly verdict = detector.update(value);
      ASSERT_FALSE(std::isnan(verdict.score));
    }
    // A state that a run leads to can be stored.
    TypeParam other = make_one<TypeParam>();
    const Bytes bytes = saved(detector);
    Reader reader(bytes);
    ASSERT_TRUE(other.load(reader));
  });
}

TYPED_TEST(AnomalyLaws, DoesNotAllocateWhileItWatches) {
  const TypeParam detector = lived<TypeParam>(8, 300);
  const test::AllocationCount counter;
  (void)detector.score(10.0);
  const std::size_t made = counter.count();
  EXPECT_EQ(made, 0U);
  expect_no_allocation(make_one<TypeParam>(), spiked(8, 1500));
}

TYPED_TEST(AnomalyLaws, ResetForgetsTheStreamAndKeepsTheCounters) {
  expect_reset_forgets_the_stream(lived<TypeParam>(5, 1000), make_one<TypeParam>(), spiked(6, 1000), same);
}

TYPED_TEST(AnomalyLaws, DescribesItself) { expect_description(lived<TypeParam>(5, 300), 300.0); }

TYPED_TEST(AnomalyLaws, RefusesEachOptionOutsideItsBounds) {
  EXPECT_GE(expect_options_out_of_bounds_are_refused<TypeParam>(), 6U);
}

TYPED_TEST(AnomalyLaws, TheHandleDoesWhatTheDetectorDoes) {
  expect_handle<AnyAnomalyDetector>(make_one<TypeParam>(), spiked(4, 500), same);
  const TypeParam plain = lived<TypeParam>(4, 500);
  EXPECT_TRUE(same(AnyAnomalyDetector(plain).score(17.0), plain.score(17.0)));
}

}  // namespace
}  // namespace attune::laws::anomaly_laws_test
