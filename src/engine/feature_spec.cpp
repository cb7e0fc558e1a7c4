// SPDX-License-Identifier: Apache-2.0
#include "engine/feature_spec.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdio>
#include <limits>
#include <numeric>
#include <utility>

#include <nlohmann/json.hpp>

#include "core/hash.hpp"
#include "engine/arm_table.hpp"
#include "engine/json_reader.hpp"

namespace attune {
namespace {

constexpr Bounds kFinite{-1e300, 1e300};
constexpr std::uint64_t kMostValues = 65'536;
/// Documented in docs/features.md; changing it changes every hashed feature.
constexpr std::uint64_t kHashSeed = 0x6174'7475'6E65'0001;

/// An option of features and the types that it belongs to.
struct OptionOwner {
  std::string_view option;
  std::array<FeatureType, 2> types;
  std::string_view rule;
};

constexpr std::array<OptionOwner, 7> kOwners{{
    {"scale", {FeatureType::number, FeatureType::number}, "is an option of number features only"},
    {"mean", {FeatureType::number, FeatureType::number}, "is an option of number features only"},
    {"std", {FeatureType::number, FeatureType::number}, "is an option of number features only"},
    {"min", {FeatureType::number, FeatureType::number}, "is an option of number features only"},
    {"max", {FeatureType::number, FeatureType::number}, "is an option of number features only"},
    {"values", {FeatureType::category, FeatureType::category}, "is an option of category features only"},
    {"buckets",
     {FeatureType::category, FeatureType::text},
     "is an option of category and text features only"},
}};

void refuse_foreign_options(JsonObject& object, FeatureType type) {
  for (const OptionOwner& owner : kOwners) {
    if (owner.types[0] != type && owner.types[1] != type) {
      object.fail_member(owner.option, owner.rule);
    }
  }
}

/// Reads two numbers that a scale needs, and refuses them beside another scale.
void read_scale_pair(JsonObject& object, bool wanted, const std::array<std::string_view, 2>& names,
                     std::string_view foreign, double& first, double& second) {
  for (const std::string_view name : names) {
    if (!wanted) {
      object.fail_member(name, foreign);
    } else {
      static_cast<void>(object.required(name));  // its absence is noted in the object
    }
  }
  if (wanted) {
    object.read(names[0], kFinite, first);
    object.read(names[1], kFinite, second);
  }
}

void read_scale(JsonObject& object, FeatureColumn& column) {
  object.read_enum("scale", column.scale);
  double minimum = 0.0;
  double maximum = 1.0;
  read_scale_pair(object, column.scale == FeatureScale::standard, {"mean", "std"},
                  "needs \"scale\": \"standard\"", column.shift, column.spread);
  read_scale_pair(object, column.scale == FeatureScale::minmax, {"min", "max"}, "needs \"scale\": \"minmax\"",
                  minimum, maximum);
  if (column.scale == FeatureScale::minmax) {
    column.shift = minimum;
    column.spread = maximum - minimum;
    if (object.ok() && !(column.spread > 0.0)) {
      object.fail_member("max", "is not larger than min");
    }
  }
  if (object.ok() && !(column.spread > 0.0)) {
    object.fail_member("std", "is not larger than 0");
  }
}

Result<void> read_values(const Json& value, const JsonPath& path, FeatureColumn& column) {
  if (!value.is_array() || value.empty() || value.size() > kMostValues) {
    return tl::unexpected(
        value_error(path, value, "is not an array of 1 to " + std::to_string(kMostValues) + " texts"));
  }
  column.values.resize(value.size());
  for (std::size_t i = 0; i < value.size(); ++i) {
    const JsonPath place{.parent = &path, .key = {}, .index = i};
    if (Result<void> verdict = read_value(value[i], place, column.values[i]); !verdict) {
      return verdict;
    }
  }
  column.sorted.resize(value.size());
  std::iota(column.sorted.begin(), column.sorted.end(), 0U);
  const auto text = [&](std::uint32_t i) -> const std::string& { return column.values[i]; };
  std::sort(column.sorted.begin(), column.sorted.end(), [&](auto a, auto b) { return text(a) < text(b); });
  const auto twice = std::adjacent_find(column.sorted.begin(), column.sorted.end(),
                                        [&](auto a, auto b) { return text(a) == text(b); });
  if (twice != column.sorted.end()) {
    return fail(Errc::invalid_config, path.text() + " lists " + excerpt(Json(text(*twice))) + " twice");
  }
  column.width =
      static_cast<std::uint32_t>(column.values.size() + 1);  // the last: a value that is not listed
  return {};
}

void read_hashed(JsonObject& object, FeatureColumn& column) {
  static_cast<void>(object.required("buckets"));  // its absence is noted in the object
  object.read("buckets", 2U, static_cast<std::uint32_t>(FeatureSpec::kMaxSparse), column.width);
  column.hash_seed = hash64(column.name, kHashSeed);
}

void read_category(JsonObject& object, FeatureColumn& column) {
  const Json* values = object.member("values");
  if (values == nullptr) {
    if (object.ok() && object.member("buckets") == nullptr) {
      static_cast<void>(object.required("values"));  // neither is there: name the usual one
      return;
    }
    read_hashed(object, column);
    return;
  }
  object.keep(read_values(*values, object.child("values"), column));
  object.fail_member("buckets", "cannot stand beside values: categories are listed or hashed");
}

void read_default(JsonObject& object, FeatureColumn& column) {
  switch (column.type) {
    case FeatureType::number:
      column.has_default = object.read("default", kFinite, column.default_number);
      if (column.has_default && column.scale == FeatureScale::log1p && !(column.default_number > -1.0)) {
        object.fail_member("default", "is not larger than -1, as log1p needs");
      }
      break;
    case FeatureType::boolean: {
      bool flag = false;
      column.has_default = object.read("default", flag);
      column.default_number = flag ? 1.0 : 0.0;
      break;
    }
    case FeatureType::category:
    case FeatureType::text:
      column.has_default = object.read("default", column.default_text);
      if (column.has_default && !column.values.empty() && !column.default_text.empty() &&
          std::find(column.values.begin(), column.values.end(), column.default_text) == column.values.end()) {
        object.fail_member("default", "is not one of the values, nor empty for the unlisted one");
      }
      break;
  }
}

Result<void> read_column(const Json& value, const JsonPath& path, FeatureColumn& column) {
  JsonObject object(value, path);
  if (const Json* name = object.required("name")) {
    object.keep(read_value(*name, object.child("name"), column.name));
    if (const std::string rule = broken_name_rule(column.name); object.ok() && !rule.empty()) {
      object.fail_member("name", rule);
    }
  }
  static_cast<void>(object.required("type"));  // its absence is noted in the object
  object.read_enum("type", column.type);
  if (object.ok()) {
    refuse_foreign_options(object, column.type);
    if (column.type == FeatureType::number) {
      read_scale(object, column);
    } else if (column.type == FeatureType::category) {
      read_category(object, column);
    } else if (column.type == FeatureType::text) {
      read_hashed(object, column);
    }
    read_default(object, column);
  }
  return object.finish();
}

}  // namespace

Result<FeatureSpec> FeatureSpec::parse(const nlohmann::ordered_json& value, const JsonPath& path) {
  FeatureSpec spec;
  JsonObject object(value, path);
  const Json* features = object.member("features");
  const Json* sparse = object.member("sparse");
  std::uint64_t dimension = 0;
  if (features != nullptr) {
    spec.kind_ = Kind::named;
    object.read("version", 1U, std::numeric_limits<std::uint32_t>::max(), spec.version_);
    object.read("intercept", spec.intercept_);
    object.read("sparse", spec.sparse_);
    object.fail_member("dimension", "cannot stand beside features: it follows from them");
    object.keep(spec.read_columns(*features, object.child("features")));
  } else if (sparse != nullptr) {
    object.read("sparse", 1, kMaxSparse, dimension);
    object.fail_member("dimension", "cannot stand beside sparse, which is the dimension");
    spec.kind_ = Kind::sparse;
    spec.sparse_ = true;
  } else if (object.read("dimension", 0, kMaxDense, dimension) && dimension > 0) {
    spec.kind_ = Kind::dense;
  }
  if (Result<void> verdict = object.finish(); !verdict) {
    return tl::unexpected(std::move(verdict).error());
  }
  if (spec.kind_ != Kind::named) {
    spec.dimension_ = static_cast<std::size_t>(dimension);
    return spec;
  }
  if (Result<void> verdict = spec.lay_out(path); !verdict) {
    return tl::unexpected(std::move(verdict).error());
  }
  return spec;
}

Result<void> FeatureSpec::read_columns(const nlohmann::ordered_json& value, const JsonPath& path) {
  if (!value.is_array() || value.empty() || value.size() > kMaxFeatures) {
    return tl::unexpected(
        value_error(path, value, "is not an array of 1 to " + std::to_string(kMaxFeatures) + " features"));
  }
  columns_.resize(value.size());
  for (std::size_t i = 0; i < value.size(); ++i) {
    const JsonPath place{.parent = &path, .key = {}, .index = i};
    if (Result<void> verdict = read_column(value[i], place, columns_[i]); !verdict) {
      return verdict;
    }
  }
  by_name_.resize(columns_.size());
  std::iota(by_name_.begin(), by_name_.end(), 0U);
  const auto name = [&](std::uint32_t i) -> const std::string& { return columns_[i].name; };
  std::sort(by_name_.begin(), by_name_.end(), [&](auto a, auto b) { return name(a) < name(b); });
  const auto twice = std::adjacent_find(by_name_.begin(), by_name_.end(),
                                        [&](auto a, auto b) { return name(a) == name(b); });
  if (twice != by_name_.end()) {
    return fail(Errc::invalid_config, path.text() + " declares " + excerpt(Json(name(*twice))) + " twice");
  }
  return {};
}

/// Gives each feature its columns, in the order of declaration; the intercept is the last.
Result<void> FeatureSpec::lay_out(const JsonPath& path) {
  const std::size_t most = sparse_ ? kMaxSparse : kMaxDense;
  for (FeatureColumn& column : columns_) {
    column.offset = static_cast<std::uint32_t>(dimension_);
    dimension_ += column.width;
    // Words are counted after they were hashed, so there must be room for all of them.
    sparse_entries_ += column.type == FeatureType::text ? 2 * kMaxWords - 1 : 1;
    if (dimension_ >= most) {
      return fail(Errc::invalid_config, path.text() + ": the features fill more than " +
                                            std::to_string(most) + " columns" +
                                            (sparse_ ? "" : "; \"sparse\": true allows more"));
    }
  }
  dimension_ += intercept_ ? 1 : 0;
  sparse_entries_ = sparse_ ? sparse_entries_ + (intercept_ ? 1 : 0) : 0;
  return {};
}

std::size_t FeatureSpec::find(std::string_view name, std::size_t hint) const noexcept {
  // Callers mostly send the features in the order of their declaration.
  if (hint < columns_.size() && columns_[hint].name == name) {
    return hint;
  }
  const auto found =
      std::lower_bound(by_name_.begin(), by_name_.end(), name,
                       [&](std::uint32_t i, std::string_view text) { return columns_[i].name < text; });
  return found != by_name_.end() && columns_[*found].name == name ? *found : columns_.size();
}

std::string FeatureSpec::fingerprint() const {
  switch (kind_) {
    case Kind::none:
      return "none";
    case Kind::dense:
      return "dense:" + std::to_string(dimension_);
    case Kind::sparse:
      return "sparse:" + std::to_string(dimension_);
    case Kind::named:
      break;
  }
  Writer writer;
  writer.boolean(sparse_);
  writer.boolean(intercept_);
  for (const FeatureColumn& column : columns_) {
    writer.text(column.name);
    writer.u8(static_cast<std::uint8_t>(column.type));
    writer.u8(static_cast<std::uint8_t>(column.scale));
    writer.f64(column.shift);
    writer.f64(column.spread);
    writer.boolean(column.has_default);
    writer.f64(column.default_number);
    writer.text(column.default_text);
    writer.u64(column.values.size());
    for (const std::string& category : column.values) {
      writer.text(category);
    }
    writer.u64(column.hash_seed);
    writer.u32(column.width);
  }
  std::array<char, 17> hash{};
  static_cast<void>(std::snprintf(hash.data(), hash.size(), "%016llx",
                                  static_cast<unsigned long long>(hash64(writer.view()))));
  return "named:v" + std::to_string(version_) + ":" + std::to_string(dimension_) + ":" + hash.data();
}

}  // namespace attune
