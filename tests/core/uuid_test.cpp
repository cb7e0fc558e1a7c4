// SPDX-License-Identifier: Apache-2.0
#include <attune/core/uuid.hpp>

#include <string>

#include <gtest/gtest.h>

namespace attune::uuid_test {
namespace {

// The example of RFC 9562, appendix A.6: 2022-02-22T19:22:22Z, 017F22E2-79B0-7CC3-98C4-DC0C0C07398F.
TEST(Uuid, Version7MatchesTheExampleOfTheStandard) {
  const Uuid id = Uuid::v7(Nanos{0x017F22E279B0} * 1'000'000, 0xCC3, 0x18C4DC0C0C07398FULL);
  EXPECT_EQ(id.to_string(), "017f22e2-79b0-7cc3-98c4-dc0c0c07398f");
}

TEST(Uuid, ParsesWhatItWrites) {
  const Uuid id = Uuid::v7(1'700'000'000'123'456'789, 0xABC, 0x123456789ABCDEF0ULL);
  const Result<Uuid> read = Uuid::parse(id.to_string());
  ASSERT_TRUE(read);
  EXPECT_EQ(*read, id);
  const Result<Uuid> upper = Uuid::parse("017F22E2-79B0-7CC3-98C4-DC0C0C07398F");
  ASSERT_TRUE(upper);
  EXPECT_EQ(upper->to_string(), "017f22e2-79b0-7cc3-98c4-dc0c0c07398f");
}

TEST(Uuid, RefusesWhatIsNotOne) {
  for (const std::string text :
       {"", "017f22e2", "017f22e2-79b0-7cc3-98c4-dc0c0c07398", "017f22e2-79b0-7cc3-98c4-dc0c0c07398fa",
        "017f22e2079b0-7cc3-98c4-dc0c0c07398f", "017f22e2-79b0-7cc3-98c4-dc0c0c07398g"}) {
    const Result<Uuid> read = Uuid::parse(text);
    ASSERT_FALSE(read) << text;
    EXPECT_EQ(read.error().code, Errc::parse);
  }
}

TEST(Uuid, OrdersByTime) { EXPECT_LT(Uuid::v7(1'000'000'000, 0xFFF, ~0ULL), Uuid::v7(1'001'000'000, 0, 0)); }

}  // namespace
}  // namespace attune::uuid_test
