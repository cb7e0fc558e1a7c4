// SPDX-License-Identifier: Apache-2.0
// Hashed categories and texts: the exact columns of docs/features.md.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "core/hash.hpp"
#include "engine/feature_spec.hpp"
#include "tests/engine/encoded.hpp"

namespace attune::feature_hash_test {
namespace {

using test::Encoded;
using test::feature;
using test::kGateway;
using test::spec_of;
using test::text;

constexpr std::uint64_t kSeed = 0x6174'7475'6E65'0001;  // docs/features.md

TEST(FeatureHash, HashesAsDocumented) {
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

TEST(FeatureHash, BucketsNeverChange) {
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

TEST(FeatureHash, TextsWithoutWordsAreZeroAndOthersHaveLengthOne) {
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

TEST(FeatureHash, TextsOfAnyLengthFitTheBuffers) {
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

}  // namespace
}  // namespace attune::feature_hash_test
