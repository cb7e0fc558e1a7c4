// SPDX-License-Identifier: Apache-2.0
#include "engine/config_safety.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <boost/math/distributions/normal.hpp>
#include <nlohmann/json.hpp>

#include "engine/arm_table.hpp"

namespace attune {
namespace {

constexpr Bounds kFinite{-1e300, 1e300};
constexpr Bounds kSeconds{1e-3, 3.2e9};
constexpr std::uint64_t kMostSamples = 1'000'000;
constexpr std::size_t kMostGuards = 64;
constexpr double kMostConfidence = 0.999999;

[[nodiscard]] bool has_arm(const PointConfig& point, std::string_view id) {
  return std::ranges::any_of(point.arms, [&](const ArmConfig& arm) { return arm.id == id; });
}

[[nodiscard]] bool has_component(const PointConfig& point, std::string_view name) {
  return std::ranges::any_of(point.reward.components,
                             [&](const ComponentSpec& component) { return component.name == name; });
}

/// An object of shares by arm.
Result<void> read_shares(const Json& value, const JsonPath& path, const PointConfig& point, Bounds bounds,
                         std::vector<std::pair<std::string, double>>& out) {
  if (!value.is_object() || value.empty()) {
    return tl::unexpected(value_error(path, value, "is not an object of shares by arm"));
  }
  for (const auto& [id, share] : value.get_ref<const Json::object_t&>()) {
    const JsonPath place{.parent = &path, .key = id};
    double read = 0.0;
    if (Result<void> verdict = read_value(share, place, bounds, read); !verdict) {
      return verdict;
    }
    if (!has_arm(point, id)) {
      return fail(Errc::invalid_config,
                  place.text() + ": " + excerpt(Json(id)) + " is not one of the point's arms");
    }
    out.emplace_back(id, read);
  }
  std::ranges::sort(out);  // as in the canonical text: a replay draws from the same order
  return {};
}

/// Which options a kind of guard has beside those that all have.
[[nodiscard]] bool has_option(GuardKind kind, std::string_view option) {
  const bool judged = kind != GuardKind::budget && kind != GuardKind::share;
  if (option == "quantile") {
    return kind == GuardKind::latency;
  }
  if (option == "above") {
    return kind == GuardKind::rate;
  }
  if (option == "confidence") {
    return kind == GuardKind::rate || kind == GuardKind::quality;
  }
  if (option == "period_s" || option == "carry_over") {
    return kind == GuardKind::budget;
  }
  if (option == "component") {
    return kind != GuardKind::share;
  }
  if (option == "cooldown_s" || option == "cooldown_max_s" || option == "probation_samples") {
    return judged;
  }
  return kind != GuardKind::budget;  // recover, window, window_s, min_samples
}

void check_options(JsonObject& object, GuardKind kind) {
  for (const std::string_view option :
       {"component", "recover", "quantile", "above", "confidence", "window", "window_s", "min_samples",
        "cooldown_s", "cooldown_max_s", "probation_samples", "period_s", "carry_over"}) {
    if (object.member(option) != nullptr && !has_option(kind, option)) {
      object.fail_member(option, "does not belong to a guard of this kind (" +
                                     std::string(kEnumNames<GuardKind>[static_cast<std::size_t>(kind)]) +
                                     ")");
    }
  }
}

void read_judgement(JsonObject& object, GuardConfig& guard) {
  object.read("limit",
              guard.kind == GuardKind::rate || guard.kind == GuardKind::share ? Bounds{0, 1} : kFinite,
              guard.limit);
  if (object.required("limit") == nullptr) {
    return;
  }
  guard.recover = guard.kind == GuardKind::share ? 0.9 * guard.limit : guard.limit;
  object.read("recover", kFinite, guard.recover);
  const bool floor = guard.kind == GuardKind::quality;
  if (floor ? guard.recover < guard.limit : guard.recover > guard.limit) {
    object.fail_member("recover", floor ? "is below the limit" : "is above the limit");
  }
  if ((guard.kind == GuardKind::budget || guard.kind == GuardKind::latency) && guard.limit <= 0.0) {
    object.fail_member("limit", "is not above 0");
  }
  object.read("quantile", Bounds{0, 1}, guard.quantile);
  object.read("above", kFinite, guard.above);
  double confidence = 0.95;
  if (object.read("confidence", Bounds{0.5, kMostConfidence}, confidence)) {
    guard.z = boost::math::quantile(boost::math::normal(), confidence);
  }
  object.read("period_s", kSeconds, guard.period_s);
  object.read("carry_over", Bounds{0, 1}, guard.carry_over);
}

void read_window(JsonObject& object, GuardConfig& guard) {
  const bool counted = object.read("window", 2, kMostSamples, guard.window);
  if (object.read("window_s", kSeconds, guard.window_s)) {
    if (counted) {
      object.fail_member("window_s", "stands beside \"window\": a window is counted or timed, not both");
    }
    guard.window = 0;
  }
  object.read("min_samples", 1, kMostSamples, guard.min_samples);
  if (guard.window > 0 && guard.min_samples > guard.window / 2) {
    object.fail_member("min_samples", "is more than half of the window, which is what is always there");
  }
  object.read("cooldown_s", kSeconds, guard.cooldown_s);
  guard.cooldown_max_s = std::max(guard.cooldown_max_s, guard.cooldown_s);
  object.read("cooldown_max_s", kSeconds, guard.cooldown_max_s);
  if (guard.cooldown_max_s < guard.cooldown_s) {
    object.fail_member("cooldown_max_s", "is below cooldown_s");
  }
  guard.probation_samples = guard.min_samples;
  object.read("probation_samples", 1, kMostSamples, guard.probation_samples);
}

void read_action(JsonObject& object, GuardConfig& guard) {
  object.read_enum("per", guard.per);
  guard.action = guard.per == GuardScope::arm      ? GuardAction::mask
                 : guard.kind == GuardKind::budget ? GuardAction::allocation
                                                   : GuardAction::snapshot;
  object.read_enum("action", guard.action);
  if (guard.kind == GuardKind::share && guard.per == GuardScope::point) {
    object.fail_member("per", "is \"point\": a share is an arm's");
  }
  object.read("restore", guard.restore);
  if (guard.restore && guard.action != GuardAction::snapshot) {
    object.fail_member("restore", "needs \"action\": \"snapshot\"");
  }
  const bool masks = guard.action == GuardAction::mask;
  if (guard.action != GuardAction::watch && masks != (guard.per == GuardScope::arm)) {
    object.fail_member("action", guard.per == GuardScope::arm
                                     ? "is for guards of the whole point; one of an arm can mask or watch"
                                     : "takes out an arm, and this guard watches the whole point");
  }
}

Result<void> read_guard(const Json& value, const JsonPath& path, const PointConfig& point,
                        GuardConfig& guard) {
  JsonObject object(value, path);
  if (const Json* kind = object.required("kind"); kind != nullptr) {
    object.read_enum("kind", guard.kind);
  }
  if (!object.ok()) {
    return object.finish();
  }
  check_options(object, guard.kind);
  guard.name = std::string(kEnumNames<GuardKind>[static_cast<std::size_t>(guard.kind)]);
  if (object.read("name", guard.name)) {
    if (const std::string rule = broken_name_rule(guard.name); !rule.empty()) {
      object.fail_member("name", rule);
    }
  }
  if (guard.kind != GuardKind::share && object.required("component") != nullptr) {
    if (object.read("component", guard.component) && !has_component(point, guard.component)) {
      object.fail_member("component", "is not a component of the point's reward");
    }
  }
  read_action(object, guard);
  read_judgement(object, guard);
  read_window(object, guard);
  return object.finish();
}

Result<void> read_guards(const Json& value, const JsonPath& path, const PointConfig& point,
                         std::vector<GuardConfig>& out) {
  if (!value.is_array() || value.size() > kMostGuards) {
    return tl::unexpected(
        value_error(path, value, "is not an array of at most " + std::to_string(kMostGuards) + " guards"));
  }
  for (std::size_t i = 0; i < value.size(); ++i) {
    const JsonPath place{.parent = &path, .key = {}, .index = i};
    GuardConfig guard;
    if (Result<void> verdict = read_guard(value[i], place, point, guard); !verdict) {
      return verdict;
    }
    if (std::ranges::count(out, guard.name, &GuardConfig::name) > 0) {
      return fail(Errc::invalid_config, place.text() + ".name = " + excerpt(Json(guard.name)) +
                                            " is another guard's; give each a name of its own");
    }
    out.push_back(std::move(guard));
  }
  return {};
}

Result<void> read_conservative(const Json& value, const JsonPath& path, const PointConfig& point,
                               ConservativeConfig& out) {
  JsonObject object(value, path);
  if (object.required("baseline") != nullptr && object.read("baseline", out.baseline) &&
      !has_arm(point, out.baseline)) {
    object.fail_member("baseline", "is not one of the point's arms");
  }
  object.read("alpha", Bounds{1e-6, 1}, out.alpha);
  object.read("delta", Bounds{1e-9, 0.5}, out.delta);
  std::vector<double> range;
  if (object.read("range", kFinite, range)) {
    if (range.size() != 2 || !(range[0] < range[1])) {
      object.fail_member("range", "is not a pair [low, high]");
    } else {
      out.low = range[0];
      out.high = range[1];
    }
  }
  return object.finish();
}

/// What the point's arms are owed must leave room for the cap on exploration.
void check_floors(JsonObject& object, const PointConfig& point, const ExplorationConfig& rules) {
  double sum = rules.floor * static_cast<double>(point.arms.size() - rules.floors.size());
  for (const auto& [id, share] : rules.floors) {
    sum += share;
  }
  constexpr double kRounding = 1e-12;
  if (sum > rules.max_share + kRounding) {
    object.fail_member(rules.floors.empty() ? "floor" : "floors",
                       "makes the least shares of the point's arms sum to more than max_share");
  }
}

Result<void> read_exploration(const Json& value, const JsonPath& path, const PointConfig& point,
                              ExplorationConfig& out) {
  JsonObject object(value, path);
  object.read("max_share", Bounds{0, 1}, out.max_share);
  object.read("alarm_below", Bounds{0, 1}, out.alarm_below);
  if (out.alarm_below > out.max_share) {
    object.fail_member("alarm_below", "is above max_share: it would always ring");
  }
  object.read("window", 10, kMostSamples, out.window);
  object.read("min_trials", 0, kMostSamples, out.min_trials);
  object.read("trial_share", Bounds{1e-6, 1}, out.trial_share);
  object.read("floor", Bounds{0, 1}, out.floor);
  if (const Json* floors = object.member("floors")) {
    const JsonPath place = object.child("floors");
    object.keep(read_shares(*floors, place, point, Bounds{0, 1}, out.floors));
  }
  check_floors(object, point, out);
  if (const Json* conservative = object.member("conservative")) {
    const JsonPath place = object.child("conservative");
    object.keep(read_conservative(*conservative, place, point, out.conservative.emplace()));
  }
  return object.finish();
}

}  // namespace

Result<SafetyConfig> read_safety(const Json& value, const JsonPath& path, const PointConfig& point) {
  SafetyConfig out;
  JsonObject object(value, path);
  if (const Json* fallback = object.member("fallback")) {
    const JsonPath place = object.child("fallback");
    JsonObject inner(*fallback, place);
    if (const Json* allocation = inner.member("static")) {
      const JsonPath shares = inner.child("static");
      inner.keep(read_shares(*allocation, shares, point, Bounds{1e-9, 1e9}, out.allocation));
    }
    inner.read("snapshot_every", 0, 1'000'000'000, out.snapshot_every);
    object.keep(inner.finish());
  }
  if (const Json* guards = object.member("guards")) {
    const JsonPath place = object.child("guards");
    object.keep(read_guards(*guards, place, point, out.guards));
  }
  if (const Json* exploration = object.member("exploration")) {
    const JsonPath place = object.child("exploration");
    object.keep(read_exploration(*exploration, place, point, out.exploration));
  }
  object.read("probation_share", Bounds{1e-6, 0.5}, out.probation_share);
  const bool returns = std::ranges::any_of(
      out.guards, [](const GuardConfig& guard) { return guard.action == GuardAction::snapshot; });
  if (returns && out.snapshot_every == 0) {
    const JsonPath place = object.child("fallback");
    object.fail_with({Errc::invalid_config, place.text() +
                                                ".snapshot_every is 0 or missing: a guard answers from the "
                                                "snapshot, so say every how many decisions one is kept"});
  }
  if (Result<void> verdict = object.finish(); !verdict) {
    return tl::unexpected(std::move(verdict).error());
  }
  return out;
}

}  // namespace attune
