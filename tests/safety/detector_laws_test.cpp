// SPDX-License-Identifier: Apache-2.0
// The laws of DriftDetector, over every shipped detector.
#include <array>
#include <cmath>
#include <functional>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <attune/safety/any_detector.hpp>
#include <attune/safety/builtin_detectors.hpp>

#include "tests/laws/state_laws.hpp"
#include "tests/safety/stream_laws.hpp"
#include "tests/safety/streams.hpp"

template <class... Detectors>
struct attune::laws::AsTestTypes<attune::DetectorList<Detectors...>> {
  using type = testing::Types<Detectors...>;
};

namespace attune::laws::detector_laws_test {
namespace {

using test::bernoulli;
using test::draw_stream;
using test::drifts_of;

/// With the defaults, but passing over what is not finite: the river_ detectors go deaf unless told.
template <DriftDetector D>
D make_one() {
  typename D::Config config;
  if constexpr (requires { config.skip_non_finite; }) {
    config.skip_non_finite = true;
  }
  return D::make(config).value();
}

/// Errors and right answers, many more errors from the middle on: every detector understands these.
std::vector<double> error_stream(std::uint64_t seed, std::size_t length = 4000) {
  return draw_stream(seed, length, bernoulli(0.1), length / 2, bernoulli(0.9));
}

template <DriftDetector D>
D lived(std::uint64_t seed, std::size_t length) {
  D detector = make_one<D>();
  (void)drifts_of(detector, error_stream(seed, length));
  return detector;
}

template <class D>
class DetectorLaws : public testing::Test {};
TYPED_TEST_SUITE(DetectorLaws, AsTestTypes<BuiltinDetectors>::type, TypeNames);

TYPED_TEST(DetectorLaws, SeesTheErrorRateRise) {
  int seen = 0;
  for (std::uint64_t seed = 0; seed < 5; ++seed) {
    TypeParam detector = make_one<TypeParam>();
    bool after = false;
    for (const std::size_t at : drifts_of(detector, error_stream(seed))) {
      after = after || (at >= 2000 && at < 2300);
    }
    seen += after ? 1 : 0;
  }
  // DDM may have alarmed by mistake just before, and be learning when the change comes.
  EXPECT_GE(seen, 4);
}

TYPED_TEST(DetectorLaws, SameValuesGiveSameSignalsAndState) {
  TypeParam first = make_one<TypeParam>();
  TypeParam second = make_one<TypeParam>();
  for (const double value : error_stream(1)) {
    ASSERT_EQ(first.update(value), second.update(value));
  }
  EXPECT_TRUE(same_state(first, second));
}

TYPED_TEST(DetectorLaws, CountsWhatItIsGiven) {
  TypeParam detector = make_one<TypeParam>();
  const std::vector<double> values = error_stream(2);
  const std::size_t drifts = drifts_of(detector, values).size();
  EXPECT_EQ(detector.count().values, values.size());
  EXPECT_EQ(detector.count().skipped, 0U);
  EXPECT_EQ(detector.count().drifts, drifts);
}

TYPED_TEST(DetectorLaws, PassesOverNanAndInfinity) {
  TypeParam clean = make_one<TypeParam>();
  TypeParam dirty = make_one<TypeParam>();
  const double bad[] = {std::nan(""), std::numeric_limits<double>::infinity(),
                        -std::numeric_limits<double>::infinity()};
  std::size_t i = 0;
  for (const double value : error_stream(3)) {
    if (i % 7 == 0) {
      ASSERT_EQ(dirty.update(bad[(i / 7) % 3]), Signal::none);
    }
    ASSERT_EQ(dirty.update(value), clean.update(value)) << "value " << i;
    ++i;
  }
  EXPECT_EQ(dirty.count().values, clean.count().values);
  EXPECT_EQ(dirty.count().drifts, clean.count().drifts);
  EXPECT_EQ(dirty.count().skipped, (i + 6) / 7);
}

TYPED_TEST(DetectorLaws, ExtremeFiniteValuesDoNoHarm) {
  TypeParam detector = make_one<TypeParam>();
  for (const double value : {1e300, -1e300, 5e-324, -0.0, 1e308, -1e308, 0.0}) {
    for (int i = 0; i < 50; ++i) {
      (void)detector.update(value);
    }
  }
  expect_round_trip(detector, make_one<TypeParam>());
}

TYPED_TEST(DetectorLaws, GoesOnAfterARoundTripAsIfNothingHappened) {
  constexpr std::array<std::size_t, 7> kCuts{0, 1, 20, 33, 500, 2040, 3999};
  expect_goes_on_after_a_round_trip(make_one<TypeParam>(), lived<TypeParam>(9, 100), error_stream(4), kCuts,
                                    std::equal_to<>());
}

TYPED_TEST(DetectorLaws, RefusesEveryCut) {
  expect_every_cut_is_refused(lived<TypeParam>(5, 120), lived<TypeParam>(6, 40));
}

TYPED_TEST(DetectorLaws, FlippedBitsDoNoHarm) {
  const std::vector<double> more = error_stream(7, 200);
  expect_flipped_bits_do_no_harm(lived<TypeParam>(5, 70), lived<TypeParam>(6, 40), [&](TypeParam detector) {
    for (const double value : more) {
      (void)detector.update(value);
    }
    Writer writer;
    detector.save(writer);
  });
}

TYPED_TEST(DetectorLaws, DoesNotAllocateWhileItWatches) {
  expect_no_allocation(make_one<TypeParam>(), error_stream(8));
}

TYPED_TEST(DetectorLaws, ResetForgetsTheStreamAndKeepsTheCounters) {
  expect_reset_forgets_the_stream(lived<TypeParam>(5, 1000), make_one<TypeParam>(), error_stream(6),
                                  std::equal_to<>());
}

TYPED_TEST(DetectorLaws, DescribesItself) { expect_description(lived<TypeParam>(5, 300), 300.0); }

TYPED_TEST(DetectorLaws, RefusesEachOptionOutsideItsBounds) {
  EXPECT_GE(expect_options_out_of_bounds_are_refused<TypeParam>(), 2U);
}

TYPED_TEST(DetectorLaws, TheHandleDoesWhatTheDetectorDoes) {
  expect_handle<AnyDetector>(make_one<TypeParam>(), error_stream(4), std::equal_to<>());
}

}  // namespace
}  // namespace attune::laws::detector_laws_test
