// SPDX-License-Identifier: Apache-2.0
// What is wrong with an engine, in sentences. Never waits for the disk: it reads what was noted.
#include <algorithm>
#include <utility>

#include "engine/engine_impl.hpp"

namespace attune {
namespace {

constexpr Nanos kSlowAppend = kSecond;
constexpr Nanos kStuckAppend = 5 * kSecond;
constexpr Nanos kShedMatters = 60 * kSecond;

[[nodiscard]] std::string seconds(Nanos time) { return std::to_string(time / kSecond) + " s"; }

}  // namespace

std::string_view to_string(EngineHealth::Level level) noexcept {
  switch (level) {
    case EngineHealth::Level::ok:
      return "ok";
    case EngineHealth::Level::degraded:
      return "degraded";
    case EngineHealth::Level::failing:
      return "failing";
  }
  return "unknown";
}

EngineHealth Engine::Impl::health() const {
  using Level = EngineHealth::Level;
  EngineHealth out;
  const auto add = [&](Level level, Nanos since, std::string sentence) {
    out.reasons.push_back({.level = level, .sentence = std::move(sentence), .since = since});
  };
  const Nanos now = clock->now();
  const StoreStatus store = store_status();
  if (!store.error.empty()) {
    add(Level::failing, store.failing_since,
        "the store fails: " + store.error + "; nothing is durable beyond position " +
            std::to_string(store.durable_position) + "; decisions go on, and it is tried again");
  }
  const Nanos started = append_since.load(std::memory_order_relaxed);
  if (started != 0 && now - started >= kSlowAppend) {
    add(now - started >= kStuckAppend ? Level::failing : Level::degraded, started,
        "the disk stalls: a commit has been running for " + seconds(now - started) +
            "; nothing becomes durable meanwhile");
  }
  const std::uint64_t shed = queue_shed.load(std::memory_order_relaxed);
  if (shed > 0 && now - shed_last.load(std::memory_order_relaxed) < kShedMatters) {
    add(Level::degraded, shed_since.load(std::memory_order_relaxed),
        "records were shed because the queue was full (" + std::to_string(shed) +
            " since the engine was opened): those decisions cannot be learned from");
  }
  if (!store.checkpoint_error.empty()) {
    add(Level::degraded, store.checkpoint_failing_since,
        "no checkpoint could be taken: " + store.checkpoint_error + "; recovery will take longer");
  }
  if (!store.damage.empty()) {
    add(Level::degraded, store.damage_since, "damage was found on opening: " + store.damage);
  }
  {
    const std::scoped_lock lock(safety_mutex);
    for (const auto& [number, notes_of_point] : safety_notes) {
      for (const SafetyNote& note : notes_of_point) {
        out.reasons.push_back(note.reason);
      }
    }
  }
  for (const EngineHealth::Reason& reason : out.reasons) {
    out.level = std::max(out.level, reason.level);
  }
  for (const EngineHealth::Reason& reason : out.reasons) {
    if (reason.level == out.level && (out.since == 0 || reason.since < out.since)) {
      out.since = reason.since;
    }
  }
  return out;
}

}  // namespace attune
