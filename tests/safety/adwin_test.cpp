// SPDX-License-Identifier: Apache-2.0
// What the default detectors promise beyond the laws: no unit, outliers, the newer window, few false alarms.
#include <cmath>
#include <vector>

#include <gtest/gtest.h>

#include <attune/safety/adwin.hpp>
#include <attune/safety/page_hinkley.hpp>

#include "tests/safety/streams.hpp"

namespace attune::adwin_test {
namespace {

using test::draw_stream;
using test::drifts_of;

template <class D>
std::vector<std::size_t> run(const std::vector<double>& values) {
  D detector = D::make({}).value();
  return drifts_of(detector, values);
}

template <class D>
void expect_no_unit() {
  const std::vector<double> values = draw_stream(3, 6000, test::normal(2.0), 3000, test::normal(3.0));
  const std::vector<std::size_t> plain = run<D>(values);
  ASSERT_FALSE(plain.empty());
  for (const double scale : {0x1p-300, 0x1p-10, -1.0, 0x1p20, 0x1p300}) {
    std::vector<double> scaled = values;
    for (double& value : scaled) {
      value *= scale;  // powers of two: exact
    }
    EXPECT_EQ(run<D>(scaled), plain) << scale;
  }
}

TEST(Adwin, HasNoUnit) { expect_no_unit<Adwin>(); }
TEST(PageHinkley, HasNoUnit) { expect_no_unit<PageHinkley>(); }

/// Alarms in 10^5 values are allowed to be 1 on average; 2 x 10^5 values of each stream at two scales.
template <class D>
void expect_few_false_alarms() {
  for (const test::NamedDraw& stream : test::null_streams()) {
    for (const double scale : {1e-3, 1e6}) {
      std::vector<double> values = draw_stream(11, 200000, stream.draw);
      for (double& value : values) {
        value *= scale;
      }
      EXPECT_LE(run<D>(values).size(), 2U) << stream.name << " times " << scale;
    }
  }
}

TEST(Adwin, RarelyAlarmsWithoutDrift) { expect_few_false_alarms<Adwin>(); }
TEST(PageHinkley, RarelyAlarmsWithoutDrift) { expect_few_false_alarms<PageHinkley>(); }

TEST(Adwin, NoticesHalfADeviationWithin200Values) {
  int caught = 0;
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    for (const std::size_t at :
         run<Adwin>(draw_stream(seed, 3200, test::normal(0.0), 3000, test::normal(0.5)))) {
      caught += at >= 3000 ? 1 : 0;
      break;
    }
  }
  EXPECT_GE(caught, 95);
}

TEST(Adwin, KeepsTheNewerPartOfTheWindow) {
  Adwin detector = Adwin::make({}).value();
  const std::vector<double> values = draw_stream(4, 6000, test::normal(5.0), 3000, test::normal(7.0));
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (detector.update(values[i]) == Signal::drift) {
      EXPECT_GE(i, 3000U);
      EXPECT_GT(detector.width(), 0U) << "not started anew";
      EXPECT_LT(detector.width(), 100U);
    }
  }
  EXPECT_GT(detector.width(), 2500U);
  EXPECT_NEAR(detector.estimation(), 7.0, 0.1);
  EXPECT_NEAR(detector.deviation(), 1.0, 0.1);
}

TEST(Adwin, OneOutlierOfAnySizeIsNoDriftAndDeafensNobody) {
  for (const double outlier : {1e6, -1e6, 1e300, 1e308}) {
    std::vector<double> values = draw_stream(5, 6000, test::normal(0.0), 4000, test::normal(1.0));
    values[2000] = outlier;
    const std::vector<std::size_t> found = run<Adwin>(values);
    ASSERT_FALSE(found.empty());
    EXPECT_GE(found.front(), 4000U);
    EXPECT_LT(found.front(), 4100U);
  }
}

TEST(Adwin, NoticesThatAConstantChangesAndThatAStreamFallsSilent) {
  std::vector<double> step(4000, 7.0);
  std::fill(step.begin() + 2000, step.end(), 7.001);
  ASSERT_EQ(run<Adwin>(step).size(), 1U);
  EXPECT_LT(run<Adwin>(step).front(), 2050U);
  std::vector<double> values = draw_stream(6, 4000, test::normal(10.0));
  std::fill(values.begin() + 2000, values.end(), 0.0);
  ASSERT_FALSE(run<Adwin>(values).empty());
  EXPECT_LT(run<Adwin>(values).front(), 2050U);
}

TEST(Adwin, AdaptsWhenTheStreamLeavesTheRangeOfItsScores) {
  const std::vector<double> values = draw_stream(7, 8000, test::normal(0.0), 3000, test::normal(1e5, 1e4));
  Adwin detector = Adwin::make({}).value();
  (void)drifts_of(detector, values);
  EXPECT_NEAR(detector.estimation(), 1e5, 1e3);
  EXPECT_NEAR(detector.deviation(), 1e4, 1e3);
}

}  // namespace
}  // namespace attune::adwin_test
