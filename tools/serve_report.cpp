// SPDX-License-Identifier: Apache-2.0
#include "tools/serve_report.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string>

#include <nlohmann/json.hpp>

#include "tools/json_writer.hpp"

namespace attune::tools {
namespace {

void write_rewards(const CollectorCounters& rewards, JsonWriter& json) {
  json.open_object();
  json.key("decisions").number(rewards.decisions);
  json.key("outcomes").number(rewards.outcomes);
  json.key("learned").number(rewards.learned);
  json.key("learned_partial").number(rewards.learned_partial);
  json.key("learned_default").number(rewards.learned_default);
  json.key("learned_late").number(rewards.learned_late);
  json.key("duplicate").number(rewards.duplicate);
  json.key("conflict").number(rewards.conflict);
  json.key("late").number(rewards.late);
  json.key("unknown_decision").number(rewards.unknown_decision);
  json.key("unknown_component").number(rewards.unknown_component);
  json.key("silent").number(rewards.silent);
  json.key("censored").number(rewards.censored);
  json.key("overflow_expired").number(rewards.overflow_expired);
  json.key("overflow_refused").number(rewards.overflow_refused);
  json.key("no_next_state").number(rewards.no_next_state);
  json.key("breaches").number(rewards.breaches);
  json.key("reward_sum").number(rewards.reward_sum);
  json.close_object();
}

void write_guard(const GuardMetrics& guard, JsonWriter& json) {
  json.open_object();
  json.key("name").text(guard.name);
  json.key("kind").text(guard.kind);
  if (!guard.component.empty()) {
    json.key("component").text(guard.component);
  }
  if (!guard.arm.empty()) {
    json.key("arm").text(guard.arm);
  }
  json.key("state").text(guard.state);
  json.key("action").text(guard.action);
  json.key("since").number(static_cast<double>(guard.since) / static_cast<double>(kSecond));
  json.key("trips").number(guard.trips);
  json.key("value").number(guard.value);
  json.key("limit").number(guard.limit);
  json.close_object();
}

void write_safety(const SafetyMetrics& safety, JsonWriter& json) {
  json.open_object();
  json.key("killed").boolean(safety.killed);
  json.key("frozen").boolean(safety.frozen);
  json.key("rungs").open_object();
  for (std::size_t i = 0; i < kRungs; ++i) {
    json.key(to_string(static_cast<Rung>(i))).number(safety.rungs[i]);
  }
  json.close_object();
  json.key("reasons").open_object();
  for (std::size_t i = 0; i < kChoiceReasons; ++i) {
    json.key(to_string(static_cast<ChoiceReason>(i))).number(safety.reasons[i]);
  }
  json.close_object();
  json.key("trips").number(safety.trips);
  json.key("frozen_rewards").number(safety.frozen_rewards);
  json.key("restored").number(safety.restored);
  json.key("held_back").number(safety.held_back);
  json.key("explored_share").number(safety.explored_share);
  json.key("greedy_only").boolean(safety.greedy_only);
  json.key("baseline_only").boolean(safety.baseline_only);
  json.key("snapshot").boolean(safety.snapshot);
  json.key("guards").open_array();
  for (const GuardMetrics& guard : safety.guards) {
    write_guard(guard, json);
  }
  json.close_array();
  json.close_object();
}

void write_drift(const DriftMetrics& watch, JsonWriter& json) {
  json.open_object();
  json.key("name").text(watch.name);
  json.key("watch").text(watch.watch);
  json.key("detector").text(watch.detector);
  json.key("values").number(watch.values);
  json.key("skipped").number(watch.skipped);
  json.key("warnings").number(watch.warnings);
  json.key("drifts").number(watch.drifts);
  json.key("silenced").number(watch.silenced);
  json.key("withheld").number(watch.withheld);
  json.key("alert").boolean(watch.alert);
  if (watch.last_position > 0) {
    json.key("last_position").number(watch.last_position);
    json.key("last_time").number(static_cast<double>(watch.last_time) / static_cast<double>(kSecond));
    json.key("last_of").text(watch.last_of);
  }
  json.key("actions").open_object();
  for (const auto& [action, count] : watch.actions) {
    json.key(action).number(count);
  }
  json.close_object();
  json.close_object();
}

void write_screening(const ScreeningMetrics& screening, JsonWriter& json) {
  json.open_object();
  if (screening.contexts) {
    json.key("contexts").open_object();
    json.key("action").text(screening.context_action);
    json.key("familiar").number(screening.familiar);
    json.key("unfamiliar").number(screening.unfamiliar);
    json.key("threshold").number(screening.threshold);
    json.key("share").number(screening.unfamiliar_share);
    json.key("alarm").boolean(screening.alarm);
    json.close_object();
  }
  if (screening.sources) {
    json.key("sources").open_object();
    json.key("admitted").number(screening.admitted);
    json.key("capped").number(screening.capped);
    json.close_object();
  }
  json.key("outcomes").open_array();
  for (const ScreenMetrics& screen : screening.screens) {
    json.open_object();
    json.key("name").text(screen.name);
    json.key("watch").text(screen.watch);
    json.key("detector").text(screen.detector);
    json.key("action").text(screen.action);
    json.key("values").number(screen.values);
    json.key("anomalies").number(screen.anomalies);
    json.key("clipped").number(screen.clipped);
    json.key("rejected").number(screen.rejected);
    json.key("share").number(screen.share);
    json.key("alarm").boolean(screen.alarm);
    json.close_object();
  }
  json.close_array();
  json.close_object();
}

void write_point(const PointMetrics& point, JsonWriter& json) {
  json.open_object();
  json.key("name").text(point.name);
  json.key("policy").text(point.policy);
  json.key("decisions").number(point.decisions);
  json.key("version").number(point.version);
  json.key("explored").number(point.explored);
  if (std::isfinite(point.regret_estimated)) {
    json.key("regret_estimated").number(point.regret_estimated);
  }
  json.key("fallbacks").number(point.fallbacks);
  json.key("refused").number(point.refused);
  json.key("refused_rewards").number(point.refused_rewards);
  json.key("arm_gone").number(point.arm_gone);
  json.key("foreign").number(point.foreign);
  json.key("early").number(point.early);
  json.key("pending").number(std::uint64_t{point.pending});
  json.key("rewards");
  write_rewards(point.rewards, json);
  if (point.safety) {
    json.key("safety");
    write_safety(*point.safety, json);
  }
  if (point.screening) {
    json.key("screening");
    write_screening(*point.screening, json);
  }
  if (!point.drift.empty()) {
    json.key("drift").open_array();
    for (const DriftMetrics& watch : point.drift) {
      write_drift(watch, json);
    }
    json.close_array();
  }
  json.key("selections").open_object();
  for (std::size_t slot = 0; slot < std::min(point.arms.size(), point.selections.size()); ++slot) {
    if (!point.arms[slot].empty()) {
      json.key(point.arms[slot]).number(point.selections[slot]);
    }
  }
  json.close_object();
  json.close_object();
}

}  // namespace

void write_opened(const Engine& engine, JsonWriter& json) {
  const EngineMetrics metrics = engine.metrics();
  json.key("points").open_array();
  for (const PointMetrics& point : metrics.points) {
    const auto free = std::count(point.arms.begin(), point.arms.end(), std::string());
    json.open_object();
    json.key("name").text(point.name);
    json.key("policy").text(point.policy);
    json.key("arms").number(static_cast<std::int64_t>(point.arms.size()) - free);
    json.close_object();
  }
  json.close_array();
  json.key("position").number(metrics.position);
  json.key("notes").open_array();
  for (const std::string& note : engine.recovery_notes()) {
    // It may hold a path, which is whatever the file system has.
    json.raw(nlohmann::json(note).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
  }
  json.close_array();
}

void write_description(const Description& description, JsonWriter& json) {
  json.key("summary").text(description.summary);
  json.key("values").open_object();
  for (const auto& [name, value] : description.values) {
    json.key(name).number(value);
  }
  json.close_object();
  json.key("columns").open_array();
  for (const std::string& column : description.columns) {
    json.text(column);
  }
  json.close_array();
  json.key("rows").open_array();
  for (const std::vector<double>& row : description.rows) {
    json.open_array();
    for (const double value : row) {
      json.number(value);
    }
    json.close_array();
  }
  json.close_array();
}

void write_health(const EngineMetrics& metrics, const EngineHealth& health, bool has_store,
                  JsonWriter& json) {
  const bool well = metrics.store_error.empty();
  json.key("ok").boolean(health.level != EngineHealth::Level::failing);
  json.key("level").text(to_string(health.level));
  json.key("reasons").open_array();
  for (const EngineHealth::Reason& reason : health.reasons) {
    json.open_object();
    json.key("level").text(to_string(reason.level));
    json.key("since").number(static_cast<double>(reason.since) / static_cast<double>(kSecond));
    json.key("sentence").text(reason.sentence);
    json.close_object();
  }
  json.close_array();
  json.key("store").text(!has_store ? "none" : well ? "healthy" : "failing");
  json.key("position").number(metrics.position);
  json.key("durable_position").number(metrics.durable_position);
  json.key("store_errors").number(metrics.store_errors);
  if (!well) {
    json.key("store_error").text(metrics.store_error);
  }
  json.key("queue_shed").number(metrics.queue_shed);
  json.key("not_durable").number(metrics.not_durable);
  std::uint64_t pending = 0;
  std::uint64_t fallbacks = 0;
  for (const PointMetrics& point : metrics.points) {
    pending += point.pending;
    fallbacks += point.fallbacks;
  }
  json.key("pending").number(pending);
  json.key("fallbacks").number(fallbacks);
}

void write_metrics(const EngineMetrics& metrics, JsonWriter& json) {
  json.key("position").number(metrics.position);
  json.key("durable_position").number(metrics.durable_position);
  json.key("queue_shed").number(metrics.queue_shed);
  json.key("queue_blocked").number(metrics.queue_blocked);
  json.key("outcomes_refused").number(metrics.outcomes_refused);
  json.key("outcomes_foreign").number(metrics.outcomes_foreign);
  json.key("not_durable").number(metrics.not_durable);
  json.key("client_keys").open_object();
  json.key("remembered").number(metrics.client_keys.remembered);
  json.key("retried").number(metrics.client_keys.retried);
  json.key("conflicts").number(metrics.client_keys.conflicts);
  json.key("forgotten").number(metrics.client_keys.forgotten);
  json.close_object();
  json.key("checkpoints").number(metrics.checkpoints);
  json.key("checkpoint_errors").number(metrics.checkpoint_errors);
  json.key("store_errors").number(metrics.store_errors);
  json.key("store_error").text(metrics.store_error);
  json.key("points").open_array();
  for (const PointMetrics& point : metrics.points) {
    write_point(point, json);
  }
  json.close_array();
}

}  // namespace attune::tools
