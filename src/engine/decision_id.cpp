// SPDX-License-Identifier: Apache-2.0
#include "engine/decision_id.hpp"

#include <attune/core/rng.hpp>

namespace attune {
namespace {

constexpr std::uint64_t kPointMask = 0x0FFF;
constexpr std::uint64_t kRandomBits = 0x3FFFFFFFFFFFFFFFULL;
constexpr unsigned kHalfBits = 31;
constexpr std::uint64_t kHalf = (std::uint64_t{1} << kHalfBits) - 1;
constexpr unsigned kCheckBits = 14;
constexpr std::uint64_t kCheckMask = (std::uint64_t{1} << kCheckBits) - 1;
constexpr unsigned kSequenceBits = 36;
constexpr std::uint64_t kSequences = std::uint64_t{1} << kSequenceBits;
constexpr std::uint64_t kSequenceMask = kSequences - 1;
constexpr std::uint64_t kOpeningMask = (std::uint64_t{1} << 12U) - 1;

}  // namespace

DecisionIds::DecisionIds(std::uint64_t key, std::uint64_t opening) noexcept : key_(key), opening_(opening) {
  for (std::size_t i = 0; i < kRounds; ++i) {
    round_keys_.at(i) = mix64(key_ + i);
  }
}

std::uint64_t DecisionIds::round(std::uint64_t half, std::size_t number) const noexcept {
  return mix64(half ^ round_keys_[number]) & kHalf;
}

std::uint64_t DecisionIds::check(std::uint32_t point) const noexcept {
  return mix64(key_ ^ mix64(std::uint64_t{point} + 1)) & kCheckMask;
}

Uuid DecisionIds::make(std::uint32_t point, std::uint64_t sequence, Nanos time) const noexcept {
  // A Feistel network of two halves: a permutation whatever its round function is.
  const std::uint64_t number = ((opening_ & kOpeningMask) << kSequenceBits) | (sequence & kSequenceMask);
  const std::uint64_t plain = (number << kCheckBits) | check(point);
  std::uint64_t left = plain >> kHalfBits;
  std::uint64_t right = plain & kHalf;
  for (std::size_t i = 0; i < kRounds; ++i) {
    const std::uint64_t mixed = left ^ round(right, i);
    left = right;
    right = mixed;
  }
  const std::uint64_t random = (left << kHalfBits) | right;
  return Uuid::v7(time, (point ^ mix64(random ^ key_)) & kPointMask, random);
}

std::uint32_t DecisionIds::point(const Uuid& id) const noexcept {
  const std::uint64_t random = id.low() & kRandomBits;
  return static_cast<std::uint32_t>((id.high() ^ mix64(random ^ key_)) & kPointMask);
}

std::optional<std::uint64_t> DecisionIds::sequence(const Uuid& id, std::uint64_t near) const noexcept {
  const std::uint64_t random = id.low() & kRandomBits;
  std::uint64_t left = random >> kHalfBits;
  std::uint64_t right = random & kHalf;
  for (std::size_t i = kRounds; i-- > 0;) {
    const std::uint64_t before = right ^ round(left, i);
    right = left;
    left = before;
  }
  const std::uint64_t plain = (left << kHalfBits) | right;
  if ((plain & kCheckMask) != check(point(id))) {
    return std::nullopt;
  }
  const std::uint64_t ahead = ((plain >> kCheckBits) - near) & kSequenceMask;
  const std::uint64_t behind = kSequences - ahead;
  return ahead >= kSequences / 2 && behind <= near ? near - behind : near + ahead;
}

}  // namespace attune
