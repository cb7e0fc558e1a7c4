// SPDX-License-Identifier: Apache-2.0
// Thread mode: one thread folds, one commits. Both read the same ring, each with its own cursor, so no record
// is copied.
#include <algorithm>
#include <chrono>

#include "engine/engine_impl.hpp"

namespace attune {
namespace {

constexpr std::size_t kFoldBatch = 1024;
constexpr std::chrono::microseconds kShortPause{50};
constexpr std::chrono::microseconds kLongPause{1000};
constexpr std::chrono::milliseconds kRetryPause{100};

/// Sleeps longer the longer there was nothing to do. Producers never have to wake anyone: that would be a
/// system call.
class Idle {
 public:
  void worked() noexcept { pause_ = kShortPause; }
  void rest() {
    std::this_thread::sleep_for(pause_);
    pause_ = std::min(pause_ * 2, kLongPause);
  }

 private:
  std::chrono::microseconds pause_ = kShortPause;
};

}  // namespace

void Engine::Impl::start_threads() {
  learner_thread = std::thread([this] { learner_loop(); });
  journal_thread = std::thread([this] { journal_loop(); });
}

void Engine::Impl::stop_threads() {
  if (!learner_thread.joinable()) {
    return;
  }
  static_cast<void>(wait_for(ring.tail()));
  stopping.store(true);
  learner_thread.join();
  journal_thread.join();
}

void Engine::Impl::learner_loop() {
  Idle idle;
  while (!stopping.load(std::memory_order_acquire)) {
    std::size_t count = 0;
    {
      const std::scoped_lock lock(learner_mutex);
      const Nanos now = clock->now();
      push_ticks(now);
      count = fold_available(kFoldBatch);
      const std::scoped_lock guard(snapshot_mutex);
      const bool asked = checkpoint_requests.load() > checkpoint_answers.load();
      if (options.journal != nullptr && !snapshot && (asked || checkpoint_due(now))) {
        snapshot = Snapshot{.state = state(),
                            .cursor = fold_cursor,
                            .position = position,
                            .time = now,
                            .requests = checkpoint_requests.load()};
        last_checkpoint_position = position;
        last_checkpoint_time = now;
      }
    }
    if (count > 0) {
      idle.worked();
    } else {
      idle.rest();
    }
  }
}

void Engine::Impl::journal_loop() {
  Idle idle;
  std::uint64_t last_position = store_status().durable_position;
  std::optional<Snapshot> taken;  // kept until it is committed
  for (;;) {
    const bool last_round = stopping.load(std::memory_order_acquire);
    if (!taken) {
      const std::scoped_lock guard(snapshot_mutex);
      taken.swap(snapshot);
    }
    // A state goes into the same transaction as the last record it contains.
    const std::uint64_t end = taken ? taken->cursor : folded.load(std::memory_order_acquire);
    if (end == commit_cursor && !taken) {
      if (last_round) {
        return;
      }
      idle.rest();
      continue;
    }
    if (!commit_until(end, taken ? &*taken : nullptr, last_position)) {
      if (last_round) {
        return;
      }
      std::this_thread::sleep_for(kRetryPause);
      continue;
    }
    taken.reset();
    idle.worked();
  }
}

/// One transaction: the records before `end`, and the state that contains exactly them. False: the store
/// failed.
bool Engine::Impl::commit_until(std::uint64_t end, const Snapshot* taken, std::uint64_t& last_position) {
  if (options.journal != nullptr) {
    batch.clear();
    for (std::uint64_t cursor = commit_cursor; cursor != end;) {
      batch.emplace_back(ring.next(cursor));
    }
    const std::uint64_t last = last_position + batch.size();
    if (!append(batch, taken == nullptr ? nullptr : &taken->state, taken == nullptr ? 0 : taken->time,
                last)) {
      return false;
    }
    last_position = last;
  }
  commit_cursor = end;
  ring.release(end);
  committed.store(end, std::memory_order_release);
  if (taken != nullptr) {
    checkpoint_answers.store(std::max(checkpoint_answers.load(), taken->requests));
  }
  return true;
}

Result<void> Engine::Impl::wait_for(std::uint64_t tail) {
  while (committed.load(std::memory_order_acquire) < tail) {
    if (store_failing.load()) {
      return fail(Errc::io, "not everything is durable: " + store_status().error);
    }
    std::this_thread::sleep_for(kShortPause);
  }
  return {};
}

}  // namespace attune
