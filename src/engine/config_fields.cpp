// SPDX-License-Identifier: Apache-2.0
#include "engine/config_fields.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <type_traits>
#include <utility>

#include <nlohmann/json.hpp>

namespace attune::detail {
namespace {

using Value = nlohmann::json;

constexpr double kExactIntegers =
    9007199254740992.0;  // 2^53: above it a double may stand for several integers

tl::unexpected<Error> wrong_type(std::string_view path, std::string_view wanted, const Value& found) {
  return fail(Errc::invalid_config, std::string(path) + " should be " + std::string(wanted) + ", not " +
                                        std::string(json_kind(found)));
}

Result<double> read_number(const Value& value, std::string_view path, Bounds bounds) {
  if (!value.is_number()) {
    return wrong_type(path, "a number", value);
  }
  const auto number = value.get<double>();
  if (Result<void> inside = check_number(path, number, bounds); !inside) {
    return tl::unexpected(std::move(inside).error());
  }
  return number;
}

Result<std::uint64_t> read_integer(const Value& value, std::string_view path, Bounds bounds) {
  Result<double> number = read_number(value, path, bounds);  // bounds of unsigned fields start at 0 or above
  if (!number) {
    return tl::unexpected(std::move(number).error());
  }
  if (value.is_number_integer()) {  // not through a double, which rounds above 2^53
    return value.get<std::uint64_t>();
  }
  // 1e6 is a whole number too, and the schema's "integer" accepts it.
  if (*number != std::floor(*number) || *number < 0.0 || *number > kExactIntegers) {
    return fail(Errc::invalid_config, std::string(path) + " = " + number_text(*number) +
                                          " is not a whole number" +
                                          (*number > kExactIntegers ? " that can be read exactly" : ""));
  }
  return static_cast<std::uint64_t>(*number);
}

template <class T>
Result<void> store_integer(const Value& value, std::string_view path, Bounds bounds, T& out) {
  bounds.min = std::max(bounds.min, 0.0);
  bounds.max = std::min(bounds.max, static_cast<double>(std::numeric_limits<T>::max()));
  Result<std::uint64_t> number = read_integer(value, path, bounds);
  if (!number) {
    return tl::unexpected(std::move(number).error());
  }
  out = static_cast<T>(*number);
  return {};
}

Result<void> store_numbers(const Value& value, std::string_view path, Bounds bounds,
                           std::vector<double>& out) {
  if (!value.is_array()) {
    return wrong_type(path, "an array of numbers", value);
  }
  std::vector<double> numbers;
  for (std::size_t i = 0; i < value.size(); ++i) {
    Result<double> number = read_number(value[i], std::string(path) + '[' + std::to_string(i) + ']', bounds);
    if (!number) {
      return tl::unexpected(std::move(number).error());
    }
    numbers.push_back(*number);
  }
  out = std::move(numbers);
  return {};
}

std::string joined(std::span<const std::string_view> names) {
  std::string text;
  for (const std::string_view name : names) {
    text += (text.empty() ? "" : ", ") + std::string(name);
  }
  return text;
}

Result<void> store_choice(const Value& value, std::string_view path, const EnumRef& choice) {
  if (!value.is_string()) {
    return wrong_type(path, "one of " + joined(choice.names), value);
  }
  const auto& text = value.get_ref<const std::string&>();
  const auto found = std::ranges::find(choice.names, text);
  if (found == choice.names.end()) {
    return fail(Errc::invalid_config,
                std::string(path) + " = \"" + text + "\" is none of: " + joined(choice.names));
  }
  choice.set(choice.field, static_cast<std::size_t>(found - choice.names.begin()));
  return {};
}

Result<void> store_list(const Value& value, std::string_view path, Bounds bounds, const ListRef& list) {
  if (!value.is_array()) {
    return wrong_type(path, "an array of objects", value);
  }
  if (Result<void> count = check_number("number of entries of " + std::string(path),
                                        static_cast<double>(value.size()), bounds);
      !count) {
    return count;
  }
  list.resize(list.field, 0);  // entries start from their defaults
  list.resize(list.field, value.size());
  for (std::size_t i = 0; i < value.size(); ++i) {
    Result<void> entry =
        read_fields(value[i], list.entry(list.field, i), std::string(path) + '[' + std::to_string(i) + ']');
    if (!entry) {
      return entry;
    }
  }
  return {};
}

Result<void> store(const Value& value, std::string_view path, const FieldRef& ref) {
  return std::visit(
      [&]<class F>(const F& field) -> Result<void> {
        if constexpr (std::is_same_v<F, bool*>) {
          if (!value.is_boolean()) {
            return wrong_type(path, "true or false", value);
          }
          *field = value.get<bool>();
          return {};
        } else if constexpr (std::is_same_v<F, std::string*>) {
          if (!value.is_string()) {
            return wrong_type(path, "a string", value);
          }
          *field = value.get_ref<const std::string&>();
          return {};
        } else if constexpr (std::is_same_v<F, double*>) {
          Result<double> number = read_number(value, path, ref.bounds);
          if (!number) {
            return tl::unexpected(std::move(number).error());
          }
          *field = *number;
          return {};
        } else if constexpr (std::is_same_v<F, std::vector<double>*>) {
          return store_numbers(value, path, ref.bounds, *field);
        } else if constexpr (std::is_same_v<F, EnumRef>) {
          return store_choice(value, path, field);
        } else if constexpr (std::is_same_v<F, ListRef>) {
          return store_list(value, path, ref.bounds, field);
        } else {
          return store_integer(value, path, ref.bounds, *field);
        }
      },
      ref.field);
}

bool inside(double value, Bounds bounds) { return value >= bounds.min && value <= bounds.max; }

/// Whether the present value keeps the bounds; one that does not is no default.
bool allowed(const FieldRef& ref) {
  return std::visit(
      [&]<class F>(const F& field) {
        if constexpr (std::is_same_v<F, ListRef>) {
          return inside(static_cast<double>(field.size(field.field)), ref.bounds);
        } else if constexpr (std::is_same_v<F, std::vector<double>*>) {
          return std::ranges::all_of(*field, [&](double entry) { return inside(entry, ref.bounds); });
        } else if constexpr (std::is_same_v<F, double*> || std::is_same_v<F, std::uint32_t*> ||
                             std::is_same_v<F, std::uint64_t*>) {
          return inside(static_cast<double>(*field), ref.bounds);
        } else {
          return true;
        }
      },
      ref.field);
}

Value present_value(const FieldRef& ref) {
  return std::visit(
      []<class F>(const F& field) -> Value {
        if constexpr (std::is_same_v<F, EnumRef>) {
          return field.names[field.get(field.field)];
        } else if constexpr (std::is_same_v<F, ListRef>) {
          Value entries = Value::array();
          for (std::size_t i = 0; i < field.size(field.field); ++i) {
            entries.push_back(write_fields(field.entry(field.field, i)));
          }
          return entries;
        } else {
          return *field;
        }
      },
      ref.field);
}

/// Whole numbers as JSON integers: "maximum": 1000000, not 1e6.
Value bound(double value) {
  return value == std::floor(value) && std::abs(value) <= kExactIntegers
             ? Value(static_cast<std::int64_t>(value))
             : Value(value);
}

/// Calls `use` with the fields of an entry that has the defaults.
template <class Use>
auto with_default_entry(const ListRef& list, Use&& use) {
  const std::size_t size = list.size(list.field);
  list.resize(list.field, size + 1);
  auto result = use(list.entry(list.field, size));
  list.resize(list.field, size);
  return result;
}

std::string_view type_name(const FieldRef& ref) {
  constexpr std::array<std::string_view, 8> kNames{"boolean", "integer", "integer", "number",
                                                   "string",  "numbers", "choice",  "list"};
  static_assert(std::variant_size_v<decltype(FieldRef::field)> == kNames.size());
  return kNames[ref.field.index()];
}

Value field_schema(const FieldRef& ref) {
  Value schema{{"description", ref.doc}};
  const std::string_view type = type_name(ref);
  const Value number{
      {"type", "number"}, {"minimum", bound(ref.bounds.min)}, {"maximum", bound(ref.bounds.max)}};
  if (type == "integer" || type == "number") {
    schema.update(number);
    schema["type"] = type;
  } else if (type == "numbers") {
    schema.update(Value{{"type", "array"}, {"items", number}});
  } else if (type == "choice") {
    schema["enum"] = Value(std::get<EnumRef>(ref.field).names);
  } else if (type == "list") {
    schema.update(Value{{"type", "array"},
                        {"minItems", bound(ref.bounds.min)},
                        {"maxItems", bound(ref.bounds.max)},
                        {"items", with_default_entry(std::get<ListRef>(ref.field),
                                                     [](auto&& entry) { return fields_schema(entry); })}});
  } else {
    schema["type"] = type;
  }
  if (allowed(ref)) {
    schema["default"] = present_value(ref);
  }
  return schema;
}

}  // namespace

std::string join_path(std::string_view path, std::string_view key) {
  return path.empty() ? std::string(key) : std::string(path) + '.' + std::string(key);
}

std::string_view json_kind(const Value& value) {
  switch (value.type()) {
    case Value::value_t::null:
      return "null";
    case Value::value_t::object:
      return "an object";
    case Value::value_t::array:
      return "an array";
    case Value::value_t::string:
      return "a string";
    case Value::value_t::boolean:
      return "a boolean";
    case Value::value_t::number_integer:
    case Value::value_t::number_unsigned:
    case Value::value_t::number_float:
      return "a number";
    case Value::value_t::binary:
    case Value::value_t::discarded:
      break;
  }
  return "no JSON value";
}

Result<void> read_fields(const Value& object, std::span<const FieldRef> fields, std::string_view path,
                         std::span<const std::string_view> also_known) {
  if (!object.is_object()) {
    return wrong_type(path.empty() ? "the specification" : path, "an object", object);
  }
  for (const auto& item : object.items()) {
    const auto same_name = [&](const FieldRef& ref) { return ref.name == item.key(); };
    if (std::ranges::none_of(fields, same_name) &&
        std::ranges::find(also_known, item.key()) == also_known.end()) {
      std::vector<std::string_view> known(also_known.begin(), also_known.end());
      std::ranges::transform(fields, std::back_inserter(known), &FieldRef::name);
      return fail(Errc::invalid_config,
                  join_path(path, item.key()) + " is no known key; known here: " + joined(known));
    }
  }
  for (const FieldRef& ref : fields) {
    const auto found = object.find(ref.name);
    if (found != object.end()) {
      if (Result<void> stored = store(*found, join_path(path, ref.name), ref); !stored) {
        return stored;
      }
    } else if (!allowed(ref)) {
      return fail(Errc::invalid_config, join_path(path, ref.name) + " is required: " + std::string(ref.doc));
    }
  }
  return {};
}

Value write_fields(std::span<const FieldRef> fields) {
  Value object = Value::object();
  for (const FieldRef& ref : fields) {
    object[std::string(ref.name)] = present_value(ref);
  }
  return object;
}

Value fields_schema(std::span<const FieldRef> fields) {
  Value properties = Value::object();
  Value required = Value::array();
  for (const FieldRef& ref : fields) {
    properties[std::string(ref.name)] = field_schema(ref);
    if (!allowed(ref)) {
      required.push_back(ref.name);
    }
  }
  Value schema{{"type", "object"}, {"properties", std::move(properties)}, {"additionalProperties", false}};
  if (!required.empty()) {
    schema["required"] = std::move(required);
  }
  return schema;
}

std::vector<OptionInfo> field_options(std::span<const FieldRef> fields) {
  std::vector<OptionInfo> options;
  for (const FieldRef& ref : fields) {
    OptionInfo option{.name = std::string(ref.name),
                      .type = std::string(type_name(ref)),
                      .min = ref.bounds.min,
                      .max = ref.bounds.max,
                      .required = !allowed(ref),
                      .default_json = {},
                      .choices = {},
                      .entry = {},
                      .doc = std::string(ref.doc)};
    if (!option.required) {
      option.default_json = present_value(ref).dump();
    }
    if (const auto* choice = std::get_if<EnumRef>(&ref.field)) {
      option.choices.assign(choice->names.begin(), choice->names.end());
    }
    if (const auto* list = std::get_if<ListRef>(&ref.field)) {
      option.entry = with_default_entry(*list, [](auto&& entry) { return field_options(entry); });
    }
    options.push_back(std::move(option));
  }
  return options;
}

Result<void> read_spec(const Value& spec, std::span<const FieldRef> fields, std::string_view path) {
  static constexpr std::array<std::string_view, 1> kAlsoKnown{"type"};
  return read_fields(spec, fields, path, kAlsoKnown);
}

}  // namespace attune::detail
