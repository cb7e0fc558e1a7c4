// SPDX-License-Identifier: Apache-2.0
/// @file
/// The words that JSON Schemas of configurations are made of.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include <nlohmann/json.hpp>

#include <attune/core/config.hpp>

#include "engine/json_reader.hpp"

namespace attune::schema {

inline constexpr double kLargest = 1e300;

inline Json described(Json schema, std::string_view description) {
  schema["description"] = description;
  return schema;
}

inline Json number(double min, double max) {
  return {{"type", "number"}, {"minimum", min}, {"maximum", max}};
}
inline Json number() { return number(-kLargest, kLargest); }
inline Json integer(std::uint64_t min, std::uint64_t max) {
  return {{"type", "integer"}, {"minimum", min}, {"maximum", max}};
}
inline Json flag() { return {{"type", "boolean"}}; }
inline Json text() { return {{"type", "string"}}; }
inline Json name() { return {{"type", "string"}, {"minLength", 1}, {"maxLength", 255}}; }
inline Json reference(std::string_view definition) {
  return {{"$ref", "#/$defs/" + std::string(definition)}};
}

template <class E>
Json one_of_names() {
  return {{"enum", kEnumNames<E>}};
}

inline Json with_default(Json schema, Json value) {
  schema["default"] = std::move(value);
  return schema;
}

inline Json object(Json properties, Json required = Json::array()) {
  Json schema{{"type", "object"}, {"additionalProperties", false}, {"properties", std::move(properties)}};
  if (!required.empty()) {
    schema["required"] = std::move(required);
  }
  return schema;
}

inline Json pair_of_numbers() {
  return {{"type", "array"}, {"items", number()}, {"minItems", 2}, {"maxItems", 2}};
}

}  // namespace attune::schema
