// SPDX-License-Identifier: Apache-2.0
/// @file
/// What the detectors share when they are saved and loaded.
#pragma once

#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>

#include <attune/safety/drift.hpp>

namespace attune::detail {

inline void save_count(Writer& writer, const StreamCount& count) {
  writer.u64(count.values);
  writer.u64(count.skipped);
  writer.u64(count.drifts);
}

[[nodiscard]] inline StreamCount load_count(Reader& reader) {
  StreamCount count;
  count.values = reader.u64();
  count.skipped = reader.u64();
  count.drifts = reader.u64();
  if (count.drifts > count.values) {
    reader.fail_now();
  }
  return count;
}

/// The error of a refused load.
[[nodiscard]] inline tl::unexpected<Error> corrupt_detector(std::string_view name, std::string_view why) {
  return fail(Errc::corrupt_state, std::string(name) + ": " + std::string(why));
}

inline constexpr std::string_view kCutShort = "the state is cut short or its lengths disagree";
inline constexpr std::string_view kImpossible = "the numbers of the state contradict one another";

/// Writes the members that a State names in `tie`: doubles, 64-bit counts and flags.
template <class State>
void save_members(Writer& writer, const State& state) {
  const auto one = [&writer]<class T>(const T& member) {
    if constexpr (std::is_same_v<T, double>) {
      writer.f64(member);
    } else if constexpr (std::is_same_v<T, bool>) {
      writer.boolean(member);
    } else {
      writer.u64(member);
    }
  };
  std::apply([&one](const auto&... member) { (one(member), ...); }, State::tie(state));
}

/// The inverse. Doubles must be finite.
template <class State>
[[nodiscard]] State load_members(Reader& reader) {
  State state;
  const auto one = [&reader]<class T>(T& member) {
    if constexpr (std::is_same_v<T, double>) {
      member = reader.finite();
    } else if constexpr (std::is_same_v<T, bool>) {
      member = reader.boolean();
    } else {
      member = reader.u64();
    }
  };
  std::apply([&one](auto&... member) { (one(member), ...); }, State::tie(state));
  return state;
}

/// Summary and counters, with which every description begins.
[[nodiscard]] inline Description describe_stream(std::string_view what, const StreamCount& count) {
  Description text;
  text.summary = std::string(what) + ": " + std::to_string(count.drifts) +
                 (count.drifts == 1 ? " drift in " : " drifts in ") + std::to_string(count.values) +
                 " values";
  text.values = {{"values", static_cast<double>(count.values)},
                 {"skipped", static_cast<double>(count.skipped)},
                 {"drifts", static_cast<double>(count.drifts)}};
  return text;
}

}  // namespace attune::detail
