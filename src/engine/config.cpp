// SPDX-License-Identifier: Apache-2.0
#include "engine/config.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include <attune/core/arm_set.hpp>

#include "engine/arm_table.hpp"
#include "engine/config_reward.hpp"
#include "engine/config_safety.hpp"
#include "engine/json_reader.hpp"

namespace attune {
namespace {

constexpr double kCentury = 3.2e9;         // seconds
constexpr std::size_t kMostPoints = 4096;  // decision ids carry the number of their point in twelve bits
constexpr std::uint64_t kMostClientKeys = 1'000'000'000;
constexpr std::array<std::string_view, 2> kAcknowledgements{"async", "durable"};
constexpr std::uint64_t kMostActionFeatures = 65'536;
constexpr std::array<std::string_view, 2> kOrderedMembers{"points", "components"};

Result<void> read_prior(const Json& value, const JsonPath& path, ArmPrior& prior) {
  JsonObject object(value, path);
  object.read("mean", kFinite, prior.mean);
  object.read("weight", Bounds{0, 1e15}, prior.weight);
  return object.finish();
}

Result<void> check_id_in_config(const Json& value, const JsonPath& path, const std::string& id) {
  const std::string rule = broken_name_rule(id);
  return rule.empty() ? Result<void>() : tl::unexpected(value_error(path, value, rule));
}

Result<void> check_feature_count(const JsonPath& path, std::size_t found, std::size_t wanted) {
  if (found == wanted) {
    return {};
  }
  return fail(Errc::invalid_config, path.text() + " has " + std::to_string(found) +
                                        " features; the point's action_features = " + std::to_string(wanted));
}

Result<void> read_arm(const Json& value, const JsonPath& path, std::size_t action_features, ArmConfig& arm) {
  if (value.is_string()) {
    arm.id = value.get_ref<const std::string&>();
    Result<void> verdict = check_id_in_config(value, path, arm.id);
    return verdict ? check_feature_count(path, 0, action_features) : verdict;
  }
  JsonObject object(value, path);
  if (const Json* id = object.required("id")) {
    const JsonPath place = object.child("id");
    object.keep(read_value(*id, place, arm.id));
    if (object.ok()) {
      object.keep(check_id_in_config(*id, place, arm.id));
    }
  }
  object.read("features", kFinite, arm.features);
  if (const Json* prior = object.member("prior")) {
    const JsonPath place = object.child("prior");
    object.keep(read_prior(*prior, place, arm.prior));
  }
  object.read("enabled", arm.enabled);
  Result<void> verdict = object.finish();
  return verdict ? check_feature_count(path, arm.features.size(), action_features) : verdict;
}

Result<void> read_arms(const Json& value, const JsonPath& path, PointConfig& point) {
  if (!value.is_array()) {
    return tl::unexpected(value_error(path, value, "is not an array of arms"));
  }
  if (value.size() > ArmSet::kMaxArms) {
    return tl::unexpected(
        value_error(path, value, "is more than the " + std::to_string(ArmSet::kMaxArms) + " allowed"));
  }
  point.arms.resize(value.size());
  std::unordered_set<std::string_view> ids;  // asked, never iterated
  ids.reserve(value.size());
  for (std::size_t i = 0; i < value.size(); ++i) {
    const JsonPath place{.parent = &path, .key = {}, .index = i};
    if (Result<void> verdict = read_arm(value[i], place, point.action_features, point.arms[i]); !verdict) {
      return verdict;
    }
    if (!ids.insert(point.arms[i].id).second) {
      return fail(Errc::invalid_config,
                  place.text() + ": the arm " + excerpt(Json(point.arms[i].id)) + " is listed twice");
    }
  }
  return {};
}

Result<void> check_fallback(const Json* value, const JsonPath& path, const PointConfig& point) {
  if (value == nullptr || point.fallback.empty()) {
    return {};
  }
  const bool known = std::any_of(point.arms.begin(), point.arms.end(),
                                 [&](const ArmConfig& arm) { return arm.id == point.fallback; });
  return known ? Result<void>() : tl::unexpected(value_error(path, *value, "is not one of the point's arms"));
}

/// The policy's options are checked where policies are known, in the registry; here only that there is one.
Result<void> read_policy(const Json& value, const JsonPath& path, std::string& out) {
  if (!value.is_object()) {
    return tl::unexpected(value_error(path, value, "is not an object in braces"));
  }
  const JsonPath type{.parent = &path, .key = "type"};
  const auto& members = value.get_ref<const Json::object_t&>();
  const auto found =
      std::find_if(members.begin(), members.end(), [](const auto& m) { return m.first == "type"; });
  if (found == members.end()) {
    return fail(Errc::invalid_config, path.text() + " has no member \"type\"");
  }
  if (!found->second.is_string()) {
    return tl::unexpected(value_error(type, found->second, "is not a text in quotes"));
  }
  out = canonical_json(value);
  return {};
}

Result<void> read_point(const Json& value, const JsonPath& path, PointConfig& point) {
  JsonObject object(value, path);
  if (const Json* policy = object.required("policy")) {
    object.keep(read_policy(*policy, object.child("policy"), point.policy_json));
  }
  if (const Json* context = object.member("context")) {
    Result<FeatureSpec> spec = FeatureSpec::parse(*context, object.child("context"));
    if (spec) {
      point.features = std::move(*spec);
    } else {
      object.fail_with(std::move(spec).error());
    }
  }
  std::uint64_t action_features = 0;
  object.read("action_features", 0, kMostActionFeatures, action_features);
  point.action_features = static_cast<std::size_t>(action_features);
  if (const Json* arms = object.member("arms")) {
    object.keep(read_arms(*arms, object.child("arms"), point));
  }
  if (const Json* reward = object.member("reward")) {
    Result<RewardSpec> spec = read_reward(*reward, object.child("reward"));
    if (spec) {
      point.reward = std::move(*spec);
      point.reward_given = {.components = reward->contains("components"),
                            .silence = reward->contains("silence"),
                            .default_reward = reward->contains("default_reward")};
    } else {
      object.fail_with(std::move(spec).error());
    }
  }
  object.read("size", 1U, static_cast<std::uint32_t>(kMaxSlate), point.size);
  if (SlateSignal signal{}; object.read_enum("signal", signal)) {
    point.signal = signal;
  }
  object.read("fallback", point.fallback);
  object.read("fallback_action", kFinite, point.fallback_action);
  std::size_t acknowledge = 0;
  if (object.choice("acknowledge", kAcknowledgements, acknowledge)) {
    point.durable = acknowledge == 1;
  }
  object.keep(check_fallback(object.member("fallback"), object.child("fallback"), point));
  if (const Json* safety = object.member("safety"); safety != nullptr && object.ok()) {
    Result<SafetyConfig> read = read_safety(*safety, object.child("safety"), point);
    if (read) {
      point.safety = std::move(*read);
    } else {
      object.fail_with(std::move(read).error());
    }
  }
  if (const Json* drift = object.member("drift"); drift != nullptr && object.ok()) {
    Result<std::vector<DriftWatchConfig>> read = read_drift(*drift, object.child("drift"), point);
    if (read) {
      point.drift = std::move(*read);
    } else {
      object.fail_with(std::move(read).error());
    }
  }
  if (const Json* screening = object.member("screening"); screening != nullptr && object.ok()) {
    Result<ScreeningConfig> read = read_screening(*screening, object.child("screening"), point);
    if (read) {
      point.screening = std::move(*read);
    } else {
      object.fail_with(std::move(read).error());
    }
  }
  const bool boosts = std::ranges::any_of(
      point.drift, [](const auto& watch) { return watch.does(DriftAction::boost_exploration); });
  if ((boosts || point.screening.falls_back()) && !point.safety) {
    point.safety.emplace();  // the ladder is asked
  }
  return object.finish();
}

Result<void> read_points(const Json& value, const JsonPath& path, std::vector<PointConfig>& points) {
  if (!value.is_object() || value.empty()) {
    return tl::unexpected(
        value_error(path, value, "is not an object with at least one decision point by name"));
  }
  if (value.size() > kMostPoints) {
    return tl::unexpected(
        value_error(path, value, "is more than the " + std::to_string(kMostPoints) + " allowed"));
  }
  points.reserve(value.size());
  for (const auto& [name, part] : value.get_ref<const Json::object_t&>()) {
    const JsonPath place{.parent = &path, .key = name};
    if (const std::string rule = broken_name_rule(name); !rule.empty()) {
      return fail(Errc::invalid_config,
                  path.text() + ": the name " + excerpt(Json(name)) + " of a point " + rule);
    }
    PointConfig& point = points.emplace_back();
    point.canonical_text = canonical_json(part, kOrderedMembers);
    point.name = name;
    point.number = static_cast<std::uint32_t>(points.size() - 1);
    if (Result<void> verdict = read_point(part, place, point); !verdict) {
      return verdict;
    }
  }
  return {};
}

Result<void> read_queue(const Json& value, const JsonPath& path, QueueConfig& queue) {
  constexpr std::array<std::string_view, 2> kRules{"block", "shed"};
  JsonObject object(value, path);
  object.read("bytes", std::uint64_t{1} << 16U, std::uint64_t{1} << 32U, queue.bytes);
  std::size_t rule = 0;
  if (object.choice("on_full", kRules, rule)) {
    queue.block = rule == 0;
  }
  return object.finish();
}

Result<void> read_checkpoint(const Json& value, const JsonPath& path, CheckpointConfig& checkpoint) {
  JsonObject object(value, path);
  object.read("every_s", Bounds{0, kCentury}, checkpoint.every_s);
  object.read("every_records", 0, std::numeric_limits<std::uint64_t>::max(), checkpoint.every_records);
  object.read("keep", 1U, 10'000U, checkpoint.keep);
  return object.finish();
}

Result<void> read_client_keys(const Json& value, const JsonPath& path, std::uint64_t& keep) {
  JsonObject object(value, path);
  object.read("keep", 0, kMostClientKeys, keep);
  return object.finish();
}

void read_node(JsonObject& object, std::string& node) {
  if (object.read("node", node) && !node.empty()) {
    if (const std::string rule = broken_name_rule(node); !rule.empty()) {
      object.fail_member("node", rule);
    }
  }
}

Result<void> read_engine(const Json& value, EngineConfig& config) {
  constexpr std::array<std::string_view, 2> kModes{"pump", "threads"};
  const JsonPath root;
  JsonObject object(value, root);
  config.seed_given = object.read("seed", 0, std::numeric_limits<std::uint64_t>::max(), config.seed);
  read_node(object, config.node);
  std::size_t mode = 0;
  object.choice("mode", kModes, mode);
  config.threads = mode == 1;
  if (const Json* queue = object.member("queue")) {
    object.keep(read_queue(*queue, object.child("queue"), config.queue));
  }
  if (const Json* checkpoint = object.member("checkpoint")) {
    object.keep(read_checkpoint(*checkpoint, object.child("checkpoint"), config.checkpoint));
  }
  if (const Json* keys = object.member("client_keys")) {
    object.keep(read_client_keys(*keys, object.child("client_keys"), config.client_keys));
  }
  object.read("acknowledge_timeout_s", Bounds{1e-3, 3600}, config.acknowledge_timeout_s);
  if (const Json* points = object.required("points")) {
    object.keep(read_points(*points, object.child("points"), config.points));
  }
  return object.finish();
}

}  // namespace

std::string PointConfig::policy_path() const {
  const JsonPath root;
  const JsonPath points{.parent = &root, .key = "points"};
  const JsonPath point{.parent = &points, .key = name};
  return JsonPath{.parent = &point, .key = "policy"}.text();
}

Result<EngineConfig> parse_config(std::string_view json) {
  const Result<Json> document = parse_json(json);
  if (!document) {
    return fail(Errc::invalid_config, "configuration: " + document.error().message);
  }
  EngineConfig config;
  if (Result<void> verdict = read_engine(*document, config); !verdict) {
    return tl::unexpected(std::move(verdict).error());
  }
  config.canonical_text = canonical_json(*document, kOrderedMembers);
  return config;
}

}  // namespace attune
