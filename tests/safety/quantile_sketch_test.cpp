// SPDX-License-Identifier: Apache-2.0
#include <attune/safety/quantile_sketch.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include <gtest/gtest.h>

#include <attune/core/rng.hpp>

namespace attune::quantile_sketch_test {
namespace {

/// Log-normal-like latencies over several powers of ten.
std::vector<double> latencies(std::size_t count, std::uint64_t seed) {
  Rng rng(seed);
  std::vector<double> values(count);
  for (double& value : values) {
    value = std::exp(3.0 * (rng.uniform() + rng.uniform() + rng.uniform() - 1.5));
  }
  return values;
}

TEST(QuantileSketch, EveryQuantileIsWithinTheRelativeError) {
  for (const double error : {0.001, 0.01, 0.1}) {
    QuantileSketch sketch = QuantileSketch::make({.relative_error = error, .max_bins = 65536}).value();
    std::vector<double> values = latencies(5000, 1);
    for (const double value : values) {
      ASSERT_EQ(sketch.add(value), Errc::ok);
    }
    std::ranges::sort(values);
    for (double q = 0.0; q <= 1.0; q += 0.01) {
      const double exact = values[static_cast<std::size_t>(q * 4999.0)];
      EXPECT_NEAR(sketch.quantile(q), exact, exact * error * (1.0 + 1e-9)) << q;
    }
  }
}

TEST(QuantileSketch, MergingAndReadingTogetherEqualAddingToOne) {
  QuantileSketch all;
  QuantileSketch left;
  QuantileSketch right;
  const std::vector<double> values = latencies(2000, 2);
  for (std::size_t i = 0; i < values.size(); ++i) {
    ASSERT_EQ(all.add(values[i]), Errc::ok);
    ASSERT_EQ((i % 3 == 0 ? left : right).add(values[i]), Errc::ok);
  }
  for (const double q : {0.0, 0.5, 0.95, 1.0}) {
    EXPECT_EQ(QuantileSketch::quantile(q, left, &right), all.quantile(q));
    EXPECT_EQ(QuantileSketch::quantile(q, QuantileSketch(), &all), all.quantile(q));
  }
  ASSERT_EQ(left.merge(right), Errc::ok);
  EXPECT_EQ(left, all);
  QuantileSketch coarse = QuantileSketch::make({.relative_error = 0.1, .max_bins = 64}).value();
  EXPECT_EQ(coarse.merge(all), Errc::dimension_mismatch);
}

TEST(QuantileSketch, WithoutRoomTheLowEndIsTooLargeAndTheHighEndStaysExact) {
  QuantileSketch sketch = QuantileSketch::make({.relative_error = 0.01, .max_bins = 100}).value();
  std::vector<double> values = latencies(5000, 3);
  for (const double value : values) {
    ASSERT_EQ(sketch.add(value), Errc::ok);
  }
  std::ranges::sort(values);
  EXPECT_NEAR(sketch.quantile(0.99), values[4949], values[4949] * 0.0100001);
  EXPECT_GE(sketch.quantile(0.01), values[49] * 0.99);
  EXPECT_EQ(sketch.count(), 5000U);
}

TEST(QuantileSketch, HostileValues) {
  QuantileSketch sketch;
  EXPECT_TRUE(std::isnan(sketch.quantile(0.5)));
  for (const double value :
       {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()}) {
    EXPECT_EQ(sketch.add(value), Errc::non_finite);
  }
  EXPECT_EQ(sketch.count(), 0U);
  for (const double value : {-5.0, 0.0, 1e-300, 1e308, std::numeric_limits<double>::max(), 1e-11}) {
    EXPECT_EQ(sketch.add(value), Errc::ok);
  }
  EXPECT_EQ(sketch.quantile(0.0), 0.0);
  EXPECT_EQ(sketch.quantile(-3.0), 0.0);
  EXPECT_EQ(sketch.quantile(std::numeric_limits<double>::quiet_NaN()), 0.0);
  EXPECT_NEAR(sketch.quantile(2.0) / 1.7e308, 1.0, 0.07);
  EXPECT_EQ(sketch.merge(sketch), Errc::ok);
  EXPECT_EQ(sketch.count(), 12U);
  EXPECT_FALSE(QuantileSketch::make({.relative_error = 0.0, .max_bins = 100}));
  EXPECT_FALSE(
      QuantileSketch::make({.relative_error = std::numeric_limits<double>::quiet_NaN(), .max_bins = 100}));
  EXPECT_FALSE(QuantileSketch::make({.relative_error = 0.01, .max_bins = 1}));
}

TEST(QuantileSketch, StateComesBackAndDamageDoesNot) {
  QuantileSketch sketch;
  for (const double value : latencies(300, 4)) {
    ASSERT_EQ(sketch.add(value), Errc::ok);
  }
  Writer writer;
  sketch.save(writer);
  QuantileSketch again;
  Reader reader(writer.view());
  ASSERT_TRUE(again.load(reader));
  EXPECT_EQ(again, sketch);
  for (std::size_t cut = 0; cut < writer.size(); cut += 7) {
    QuantileSketch target;
    Reader part(writer.view().first(cut));
    EXPECT_FALSE(target.load(part));
    EXPECT_EQ(target, QuantileSketch());
  }
  Bytes changed(writer.view().begin(), writer.view().end());
  changed[0] ^= std::byte{1};  // the count no longer is the sum
  Reader wrong(changed);
  EXPECT_FALSE(again.load(wrong));
}

}  // namespace
}  // namespace attune::quantile_sketch_test
