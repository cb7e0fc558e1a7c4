// SPDX-License-Identifier: Apache-2.0
#include "policies/bandit/beta_tail.hpp"

#include <cmath>

#include <gtest/gtest.h>
#include <boost/math/special_functions/beta.hpp>
#include <boost/math/special_functions/gamma.hpp>

#include <attune/core/rng.hpp>

namespace attune::beta_tail_test {
namespace {

TEST(BetaTail, LogGammaIsThatOfBoost) {
  Rng rng(1);
  for (int i = 0; i < 5'000; ++i) {
    const double x = std::pow(10.0, -3.0 + 10.0 * rng.uniform());
    const double exact = boost::math::lgamma(x);
    ASSERT_NEAR(detail::portable_log_gamma(x), exact, 1e-14 * (1.0 + std::abs(exact))) << x;
  }
}

TEST(BetaTail, LogBetaIsThatOfBoost) {
  Rng rng(2);
  for (int i = 0; i < 5'000; ++i) {
    const double a = std::pow(10.0, -3.0 + 9.0 * rng.uniform());
    const double b = std::pow(10.0, -3.0 + 9.0 * rng.uniform());
    // In long double, as the difference of the large ones loses digits: of those too some are lost.
    const double lost = 1e-18 * (a + b) * std::log(2.0 + a + b);
    const long double exact = boost::math::lgamma(static_cast<long double>(a)) +
                              boost::math::lgamma(static_cast<long double>(b)) -
                              boost::math::lgamma(static_cast<long double>(a) + b);
    ASSERT_NEAR(detail::log_beta(a, b), static_cast<double>(exact),
                lost + 3e-14 * (1.0 + std::abs(static_cast<double>(exact))))
        << a << ' ' << b;
  }
}

TEST(BetaTail, TailsAreThoseOfBoost) {
  Rng rng(3);
  for (int i = 0; i < 3'000; ++i) {
    const double a = std::pow(10.0, -2.0 + 6.0 * rng.uniform());
    const double b = std::pow(10.0, -2.0 + 6.0 * rng.uniform());
    const double x = rng.uniform();
    const double exact = boost::math::ibetac(a, b, x);
    if (exact > 1e-280 && exact < 1.0) {
      const double tail = std::exp(detail::log_beta_tail(a, b, x, detail::log_beta(a, b)));
      // x^a (1 - x)^b / B(a, b) is taken by logarithms of up to (a + b) times the order of one.
      ASSERT_NEAR(tail / exact, 1.0, 1e-11 + 1e-14 * (a + b)) << a << ' ' << b << ' ' << x;
    }
  }
}

TEST(BetaTail, QuantilesAreThoseOfBoost) {
  Rng rng(4);
  for (int i = 0; i < 3'000; ++i) {
    const double a = std::pow(10.0, 5.0 * rng.uniform());
    const double b = std::pow(10.0, 5.0 * rng.uniform());
    const double level = -std::log(2.0) - 20.0 * rng.uniform();
    const double found = detail::beta_upper_quantile(a, b, level);
    const double exact = boost::math::ibetac_inv(a, b, std::exp(level));
    const double spread = std::sqrt(a * b / (a + b)) / (a + b);
    ASSERT_NEAR(found, exact, 1e-9 * spread + 1e-13) << a << ' ' << b << ' ' << level;
  }
}

}  // namespace
}  // namespace attune::beta_tail_test
