// SPDX-License-Identifier: Apache-2.0
#include "simulations/json_reader.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <memory>
#include <set>
#include <utility>

#include <nlohmann/json.hpp>

namespace attune::sim {
namespace {

using nlohmann::json;

constexpr std::size_t kMaxTextFile = std::size_t{16} << 20U;

std::string in_quotes(std::string_view text) { return "\"" + std::string(text) + "\""; }

/// The value as it stands in the file, cut short: messages are one line.
std::string shown(const json& value) {
  std::string text = value.dump(-1, ' ', true, json::error_handler_t::replace);
  if (text.size() > 60) {
    text.resize(57);
    text += "...";
  }
  return text;
}

/// Messages of the JSON library start with "[json.exception.parse_error.101] "; people need what follows.
std::string without_prefix(std::string_view message) {
  const std::size_t end = message.find("] ");
  std::string text(end == std::string_view::npos ? message : message.substr(end + 2));
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text;
}

}  // namespace

Result<json> parse_json(std::string_view text, std::string_view source) {
  constexpr int kDeepest = 64;
  std::vector<std::set<std::string>> keys;
  std::string twice;
  bool too_deep = false;
  const json::parser_callback_t watch = [&](int depth, json::parse_event_t event, json& value) {
    const bool opens =
        event == json::parse_event_t::object_start || event == json::parse_event_t::array_start;
    too_deep = too_deep || (opens && depth >= kDeepest);
    if (too_deep) {
      return false;  // nothing more is kept: the library copies and writes values by recursion
    }
    if (event == json::parse_event_t::object_start) {
      keys.emplace_back();
    } else if (event == json::parse_event_t::object_end) {
      keys.pop_back();
    } else if (event == json::parse_event_t::key && twice.empty()) {
      if (!keys.back().insert(value.get<std::string>()).second) {
        twice = value.get<std::string>();
      }
    }
    return true;
  };
  try {
    json parsed = json::parse(text, watch, true, true);
    if (too_deep) {
      return fail(Errc::parse, std::string(source) + ": is nested more than " + std::to_string(kDeepest) +
                                   " objects and lists deep");
    }
    if (!twice.empty()) {
      return fail(Errc::parse,
                  std::string(source) + ": the key " + in_quotes(twice) + " stands twice in one object");
    }
    return parsed;
  } catch (const json::exception& problem) {
    return fail(Errc::parse, std::string(source) + ": " + without_prefix(problem.what()));
  }
}

Result<std::string> read_text_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    return fail(Errc::io, path + ": cannot be opened for reading");
  }
  std::string text;
  std::vector<char> block(std::size_t{64} << 10U);
  while (file.read(block.data(), static_cast<std::streamsize>(block.size())) || file.gcount() > 0) {
    text.append(block.data(), static_cast<std::size_t>(file.gcount()));
    if (text.size() > kMaxTextFile) {
      return fail(Errc::io, path + ": is larger than 16 MiB, which no scenario needs");
    }
  }
  if (file.bad()) {
    return fail(Errc::io, path + ": could not be read to its end");
  }
  return text;
}

JsonReader::JsonReader(const json& object, std::string path) : object_(&object), path_(std::move(path)) {
  if (!object.is_object()) {
    fail_with((path_.empty() ? std::string("the text") : path_) + " = " + shown(object) +
              " must be an object");
  }
}

std::string JsonReader::path_of(std::string_view key) const {
  return path_.empty() ? std::string(key) : path_ + "." + std::string(key);
}

void JsonReader::fail_with(std::string message) {
  fail_with(Error{Errc::invalid_config, std::move(message)});
}

void JsonReader::fail_with(Error error) {
  if (!error_) {
    error_ = std::move(error);
  }
}

void JsonReader::missing(std::string_view key) { fail_with(path_of(key) + " is missing"); }

const json* JsonReader::find(std::string_view key) {
  asked_.emplace_back(key);
  if (error_) {
    return nullptr;
  }
  const auto found = object_->find(std::string(key));
  return found == object_->end() ? nullptr : &*found;
}

const json* JsonReader::find_object(std::string_view key) {
  const json* value = find(key);
  if (value != nullptr && !value->is_object()) {
    fail_with(path_of(key) + " = " + shown(*value) + " must be an object");
    return nullptr;
  }
  return value;
}

const json* JsonReader::find_array(std::string_view key) {
  const json* value = find(key);
  if (value != nullptr && !value->is_array()) {
    fail_with(path_of(key) + " = " + shown(*value) + " must be a list");
    return nullptr;
  }
  return value;
}

std::string JsonReader::text(std::string_view key, const std::optional<std::string>& fallback) {
  const json* value = find(key);
  if (value == nullptr) {
    if (!fallback) {
      missing(key);
    }
    return fallback.value_or("");
  }
  if (!value->is_string()) {
    fail_with(path_of(key) + " = " + shown(*value) + " must be a text");
    return "";
  }
  return value->get<std::string>();
}

std::optional<double> JsonReader::number_in(const json& value, const std::string& path, Bounds bounds) {
  if (!value.is_number()) {
    fail_with(path + " = " + shown(value) + " must be a number");
    return std::nullopt;
  }
  const double number = value.get<double>();
  if (!(number >= bounds.min && number <= bounds.max)) {
    fail_with(path + " = " + shown(value) + " is outside [" + number_text(bounds.min) + ", " +
              number_text(bounds.max) + "]");
    return std::nullopt;
  }
  return number;
}

double JsonReader::number(std::string_view key, Bounds bounds, std::optional<double> fallback) {
  const json* value = find(key);
  if (value == nullptr) {
    if (!fallback) {
      missing(key);
    }
    return fallback.value_or(bounds.min);
  }
  return number_in(*value, path_of(key), bounds).value_or(bounds.min);
}

std::uint64_t JsonReader::count(std::string_view key, Bounds bounds, std::optional<std::uint64_t> fallback) {
  const json* value = find(key);
  const auto lowest = static_cast<std::uint64_t>(bounds.min);
  if (value == nullptr) {
    if (!fallback) {
      missing(key);
    }
    return fallback.value_or(lowest);
  }
  const std::optional<double> found = number_in(*value, path_of(key), bounds);
  if (!found) {
    return lowest;
  }
  if (*found != std::floor(*found)) {
    fail_with(path_of(key) + " = " + shown(*value) + " must be a whole number");
    return lowest;
  }
  return value->is_number_unsigned() ? value->get<std::uint64_t>() : static_cast<std::uint64_t>(*found);
}

bool JsonReader::boolean(std::string_view key, std::optional<bool> fallback) {
  const json* value = find(key);
  if (value == nullptr) {
    if (!fallback) {
      missing(key);
    }
    return fallback.value_or(false);
  }
  if (!value->is_boolean()) {
    fail_with(path_of(key) + " = " + shown(*value) + " must be true or false");
    return false;
  }
  return value->get<bool>();
}

std::vector<double> JsonReader::numbers(std::string_view key, Bounds bounds, bool needed) {
  std::vector<double> out;
  const json* value = find_array(key);
  if (value == nullptr) {
    if (needed) {
      missing(key);
    }
    return out;
  }
  for (std::size_t i = 0; i < value->size() && good(); ++i) {
    out.push_back(
        number_in((*value)[i], path_of(key) + "[" + std::to_string(i) + "]", bounds).value_or(bounds.min));
  }
  return out;
}

std::vector<std::string> JsonReader::texts(std::string_view key, bool needed) {
  std::vector<std::string> out;
  const json* value = find_array(key);
  if (value == nullptr) {
    if (needed) {
      missing(key);
    }
    return out;
  }
  for (std::size_t i = 0; i < value->size() && good(); ++i) {
    const json& entry = (*value)[i];
    if (!entry.is_string()) {
      fail_with(path_of(key) + "[" + std::to_string(i) + "] = " + shown(entry) + " must be a text");
      break;
    }
    out.push_back(entry.get<std::string>());
  }
  return out;
}

std::string JsonReader::choice(std::string_view key, const std::vector<std::string>& choices,
                               const std::optional<std::string>& fallback) {
  std::string found = text(key, fallback);
  if (good() && std::find(choices.begin(), choices.end(), found) == choices.end()) {
    std::string allowed;
    for (const std::string& entry : choices) {
      allowed += (allowed.empty() ? "" : ", ") + entry;
    }
    fail_with(path_of(key) + " = " + in_quotes(found) + " must be one of " + allowed);
  }
  return found;
}

Result<void> JsonReader::finish() {
  if (!error_) {
    for (const auto& item : object_->items()) {
      if (std::find(asked_.begin(), asked_.end(), item.key()) == asked_.end()) {
        fail_with(path_of(item.key()) + " is not known here");
        break;
      }
    }
  }
  if (error_) {
    return tl::unexpected<Error>(*error_);
  }
  return {};
}

}  // namespace attune::sim
