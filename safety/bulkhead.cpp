// SPDX-License-Identifier: Apache-2.0
#include <attune/safety/bulkhead.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>

namespace attune {

struct Bulkhead::Room {
  static constexpr std::uint64_t kRunning = 1;
  static constexpr std::uint64_t kWaiting = std::uint64_t{1} << 32U;

  explicit Room(const Config& config) : limit(config.limit), queue(config.queue) {}

  static std::uint64_t running(std::uint64_t word) noexcept { return word & (kWaiting - 1); }
  static std::uint64_t waiting(std::uint64_t word) noexcept { return word >> 32U; }

  /// Adds `change` while `allowed(word)`.
  template <class Allowed>
  bool change(std::uint64_t by, const Allowed& allowed) noexcept {
    std::uint64_t seen = word.load(std::memory_order_relaxed);
    do {
      if (!allowed(seen)) {
        return false;
      }
    } while (!word.compare_exchange_weak(seen, seen + by, std::memory_order_acq_rel));
    return true;
  }
  bool start() noexcept {
    return change(kRunning,
                  [this](std::uint64_t seen) { return running(seen) < limit && waiting(seen) == 0; });
  }
  bool stop_waiting_and_start() noexcept {
    return change(kRunning - kWaiting, [this](std::uint64_t seen) { return running(seen) < limit; });
  }

  const std::uint64_t limit;
  const std::uint64_t queue;
  std::atomic<std::uint64_t> word{0};  // low half: running; high half: waiting
  std::atomic<std::uint64_t> refused_full{0};
  std::atomic<std::uint64_t> refused_queue{0};
  std::atomic<std::uint64_t> timed_out{0};
  std::mutex mutex;
  std::condition_variable left;
};

Result<Bulkhead> Bulkhead::make(const Config& config) {
  if (Result<void> verdict = check_bounds(config); !verdict) {
    return tl::unexpected(std::move(verdict).error());
  }
  return Bulkhead(std::make_shared<Room>(config));
}

Bulkhead::Place& Bulkhead::Place::operator=(Place&& other) noexcept {
  if (this != &other) {
    leave();
    room_ = std::move(other.room_);
  }
  return *this;
}

void Bulkhead::Place::leave() noexcept {
  if (const std::shared_ptr<Room> room = std::move(room_)) {
    const std::uint64_t before = room->word.fetch_sub(Room::kRunning, std::memory_order_acq_rel);
    if (Room::waiting(before) > 0) {
      // With the lock: not between a waiter's look and its sleep.
      const std::lock_guard lock(room->mutex);
      room->left.notify_one();
    }
  }
}

Bulkhead::Place Bulkhead::try_enter() noexcept {
  if (room_->start()) {
    return Place(room_);
  }
  room_->refused_full.fetch_add(1, std::memory_order_relaxed);
  return {};
}

Bulkhead::Place Bulkhead::enter(Nanos patience) {
  if (room_->start()) {
    return Place(room_);
  }
  if (!room_->change(Room::kWaiting,
                     [this](std::uint64_t seen) { return Room::waiting(seen) < room_->queue; })) {
    room_->refused_queue.fetch_add(1, std::memory_order_relaxed);
    return {};
  }
  // No longer than a year: the clock's time and this must not overflow.
  const std::chrono::nanoseconds wait(std::clamp<Nanos>(patience, 0, 31'536'000 * kSecond));
  std::unique_lock lock(room_->mutex);
  if (room_->left.wait_for(lock, wait, [this] { return room_->stop_waiting_and_start(); })) {
    return Place(room_);
  }
  room_->word.fetch_sub(Room::kWaiting, std::memory_order_acq_rel);
  room_->timed_out.fetch_add(1, std::memory_order_relaxed);
  return {};
}

BulkheadStatus Bulkhead::status() const noexcept {
  const std::uint64_t word = room_->word.load(std::memory_order_relaxed);
  return {static_cast<std::uint32_t>(Room::running(word)), static_cast<std::uint32_t>(Room::waiting(word)),
          room_->refused_full.load(std::memory_order_relaxed),
          room_->refused_queue.load(std::memory_order_relaxed),
          room_->timed_out.load(std::memory_order_relaxed)};
}

}  // namespace attune
