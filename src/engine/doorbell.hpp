// SPDX-License-Identifier: Apache-2.0
/// @file
/// Doorbell: a thread that rests for a while, and others that may wake it.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>

namespace attune {

/// One thread rests, any thread rings. Ringing costs one atomic operation unless the other rests: then it is
/// a system call, so those who must not make one do not ring, and are found when the rest is over.
class Doorbell {
 public:
  /// Rests until rung, or the time is over; not at all when `busy()` is true.
  template <class Busy>
  void rest(std::chrono::nanoseconds time, Busy&& busy) {
    std::unique_lock lock(mutex_);
    resting_.exchange(1, std::memory_order_seq_cst);
    if (!busy()) {
      woken_.wait_for(lock, time, [this] { return rung_; });
    }
    rung_ = false;
    resting_.store(0, std::memory_order_relaxed);
  }

  /// What the caller did before is seen by `busy`, or the rest is seen here: both sides read, modify and
  /// write the same word, and one of them is first.
  void ring() {
    if (resting_.fetch_or(0, std::memory_order_seq_cst) != 0) {
      const std::scoped_lock lock(mutex_);
      rung_ = true;
      woken_.notify_one();
    }
  }

 private:
  std::atomic<std::uint32_t> resting_{0};
  std::mutex mutex_;
  std::condition_variable woken_;
  bool rung_ = false;
};

}  // namespace attune
