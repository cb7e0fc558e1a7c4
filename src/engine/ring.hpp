// SPDX-License-Identifier: Apache-2.0
/// @file
/// Ring: a bounded lock-free queue of records of different lengths, many producers, one ordered reader.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

namespace attune {

/// Records are claimed, written in place and committed by any thread; they come out in the order of their
/// claims and stay where they are until released, so that folding and journaling share them without a copy.
///
/// A frame is an 8-byte length word and the record, 8-byte aligned. The word is zero until the record is
/// committed, and released memory is zeroed, so the reader never sees a half-written frame. This is the
/// many-to-one ring buffer of the Agrona and Aeron libraries in idea. Boost.Lockfree has no queue of records
/// whose length differs, and a queue of pointers would allocate.
///
/// Cost: one compare-and-swap a claim. Memory: `capacity` bytes, fixed.
class Ring {
 public:
  /// `capacity`: bytes, a power of two, at least 4096.
  explicit Ring(std::size_t capacity);

  /// Space for a record of `size` bytes (a multiple of 8), or an empty span when there is none now. Commit it
  /// soon: the reader waits at an uncommitted frame.
  [[nodiscard]] std::span<std::byte> claim(std::size_t size) noexcept {
    std::uint64_t behind = 0;
    return claim(size, behind);
  }
  /// `behind`: the cursor behind this record, where next() will leave its reader.
  [[nodiscard]] std::span<std::byte> claim(std::size_t size, std::uint64_t& behind) noexcept;
  static void commit(std::span<std::byte> record) noexcept;

  /// Largest record that can ever be claimed.
  [[nodiscard]] std::size_t max_record() const noexcept { return capacity_ / 8; }
  [[nodiscard]] std::size_t capacity() const noexcept { return capacity_; }

  /// The committed record at `cursor`, which then moves behind it; empty when there is none yet. Start with
  /// 0.
  [[nodiscard]] std::span<std::byte> next(std::uint64_t& cursor) noexcept;
  /// Frees everything before `cursor`. One thread; never beyond what next() gave.
  void release(std::uint64_t cursor) noexcept;

  /// Everything claimed so far lies before this cursor.
  [[nodiscard]] std::uint64_t tail() const noexcept { return tail_.load(std::memory_order_acquire); }
  [[nodiscard]] std::uint64_t head() const noexcept { return head_.load(std::memory_order_acquire); }

 private:
  using Word = std::atomic<std::uint64_t>;
  static constexpr std::uint64_t kPadding = std::uint64_t{1} << 63U;  // frame that only fills up to the end
  static constexpr std::size_t kLine = 64;

  [[nodiscard]] Word& word(std::uint64_t cursor) noexcept {
    return words_[static_cast<std::size_t>(cursor & (capacity_ - 1)) / sizeof(std::uint64_t)];
  }

  std::size_t capacity_;
  std::unique_ptr<Word[]> words_;  // NOLINT(modernize-avoid-c-arrays): atomics cannot be moved into a vector
  alignas(kLine) std::atomic<std::uint64_t> tail_{0};
  alignas(kLine) std::atomic<std::uint64_t> head_{0};
};

}  // namespace attune
