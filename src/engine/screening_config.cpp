// SPDX-License-Identifier: Apache-2.0
#include "engine/screening_config.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include <attune/engine/anomaly_detectors.hpp>

#include "engine/arm_table.hpp"
#include "engine/config.hpp"
#include "engine/config_fields.hpp"
#include "engine/json_reader.hpp"

namespace attune {
namespace {

constexpr std::size_t kMostScreens = 64;
constexpr std::uint32_t kWarmUpPerFeature = 4;  // a covariance of fewer vectors is mostly chance

template <class E>
[[nodiscard]] std::string_view screen_name_of(E value) {
  return kEnumNames<E>[static_cast<std::size_t>(value)];
}

/// Options of a class with `fields`, from the object `value`; null: its defaults.
template <class Config>
Result<void> read_options(const Json* value, const JsonPath& path, Config& config,
                          std::span<const std::string_view> also_known) {
  const nlohmann::json spec =
      value == nullptr ? nlohmann::json::object() : nlohmann::json::parse(canonical_json(*value));
  if (!spec.is_object()) {
    return tl::unexpected(value_error(path, *value, "is not an object"));
  }
  return detail::read_config(spec, config, path.text(), also_known);
}

Result<void> read_context_detector(const Json* value, const JsonPath& path, const PointConfig& point,
                                   ContextWatchConfig& watch) {
  constexpr std::array<std::string_view, 1> kAlsoKnown{"type"};
  MahalanobisConfig options;
  options.dimension = static_cast<std::uint32_t>(point.features.dimension());
  options.warm_up = std::max(options.warm_up, kWarmUpPerFeature * options.dimension);
  const std::uint32_t least = options.dimension + 2;
  if (value != nullptr && value->is_object()) {
    const JsonPath type{.parent = &path, .key = "type"};
    if (const auto found = value->find("type"); found != value->end() && *found != Mahalanobis::kName) {
      return tl::unexpected(value_error(type, *found, "is not \"mahalanobis\", which is what there is"));
    }
    const JsonPath dimension{.parent = &path, .key = "dimension"};
    if (const auto found = value->find("dimension"); found != value->end()) {
      return tl::unexpected(value_error(dimension, *found, "is the context's: leave it out"));
    }
  }
  if (Result<void> read = read_options(value, path, options, kAlsoKnown); !read) {
    return read;
  }
  if (options.warm_up < least) {
    return fail(Errc::invalid_config, path.text() + ".warm_up = " + std::to_string(options.warm_up) +
                                          " is below " + std::to_string(least) +
                                          ", the numbers of a context and two");
  }
  Result<Mahalanobis> made = Mahalanobis::make(options);
  if (!made) {
    return tl::unexpected(std::move(made).error());
  }
  watch.identity = detail::write_fields(detail::field_refs(options)).dump();
  watch.detector = std::move(*made);
  return {};
}

Result<void> read_contexts(const Json& value, const JsonPath& path, const PointConfig& point,
                           ContextWatchConfig& watch) {
  const std::size_t dimension = point.features.dimension();
  if (dimension == 0 || point.features.sparse() || dimension > Mahalanobis::kMaxDimension) {
    return fail(Errc::invalid_config, path.text() + " needs a dense context of at most " +
                                          std::to_string(Mahalanobis::kMaxDimension) +
                                          " numbers, and the point has none");
  }
  JsonObject object(value, path);
  object.read_enum("action", watch.action);
  object.read("alarm_above", Bounds{0, 1}, watch.alarm_above);
  const Json* detector = object.member("detector");
  if (object.ok()) {
    const JsonPath place = object.child("detector");
    object.keep(read_context_detector(detector, place, point, watch));
  }
  return object.finish();
}

Result<void> read_screen(const Json& value, const JsonPath& path, const PointConfig& point,
                         ScreenConfig& screen) {
  JsonObject object(value, path);
  if (object.required("watch") == nullptr || !object.read_enum("watch", screen.stream)) {
    return object.finish();
  }
  const bool component = screen.stream == ScreenStream::component;
  if (!component && object.member("component") != nullptr) {
    object.fail_member("component", "does not belong to a screen of the reward");
  }
  if (component && object.required("component") != nullptr && object.read("component", screen.component) &&
      std::ranges::count(point.reward.components, screen.component, &ComponentSpec::name) == 0) {
    object.fail_member("component", "is not a component of the point's reward");
  }
  screen.name = component ? screen.component : "reward";
  if (object.read("name", screen.name)) {
    if (const std::string rule = broken_name_rule(screen.name); !rule.empty()) {
      object.fail_member("name", rule);
    }
  }
  object.read_enum("per", screen.per);
  object.read_enum("action", screen.action);
  object.read("alarm_above", Bounds{0, 1}, screen.alarm_above);
  if (const Json* detector = object.required("detector"); detector != nullptr) {
    const nlohmann::json spec = nlohmann::json::parse(canonical_json(*detector));
    Result<AnyAnomalyDetector> made = make_anomaly_detector(spec, object.child("detector").text());
    if (made) {
      screen.detector = std::move(*made);
      screen.identity = canonical_json(Json{{"watch", screen_name_of(screen.stream)},
                                            {"component", screen.component},
                                            {"per", screen_name_of(screen.per)},
                                            {"detector", *detector}});
    } else {
      object.fail_with(std::move(made).error());
    }
  }
  return object.finish();
}

Result<void> read_screens(const Json& value, const JsonPath& path, const PointConfig& point,
                          std::vector<ScreenConfig>& out) {
  if (!value.is_array() || value.size() > kMostScreens) {
    return tl::unexpected(
        value_error(path, value, "is not an array of at most " + std::to_string(kMostScreens) + " screens"));
  }
  for (std::size_t i = 0; i < value.size(); ++i) {
    const JsonPath place{.parent = &path, .key = {}, .index = i};
    ScreenConfig screen;
    if (Result<void> verdict = read_screen(value[i], place, point, screen); !verdict) {
      return verdict;
    }
    if (std::ranges::count(out, screen.name, &ScreenConfig::name) > 0) {
      return fail(Errc::invalid_config, place.text() + ".name = " + excerpt(Json(screen.name)) +
                                            " is another screen's; give each a name of its own");
    }
    out.push_back(std::move(screen));
  }
  return {};
}

}  // namespace

Result<ScreeningConfig> read_screening(const Json& value, const JsonPath& path, const PointConfig& point) {
  ScreeningConfig out;
  JsonObject object(value, path);
  if (const Json* contexts = object.member("contexts")) {
    const JsonPath place = object.child("contexts");
    object.keep(read_contexts(*contexts, place, point, out.contexts.emplace()));
  }
  if (const Json* outcomes = object.member("outcomes")) {
    const JsonPath place = object.child("outcomes");
    object.keep(read_screens(*outcomes, place, point, out.screens));
  }
  if (const Json* sources = object.member("sources")) {
    const JsonPath place = object.child("sources");
    object.keep(read_options(sources, place, out.sources.emplace(), {}));
  }
  if (Result<void> verdict = object.finish(); !verdict) {
    return tl::unexpected(std::move(verdict).error());
  }
  return out;
}

}  // namespace attune
