// SPDX-License-Identifier: Apache-2.0
#include <attune/core/vocabulary.hpp>

#include <bit>
#include <cstdint>

namespace attune {
namespace {

constexpr std::uint64_t kSign = 0x8000000000000000ULL;
constexpr std::uint64_t kLowestExponentBit = 0x0010000000000000ULL;

bool strictly_increasing_below(std::span<const std::uint32_t> index, std::size_t bound) noexcept {
  std::uint64_t least = 0;
  for (const std::uint32_t i : index) {
    if (i < least || i >= bound) {
      return false;
    }
    least = std::uint64_t{i} + 1;
  }
  return true;
}

}  // namespace

bool all_finite(Features values) noexcept {
  // A double is not finite exactly when all its exponent bits are set: one more in the lowest of them then
  // runs over into the place of the sign. No branch and no comparison, which the oldest vector units lack.
  std::uint64_t bad = 0;
  for (const double value : values) {
    bad |= (std::bit_cast<std::uint64_t>(value) & ~kSign) + kLowestExponentBit;
  }
  return (bad & kSign) == 0;
}

Errc check_input(const Input& input, std::size_t features, bool sparse) noexcept {
  if (sparse) {
    if (!input.dense.empty() || input.sparse.index.size() != input.sparse.value.size() ||
        !strictly_increasing_below(input.sparse.index, features)) {
      return Errc::dimension_mismatch;
    }
    return all_finite(input.sparse.value) ? Errc::ok : Errc::non_finite;
  }
  if (input.dense.size() != features || !input.sparse.index.empty() || !input.sparse.value.empty()) {
    return Errc::dimension_mismatch;
  }
  return all_finite(input.dense) ? Errc::ok : Errc::non_finite;
}

}  // namespace attune
