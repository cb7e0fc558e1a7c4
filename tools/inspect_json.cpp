// SPDX-License-Identifier: Apache-2.0
// Answers of attune-inspect for programs.
#include <cmath>
#include <string>
#include <utility>

#include <nlohmann/json.hpp>

#include "tools/inspect.hpp"

namespace attune::tools {
namespace {

using Json = nlohmann::ordered_json;

/// One line. Names that are not UTF-8 come with their bad bytes replaced.
[[nodiscard]] std::string line(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

[[nodiscard]] Json number(double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }

template <class T>
[[nodiscard]] Json maybe(const std::optional<T>& value) {
  return value ? Json(*value) : Json(nullptr);
}

[[nodiscard]] Json text_or_null(const std::string& text) { return text.empty() ? Json(nullptr) : Json(text); }

[[nodiscard]] Json time_json(const std::optional<Nanos>& time) {
  return time ? Json(time_text(*time)) : Json(nullptr);
}

[[nodiscard]] Json checkpoint_json(const CheckpointInfo& info) {
  return {{"number", info.number},
          {"position", info.position},
          {"time", time_text(info.time)},
          {"time_ns", info.time},
          {"bytes", info.bytes},
          {"sha256", to_hex(info.digest)},
          {"config_digest", info.config_digest}};
}

}  // namespace

std::string as_json(const StoreSummary& summary, Nanos now) {
  Json json{{"store", summary.path},
            {"store_id", summary.store_id},
            {"format", summary.schema_version},
            {"file_bytes", summary.file_bytes},
            {"log_bytes", summary.wal_bytes},
            {"writer", maybe(summary.writer)},
            {"records", summary.position},
            {"decisions", summary.decisions},
            {"outcomes", summary.outcomes},
            {"events", summary.events},
            {"points", summary.points},
            {"first_time", time_json(summary.first_time)},
            {"last_time", time_json(summary.last_time)},
            {"checkpoints", summary.checkpoints},
            {"checkpoint", nullptr},
            {"problems", summary.problems}};
  if (summary.checkpoint) {
    json["checkpoint"] = checkpoint_json(*summary.checkpoint);
    json["checkpoint"]["age_seconds"] = static_cast<double>(now - summary.checkpoint->time) / 1e9;
    json["checkpoint"]["records_since"] = summary.position - summary.checkpoint->position;
  }
  return line(json);
}

std::string as_json(const std::vector<PointReport>& points) {
  Json list = Json::array();
  for (const PointReport& point : points) {
    list.push_back({{"point", text_or_null(point.name)},
                    {"number", point.number},
                    {"decisions", point.decisions},
                    {"outcomes", point.outcomes},
                    {"events", point.events},
                    {"arms", point.arms},
                    {"explored", point.explored},
                    {"fallbacks", point.fallbacks},
                    {"deferred", point.deferred},
                    {"first_time", time_json(point.first_time)},
                    {"last_time", time_json(point.last_time)}});
  }
  return line({{"points", std::move(list)}});
}

std::string as_json(const ArmsReport& arms) {
  Json list = Json::array();
  for (const ArmReport& arm : arms.arms) {
    Json components = Json::object();
    for (const ComponentReport& component : arm.components) {
      components[component.name] = {{"count", component.count}, {"mean", number(component.mean())}};
    }
    list.push_back({{"point", text_or_null(arm.point_name)},
                    {"point_number", arm.point},
                    {"arm", text_or_null(arm.name)},
                    {"slot", maybe(arm.slot)},
                    {"state", arm.state},
                    {"decisions", arm.decisions},
                    {"explored", arm.explored},
                    {"outcomes", arm.outcomes},
                    {"components", std::move(components)},
                    {"share", arm.share}});
  }
  return line({{"arms", std::move(list)}, {"unmatched_outcomes", arms.unmatched}});
}

std::string as_json(const std::vector<DecisionReport>& decisions) {
  Json list = Json::array();
  for (const DecisionReport& decision : decisions) {
    Json outcomes = Json::array();
    for (const DecisionReport::Outcome& outcome : decision.outcomes) {
      Json components = Json::object();
      for (const auto& [name, value] : outcome.components) {
        components[name] = number(value);
      }
      outcomes.push_back({{"position", outcome.position},
                          {"time", time_text(outcome.time)},
                          {"time_ns", outcome.time},
                          {"components", std::move(components)}});
    }
    list.push_back({{"position", decision.position},
                    {"time", time_text(decision.time)},
                    {"time_ns", decision.time},
                    {"point", text_or_null(decision.point_name)},
                    {"point_number", decision.point},
                    {"sequence", decision.sequence},
                    {"id", decision.id.to_string()},
                    {"arm", text_or_null(decision.arm)},
                    {"slot", maybe(decision.slot)},
                    {"propensity", number(decision.propensity)},
                    {"score", number(decision.score)},
                    {"version", decision.version},
                    {"rung", to_string(decision.rung)},
                    {"greedy", decision.greedy},
                    {"parameters", decision.parameters},
                    {"outcomes", std::move(outcomes)}});
  }
  return line({{"decisions", std::move(list)}});
}

std::string as_json(const std::vector<CheckpointReport>& checkpoints) {
  Json list = Json::array();
  for (const CheckpointReport& report : checkpoints) {
    Json json = checkpoint_json(report.info);
    json["stored_bytes"] = report.stored_bytes;
    json["codec"] = report.codec;
    json["sound"] = report.damage.empty();
    json["damage"] = text_or_null(report.damage);
    list.push_back(std::move(json));
  }
  return line({{"checkpoints", std::move(list)}});
}

std::string verdict_json(const StoreSummary& summary, const std::vector<std::string>& problems) {
  return line({{"sound", problems.empty()},
               {"records", summary.position},
               {"checkpoints", summary.checkpoints},
               {"problems", problems}});
}

}  // namespace attune::tools
