// SPDX-License-Identifier: Apache-2.0
// Kill switch and change freeze: what an operator does to a point. Each is a record and an audit entry.
#include <algorithm>
#include <chrono>
#include <utility>

#include "engine/engine_impl.hpp"

namespace attune {

Result<void> Engine::Impl::flip(EventKind kind, PointId id, bool on, const Act& act, std::string_view why,
                                std::optional<bool> was) {
  if (static_cast<std::size_t>(id) >= points.size()) {
    return fail(Errc::unknown_point, "no decision point has this number");
  }
  const std::string text = act.actor + "\n" + std::string(why);
  if (text.size() > kMaxSwitchText || act.actor.find('\n') != std::string::npos || !is_utf8(text)) {
    return fail(Errc::invalid_argument, "who and why are UTF-8 of at most " + std::to_string(kMaxSwitchText) +
                                            " bytes together, and who is one line");
  }
  const std::scoped_lock one_at_a_time(switch_mutex);
  Point& point = *points[static_cast<std::size_t>(id)];
  const bool kills = kind == EventKind::killed;
  std::atomic<bool>& seen = kills ? point.killed : point.frozen;
  const bool seen_before = seen.exchange(on, std::memory_order_relaxed);
  const bool before = was.value_or(seen_before);
  const std::string sentence = "point '" + point.config().name + "' is " + (on ? "" : "no longer ") +
                               (kills ? "killed" : "frozen") + ", by " + act.actor + ": " + std::string(why);
  say(2, sentence);
  EventRecord event;
  event.header.time = clock->now();
  event.header.point = point.config().number;
  event.kind = kind;
  event.number = on ? 1 : 0;
  event.text = text;
  std::uint64_t behind = 0;
  if (const Errc pushed = push_event(event, &behind); pushed != Errc::ok) {
    return fail(pushed, "it is in force, but was not recorded, so that a restart forgets it: " +
                            std::string(last_error()));
  }
  if (options.journal == nullptr) {
    return drain();
  }
  const auto patience = std::chrono::nanoseconds(
      static_cast<std::int64_t>(config.acknowledge_timeout_s * static_cast<double>(kSecond)));
  if (const Result<void> kept = wait_durable(static_cast<Ticket>(behind), patience); !kept) {
    return fail(Errc::not_durable, "it is in force, but not stored yet: " + kept.error().message);
  }
  const Act named{.actor = act.actor, .time = event.header.time};
  const ActNote note{.action = kills ? "kill" : "freeze",
                     .subject = "point " + point.config().name,
                     .before = before ? "on" : "off",
                     .after = std::string(on ? "on" : "off") + (why.empty() ? "" : ": ") + std::string(why)};
  Result<void> noted;
  const Result<void> asked = on_journal([&] { noted = options.journal->record_act(note, named); });
  return asked ? noted : asked;
}

Result<void> Engine::kill(PointId point, bool on, const Act& act, std::string_view why) {
  return impl_->flip(EventKind::killed, point, on, act, why);
}

Result<void> Engine::kill_all(bool on, const Act& act, std::string_view why) {
  Result<void> first;
  std::vector<bool> before;
  for (const std::unique_ptr<Point>& point : impl_->points) {
    before.push_back(point->killed.exchange(on, std::memory_order_relaxed));  // all, before anything may wait
  }
  for (std::size_t i = 0; i < impl_->points.size(); ++i) {
    Result<void> done = impl_->flip(EventKind::killed, static_cast<PointId>(i), on, act, why, before[i]);
    if (first && !done) {
      first = std::move(done);
    }
  }
  return first;
}

Result<void> Engine::freeze(PointId point, bool on, const Act& act, std::string_view why) {
  return impl_->flip(EventKind::frozen, point, on, act, why);
}

Result<void> Engine::Impl::check_not_frozen(const Point& point) {
  return point.frozen.load(std::memory_order_relaxed)
             ? fail(Errc::conflict, "'" + point.config().name +
                                        "' is frozen: its arms cannot be changed before the freeze is lifted")
             : Result<void>();
}

/// A frozen point keeps its configuration, also over a restart.
Result<void> Engine::Impl::check_frozen_points(const ConfigHistory& history) {
  const bool some = std::ranges::any_of(points, [](const auto& point) { return point->safety().frozen(); });
  if (!some || history.newest().empty() || history.newest() == config_digest) {
    return {};
  }
  Journal& journal = *options.journal;
  const Result<std::string> text = ConfigHistory::config(
      [&](std::string_view key) { return journal.meta(key); }, std::string(history.newest()));
  const Result<EngineConfig> before = text ? parse_config(*text) : tl::unexpected(text.error());
  if (!before) {
    return tl::unexpected(before.error());
  }
  for (const std::unique_ptr<Point>& point : points) {
    const auto old = std::ranges::find(before->points, point->config().name, &PointConfig::name);
    if (point->safety().frozen() && old != before->points.end() &&
        old->canonical_text != point->config().canonical_text) {
      return fail(Errc::invalid_config,
                  "points." + point->config().name +
                      " has changed, but the point is frozen; open the store with the former configuration "
                      "and lift the freeze first");
    }
  }
  return {};
}

// --------------------------------------------------------------------------------------------------- notes

void Engine::Impl::note_safety(Point& point, bool aloud) {
  std::vector<SafetyNote> now = point.safety_notes();
  const std::scoped_lock lock(safety_mutex);
  std::vector<SafetyNote>& before = safety_notes[point.config().number];
  const auto knows = [](const std::vector<SafetyNote>& all, const SafetyNote& one) {
    return std::ranges::find(all, one.key, &SafetyNote::key) != all.end();
  };
  for (const SafetyNote& note : now) {
    if (aloud && note.told && !knows(before, note)) {
      say(2, note.reason.sentence);
    }
  }
  for (const SafetyNote& note : before) {
    if (aloud && note.told && !knows(now, note)) {
      say(1, "over: " + note.reason.sentence);
    }
  }
  before = std::move(now);
}

void Engine::Impl::settle_switches() {
  for (const std::unique_ptr<Point>& point : points) {
    point->killed.store(point->safety().killed(), std::memory_order_relaxed);
    point->frozen.store(point->safety().frozen(), std::memory_order_relaxed);
    if (point->has_safety_state() || point->drift().active()) {
      note_safety(*point, false);
    }
  }
}

}  // namespace attune
