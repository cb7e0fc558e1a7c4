// SPDX-License-Identifier: Apache-2.0
// The optimizer as a whole; its parts are tested in gaussian_process_test.cpp, long searches in
// gp_optimizer_slow_test.cpp.
#include <attune/policies/gp_optimizer.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/policies/test_functions.hpp"

namespace attune::gp_optimizer_test {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

const ParameterSpec kUnit{.name = "x"};
const ParameterSpec kCount{
    .name = "count", .type = ParameterType::integer, .low = 1, .high = 64, .scale = ParameterScale::log};
const ParameterSpec kRate{.name = "rate", .low = 1e-4, .high = 1.0, .scale = ParameterScale::log};

GpOptimizer make_optimizer(std::vector<ParameterSpec> parameters, GpOptimizerConfig config = {}) {
  config.parameters = std::move(parameters);
  return GpOptimizer::make(config).value();
}

/// Asks with the draws of `id`, and begins the trial.
std::vector<double> start_trial(GpOptimizer& optimizer, std::uint64_t id) {
  Rng rng(7, 0, id);
  std::vector<double> values = optimizer.ask(rng).value();
  EXPECT_EQ(optimizer.begin({.id = id, .values = values}), Errc::ok);
  return values;
}

TEST(GpOptimizer, FindsThePeakOfACurve) {
  GpOptimizer optimizer = make_optimizer({kUnit});
  const auto curve = [](double x) { return -(x - 0.37) * (x - 0.37) + 0.1 * std::sin(20.0 * x); };
  double best = -1.0;
  for (std::uint64_t id = 0; id < 25; ++id) {
    const double value = curve(start_trial(optimizer, id)[0]);
    best = std::max(best, value);
    ASSERT_EQ(optimizer.tell(id, value), Errc::ok);
  }
  double top = -1.0;
  for (int i = 0; i <= 100'000; ++i) {
    top = std::max(top, curve(i * 1e-5));
  }
  EXPECT_LT(top - best, 1e-4);  // 25 random points come this close in one run of ten
}

TEST(GpOptimizer, FindsTheMinimumOfBranin) {
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    // 40 evaluations, the optimum is 0: random search has a median regret of about 1 there.
    EXPECT_LT(search_regret(branin(), 40, seed), 0.02) << seed;
  }
}

TEST(GpOptimizer, TunesIntegersAndLogScalesTogether) {
  GpOptimizer optimizer = make_optimizer({kCount, kRate});
  double best = -1e9;
  for (std::uint64_t id = 0; id < 35; ++id) {
    const std::vector<double> at = start_trial(optimizer, id);
    ASSERT_EQ(at[0], std::floor(at[0]));
    ASSERT_TRUE(at[0] >= 1.0 && at[0] <= 64.0 && at[1] >= 1e-4 && at[1] <= 1.0);
    // One best setting: count 12, rate 0.01; a factor of 2 in either costs 0.5 and 0.05.
    const double value =
        -std::pow(std::log2(at[0] / 12.0), 2) / 2.0 - std::pow(std::log10(at[1] / 0.01), 2) / 2.0;
    best = std::max(best, value);
    ASSERT_EQ(optimizer.tell(id, value), Errc::ok);
  }
  EXPECT_GT(best, -1e-3);
  EXPECT_EQ(optimizer.best().values[0], 12.0);
}

TEST(GpOptimizer, ExhaustsASmallSpaceBeforeItRepeats) {
  const ParameterSpec three{.name = "a", .type = ParameterType::integer, .low = -1, .high = 1};
  ParameterSpec four = three;
  four.name = "b";
  four.high = 2;
  GpOptimizer optimizer = make_optimizer({three, four}, {.initial_design = 4});
  std::set<std::vector<double>> seen;
  for (std::uint64_t id = 0; id < 12; ++id) {
    const std::vector<double> at = start_trial(optimizer, id);
    EXPECT_TRUE(seen.insert(at).second) << id;
    ASSERT_EQ(optimizer.tell(id, at[0] * at[1]), Errc::ok);
  }
  EXPECT_EQ(start_trial(optimizer, 99).size(), 2U);  // and then goes on
}

/// Distance in units of Branin's box, whose sides are 15.
double distance(const std::vector<double>& a, const std::vector<double>& b) {
  return std::hypot(a[0] - b[0], a[1] - b[1]) / 15.0;
}

TEST(GpOptimizer, KeepsProposalsAwayFromPendingTrials) {
  const TestFunction function = branin();
  GpOptimizer optimizer = make_optimizer(function.box);
  for (std::uint64_t id = 0; id < 12; ++id) {
    ASSERT_EQ(optimizer.tell(id, -function.value(start_trial(optimizer, id))), Errc::ok);
  }
  // Without word of the first proposal, the second comes to the same place.
  Rng left(1);
  Rng right(2);
  EXPECT_LT(distance(optimizer.ask(left).value(), optimizer.ask(right).value()), 0.01);
  std::vector<std::vector<double>> waiting;
  for (std::uint64_t id = 100; id < 106; ++id) {
    const std::vector<double> next = start_trial(optimizer, id);
    for (const std::vector<double>& other : waiting) {
      EXPECT_GT(distance(next, other), 0.02);
    }
    waiting.push_back(next);
  }
  EXPECT_EQ(optimizer.pending(), 6U);
}

TEST(GpOptimizer, SearchesAsWellWithFourTrialsAtATime) {
  const TestFunction function = branin();
  GpOptimizer optimizer = make_optimizer(function.box);
  std::vector<std::vector<double>> settings;
  double best = 1e9;
  for (std::uint64_t id = 0; id < 48; ++id) {
    settings.push_back(start_trial(optimizer, id));
    if (id % 4 == 3) {  // answers come out of order, four at a time
      for (std::uint64_t answered = id + 1; answered-- > id - 3;) {
        const double value = function.value(settings.at(answered));
        best = std::min(best, value);
        ASSERT_EQ(optimizer.tell(answered, -value), Errc::ok);
      }
    }
  }
  EXPECT_LT(best - function.minimum, 0.02);
  std::ranges::sort(settings);
  EXPECT_EQ(std::ranges::adjacent_find(settings), settings.end());
}

TEST(GpOptimizer, SpreadsTheInitialDesignEvenWithoutAnswers) {
  GpOptimizer optimizer = make_optimizer({kUnit, {.name = "y"}}, {.initial_design = 16});
  std::vector<std::vector<double>> points;
  double nearest = 1.0;
  for (std::uint64_t id = 0; id < 16; ++id) {
    const std::vector<double> next = start_trial(optimizer, id);
    for (const std::vector<double>& other : points) {
      nearest = std::min(nearest, std::hypot(next[0] - other[0], next[1] - other[1]));
    }
    points.push_back(next);
  }
  EXPECT_GT(nearest, 0.1);  // 16 uniform points: the nearest two are closer than 0.1 in 97 of 100 draws
}

TEST(GpOptimizer, TellsAndForgetsByTheirRules) {
  GpOptimizer optimizer = make_optimizer({kUnit});
  EXPECT_EQ(optimizer.best().values, std::vector<double>{});
  ASSERT_EQ(optimizer.begin({.id = 5, .values = {0.25}}), Errc::ok);
  ASSERT_EQ(optimizer.begin({.id = 6, .values = {0.75}}), Errc::ok);
  ASSERT_EQ(optimizer.begin({.id = 7, .values = {0.75}}), Errc::ok);  // the caller may repeat a setting
  EXPECT_EQ(optimizer.pending(), 3U);
  EXPECT_EQ(optimizer.tell(8, 1.0), Errc::unknown_decision);
  EXPECT_EQ(optimizer.tell(5, kNan), Errc::non_finite);
  EXPECT_EQ(optimizer.pending(), 3U);  // still waiting
  EXPECT_EQ(optimizer.tell(5, 1.0), Errc::ok);
  EXPECT_EQ(optimizer.tell(5, 1.0), Errc::unknown_decision);
  EXPECT_EQ(optimizer.forget(5), Errc::unknown_decision);
  EXPECT_EQ(optimizer.forget(6), Errc::ok);
  EXPECT_EQ(optimizer.tell(6, 2.0), Errc::unknown_decision);
  EXPECT_EQ(optimizer.begin({.id = 5, .values = {0.5}}), Errc::duplicate);
  EXPECT_EQ(optimizer.begin({.id = 7, .values = {0.5}}), Errc::duplicate);
  EXPECT_EQ(optimizer.begin({.id = 6, .values = {0.5}}), Errc::ok);  // forgotten: free again
  EXPECT_EQ(optimizer.finished(), 1U);
  EXPECT_EQ(optimizer.best(), (Trial{.id = 5, .values = {0.25}}));
}

TEST(GpOptimizer, RefusesTrialsOutsideItsParameters) {
  GpOptimizer optimizer = make_optimizer({kCount, kRate}, {.max_trials = 2});
  const GpOptimizer before = optimizer;
  EXPECT_EQ(optimizer.begin({.id = 1, .values = {1.0}}), Errc::dimension_mismatch);
  EXPECT_EQ(optimizer.begin({.id = 1, .values = {1.0, kNan}}), Errc::non_finite);
  EXPECT_EQ(optimizer.begin({.id = 1, .values = {1.5, 0.1}}), Errc::invalid_argument);
  EXPECT_EQ(optimizer.begin({.id = 1, .values = {65.0, 0.1}}), Errc::invalid_argument);
  EXPECT_EQ(optimizer.begin({.id = 1, .values = {1.0, 0.0}}), Errc::invalid_argument);
  EXPECT_EQ(optimizer, before);
  EXPECT_EQ(optimizer.begin({.id = 1, .values = {1.0, 0.1}}), Errc::ok);
  EXPECT_EQ(optimizer.begin({.id = 2, .values = {1.0, 0.1}}), Errc::ok);
  EXPECT_EQ(optimizer.begin({.id = 3, .values = {1.0, 0.1}}), Errc::full);
}

TEST(GpOptimizer, TakesTheBestMeanForBestNotTheLuckiestValue) {
  GpOptimizer optimizer = make_optimizer({kUnit}, {.initial_design = 4});
  std::uint64_t id = 0;
  const auto told = [&](double x, double value) {
    ASSERT_EQ(optimizer.begin({.id = id, .values = {x}}), Errc::ok);
    ASSERT_EQ(optimizer.tell(id++, value), Errc::ok);
  };
  for (int i = 0; i < 8; ++i) {
    told(0.1, i == 3 ? 3.0 : 0.1 * i);  // one lucky value among poor ones
    told(0.6, 1.9 + 0.1 * (i % 3));
    told(0.9, 0.5 + 0.1 * (i % 2));
  }
  EXPECT_EQ(optimizer.best().values[0], 0.6);
}

TEST(GpOptimizer, AnyFiniteValuesAreUsable) {
  for (const double scale : {0.0, 1e-300, 1e-9, 1e150, 1.7e308}) {
    GpOptimizer optimizer = make_optimizer({kUnit, kCount}, {.initial_design = 4});
    for (std::uint64_t id = 0; id < 7; ++id) {
      const std::vector<double> at = start_trial(optimizer, id);
      ASSERT_TRUE(std::isfinite(at[0]) && std::isfinite(at[1])) << scale;
      ASSERT_EQ(optimizer.tell(id, id % 2 == 0 ? scale : -scale), Errc::ok);
    }
    EXPECT_EQ(optimizer.best().values.size(), 2U);
  }
}

TEST(GpOptimizer, ModelsTheBestAndTheLatestWhenTrialsAreMany) {
  GpOptimizer optimizer = make_optimizer({kUnit}, {.model_points = 10});
  for (std::uint64_t id = 0; id < 60; ++id) {
    const double x = static_cast<double>(id % 20) / 20.0;
    ASSERT_EQ(optimizer.begin({.id = id, .values = {x}}), Errc::ok);
    ASSERT_EQ(optimizer.tell(id, -std::abs(x - 0.45)), Errc::ok);
  }
  EXPECT_EQ(optimizer.best().values[0], 0.45);
  Rng rng(3);
  EXPECT_NEAR(optimizer.ask(rng).value()[0], 0.45, 0.1);
}

TEST(GpOptimizer, SameStateAndDrawsGiveTheSameProposal) {
  GpOptimizer optimizer = make_optimizer({kUnit, kRate, kCount});
  for (std::uint64_t id = 0; id < 13; ++id) {
    const std::vector<double> at = start_trial(optimizer, id);
    if (id % 4 != 3) {
      ASSERT_EQ(optimizer.tell(id, at[0] + std::log(at[1]) / at[2]), Errc::ok);
    }
  }
  GpOptimizer copy = make_optimizer({kUnit, kRate, kCount});
  ASSERT_TRUE(load_state(copy, save_state(optimizer)));
  EXPECT_EQ(copy, optimizer);
  EXPECT_EQ(copy.pending(), 3U);
  Rng left(11);
  Rng right(11);
  EXPECT_EQ(copy.ask(left).value(), optimizer.ask(right).value());
  EXPECT_EQ(copy.best(), optimizer.best());
}

TEST(GpOptimizer, RefusesForeignAndDamagedState) {
  GpOptimizer original = make_optimizer({kUnit, kCount});
  for (std::uint64_t id = 0; id < 3; ++id) {
    static_cast<void>(start_trial(original, id));
  }
  ASSERT_EQ(original.tell(1, 2.0), Errc::ok);
  Writer writer;
  original.save(writer);
  const ByteView bytes = writer.view();
  GpOptimizer copy = make_optimizer({kUnit, kCount});
  const GpOptimizer before = copy;
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    Reader cut(bytes.first(size));
    ASSERT_FALSE(copy.load(cut)) << size;
  }
  const auto code = [](GpOptimizer& optimizer, ByteView view) {
    Reader reader(view);
    return optimizer.load(reader).error().code;
  };
  GpOptimizer fewer = make_optimizer({kUnit});
  EXPECT_EQ(code(fewer, bytes), Errc::dimension_mismatch);
  ParameterSpec narrow = kUnit;
  narrow.high = 1e-9;
  GpOptimizer smaller = make_optimizer({narrow, kCount});
  EXPECT_EQ(code(smaller, bytes), Errc::corrupt_state);
  // Equal ids: the finished trial's id is at byte 4 + 8, that of the first pending one after four more
  // vectors.
  Bytes twice(bytes.begin(), bytes.end());
  std::copy_n(twice.begin() + 12, 8, twice.begin() + 4 + 16 + 24 + 16 + 8);
  EXPECT_EQ(code(copy, twice), Errc::corrupt_state);
  EXPECT_EQ(copy, before);
}

TEST(GpOptimizer, RefusesBadParametersByName) {
  const auto error = [](std::vector<ParameterSpec> parameters, GpOptimizerConfig config = {}) {
    config.parameters = std::move(parameters);
    const Result<GpOptimizer> made = GpOptimizer::make(config);
    EXPECT_FALSE(made);
    return made ? std::string() : made.error().message;
  };
  const auto spec = [](double low, double high, ParameterType type = ParameterType::real,
                       ParameterScale scale = ParameterScale::linear) {
    return ParameterSpec{.name = "p", .type = type, .low = low, .high = high, .scale = scale};
  };
  EXPECT_NE(error({}).find("parameters"), std::string::npos);
  EXPECT_NE(error({spec(0, 1), spec(0, 1)}).find("parameters[1].name"), std::string::npos);
  EXPECT_NE(error({ParameterSpec{}}).find("parameters[0].name"), std::string::npos);
  EXPECT_NE(error({spec(1, 1)}).find("not below"), std::string::npos);
  EXPECT_NE(error({spec(kNan, 1)}).find("parameters[0].low"), std::string::npos);
  EXPECT_NE(error({spec(0, HUGE_VAL)}).find("parameters[0].high"), std::string::npos);
  EXPECT_NE(error({spec(0, 1, ParameterType::real, ParameterScale::log)}).find("positive"),
            std::string::npos);
  EXPECT_NE(error({spec(0.5, 3, ParameterType::integer)}).find("0.5"), std::string::npos);
  EXPECT_NE(error({spec(0, 1e17, ParameterType::integer)}).find("2^53"), std::string::npos);
  EXPECT_NE(error({spec(0, 1)}, {.candidates = 1}).find("candidates"), std::string::npos);
  EXPECT_NE(error(std::vector<ParameterSpec>(65, spec(0, 1))).find("65"), std::string::npos);
}

TEST(GpOptimizer, DescribesItsTrialsAndModel) {
  GpOptimizer optimizer = make_optimizer({kUnit, kRate}, {.initial_design = 5});
  for (std::uint64_t id = 0; id < 12; ++id) {
    const std::vector<double> at = start_trial(optimizer, id);
    ASSERT_EQ(optimizer.tell(id, at[0]), Errc::ok);
  }
  const Description seen = optimizer.describe();
  EXPECT_EQ(seen.columns, (std::vector<std::string>{"x", "rate", "value"}));
  ASSERT_EQ(seen.rows.size(), 10U);
  EXPECT_GE(seen.rows[0][2], seen.rows[1][2]);
  EXPECT_EQ(seen.rows[0][0], seen.rows[0][2]);
  const auto value = [&](const std::string& name) {
    return std::ranges::find(seen.values, name, [](const auto& pair) { return pair.first; })->second;
  };
  EXPECT_EQ(value("finished"), 12.0);
  EXPECT_LT(value("length.x"), value("length.rate"));  // only x matters
}

}  // namespace
}  // namespace attune::gp_optimizer_test
