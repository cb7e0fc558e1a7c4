// SPDX-License-Identifier: Apache-2.0
// River's own answers, position by position, and what its modes do with values that are not finite.
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <attune/engine/detectors.hpp>
#include <attune/safety/river_adwin.hpp>
#include <attune/safety/river_page_hinkley.hpp>

#include "tests/safety/streams.hpp"

namespace attune::river_golden_test {
namespace {

struct Golden {
  std::string options;
  int kind = 0;
  std::uint64_t seed = 0;
  std::size_t length = 0;
  std::vector<std::size_t> drifts;
};

/// As golden_stream in scripts/river_parity.py: SplitMix64 and exact operations only.
std::vector<double> golden_stream(const Golden& golden) {
  std::uint64_t state = golden.seed;
  const auto uniform = [&state] {
    state += 0x9E3779B97F4A7C15ULL;
    std::uint64_t z = state;
    z = (z ^ (z >> 30U)) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ (z >> 27U)) * 0x94D049BB133111EBULL;
    return static_cast<double>((z ^ (z >> 31U)) >> 11U) * 0x1.0p-53;
  };
  std::vector<double> values;
  for (std::size_t i = 0; i < golden.length; ++i) {
    const std::size_t phase = i * 4 / golden.length;
    const double level = phase == 3 ? 0.25 : 0.125 + 0.25 * static_cast<double>(phase);
    if (golden.kind == 0) {
      values.push_back(uniform() < level ? 1.0 : 0.0);
    } else if (golden.kind == 1) {
      values.push_back(uniform() + level);
    } else {
      double total = 0.0;
      for (int k = 0; k < 12; ++k) {
        total += uniform();
      }
      values.push_back((total - 6.0 + 2.0 * level) * (golden.kind == 3 ? 1000.0 : 1.0));
    }
  }
  return values;
}

TEST(RiverModes, FindWhatRiverFindsAtTheSamePositions) {
  const std::vector<Golden> all = {
#include "tests/safety/river_golden.inc"
  };
  ASSERT_GT(all.size(), 20U);
  for (const Golden& golden : all) {
    Result<AnyDetector> detector = make_detector(nlohmann::json::parse(golden.options));
    ASSERT_TRUE(detector) << detector.error().message;
    std::vector<std::size_t> found;
    const std::vector<double> values = golden_stream(golden);
    for (std::size_t i = 0; i < values.size() && found.size() < 30; ++i) {
      if (detector->update(values[i]) == Signal::drift) {
        found.push_back(i);
      }
    }
    EXPECT_EQ(found, golden.drifts) << golden.options << " kind " << golden.kind;
  }
}

template <class D>
void expect_deaf_as_river() {
  const std::vector<double> values = test::draw_stream(1, 3000, test::normal(0.0), 1500, test::normal(50.0));
  for (const double bad : {std::nan(""), std::numeric_limits<double>::infinity()}) {
    typename D::Config config;
    D river = D::make(config).value();
    config.skip_non_finite = true;
    D hears = D::make(config).value();
    EXPECT_EQ(river.update(bad), Signal::none);
    EXPECT_EQ(hears.update(bad), Signal::none);
    EXPECT_TRUE(test::drifts_of(river, values).empty());
    EXPECT_FALSE(test::drifts_of(hears, values).empty());
    EXPECT_EQ(river.count().skipped, 1U);
    river.reset();
    EXPECT_FALSE(test::drifts_of(river, values).empty()) << "a reset ends it";
  }
}

TEST(RiverModes, GoDeafAfterNanAsRiverDoesUnlessToldToSkipIt) {
  expect_deaf_as_river<RiverAdwin>();
  expect_deaf_as_river<RiverPageHinkley>();
}

TEST(DetectorRegistry, ResolvesCompatAndNamesMistakes) {
  using nlohmann::json;
  const auto name = [](const json& spec) { return std::string(make_detector(spec).value().name()); };
  EXPECT_EQ(name({{"type", "adwin"}}), "adwin");
  EXPECT_EQ(name({{"type", "adwin"}, {"compat", "attune"}}), "adwin");
  EXPECT_EQ(name({{"type", "adwin"}, {"compat", "river"}}), "river_adwin");
  EXPECT_EQ(name({{"type", "page_hinkley"}, {"compat", "river"}}), "river_page_hinkley");
  const auto refused = [](const json& spec, std::string_view path = {}) {
    const auto made = make_detector(spec, path);
    EXPECT_FALSE(made) << spec;
    return made ? std::string() : made.error().message;
  };
  EXPECT_NE(refused({{"type", "adwin"}, {"compat", "moa"}}).find("compat = \"moa\""), std::string::npos);
  EXPECT_NE(refused({{"type", "nothing"}}, "points[0].drift").find("points[0].drift.type = \"nothing\""),
            std::string::npos);
  EXPECT_NE(refused({{"type", "adwin"}, {"delta", 7}}, "x").find("delta = 7"), std::string::npos);
  EXPECT_NE(refused({{"type", "adwin"}, {"clok", 7}}).find("clok"), std::string::npos);
  EXPECT_NE(refused(json::array()).find("object"), std::string::npos);
  EXPECT_NE(refused({{"delta", 0.1}}).find("type is required"), std::string::npos);
  EXPECT_GE(detectors().size(), 4U);
}

}  // namespace
}  // namespace attune::river_golden_test
