// SPDX-License-Identifier: Apache-2.0
// What doctor says of guards and switches.
#include <string>
#include <vector>

#include "tools/inspect/findings.hpp"
#include "tools/inspect/guards.hpp"
#include "tools/inspect/text.hpp"

namespace attune::tools {
namespace {

/// What to do about a guard that is out.
[[nodiscard]] std::string remedy_for(const GuardMetrics& guard) {
  const std::string whose = guard.arm.empty() ? std::string("what the arms call") : "'" + guard.arm + "'";
  if (guard.kind == "budget") {
    return "It is back with the next period (guards says when), unless too much was overdrawn. If the money "
           "is meant to be spent, raise the limit in the configuration and restart.";
  }
  if (guard.kind == "share") {
    return "It is back when its share of the newest decisions has shrunk. See arms --bars for what drew the "
           "traffic to it.";
  }
  const std::string cause = guard.kind == "quality" ? "Compare with arms and outcomes --point whether " +
                                                          whose + " became worse or its reporting did"
                                                    : "Look at " + whose + " and at outcomes --point";
  return cause +
         "; it is tested again by itself (guards says when). An arm that will not recover is better "
         "disabled, so that no decision is spent on tests.";
}

void check_switches(const std::string& point, const SafetyMetrics& safety, Findings& findings) {
  if (safety.killed) {
    findings.push_back(
        {Urgency::warning,
         "point '" + point + "' is killed since " + time_text(safety.killed_since) + " by " +
             switched_by(safety.killed_by) + ": its policy does not decide",
         "Ask who switched it; when the cause is gone, switch it back: Engine::kill(point, false, ...) or "
         R"({"op":"kill","point":...,"on":false,"who":...} through attune-serve.)"});
  }
  if (safety.frozen) {
    findings.push_back({Urgency::note,
                        "point '" + point + "' is frozen since " + time_text(safety.frozen_since) + " by " +
                            switched_by(safety.frozen_by) + "; " + plural(safety.frozen_rewards, "reward") +
                            " did not reach its policy in this freeze and those before",
                        "Nothing, while it is meant. What comes during a freeze is lost to the policy for "
                        "good: lift it (freeze, on: false) as soon as it may learn again."});
  }
}

}  // namespace

void check_safety(const std::vector<PointMetrics>& points, Findings& findings) {
  for (const PointMetrics& point : points) {
    if (!point.safety) {
      continue;
    }
    const SafetyMetrics& safety = *point.safety;
    check_switches(point.name, safety, findings);
    for (const GuardMetrics& guard : safety.guards) {
      if (guard.state == "tripped") {
        findings.push_back({Urgency::warning,
                            guard_sentence(point.name, guard) + " since " + time_text(guard.since) +
                                ", its trip number " + grouped(guard.trips),
                            remedy_for(guard)});
      } else if (guard.state == "probation") {
        findings.push_back({Urgency::note, guard_sentence(point.name, guard),
                            "Nothing: the tests decide. guards says how many there are."});
      }
    }
    if (safety.explored_alarm > 0.0 && safety.explored_share < safety.explored_alarm) {
      findings.push_back({Urgency::warning,
                          "point '" + point.name + "' explores with " + percent(safety.explored_share, 1.0) +
                              " of its decisions, fewer than " + percent(safety.explored_alarm, 1.0),
                          "It would not notice that another arm has become better: let the policy explore "
                          "more, or lower exploration.alarm_below."});
    }
  }
}

}  // namespace attune::tools
