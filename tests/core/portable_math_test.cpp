// SPDX-License-Identifier: Apache-2.0
#include "core/portable_math.hpp"

#include <cmath>
#include <limits>

#include <gtest/gtest.h>

namespace attune::portable_math_test {
namespace {

/// Against the C library in extended precision, in units in the last place of the double result.
void expect_close(double value, long double truth, double units) {
  const double rounded = std::abs(static_cast<double>(truth));
  const double unit = std::nextafter(rounded, std::numeric_limits<double>::infinity()) - rounded;
  ASSERT_LE(std::abs(static_cast<double>(value - truth)), units * unit) << static_cast<double>(truth);
}

TEST(PortableExp, AgreesWithTheLibraryToTwoUnitsInTheLastPlace) {
  for (double x = -708.0; x < 709.0; x += 0.00731) {
    expect_close(detail::portable_exp(x), std::exp(static_cast<long double>(x)), 2.0);
  }
}

TEST(PortableExp, KeepsItsEnds) {
  EXPECT_EQ(detail::portable_exp(0.0), 1.0);
  EXPECT_EQ(detail::portable_exp(-1e308), 0.0);
  EXPECT_EQ(detail::portable_exp(-std::numeric_limits<double>::infinity()), 0.0);
  EXPECT_EQ(detail::portable_exp(1e308), std::numeric_limits<double>::infinity());
  EXPECT_NEAR(detail::portable_exp(-744.0) / 0x1p-1074, 2.0, 1.0);  // among the subnormal numbers
}

TEST(PortableLog, AgreesWithTheLibraryToThreeUnitsInTheLastPlace) {
  EXPECT_EQ(detail::portable_log(1.0), 0.0);
  for (double x = 1.0; x < 1e300; x *= 1.0173) {
    expect_close(detail::portable_log(x), std::log(static_cast<long double>(x)), 3.0);
    expect_close(detail::portable_log(1.0 / x), std::log(static_cast<long double>(1.0 / x)), 3.0);
  }
  for (double x = 0.5; x < 2.0; x += 0.0001237) {
    expect_close(detail::portable_log(x), std::log(static_cast<long double>(x)), 3.0);
  }
}

// 1e-15: four units of the largest cosine, over turns whose fraction is exact.
TEST(PortableCosTurns, AgreesWithTheLibrary) {
  constexpr long double kTurn = 2.0L * 3.141592653589793238462643383279503L;
  for (double turns = -1.0; turns <= 1.0; turns += 0.0000731) {
    ASSERT_NEAR(detail::portable_cos_turns(turns),
                static_cast<double>(std::cos(kTurn * static_cast<long double>(turns))), 1e-15)
        << turns;
  }
  EXPECT_EQ(detail::portable_cos_turns(0.0), 1.0);
  EXPECT_EQ(detail::portable_cos_turns(-17.0), 1.0);
  EXPECT_EQ(detail::portable_cos_turns(0.5), -1.0);
  EXPECT_LE(std::abs(detail::portable_cos_turns(1e300)), 1.0);
}

}  // namespace
}  // namespace attune::portable_math_test
