// SPDX-License-Identifier: Apache-2.0
// Answers of attune-inspect for people.
#include <array>
#include <cmath>
#include <cstdio>
#include <string>
#include <utility>

#include "tools/inspect.hpp"
#include "tools/inspect_table.hpp"

namespace attune::tools {
namespace {

[[nodiscard]] std::string size_text(std::uint64_t bytes) {
  constexpr std::array<const char*, 4> kUnits{"KiB", "MiB", "GiB", "TiB"};
  if (bytes < 1024) {
    return std::to_string(bytes) + " bytes";
  }
  double value = static_cast<double>(bytes) / 1024.0;
  std::size_t unit = 0;
  for (; value >= 1024.0 && unit + 1 < kUnits.size(); ++unit) {
    value /= 1024.0;
  }
  return rounded(value, 3) + " " + kUnits[unit];
}

/// Ages need no precision: "3 min".
[[nodiscard]] std::string age_text(Nanos age) {
  const Nanos seconds = age / kSecond;
  if (seconds < 0) {
    return "in the future";
  }
  constexpr std::array<std::pair<Nanos, const char*>, 4> kUnits{
      {{86'400, " d"}, {3'600, " h"}, {60, " min"}, {1, " s"}}};
  for (const auto& [length, unit] : kUnits) {
    if (seconds >= 2 * length || length == 1) {
      return std::to_string(seconds / length) + unit + " old";
    }
  }
  return {};
}

[[nodiscard]] std::string name_or_number(const std::string& name, std::optional<std::uint32_t> number) {
  return !name.empty() ? printable(name) : number ? "#" + std::to_string(*number) : std::string(1, '-');
}

[[nodiscard]] std::string time_or_dash(const std::optional<Nanos>& time) {
  return time ? time_text(*time) : std::string(1, '-');
}

[[nodiscard]] std::string percent(std::uint64_t part, std::uint64_t whole) {
  return whole == 0 ? std::string(1, '-')
                    : rounded(100.0 * static_cast<double>(part) / static_cast<double>(whole), 3) + "%";
}

[[nodiscard]] std::string plural(std::uint64_t count, const char* one) {
  return grouped(count) + " " + one + (count == 1 ? "" : "s");
}

void add_line(std::string& out, std::string_view label, std::string_view value) {
  constexpr std::size_t kLabelWidth = 14;
  out += label;
  out.append(kLabelWidth - std::min(label.size(), kLabelWidth), ' ');
  out += value;
  out += '\n';
}

[[nodiscard]] std::string outcomes_text(const std::vector<DecisionReport::Outcome>& outcomes) {
  std::string text;
  for (const DecisionReport::Outcome& outcome : outcomes) {
    text += text.empty() ? "" : "; ";
    std::string parts;
    for (const auto& [name, value] : outcome.components) {
      parts += parts.empty() ? "" : " ";
      parts += printable(name) + "=" + rounded(value, 6);
    }
    text += parts;
  }
  return text.empty() ? std::string(1, '-') : text;
}

}  // namespace

std::string as_text(const StoreSummary& summary, Nanos now) {
  std::string out;
  add_line(out, "store", printable(summary.path));
  add_line(out, "id", summary.store_id + ", format " + std::to_string(summary.schema_version));
  add_line(out, "size", size_text(summary.file_bytes) + " + " + size_text(summary.wal_bytes) + " log");
  add_line(out, "writer",
           summary.writer ? "process " + std::to_string(*summary.writer) : std::string("none"));
  add_line(out, "records",
           grouped(summary.position) + " (" + plural(summary.decisions, "decision") + ", " +
               plural(summary.outcomes, "outcome") + ", " + plural(summary.events, "event") + ")");
  add_line(out, "first", time_or_dash(summary.first_time));
  add_line(out, "last", time_or_dash(summary.last_time));
  add_line(out, "points", grouped(summary.points));
  if (summary.checkpoint) {
    const CheckpointInfo& info = *summary.checkpoint;
    add_line(out, "checkpoint",
             std::to_string(info.number) + " at record " + grouped(info.position) + ", " +
                 time_text(info.time) + ", " + age_text(now - info.time) + ", " + size_text(info.bytes) +
                 ", sound");
    add_line(out, "since then", plural(summary.position - info.position, "record"));
  } else {
    add_line(out, "checkpoint", summary.checkpoints == 0 ? "none" : "none that can be used");
  }
  for (const std::string& problem : summary.problems) {
    add_line(out, "problem", printable(problem));
  }
  return out;
}

std::string as_text(const std::vector<PointReport>& points) {
  InspectTable table({"point", ">decisions", ">outcomes", ">events", ">arms", ">explored", ">fallback",
                      ">deferred", "first", "last"});
  for (const PointReport& point : points) {
    table.add({name_or_number(point.name, point.number), grouped(point.decisions), grouped(point.outcomes),
               grouped(point.events), grouped(point.arms), percent(point.explored, point.decisions),
               percent(point.fallbacks, point.decisions), percent(point.deferred, point.decisions),
               time_or_dash(point.first_time), time_or_dash(point.last_time)});
  }
  return table.text();
}

std::string as_text(const ArmsReport& arms) {
  InspectTable table({"point", "arm", "state", ">decisions", ">explored", ">outcomes", "mean of components",
                      "% of decisions by tenth, oldest first"});
  for (const ArmReport& arm : arms.arms) {
    std::string means;
    for (const ComponentReport& component : arm.components) {
      means += means.empty() ? "" : " ";
      means += printable(component.name) + "=" + rounded(component.mean(), 4);
    }
    std::string shares;
    for (const double share : arm.share) {
      std::array<char, 8> cell{};
      static_cast<void>(std::snprintf(cell.data(), cell.size(), "%3.0f ", 100.0 * share));
      shares += cell.data();
    }
    table.add({name_or_number(arm.point_name, arm.point), name_or_number(arm.name, arm.slot), arm.state,
               grouped(arm.decisions), percent(arm.explored, arm.decisions), grouped(arm.outcomes),
               means.empty() ? std::string(1, '-') : means, shares});
  }
  std::string out = table.text();
  if (arms.unmatched > 0) {
    out += "outcomes whose decision is not among the records looked at: " + grouped(arms.unmatched) + "\n";
  }
  return out;
}

std::string as_text(const std::vector<DecisionReport>& decisions) {
  InspectTable table({">record", "time", "point", ">number", "id", "arm", ">propensity", ">version", "rung",
                      "choice", "outcomes"});
  for (const DecisionReport& decision : decisions) {
    std::string choice = name_or_number(decision.arm, decision.slot);
    if (!decision.parameters.empty()) {
      choice.clear();
      for (const double value : decision.parameters) {
        choice += choice.empty() ? "" : " ";
        choice += rounded(value, 6);
      }
    }
    table.add({std::to_string(decision.position), time_text(decision.time),
               name_or_number(decision.point_name, decision.point), std::to_string(decision.sequence),
               decision.id.to_string(), choice,
               std::isnan(decision.propensity) ? std::string("deferred") : rounded(decision.propensity),
               std::to_string(decision.version), std::string(to_string(decision.rung)),
               decision.greedy ? "greedy" : "explore", outcomes_text(decision.outcomes)});
  }
  return table.text();
}

std::string as_text(const std::vector<CheckpointReport>& checkpoints, Nanos now) {
  InspectTable table({">number", ">record", "time", "age", ">state", ">stored", "codec", "sha256", "sound"});
  for (const CheckpointReport& report : checkpoints) {
    const CheckpointInfo& info = report.info;
    table.add({std::to_string(info.number), grouped(info.position), time_text(info.time),
               age_text(now - info.time), size_text(info.bytes), size_text(report.stored_bytes),
               printable(report.codec), to_hex(info.digest).substr(0, 16),
               report.damage.empty() ? "yes" : "no: " + printable(report.damage)});
  }
  return table.text();
}

std::string verdict_text(const StoreSummary& summary, const std::vector<std::string>& problems) {
  if (problems.empty()) {
    return "sound: " + plural(summary.position, "record") + " and " +
           plural(summary.checkpoints, "checkpoint") + " read and checked\n";
  }
  std::string out;
  for (const std::string& problem : problems) {
    out += "problem: " + printable(problem) + "\n";
  }
  return out;
}

}  // namespace attune::tools
