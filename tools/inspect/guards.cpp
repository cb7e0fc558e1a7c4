// SPDX-License-Identifier: Apache-2.0
#include "tools/inspect/guards.hpp"

#include <algorithm>
#include <iterator>
#include <string_view>
#include <utility>

#include <nlohmann/json.hpp>

#include "tools/inspect/moment.hpp"
#include "tools/inspect/summary.hpp"

namespace attune::tools {
namespace {

using Json = nlohmann::ordered_json;

/// The options of a guard in a configuration; an empty object where it has none of this name.
[[nodiscard]] Json options_of(const std::string& config, const std::string& point,
                              const GuardMetrics& guard) {
  const Json whole = Json::parse(config, nullptr, false, true);
  const Json* at = &whole;
  for (const std::string& step :
       {std::string("points"), point, std::string("safety"), std::string("guards")}) {
    const auto next = at->is_object() ? at->find(step) : at->end();
    if (!at->is_object() || next == at->end()) {
      return Json::object();
    }
    at = &*next;
  }
  for (const Json& one : *at) {
    const char* name = one.is_object() && one.contains("name") ? "name" : "kind";
    if (one.is_object() && one.contains(name) && one[name] == guard.name) {
      return one;
    }
  }
  return Json::object();
}

[[nodiscard]] double number_in(const Json& options, const char* name, double otherwise) {
  const auto found = options.find(name);
  return found != options.end() && found->is_number() ? found->get<double>() : otherwise;
}

[[nodiscard]] Nanos span_of(double seconds) {
  constexpr double kMost = 4e18;  // nanoseconds; below the limits of Nanos
  return static_cast<Nanos>(std::clamp(seconds * static_cast<double>(kSecond), 1.0, kMost));
}

[[nodiscard]] Nanos after(Nanos time, Nanos span) { return time_before(time, -span); }

/// End of the period that holds `time`; periods are counted from 1970.
[[nodiscard]] Nanos period_end(Nanos time, Nanos length) {
  return after(time_before(time, ((time % length) + length) % length), length);
}

/// A cool-down is doubled by trips that follow a failed or short return, up to its limit: how often it was is
/// not known here, but not more often than the guard tripped before, and it has not ended yet.
[[nodiscard]] GuardUntil cooldown_end(const Json& options, const GuardMetrics& guard, Nanos now) {
  const Nanos most = span_of(number_in(options, "cooldown_max_s", 3600.0));
  Nanos span = std::min(most, span_of(number_in(options, "cooldown_s", 60.0)));
  GuardUntil until;
  for (std::uint64_t trip = 1; trip <= std::max<std::uint64_t>(1, guard.trips); ++trip) {
    const Nanos end = after(guard.since, span);
    until.earliest = until.latest && *until.latest > now ? until.earliest : end;
    until.latest = end;
    if (span == most) {
      break;
    }
    span = span > most / 2 ? most : 2 * span;
  }
  return until;
}

/// Arms in a state that keeps them from being chosen as usual.
[[nodiscard]] std::vector<std::string> arms_in(const SafetyMetrics& safety, std::string_view state) {
  std::vector<std::string> arms;
  for (const GuardMetrics& guard : safety.guards) {
    if (guard.state == state && guard.action == "mask" && !guard.arm.empty() &&
        std::ranges::find(arms, guard.arm) == arms.end()) {
      arms.push_back(guard.arm);
    }
  }
  return arms;
}

[[nodiscard]] bool is_switch(const AuditEntry& entry) {
  return entry.action == "kill" || entry.action == "freeze";
}

[[nodiscard]] std::vector<AuditEntry> switches_of(const AuditTrail& trail, const std::string& point) {
  std::vector<AuditEntry> acts;
  std::ranges::copy_if(trail.entries, std::back_inserter(acts), [&](const AuditEntry& entry) {
    return is_switch(entry) && entry.subject == "point " + point;
  });
  return acts;
}

[[nodiscard]] PointGuards point_guards(PointMetrics& metrics, const std::string& config,
                                       const AuditTrail& trail, Nanos now) {
  PointGuards point{.point = metrics.name,
                    .policy = metrics.policy,
                    .safety = std::move(metrics.safety),
                    .screening = std::move(metrics.screening),
                    .acts = switches_of(trail, metrics.name)};
  if (!point.safety) {
    return point;
  }
  for (const GuardMetrics& guard : point.safety->guards) {
    point.until.push_back(guard_until(config, point.point, guard, now));
  }
  point.out = arms_in(*point.safety, "tripped");
  point.probation = arms_in(*point.safety, "probation");
  std::erase_if(point.probation, [&](const std::string& arm) {
    return std::ranges::find(point.out, arm) != point.out.end();  // another guard holds it out
  });
  return point;
}

}  // namespace

GuardUntil guard_until(const std::string& config, const std::string& point, const GuardMetrics& guard,
                       Nanos now) {
  const Json options = options_of(config, point, guard);
  if (guard.state == "probation") {
    const double least = number_in(options, "min_samples", 20.0);
    const double wanted = std::clamp(number_in(options, "probation_samples", least), 0.0, 1e18);
    return {.samples = static_cast<std::uint64_t>(wanted)};
  }
  if (guard.state != "tripped") {
    return {};
  }
  if (guard.kind == "share") {
    return {.share = number_in(options, "recover", 0.9 * guard.limit)};
  }
  if (guard.kind == "budget") {
    const Nanos end =
        period_end(std::max(now, guard.since), span_of(number_in(options, "period_s", 86'400.0)));
    return {.earliest = end, .latest = end};
  }
  return cooldown_end(options, guard, now);
}

bool may_have_safety(StoreReader& reader) {
  const Result<std::optional<std::string>> config = reader.view().meta("config");
  const std::string text = config ? config->value_or("") : std::string();
  if (!config || text.find("\"safety\"") != std::string::npos ||
      text.find("\"screening\"") != std::string::npos) {
    return true;
  }
  const Result<AuditTrail> trail = read_audit(reader.summary().path);
  return !trail || std::ranges::any_of(trail->entries, is_switch);
}

Result<StoreGuards> guards_of(StoreReader& reader) {
  const Result<AuditTrail> trail = read_audit(reader.summary().path);
  const Result<std::optional<std::string>> config =
      trail ? reader.view().meta("config") : tl::unexpected(trail.error());
  if (!config) {
    return tl::unexpected(config.error());
  }
  StoreGuards found{
      .position = reader.last(), .time = reader.summary().last_time, .points = {}, .damage = trail->damage};
  Result<std::vector<PointMetrics>> points = metrics_of(reader);
  if (!points && may_have_safety(reader)) {
    return tl::unexpected(std::move(points).error());
  }
  if (!points) {
    for (const auto& [number, name] : reader.points()) {
      found.points.push_back({.point = name});
    }
    return found;
  }
  for (PointMetrics& metrics : *points) {
    found.points.push_back(point_guards(metrics, config->value_or(""), *trail, found.time.value_or(0)));
  }
  return found;
}

}  // namespace attune::tools
