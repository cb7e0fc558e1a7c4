// SPDX-License-Identifier: Apache-2.0
// What is folded becomes durable: group commits, checkpoints beside them, and what to do when the store
// fails. Everything here is done by the journal thread, or by the thread that pumps.
#include <algorithm>
#include <utility>

#include "core/failpoint.hpp"
#include "engine/engine_impl.hpp"

namespace attune {
namespace {

constexpr Nanos kFirstRetry = 10'000'000;  // 10 ms, doubled up to
constexpr Nanos kLastRetry = 2 * kSecond;
constexpr Nanos kSlow = kSecond;  // an append that takes longer counts as a stall

}  // namespace

void Engine::Impl::say(int level, const std::string& message) const {
  if (options.log) {
    options.log(level, message);
  }
}

void Engine::Impl::note_store(const Result<void>& result) {
  for (const std::string& note : options.journal->take_notes()) {
    say(2, note);
  }
  const Nanos now = clock->now();
  if (!result) {
    retry_pause = retry_pause == 0 ? kFirstRetry : std::min(2 * retry_pause, kLastRetry);
    retry_at.store(now + retry_pause, std::memory_order_relaxed);
    const std::scoped_lock lock(status_mutex);
    ++status.errors;
    status.failing_since = status.error.empty() ? now : status.failing_since;
    status.error = result.error().message;
    status.durable_position = commit_position;
  } else {
    retry_pause = 0;
    const std::scoped_lock lock(status_mutex);
    status.durable_position = commit_position;
    status.error.clear();
  }
  if (store_failing.exchange(!result, std::memory_order_acq_rel) != !result) {
    say(result ? 1 : 3, result ? "the store works again" : "the store fails: " + result.error().message);
  }
  if (!result) {
    wake_waiters();  // they are told, not left to wait for a disk that may never come back
  }
}

void Engine::Impl::note_checkpoint(const Result<CheckpointInfo>& result) {
  {
    const std::scoped_lock lock(status_mutex);
    if (result) {
      ++status.checkpoints;
      status.checkpoint_number = result->number;
      status.checkpoint_error.clear();
      status.damage.clear();
      return;
    }
    ++status.checkpoint_errors;
    status.checkpoint_failing_since =
        status.checkpoint_error.empty() ? clock->now() : status.checkpoint_failing_since;
    status.checkpoint_error = result.error().message;
  }
  say(3, "no checkpoint was taken: " + result.error().message);
}

bool Engine::Impl::may_try_store() const noexcept {
  return clock->now() >= retry_at.load(std::memory_order_relaxed);
}

void Engine::Impl::skip_what_is_there(std::uint64_t end) {
  // An append may fail after its commit. The journal says where it ends, and its contract is that this is
  // true.
  const std::uint64_t there = options.journal->last_position();
  const std::uint64_t before = commit_cursor;
  while (commit_position < there && commit_cursor < end) {
    static_cast<void>(ring.next(commit_cursor));
    ++commit_position;
  }
  if (commit_cursor != before) {
    ring.release(commit_cursor);
  }
}

Result<void> Engine::Impl::append(std::uint64_t end, const Snapshot* taken) {
  skip_what_is_there(end);
  batch.clear();
  std::uint64_t cursor = commit_cursor;
  while (cursor < end) {
    batch.emplace_back(ring.next(cursor));  // the last one may reach beyond: `end` need not be where one ends
  }
  Result<void> verdict;
  const Nanos start = clock->now();
  append_since.store(start, std::memory_order_relaxed);
  detail::failpoint(detail::Failpoint::engine_batch_given);
  if (taken != nullptr) {
    Result<CheckpointInfo> info =
        options.journal->append(batch, taken->state, taken->time, config_digest, config.checkpoint.keep);
    note_checkpoint(info);
    verdict = info ? Result<void>{} : tl::unexpected(std::move(info).error());
  } else if (!batch.empty()) {
    verdict = options.journal->append(batch);
  }
  append_since.store(0, std::memory_order_relaxed);
  detail::failpoint(detail::Failpoint::engine_batch_kept);
  const Nanos now = clock->now();
  retry_at.store(now - start > kSlow ? now + kSlow : 0, std::memory_order_relaxed);
  if (verdict) {
    commit_position += batch.size();
    commit_cursor = cursor;
    ring.release(commit_cursor);
  }
  return verdict;
}

Result<void> Engine::Impl::commit(std::uint64_t end, const Snapshot* taken) {
  if (options.journal == nullptr) {
    commit_cursor = end;
    ring.release(end);
    publish_committed();
    return {};
  }
  const std::uint64_t before = commit_cursor;
  Result<void> done = append(end, taken);
  // A state that does not fit must not keep the records out; after a failure behind the commit, see what is
  // left.
  if (!done && (taken != nullptr || options.journal->last_position() > commit_position)) {
    done = append(end, nullptr);
  }
  note_store(done);
  if (commit_cursor != before) {
    publish_committed();
  }
  return done;
}

void Engine::Impl::tidy_journal() {
  if (options.journal == nullptr || store_failing.load(std::memory_order_relaxed)) {
    return;
  }
  append_since.store(clock->now(), std::memory_order_relaxed);
  options.journal->tidy();
  append_since.store(0, std::memory_order_relaxed);
}

Result<void> Engine::Impl::commit_folded(bool with_checkpoint) {
  with_checkpoint = with_checkpoint && options.journal != nullptr;
  if (commit_cursor == fold_cursor && !with_checkpoint) {
    return {};
  }
  if (!with_checkpoint) {
    return commit(fold_cursor, nullptr);
  }
  const Snapshot taken{
      .state = state(), .cursor = fold_cursor, .position = position, .time = clock->now(), .requests = 0};
  last_checkpoint_position = position;  // when it fails, the next one is due by the usual rule
  last_checkpoint_time = taken.time;
  return commit(fold_cursor, &taken);
}

}  // namespace attune
