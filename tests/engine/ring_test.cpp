// SPDX-License-Identifier: Apache-2.0
#include "engine/ring.hpp"

#include <array>
#include <atomic>
#include <cstdint>
#include <cstring>
#include <semaphore>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace attune::ring_test {
namespace {

constexpr std::size_t kCapacity = 4096;

bool put(Ring& ring, std::uint64_t value, std::size_t size) {
  const std::span<std::byte> room = ring.claim(size);
  if (room.empty()) {
    return false;
  }
  for (std::size_t at = 0; at < size; at += sizeof value) {
    std::memcpy(room.data() + at, &value, sizeof value);
  }
  Ring::commit(room);
  return true;
}

std::uint64_t first_word(std::span<const std::byte> record) {
  std::uint64_t value = 0;
  std::memcpy(&value, record.data(), sizeof value);
  return value;
}

TEST(Ring, GivesRecordsInOrderAcrossManyLaps) {
  Ring ring(kCapacity);
  std::uint64_t cursor = 0;
  std::uint64_t written = 0;
  std::uint64_t read = 0;
  while (read < 10'000) {
    while (put(ring, ~written, 8 * (1 + written % 13))) {
      ++written;
    }
    for (std::span<std::byte> record = ring.next(cursor); !record.empty(); record = ring.next(cursor)) {
      ASSERT_EQ(record.size(), 8 * (1 + read % 13));
      ASSERT_EQ(first_word(record), ~read);
      ASSERT_EQ(first_word(record.last(8)), ~read);
      ++read;
    }
    ring.release(cursor);
    ASSERT_EQ(read, written);
  }
}

TEST(Ring, RefusesWhenFullAndTakesAgainAfterRelease) {
  Ring ring(kCapacity);
  std::size_t taken = 0;
  while (put(ring, taken, 56)) {
    ++taken;
  }
  EXPECT_EQ(taken, kCapacity / 64);
  std::uint64_t cursor = 0;
  ASSERT_FALSE(ring.next(cursor).empty());
  EXPECT_FALSE(put(ring, 1, 56));  // read, not yet released
  ring.release(cursor);
  EXPECT_TRUE(put(ring, 1, 56));
}

TEST(Ring, StopsAtAnUncommittedRecord) {
  Ring ring(kCapacity);
  const std::span<std::byte> slow = ring.claim(8);
  ASSERT_TRUE(put(ring, 2, 8));
  std::uint64_t cursor = 0;
  EXPECT_TRUE(ring.next(cursor).empty());
  EXPECT_EQ(cursor, 0U);
  Ring::commit(slow);
  EXPECT_FALSE(ring.next(cursor).empty());
  EXPECT_EQ(first_word(ring.next(cursor)), 2U);
}

TEST(Ring, TheCursorNeverStandsBehindPaddingThatNoRecordFollows) {
  Ring ring(kCapacity);
  ASSERT_TRUE(put(ring, 1, kCapacity / 8));
  std::uint64_t cursor = 0;
  while (!ring.next(cursor).empty()) {
    ring.release(cursor);
    if (ring.tail() + kCapacity / 8 > kCapacity) {
      break;
    }
    ASSERT_TRUE(put(ring, 1, kCapacity / 8));
  }
  const std::uint64_t before = cursor;
  const std::span<std::byte> wrapped =
      ring.claim(kCapacity / 8);  // does not fit before the end: padding, then it
  ASSERT_FALSE(wrapped.empty());
  EXPECT_TRUE(ring.next(cursor).empty());
  EXPECT_EQ(cursor, before);
  Ring::commit(wrapped);
  EXPECT_EQ(ring.next(cursor).size(), kCapacity / 8);
}

TEST(Ring, NothingIsLostOrReorderedPerProducerAmongManyThreads) {
  constexpr std::size_t kProducers = 4;
  constexpr std::uint64_t kEach = 20'000;
  Ring ring(1U << 14U);
  std::vector<std::thread> producers;
  for (std::uint64_t id = 0; id < kProducers; ++id) {
    producers.emplace_back([&ring, id] {
      for (std::uint64_t i = 0; i < kEach; ++i) {
        while (!put(ring, (id << 32U) | i, 8 * (1 + (i + id) % 7))) {
          std::this_thread::yield();
        }
      }
    });
  }
  std::array<std::uint64_t, kProducers> next{};
  std::uint64_t cursor = 0;
  for (std::uint64_t total = 0; total < kProducers * kEach;) {
    const std::span<std::byte> record = ring.next(cursor);
    if (record.empty()) {
      std::this_thread::yield();
      continue;
    }
    const std::uint64_t value = first_word(record);
    std::uint64_t& expected = next.at(value >> 32U);
    ASSERT_EQ(value & 0xFFFFFFFFU, expected);
    ASSERT_EQ(first_word(record.last(8)), value);
    ++expected;
    ++total;
    ring.release(cursor);
  }
  for (std::thread& producer : producers) {
    producer.join();
  }
  EXPECT_EQ(ring.head(), ring.tail());
}

TEST(Ring, IsNeverFullWhileThereIsRoom) {
  constexpr std::size_t kProducers = 4;
  constexpr std::size_t kEach = 5'000;
  constexpr std::size_t kFrame = 64;
  Ring ring(kCapacity);
  std::counting_semaphore<> room(kCapacity / 2 / kFrame);
  std::atomic<std::size_t> refused{0};
  std::vector<std::thread> producers;
  for (std::size_t id = 0; id < kProducers; ++id) {
    producers.emplace_back([&] {
      for (std::size_t i = 0; i < kEach; ++i) {
        room.acquire();
        while (!put(ring, i, kFrame - 8)) {
          ++refused;
        }
      }
    });
  }
  std::uint64_t cursor = 0;
  for (std::size_t total = 0; total < kProducers * kEach;) {
    if (ring.next(cursor).empty()) {
      std::this_thread::yield();
      continue;
    }
    ring.release(cursor);
    room.release();
    ++total;
  }
  for (std::thread& producer : producers) {
    producer.join();
  }
  EXPECT_EQ(refused, 0U);
}

}  // namespace
}  // namespace attune::ring_test
