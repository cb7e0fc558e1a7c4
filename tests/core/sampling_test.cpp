// SPDX-License-Identifier: Apache-2.0
#include <attune/core/sampling.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <vector>

#include <gtest/gtest.h>
#include <boost/math/distributions/beta.hpp>
#include <boost/math/distributions/chi_squared.hpp>
#include <boost/math/distributions/exponential.hpp>
#include <boost/math/distributions/gamma.hpp>
#include <boost/math/distributions/normal.hpp>

namespace attune::sampling_test {
namespace {

constexpr int kDraws = 50'000;

/// Kolmogorov and Smirnov's distance between draws and a distribution.
template <class Draw, class Distribution>
double distance(Draw draw, const Distribution& distribution) {
  std::vector<double> values(kDraws);
  std::ranges::generate(values, draw);
  std::ranges::sort(values);
  double worst = 0.0;
  for (int i = 0; i < kDraws; ++i) {
    const double p = cdf(distribution, values[static_cast<std::size_t>(i)]);
    worst = std::max({worst, std::abs(p - i / double{kDraws}), std::abs(p - (i + 1) / double{kDraws})});
  }
  return worst;
}

/// Exceeded with probability 1e-6 by true draws: P(D > d) ~ 2 exp(-2 n d^2).
double limit() { return std::sqrt(std::log(2.0 / 1e-6) / (2.0 * kDraws)); }

TEST(Sampling, NormalFollowsTheNormalDistribution) {
  Rng rng(1);
  EXPECT_LT(distance([&] { return sample_normal(rng); }, boost::math::normal()), limit());
}

TEST(Sampling, ExponentialFollowsItsDistribution) {
  Rng rng(2);
  EXPECT_LT(distance([&] { return sample_exponential(rng); }, boost::math::exponential()), limit());
}

TEST(Sampling, GammaFollowsItsDistributionForSmallAndLargeShapes) {
  for (const double shape : {0.05, 0.5, 1.0, 1.5, 10.0, 1e4}) {
    Rng rng(3);
    EXPECT_LT(distance([&] { return sample_gamma(rng, shape); }, boost::math::gamma_distribution<>(shape)),
              limit())
        << shape;
  }
}

TEST(Sampling, BetaFollowsItsDistribution) {
  for (const auto& [a, b] : std::vector<std::pair<double, double>>{
           {1.0, 1.0}, {0.5, 0.5}, {2.5, 7.0}, {0.3, 40.0}, {1e3, 1e4}, {1.0, 0.2}}) {
    Rng rng(4);
    EXPECT_LT(distance([&] { return sample_beta(rng, a, b); }, boost::math::beta_distribution<>(a, b)),
              limit())
        << a << ", " << b;
  }
}

TEST(Sampling, ChiSquaredFollowsItsDistribution) {
  for (const double degrees : {1.0, 3.0, 50.0}) {
    Rng rng(5);
    EXPECT_LT(distance([&] { return sample_chi_squared(rng, degrees); }, boost::math::chi_squared(degrees)),
              limit())
        << degrees;
  }
}

TEST(Sampling, BetaOfTinyShapesIsNeverNaN) {
  Rng rng(6);
  for (int i = 0; i < 10'000; ++i) {
    const double x = sample_beta(rng, 1e-5, 1e-5);
    ASSERT_GE(x, 0.0);
    ASSERT_LE(x, 1.0);
  }
}

TEST(ArgMax, TakesTheLargestAlsoWhenAllAreNegative) {
  Rng rng(7);
  ArgMax best;
  best.offer(0, -5.0, rng);
  best.offer(1, -2.0, rng);
  best.offer(2, -9.0, rng);
  EXPECT_EQ(best.chosen(), 1U);
  EXPECT_EQ(best.ties(), 1U);
}

TEST(ArgMax, NeverTakesNaNAndTakesMinusInfinityWhenThereIsNothingElse) {
  Rng rng(7);
  ArgMax best;
  best.offer(0, std::numeric_limits<double>::quiet_NaN(), rng);
  EXPECT_TRUE(best.empty());
  best.offer(1, -std::numeric_limits<double>::infinity(), rng);
  EXPECT_EQ(best.chosen(), 1U);
  EXPECT_FALSE(best.empty());
}

TEST(ArgMax, BreaksTiesUniformly) {
  constexpr double kTrials = 40'000;
  std::array<double, 4> counts{};
  Rng rng(8);
  for (int i = 0; i < static_cast<int>(kTrials); ++i) {
    ArgMax best;
    for (std::size_t candidate = 0; candidate < counts.size(); ++candidate) {
      best.offer(candidate, 1.0, rng);
    }
    counts.at(best.chosen()) += 1.0;
  }
  double statistic = 0.0;
  for (const double count : counts) {
    statistic += (count - kTrials / 4) * (count - kTrials / 4) / (kTrials / 4);
  }
  EXPECT_LT(statistic, quantile(complement(boost::math::chi_squared(3), 1e-6)));
}

}  // namespace
}  // namespace attune::sampling_test
