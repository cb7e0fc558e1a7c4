// SPDX-License-Identifier: Apache-2.0
/// @file
/// What the detectors share when they are saved and loaded.
#pragma once

#include <cmath>
#include <span>
#include <string>
#include <string_view>

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

[[nodiscard]] inline bool all_finite_numbers(std::span<const double> values) noexcept {
  for (const double value : values) {
    if (!std::isfinite(value)) {
      return false;
    }
  }
  return true;
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
