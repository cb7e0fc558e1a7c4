// SPDX-License-Identifier: Apache-2.0
/// @file
/// Rng: the one random engine of the library, counter-based, keyed by what it is for.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string_view>

namespace attune {

/// One block of Philox4x32-10: the bijection of a 128-bit counter under a 64-bit key.
///
/// Source: Salmon, Moraes, Dror, Shaw (2011), "Parallel Random Numbers: As Easy as 1, 2, 3", SC'11.
[[nodiscard]] std::array<std::uint32_t, 4> philox4x32_10(std::array<std::uint32_t, 4> counter,
                                                         std::array<std::uint32_t, 2> key) noexcept;

/// A 64-bit mix in which every input bit changes every output bit (the finaliser of SplitMix64).
[[nodiscard]] constexpr std::uint64_t mix64(std::uint64_t x) noexcept {
  x += 0x9E3779B97F4A7C15ULL;
  x = (x ^ (x >> 30U)) * 0xBF58476D1CE4E5B9ULL;
  x = (x ^ (x >> 27U)) * 0x94D049BB133111EBULL;
  return x ^ (x >> 31U);
}

/// FNV-1a of a name, for streams that are keyed by text. Not for hash tables of hostile input.
[[nodiscard]] constexpr std::uint64_t name_stream(std::string_view name) noexcept {
  std::uint64_t hash = 0xCBF29CE484222325ULL;
  for (const char c : name) {
    hash = (hash ^ static_cast<std::uint8_t>(c)) * 0x100000001B3ULL;
  }
  return hash;
}

/// Uniform random 64-bit numbers from Philox4x32-10.
///
/// The stream is a pure function of (seed, stream, sequence): a decision draws from
/// `Rng(seed, point, decision number)`, so its draws depend on nothing that another thread does, and can be
/// drawn again years later. Satisfies std::uniform_random_bit_generator and Boost.Random's engine concept.
/// Key: mix64(seed ^ mix64(stream)); counter: (block, purpose, low word, high word of sequence); each block
/// gives two 64-bit numbers, (word 1 : word 0) and (word 3 : word 2). Cost: making one is free; the first two
/// numbers cost one block, further ones come sixteen blocks at a time (about 2 ns each). 2^33 numbers a
/// stream.
class Rng {
 public:
  using result_type = std::uint64_t;

  // The buffer is filled before it is read: clearing 256 bytes would cost more than the first draw.
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-member-init)
  explicit Rng(std::uint64_t seed, std::uint64_t stream = 0, std::uint64_t sequence = 0,
               std::uint32_t purpose = 0) noexcept
      : key_(mix64(seed ^ mix64(stream))), sequence_(sequence), purpose_(purpose) {}

  [[nodiscard]] static constexpr result_type min() noexcept { return 0; }
  [[nodiscard]] static constexpr result_type max() noexcept {
    return std::numeric_limits<result_type>::max();
  }

  result_type operator()() noexcept {
    if (next_ == end_) [[unlikely]] {
      refill();
    }
    return buffer_[next_++];
  }

  /// Uniform on [0, 1): 53 random bits.
  [[nodiscard]] double uniform() noexcept { return static_cast<double>((*this)() >> 11U) * 0x1.0p-53; }

  /// Uniform on {0, ..., bound - 1} without bias; bound > 0. Lemire (2019), "Fast Random Integer Generation
  /// in an Interval", ACM TOMACS 29(1), algorithm 5.
  [[nodiscard]] std::uint64_t below(std::uint64_t bound) noexcept {
    __extension__ using Wide = unsigned __int128;
    Wide product = static_cast<Wide>((*this)()) * bound;
    if (static_cast<std::uint64_t>(product) < bound) [[unlikely]] {
      const std::uint64_t threshold = (0 - bound) % bound;
      while (static_cast<std::uint64_t>(product) < threshold) {
        product = static_cast<Wide>((*this)()) * bound;
      }
    }
    return static_cast<std::uint64_t>(product >> 64U);
  }

 private:
  static constexpr std::uint32_t kBlocks = 16;  // blocks made at once after the first

  void refill() noexcept;

  std::uint64_t key_;
  std::uint64_t sequence_;
  std::uint32_t purpose_;
  std::uint32_t block_ = 0;
  std::uint32_t next_ = 0;
  std::uint32_t end_ = 0;
  std::array<std::uint64_t, 2 * static_cast<std::size_t>(kBlocks)> buffer_;
};

}  // namespace attune
