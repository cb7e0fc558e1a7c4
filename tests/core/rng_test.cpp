// SPDX-License-Identifier: Apache-2.0
#include <attune/core/rng.hpp>

#include <array>
#include <cstdint>
#include <vector>

#include <gtest/gtest.h>
#include <boost/math/distributions/chi_squared.hpp>

namespace attune::rng_test {
namespace {

using Words4 = std::array<std::uint32_t, 4>;

// The three known answers for philox4x32-10 that Random123 publishes in its kat_vectors file.
TEST(Philox, GivesThePublishedAnswers) {
  EXPECT_EQ(philox4x32_10({0, 0, 0, 0}, {0, 0}),
            (Words4{0x6627e8d5U, 0xe169c58dU, 0xbc57ac4cU, 0x9b00dbd8U}));
  constexpr std::uint32_t kOnes = 0xffffffffU;
  EXPECT_EQ(philox4x32_10({kOnes, kOnes, kOnes, kOnes}, {kOnes, kOnes}),
            (Words4{0x408f276dU, 0x41c83b0eU, 0xa20bc7c6U, 0x6d5451fdU}));
  EXPECT_EQ(philox4x32_10({0x243f6a88U, 0x85a308d3U, 0x13198a2eU, 0x03707344U}, {0xa4093822U, 0x299f31d0U}),
            (Words4{0xd16cfe09U, 0x94fdccebU, 0x5001e420U, 0x24126ea1U}));
}

TEST(Rng, IsPhiloxInCounterOrderWhicheverWayItIsComputed) {
  constexpr std::uint64_t kSeed = 42;
  constexpr std::uint64_t kStream = 7;
  constexpr std::uint64_t kSequence = 0x1234567890ULL;
  constexpr std::uint32_t kPurpose = 3;
  const std::uint64_t key = mix64(kSeed ^ mix64(kStream));
  Rng rng(kSeed, kStream, kSequence, kPurpose);
  for (std::uint32_t block = 0; block < 100; ++block) {  // the first alone, the others eight at a time
    const Words4 words =
        philox4x32_10({block, kPurpose, static_cast<std::uint32_t>(kSequence),
                       static_cast<std::uint32_t>(kSequence >> 32U)},
                      {static_cast<std::uint32_t>(key), static_cast<std::uint32_t>(key >> 32U)});
    ASSERT_EQ(rng(), words[0] | (std::uint64_t{words[1]} << 32U)) << block;
    ASSERT_EQ(rng(), words[2] | (std::uint64_t{words[3]} << 32U)) << block;
  }
}

TEST(Rng, StreamsOfDifferentKeysDiffer) {
  std::vector<std::uint64_t> firsts;
  for (std::uint64_t i = 0; i < 4; ++i) {
    firsts.push_back(Rng(i)());
    firsts.push_back(Rng(0, i + 1)());
    firsts.push_back(Rng(0, 0, i + 1)());
    firsts.push_back(Rng(0, 0, 0, static_cast<std::uint32_t>(i) + 1)());
  }
  std::ranges::sort(firsts);
  EXPECT_EQ(std::ranges::adjacent_find(firsts), firsts.end());
}

TEST(Rng, FirstDrawsNeverChange) {
  Rng rng(1, 2, 3);
  const std::array<std::uint64_t, 3> draws{rng(), rng(), rng()};
  // Golden: a change here changes every decision that was ever logged.
  EXPECT_EQ(draws, (std::array<std::uint64_t, 3>{0x901811189429cf3fULL, 0x93509e7475d33aa9ULL,
                                                 0x1ef129c4b380f5f0ULL}));
}

TEST(Rng, BelowIsUniform) {
  constexpr std::uint64_t kSides = 6;
  constexpr double kRolls = 60'000;
  std::array<double, kSides> counts{};
  Rng rng(20261121);
  for (int i = 0; i < static_cast<int>(kRolls); ++i) {
    counts.at(rng.below(kSides)) += 1.0;
  }
  double statistic = 0.0;
  for (const double count : counts) {
    statistic += (count - kRolls / kSides) * (count - kRolls / kSides) / (kRolls / kSides);
  }
  // A fair die exceeds this for one seed in a million.
  EXPECT_LT(statistic, quantile(complement(boost::math::chi_squared(kSides - 1.0), 1e-6)));
}

TEST(Rng, BelowOneIsZeroAndLargeBoundsHold) {
  Rng rng(5);
  EXPECT_EQ(rng.below(1), 0U);
  constexpr std::uint64_t kLarge = (std::uint64_t{1} << 63U) + 1;
  for (int i = 0; i < 1000; ++i) {
    ASSERT_LT(rng.below(kLarge), kLarge);
  }
}

TEST(Rng, UniformLiesInTheUnitIntervalWithTheRightMean) {
  Rng rng(9);
  constexpr int kDraws = 100'000;
  double sum = 0.0;
  for (int i = 0; i < kDraws; ++i) {
    const double u = rng.uniform();
    ASSERT_GE(u, 0.0);
    ASSERT_LT(u, 1.0);
    sum += u;
  }
  // The mean has deviation 1/sqrt(12 n); five of them are exceeded once in 1.7 million.
  EXPECT_NEAR(sum / kDraws, 0.5, 5.0 / std::sqrt(12.0 * kDraws));
}

}  // namespace
}  // namespace attune::rng_test
