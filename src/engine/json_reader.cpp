// SPDX-License-Identifier: Apache-2.0
#include "engine/json_reader.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <utility>

#include <nlohmann/json.hpp>

namespace attune {
namespace {

bool is_plain_word(std::string_view text) noexcept {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  });
}

/// Levenshtein distance; both texts are names of options, so the table is small.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) {
    row[j] = j;
  }
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t above = row[j];
      row[j] = std::min({above + 1, row[j - 1] + 1, diagonal + (a[i - 1] == b[j - 1] ? 0U : 1U)});
      diagonal = above;
    }
  }
  return row[b.size()];
}

}  // namespace

std::string json_text(std::string_view text) {
  return Json(text).dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string JsonPath::text() const {
  if (parent == nullptr) {
    return "configuration";
  }
  std::string result = parent->parent == nullptr ? std::string() : parent->text();
  if (index != kNoIndex) {
    return result + "[" + std::to_string(index) + "]";
  }
  if (!is_plain_word(key)) {
    return result + "[" + json_text(key) + "]";
  }
  return result + (result.empty() ? "" : ".") + std::string(key);
}

std::string excerpt(const Json& value) {
  constexpr std::size_t kLongest = 80;
  if (value.is_object() || value.is_array()) {
    // Not printed: it may be as large as the document.
    const std::string what = value.is_object() ? "an object of " : "an array of ";
    return what + std::to_string(value.size());
  }
  std::string text = value.dump(-1, ' ', false, Json::error_handler_t::replace);
  if (text.size() > kLongest) {
    std::size_t end = kLongest;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) {
      --end;
    }
    text.resize(end);
    text += "...";
  }
  return text;
}

std::string_view nearest_name(std::string_view found, std::span<const std::string_view> known) {
  constexpr std::size_t kLongest = 64;
  std::string_view best;
  if (found.size() > kLongest) {
    return best;
  }
  std::size_t least = 1 + (found.size() <= 3 ? 1 : std::max<std::size_t>(2, found.size() / 3));
  for (const std::string_view name : known) {
    const std::size_t distance = edit_distance(found, name);
    if (distance < least) {
      least = distance;
      best = name;
    }
  }
  return best;
}

Error value_error(const JsonPath& path, const Json& value, std::string_view rule) {
  return {Errc::invalid_config, path.text() + " = " + excerpt(value) + " " + std::string(rule)};
}

Result<void> read_value(const Json& value, const JsonPath& path, Bounds bounds, double& out) {
  if (!value.is_number()) {
    return tl::unexpected(value_error(path, value, "is not a number"));
  }
  const double number = value.get<double>();  // from (u)int64 or double: at worst rounded, never out of range
  if (!(number >= bounds.min && number <= bounds.max) || !std::isfinite(number)) {
    return tl::unexpected(value_error(
        path, value, "is outside [" + number_text(bounds.min) + ", " + number_text(bounds.max) + "]"));
  }
  out = number;
  return {};
}

Result<void> read_value(const Json& value, const JsonPath& path, std::uint64_t min, std::uint64_t max,
                        std::uint64_t& out) {
  constexpr double kExact =
      9007199254740992.0;  // 2^53: every whole double up to here is the number that was written
  std::uint64_t number = 0;
  bool negative = false;
  if (value.is_number_unsigned()) {
    number = value.get<std::uint64_t>();
  } else if (value.is_number_integer()) {
    const auto whole = value.get<std::int64_t>();
    negative = whole < 0;
    number = negative ? 0 : static_cast<std::uint64_t>(whole);
  } else if (value.is_number_float()) {
    const auto real = value.get<double>();
    if (std::trunc(real) != real || std::abs(real) > kExact) {
      return tl::unexpected(value_error(path, value, "is not a whole number"));
    }
    negative = real < 0.0;
    number = negative ? 0 : static_cast<std::uint64_t>(real);
  } else {
    return tl::unexpected(value_error(path, value, "is not a whole number"));
  }
  if (negative || number < min || number > max) {
    return tl::unexpected(
        value_error(path, value, "is outside [" + std::to_string(min) + ", " + std::to_string(max) + "]"));
  }
  out = number;
  return {};
}

Result<void> read_value(const Json& value, const JsonPath& path, bool& out) {
  if (!value.is_boolean()) {
    return tl::unexpected(value_error(path, value, "is neither true nor false"));
  }
  out = value.get<bool>();
  return {};
}

Result<void> read_value(const Json& value, const JsonPath& path, std::string& out) {
  if (!value.is_string()) {
    return tl::unexpected(value_error(path, value, "is not a text in quotes"));
  }
  out = value.get_ref<const std::string&>();
  return {};
}

Result<void> read_value(const Json& value, const JsonPath& path, Bounds bounds, std::vector<double>& out) {
  if (!value.is_array()) {
    return tl::unexpected(value_error(path, value, "is not an array of numbers"));
  }
  std::vector<double> numbers(value.size());
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    const JsonPath item{.parent = &path, .key = {}, .index = i};
    if (Result<void> verdict = read_value(value[i], item, bounds, numbers[i]); !verdict) {
      return verdict;
    }
  }
  out = std::move(numbers);
  return {};
}

JsonObject::JsonObject(const Json& value, const JsonPath& path) : value_(value), path_(path) {
  if (!value.is_object()) {
    error_ = value_error(path, value, "is not an object in braces");
  }
}

const Json* JsonObject::member(std::string_view name) {
  known_.push_back(name);
  if (error_) {
    return nullptr;
  }
  const auto& members = value_.get_ref<const Json::object_t&>();
  const auto found =
      std::find_if(members.begin(), members.end(), [&](const auto& m) { return m.first == name; });
  return found == members.end() ? nullptr : &found->second;
}

const Json* JsonObject::required(std::string_view name) {
  const Json* found = member(name);
  if (found == nullptr && !error_) {
    error_ = Error{Errc::invalid_config, path_.text() + " has no member \"" + std::string(name) + "\""};
  }
  return found;
}

bool JsonObject::read(std::string_view name, Bounds bounds, double& out) {
  const Json* found = member(name);
  return found != nullptr && keep(read_value(*found, child(name), bounds, out));
}

bool JsonObject::read(std::string_view name, std::uint64_t min, std::uint64_t max, std::uint64_t& out) {
  const Json* found = member(name);
  return found != nullptr && keep(read_value(*found, child(name), min, max, out));
}

bool JsonObject::read(std::string_view name, std::uint32_t min, std::uint32_t max, std::uint32_t& out) {
  std::uint64_t wide = 0;
  if (!read(name, std::uint64_t{min}, std::uint64_t{max}, wide)) {
    return false;
  }
  out = static_cast<std::uint32_t>(wide);
  return true;
}

bool JsonObject::read(std::string_view name, bool& out) {
  const Json* found = member(name);
  return found != nullptr && keep(read_value(*found, child(name), out));
}

bool JsonObject::read(std::string_view name, std::string& out) {
  const Json* found = member(name);
  return found != nullptr && keep(read_value(*found, child(name), out));
}

bool JsonObject::read(std::string_view name, Bounds bounds, std::vector<double>& out) {
  const Json* found = member(name);
  return found != nullptr && keep(read_value(*found, child(name), bounds, out));
}

bool JsonObject::choice(std::string_view name, std::span<const std::string_view> names, std::size_t& out) {
  const Json* found = member(name);
  if (found == nullptr) {
    return false;
  }
  if (found->is_string()) {
    const auto at = std::find(names.begin(), names.end(), found->get_ref<const std::string&>());
    if (at != names.end()) {
      out = static_cast<std::size_t>(at - names.begin());
      return true;
    }
  }
  std::string rule = "is not one of ";
  for (std::size_t i = 0; i < names.size(); ++i) {
    rule += (i == 0 ? "\"" : ", \"") + std::string(names[i]) + "\"";
  }
  fail_with(value_error(child(name), *found, rule));
  return false;
}

void JsonObject::fail_with(Error error) {
  if (!error_) {
    error_ = std::move(error);
  }
}

void JsonObject::fail_member(std::string_view name, std::string_view rule) {
  const Json* found = member(name);
  if (found != nullptr) {
    fail_with(value_error(child(name), *found, rule));
  }
}

bool JsonObject::keep(Result<void> verdict) {
  if (!verdict) {
    fail_with(std::move(verdict).error());
    return false;
  }
  return true;
}

Result<void> JsonObject::finish() {
  if (error_) {
    return tl::unexpected(*error_);
  }
  for (const auto& [name, value] : value_.get_ref<const Json::object_t&>()) {
    if (std::find(known_.begin(), known_.end(), name) != known_.end()) {
      continue;
    }
    const std::string_view near = nearest_name(name, known_);
    const JsonPath unknown{.parent = &path_, .key = name};
    return tl::unexpected(
        value_error(unknown, value,
                    near.empty() ? "is not a known option"
                                 : "is not a known option; did you mean \"" + std::string(near) + "\"?"));
  }
  return {};
}

}  // namespace attune
