// SPDX-License-Identifier: Apache-2.0
#include "engine/decision_id.hpp"

#include <set>

#include <gtest/gtest.h>

#include <attune/core/rng.hpp>

namespace attune::decision_id_test {
namespace {

TEST(DecisionIds, TellPointAndNumberBackToTheirMaker) {
  const DecisionIds ids(0x1234);
  for (const std::uint32_t point : {0U, 1U, 77U, 4095U}) {
    for (const std::uint64_t sequence :
         {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{123'456'789}, (std::uint64_t{1} << 36U) - 1}) {
      const Uuid id = ids.make(point, sequence, 1'700'000'000 * kSecond);
      EXPECT_EQ(id.bytes[6] >> 4U, 7);
      EXPECT_EQ(id.bytes[8] >> 6U, 2);
      EXPECT_EQ(ids.point(id), point);
      EXPECT_EQ(ids.sequence(id), sequence);
    }
  }
}

TEST(DecisionIds, KnowTheirNumberWhateverOpeningTheyWereMadeIn) {
  std::set<Uuid> seen;
  for (const std::uint64_t opening : {0U, 1U, 2U, 77U, 4095U}) {
    const DecisionIds maker(0x1234, opening);
    for (const std::uint32_t point : {0U, 3U}) {
      const Uuid id = maker.make(point, 9, kSecond);
      EXPECT_TRUE(seen.insert(id).second) << "the same number in the same millisecond";
      EXPECT_EQ(DecisionIds(0x1234).point(id), point);
      EXPECT_EQ(DecisionIds(0x1234, 5).sequence(id), 9U);
    }
  }
}

TEST(DecisionIds, MeanTheNumberNearestToThePresentOne) {
  constexpr std::uint64_t kTurn = std::uint64_t{1} << 36U;
  const DecisionIds ids(42, 3);
  for (const std::uint64_t number : {kTurn - 1, kTurn, kTurn + 7, 5 * kTurn - 2, 5 * kTurn + 1}) {
    const Uuid id = ids.make(1, number, 0);
    for (const std::uint64_t distance : {std::uint64_t{0}, std::uint64_t{10}, kTurn / 2 - 1}) {
      EXPECT_EQ(ids.sequence(id, number + distance), number) << "decided " << distance << " ago";
      EXPECT_EQ(ids.sequence(id, number - distance), number) << distance << " to come";
    }
  }
  EXPECT_EQ(ids.sequence(ids.make(1, kTurn - 1, 0), 3), kTurn - 1) << "there is no number below 0";
}

TEST(DecisionIds, NeverRepeatWithinAPointEvenWhenTimeStandsStill) {
  const DecisionIds ids(7);
  std::set<Uuid> seen;
  for (std::uint64_t sequence = 0; sequence < 50'000; ++sequence) {
    EXPECT_TRUE(seen.insert(ids.make(static_cast<std::uint32_t>(sequence % 2), sequence, 0)).second);
  }
}

TEST(DecisionIds, OfOthersAreRecognisedButForOneInSixteenThousand) {
  const DecisionIds mine(1);
  const DecisionIds theirs(2);
  constexpr int kTrials = 400'000;
  int taken = 0;
  for (int i = 0; i < kTrials; ++i) {
    taken += mine.sequence(theirs.make(3, static_cast<std::uint64_t>(i), i * kSecond)) ? 1 : 0;
  }
  // Binomial with p = 2^-14: mean 24.4; fewer than 5 or more than 58 has probability below 1e-6.
  EXPECT_GE(taken, 5);
  EXPECT_LE(taken, 58);
}

TEST(DecisionIds, AChangedBitMakesThemForeignOrAnothersNumber) {
  const DecisionIds ids(99);
  const Uuid id = ids.make(5, 1000, 0);
  int foreign = 0;
  for (std::size_t bit = 66; bit < 128; ++bit) {  // the 62 bits that carry the number
    Uuid bad = id;
    bad.bytes[bit / 8] ^= static_cast<std::uint8_t>(1U << (7 - bit % 8));
    foreign += ids.sequence(bad) ? 0 : 1;
  }
  EXPECT_GE(foreign, 61);
}

}  // namespace
}  // namespace attune::decision_id_test
