// SPDX-License-Identifier: Apache-2.0
/// @file
/// Feature specifications and what they make of a context, for tests.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "engine/feature_spec.hpp"
#include "engine/json_reader.hpp"

namespace attune::test {

inline Result<FeatureSpec> parse(std::string_view json) {
  const JsonPath root;
  const JsonPath path{.parent = &root, .key = "context"};
  return FeatureSpec::parse(parse_json(json).value(), path);
}

inline FeatureSpec spec_of(std::string_view json) {
  Result<FeatureSpec> spec = parse(json);
  EXPECT_TRUE(spec) << spec.error().message;
  return spec ? *spec : FeatureSpec();
}

/// One named feature as a context "features" list.
inline std::string feature(std::string_view members) {
  return R"({"features": [{"name": "x", )" + std::string(members) + "}]}";
}

inline NamedFeature number(std::string_view name, double value) {
  return {.name = name, .number = value, .text = {}};
}
inline NamedFeature text(std::string_view name, std::string_view value) {
  return {.name = name, .text = value, .is_text = true};
}

/// Encodes with buffers of exactly the promised size.
struct Encoded {
  explicit Encoded(const FeatureSpec& spec, const ContextView& context)
      : dense_buffer(spec.dense_size(), -7.0), index(spec.sparse_size()), value(spec.sparse_size()) {
    Input input;
    code = spec.encode(context, {dense_buffer, index, value, reason}, input);
    if (code == Errc::ok) {
      dense.assign(input.dense.begin(), input.dense.end());
      for (std::size_t i = 0; i < input.sparse.index.size(); ++i) {
        sparse[input.sparse.index[i]] = input.sparse.value[i];
      }
      well_formed = check_input(input, spec.dimension(), spec.sparse()) == Errc::ok;
    }
  }
  Encoded(const FeatureSpec& spec, const std::vector<NamedFeature>& named)
      : Encoded(spec, ContextView{.named = named}) {}

  std::vector<double> dense_buffer;
  std::vector<std::uint32_t> index;
  std::vector<double> value;
  std::array<char, 160> reason{};
  Errc code = Errc::ok;
  bool well_formed = false;
  std::vector<double> dense;
  std::map<std::uint32_t, double> sparse;
};

inline constexpr std::string_view kGateway = R"({"version": 3, "intercept": true, "features": [
  {"name": "n_chars", "type": "number", "scale": "log1p", "default": 0},
  {"name": "is_code", "type": "boolean", "default": false},
  {"name": "task", "type": "category", "values": ["chat", "code", "sum"]},
  {"name": "user", "type": "category", "buckets": 16, "default": ""},
  {"name": "prompt", "type": "text", "buckets": 64, "default": ""}]})";

}  // namespace attune::test
