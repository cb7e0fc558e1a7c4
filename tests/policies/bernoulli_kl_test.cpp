// SPDX-License-Identifier: Apache-2.0
#include "policies/bandit/bernoulli_kl.hpp"

#include <array>
#include <cmath>
#include <limits>

#include <gtest/gtest.h>

#include <attune/core/rng.hpp>

namespace attune::bernoulli_kl_test {
namespace {

/// The definition, in long double.
long double kl_of(long double p, long double q) {
  const long double first = p > 0 ? p * std::log(p / q) : 0.0L;
  const long double second = p < 1 ? (1 - p) * std::log((1 - p) / (1 - q)) : 0.0L;
  return first + second;
}

/// Root by bisection of the definition.
long double upper_of(long double p, long double level) {
  long double low = p;
  long double high = 1.0L;
  for (int i = 0; i < 200; ++i) {
    const long double middle = (low + high) / 2;
    (kl_of(p, middle) > level ? high : low) = middle;
  }
  return low;
}

TEST(BernoulliKl, IsTheDefinition) {
  EXPECT_NEAR(detail::bernoulli_kl(0.5, 0.75), 0.5 * std::log(4.0 / 3.0), 1e-15);
  EXPECT_NEAR(detail::bernoulli_kl(0.0, 0.5), std::log(2.0), 1e-15);
  EXPECT_NEAR(detail::bernoulli_kl(1.0, 0.25), std::log(4.0), 1e-15);
  EXPECT_NEAR(detail::bernoulli_kl(0.3, 0.3), 0.0, 1e-16);
  Rng rng(1);
  for (int i = 0; i < 10'000; ++i) {
    const double p = rng.uniform();
    const double q = rng.uniform();
    const auto exact = static_cast<double>(kl_of(p, q));
    // Four products of numbers of the order of the logarithms.
    ASSERT_NEAR(detail::bernoulli_kl(p, q), exact, 1e-15 * (2.0 - std::log(q) - std::log1p(-q)))
        << p << ' ' << q;
  }
}

TEST(BernoulliKl, UpperBoundsAreThoseOfBisection) {
  Rng rng(2);
  for (int i = 0; i < 20'000; ++i) {
    const double p = i % 3 == 0 ? std::pow(10.0, -12.0 * rng.uniform()) : rng.uniform();
    const double level = std::pow(10.0, 4.0 - 10.0 * rng.uniform());
    const double found = detail::kl_upper_bound(p, detail::negative_entropy(p), level);
    const auto exact = static_cast<double>(upper_of(p, level));
    ASSERT_GE(found, p);
    ASSERT_LE(found, 1.0);
    // An error of 1e-15 in kl moves the root by that over kl's slope, (q - p) / (q (1 - q)); where the root
    // is within rounding of 1, what is compared is 1 - q.
    const double slope = (exact - p) / (exact * (1.0 - exact) + 1e-17);
    ASSERT_NEAR(found, exact, 4e-15 * (2.0 - std::log(exact)) / slope + 1e-12 * exact) << p << ' ' << level;
  }
}

TEST(BernoulliKl, UpperBoundsAtTheEdges) {
  const double infinity = std::numeric_limits<double>::infinity();
  for (const double p : {0.0, 1e-300, 0.3, 1.0 - 1e-16, 1.0}) {
    const double entropy = detail::negative_entropy(p);
    EXPECT_EQ(detail::kl_upper_bound(p, entropy, infinity), 1.0) << p;
    EXPECT_EQ(detail::kl_upper_bound(p, entropy, 1e300), 1.0) << p;
    EXPECT_NEAR(detail::kl_upper_bound(p, entropy, 0.0), p, 1e-7) << p;
    EXPECT_NEAR(detail::kl_upper_bound(p, entropy, 5e-324), p, 1e-7) << p;
  }
  EXPECT_EQ(detail::kl_upper_bound(1.0, 0.0, 0.1), 1.0);
  EXPECT_NEAR(detail::kl_upper_bound(0.0, 0.0, std::log(2.0)), 0.5, 1e-15);
}

TEST(BernoulliKl, WhatIsBeyondTheBarHasASmallerBound) {
  Rng rng(3);
  int beyond = 0;
  for (int i = 0; i < 50'000; ++i) {
    const double best = rng.uniform();
    const double p = rng.uniform();
    const double level = std::pow(10.0, 1.0 - 8.0 * rng.uniform());
    const double entropy = detail::negative_entropy(p);
    detail::KlBar bar;
    bar.raise(best);
    const double bound = detail::kl_upper_bound(p, entropy, level);
    if (bar.beyond(p, entropy, level)) {
      ++beyond;
      ASSERT_LT(bound, best) << p << ' ' << level;
    } else if (p < best) {
      // Nor is it blind: what it lets through is at least nearly as good.
      ASSERT_GT(bound, best - 1e-5 * best) << p << ' ' << level;
    }
  }
  EXPECT_GT(beyond, 10'000);
}

}  // namespace
}  // namespace attune::bernoulli_kl_test
