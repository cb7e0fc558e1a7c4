// SPDX-License-Identifier: Apache-2.0
#include <attune/core/ridge_bank.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <gtest/gtest.h>
#include <Eigen/Dense>

#include <attune/core/rng.hpp>

#include "core/kernels.hpp"

namespace attune::ridge_bank_slow_test {
namespace {

// Ten million updates of one model against the same sums in extended precision, solved by Eigen in extended
// precision. Says the figures, which docs/algorithms/lin_ucb.md quotes.
TEST(RidgeBankSlow, TenMillionUpdatesDoNotDrift) {
  using Extended = Eigen::Matrix<long double, Eigen::Dynamic, Eigen::Dynamic>;
  constexpr std::size_t kDimension = 10;
  constexpr Eigen::Index kSize = 10;
  constexpr std::uint64_t kUpdates = 10'000'000;
  RidgeBank bank = RidgeBank::make(1, kDimension, 1.0, 1.0).value();
  Extended a = Extended::Identity(kSize, kSize);
  Extended b = Extended::Zero(kSize, 1);
  Rng rng(2010);
  std::vector<double> x(kDimension);
  double worst_inverse = 0.0;
  double worst_theta = 0.0;
  for (std::uint64_t t = 1; t <= kUpdates; ++t) {
    // One constant feature, and others of very unequal size: 1, 1/2, ..., 1/512.
    for (std::size_t i = 0; i < kDimension; ++i) {
      x[i] = i == 0 ? 1.0 : (rng.uniform() - 0.5) * std::ldexp(1.0, 1 - static_cast<int>(i));
    }
    const double target = x[0] + 2.0 * x[1] + rng.uniform();
    ASSERT_EQ(bank.learn(0, detail::StripVector(x, false, 0.0), target, 1.0), Errc::ok);
    for (Eigen::Index i = 0; i < kSize; ++i) {
      const auto xi = static_cast<long double>(x[static_cast<std::size_t>(i)]);
      b(i, 0) += xi * target;
      for (Eigen::Index j = 0; j <= i; ++j) {
        a(i, j) += xi * x[static_cast<std::size_t>(j)];
      }
    }
    if (t % 1'000'000 != 0) {
      continue;
    }
    const Extended full = a.selfadjointView<Eigen::Lower>();
    const Extended inverse = full.llt().solve(Extended::Identity(kSize, kSize));
    const Extended theta = full.llt().solve(b);
    for (Eigen::Index i = 0; i < kSize; ++i) {
      const auto row = static_cast<std::size_t>(i);
      worst_theta =
          std::max(worst_theta, static_cast<double>(std::abs(bank.coefficients(0)[row] - theta(i, 0))));
      for (Eigen::Index j = 0; j < kSize; ++j) {
        const long double scale = std::sqrt(inverse(i, i) * inverse(j, j));
        const long double error = bank.covariance(0, row, static_cast<std::size_t>(j)) - inverse(i, j);
        worst_inverse = std::max(worst_inverse, static_cast<double>(std::abs(error) / scale));
      }
    }
  }
  RecordProperty("worst_inverse_error", std::to_string(worst_inverse * 1e12) + "e-12");
  RecordProperty("worst_theta_error", std::to_string(worst_theta * 1e12) + "e-12");
  // The sums in A themselves round: 10^7 additions to a sum of 10^7 err by about 10^3.5 * 2^-53 of it when
  // the errors are independent, 10^7 * 2^-53 = 1e-9 at worst. The inverse must be no worse than they are.
  EXPECT_LT(worst_inverse, 1e-9);
  EXPECT_LT(worst_theta, 1e-9);
}

}  // namespace
}  // namespace attune::ridge_bank_slow_test
