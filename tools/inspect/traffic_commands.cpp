// SPDX-License-Identifier: Apache-2.0
// points and arms: what one pass over the journal counted.
#include <cmath>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "tools/inspect/commands.hpp"
#include "tools/inspect/guards.hpp"
#include "tools/inspect/json.hpp"
#include "tools/inspect/summary.hpp"
#include "tools/inspect/text.hpp"
#include "tools/inspect/traffic.hpp"

namespace attune::tools {
namespace {

using Json = nlohmann::ordered_json;

[[nodiscard]] std::string percent_of(std::uint64_t part, std::uint64_t whole) {
  return percent(static_cast<double>(part), static_cast<double>(whole));
}

/// What guards and switches have to say now, by point; only points where there is something.
using SafetyBriefs = std::map<std::string, std::string, std::less<>>;

[[nodiscard]] std::string brief_of(const SafetyBriefs& briefs, const std::string& point) {
  const auto found = briefs.find(point);
  return found == briefs.end() ? std::string() : found->second;
}

[[nodiscard]] std::string points_text(const Traffic& traffic, const SafetyBriefs& briefs) {
  std::vector<std::string> names{"point", ">decisions", ">answered", ">outcomes", ">events",
                                 ">arms", ">explored",  ">fallback", ">deferred", ">delay p50",
                                 ">p99",  "first",      "last"};
  if (!briefs.empty()) {
    names.emplace_back("safety now");
  }
  InspectTable table(names);
  for (const PointTraffic& point : traffic.points()) {
    const auto delay = [&](double quantile) {
      const std::optional<Nanos> found = point.delay_quantile(quantile);
      return found ? span_text(*found) : std::string(1, '-');
    };
    std::vector<std::string> cells{name_or_number(point.name, point.number),
                                   grouped(point.decisions),
                                   percent_of(point.answered, point.decisions),
                                   grouped(point.outcomes),
                                   grouped(point.events),
                                   grouped(point.arms),
                                   percent_of(point.explored, point.decisions),
                                   percent_of(point.fallbacks, point.decisions),
                                   percent_of(point.deferred, point.decisions),
                                   delay(0.5),
                                   delay(0.99),
                                   time_or_dash(point.first_time),
                                   time_or_dash(point.last_time)};
    if (!briefs.empty()) {
      const std::string brief = brief_of(briefs, point.name);
      cells.push_back(brief.empty() ? "quiet" : brief);
    }
    table.add(std::move(cells));
  }
  return table.empty() ? "no decision point has a record here\n" : table.text();
}

[[nodiscard]] Json points_json(const Traffic& traffic, const SafetyBriefs& briefs) {
  Json list = Json::array();
  for (const PointTraffic& point : traffic.points()) {
    const auto delay = [&](double quantile) {
      const std::optional<Nanos> found = point.delay_quantile(quantile);
      return found ? Json(static_cast<double>(*found) / 1e9) : Json(nullptr);
    };
    list.push_back({{"point", json_text(point.name)},
                    {"number", point.number},
                    {"decisions", point.decisions},
                    {"answered", point.answered},
                    {"outcomes", point.outcomes},
                    {"unmatched_outcomes", point.unmatched},
                    {"events", point.events},
                    {"arms", point.arms},
                    {"explored", point.explored},
                    {"fallbacks", point.fallbacks},
                    {"deferred", point.deferred},
                    {"delay_p50_s", delay(0.5)},
                    {"delay_p99_s", delay(0.99)},
                    {"first_time", json_time(point.first_time)},
                    {"last_time", json_time(point.last_time)},
                    {"safety", json_text(brief_of(briefs, point.name))}});
  }
  return {{"points", std::move(list)}, {"records", traffic.records()}};
}

[[nodiscard]] std::string points_csv(const Traffic& traffic) {
  std::string out = "point,number,decisions,answered,outcomes,events,arms,explored,fallbacks,deferred\n";
  for (const PointTraffic& point : traffic.points()) {
    out += csv_cell(point.name);
    for (const std::uint64_t value :
         {std::uint64_t{point.number}, point.decisions, point.answered, point.outcomes, point.events,
          std::uint64_t{point.arms}, point.explored, point.fallbacks, point.deferred}) {
      out += "," + std::to_string(value);
    }
    out += "\n";
  }
  return out;
}

/// "0.61 [0.58, 0.64]"; without an interval the mean alone.
[[nodiscard]] std::string estimate_text(const Moments& moments) {
  const Bounds bounds = moments.interval();
  std::string out = rounded(moments.mean(), 4);
  if (std::isfinite(bounds.low)) {
    out += " [" + rounded(bounds.low, 4) + ", " + rounded(bounds.high, 4) + "]";
  }
  return out;
}

[[nodiscard]] std::string shares_text(const std::vector<double>& shares, bool draw) {
  if (draw) {
    return bars(shares);
  }
  std::string out;
  for (const double part : shares) {
    const std::string number = std::to_string(std::lround(100.0 * part));
    out += std::string(out.empty() ? 0 : 1, ' ') + std::string(number.size() < 2 ? 1 : 0, ' ') + number;
  }
  return out;
}

[[nodiscard]] bool wanted(const ArmTraffic& arm, const Options& options) {
  return !options.arm || arm.name == *options.arm ||
         (arm.name.empty() && arm.slot && "#" + std::to_string(*arm.slot) == *options.arm);
}

/// One table a point: the components are columns of their own there.
[[nodiscard]] std::string arms_text(const Traffic& traffic, const Options& options, bool draw) {
  std::string out;
  for (const PointTraffic& point : traffic.points()) {
    std::map<std::string, std::size_t> components;
    for (const ArmTraffic& arm : traffic.arms()) {
      if (arm.point == point.number && wanted(arm, options)) {
        for (const auto& [name, moments] : arm.components) {
          components.emplace(name, 0);
        }
      }
    }
    std::vector<std::string> names{"arm", "state", ">pulls", ">share", ">explored", ">outcomes"};
    for (const auto& [name, unused] : components) {
      names.push_back(printable(name) + ", 95 %");
    }
    names.emplace_back(draw ? "share over time" : "share over time, % in each 20th, oldest first");
    InspectTable table(names);
    for (const ArmTraffic& arm : traffic.arms()) {
      if (arm.point != point.number || !wanted(arm, options)) {
        continue;
      }
      std::vector<std::string> cells{name_or_number(arm.name, arm.slot),
                                     arm.state,
                                     grouped(arm.decisions),
                                     percent_of(arm.decisions, point.decisions),
                                     percent_of(arm.explored, arm.decisions),
                                     grouped(arm.outcomes)};
      for (const auto& [name, unused] : components) {
        const auto found = arm.components.find(name);
        cells.push_back(found == arm.components.end() ? std::string(1, '-') : estimate_text(found->second));
      }
      cells.push_back(shares_text(arm.share, draw));
      table.add(std::move(cells));
    }
    if (!table.empty()) {
      out += out.empty() ? "" : "\n";
      out += name_or_number(point.name, point.number) + ": " + plural(point.decisions, "decision") + "\n" +
             table.text();
    }
  }
  if (out.empty()) {
    out = "no arm has a record here\n";
  }
  if (traffic.unmatched() > 0) {
    out +=
        "outcomes whose decision is not among the records looked at: " + grouped(traffic.unmatched()) + "\n";
  }
  return out;
}

[[nodiscard]] Json arms_json(const Traffic& traffic, const Options& options, const StoreReader& reader) {
  Json list = Json::array();
  for (const ArmTraffic& arm : traffic.arms()) {
    if (!wanted(arm, options)) {
      continue;
    }
    Json components = Json::object();
    for (const auto& [name, moments] : arm.components) {
      components[name] = json_moments(moments);
    }
    list.push_back({{"point", json_text(reader.point_name(arm.point))},
                    {"point_number", arm.point},
                    {"arm", json_text(arm.name)},
                    {"slot", json_count(arm.slot)},
                    {"state", arm.state},
                    {"decisions", arm.decisions},
                    {"explored", arm.explored},
                    {"fallbacks", arm.fallbacks},
                    {"outcomes", arm.outcomes},
                    {"answered", arm.answered},
                    {"components", std::move(components)},
                    {"share", arm.share},
                    {"last_time", json_time(arm.last_time)}});
  }
  return {
      {"arms", std::move(list)}, {"unmatched_outcomes", traffic.unmatched()}, {"records", traffic.records()}};
}

[[nodiscard]] std::string arms_csv(const Traffic& traffic, const Options& options,
                                   const StoreReader& reader) {
  std::string out = "point,arm,slot,state,decisions,explored,outcomes,component,count,mean,low,high\n";
  const auto cell = [](double value) { return std::isfinite(value) ? exact(value) : std::string(); };
  for (const ArmTraffic& arm : traffic.arms()) {
    if (!wanted(arm, options)) {
      continue;
    }
    const std::string front = csv_cell(reader.point_name(arm.point)) + "," + csv_cell(arm.name) + "," +
                              (arm.slot ? std::to_string(*arm.slot) : std::string()) + "," + arm.state + "," +
                              std::to_string(arm.decisions) + "," + std::to_string(arm.explored) + "," +
                              std::to_string(arm.outcomes) + ",";
    for (const auto& [name, moments] : arm.components) {
      const Bounds bounds = moments.interval();
      out += front + csv_cell(name) + "," + std::to_string(moments.count()) + "," + cell(moments.mean()) +
             "," + cell(bounds.low) + "," + cell(bounds.high) + "\n";
    }
    if (arm.components.empty()) {
      out += front + ",0,,,\n";
    }
  }
  return out;
}

struct Looked {
  StoreReader reader;
  Traffic traffic;
};

/// Where no point can have any, nothing is folded for it. A state that cannot be derived is for doctor to
/// tell.
[[nodiscard]] SafetyBriefs safety_briefs(StoreReader& reader) {
  SafetyBriefs briefs;
  if (!may_have_safety(reader)) {
    return briefs;
  }
  const Result<std::vector<PointMetrics>> points = metrics_of(reader);
  for (const PointMetrics& point : points ? *points : std::vector<PointMetrics>{}) {
    if (std::string brief = point.safety ? safety_brief(*point.safety) : std::string(); !brief.empty()) {
      briefs.emplace(point.name, std::move(brief));
    }
  }
  return briefs;
}

[[nodiscard]] Result<Looked> look(const Options& options) {
  Result<StoreReader> reader = StoreReader::open(options);
  if (!reader) {
    return tl::unexpected(std::move(reader).error());
  }
  const Result<std::optional<std::uint32_t>> point = reader->find_point(options.point);
  const Result<Slice> slice = point ? reader->slice(options) : tl::unexpected(point.error());
  Result<Traffic> traffic = slice ? Traffic::read(*reader, *slice, *point) : tl::unexpected(slice.error());
  if (!traffic) {
    return tl::unexpected(std::move(traffic).error());
  }
  return Looked{.reader = std::move(*reader), .traffic = std::move(*traffic)};
}

}  // namespace

Result<Answer> run_points(const Options& options, const Surroundings& /*around*/) {
  Result<Looked> found = look(options);
  if (!found) {
    return tl::unexpected(std::move(found).error());
  }
  if (options.csv) {
    return Answer{.text = points_csv(found->traffic)};
  }
  const SafetyBriefs briefs = safety_briefs(found->reader);
  return Answer{.text = options.json ? json_line(points_json(found->traffic, briefs))
                                     : points_text(found->traffic, briefs)};
}

Result<Answer> run_arms(const Options& options, const Surroundings& around) {
  return look(options).map([&](const Looked& found) {
    return Answer{.text = options.json  ? json_line(arms_json(found.traffic, options, found.reader))
                          : options.csv ? arms_csv(found.traffic, options, found.reader)
                                        : arms_text(found.traffic, options, around.terminal || options.bars)};
  });
}

}  // namespace attune::tools
