// SPDX-License-Identifier: Apache-2.0
/// @file
/// What the detectors share: how values are counted, and how states are saved and loaded.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

#include <attune/safety/drift.hpp>

namespace attune::detail {

/// Counts a value. False for one that is not finite, which a detector passes over.
[[nodiscard]] inline bool counted(StreamCount& count, double value) noexcept {
  if (!std::isfinite(value)) [[unlikely]] {
    ++count.skipped;
    return false;
  }
  ++count.values;
  return true;
}

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

/// The end of every load: `loaded` becomes the detector when it was read whole and is `sound`.
template <class D>
[[nodiscard]] Result<void> take_loaded(D& detector, D loaded, const Reader& reader, bool sound) {
  if (!reader.ok()) {
    return corrupt_detector(D::kName, kCutShort);
  }
  if (!sound) {
    return corrupt_detector(D::kName, kImpossible);
  }
  detector = std::move(loaded);
  return {};
}

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

/// Reads the rows of an exponential histogram: row i has so many buckets of 2^i values, at most `most`; they
/// are counted in `used` and read by `read_bucket(row, bucket)`. Gives how many values they stand for.
template <class ReadBucket>
[[nodiscard]] std::uint64_t load_rows(Reader& reader, std::span<std::uint32_t> used, std::uint32_t most,
                                      ReadBucket&& read_bucket) {
  std::uint64_t values = 0;
  for (std::size_t index = 0; index < used.size() && reader.ok(); ++index) {
    const std::uint32_t count = reader.u32();
    if (count > most) {
      reader.fail_now();
      break;
    }
    used[index] = count;
    values += std::uint64_t{count} << index;
    for (std::uint32_t k = 0; k < count; ++k) {
      read_bucket(index, k);
    }
  }
  return values;
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
