// SPDX-License-Identifier: Apache-2.0
#include <attune/core/rng.hpp>

#include <array>
#include <cstddef>
#include <cstdint>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace attune {
namespace {

constexpr std::uint32_t kM0 = 0xD2511F53U;
constexpr std::uint32_t kM1 = 0xCD9E8D57U;
constexpr std::uint32_t kW0 = 0x9E3779B9U;
constexpr std::uint32_t kW1 = 0xBB67AE85U;
constexpr int kRounds = 10;

}  // namespace

std::array<std::uint32_t, 4> philox4x32_10(std::array<std::uint32_t, 4> counter,
                                           std::array<std::uint32_t, 2> key) noexcept {
  for (int round = 0; round < kRounds; ++round) {
    const std::uint64_t product0 = std::uint64_t{kM0} * counter[0];
    const std::uint64_t product1 = std::uint64_t{kM1} * counter[2];
    counter = {static_cast<std::uint32_t>(product1 >> 32U) ^ counter[1] ^ key[0],
               static_cast<std::uint32_t>(product1),
               static_cast<std::uint32_t>(product0 >> 32U) ^ counter[3] ^ key[1],
               static_cast<std::uint32_t>(product0)};
    key[0] += kW0;
    key[1] += kW1;
  }
  return counter;
}

namespace {

constexpr std::uint32_t kManyBlocks = 16;

void many_blocks_plain(std::uint32_t first_block, std::uint32_t purpose, std::uint64_t sequence,
                       std::uint64_t key, std::uint64_t* out) noexcept {
  for (std::uint32_t block = 0; block < kManyBlocks; ++block) {
    const std::array<std::uint32_t, 4> words =
        philox4x32_10({first_block + block, purpose, static_cast<std::uint32_t>(sequence),
                       static_cast<std::uint32_t>(sequence >> 32U)},
                      {static_cast<std::uint32_t>(key), static_cast<std::uint32_t>(key >> 32U)});
    *out++ = words[0] | (std::uint64_t{words[1]} << 32U);
    *out++ = words[2] | (std::uint64_t{words[3]} << 32U);
  }
}

#if defined(__x86_64__)

/// Four blocks, one 32-bit word a 64-bit lane. What stands in the high halves does not matter: the
/// multiplication does not read them, and they are masked at the end.
struct FourBlocks {
  __m256i c0, c1, c2, c3;

  [[gnu::target("avx2"), gnu::always_inline]] void start(std::uint32_t first_block, std::uint32_t purpose,
                                                         std::uint64_t sequence) noexcept {
    c0 = _mm256_add_epi64(_mm256_set_epi64x(3, 2, 1, 0), _mm256_set1_epi64x(first_block));
    c1 = _mm256_set1_epi64x(purpose);
    c2 = _mm256_set1_epi64x(static_cast<std::int64_t>(sequence));
    c3 = _mm256_set1_epi64x(static_cast<std::int64_t>(sequence >> 32U));
  }
  [[gnu::target("avx2"), gnu::always_inline]] void round(__m256i k0, __m256i k1) noexcept {
    const __m256i product0 = _mm256_mul_epu32(c0, _mm256_set1_epi64x(kM0));
    const __m256i product1 = _mm256_mul_epu32(c2, _mm256_set1_epi64x(kM1));
    c0 = _mm256_xor_si256(_mm256_xor_si256(_mm256_srli_epi64(product1, 32), c1), k0);
    c1 = product1;
    c2 = _mm256_xor_si256(_mm256_xor_si256(_mm256_srli_epi64(product0, 32), c3), k1);
    c3 = product0;
  }
  [[gnu::target("avx2"), gnu::always_inline]] void store(std::uint64_t* out) const noexcept {
    const __m256i low = _mm256_set1_epi64x(0xFFFFFFFF);
    const __m256i first = _mm256_or_si256(_mm256_and_si256(c0, low), _mm256_slli_epi64(c1, 32));
    const __m256i second = _mm256_or_si256(_mm256_and_si256(c2, low), _mm256_slli_epi64(c3, 32));
    const __m256i even = _mm256_unpacklo_epi64(first, second);  // of blocks 0 and 2
    const __m256i odd = _mm256_unpackhi_epi64(first, second);   // of blocks 1 and 3
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(out), _mm256_permute2x128_si256(even, odd, 0x20));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(out + 4), _mm256_permute2x128_si256(even, odd, 0x31));
  }
};

/// Two groups at a time: one computes while the other waits for its multiplications.
[[gnu::target("avx2")]] void many_blocks_avx2(std::uint32_t first_block, std::uint32_t purpose,
                                              std::uint64_t sequence, std::uint64_t key,
                                              std::uint64_t* out) noexcept {
  for (std::uint32_t block = 0; block < kManyBlocks; block += 8) {
    FourBlocks low{};
    FourBlocks high{};
    low.start(first_block + block, purpose, sequence);
    high.start(first_block + block + 4, purpose, sequence);
    __m256i k0 = _mm256_set1_epi64x(static_cast<std::int64_t>(key & 0xFFFFFFFFULL));
    __m256i k1 = _mm256_set1_epi64x(static_cast<std::int64_t>(key >> 32U));
    for (int i = 0; i < kRounds; ++i) {
      low.round(k0, k1);
      high.round(k0, k1);
      k0 = _mm256_add_epi64(k0, _mm256_set1_epi64x(kW0));
      k1 = _mm256_add_epi64(k1, _mm256_set1_epi64x(kW1));
    }
    low.store(out);
    high.store(out + 8);
    out += 16;
  }
}

#endif

void many_blocks(std::uint32_t first_block, std::uint32_t purpose, std::uint64_t sequence, std::uint64_t key,
                 std::uint64_t* out) noexcept {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2")) {
    many_blocks_avx2(first_block, purpose, sequence, key, out);
    return;
  }
#endif
  many_blocks_plain(first_block, purpose, sequence, key, out);
}

}  // namespace

void Rng::refill() noexcept {
  next_ = 0;
  if (block_ == 0) {
    // Most decisions draw once or twice: one block is enough for them.
    const std::array<std::uint32_t, 4> words = philox4x32_10(
        {0, purpose_, static_cast<std::uint32_t>(sequence_), static_cast<std::uint32_t>(sequence_ >> 32U)},
        {static_cast<std::uint32_t>(key_), static_cast<std::uint32_t>(key_ >> 32U)});
    buffer_[0] = words[0] | (std::uint64_t{words[1]} << 32U);
    buffer_[1] = words[2] | (std::uint64_t{words[3]} << 32U);
    block_ = 1;
    end_ = 2;
    return;
  }
  static_assert(kBlocks == kManyBlocks);
  many_blocks(block_, purpose_, sequence_, key_, buffer_.data());
  block_ += kBlocks;
  end_ = 2 * kBlocks;
}

}  // namespace attune
