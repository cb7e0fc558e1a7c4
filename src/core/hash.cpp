// SPDX-License-Identifier: Apache-2.0
#include "core/hash.hpp"

#include <array>
#include <bit>
#include <cstddef>
#include <cstring>

#include <xxhash.h>
#include <boost/crc.hpp>

#if defined(__x86_64__)
#include <nmmintrin.h>
#endif

namespace attune {

std::uint64_t hash64(ByteView bytes, std::uint64_t seed) noexcept {
  return XXH64(bytes.data(), bytes.size(), seed);
}

std::uint64_t hash64(std::string_view text, std::uint64_t seed) noexcept {
  return XXH64(text.data(), text.size(), seed);
}

namespace detail {

std::uint32_t crc32c_table(ByteView bytes, std::uint32_t crc) noexcept {
  // Boost's remainder is kept bit-reversed and before the final XOR.
  const auto reversed = [](std::uint32_t v) {
    std::uint32_t out = 0;
    for (int bit = 0; bit < 32; ++bit) {
      out = (out << 1U) | ((v >> static_cast<unsigned>(bit)) & 1U);
    }
    return out;
  };
  boost::crc_optimal<32, 0x1EDC6F41U, 0xFFFFFFFFU, 0xFFFFFFFFU, true, true> sum(reversed(~crc));
  sum.process_bytes(bytes.data(), bytes.size());
  return sum.checksum();
}

namespace {

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) std::uint32_t crc32c_sse42(ByteView bytes, std::uint32_t crc) noexcept {
  std::uint64_t state = ~crc;
  const std::byte* at = bytes.data();
  std::size_t left = bytes.size();
  for (; left >= 8; left -= 8, at += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, at, 8);
    state = _mm_crc32_u64(state, word);
  }
  auto narrow = static_cast<std::uint32_t>(state);
  for (; left > 0; --left, ++at) {
    narrow = _mm_crc32_u8(narrow, static_cast<std::uint8_t>(*at));
  }
  return ~narrow;
}
#endif

}  // namespace
}  // namespace detail

std::uint32_t crc32c(ByteView bytes, std::uint32_t crc) noexcept {
#if defined(__x86_64__)
  // NOLINTNEXTLINE(readability-redundant-casting): GCC returns int, Clang bool
  static const bool kHasInstruction = static_cast<bool>(__builtin_cpu_supports("sse4.2"));
  if (kHasInstruction) {
    return detail::crc32c_sse42(bytes, crc);
  }
#endif
  return detail::crc32c_table(bytes, crc);
}

}  // namespace attune
