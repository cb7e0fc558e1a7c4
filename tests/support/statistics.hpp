// SPDX-License-Identifier: Apache-2.0
/// @file
/// Statistical tests for tests: thresholds come from the distribution at a stated rate of false alarms.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <vector>

#include <gtest/gtest.h>
#include <boost/math/distributions/chi_squared.hpp>
#include <boost/math/distributions/normal.hpp>

namespace attune::test {

/// A correct program fails a test at this level for one seed in a million; seeds are fixed, so it fails never
/// or always.
inline constexpr double kFalseAlarm = 1e-6;

/// Pearson's test of `counts` against `probabilities`. Cells that expect fewer than five are pooled into one,
/// as the approximation by chi-squared asks; a count where the probability is zero fails at once.
[[nodiscard]] inline testing::AssertionResult matches_probabilities(std::span<const double> counts,
                                                                    std::span<const double> probabilities) {
  double total = 0.0;
  for (const double count : counts) {
    total += count;
  }
  double statistic = 0.0;
  double pooled_count = 0.0;
  double pooled_expected = 0.0;
  std::size_t cells = 0;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    const double expected = total * probabilities[i];
    if (expected <= 0.0) {
      if (counts[i] > 0.0) {
        return testing::AssertionFailure() << "cell " << i << " has probability 0 and count " << counts[i];
      }
    } else if (expected < 5.0) {
      pooled_count += counts[i];
      pooled_expected += expected;
    } else {
      statistic += (counts[i] - expected) * (counts[i] - expected) / expected;
      ++cells;
    }
  }
  if (pooled_expected > 0.0) {
    statistic += (pooled_count - pooled_expected) * (pooled_count - pooled_expected) / pooled_expected;
    ++cells;
  }
  if (cells < 2) {
    return testing::AssertionSuccess();
  }
  const boost::math::chi_squared distribution(static_cast<double>(cells - 1));
  const double threshold = boost::math::quantile(boost::math::complement(distribution, kFalseAlarm));
  if (statistic < threshold) {
    return testing::AssertionSuccess();
  }
  return testing::AssertionFailure() << "chi-squared " << statistic << " is above " << threshold << " ("
                                     << cells - 1 << " degrees of freedom)";
}

[[nodiscard]] inline testing::AssertionResult is_uniform(std::span<const double> counts) {
  const std::vector<double> equal(counts.size(), 1.0 / static_cast<double>(counts.size()));
  return matches_probabilities(counts, equal);
}

/// Kolmogorov's test of samples against a continuous distribution function; threshold by the
/// Dvoretzky-Kiefer- Wolfowitz inequality in Massart's form, P(D > e) <= 2 exp(-2 n e^2), which holds for
/// every n.
template <class Cdf>
[[nodiscard]] testing::AssertionResult follows(std::vector<double> samples, const Cdf& cdf) {
  std::ranges::sort(samples);
  const auto n = static_cast<double>(samples.size());
  double distance = 0.0;
  for (std::size_t i = 0; i < samples.size(); ++i) {
    const double p = cdf(samples[i]);
    const auto below = static_cast<double>(i);
    distance = std::max({distance, p - below / n, (below + 1.0) / n - p});
  }
  const double threshold = std::sqrt(std::log(2.0 / kFalseAlarm) / (2.0 * n));
  if (distance < threshold) {
    return testing::AssertionSuccess();
  }
  return testing::AssertionFailure() << "distance " << distance << " of the distribution functions is above "
                                     << threshold;
}

/// Is a mean of `n` independent observations with this standard deviation within chance of what is expected?
/// Normal approximation; two-sided.
[[nodiscard]] inline testing::AssertionResult mean_matches(double mean, double expected, double deviation,
                                                           double n) {
  const double z = (mean - expected) / (deviation / std::sqrt(n));
  const double threshold =
      boost::math::quantile(boost::math::complement(boost::math::normal(), kFalseAlarm / 2.0));
  if (std::abs(z) < threshold) {
    return testing::AssertionSuccess();
  }
  return testing::AssertionFailure() << "mean " << mean << " is " << z << " deviations from " << expected;
}

}  // namespace attune::test
