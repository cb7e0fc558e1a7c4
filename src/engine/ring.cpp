// SPDX-License-Identifier: Apache-2.0
#include "engine/ring.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

#include <attune/core/assert.hpp>

namespace attune {
namespace {

constexpr std::size_t kWord = sizeof(std::uint64_t);

}  // namespace

static_assert(sizeof(std::atomic<std::uint64_t>) == kWord && std::atomic<std::uint64_t>::is_always_lock_free);

Ring::Ring(std::size_t capacity) : capacity_(capacity) {
  ATTUNE_ASSERT(capacity >= 4096 && std::has_single_bit(capacity), "a ring's capacity is a power of two");
  words_ = std::make_unique<Word[]>(capacity / kWord);
}

std::span<std::byte> Ring::claim(std::size_t size, std::uint64_t& behind) noexcept {
  ATTUNE_ASSERT(size > 0 && size % kWord == 0, "a record's size is a multiple of 8");
  if (size > max_record()) {
    return {};
  }
  const std::uint64_t frame = size + kWord;
  std::uint64_t tail = tail_.load(std::memory_order_relaxed);
  for (;;) {
    const std::uint64_t to_end = capacity_ - (tail & (capacity_ - 1));
    const std::uint64_t padding = frame > to_end ? to_end : 0;
    const std::uint64_t head = head_.load(std::memory_order_acquire);
    if (head > tail) {  // others went on, and were read, since the tail was looked at: that is no full ring
      tail = tail_.load(std::memory_order_relaxed);
      continue;
    }
    if (tail + padding + frame - head > capacity_) {
      return {};
    }
    if (!tail_.compare_exchange_weak(tail, tail + padding + frame, std::memory_order_acq_rel,
                                     std::memory_order_relaxed)) {
      continue;
    }
    if (padding > 0) {
      word(tail).store(kPadding | padding, std::memory_order_release);
      tail += padding;
    }
    behind = tail + frame;
    auto* bytes = reinterpret_cast<std::byte*>(&word(tail)) + kWord;
    return {bytes, size};
  }
}

void Ring::commit(std::span<std::byte> record) noexcept {
  auto* length = reinterpret_cast<Word*>(record.data() - kWord);
  length->store(record.size(), std::memory_order_release);
}

std::span<std::byte> Ring::next(std::uint64_t& cursor) noexcept {
  // The caller's cursor moves only onto the end of a record: never behind padding that no record follows yet.
  std::uint64_t at = cursor;
  while (at != tail_.load(std::memory_order_acquire)) {
    const std::uint64_t length = word(at).load(std::memory_order_acquire);
    if (length == 0) {
      break;
    }
    if ((length & kPadding) != 0) {
      at += length & ~kPadding;
      continue;
    }
    auto* bytes = reinterpret_cast<std::byte*>(&word(at)) + kWord;
    cursor = at + length + kWord;
    return {bytes, static_cast<std::size_t>(length)};
  }
  return {};
}

void Ring::release(std::uint64_t cursor) noexcept {
  std::uint64_t at = head_.load(std::memory_order_relaxed);
  while (at != cursor) {
    const std::uint64_t to_end = capacity_ - (at & (capacity_ - 1));
    const std::uint64_t part = std::min<std::uint64_t>(to_end, cursor - at);
    std::memset(static_cast<void*>(&word(at)), 0, static_cast<std::size_t>(part));
    at += part;
  }
  head_.store(cursor, std::memory_order_release);
}

}  // namespace attune
