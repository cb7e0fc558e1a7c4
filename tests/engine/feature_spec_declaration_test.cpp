// SPDX-License-Identifier: Apache-2.0
// What may be declared of a context, and what is said of the rest.
#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "engine/feature_spec.hpp"
#include "tests/engine/encoded.hpp"

namespace attune::feature_spec_declaration_test {
namespace {

using test::feature;
using test::parse;

std::string error_of(std::string_view json) {
  const Result<FeatureSpec> spec = parse(json);
  EXPECT_FALSE(spec) << json;
  return spec ? "no error" : spec.error().message;
}

TEST(FeatureSpecDeclaration, RefusesBadDeclarationsWithTheirPath) {
  struct Case {
    std::string json;
    std::string message;
  };
  const std::vector<Case> cases{
      {"[]", "context = an array of 0 is not an object in braces"},
      {R"({"dimension": -1})", "context.dimension = -1 is outside [0, 1000000]"},
      {R"({"dimension": 2.5})", "context.dimension = 2.5 is not a whole number"},
      {R"({"dimensions": 2})", "context.dimensions = 2 is not a known option; did you mean \"dimension\"?"},
      {R"({"sparse": 0})", "context.sparse = 0 is outside [1, 134217728]"},
      {R"({"sparse": true})", "context.sparse = true is not a whole number"},
      {R"({"sparse": 5, "dimension": 5})",
       "context.dimension = 5 cannot stand beside sparse, which is the dimension"},
      {R"({"features": []})", "context.features = an array of 0 is not an array of 1 to 1024 features"},
      {R"({"features": [1]})", "context.features[0] = 1 is not an object in braces"},
      {R"({"features": [{}]})", "context.features[0] has no member \"name\""},
      {R"({"features": [{"name": ""}]})", "context.features[0].name = \"\" must not be empty"},
      {R"({"features": [{"name": "x"}]})", "context.features[0] has no member \"type\""},
      {R"({"version": 0, "features": [{"name": "x", "type": "number"}]})",
       "context.version = 0 is outside [1, 4294967295]"},
      {R"({"intercept": 1, "features": [{"name": "x", "type": "number"}]})",
       "context.intercept = 1 is neither true nor false"},
      {R"({"dimension": 1, "features": [{"name": "x", "type": "number"}]})",
       "context.dimension = 1 cannot stand beside features: it follows from them"},
      {R"({"features": [{"name": "x", "type": "number"}, {"name": "x", "type": "boolean"}]})",
       "context.features declares \"x\" twice"},
      {feature(R"("type": "float")"),
       "context.features[0].type = \"float\" is not one of \"number\", \"boolean\", \"category\", \"text\""},
      {feature(R"("type": "boolean", "scale": "none")"),
       "context.features[0].scale = \"none\" is an option of number features only"},
      {feature(R"("type": "number", "buckets": 4)"),
       "context.features[0].buckets = 4 is an option of category and text features only"},
      {feature(R"("type": "text", "buckets": 4, "values": ["a"])"),
       "context.features[0].values = an array of 1 is an option of category features only"},
      {feature(R"("type": "number", "mean": 4)"),
       "context.features[0].mean = 4 needs \"scale\": \"standard\""},
      {feature(R"("type": "number", "scale": "standard", "mean": 4)"),
       "context.features[0] has no member \"std\""},
      {feature(R"("type": "number", "scale": "standard", "mean": 4, "std": 0)"),
       "context.features[0].std = 0 is not larger than 0"},
      {feature(R"("type": "number", "scale": "minmax", "min": 1, "max": 1)"),
       "context.features[0].max = 1 is not larger than min"},
      {feature(R"("type": "number", "scale": "log1p", "default": -1)"),
       "context.features[0].default = -1 is not larger than -1, as log1p needs"},
      {feature(R"("type": "number", "default": "1")"), "context.features[0].default = \"1\" is not a number"},
      {feature(R"("type": "boolean", "default": 1)"),
       "context.features[0].default = 1 is neither true nor false"},
      {feature(R"("type": "category")"), "context.features[0] has no member \"values\""},
      {feature(R"("type": "category", "values": [])"),
       "context.features[0].values = an array of 0 is not an array of 1 to 65536 texts"},
      {feature(R"("type": "category", "values": ["a", 1])"),
       "context.features[0].values[1] = 1 is not a text in quotes"},
      {feature(R"("type": "category", "values": ["a", "b", "a"])"),
       "context.features[0].values lists \"a\" twice"},
      {feature(R"("type": "category", "values": ["a"], "buckets": 4)"),
       "context.features[0].buckets = 4 cannot stand beside values: categories are listed or hashed"},
      {feature(R"("type": "category", "values": ["a"], "default": "b")"),
       "context.features[0].default = \"b\" is not one of the values, nor empty for the unlisted one"},
      {feature(R"("type": "category", "buckets": 1)"),
       "context.features[0].buckets = 1 is outside [2, 134217728]"},
      {feature(R"("type": "text")"), "context.features[0] has no member \"buckets\""},
      {feature(R"("type": "text", "buckets": 1000000)"),
       "context: the features fill more than 1000000 columns; \"sparse\": true allows more"},
  };
  for (const Case& one : cases) {
    EXPECT_EQ(error_of(one.json), one.message) << one.json;
  }
}

TEST(FeatureSpecDeclaration, FingerprintTellsEveryRuleApart) {
  std::vector<std::string> prints;
  for (const std::string_view members :
       {R"("type": "number")", R"("type": "number", "scale": "log1p")", R"("type": "number", "default": 0)",
        R"("type": "number", "default": 1)", R"("type": "boolean")",
        R"("type": "number", "scale": "standard", "mean": 0, "std": 2)",
        R"("type": "number", "scale": "standard", "mean": 1, "std": 2)",
        R"("type": "category", "values": ["a", "b"])", R"("type": "category", "values": ["b", "a"])",
        R"("type": "category", "buckets": 3)", R"("type": "text", "buckets": 3)",
        R"("type": "text", "buckets": 3, "default": "")"}) {
    prints.push_back(parse(feature(members))->fingerprint());
  }
  std::sort(prints.begin(), prints.end());
  EXPECT_EQ(std::adjacent_find(prints.begin(), prints.end()), prints.end());
}

}  // namespace
}  // namespace attune::feature_spec_declaration_test
