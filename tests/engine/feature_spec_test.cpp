// SPDX-License-Identifier: Apache-2.0
#include "engine/feature_spec.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <attune/core/rng.hpp>

#include "core/hash.hpp"
#include "engine/json_reader.hpp"

namespace attune {
namespace {

constexpr std::uint64_t kSeed = 0x6174'7475'6E65'0001;  // docs/features.md
constexpr double kInfinity = std::numeric_limits<double>::infinity();

Result<FeatureSpec> parse(std::string_view json) {
  const JsonPath root;
  const JsonPath path{.parent = &root, .key = "context"};
  return FeatureSpec::parse(parse_json(json).value(), path);
}

FeatureSpec spec_of(std::string_view json) {
  Result<FeatureSpec> spec = parse(json);
  EXPECT_TRUE(spec) << spec.error().message;
  return spec ? *spec : FeatureSpec();
}

/// One named feature as a context "features" list.
std::string feature(std::string_view members) {
  return R"({"features": [{"name": "x", )" + std::string(members) + "}]}";
}

NamedFeature number(std::string_view name, double value) {
  return {.name = name, .number = value, .text = {}};
}
NamedFeature text(std::string_view name, std::string_view value) {
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

constexpr std::string_view kGateway = R"({"version": 3, "intercept": true, "features": [
  {"name": "n_chars", "type": "number", "scale": "log1p", "default": 0},
  {"name": "is_code", "type": "boolean", "default": false},
  {"name": "task", "type": "category", "values": ["chat", "code", "sum"]},
  {"name": "user", "type": "category", "buckets": 16, "default": ""},
  {"name": "prompt", "type": "text", "buckets": 64, "default": ""}]})";

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

TEST(FeatureSpec, HashesAsDocumented) {
  // docs/features.md: seed of a feature = XXH64(name, fixed seed); bucket = XXH64(text, seed of the feature)
  // mod width.
  const std::uint64_t seed = hash64("x", kSeed);
  const FeatureSpec category = spec_of(feature(R"("type": "category", "buckets": 1000)"));
  for (const char* value : {"", "user-1", "user-2", "ß"}) {
    const Encoded encoded(category, {text("x", value)});
    EXPECT_EQ(encoded.dense.at(hash64(value, seed) % 1000), 1.0);
    EXPECT_EQ(std::count(encoded.dense.begin(), encoded.dense.end(), 0.0), 999);
  }

  // Words "it", "s", "2", "it" and the pairs (it, s), (s, 2), (2, it): counts 2, 1, 1, 1, 1, 1; length 3.
  const FeatureSpec words = spec_of(feature(R"("type": "text", "buckets": 100003)"));
  const Encoded encoded(words, {text("x", "It's 2: IT!")});
  const std::array<std::uint64_t, 3> hash{hash64("it", seed), hash64("s", seed), hash64("2", seed)};
  const auto pair = [&](std::size_t a, std::size_t b) {
    const std::array<std::uint64_t, 2> both{hash.at(a), hash.at(b)};
    return hash64(std::as_bytes(std::span(both)), seed);
  };
  std::vector<double> expected(100'003);
  for (const std::uint64_t gram : {hash[0], hash[0], hash[1], hash[2], pair(0, 1), pair(1, 2), pair(2, 0)}) {
    expected[gram % expected.size()] += 1.0 / 3.0;
  }
  ASSERT_EQ(std::count_if(expected.begin(), expected.end(), [](double x) { return x > 0.0; }), 6);
  for (std::size_t i = 0; i < expected.size(); ++i) {
    ASSERT_NEAR(encoded.dense.at(i), expected[i], 1e-15) << i;  // one rounding of 1/3, one of the sum
  }
}

TEST(FeatureSpec, BucketsNeverChange) {
  // By an independent implementation of XXH64. Stored models depend on these numbers: if this fails, the
  // encoding changed and old checkpoints are wrong.
  const FeatureSpec category = spec_of(feature(R"("type": "category", "buckets": 1000)"));
  const auto bucket = [&](std::string_view value) {
    const Encoded encoded(category, {text("x", value)});
    return std::find(encoded.dense.begin(), encoded.dense.end(), 1.0) - encoded.dense.begin();
  };
  EXPECT_EQ(bucket("user-1"), 689);
  EXPECT_EQ(bucket("user-2"), 271);
  EXPECT_EQ(bucket(""), 745);
  EXPECT_EQ(spec_of(kGateway).fingerprint(), "named:v3:87:57c4634c563e8e39");
}

TEST(FeatureSpec, TextsWithoutWordsAreZeroAndOthersHaveLengthOne) {
  for (const char* sparse : {"false", "true"}) {
    const FeatureSpec spec = spec_of(R"({"sparse": )" + std::string(sparse) +
                                     R"(, "features": [{"name": "x", "type": "text", "buckets": 16}]})");
    for (const std::string_view value : {"", " \n.,;", "one", "a b a b a b", "ünïcödé wörds", "\xFF\xFE"}) {
      const Encoded encoded(spec, {text("x", value)});
      ASSERT_EQ(encoded.code, Errc::ok);
      EXPECT_TRUE(encoded.well_formed);
      double squares = 0.0;
      for (const double x : encoded.dense) {
        squares += x * x;
      }
      for (const auto& [index, x] : encoded.sparse) {
        squares += x * x;
      }
      const bool no_words = value.empty() || value[0] == ' ';
      EXPECT_NEAR(squares, no_words ? 0.0 : 1.0, 1e-14) << value;
    }
  }
}

TEST(FeatureSpec, TextsOfAnyLengthFitTheBuffers) {
  std::string prompt;
  for (int i = 0; i < 6'000; ++i) {
    prompt += std::to_string(i) + " ";
  }
  const std::string wide = R"("features": [{"name": "x", "type": "text", "buckets": 1000000}, )"
                           R"({"name": "y", "type": "text", "buckets": 3}]})";
  const Encoded encoded(spec_of("{\"sparse\": true, " + wide), {text("x", prompt), text("y", prompt)});
  ASSERT_EQ(encoded.code, Errc::ok) << encoded.reason.data();
  EXPECT_TRUE(encoded.well_formed);
  EXPECT_GT(encoded.sparse.size(), 8'000U);
  EXPECT_LE(encoded.sparse.size(), 2 * FeatureSpec::kMaxWords - 1 + 3);

  // Only the first 4096 words and the first 64 bytes of a word count.
  const FeatureSpec spec = spec_of(feature(R"("type": "text", "buckets": 64)"));
  std::string first;
  for (std::size_t i = 0; i < FeatureSpec::kMaxWords; ++i) {
    first += "word" + std::to_string(i) + " ";
  }
  EXPECT_EQ(Encoded(spec, {text("x", first)}).dense, Encoded(spec, {text("x", first + "more words")}).dense);
  const std::string letters(64, 'a');
  EXPECT_EQ(Encoded(spec, {text("x", letters)}).dense, Encoded(spec, {text("x", letters + "bcd")}).dense);
  EXPECT_NE(Encoded(spec, {text("x", letters)}).dense, Encoded(spec, {text("x", letters.substr(1))}).dense);
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
}  // namespace attune
