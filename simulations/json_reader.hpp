// SPDX-License-Identifier: Apache-2.0
/// @file
/// JsonReader: takes a JSON object apart strictly, naming the path of what is wrong.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include <attune/core/config.hpp>
#include <attune/core/error.hpp>

namespace attune::sim {

/// Parses JSON text; comments are allowed, a key given twice in one object is not. `source` names the text in
/// messages. Errors: parse, with the line and column.
[[nodiscard]] Result<nlohmann::json> parse_json(std::string_view text, std::string_view source);

/// Reads the whole of a small file. Errors: io.
[[nodiscard]] Result<std::string> read_text_file(const std::string& path);

/// Reads the fields of one object. The first thing that is wrong is kept and returned by finish(); every
/// getter after it returns its fallback, so that callers check once.
class JsonReader {
 public:
  /// `path` is how messages name the object, e.g. "environment"; empty for the top.
  JsonReader(const nlohmann::json& object, std::string path);

  /// Without a fallback the key must be there.
  [[nodiscard]] std::string text(std::string_view key, const std::optional<std::string>& fallback = {});
  [[nodiscard]] double number(std::string_view key, Bounds bounds, std::optional<double> fallback = {});
  [[nodiscard]] std::uint64_t count(std::string_view key, Bounds bounds,
                                    std::optional<std::uint64_t> fallback = {});
  [[nodiscard]] bool boolean(std::string_view key, std::optional<bool> fallback = {});
  /// Empty when the key is missing and not needed.
  [[nodiscard]] std::vector<double> numbers(std::string_view key, Bounds bounds, bool needed);
  [[nodiscard]] std::vector<std::string> texts(std::string_view key, bool needed);
  /// One of `choices`.
  [[nodiscard]] std::string choice(std::string_view key, const std::vector<std::string>& choices,
                                   const std::optional<std::string>& fallback = {});
  /// The value itself, or null when it is missing.
  [[nodiscard]] const nlohmann::json* find(std::string_view key);
  [[nodiscard]] const nlohmann::json* find_object(std::string_view key);
  [[nodiscard]] const nlohmann::json* find_array(std::string_view key);

  /// "environment.means"
  [[nodiscard]] std::string path_of(std::string_view key) const;
  /// Records an error, unless there is one already.
  void fail_with(std::string message);
  void fail_with(Error error);
  [[nodiscard]] bool good() const noexcept { return !error_; }

  /// Errors: the first one met; else a key that nobody asked for. Errc::invalid_config.
  [[nodiscard]] Result<void> finish();

 private:
  void missing(std::string_view key);
  [[nodiscard]] std::optional<double> number_in(const nlohmann::json& value, const std::string& path,
                                                Bounds bounds);

  const nlohmann::json* object_;
  std::string path_;
  std::vector<std::string> asked_;
  std::optional<Error> error_;
};

}  // namespace attune::sim
