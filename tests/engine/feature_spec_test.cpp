// SPDX-License-Identifier: Apache-2.0
#include "engine/feature_spec.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <attune/core/rng.hpp>

#include "tests/engine/encoded.hpp"
#include "tests/support/allocation_counter.hpp"

namespace attune::feature_spec_test {
namespace {

using test::Encoded;
using test::feature;
using test::kGateway;
using test::number;
using test::spec_of;
using test::text;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

TEST(FeatureSpec, ReadsTheForms) {
  EXPECT_EQ(spec_of("{}").kind(), FeatureSpec::Kind::none);
  EXPECT_EQ(spec_of(R"({"dimension": 0})").kind(), FeatureSpec::Kind::none);
  EXPECT_EQ(spec_of(R"({"dimension": 0})").fingerprint(), "none");
  const FeatureSpec dense = spec_of(R"({"dimension": 20})");
  EXPECT_EQ(dense.kind(), FeatureSpec::Kind::dense);
  EXPECT_EQ(dense.dimension(), 20U);
  EXPECT_EQ(dense.dense_size(), 0U);
  EXPECT_EQ(dense.fingerprint(), "dense:20");
  const FeatureSpec sparse = spec_of(R"({"sparse": 1048576})");
  EXPECT_EQ(sparse.kind(), FeatureSpec::Kind::sparse);
  EXPECT_EQ(sparse.dimension(), 1'048'576U);
  EXPECT_TRUE(sparse.sparse());
  EXPECT_EQ(sparse.fingerprint(), "sparse:1048576");
  const FeatureSpec named = spec_of(kGateway);
  EXPECT_EQ(named.kind(), FeatureSpec::Kind::named);
  EXPECT_EQ(named.dimension(), 1U + 1 + 4 + 16 + 64 + 1);
  EXPECT_EQ(named.columns()[4].offset, 22U);
  EXPECT_FALSE(named.sparse());
}

TEST(FeatureSpec, PassesNumbersOnWithoutACopy) {
  const FeatureSpec spec = spec_of(R"({"dimension": 3})");
  const std::array<double, 3> numbers{1.0, 2.0, 3.0};
  Input input;
  ASSERT_EQ(spec.encode({.dense = numbers}, {}, input), Errc::ok);
  EXPECT_EQ(input.dense.data(), numbers.data());

  const FeatureSpec sparse = spec_of(R"({"sparse": 10})");
  const std::array<std::uint32_t, 2> index{3, 9};
  const std::array<double, 2> value{1.0, -1.0};
  ASSERT_EQ(sparse.encode({.sparse = {index, value}}, {}, input), Errc::ok);
  EXPECT_EQ(input.sparse.index.data(), index.data());
  ASSERT_EQ(sparse.encode({}, {}, input), Errc::ok);  // all zero
  EXPECT_TRUE(input.sparse.empty());
}

TEST(FeatureSpec, RefusesContextsOfTheWrongForm) {
  const FeatureSpec none;
  const FeatureSpec dense = spec_of(R"({"dimension": 2})");
  const FeatureSpec sparse = spec_of(R"({"sparse": 4})");
  const FeatureSpec named = spec_of(feature(R"("type": "number", "default": 0)"));
  const std::array<double, 2> numbers{1.0, 2.0};
  const std::array<double, 2> infinite{1.0, kInfinity};
  const std::array<std::uint32_t, 2> index{1, 3};
  const std::array<std::uint32_t, 2> falling{3, 1};
  const std::array<std::uint32_t, 2> large{1, 4};
  const std::array<NamedFeature, 1> x{number("x", 1.0)};
  const ContextView by_name{.named = x};
  const ContextView by_array{.dense = numbers};
  const ContextView by_index{.sparse = {index, numbers}};

  const auto expect = [](const FeatureSpec& spec, const ContextView& context, Errc code,
                         std::string_view reason) {
    const Encoded encoded(spec, context);
    EXPECT_EQ(encoded.code, code);
    EXPECT_STREQ(encoded.reason.data(), std::string(reason).c_str());
  };
  const Errc mismatch = Errc::dimension_mismatch;
  expect(none, by_array, mismatch, "this point takes nothing as its context");
  expect(none, by_index, mismatch, "this point takes nothing as its context");
  expect(none, by_name, mismatch, "this point takes nothing as its context");
  expect(dense, by_name, mismatch, "this point takes an array of numbers as its context");
  expect(dense, by_index, mismatch, "this point takes an array of numbers as its context");
  expect(sparse, by_array, mismatch, "this point takes sparse features (index and value) as its context");
  expect(named, by_array, mismatch, "this point takes named features as its context");
  expect(dense, {}, mismatch, "the context has 0 numbers; this point takes 2");
  expect(dense, {.dense = infinite}, Errc::non_finite, "the context has a number that is NaN or infinite");
  expect(sparse, {.sparse = {index, infinite}}, Errc::non_finite,
         "the context has a number that is NaN or infinite");
  const std::string_view rule =
      "sparse features need as many indices as values, the indices strictly increasing and below 4";
  expect(sparse, {.sparse = {falling, numbers}}, mismatch, rule);
  expect(sparse, {.sparse = {large, numbers}}, mismatch, rule);
  expect(sparse, {.sparse = {index, Features(numbers).first(1)}}, mismatch, rule);
}

TEST(FeatureSpec, ScalesNumbers) {
  const auto one = [](std::string_view members, double x) {
    const Encoded encoded(spec_of(feature(members)), {number("x", x)});
    EXPECT_EQ(encoded.code, Errc::ok) << encoded.reason.data();
    return encoded.dense.at(0);
  };
  EXPECT_EQ(one(R"("type": "number")", -3.5), -3.5);
  EXPECT_EQ(one(R"("type": "number", "scale": "log1p")", 0.0), 0.0);
  EXPECT_EQ(one(R"("type": "number", "scale": "log1p")", 1e-20), 1e-20);
  EXPECT_NEAR(one(R"("type": "number", "scale": "log1p")", 999.0), 6.907755278982137, 1e-15);  // ln 1000
  EXPECT_EQ(one(R"("type": "number", "scale": "standard", "mean": 10, "std": 4)", 16.0), 1.5);
  EXPECT_EQ(one(R"("type": "number", "scale": "minmax", "min": -1, "max": 3)", 0.0), 0.25);
  EXPECT_EQ(one(R"("type": "number", "scale": "minmax", "min": -1, "max": 3)", 9.0), 1.0);
  EXPECT_EQ(one(R"("type": "number", "scale": "minmax", "min": -1, "max": 3)", -9.0), 0.0);
  EXPECT_EQ(one(R"("type": "boolean")", 1.0), 1.0);
}

TEST(FeatureSpec, EncodesCategoriesAsOneColumnEach) {
  const FeatureSpec spec = spec_of(feature(R"("type": "category", "values": ["b", "a", "c"])"));
  ASSERT_EQ(spec.dimension(), 4U);
  EXPECT_EQ(Encoded(spec, {text("x", "b")}).dense, (std::vector<double>{1, 0, 0, 0}));
  EXPECT_EQ(Encoded(spec, {text("x", "a")}).dense, (std::vector<double>{0, 1, 0, 0}));
  EXPECT_EQ(Encoded(spec, {text("x", "c")}).dense, (std::vector<double>{0, 0, 1, 0}));
  EXPECT_EQ(Encoded(spec, {text("x", "d")}).dense, (std::vector<double>{0, 0, 0, 1}));
  EXPECT_EQ(Encoded(spec, {text("x", "")}).dense, (std::vector<double>{0, 0, 0, 1}));
}

TEST(FeatureSpec, DenseAndSparseEncodingsAgree) {
  const FeatureSpec dense = spec_of(kGateway);
  std::string json(kGateway);
  const FeatureSpec sparse = spec_of(json.replace(0, 1, R"({"sparse": true, )"));
  ASSERT_EQ(dense.dimension(), sparse.dimension());
  EXPECT_NE(dense.fingerprint(), sparse.fingerprint());
  const std::array<std::string_view, 6> prompts{"",   "Write a sort in C++", "sum this up", "a a a", "hello",
                                                "ß ẞ"};
  Rng rng(3);
  for (int round = 0; round < 200; ++round) {
    std::vector<NamedFeature> named{text("task", rng.below(2) == 0 ? "code" : "none of them")};
    if (rng.below(2) == 0) {
      named.push_back(number("n_chars", static_cast<double>(rng.below(1000))));
    }
    if (rng.below(2) == 0) {
      named.push_back(number("is_code", static_cast<double>(rng.below(2))));
    }
    if (rng.below(2) == 0) {
      named.push_back(text("prompt", prompts.at(rng.below(prompts.size()))));
    }
    const Encoded a(dense, named);
    const Encoded b(sparse, named);
    ASSERT_EQ(a.code, Errc::ok) << a.reason.data();
    ASSERT_EQ(b.code, Errc::ok) << b.reason.data();
    EXPECT_TRUE(b.well_formed);
    for (std::uint32_t i = 0; i < dense.dimension(); ++i) {
      const auto found = b.sparse.find(i);
      ASSERT_EQ(a.dense.at(i), found == b.sparse.end() ? 0.0 : found->second) << i;
    }
    EXPECT_EQ(a.dense.back(), 1.0);  // the intercept
  }
}

TEST(FeatureSpec, OrderOfTheGivenFeaturesDoesNotMatter) {
  const FeatureSpec spec = spec_of(kGateway);
  const std::vector<NamedFeature> forwards{number("n_chars", 3), number("is_code", 1), text("task", "sum"),
                                           text("user", "u"), text("prompt", "hi there")};
  const std::vector<NamedFeature> backwards(forwards.rbegin(), forwards.rend());
  EXPECT_EQ(Encoded(spec, forwards).dense, Encoded(spec, backwards).dense);
}

TEST(FeatureSpec, MissingFeaturesTakeTheirDefaults) {
  const FeatureSpec spec = spec_of(R"({"features": [
    {"name": "n", "type": "number", "scale": "minmax", "min": 0, "max": 10, "default": 5},
    {"name": "b", "type": "boolean", "default": true},
    {"name": "c", "type": "category", "values": ["u", "v"], "default": "v"},
    {"name": "d", "type": "category", "values": ["u", "v"], "default": ""}]})");
  EXPECT_EQ(Encoded(spec, ContextView{}).dense, (std::vector<double>{0.5, 1, 0, 1, 0, 0, 0, 1}));
}

TEST(FeatureSpec, EveryBadFeatureIsNamed) {
  const FeatureSpec spec = spec_of(R"({"features": [
    {"name": "n", "type": "number", "default": 0}, {"name": "l", "type": "number", "scale": "log1p", "default": 0},
    {"name": "s", "type": "number", "scale": "standard", "mean": 0, "std": 1e-300, "default": 0},
    {"name": "b", "type": "boolean", "default": false}, {"name": "c", "type": "category", "values": ["a"]}]})");
  const auto expect = [&](const std::vector<NamedFeature>& named, Errc code, const char* reason) {
    std::vector<NamedFeature> all = named;
    if (std::none_of(named.begin(), named.end(), [](const NamedFeature& f) { return f.name == "c"; })) {
      all.push_back(text("c", "a"));
    }
    const Encoded encoded(spec, all);
    EXPECT_EQ(encoded.code, code) << reason;
    EXPECT_STREQ(encoded.reason.data(), reason);
  };
  const Errc bad = Errc::invalid_argument;
  expect({number("m", 1)}, bad, "feature \"m\" is not declared");
  expect({number("", 1)}, bad, "feature \"\" is not declared");
  expect({number("n", 1), number("n", 1)}, bad, "feature \"n\" is given twice");
  expect({text("n", "1")}, bad, "feature \"n\" is a text; it is declared as number");
  expect({number("c", 1)}, bad, "feature \"c\" is a number; it is declared as category");
  expect({text("b", "true")}, bad, "feature \"b\" is a text; it is declared as boolean");
  expect({number("b", 0.5)}, bad, "feature \"b\" = 0.5 is neither true nor false");
  expect({number("b", kInfinity)}, bad, "feature \"b\" = inf is neither true nor false");
  expect({number("l", -1)}, bad, "feature \"l\" = -1 is not above -1, as log1p needs");
  expect({number("n", kInfinity)}, Errc::non_finite, "feature \"n\" is NaN or infinite");
  expect({number("n", std::numeric_limits<double>::quiet_NaN())}, Errc::non_finite,
         "feature \"n\" is NaN or infinite");
  expect({number("s", 1e300)}, Errc::non_finite, "feature \"s\" = 1e+300 is infinite after scaling");
  EXPECT_STREQ(Encoded(spec, ContextView{}).reason.data(), "feature \"c\" is missing and has no default");
}

TEST(FeatureSpec, ReasonsFitAnyBuffer) {
  const FeatureSpec spec = spec_of(feature(R"("type": "number")"));
  const std::string name = "ß" + std::string(400, 'x') + "ß";
  const std::vector<NamedFeature> named{number(name, 1)};
  Input input;
  std::vector<double> dense(1);
  for (std::size_t size = 0; size <= 40; ++size) {
    std::vector<char> reason(size, '#');
    EXPECT_EQ(spec.encode({.named = named}, {dense, {}, {}, reason}, input), Errc::invalid_argument);
    if (size > 0) {
      const std::string sentence(reason.data());
      EXPECT_LT(sentence.size(), size);
      EXPECT_NO_THROW(static_cast<void>(nlohmann::json(sentence).dump())) << "not cut at a character's end";
    }
  }
  EXPECT_EQ(spec.encode({.named = std::vector{number("x", 1)}}, {}, input),
            Errc::invalid_argument);  // no buffers
}

TEST(FeatureSpec, EncodingDoesNotAllocate) {
  std::string json(kGateway);
  for (const FeatureSpec& spec : {spec_of(kGateway), spec_of(json.replace(0, 1, R"({"sparse": true, )"))}) {
    const std::vector<NamedFeature> named{
        text("prompt", "a prompt of several words, and of more than fit a small text"), text("task", "code"),
        text("user", "someone"), number("n_chars", 60)};
    const std::vector<NamedFeature> bad{text("no such feature in this specification", "x")};
    std::vector<double> dense(spec.dense_size());
    std::vector<std::uint32_t> index(spec.sparse_size());
    std::vector<double> value(spec.sparse_size());
    std::array<char, 160> reason{};
    Input input;
    const test::AllocationCount allocations;
    const Errc good = spec.encode({.named = named}, {dense, index, value, reason}, input);
    const Errc refused = spec.encode({.named = bad}, {dense, index, value, reason}, input);
    EXPECT_EQ(allocations.count(), 0U);
    EXPECT_EQ(good, Errc::ok);
    EXPECT_EQ(refused, Errc::invalid_argument);
  }
}

TEST(FeatureSpec, RandomFeaturesNeverBreakTheEncoding) {
  const FeatureSpec spec = spec_of(kGateway);
  const std::array<std::string_view, 7> names{"n_chars", "is_code", "task", "user", "prompt", "other", ""};
  Rng rng(5);
  for (int round = 0; round < 20'000; ++round) {
    std::vector<NamedFeature> named;
    std::string value;
    for (std::uint64_t i = rng.below(100); i > 0; --i) {
      value += static_cast<char>(rng.below(256));
    }
    for (std::uint64_t i = rng.below(8); i > 0; --i) {
      named.push_back({.name = names.at(rng.below(names.size())),
                       .number = rng.below(4) == 0 ? kInfinity : static_cast<double>(rng.below(3)),
                       .text = value,
                       .is_text = rng.below(2) == 0});
    }
    const Encoded encoded(spec, named);
    if (encoded.code == Errc::ok) {
      ASSERT_TRUE(encoded.well_formed);
    } else {
      ASSERT_NE(encoded.reason[0], '\0');
    }
  }
}

}  // namespace
}  // namespace attune::feature_spec_test
