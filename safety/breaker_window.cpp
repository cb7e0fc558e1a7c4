// SPDX-License-Identifier: Apache-2.0
#include <attune/safety/breaker_window.hpp>

#include <algorithm>
#include <limits>

namespace attune::detail {

CountWindow::CountWindow(std::uint32_t size, const std::uint64_t (&weights)[kCallClasses])
    : size_(size),
      last_ticket_(std::numeric_limits<std::uint32_t>::max() / 2 / size * size),
      reciprocal_(std::numeric_limits<std::uint64_t>::max() / size + 1),
      slots_(std::make_unique<std::atomic<std::uint16_t>[]>(size)) {
  for (std::uint32_t kind = 1; kind < kCallClasses; ++kind) {
    const std::uint64_t part = std::uint64_t{1} << kCallShift | weights[kind] << kFailureShift;
    parts_[kind] = part;
    parts_[kind | kSlowBit] = part + (std::uint64_t{1} << kSlowShift);
  }
}

CountWindow::CountWindow(const CountWindow& other)
    : size_(other.size_),
      last_ticket_(other.last_ticket_),
      reciprocal_(other.reciprocal_),
      slots_(std::make_unique<std::atomic<std::uint16_t>[]>(other.size_)) {
  *this = other;
}

CountWindow& CountWindow::operator=(const CountWindow& other) {
  if (this == &other) {
    return *this;
  }
  if (size_ != other.size_) {
    slots_ = std::make_unique<std::atomic<std::uint16_t>[]>(other.size_);
  }
  size_ = other.size_;
  last_ticket_ = other.last_ticket_;
  reciprocal_ = other.reciprocal_;
  std::ranges::copy(other.parts_, parts_);
  totals_.store(other.totals_.load());
  ticket_.store(other.ticket_.load());
  for (std::uint32_t i = 0; i < size_; ++i) {
    slots_[i].store(other.slots_[i].load());
  }
  return *this;
}

bool CountWindow::replace(std::atomic<std::uint16_t>& slot, std::uint16_t seen, std::uint16_t mine) noexcept {
  const auto tag = static_cast<std::uint32_t>(mine >> kKindBits);
  do {
    // Ahead by less than half of all tags: a later generation, and this thread was held up.
    const std::uint32_t ahead = (static_cast<std::uint32_t>(seen >> kKindBits) - tag) & kTagMask;
    if (ahead != 0 && ahead < (kTagMask + 1) / 2) {
      return false;
    }
  } while (!slot.compare_exchange_weak(seen, mine, std::memory_order_relaxed));
  std::uint64_t change = parts_[mine & kKindMask];
  if ((seen >> kKindBits) == tag) {
    change -= parts_[seen & kKindMask];
  }
  std::uint64_t totals = totals_.load(std::memory_order_relaxed);
  do {
    if ((totals & kTagMask) != tag) {
      return false;
    }
  } while (!totals_.compare_exchange_weak(totals, totals + change, std::memory_order_relaxed));
  return true;
}

WindowCounts CountWindow::scan(std::uint64_t generation) const noexcept {
  std::uint64_t sum = 0;
  for (std::uint32_t i = 0; i < size_; ++i) {
    const std::uint16_t slot = slots_[i].load(std::memory_order_relaxed);
    if ((slot >> kKindBits) == (generation & kTagMask)) {
      sum += parts_[slot & kKindMask];
    }
  }
  return {sum >> kCallShift, sum >> kFailureShift & kFailureMask, sum >> kSlowShift & kSlowMask};
}

void CountWindow::reset(std::uint64_t generation) noexcept {
  const auto empty = static_cast<std::uint16_t>((generation & kTagMask) << kKindBits);
  for (std::uint32_t i = 0; i < size_; ++i) {
    slots_[i].store(empty, std::memory_order_relaxed);
  }
  totals_.store(generation & kTagMask, std::memory_order_relaxed);
}

void CountWindow::save(Writer& writer, std::uint64_t generation) const {
  writer.u32(size_);
  const std::uint32_t oldest = ticket_.load(std::memory_order_relaxed) % size_;
  for (std::uint32_t i = 0; i < size_; ++i) {
    const std::uint16_t slot = slots_[(oldest + i) % size_].load(std::memory_order_relaxed);
    const bool mine = (slot >> kKindBits) == (generation & kTagMask);
    writer.u8(mine ? static_cast<std::uint8_t>(slot & kKindMask) : std::uint8_t{0});
  }
}

void CountWindow::load(Reader& reader, std::uint64_t generation) {
  if (reader.u32() != size_) {
    reader.fail_now();
    return;
  }
  reset(generation);
  ticket_.store(0, std::memory_order_relaxed);
  std::uint64_t sum = generation & kTagMask;
  for (std::uint32_t i = 0; i < size_; ++i) {
    const std::uint32_t kind = reader.u8();
    if (kind > kKindMask || (kind != 0 && parts_[kind] == 0)) {
      reader.fail_now();
      return;
    }
    sum += parts_[kind];
    slots_[i].store(static_cast<std::uint16_t>((generation & kTagMask) << kKindBits | kind),
                    std::memory_order_relaxed);
  }
  totals_.store(sum, std::memory_order_relaxed);
}

TimeWindow::TimeWindow(std::uint32_t buckets, Nanos width)
    : width_(static_cast<std::uint64_t>(width)), finished_(buckets - 1) {}

TimeWindow::TimeWindow(const TimeWindow& other) : width_(other.width_) { *this = other; }

TimeWindow& TimeWindow::operator=(const TimeWindow& other) {
  if (this == &other) {
    return *this;
  }
  start_.store(other.start_.load());
  width_ = other.width_;
  finished_ = other.finished_;
  running_calls_.copy(other.running_calls_);
  running_failures_.copy(other.running_failures_);
  running_slow_.copy(other.running_slow_);
  sum_up();
  return *this;
}

void TimeWindow::sum_up() noexcept {
  WindowCounts sum;
  for (const WindowCounts& bucket : finished_) {
    sum.calls += bucket.calls;
    sum.failures += bucket.failures;
    sum.slow += bucket.slow;
  }
  finished_calls_.store(sum.calls, std::memory_order_relaxed);
  finished_failures_.store(sum.failures, std::memory_order_relaxed);
  finished_slow_.store(sum.slow, std::memory_order_relaxed);
}

void TimeWindow::roll(std::uint64_t generation, Nanos now) noexcept {
  const Nanos start = start_.load(std::memory_order_relaxed);
  const std::uint64_t buckets = finished_.size() + 1;
  if (now < start) {
    if (since(start, now) > buckets * width_) {
      reset(generation, now);
    }
    return;
  }
  const std::uint64_t steps = since(now, start) / width_;
  if (steps == 0) {
    return;
  }
  WindowCounts closed;
  closed.failures = running_failures_.start(generation);
  closed.slow = running_slow_.start(generation);
  closed.calls = running_calls_.start(generation);
  if (steps >= buckets) {
    std::ranges::fill(finished_, WindowCounts{});
  } else {
    const auto shift = static_cast<std::ptrdiff_t>(steps);
    std::shift_right(finished_.begin(), finished_.end(), shift);
    std::fill(finished_.begin(), finished_.begin() + shift, WindowCounts{});
    finished_[steps - 1] = closed;
  }
  sum_up();
  start_.store(static_cast<Nanos>(static_cast<std::uint64_t>(start) + steps * width_),
               std::memory_order_relaxed);
}

void TimeWindow::reset(std::uint64_t generation, Nanos now) noexcept {
  std::ranges::fill(finished_, WindowCounts{});
  sum_up();
  running_calls_.start(generation);
  running_failures_.start(generation);
  running_slow_.start(generation);
  start_.store(now, std::memory_order_relaxed);
}

void TimeWindow::anchor(Nanos now) noexcept {
  const Nanos start = start_.load(std::memory_order_relaxed);
  start_.store(static_cast<Nanos>(static_cast<std::uint64_t>(now) + static_cast<std::uint64_t>(start)),
               std::memory_order_relaxed);
}

void TimeWindow::save(Writer& writer, Nanos now) const {
  writer.u32(static_cast<std::uint32_t>(finished_.size()));
  const Nanos start = start_.load(std::memory_order_relaxed);
  writer.u64(now < start ? 0 : std::min(since(now, start), width_));
  const auto put = [&writer](const WindowCounts& bucket) {
    // A call that was added while its bucket was closed may have left its failure in the next.
    writer.u64(bucket.calls);
    writer.u64(std::min(bucket.failures, bucket.calls * kWholeCall));
    writer.u64(std::min(bucket.slow, bucket.calls));
  };
  put({running_calls_.count(), running_failures_.count(), running_slow_.count()});
  std::ranges::for_each(finished_, put);
}

void TimeWindow::load(Reader& reader, std::uint64_t generation) {
  if (reader.u32() != finished_.size()) {
    reader.fail_now();
    return;
  }
  const std::uint64_t phase = reader.u64();
  if (phase > width_) {
    reader.fail_now();
    return;
  }
  const auto get = [&reader] {
    WindowCounts bucket;
    bucket.calls = reader.u64();
    bucket.failures = reader.u64();
    bucket.slow = reader.u64();
    // A sum of all buckets must not overflow, and no bucket holds more than there were calls.
    if (bucket.calls > TaggedCount::kLimit / kWholeCall || bucket.failures > bucket.calls * kWholeCall ||
        bucket.slow > bucket.calls) {
      reader.fail_now();
      bucket = {};
    }
    return bucket;
  };
  const WindowCounts running = get();
  running_calls_.start(generation, running.calls);
  running_failures_.start(generation, running.failures);
  running_slow_.start(generation, running.slow);
  std::ranges::generate(finished_, get);
  sum_up();
  start_.store(-static_cast<Nanos>(phase), std::memory_order_relaxed);
}

}  // namespace attune::detail
