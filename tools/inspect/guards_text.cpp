// SPDX-License-Identifier: Apache-2.0
// What guards and switches say in a few words, for the commands that look at more than these.
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tools/inspect/guards.hpp"
#include "tools/inspect/text.hpp"

namespace attune::tools {
namespace {

constexpr std::size_t kMostTold = 3;  // deeds in one sentence; the rest is counted

[[nodiscard]] std::uint64_t guards_in(const SafetyMetrics& safety, std::string_view state) {
  return static_cast<std::uint64_t>(std::ranges::count(safety.guards, state, &GuardMetrics::state));
}

[[nodiscard]] std::string whom(const std::string& point, const GuardMetrics& guard) {
  return guard.arm.empty() ? "point '" + point + "'" : "arm '" + guard.arm + "' of '" + point + "'";
}

/// What tripped guards did, in the words of Engine::health().
[[nodiscard]] std::string deed(const std::string& action, bool one) {
  const std::string has = one ? "has " : "have ";
  return action == "watch"      ? "would have acted on "
         : action == "mask"     ? has + "taken out "
         : action == "snapshot" ? has + "put the last good snapshot in charge of "
                                : has + "put static shares in charge of ";
}

/// Guards that did the same to the same.
struct Deed {
  std::string action;
  std::string whom;
  std::uint64_t guards = 0;
};

void count_deed(std::vector<Deed>& deeds, const std::string& point, const GuardMetrics& guard) {
  const std::string to = whom(point, guard);
  const auto known = std::ranges::find_if(
      deeds, [&](const Deed& one) { return one.action == guard.action && one.whom == to; });
  if (known != deeds.end()) {
    ++known->guards;
  } else {
    deeds.push_back({.action = guard.action, .whom = to, .guards = 1});
  }
}

}  // namespace

std::vector<std::pair<std::string, std::string>> screening_lines(const ScreeningMetrics& screening) {
  std::vector<std::pair<std::string, std::string>> lines;
  const auto share = [](double of_newest, bool alarm) {
    return (std::isnan(of_newest) ? std::string() : ", " + percent(of_newest, 1.0) + " of the newest") +
           (alarm ? " (alarm)" : "");
  };
  if (screening.contexts) {
    lines.emplace_back("contexts",
                       grouped(screening.unfamiliar) + " unfamiliar of " +
                           grouped(screening.familiar + screening.unfamiliar) +
                           share(screening.unfamiliar_share, screening.alarm) + "; threshold " +
                           rounded(screening.threshold) + ", " +
                           (screening.context_action == "log" ? "counted" : "answered without the policy"));
  }
  if (screening.sources) {
    lines.emplace_back("sources", plural(screening.admitted, "outcome") + " admitted, " +
                                      grouped(screening.capped) + " above a cap");
  }
  for (const ScreenMetrics& screen : screening.screens) {
    const std::string did = screen.action == "clip"     ? ", " + grouped(screen.clipped) + " clipped"
                            : screen.action == "reject" ? ", " + grouped(screen.rejected) + " rejected"
                                                        : std::string();
    lines.emplace_back("screen " + printable(screen.name),
                       (screen.component.empty() ? screen.watch : printable(screen.component)) + ", " +
                           screen.detector + ": " +
                           (screen.anomalies == 1 ? "1 anomaly" : grouped(screen.anomalies) + " anomalies") +
                           " in " + plural(screen.values, "value") + did + share(screen.share, screen.alarm));
  }
  return lines;
}

std::string guard_subject(const GuardMetrics& guard) {
  return guard.component.empty() ? "decisions" : guard.component;
}

std::string guard_sentence(const std::string& point, const GuardMetrics& guard) {
  const std::string what = "guard '" + guard.name + "' (" + guard.kind + " of " + guard_subject(guard) +
                           ", limit " + rounded(guard.limit) + ") ";
  return guard.state == "probation"
             ? what + "tests " + whom(point, guard) + " again, after " + plural(guard.trips, "trip")
         : guard.state == "tripped" ? what + deed(guard.action, true) + whom(point, guard)
                                    : what + "is quiet at " + whom(point, guard);
}

std::string switched_by(const std::string& text) {
  const std::size_t line = text.find('\n');
  const std::string who = text.substr(0, line);
  const std::string why = line == std::string::npos ? std::string() : text.substr(line + 1);
  return (who.empty() ? "somebody" : who) + (why.empty() ? "" : ": ") + why;
}

std::string safety_brief(const SafetyMetrics& safety) {
  std::string out;
  const auto add = [&](const std::string& part) { out += (out.empty() ? "" : ", ") + part; };
  if (safety.killed) {
    add("killed");
  }
  if (safety.frozen) {
    add("frozen");
  }
  for (const auto& [state, words] : {std::pair{"tripped", " out"}, std::pair{"probation", " on probation"}}) {
    if (const std::uint64_t count = guards_in(safety, state); count > 0) {
      add(grouped(count) + words);
    }
  }
  return out;
}

std::string safety_sentence(const std::vector<PointMetrics>& points) {
  std::vector<Deed> deeds;
  std::uint64_t guards = 0;
  std::uint64_t tripped = 0;
  std::uint64_t probation = 0;
  std::uint64_t killed = 0;
  std::uint64_t frozen = 0;
  bool some = false;
  for (const PointMetrics& point : points) {
    if (!point.safety) {
      continue;
    }
    some = true;
    guards += point.safety->guards.size();
    tripped += guards_in(*point.safety, "tripped");
    probation += guards_in(*point.safety, "probation");
    killed += point.safety->killed ? 1 : 0;
    frozen += point.safety->frozen ? 1 : 0;
    for (const GuardMetrics& guard : point.safety->guards) {
      if (guard.state == "tripped") {
        count_deed(deeds, point.name, guard);
      }
    }
  }
  if (!some) {
    return {};
  }
  std::string text;
  const auto add = [&](const std::string& part) { text += (text.empty() ? "" : "; ") + part; };
  std::uint64_t told = 0;
  for (const Deed& one : std::span(deeds).first(std::min(kMostTold, deeds.size()))) {
    add(plural(one.guards, "guard") + " " + deed(one.action, one.guards == 1) + one.whom);
    told += one.guards;
  }
  if (tripped > told) {
    add(plural(tripped - told, "guard") + " more");
  }
  if (probation > 0) {
    add(plural(probation, "guard") + (probation == 1 ? " tests" : " test") + " again");
  }
  if (tripped + probation == 0) {
    add(guards == 0 ? "no guard has seen an arm" : plural(guards, "guard") + " quiet");
  }
  return text + "; " + grouped(killed) + " killed; " + grouped(frozen) + " frozen";
}

}  // namespace attune::tools
