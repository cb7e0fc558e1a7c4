// SPDX-License-Identifier: Apache-2.0
#include "engine/config_reward.hpp"

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

namespace attune {
namespace {

/// An array of exactly two numbers.
bool read_pair(JsonObject& object, std::string_view name, double& low, double& high) {
  std::vector<double> pair;
  if (!object.read(name, kFinite, pair)) {
    return false;
  }
  if (pair.size() != 2) {
    object.fail_member(name, "is not a pair [low, high]");
    return false;
  }
  low = pair[0];
  high = pair[1];
  return true;
}

Result<void> read_limit(const Json& value, const JsonPath& path, ComponentSpec& component) {
  JsonObject object(value, path);
  component.has_limit_min = object.read("min", kFinite, component.limit_min);
  component.has_limit_max = object.read("max", kFinite, component.limit_max);
  return object.finish();
}

Result<void> read_component(const Json& value, const JsonPath& path, ComponentSpec& component) {
  JsonObject object(value, path);
  object.read("weight", kFinite, component.weight);
  object.read_enum("aggregate", component.aggregate);
  object.read_enum("normalise", component.normalise);
  if (read_pair(object, "range", component.range_min, component.range_max) &&
      component.normalise != Normalisation::range) {
    object.fail_member("range", "needs \"normalise\": \"range\"");
  }
  object.read("required", component.required);
  component.has_default = object.read("default", kFinite, component.default_value);
  if (const Json* limit = object.member("limit")) {
    const JsonPath place = object.child("limit");
    object.keep(read_limit(*limit, place, component));
  }
  return object.finish();
}

Result<void> read_components(const Json& value, const JsonPath& path, std::vector<ComponentSpec>& out) {
  if (!value.is_object()) {
    return tl::unexpected(value_error(path, value, "is not an object of components by name"));
  }
  std::vector<ComponentSpec> components;
  for (const auto& [name, part] : value.get_ref<const Json::object_t&>()) {
    const JsonPath place{.parent = &path, .key = name};
    ComponentSpec component;
    component.name = name;
    if (Result<void> verdict = read_component(part, place, component); !verdict) {
      return verdict;
    }
    components.push_back(std::move(component));
  }
  out = std::move(components);
  return {};
}

}  // namespace

Result<RewardSpec> read_reward(const Json& value, const JsonPath& path) {
  RewardSpec spec;
  JsonObject object(value, path);
  if (const Json* components = object.member("components")) {
    const JsonPath place = object.child("components");
    object.keep(read_components(*components, place, spec.components));
  }
  object.read("join_window_s", kFinite, spec.join_window_s);
  object.read_enum("closing", spec.closing);
  object.read_enum("silence", spec.silence);
  object.read("default_reward", kFinite, spec.default_reward);
  object.read_enum("late", spec.late);
  object.read("breach_reward", kFinite, spec.breach_reward);
  read_pair(object, "clip", spec.reward_min, spec.reward_max);
  object.read_enum("credit", spec.credit);
  object.read("lambda", Bounds{0, 1}, spec.lambda);
  object.read("credit_function", spec.credit_function);
  object.read("max_pending", 1, RewardSpec::kMostDecisions, spec.max_pending);
  object.read("max_closed", 0, RewardSpec::kMostDecisions, spec.max_closed);
  object.read("max_signals", 1, RewardSpec::kMostSignals, spec.max_signals);
  object.read_enum("overflow", spec.overflow);
  if (Result<void> verdict = object.finish(); !verdict) {
    return tl::unexpected(std::move(verdict).error());
  }
  if (Result<void> verdict = check(spec); !verdict) {
    return fail(Errc::invalid_config, path.text() + ": " + verdict.error().message);
  }
  return spec;
}

}  // namespace attune
