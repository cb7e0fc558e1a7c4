// SPDX-License-Identifier: Apache-2.0
#include "store/chunker.hpp"

#include <algorithm>
#include <array>
#include <cstdint>

namespace attune::detail {
namespace {

constexpr std::array<std::uint64_t, 256> make_gear() {
  std::array<std::uint64_t, 256> gear{};
  std::uint64_t state = 0x617474756E65ULL;  // "attune"
  for (std::uint64_t& value : gear) {
    state += 0x9E3779B97F4A7C15ULL;
    std::uint64_t mixed = state;
    mixed = (mixed ^ (mixed >> 30U)) * 0xBF58476D1CE4E5B9ULL;
    mixed = (mixed ^ (mixed >> 27U)) * 0x94D049BB133111EBULL;
    value = mixed ^ (mixed >> 31U);
  }
  return gear;
}
constexpr std::array<std::uint64_t, 256> kGear = make_gear();

// The top bits depend on the last 64 bytes, the bottom ones on fewer.
constexpr std::uint64_t top_bits(unsigned count) { return ~std::uint64_t{0} << (64U - count); }
constexpr std::uint64_t kBeforeMean = top_bits(17);
constexpr std::uint64_t kAfterMean = top_bits(15);

[[nodiscard]] std::size_t first_border(ByteView bytes) noexcept {
  if (bytes.size() <= kMinChunk) {
    return bytes.size();
  }
  const std::size_t end = std::min(bytes.size(), kMaxChunk);
  const std::size_t mean = std::min(end, kMeanChunk);
  std::uint64_t hash = 0;
  std::size_t at = kMinChunk - 64;  // warm after one window, so that a border depends on content alone
  for (; at < kMinChunk; ++at) {
    hash = (hash << 1U) + kGear[std::to_integer<std::size_t>(bytes[at])];
  }
  for (; at < mean; ++at) {
    hash = (hash << 1U) + kGear[std::to_integer<std::size_t>(bytes[at])];
    if ((hash & kBeforeMean) == 0) {
      return at + 1;
    }
  }
  for (; at < end; ++at) {
    hash = (hash << 1U) + kGear[std::to_integer<std::size_t>(bytes[at])];
    if ((hash & kAfterMean) == 0) {
      return at + 1;
    }
  }
  return end;
}

}  // namespace

std::vector<ByteView> cut_into_chunks(ByteView bytes) {
  std::vector<ByteView> chunks;
  chunks.reserve(bytes.size() / kMeanChunk + 1);
  while (!bytes.empty()) {
    const std::size_t size = first_border(bytes);
    chunks.push_back(bytes.first(size));
    bytes = bytes.subspan(size);
  }
  return chunks;
}

}  // namespace attune::detail
