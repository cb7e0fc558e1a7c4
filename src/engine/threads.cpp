// SPDX-License-Identifier: Apache-2.0
// Thread mode: one thread folds, one commits. Both read the same ring, each with its own cursor, so no record
// is copied.
#include <algorithm>
#include <chrono>
#include <limits>

#include "engine/engine_impl.hpp"

namespace attune {
namespace {

constexpr std::size_t kFoldBatch = 1024;
constexpr std::size_t kFoldForWaiters = 8192;
constexpr std::size_t kSlice = 64;
constexpr std::chrono::microseconds kShortPause{50};
constexpr std::chrono::microseconds kLongPause{1000};

/// Rests longer the longer there was nothing to do. Producers at async points never have to wake anyone: that
/// would be a system call. Those who wait for a commit ring.
class Idle {
 public:
  void worked() noexcept { pause_ = kShortPause; }
  template <class Busy>
  void rest(Doorbell& bell, Busy&& busy) {
    bell.rest(pause_, busy);
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
  {
    // That ends early when the store failed, and it may work again: what is queued is folded before the
    // learner ends, so that the journal's last round has all of it.
    const std::scoped_lock lock(learner_mutex);
    fold_available(std::numeric_limits<std::size_t>::max());
  }
  stopping.store(true);
  learner_bell.ring();
  learner_thread.join();
  journal_bell.ring();
  journal_thread.join();
  const std::scoped_lock lock(wait_mutex);
  wait_condition.notify_all();
}

void Engine::Impl::learner_loop() {
  Idle idle;
  std::uint64_t requests_taken = 0;
  while (!stopping.load(std::memory_order_acquire)) {
    std::size_t count = 0;
    {
      const std::scoped_lock lock(learner_mutex);
      const Nanos now = clock->now();
      push_ticks(now);
      count = fold_available(kFoldBatch);
      const std::scoped_lock guard(snapshot_mutex);
      const std::uint64_t requests = checkpoint_requests.load();
      if (options.journal != nullptr && !snapshot && (requests > requests_taken || checkpoint_due(now))) {
        snapshot = Snapshot{
            .state = state(), .cursor = fold_cursor, .position = position, .time = now, .requests = requests};
        requests_taken = requests;
        last_checkpoint_position = position;
        last_checkpoint_time = now;
        journal_bell.ring();
      }
    }
    run_retrains();
    if (count > 0) {
      idle.worked();
      if (somebody_waits()) {
        journal_bell.ring();
      }
    } else {
      idle.rest(learner_bell, [this, requests_taken] {
        // Under the lock: the journal thread, too, folds, and then releases what would be looked at here.
        const std::scoped_lock lock(learner_mutex);
        if (has_unfolded() || stopping.load()) {
          return true;
        }
        // While the journal thread has not taken the last state, the next one cannot be made: rest until it
        // has.
        const std::scoped_lock guard(snapshot_mutex);
        return !snapshot && checkpoint_requests.load() > requests_taken;
      });
    }
  }
  run_retrains();
}

/// The journal thread may call it at any time, for nobody else releases; any other only under learner_mutex.
bool Engine::Impl::has_unfolded() noexcept {
  std::uint64_t cursor = folded.load(std::memory_order_acquire);
  return !ring.next(cursor).empty();
}

/// Whoever waits for a commit should not wait for two threads to be woken one after the other.
void Engine::Impl::fold_for_waiters() {
  if (somebody_waits() && has_unfolded()) {
    const std::scoped_lock lock(learner_mutex);
    fold_available(kFoldForWaiters);
  }
}

/// While the journal's thread commits, those who wait for its next commit prepare it: they cannot be
/// acknowledged before it is done.
void Engine::Impl::help_to_fold(const Deadline& deadline) noexcept {
  const std::unique_lock lock(learner_mutex, std::try_to_lock);
  if (!lock.owns_lock()) {
    return;
  }
  for (std::size_t slices = 0; slices < kFoldBatch / kSlice; ++slices) {
    const bool late = deadline && std::chrono::steady_clock::now() >= *deadline;
    if (late || fold_available(kSlice) < kSlice) {
      return;
    }
  }
}

void Engine::Impl::journal_loop() {
  Idle idle;
  std::optional<Snapshot> taken;
  for (;;) {
    const bool last_round = stopping.load(std::memory_order_acquire);
    fold_for_waiters();
    // In this order: a state that is taken later contains at least these records.
    const std::uint64_t end = folded.load(std::memory_order_acquire);
    if (!taken) {
      const std::scoped_lock guard(snapshot_mutex);
      taken.swap(snapshot);
    }
    run_errands(false);
    if (end == commit_cursor && !taken) {
      run_callbacks();
      if (last_round) {
        break;
      }
      idle.rest(journal_bell, [this] {
        return folded.load(std::memory_order_acquire) != commit_cursor || callbacks.due(commit_cursor) ||
               stopping.load() || errands_waiting.load() > 0 || (somebody_waits() && has_unfolded());
      });
      continue;
    }
    const bool done = commit_round(end, taken);
    run_callbacks();
    tidy_journal();
    idle.worked();
    if (!done) {
      if (last_round) {
        break;
      }
      rest_after_failure();
    }
  }
  run_errands(true);
}

bool Engine::Impl::commit_round(std::uint64_t end, std::optional<Snapshot>& taken) {
  // A quarter of the ring at most, so that producers who wait for room find some soon. A state goes into the
  // same transaction as the last record it contains.
  const std::uint64_t target = taken ? taken->cursor : end;
  const std::uint64_t reach = commit_cursor + ring.capacity() / 4;
  if (options.journal != nullptr && reach < target) {
    return commit(reach, nullptr).has_value();
  }
  const Result<void> done = commit(target, taken ? &*taken : nullptr);
  if (taken) {
    checkpoint_answers.store(std::max(checkpoint_answers.load(), taken->requests));
    taken.reset();
  }
  return done.has_value();
}

void Engine::Impl::rest_after_failure() {
  const auto until = std::chrono::steady_clock::now() + std::chrono::nanoseconds(retry_pause);
  for (auto now = until - std::chrono::nanoseconds(retry_pause); now < until && !stopping.load();
       now = std::chrono::steady_clock::now()) {
    journal_bell.rest(until - now, [this] { return stopping.load(); });
  }
}

Result<void> Engine::Impl::wait_for(std::uint64_t tail) {
  switch (wait_committed(tail, std::nullopt)) {
    case Waited::durable:
      return {};
    case Waited::inside_callback:
      return fail(Errc::invalid_argument, "a callback may not wait for its own engine");
    default:
      return fail(Errc::io, "not everything is durable: " + store_status().error);
  }
}

}  // namespace attune
