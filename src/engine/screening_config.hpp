// SPDX-License-Identifier: Apache-2.0
/// @file
/// ScreeningConfig: what a decision point's "screening" says. docs/screening.md explains each option.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include <attune/core/config.hpp>
#include <attune/core/error.hpp>
#include <attune/safety/any_anomaly_detector.hpp>
#include <attune/safety/mahalanobis.hpp>
#include <attune/safety/source_cap.hpp>

namespace attune {

struct JsonPath;
struct PointConfig;

/// What an unfamiliar context does: it is counted; or the ladder answers below the policies.
enum class ContextAction : std::uint8_t { log, fall_back };
template <>
inline constexpr std::array<std::string_view, 2> kEnumNames<ContextAction>{"log", "fall_back"};

struct ContextWatchConfig {
  ContextAction action = ContextAction::log;
  std::optional<Mahalanobis> detector;  ///< as it is before anything was seen; always there
  std::string identity;                 ///< canonical JSON: a state under another one is not taken over
  double alarm_above = 0.1;
};

/// Which numbers are screened.
enum class ScreenStream : std::uint8_t { component, reward };
template <>
inline constexpr std::array<std::string_view, 2> kEnumNames<ScreenStream>{"component", "reward"};

/// What an anomaly does: it is counted; the bound that it crossed takes its place; it is not learned.
enum class ScreenAction : std::uint8_t { log, clip, reject };
template <>
inline constexpr std::array<std::string_view, 3> kEnumNames<ScreenAction>{"log", "clip", "reject"};

/// Whose values are compared.
enum class ScreenScope : std::uint8_t { arm, point };
template <>
inline constexpr std::array<std::string_view, 2> kEnumNames<ScreenScope>{"arm", "point"};

struct ScreenConfig {
  std::string name;  ///< unique at its point
  ScreenStream stream = ScreenStream::component;
  std::string component;  ///< component
  ScreenScope per = ScreenScope::arm;
  ScreenAction action = ScreenAction::log;
  std::optional<AnyAnomalyDetector> detector;  ///< what each stream begins with; always there
  std::string identity;
  double alarm_above = 0.1;
};

struct ScreeningConfig {
  std::optional<ContextWatchConfig> contexts;
  std::vector<ScreenConfig> screens;
  std::optional<SourceCapConfig> sources;

  [[nodiscard]] bool any() const noexcept { return contexts || !screens.empty() || sources; }
  [[nodiscard]] bool falls_back() const noexcept {
    return contexts && contexts->action == ContextAction::fall_back;
  }
};

/// Reads a point's "screening"; context and reward of `point` are read already. Errors: invalid_config.
[[nodiscard]] Result<ScreeningConfig> read_screening(const nlohmann::ordered_json& value,
                                                     const JsonPath& path, const PointConfig& point);

/// Its JSON Schema.
[[nodiscard]] nlohmann::ordered_json screening_schema();

}  // namespace attune
