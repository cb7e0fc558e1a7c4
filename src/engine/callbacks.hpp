// SPDX-License-Identifier: Apache-2.0
/// @file
/// DurableCallbacks: who is to be called when a record is durable.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <mutex>
#include <vector>

#include <attune/core/error.hpp>
#include <attune/engine/engine.hpp>

namespace attune {

/// A bounded queue by ticket; of equal tickets, by who came first. Threads: all members but run() from many.
class DurableCallbacks {
 public:
  explicit DurableCallbacks(std::size_t limit) noexcept : limit_(limit) {}

  /// False: there are `limit` already.
  [[nodiscard]] bool add(std::uint64_t ticket, DurableCallback callback);
  [[nodiscard]] std::size_t size() const noexcept { return size_.load(std::memory_order_acquire); }
  /// As size() > 0, ordered with add() as if under a lock.
  [[nodiscard]] bool any() noexcept { return size_.fetch_or(0, std::memory_order_seq_cst) > 0; }
  /// Whether run(ticket) would call somebody.
  [[nodiscard]] bool due(std::uint64_t ticket) const noexcept {
    return first_.load(std::memory_order_acquire) <= ticket;
  }
  /// Calls those up to `ticket` with `verdict`, outside the lock. One caller at a time. Returns how many
  /// threw: a callback's exception must not end the engine's thread.
  std::size_t run(std::uint64_t ticket, const Result<void>& verdict);

 private:
  struct Entry {
    std::uint64_t ticket = 0;
    std::uint64_t number = 0;
    DurableCallback callback;
  };
  static bool later(const Entry& a, const Entry& b) noexcept {
    return a.ticket != b.ticket ? a.ticket > b.ticket : a.number > b.number;
  }

  std::size_t limit_;
  std::atomic<std::size_t> size_{0};
  std::atomic<std::uint64_t> first_{std::numeric_limits<std::uint64_t>::max()};  ///< smallest ticket
  std::mutex mutex_;
  std::vector<Entry> heap_;
  std::uint64_t next_number_ = 0;
  std::vector<DurableCallback> due_;  // of the one caller of run()
};

}  // namespace attune
