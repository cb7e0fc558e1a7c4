// SPDX-License-Identifier: Apache-2.0
// guards: what may overrule the policies, what has, and until when.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "tools/inspect/commands.hpp"
#include "tools/inspect/guards.hpp"
#include "tools/inspect/json.hpp"
#include "tools/inspect/moment.hpp"
#include "tools/inspect/text.hpp"

namespace attune::tools {
namespace {

using Json = nlohmann::ordered_json;

/// As people call it: what the engine names "tripped" is out.
[[nodiscard]] std::string state_of(const GuardMetrics& guard) {
  return guard.state == "tripped" ? "out" : guard.state;
}

/// A share is measured when it trips and when it recovers, not between.
[[nodiscard]] double value_of(const GuardMetrics& guard) {
  return guard.kind == "share" && guard.trips == 0 ? std::nan("") : guard.value;
}

[[nodiscard]] std::string since_text(Nanos since) { return since == 0 ? "the beginning" : time_text(since); }

[[nodiscard]] std::string until_text(const GuardUntil& until, const StoreGuards& store, Nanos now) {
  if (until.samples > 0) {
    return plural(until.samples, "sample") + " say so";
  }
  if (until.share > 0.0) {
    return "share <= " + rounded(until.share);
  }
  if (!until.earliest || !until.latest) {
    return "-";
  }
  std::string text = time_text(*until.earliest);
  if (*until.earliest != *until.latest) {
    return text + " or later, at most " + time_text(*until.latest);
  }
  // Time is that of the records: without one nothing ends.
  const bool overdue = *until.latest <= now && store.time.value_or(0) < *until.latest;
  return overdue ? text + " (due; with the next record)" : text;
}

[[nodiscard]] std::string switch_text(bool on, Nanos since, const std::string& by) {
  return on           ? "on since " + time_text(since) + ", by " + printable(switched_by(by))
         : by.empty() ? "off, never used"
                      : "off since " + time_text(since) + ", by " + printable(switched_by(by));
}

[[nodiscard]] std::string held_back_text(const PointGuards& point) {
  std::string text;
  for (const auto& [arms, state] :
       {std::pair{&point.out, " (out)"}, std::pair{&point.probation, " (on probation)"}}) {
    for (const std::string& arm : *arms) {
      text += (text.empty() ? "" : ", ") + printable(arm) + state;
    }
  }
  return text.empty() ? "no arm" : text;
}

/// "1,000 usual, 3 killed": what was counted at all.
template <class Name, std::size_t kCount>
[[nodiscard]] std::string counts_text(const std::array<std::uint64_t, kCount>& counts) {
  std::string text;
  for (std::size_t i = 0; i < kCount; ++i) {
    if (counts[i] > 0) {
      text += (text.empty() ? "" : ", ") + grouped(counts[i]) + " " +
              std::string(to_string(static_cast<Name>(i)));
    }
  }
  return text.empty() ? "none yet" : text;
}

[[nodiscard]] std::string guards_text(const PointGuards& point, const StoreGuards& store, Nanos now) {
  InspectTable table(
      {"guard", "kind", "watches", "arm", "state", ">trips", ">value", ">limit", "does", "since", "until"});
  for (std::size_t i = 0; i < point.safety->guards.size(); ++i) {
    const GuardMetrics& guard = point.safety->guards[i];
    table.add({printable(guard.name), guard.kind, printable(guard_subject(guard)),
               guard.arm.empty() ? "(all)" : printable(guard.arm), state_of(guard), grouped(guard.trips),
               rounded(value_of(guard)), rounded(guard.limit), guard.action, since_text(guard.since),
               until_text(point.until[i], store, now)});
  }
  return table.empty() ? std::string() : "\n" + table.text();
}

[[nodiscard]] std::string acts_text(const PointGuards& point) {
  if (point.acts.empty()) {
    return {};
  }
  InspectTable table({"audit entry", "time", "who", "switch", "before", "after"});
  for (const AuditEntry& act : point.acts) {
    table.add({std::to_string(act.number), time_text(act.time), printable(act.actor), act.action,
               printable(act.before), printable(act.after)});
  }
  return "\n" + table.text();
}

[[nodiscard]] std::string screening_text(const PointGuards& point) {
  std::string out;
  if (point.screening) {
    for (const auto& [what, numbers] : screening_lines(*point.screening)) {
      add_line(out, "  " + what, numbers);
    }
  }
  return out;
}

[[nodiscard]] std::string point_guards_text(const PointGuards& point, const StoreGuards& store, Nanos now) {
  const std::string title = printable(point.point) + " (" + printable(point.policy) + "): ";
  if (!point.safety) {
    return title + "has no \"safety\", and was never killed or frozen\n" + screening_text(point) +
           acts_text(point);
  }
  const SafetyMetrics& safety = *point.safety;
  const std::string brief = safety_brief(safety);
  std::string out = title + (brief.empty() ? "all is quiet" : brief) + "\n";
  add_line(out, "  kill", switch_text(safety.killed, safety.killed_since, safety.killed_by));
  add_line(out, "  freeze",
           switch_text(safety.frozen, safety.frozen_since, safety.frozen_by) +
               (safety.frozen_rewards > 0
                    ? "; " + plural(safety.frozen_rewards, "reward") + " kept from the policy"
                    : std::string()));
  add_line(out, "  held back", held_back_text(point));
  add_line(out, "  rungs", counts_text<Rung>(safety.rungs));
  add_line(out, "  reasons", counts_text<ChoiceReason>(safety.reasons));
  if (std::isfinite(safety.explored_share)) {
    add_line(out, "  explored",
             percent(safety.explored_share, 1.0) + " of the window" +
                 (safety.explored_alarm > 0.0 ? ", alarm below " + percent(safety.explored_alarm, 1.0)
                                              : std::string()));
  }
  if (safety.greedy_only || safety.baseline_only) {
    add_line(out, "  limit",
             safety.greedy_only ? "the greedy arm only: enough was explored"
                                : "the baseline arm only: exploring cannot be paid for");
  }
  if (!safety.guards.empty()) {
    add_line(out, "  snapshot",
             (safety.snapshot ? std::string("there is a good one") : std::string("none")) +
                 (safety.restored > 0 ? "; put back " + plural(safety.restored, "time") : std::string()));
  }
  return out + screening_text(point) + guards_text(point, store, now) + acts_text(point);
}

[[nodiscard]] std::string as_text(const StoreGuards& store, Nanos now) {
  std::string out = "state after record " + grouped(store.position) +
                    (store.time ? ", " + time_text(*store.time) : std::string()) + "\n";
  const bool none = std::ranges::none_of(store.points, [](const PointGuards& point) {
    return point.safety.has_value() || point.screening.has_value() || !point.acts.empty();
  });
  if (none) {
    out +=
        "no decision point of this store has \"safety\", and none was ever killed or frozen: nothing is "
        "watched here but what doctor looks at\n";
  } else {
    for (const PointGuards& point : store.points) {
      out += "\n" + point_guards_text(point, store, now);
    }
  }
  return store.damage.empty() ? out : out + "\nproblem: " + printable(store.damage) + "\n";
}

[[nodiscard]] Json switch_json(bool on, Nanos since, const std::string& by) {
  const std::size_t line = by.find('\n');
  return {{"on", on},
          {"since", by.empty() ? Json(nullptr) : Json(time_text(since))},
          {"who", json_text(by.substr(0, line))},
          {"why", json_text(line == std::string::npos ? std::string() : by.substr(line + 1))}};
}

template <class Name, std::size_t kCount>
[[nodiscard]] Json counts_json(const std::array<std::uint64_t, kCount>& counts) {
  Json json = Json::object();
  for (std::size_t i = 0; i < kCount; ++i) {
    json[std::string(to_string(static_cast<Name>(i)))] = counts[i];
  }
  return json;
}

[[nodiscard]] Json guard_json(const GuardMetrics& guard, const GuardUntil& until) {
  return {{"guard", guard.name},
          {"kind", guard.kind},
          {"component", json_text(guard.component)},
          {"arm", json_text(guard.arm)},
          {"state", state_of(guard)},
          {"action", guard.action},
          {"trips", guard.trips},
          {"value", json_number(value_of(guard))},
          {"limit", json_number(guard.limit)},
          {"since", guard.since == 0 ? Json(nullptr) : Json(time_text(guard.since))},
          {"until_earliest", json_time(until.earliest)},
          {"until_latest", json_time(until.latest)},
          {"until_samples", until.samples > 0 ? Json(until.samples) : Json(nullptr)},
          {"until_share", until.share > 0.0 ? Json(until.share) : Json(nullptr)}};
}

[[nodiscard]] Json screening_json(const std::optional<ScreeningMetrics>& screening) {
  if (!screening) {
    return nullptr;
  }
  Json screens = Json::array();
  for (const ScreenMetrics& screen : screening->screens) {
    screens.push_back({{"screen", screen.name},
                       {"watch", screen.watch},
                       {"component", json_text(screen.component)},
                       {"detector", screen.detector},
                       {"action", screen.action},
                       {"values", screen.values},
                       {"anomalies", screen.anomalies},
                       {"clipped", screen.clipped},
                       {"rejected", screen.rejected},
                       {"share", json_number(screen.share)},
                       {"alarm", screen.alarm}});
  }
  return {
      {"contexts", screening->contexts ? Json{{"action", screening->context_action},
                                              {"familiar", screening->familiar},
                                              {"unfamiliar", screening->unfamiliar},
                                              {"threshold", json_number(screening->threshold)},
                                              {"share", json_number(screening->unfamiliar_share)},
                                              {"alarm", screening->alarm}}
                                       : Json(nullptr)},
      {"sources", screening->sources ? Json{{"admitted", screening->admitted}, {"capped", screening->capped}}
                                     : Json(nullptr)},
      {"screens", std::move(screens)}};
}

[[nodiscard]] Json point_guards_json(const PointGuards& point) {
  Json acts = Json::array();
  for (const AuditEntry& act : point.acts) {
    acts.push_back({{"number", act.number},
                    {"time", time_text(act.time)},
                    {"who", act.actor},
                    {"action", act.action},
                    {"before", act.before},
                    {"after", act.after}});
  }
  Json json{{"point", point.point},
            {"policy", json_text(point.policy)},
            {"safety", nullptr},
            {"screening", screening_json(point.screening)},
            {"acts", std::move(acts)}};
  if (!point.safety) {
    return json;
  }
  const SafetyMetrics& safety = *point.safety;
  Json guards = Json::array();
  for (std::size_t i = 0; i < safety.guards.size(); ++i) {
    guards.push_back(guard_json(safety.guards[i], point.until[i]));
  }
  json["safety"] = {{"killed", switch_json(safety.killed, safety.killed_since, safety.killed_by)},
                    {"frozen", switch_json(safety.frozen, safety.frozen_since, safety.frozen_by)},
                    {"frozen_rewards", safety.frozen_rewards},
                    {"restored", safety.restored},
                    {"out", point.out},
                    {"probation", point.probation},
                    {"rungs", counts_json<Rung>(safety.rungs)},
                    {"reasons", counts_json<ChoiceReason>(safety.reasons)},
                    {"trips", safety.trips},
                    {"explored_share", json_number(safety.explored_share)},
                    {"explored_alarm", json_number(safety.explored_alarm)},
                    {"greedy_only", safety.greedy_only},
                    {"baseline_only", safety.baseline_only},
                    {"snapshot", safety.snapshot},
                    {"guards", std::move(guards)}};
  return json;
}

[[nodiscard]] Json as_json(const StoreGuards& store) {
  Json points = Json::array();
  for (const PointGuards& point : store.points) {
    points.push_back(point_guards_json(point));
  }
  return {{"position", store.position},
          {"time", json_time(store.time)},
          {"damage", json_text(store.damage)},
          {"points", std::move(points)}};
}

/// Leaves the one point that was asked for. Errors: unknown_point.
[[nodiscard]] Result<void> keep_point(StoreGuards& store, const std::string& name) {
  std::string known;
  for (const PointGuards& point : store.points) {
    known += (known.empty() ? "" : ", ") + point.point;
  }
  std::erase_if(store.points, [&](const PointGuards& point) { return point.point != name; });
  return store.points.empty()
             ? fail(Errc::unknown_point, "there is no decision point '" + name + "'; there are: " + known)
             : Result<void>{};
}

}  // namespace

Result<Answer> run_guards(const Options& options, const Surroundings& around) {
  Result<StoreReader> reader = StoreReader::open(options);
  Result<StoreGuards> store = reader ? guards_of(*reader) : tl::unexpected(std::move(reader).error());
  if (store && options.point) {
    if (Result<void> kept = keep_point(*store, *options.point); !kept) {
      return tl::unexpected(std::move(kept).error());
    }
  }
  return store.map([&](const StoreGuards& found) {
    return Answer{.text = options.json ? json_line(as_json(found)) : as_text(found, around.now),
                  .sound = found.damage.empty()};
  });
}

}  // namespace attune::tools
