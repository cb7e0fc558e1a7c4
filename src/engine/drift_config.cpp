// SPDX-License-Identifier: Apache-2.0
#include "engine/drift_config.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include <attune/engine/detectors.hpp>

#include "engine/arm_table.hpp"
#include "engine/config.hpp"
#include "engine/json_reader.hpp"

namespace attune {
namespace {

constexpr std::uint64_t kMostDecisions = 1'000'000'000;
constexpr std::size_t kMostWatches = 64;
constexpr std::size_t kMostStreams = 1024;  // detectors of one watch over features

template <class E>
[[nodiscard]] std::string_view name_of(E value) {
  return kEnumNames<E>[static_cast<std::size_t>(value)];
}

/// A bad value of `child` of the object at `path`.
[[nodiscard]] tl::unexpected<Error> refuse(const JsonPath& path, std::string_view child, const Json& value,
                                           std::string_view rule) {
  const JsonPath place{.parent = &path, .key = child};
  return tl::unexpected(value_error(place, value, rule));
}

// ------------------------------------------------------------------------------------------------ detectors

/// The option of a detector that is its rate of false alarms.
struct RateOption {
  std::string_view detector;
  std::string_view option;
};
constexpr std::array<RateOption, 6> kRates{{{"adwin", "delta"},
                                            {"river_adwin", "delta"},
                                            {"kswin", "alpha"},
                                            {"stepd", "drift_alpha"},
                                            {"hddm_a", "drift_confidence"},
                                            {"hddm_w", "drift_confidence"}}};

/// Divides the rate of false alarms of a detector by `streams`: with Boole's inequality the sum over the
/// streams is at most what was asked for, however they depend on one another.
Result<void> divide_rate(nlohmann::json& spec, std::string_view detector, std::uint32_t streams,
                         std::string_view path) {
  const auto* rate = std::ranges::find(kRates, detector, &RateOption::detector);
  if (rate == kRates.end()) {
    return fail(Errc::invalid_config, std::string(path) + ".type = \"" + std::string(detector) +
                                          "\" has no rate of false alarms that could be divided among " +
                                          std::to_string(streams) +
                                          " streams; take adwin, kswin, stepd, hddm_a or hddm_w");
  }
  double total = 0.0;
  if (const auto given = spec.find(rate->option); given != spec.end()) {
    total = given->get<double>();
  } else {
    for (const DetectorInfo& info : detectors()) {
      for (const OptionInfo& option : info.options) {
        if (info.name == detector && option.name == rate->option) {
          total = nlohmann::json::parse(option.default_json).get<double>();
        }
      }
    }
  }
  spec[std::string(rate->option)] = total / static_cast<double>(streams);
  return {};
}

Result<void> read_detector(const Json* value, const JsonPath& path, DriftWatchConfig& watch) {
  const std::string where = path.text();
  nlohmann::json spec =
      value == nullptr ? nlohmann::json{{"type", "adwin"}} : nlohmann::json::parse(canonical_json(*value));
  Result<AnyDetector> made = make_detector(spec, where);
  if (made && watch.streams > 1) {
    if (Result<void> divided = divide_rate(spec, made->name(), watch.streams, where); !divided) {
      return divided;
    }
    made = make_detector(spec, where);
  }
  if (!made) {
    return tl::unexpected(std::move(made).error());
  }
  watch.detector = std::move(*made);
  const Json identity{{"watch", name_of(watch.stream)}, {"component", watch.component},
                      {"column", watch.column},         {"form", name_of(watch.form)},
                      {"streams", watch.streams},       {"detector", Json::parse(spec.dump())}};
  watch.identity = canonical_json(identity);
  return {};
}

// -------------------------------------------------------------------------------------------------- streams

Result<void> read_feature(const Json& value, const JsonPath& path, const PointConfig& point,
                          DriftWatchConfig& watch) {
  const FeatureSpec& features = point.features;
  if (value.is_string() && features.kind() == FeatureSpec::Kind::named) {
    watch.feature = value.get<std::string>();
    const auto column = std::ranges::find(features.columns(), watch.feature, &FeatureColumn::name);
    if (column == features.columns().end()) {
      return refuse(path, "feature", value, "is not a feature of the point's context");
    }
    if (column->width != 1) {
      return refuse(path, "feature", value, "is not one number: watch it with \"watch\": \"features\"");
    }
    watch.column = column->offset;
    return {};
  }
  std::uint64_t column = 0;
  const JsonPath place{.parent = &path, .key = "feature"};
  if (Result<void> read = read_value(value, place, 0, features.dimension() - 1, column); !read) {
    return read;
  }
  watch.column = static_cast<std::uint32_t>(column);
  watch.feature = std::to_string(column);
  return {};
}

void read_stream(JsonObject& object, const JsonPath& path, const PointConfig& point,
                 DriftWatchConfig& watch) {
  const auto belongs = [&](std::string_view option, bool here) {
    if (object.member(option) != nullptr && !here) {
      object.fail_member(option, "does not belong to a watch of " + std::string(name_of(watch.stream)));
    }
  };
  const bool component = watch.stream == DriftStream::component;
  const bool feature = watch.stream == DriftStream::feature;
  const bool features = watch.stream == DriftStream::features;
  belongs("component", component);
  belongs("feature", feature);
  belongs("form", features);
  belongs("projections", features);
  belongs("scope", watch.stream == DriftStream::reward_per_arm);
  if (component && object.required("component") != nullptr && object.read("component", watch.component) &&
      std::ranges::count(point.reward.components, watch.component, &ComponentSpec::name) == 0) {
    object.fail_member("component", "is not a component of the point's reward");
  }
  if ((feature || features) && (point.features.dimension() == 0 || point.features.sparse())) {
    object.fail_member("watch", "needs a dense context, and the point has none");
  }
  if (feature && object.ok()) {
    if (const Json* value = object.required("feature")) {
      object.keep(read_feature(*value, path, point, watch));
    }
  }
  if (!features || !object.ok()) {
    return;
  }
  object.read_enum("form", watch.form);
  watch.streams = static_cast<std::uint32_t>(point.features.dimension());
  if (watch.form == DriftForm::projection) {
    watch.streams = 8;
    object.read("projections", std::uint32_t{1}, static_cast<std::uint32_t>(kMostStreams), watch.streams);
  } else if (object.member("projections") != nullptr) {
    object.fail_member("projections", "needs \"form\": \"projection\"");
  } else if (watch.streams > kMostStreams) {
    object.fail_member("watch", "would be " + std::to_string(watch.streams) + " detectors, more than " +
                                    std::to_string(kMostStreams) + "; use \"form\": \"projection\"");
  }
}

// -------------------------------------------------------------------------------------------------- actions

Result<void> read_actions(const Json& value, const JsonPath& path, std::uint32_t& actions) {
  const std::string rule =
      "is not a list of actions: log, alert, boost_exploration, forget, reset_arm, "
      "reset_policy, snapshot, retrain";
  if (!value.is_array() || value.empty()) {
    return refuse(path, "actions", value, rule);
  }
  for (const Json& one : value) {
    const auto* found = one.is_string() ? std::ranges::find(kEnumNames<DriftAction>, one.get<std::string>())
                                        : kEnumNames<DriftAction>.end();
    if (found == kEnumNames<DriftAction>.end()) {
      return refuse(path, "actions", value, rule);
    }
    const std::uint32_t bit = 1U << static_cast<unsigned>(found - kEnumNames<DriftAction>.begin());
    if ((actions & bit) != 0) {
      return refuse(path, "actions", value, "names an action twice");
    }
    actions |= bit;
  }
  return {};
}

void check_actions(JsonObject& object, const DriftWatchConfig& watch) {
  const auto needs = [&](std::string_view option, DriftAction action) {
    if (object.member(option) != nullptr && !watch.does(action)) {
      object.fail_member(option, "needs the action " + std::string(name_of(action)));
    }
  };
  needs("alert_s", DriftAction::alert);
  needs("boost_decisions", DriftAction::boost_exploration);
  needs("boost_share", DriftAction::boost_exploration);
  needs("keep", DriftAction::forget);
  if (watch.does(DriftAction::reset_arm) && watch.stream != DriftStream::reward_per_arm) {
    object.fail_member("actions", "has reset_arm, which is for \"watch\": \"reward_per_arm\"");
  }
  const auto instead = static_cast<int>(watch.does(DriftAction::forget)) +
                       static_cast<int>(watch.does(DriftAction::reset_arm)) +
                       static_cast<int>(watch.does(DriftAction::reset_policy)) +
                       static_cast<int>(watch.does(DriftAction::snapshot));
  if (instead > 1) {
    object.fail_member("actions", "has several of forget, reset_arm, reset_policy, snapshot: take one");
  }
}

Result<void> read_watch(const Json& value, const JsonPath& path, const PointConfig& point,
                        DriftWatchConfig& watch) {
  JsonObject object(value, path);
  if (object.required("watch") == nullptr || !object.read_enum("watch", watch.stream)) {
    return object.finish();
  }
  watch.name = std::string(name_of(watch.stream));
  if (object.read("name", watch.name)) {
    if (const std::string rule = broken_name_rule(watch.name); !rule.empty()) {
      object.fail_member("name", rule);
    }
  }
  read_stream(object, path, point, watch);
  watch.actions = 0;
  if (const Json* actions = object.member("actions")) {
    object.keep(read_actions(*actions, path, watch.actions));
  } else {
    watch.actions = 1U << static_cast<unsigned>(DriftAction::log);
  }
  if (object.ok()) {
    check_actions(object, watch);
  }
  object.read_enum("scope", watch.scope);
  object.read("cooldown", 0, kMostDecisions, watch.cooldown);
  object.read("alert_s", Bounds{1e-3, 3.2e9}, watch.alert_s);
  object.read("boost_decisions", 1, kMostDecisions, watch.boost_decisions);
  object.read("boost_share", Bounds{1e-6, 1}, watch.boost_share);
  object.read("keep", Bounds{0, 1}, watch.keep);
  const Json* detector = object.member("detector");
  if (object.ok()) {
    object.keep(read_detector(detector, object.child("detector"), watch));
  }
  return object.finish();
}

}  // namespace

Result<std::vector<DriftWatchConfig>> read_drift(const Json& value, const JsonPath& path,
                                                 const PointConfig& point) {
  if (!value.is_array() || value.size() > kMostWatches) {
    return tl::unexpected(
        value_error(path, value, "is not an array of at most " + std::to_string(kMostWatches) + " watches"));
  }
  std::vector<DriftWatchConfig> out;
  for (std::size_t i = 0; i < value.size(); ++i) {
    const JsonPath place{.parent = &path, .key = {}, .index = i};
    DriftWatchConfig watch;
    if (Result<void> verdict = read_watch(value[i], place, point, watch); !verdict) {
      return tl::unexpected(std::move(verdict).error());
    }
    if (std::ranges::count(out, watch.name, &DriftWatchConfig::name) > 0) {
      return fail(Errc::invalid_config, place.text() + ".name = " + excerpt(Json(watch.name)) +
                                            " is another watch's; give each a name of its own");
    }
    const bool returns = watch.does(DriftAction::snapshot);
    if (returns && (!point.safety || point.safety->snapshot_every == 0)) {
      return fail(Errc::invalid_config, place.text() +
                                            ".actions has snapshot, and the point keeps none: say every how "
                                            "many decisions in safety.fallback.snapshot_every");
    }
    out.push_back(std::move(watch));
  }
  return out;
}

}  // namespace attune
