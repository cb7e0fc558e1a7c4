// SPDX-License-Identifier: Apache-2.0
// The exhaustive form of tests in store_damage_test.cpp.
#include <gtest/gtest.h>

#include "tests/store/flipped_store.hpp"

namespace attune::test {
namespace {

TEST(StoreDamageSlow, FlippedBitsAllOverTheFileAreRefusedReportedOrWithoutEffectOnRecords) {
  const FlipCounts counts = flip_bits_of_a_store(31);
  EXPECT_GT(counts.noticed, 300U);
  EXPECT_GT(counts.harmless, 300U);
}

}  // namespace
}  // namespace attune::test
