// SPDX-License-Identifier: Apache-2.0
// What guards and switches of a point have to say, in sentences for health and log.
#include <array>
#include <charconv>
#include <string>
#include <utility>
#include <vector>

#include "engine/point.hpp"

namespace attune {
namespace {

constexpr std::size_t kMostNotes = 16;  // of one point; the rest is counted

[[nodiscard]] std::string rounded(double value) {
  std::array<char, 32> text{};
  const auto end =
      std::to_chars(text.data(), text.data() + text.size(), value, std::chars_format::general, 4);
  return {text.data(), end.ptr};
}

/// "who: why" of a switch's text.
[[nodiscard]] std::string by(const std::string& text) {
  const std::size_t line = text.find('\n');
  const std::string who = text.substr(0, line);
  const std::string why = line == std::string::npos ? "" : text.substr(line + 1);
  return " by " + (who.empty() ? "somebody" : who) + (why.empty() ? "" : ": " + why);
}

[[nodiscard]] std::string sentence_of(const std::string& point, const GuardMetrics& guard) {
  const std::string whom =
      guard.arm.empty() ? "point '" + point + "'" : "arm '" + guard.arm + "' of '" + point + "'";
  const std::string what = "guard '" + guard.name + "' (" + guard.kind +
                           (guard.component.empty() ? "" : " of " + guard.component) + ", limit " +
                           rounded(guard.limit) + ")";
  if (guard.state == "probation") {
    return what + " tests " + whom + " again, after " + std::to_string(guard.trips) + " trips";
  }
  const std::string did = guard.action == "watch"      ? " would have acted on "
                          : guard.action == "mask"     ? " has taken out "
                          : guard.action == "snapshot" ? " has put the last good snapshot in charge of "
                                                       : " has put static shares in charge of ";
  return what + did + whom;
}

}  // namespace

std::vector<SafetyNote> Point::safety_notes() const {
  std::vector<SafetyNote> out;
  const SafetyMetrics now = safety_.metrics(learned());
  const auto add = [&](std::string key, Nanos since, bool told, std::string sentence) {
    out.push_back(
        {.key = std::move(key),
         .reason = {.level = EngineHealth::Level::degraded, .sentence = std::move(sentence), .since = since},
         .told = told});
  };
  const std::string& name = config_.name;
  if (now.killed) {
    add("killed", now.killed_since, false, "point '" + name + "' is killed" + by(now.killed_by));
  }
  if (now.frozen) {
    add("frozen", now.frozen_since, false, "point '" + name + "' is frozen" + by(now.frozen_by));
  }
  if (now.explored_alarm > 0.0 && now.explored_share < now.explored_alarm) {
    add("explored", 0, true,
        "point '" + name + "' explores with fewer than " + rounded(100.0 * now.explored_alarm) +
            " % of its decisions: it would not notice that another arm has become better");
  }
  for (const PointDrift::Alert& alert : drift_.alerts()) {
    add("drift\n" + alert.watch + "\n" + std::to_string(alert.since), alert.since, false, alert.sentence);
  }
  for (PointScreen::Alarm& alarm : screen_.alarms()) {
    add(std::move(alarm.key), 0, true, std::move(alarm.sentence));
  }
  std::size_t more = 0;
  for (const GuardMetrics& guard : now.guards) {
    if (guard.state == "quiet") {
      continue;
    }
    if (out.size() >= kMostNotes) {
      ++more;
      continue;
    }
    add(guard.name + "\n" + guard.arm + "\n" + guard.state, guard.since, true, sentence_of(name, guard));
  }
  if (more > 0) {
    add("more", 0, false, "point '" + name + "': guards hold back " + std::to_string(more) + " more");
  }
  return out;
}

}  // namespace attune
