// SPDX-License-Identifier: Apache-2.0
// The exhaustive form of tests in store_damage_test.cpp.
#include <cstdlib>

#include <gtest/gtest.h>

#include "tests/store/flipped_store.hpp"

namespace attune::test::store_damage_slow_test {
namespace {

TEST(StoreDamageSlow, FlippedBitsAllOverTheFileAreRefusedReportedOrWithoutEffectOnRecords) {
  // ATTUNE_FAULT_SCALE above 1: every bit.
  const char* const scale = std::getenv("ATTUNE_FAULT_SCALE");
  const FlipCounts counts = flip_bits_of_a_store(scale != nullptr && std::atof(scale) > 1 ? 1 : 31);
  EXPECT_GT(counts.noticed, 300U);
  EXPECT_GT(counts.harmless, 300U);
}

}  // namespace
}  // namespace attune::test::store_damage_slow_test
