// SPDX-License-Identifier: Apache-2.0
/// @file
/// Rates in tests: is a count within chance of a probability?
#pragma once

#include <cstdint>

#include <gtest/gtest.h>
#include <boost/math/distributions/binomial.hpp>

#include "tests/support/statistics.hpp"

namespace attune::test {

/// Is `count` of `trials` independent ones within chance of a rate? Binomial, two-sided.
[[nodiscard]] inline testing::AssertionResult rate_matches(std::uint64_t count, double trials, double rate) {
  const boost::math::binomial distribution(trials, rate);
  const double low = boost::math::quantile(distribution, kFalseAlarm / 2.0);
  const double high = boost::math::quantile(boost::math::complement(distribution, kFalseAlarm / 2.0));
  if (static_cast<double>(count) >= low && static_cast<double>(count) <= high) {
    return testing::AssertionSuccess();
  }
  return testing::AssertionFailure() << count << " is outside [" << low << ", " << high << "]";
}

}  // namespace attune::test
