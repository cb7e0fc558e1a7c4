// SPDX-License-Identifier: Apache-2.0
#include <attune/core/shown_arm.hpp>

#include <cmath>
#include <cstdint>
#include <limits>

#include <gtest/gtest.h>

namespace attune::shown_arm_test {
namespace {

TEST(ShownArm, IsWrittenAsOneNumberAndReadBack) {
  for (const std::uint32_t slot : {0U, 1U, 4711U, 4'294'967'294U}) {
    for (const unsigned number : {0U, 1U, 300U, 65'535U}) {
      const auto generation = static_cast<std::uint16_t>(number);
      const ShownArm arm{.arm = static_cast<ArmIndex>(slot), .generation = generation};
      const ShownArm read = ShownArm::of(arm.value());
      EXPECT_EQ(read.arm, arm.arm);
      EXPECT_EQ(read.generation, generation);
      EXPECT_EQ(read.value(), arm.value());
    }
  }
  EXPECT_EQ((ShownArm{.arm = to_arm(3), .generation = 2}.value()), 2.0 * 4294967296.0 + 3.0);
}

TEST(ShownArm, OtherNumbersAreNoArm) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  for (const double value : {-1.0, 0.5, 4294967296.5, std::ldexp(1.0, 48), 1e300, kInfinity, -kInfinity,
                             std::numeric_limits<double>::quiet_NaN()}) {
    EXPECT_EQ(ShownArm::of(value).arm, kNoArm) << value;
  }
}

}  // namespace
}  // namespace attune::shown_arm_test
