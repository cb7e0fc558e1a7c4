// SPDX-License-Identifier: Apache-2.0
// The learner's side of the engine: folds records into state, and runs everything when there are no threads.
#include <algorithm>
#include <chrono>
#include <limits>
#include <thread>

#include "engine/engine_impl.hpp"
#include "engine/shown_names.hpp"

namespace attune {
namespace {

constexpr Nanos kNever = std::numeric_limits<Nanos>::max();
constexpr std::size_t kAll = std::numeric_limits<std::size_t>::max();

}  // namespace

void Engine::Impl::fold_record(ByteView bytes) noexcept {
  RecordHeader header;
  if (read_header(bytes, header) != Errc::ok || header.point >= points.size()) {
    return;  // the journal has checked checksum and order: this can only be a point that no longer exists
  }
  Point& point = *points[header.point];
  last_fate.reset();
  switch (header.kind) {
    case RecordKind::decision:
      fold_decision(point, bytes);
      break;
    case RecordKind::outcome: {
      OutcomeRecord record;
      if (decode(bytes, record) == Errc::ok) {
        last_fate = point.fold(record, ids.sequence(record.header.id, point.folded_sequence()), log);
      }
      break;
    }
    case RecordKind::event: {
      EventRecord record;
      if (decode(bytes, record) == Errc::ok) {
        point.fold(record, log);
        if (record.kind == EventKind::arm_added) {
          const ArmTable& arms = point.learned().arms;
          names.set(header.point, arms, arms.find(record.text));
        }
      }
      break;
    }
  }
  if (point.take_safety_news() && log.active()) {
    note_safety(point, true);
  }
  if (point.drift().has_events()) {
    tell_drifts(point);
  }
  Nanos deadline = kNever;
  if (point.next_deadline(deadline)) {
    earliest_deadline = std::min(earliest_deadline, deadline);
  }
}

void Engine::Impl::fold_decision(Point& point, ByteView bytes) noexcept {
  DecisionRecord record;
  if (decode(bytes, record) != Errc::ok) {
    return;
  }
  const ArmTable& arms = point.learned().arms;
  const bool there = arms.holds(record.arm, record.arm_generation);
  if (record.client_key != 0 && client_keys.active()) {
    if (shows_arms(point.action())) {
      static_cast<void>(name_shown(arms, record.values, shown_names));
      client_keys.fold(record, shown_names);
    } else {
      client_keys.fold(record, there ? arms.id(record.arm) : std::string_view());
    }
  }
  if (!there) {
    record.arm = kNoArm;  // its slot may be another arm's by now: nothing of this decision is that arm's
  }
  point.fold(record, log);
}

std::size_t Engine::Impl::fold_available(std::size_t limit) noexcept {
  std::size_t count = 0;
  for (; count < limit; ++count) {
    const std::span<std::byte> bytes = ring.next(fold_cursor);
    if (bytes.empty()) {
      break;
    }
    ++position;
    if (options.journal != nullptr) {
      finish_record(bytes, position);
    } else {
      RecordHeader header;
      static_cast<void>(read_header(bytes, header));
      header.position = position;
      std::copy_n(reinterpret_cast<const std::byte*>(&header), sizeof header, bytes.data());
    }
    fold_record(bytes);
  }
  publish();
  folded.store(fold_cursor, std::memory_order_release);
  return count;
}

void Engine::Impl::publish() noexcept {
  if (!config.threads) {
    return;
  }
  for (const std::unique_ptr<Point>& point : points) {
    if (point->dirty()) {
      point->publish();
      point->clean();
    }
  }
  log.for_each([&](std::uint32_t number, const PolicyOp& op) { points[number]->bring_up(op); });
  log.clear();
}

void Engine::Impl::publish_copies() {
  for (const std::unique_ptr<Point>& point : points) {
    if (point->dirty()) {
      point->publish_copy();
      point->clean();
    }
  }
}

void Engine::Impl::push_ticks(Nanos now) noexcept {
  if (now < earliest_deadline) {
    return;
  }
  earliest_deadline = kNever;
  for (const std::unique_ptr<Point>& point : points) {
    Nanos deadline = kNever;
    if (!point->next_deadline(deadline)) {
      continue;
    }
    if (deadline > now) {
      earliest_deadline = std::min(earliest_deadline, deadline);
      continue;
    }
    EventRecord tick;
    tick.header.time = now;
    tick.header.point = point->config().number;
    tick.kind = EventKind::tick;
    const std::span<std::byte> room = ring.claim(encoded_size(tick));
    if (room.empty()) {
      earliest_deadline = now;  // no room now: again at the next pump
      return;
    }
    encode(tick, room);
    Ring::commit(room);
  }
}

bool Engine::Impl::checkpoint_due(Nanos now) const noexcept {
  if (options.journal == nullptr || position == last_checkpoint_position) {
    return false;
  }
  const CheckpointConfig& rule = config.checkpoint;
  const bool by_count = rule.every_records > 0 && position - last_checkpoint_position >= rule.every_records;
  const bool by_time = rule.every_s > 0 && static_cast<double>(now - last_checkpoint_time) >=
                                               rule.every_s * static_cast<double>(kSecond);
  return by_count || by_time;
}

std::size_t Engine::Impl::fold() noexcept {
  if (config.threads) {
    return 0;
  }
  const std::scoped_lock lock(learner_mutex);
  return fold_available(kAll);
}

Result<std::size_t> Engine::Impl::pump() {
  if (config.threads) {
    return std::size_t{0};
  }
  const std::scoped_lock lock(learner_mutex);
  std::size_t count = fold_available(kAll);
  const std::optional<Fate> fate = last_fate;
  const Nanos now = clock->now();
  push_ticks(now);
  count += fold_available(kAll);
  last_fate = fate;
  if (Result<void> done = commit_folded(checkpoint_due(now)); !done) {
    return tl::unexpected(std::move(done).error());
  }
  tidy_journal();
  return count;
}

Result<void> Engine::Impl::drain() {
  if (config.threads) {
    if (Result<void> done = wait_for(ring.tail()); !done) {
      return done;
    }
    // As pump() does: what is due by now is part of what is drained, whenever the learner's thread next
    // looks.
    {
      const std::scoped_lock lock(learner_mutex);
      push_ticks(clock->now());
    }
    return wait_for(ring.tail());
  }
  Result<std::size_t> pumped = pump();
  run_callbacks();
  run_retrains();
  return pumped ? Result<void>{} : tl::unexpected(std::move(pumped).error());
}

Result<std::uint64_t> Engine::Impl::checkpoint() {
  if (options.journal == nullptr) {
    return fail(Errc::unsupported, "a checkpoint needs a store; this engine lives in memory");
  }
  if (Result<void> drained = drain(); !drained) {
    return tl::unexpected(std::move(drained).error());
  }
  if (config.threads) {
    const std::uint64_t ticket = checkpoint_requests.fetch_add(1) + 1;
    learner_bell.ring();
    while (checkpoint_answers.load() < ticket) {
      if (stopping.load() || store_failing.load()) {
        return fail(Errc::io, "no checkpoint was taken: " + store_status().error);
      }
      std::this_thread::sleep_for(std::chrono::microseconds(200));
    }
  } else {
    const std::scoped_lock lock(learner_mutex);
    if (Result<void> done = commit_folded(true); !done) {
      return tl::unexpected(std::move(done).error());
    }
  }
  const StoreStatus now = store_status();
  return now.checkpoint_error.empty() ? Result<std::uint64_t>(now.checkpoint_number)
                                      : fail(Errc::io, "no checkpoint was taken: " + now.checkpoint_error);
}

}  // namespace attune
