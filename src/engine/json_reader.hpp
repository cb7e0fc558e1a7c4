// SPDX-License-Identifier: Apache-2.0
/// @file
/// Strict reading of JSON: no duplicate keys, no unknown keys, no silent narrowing, errors with a path.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include <attune/core/config.hpp>
#include <attune/core/error.hpp>

namespace attune {

/// The document: members keep their order.
using Json = nlohmann::ordered_json;

struct JsonLimits {
  std::size_t bytes = std::size_t{16} << 20U;
  std::size_t depth = 64;
  bool comments = true;
};

/// Parses one JSON text. Errors: parse, with line and column; also for two equal keys in one object, numbers
/// that no double holds (1e999), text that is not UTF-8, and what exceeds the limits.
[[nodiscard]] Result<Json> parse_json(std::string_view text, const JsonLimits& limits = {});

/// `value` as compact text, members sorted by name: equal values, equal texts. Objects that are called one of
/// `keep_order` keep the order of their members.
[[nodiscard]] std::string canonical_json(const Json& value,
                                         std::span<const std::string_view> keep_order = {});

/// Place of a value in a document, linked upwards: costs nothing until an error prints it. Parents must
/// outlive it.
struct JsonPath {
  static constexpr std::size_t kNoIndex = std::numeric_limits<std::size_t>::max();

  const JsonPath* parent = nullptr;
  std::string_view key;  ///< unused when index is given
  std::size_t index = kNoIndex;

  /// "points.model.arms[3]"; keys that are not plain words as ["a b"]. The document itself is
  /// "configuration".
  [[nodiscard]] std::string text() const;
};

/// In quotes, with escapes; what is not UTF-8 is replaced.
[[nodiscard]] std::string json_text(std::string_view text);

/// `value` as it stands in a message: compact JSON, cut after 80 bytes at a character's end.
[[nodiscard]] std::string excerpt(const Json& value);

/// Of `known`, the name a person who wrote `found` most likely meant; empty when none is near.
[[nodiscard]] std::string_view nearest_name(std::string_view found, std::span<const std::string_view> known);

/// "path = value rule", with code invalid_config.
[[nodiscard]] Error value_error(const JsonPath& path, const Json& value, std::string_view rule);

/// Typed reads of single values. Errors: invalid_config, naming path, value and rule; `out` is unchanged
/// then.
[[nodiscard]] Result<void> read_value(const Json& value, const JsonPath& path, Bounds bounds, double& out);
[[nodiscard]] Result<void> read_value(const Json& value, const JsonPath& path, std::uint64_t min,
                                      std::uint64_t max, std::uint64_t& out);
[[nodiscard]] Result<void> read_value(const Json& value, const JsonPath& path, bool& out);
[[nodiscard]] Result<void> read_value(const Json& value, const JsonPath& path, std::string& out);
/// An array of numbers, each within the bounds.
[[nodiscard]] Result<void> read_value(const Json& value, const JsonPath& path, Bounds bounds,
                                      std::vector<double>& out);

/// Reads the members of one object. The first error sticks; later reads do nothing. Absent members leave
/// `out` as it is. finish() refuses members that were never asked for.
class JsonObject {
 public:
  /// `value` that is no object is an error. Both arguments must outlive this.
  JsonObject(const Json& value, const JsonPath& path);

  /// The member, or null when it is absent or an error stands. `null` as a value is not absence.
  const Json* member(std::string_view name);
  /// As member(), but its absence is an error.
  const Json* required(std::string_view name);
  [[nodiscard]] JsonPath child(std::string_view name) const noexcept {
    return {.parent = &path_, .key = name};
  }

  /// Each returns true when the member was there and read.
  bool read(std::string_view name, Bounds bounds, double& out);
  bool read(std::string_view name, std::uint64_t min, std::uint64_t max, std::uint64_t& out);
  bool read(std::string_view name, std::uint32_t min, std::uint32_t max, std::uint32_t& out);
  bool read(std::string_view name, bool& out);
  bool read(std::string_view name, std::string& out);
  bool read(std::string_view name, Bounds bounds, std::vector<double>& out);
  /// One of `names`; `out` is its index.
  bool choice(std::string_view name, std::span<const std::string_view> names, std::size_t& out);
  /// An enum with kEnumNames.
  template <class E>
  bool read_enum(std::string_view name, E& out) {
    std::size_t index = 0;
    if (!choice(name, kEnumNames<E>, index)) {
      return false;
    }
    out = static_cast<E>(index);
    return true;
  }

  /// Notes an error unless one stands already.
  void fail_with(Error error);
  void fail_member(std::string_view name, std::string_view rule);
  bool keep(Result<void> verdict);
  [[nodiscard]] bool ok() const noexcept { return !error_.has_value(); }
  /// The first error, if any; else unknown members are one, with the nearest known name.
  [[nodiscard]] Result<void> finish();

 private:
  const Json& value_;
  const JsonPath& path_;
  std::vector<std::string_view> known_;
  std::optional<Error> error_;
};

}  // namespace attune
