// SPDX-License-Identifier: Apache-2.0
#include "core/id_index.hpp"

#include <map>
#include <random>

#include <gtest/gtest.h>

namespace attune::detail::id_index_test {
namespace {

/// Inserts, erases and replaces at random, beside a map; hashes are drawn from `distinct` values.
void compare_with_a_map(std::uint32_t distinct, std::uint32_t spread) {
  IdIndex index;
  std::map<std::uint32_t, std::uint32_t> hash_of;  // by handle
  std::mt19937 engine(20261121);
  const auto draw = [&engine] { return static_cast<std::uint32_t>(engine()); };
  std::uint32_t next = 0;
  for (int i = 0; i < 20'000; ++i) {
    if (hash_of.size() < 40 || draw() % 2 == 0) {
      const std::uint32_t hash = draw() % distinct * spread;
      index.insert(hash, next);
      hash_of[next++] = hash;
    } else {
      auto victim = hash_of.lower_bound(draw() % next);
      victim = victim == hash_of.end() ? hash_of.begin() : victim;
      if (draw() % 4 == 0) {
        index.replace(victim->second, victim->first, next);
        hash_of[next++] = victim->second;
      } else {
        index.erase(victim->second, victim->first);
      }
      hash_of.erase(victim);
    }
    if (i % 50 == 0) {
      ASSERT_EQ(index.size(), hash_of.size());
      for (const auto& [handle, hash] : hash_of) {
        const std::uint32_t wanted = handle;
        ASSERT_EQ(index.find(hash, [=](std::uint32_t h) { return h == wanted; }), handle);
      }
    }
  }
  EXPECT_EQ(index.find(1, [](std::uint32_t) { return false; }), kNone);
}

TEST(IdIndex, AgreesWithAMap) { compare_with_a_map(0x4000'0000U, 1); }
TEST(IdIndex, AgreesWithAMapWhenHashesAreFew) { compare_with_a_map(7, 1); }
TEST(IdIndex, AgreesWithAMapWhenAllWantTheLastCells) { compare_with_a_map(3, 0xFFFF'FFFFU); }

TEST(IdIndex, FindsNothingWhenEmpty) {
  const IdIndex index;
  EXPECT_EQ(index.find(0, [](std::uint32_t) { return true; }), kNone);
  index.prefetch(12345);
  EXPECT_EQ(index.size(), 0U);
}

TEST(IdIndex, MixSpreadsIdsThatDifferInOneBit) {
  constexpr std::uint64_t kSeed = 0x1234'5678'9ABC'DEF0ULL;
  std::map<std::uint32_t, int> low_bits;
  for (std::uint64_t n = 0; n < 4096; ++n) {
    ++low_bits[mix(0x0191'0000'0000'7000ULL, n << 20U, kSeed) & 255U];
  }
  // 16 each on average; a Poisson count above 50 in one of 256 has a chance below 1e-8.
  for (const auto& [bits, count] : low_bits) {
    EXPECT_LT(count, 50) << bits;
  }
  EXPECT_GT(low_bits.size(), 250U);
}

}  // namespace
}  // namespace attune::detail::id_index_test
