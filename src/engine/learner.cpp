// SPDX-License-Identifier: Apache-2.0
// The learner's side of the engine: folds records into state, makes them durable, takes checkpoints.
#include <algorithm>
#include <chrono>
#include <limits>
#include <thread>

#include "engine/engine_impl.hpp"

namespace attune {
namespace {

constexpr std::uint32_t kStateMagic = 0x45545441;  // "ATTE"
constexpr std::uint32_t kStateVersion = 1;
constexpr Nanos kNever = std::numeric_limits<Nanos>::max();

}  // namespace

void Engine::Impl::fold_record(std::span<std::byte> bytes) noexcept {
  RecordHeader header;
  if (read_header(bytes, header) != Errc::ok || header.point >= points.size()) {
    return;  // the journal has checked checksum and order: this can only be a point that no longer exists
  }
  Point& point = *points[header.point];
  last_fate.reset();
  switch (header.kind) {
    case RecordKind::decision: {
      DecisionRecord record;
      if (decode(bytes, record) == Errc::ok) {
        point.fold(record, log);
      }
      break;
    }
    case RecordKind::outcome: {
      OutcomeRecord record;
      if (decode(bytes, record) == Errc::ok) {
        last_fate = point.fold(record, log);
      }
      break;
    }
    case RecordKind::event: {
      EventRecord record;
      if (decode(bytes, record) == Errc::ok) {
        point.fold(record, log);
        if (record.kind == EventKind::arm_added) {
          names.set(header.point, point.learned().arms.find(record.text), record.text);
        }
      }
      break;
    }
  }
  Nanos deadline = kNever;
  if (point.collector().next_deadline(deadline)) {
    earliest_deadline = std::min(earliest_deadline, deadline);
  }
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

void Engine::Impl::push_ticks(Nanos now) noexcept {
  if (now < earliest_deadline) {
    return;
  }
  earliest_deadline = kNever;
  for (const std::unique_ptr<Point>& point : points) {
    Nanos deadline = kNever;
    if (!point->collector().next_deadline(deadline)) {
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

Bytes Engine::Impl::state() const {
  Writer writer;
  writer.u32(kStateMagic);
  writer.u32(kStateVersion);
  writer.u64(position);
  writer.u64(points.size());
  for (const std::unique_ptr<Point>& point : points) {
    Writer part;
    point->save(part);
    writer.blob(part.view());
  }
  return std::move(writer).take();
}

Result<void> Engine::Impl::load_state(ByteView bytes) {
  Reader reader(bytes);
  if (reader.u32() != kStateMagic) {
    return fail(Errc::corrupt_state, "the checkpoint does not hold the state of an engine");
  }
  if (const std::uint32_t version = reader.u32(); version != kStateVersion) {
    return fail(Errc::unsupported_version, "the checkpoint has state version " + std::to_string(version) +
                                               ", this build reads " + std::to_string(kStateVersion));
  }
  const std::uint64_t at = reader.u64();
  const std::uint64_t count = reader.u64();
  if (!reader.ok() || count > points.size()) {
    return fail(Errc::invalid_config,
                "the store has " + std::to_string(count) + " decision points, the configuration " +
                    std::to_string(points.size()) + "; points may be appended, not removed");
  }
  for (std::uint64_t i = 0; i < count; ++i) {
    Reader part(reader.blob(reader.left()));
    if (Result<void> loaded = points[i]->load(part); !loaded) {
      return loaded;
    }
  }
  if (!reader.ok() || !reader.at_end()) {
    return fail(Errc::corrupt_state, "the checkpoint's state is cut short or too long");
  }
  position = at;
  return {};
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

void Engine::Impl::note_store(const Result<void>& result) {
  if (!result) {
    const std::scoped_lock lock(status_mutex);
    ++status.errors;
    status.error = result.error().message;
  }
  const bool failing = !result;
  if (store_failing.exchange(failing) == failing) {
    return;
  }
  if (failing) {
    say(3, "the store fails: " + result.error().message);
  } else {
    const std::scoped_lock lock(status_mutex);
    status.error.clear();
    say(1, "the store works again");
  }
}

void Engine::Impl::say(int level, const std::string& message) const {
  if (options.log) {
    options.log(level, message);
  }
}

Result<void> Engine::Impl::append(std::span<const ByteView> records, const Bytes* state, Nanos time,
                                  std::uint64_t last_position) {
  Result<void> verdict;
  std::uint64_t number = 0;
  if (state != nullptr) {
    const Result<CheckpointInfo> info =
        options.journal->append(records, *state, time, config_digest, config.checkpoint.keep);
    if (info) {
      number = info->number;
    } else {
      verdict = tl::unexpected(info.error());
    }
  } else {
    verdict = options.journal->append(records);
  }
  note_store(verdict);
  if (verdict) {
    const std::scoped_lock lock(status_mutex);
    status.durable_position = last_position;
    if (number > 0) {
      ++status.checkpoints;
      status.checkpoint_number = number;
    }
  }
  return verdict;
}

/// Pump mode: everything folded becomes durable, with a checkpoint in the same transaction if asked for.
Result<void> Engine::Impl::commit(bool with_checkpoint) {
  if (options.journal != nullptr) {
    batch.clear();
    for (std::uint64_t cursor = commit_cursor; cursor != fold_cursor;) {
      batch.emplace_back(ring.next(cursor));
    }
    if (batch.empty() && !with_checkpoint) {
      return {};
    }
    const Nanos now = clock->now();
    const Bytes taken = with_checkpoint ? state() : Bytes{};
    if (Result<void> appended = append(batch, with_checkpoint ? &taken : nullptr, now, position); !appended) {
      return appended;
    }
    if (with_checkpoint) {
      last_checkpoint_position = position;
      last_checkpoint_time = now;
    }
  }
  commit_cursor = fold_cursor;
  ring.release(commit_cursor);
  return {};
}

Result<std::size_t> Engine::Impl::pump() {
  if (config.threads) {
    return std::size_t{0};
  }
  const std::scoped_lock lock(learner_mutex);
  constexpr std::size_t kAll = std::numeric_limits<std::size_t>::max();
  std::size_t count = fold_available(kAll);
  const std::optional<Fate> fate = last_fate;
  const Nanos now = clock->now();
  push_ticks(now);
  count += fold_available(kAll);
  last_fate = fate;
  if (Result<void> committed_now = commit(checkpoint_due(now)); !committed_now) {
    return tl::unexpected(std::move(committed_now).error());
  }
  return count;
}

Result<void> Engine::Impl::drain() {
  if (config.threads) {
    return wait_for(ring.tail());
  }
  Result<std::size_t> pumped = pump();
  if (!pumped) {
    return tl::unexpected(std::move(pumped).error());
  }
  return {};
}

Result<std::uint64_t> Engine::Impl::checkpoint() {
  if (options.journal == nullptr) {
    return fail(Errc::unsupported, "a checkpoint needs a store; this engine lives in memory");
  }
  if (config.threads) {
    if (Result<void> drained = wait_for(ring.tail()); !drained) {
      return tl::unexpected(std::move(drained).error());
    }
    const std::uint64_t ticket = checkpoint_requests.fetch_add(1) + 1;
    while (checkpoint_answers.load() < ticket) {
      if (stopping.load() || store_failing.load()) {
        return fail(Errc::io, "no checkpoint was taken: " + store_status().error);
      }
      std::this_thread::sleep_for(std::chrono::microseconds(200));
    }
    return store_status().checkpoint_number;
  }
  if (Result<std::size_t> pumped = pump(); !pumped) {
    return tl::unexpected(std::move(pumped).error());
  }
  const std::scoped_lock lock(learner_mutex);
  if (Result<void> done = commit(true); !done) {
    return tl::unexpected(std::move(done).error());
  }
  return store_status().checkpoint_number;
}

}  // namespace attune
