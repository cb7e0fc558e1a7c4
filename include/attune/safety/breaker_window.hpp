// SPDX-License-Identifier: Apache-2.0
/// @file
/// The sliding windows of CircuitBreaker: the newest N calls, or the calls of the last seconds.
///
/// Both are written by many threads without a lock. Every number carries in its lowest bits the generation
/// that it belongs to, and is changed by compare-and-swap of the whole: a thread that was held up while the
/// window was reset finds another generation and adds nothing.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include <attune/core/clock.hpp>
#include <attune/core/serial.hpp>

namespace attune {

/// What a window holds. Failures are weighted, in hundredths of a call.
struct WindowCounts {
  std::uint64_t calls = 0;
  std::uint64_t failures = 0;
  std::uint64_t slow = 0;

  bool operator==(const WindowCounts&) const = default;
};

namespace detail {

/// What a weight is multiplied by to be counted.
inline constexpr std::uint64_t kWholeCall = 100;
inline constexpr std::size_t kCallClasses = 6;  // 0: no call; then the counted values of CallResult
inline constexpr std::uint32_t kSlowBit = 8;    // beside the class of a call

/// A count of 44 bits above a generation of 20.
class TaggedCount {
 public:
  TaggedCount() = default;

  /// False, and nothing changed, where the generation is another or the count is at its limit.
  bool add(std::uint64_t generation, std::uint64_t amount) noexcept {
    std::uint64_t seen = word_.load(std::memory_order_relaxed);
    do {
      if ((seen & kTagMask) != (generation & kTagMask) || (seen >> kTagBits) + amount > kLimit) {
        return false;
      }
    } while (!word_.compare_exchange_weak(seen, seen + (amount << kTagBits), std::memory_order_relaxed));
    return true;
  }
  /// To zero, unless the generation is another. Writes only where there is something to clear.
  void clear(std::uint64_t generation) noexcept {
    const std::uint64_t empty = generation & kTagMask;
    std::uint64_t seen = word_.load(std::memory_order_relaxed);
    while (seen != empty && (seen & kTagMask) == empty &&
           !word_.compare_exchange_weak(seen, empty, std::memory_order_relaxed)) {
    }
  }
  /// Starts a generation at `count`; gives the count before.
  std::uint64_t start(std::uint64_t generation, std::uint64_t count = 0) noexcept {
    return word_.exchange(count << kTagBits | (generation & kTagMask), std::memory_order_relaxed) >> kTagBits;
  }
  [[nodiscard]] std::uint64_t count() const noexcept {
    return word_.load(std::memory_order_relaxed) >> kTagBits;
  }
  /// Count and generation of another.
  void copy(const TaggedCount& other) noexcept { word_.store(other.word_.load()); }

  static constexpr std::uint64_t kLimit = (std::uint64_t{1} << 43U) - 1;

 private:
  static constexpr unsigned kTagBits = 20;
  static constexpr std::uint64_t kTagMask = (std::uint64_t{1} << kTagBits) - 1;

  std::atomic<std::uint64_t> word_{0};
};

/// The newest `size` calls: one slot each, and running totals of the slots.
///
/// A ticket says whose turn a slot is; an outcome that equals the one that it replaces writes nothing else.
/// The totals may lag behind the slots while a thread stands between the two; scan() is exact.
/// Cost: one atomic addition a call, and two compare-and-swaps where the outcome differs; 2 bytes a slot.
class CountWindow {
 public:
  static constexpr std::uint32_t kLargest = 16384;

  /// `weights[c]`: hundredths of a failure that a call of class c is.
  CountWindow(std::uint32_t size, const std::uint64_t (&weights)[kCallClasses]);
  CountWindow(const CountWindow& other);
  CountWindow& operator=(const CountWindow& other);
  CountWindow(CountWindow&&) noexcept = delete;
  CountWindow& operator=(CountWindow&&) noexcept = delete;
  ~CountWindow() = default;

  /// `kind`: the class, with kSlowBit. False where the generation is another.
  bool add(std::uint64_t generation, std::uint32_t kind) noexcept {
    const std::uint32_t index = next_slot();
    const auto mine = static_cast<std::uint16_t>((generation & kTagMask) << kKindBits | kind);
    std::atomic<std::uint16_t>& slot = slots_[index];
    std::uint16_t seen = slot.load(std::memory_order_relaxed);
    if (seen == mine) [[likely]] {
      return true;
    }
    return replace(slot, seen, mine);
  }
  [[nodiscard]] WindowCounts counts() const noexcept {
    const std::uint64_t totals = totals_.load(std::memory_order_relaxed);
    return {totals >> kCallShift, totals >> kFailureShift & kFailureMask, totals >> kSlowShift & kSlowMask};
  }
  /// Counted anew, slot by slot. Cost: O(size).
  [[nodiscard]] WindowCounts scan(std::uint64_t generation) const noexcept;
  void reset(std::uint64_t generation) noexcept;

  /// Oldest call first. Of calls that are added meanwhile some may be missing.
  void save(Writer& writer, std::uint64_t generation) const;
  /// Fails the reader on what cannot be.
  void load(Reader& reader, std::uint64_t generation);

 private:
  static constexpr unsigned kTagBits = 12;
  static constexpr unsigned kKindBits = 4;
  static constexpr std::uint64_t kTagMask = (1U << kTagBits) - 1;
  static constexpr std::uint32_t kKindMask = (1U << kKindBits) - 1;
  // Above the tag: what is borrowed for a moment by one count never reaches the tag.
  static constexpr unsigned kSlowShift = 12;
  static constexpr unsigned kFailureShift = 27;
  static constexpr unsigned kCallShift = 49;
  static constexpr std::uint64_t kSlowMask = (1U << 15U) - 1;
  static constexpr std::uint64_t kFailureMask = (1U << 22U) - 1;

  [[nodiscard]] std::uint32_t next_slot() noexcept {
    std::uint32_t ticket = ticket_.fetch_add(1, std::memory_order_relaxed);
    if (ticket >= last_ticket_) [[unlikely]] {  // back to the beginning without skipping a slot
      ticket -= last_ticket_;
      if (ticket == 0) {
        ticket_.fetch_sub(last_ticket_, std::memory_order_relaxed);
      }
    }
    // ticket % size_ in two multiplications: Lemire, Kaser, Kurz (2019), "Faster Remainder by Direct
    // Computation", Software: Practice and Experience 49(6).
    __extension__ using Wide = unsigned __int128;
    const std::uint64_t fraction = reciprocal_ * ticket;
    return static_cast<std::uint32_t>(static_cast<Wide>(fraction) * size_ >> 64U);
  }
  bool replace(std::atomic<std::uint16_t>& slot, std::uint16_t seen, std::uint16_t mine) noexcept;

  std::atomic<std::uint64_t> totals_{0};
  std::atomic<std::uint32_t> ticket_{0};
  std::uint32_t size_;
  std::uint32_t last_ticket_;  // a multiple of size_
  std::uint64_t reciprocal_;
  std::uint64_t parts_[kKindMask + 1] = {};  // what a call of each kind is in the totals
  std::unique_ptr<std::atomic<std::uint16_t>[]> slots_;
};

/// The calls of the last `buckets` x `width`: counts of the running bucket, and of the finished ones.
///
/// Calls are added to the running bucket alone; whoever finds it over closes it by roll(), which needs the
/// breaker's lock. A bucket leaves the window whole. A time before the running bucket counts into it, unless
/// it is before the whole window: then the clock was set back and the window starts anew.
///
/// Cost: one
/// compare-and-swap a call, one more for a failure and for a slow call; 24 bytes a bucket.
class TimeWindow {
 public:
  static constexpr std::uint32_t kMostBuckets = 1024;

  TimeWindow(std::uint32_t buckets, Nanos width);
  TimeWindow(const TimeWindow& other);
  TimeWindow& operator=(const TimeWindow& other);
  TimeWindow(TimeWindow&&) noexcept = delete;
  TimeWindow& operator=(TimeWindow&&) noexcept = delete;
  ~TimeWindow() = default;

  /// Is `now` within the running bucket? If not, roll() comes first.
  [[nodiscard]] bool covers(Nanos now) const noexcept {
    return since(now, start_.load(std::memory_order_relaxed)) < width_;
  }
  bool add(std::uint64_t generation, std::uint64_t failure, bool slow) noexcept {
    if (!running_calls_.add(generation, 1)) {
      return false;
    }
    if (failure != 0) {
      (void)running_failures_.add(generation, failure);
    }
    if (slow) {
      (void)running_slow_.add(generation, 1);
    }
    return true;
  }
  [[nodiscard]] WindowCounts counts() const noexcept {
    return {finished_calls_.load(std::memory_order_relaxed) + running_calls_.count(),
            finished_failures_.load(std::memory_order_relaxed) + running_failures_.count(),
            finished_slow_.load(std::memory_order_relaxed) + running_slow_.count()};
  }
  /// Under the lock. Closes the buckets that are over at `now`.
  void roll(std::uint64_t generation, Nanos now) noexcept;
  /// Under the lock. Empties the window; the running bucket starts at `now`.
  void reset(std::uint64_t generation, Nanos now) noexcept;
  /// Under the lock. After load, which leaves times relative to an instant 0: that instant is `now`.
  void anchor(Nanos now) noexcept;

  /// `now`: for how far the running bucket is. Of calls that are added meanwhile some may be missing.
  void save(Writer& writer, Nanos now) const;
  /// Fails the reader on what cannot be. anchor() must follow before the first call is added.
  void load(Reader& reader, std::uint64_t generation);

 private:
  /// From `start` to `now`; huge where `now` is before. Never overflows.
  [[nodiscard]] static std::uint64_t since(Nanos now, Nanos start) noexcept {
    return static_cast<std::uint64_t>(now) - static_cast<std::uint64_t>(start);
  }
  void sum_up() noexcept;

  std::atomic<Nanos> start_{0};  // of the running bucket
  std::uint64_t width_;
  TaggedCount running_calls_;
  TaggedCount running_failures_;
  TaggedCount running_slow_;
  std::atomic<std::uint64_t> finished_calls_{0};
  std::atomic<std::uint64_t> finished_failures_{0};
  std::atomic<std::uint64_t> finished_slow_{0};
  std::vector<WindowCounts> finished_;  // newest first; under the lock
};

}  // namespace detail
}  // namespace attune
