// SPDX-License-Identifier: Apache-2.0
// propensities(): against closed forms, against counted choices, and of decisions in a journal.
#include <attune/engine/propensities.hpp>

#include <array>
#include <cmath>
#include <limits>
#include <memory>
#include <numeric>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <attune/engine/engine.hpp>
#include <attune/engine/replay.hpp>
#include <attune/policies/boltzmann_gumbel.hpp>
#include <attune/policies/epsilon_greedy.hpp>
#include <attune/policies/lin_ts.hpp>
#include <attune/policies/thompson_beta.hpp>
#include <attune/policies/thompson_discounted.hpp>
#include <attune/policies/thompson_gaussian.hpp>
#include <attune/policies/thompson_poisson.hpp>
#include <attune/policies/thompson_window.hpp>

#include "engine/largest_draw.hpp"
#include "tests/support/shared_journal.hpp"

namespace attune::propensities_test {
namespace {

std::vector<double> largest(const std::vector<ScoreLaw>& laws) {
  std::vector<double> out(laws.size());
  const std::optional<double> error = largest_draw_probabilities(laws, out);
  EXPECT_TRUE(error);
  EXPECT_LT(error.value_or(1.0), 1e-6);
  EXPECT_NEAR(std::accumulate(out.begin(), out.end(), 0.0), 1.0, 1e-7);
  return out;
}

double normal_cdf(double z) { return 0.5 * std::erfc(-z / std::sqrt(2.0)); }

/// P(Beta(a, b) > Beta(c, d)) for whole a: the sum over i < a of B(c + i, d + b) / ((b + i) B(1 + i, b) B(c,
/// d)).
double beta_beats(int a, double b, double c, double d) {
  const auto log_beta = [](double x, double y) {
    return std::lgamma(x) + std::lgamma(y) - std::lgamma(x + y);
  };
  double sum = 0.0;
  for (int i = 0; i < a; ++i) {
    sum += std::exp(log_beta(c + i, d + b) - std::log(b + i) - log_beta(1.0 + i, b) - log_beta(c, d));
  }
  return sum;
}

TEST(LargestDraw, OfTwoNormalsIsANormalProbability) {
  for (const double apart : {0.0, 0.3, 1.0, 4.0, 12.0}) {
    for (const double other : {0.01, 1.0, 30.0}) {
      const std::vector<double> p = largest({ScoreLaw::normal(apart, 1.0), ScoreLaw::normal(0.0, other)});
      EXPECT_NEAR(p[0], normal_cdf(apart / std::hypot(1.0, other)), 1e-8) << apart << " " << other;
    }
  }
}

TEST(LargestDraw, OfTwoBetasIsTheKnownSum) {
  for (const auto& [a, b, c, d] :
       {std::array{1, 1, 1, 1}, {2, 5, 3, 4}, {40, 60, 35, 65}, {900, 100, 850, 150}}) {
    const std::vector<double> p = largest({ScoreLaw::beta(a, b), ScoreLaw::beta(c, d)});
    EXPECT_NEAR(p[0], beta_beats(a, b, c, d), 1e-8) << a << " " << b << " " << c << " " << d;
  }
}

TEST(LargestDraw, OfEqualLawsIsUniform) {
  for (const ScoreLaw& law : {ScoreLaw::beta(1, 1), ScoreLaw::beta(2, 7), ScoreLaw::normal(-3, 1e-6),
                              ScoreLaw::student_t(5, 2, 3), ScoreLaw::gamma(1.5, 3)}) {
    for (const std::size_t arms : {1UL, 2UL, 7UL, 30UL}) {
      for (const double share : largest(std::vector<ScoreLaw>(arms, law))) {
        EXPECT_NEAR(share, 1.0 / static_cast<double>(arms), 1e-8);
      }
    }
  }
}

TEST(LargestDraw, OfTwoExponentialsIsTheRatioOfTheirMeans) {
  const std::vector<double> p = largest({ScoreLaw::gamma(1.0, 3.0), ScoreLaw::gamma(1.0, 1.0)});
  EXPECT_NEAR(p[0], 0.75, 1e-8);
}

TEST(LargestDraw, OfGumbelsOfOneScaleIsTheSoftmax) {
  const std::vector<double> p =
      largest({ScoreLaw::gumbel(0.3, 0.5), ScoreLaw::gumbel(0.0, 0.5), ScoreLaw::gumbel(-0.2, 0.5)});
  const double sum = std::exp(0.6) + 1.0 + std::exp(-0.4);
  EXPECT_NEAR(p[0], std::exp(0.6) / sum, 1e-7);
  EXPECT_NEAR(p[2], std::exp(-0.4) / sum, 1e-7);
}

TEST(LargestDraw, WhatIsBeforeAllOthersShares) {
  constexpr double kFirst = std::numeric_limits<double>::infinity();
  EXPECT_EQ(largest({ScoreLaw::fixed(kFirst), ScoreLaw::normal(5.0, 1.0), ScoreLaw::fixed(kFirst)}),
            (std::vector<double>{0.5, 0.0, 0.5}));
  EXPECT_EQ(largest({ScoreLaw::fixed(-kFirst), ScoreLaw::normal(5.0, 1.0)})[0], 0.0);
}

TEST(LargestDraw, AFixedScoreWinsWhereNoDrawIsAboveIt) {
  const std::vector<double> p =
      largest({ScoreLaw::fixed(1.0), ScoreLaw::normal(0.0, 1.0), ScoreLaw::fixed(1.0), ScoreLaw::fixed(0.5),
               ScoreLaw::normal(0.2, 0.0)});
  EXPECT_NEAR(p[0], 0.5 * normal_cdf(1.0), 1e-8);
  EXPECT_EQ(p[0], p[2]);
  EXPECT_NEAR(p[1], 1.0 - normal_cdf(1.0), 1e-8);
  EXPECT_EQ(p[3], 0.0);
  EXPECT_EQ(p[4], 0.0);
}

TEST(LargestDraw, HasNoValueForWhatItDoesNotKnow) {
  std::array<double, 2> out{};
  // More than a hundredth of its mass is nearer to 1 than a number can say.
  EXPECT_FALSE(
      largest_draw_probabilities(std::array{ScoreLaw::beta(0.1, 0.1), ScoreLaw::beta(0.1, 0.2)}, out));
  EXPECT_FALSE(largest_draw_probabilities(std::array{ScoreLaw{}, ScoreLaw::fixed(1.0)}, out));
  EXPECT_FALSE(largest_draw_probabilities(
      std::array{ScoreLaw::normal(std::numeric_limits<double>::infinity(), 1.0), ScoreLaw::fixed(1.0)}, out));
}

/// Shares of many choices are within five standard errors of the probabilities.
void expect_counted(const AnyBandit& bandit, const Context& context, PropensityMethod method) {
  const Result<Propensities> told = propensities(bandit, context);
  ASSERT_TRUE(told) << told.error().message;
  EXPECT_EQ(told->method, method);
  constexpr std::uint64_t kDraws = 40'000;
  std::vector<double> counted(bandit.arm_count(), 0.0);
  for (std::uint64_t i = 0; i < kDraws; ++i) {
    Rng rng(77, 1, i);
    counted.at(to_index(bandit.select(context, rng).arm)) += 1.0 / static_cast<double>(kDraws);
  }
  for (std::size_t arm = 0; arm < counted.size(); ++arm) {
    const double p = told->values[arm];
    const double error = std::sqrt(std::max(p * (1.0 - p), 1e-4) / static_cast<double>(kDraws));
    EXPECT_NEAR(counted[arm], p, 5.0 * (error + told->error)) << "arm " << arm;
  }
}

template <class B>
B learned(const Shape& shape, Features context, typename B::Config config = {}) {
  B bandit = B::make(config, shape).value();
  Rng rng(5, 6, 7);
  for (int i = 0; i < 120; ++i) {
    const auto arm = to_arm(rng.below(shape.arms));
    const double reward = rng.uniform() < 0.2 + 0.05 * static_cast<double>(to_index(arm)) ? 1.0 : 0.0;
    EXPECT_EQ(bandit.update({.arm = arm, .reward = reward, .input = {.dense = context}}), Errc::ok);
  }
  return bandit;
}

TEST(PropensitiesOf, ThompsonPoliciesAreTheSharesOfTheirChoices) {
  const std::array<double, 2> context{0.4, -1.0};
  const Context without{};
  const Context with{.input = {.dense = context}};
  expect_counted(AnyBandit(learned<ThompsonBeta>({.arms = 8}, {})), without, PropensityMethod::quadrature);
  expect_counted(AnyBandit(learned<ThompsonGaussian>({.arms = 8}, {})), without,
                 PropensityMethod::quadrature);
  expect_counted(AnyBandit(learned<LinTs>({.arms = 8, .features = 2}, context)), with,
                 PropensityMethod::quadrature);
  expect_counted(AnyBandit(learned<ThompsonPoisson>({.arms = 8}, {})), without, PropensityMethod::quadrature);
  expect_counted(AnyBandit(learned<ThompsonDiscounted>({.arms = 8}, {})), without,
                 PropensityMethod::quadrature);
  expect_counted(AnyBandit(learned<ThompsonWindow>({.arms = 8}, {})), without, PropensityMethod::quadrature);
  expect_counted(AnyBandit(learned<BoltzmannGumbel>({.arms = 8}, {})), without, PropensityMethod::quadrature);
  expect_counted(AnyBandit(learned<EpsilonGreedy>({.arms = 8}, {})), without, PropensityMethod::closed_form);
}

TEST(PropensitiesOf, ArmsThatCannotBeChosenAreZero) {
  ThompsonBeta bandit = learned<ThompsonBeta>({.arms = 6}, {});
  ASSERT_EQ(bandit.set_enabled(to_arm(2), false), Errc::ok);
  const std::array<ArmIndex, 4> offered{to_arm(1), to_arm(2), to_arm(5), to_arm(1)};  // one of them twice
  expect_counted(AnyBandit(bandit), {.offered = offered}, PropensityMethod::quadrature);
  const Propensities told = propensities(AnyBandit(bandit), {.offered = offered}).value();
  EXPECT_EQ(told.values[0], 0.0);
  EXPECT_EQ(told.values[2], 0.0);
}

/// A Thompson policy that does not tell its posteriors.
struct Silent : ThompsonBeta {
  explicit Silent(ThompsonBeta bandit) : ThompsonBeta(std::move(bandit)) {}
  static constexpr std::string_view kName = "silent";
  [[nodiscard]] static Result<Silent> make(const Config& config, const Shape& shape) {
    return ThompsonBeta::make(config, shape).map([](ThompsonBeta made) { return Silent(std::move(made)); });
  }
  ScoreLaw score_law(ArmIndex, const Input&, Features) const noexcept { return {}; }
};

TEST(PropensitiesOf, APolicyThatTellsNothingAreEstimatedWithTheirError) {
  const ThompsonBeta open = learned<ThompsonBeta>({.arms = 4}, {});
  const AnyBandit silent{Silent(open)};
  expect_counted(silent, {}, PropensityMethod::monte_carlo);
  const std::vector<double> exact = propensities(AnyBandit(open), {}).value().values;
  const Propensities rough = propensities(silent, {}, {.error = 0.05}).value();
  const Propensities fine = propensities(silent, {}, {.error = 0.002}).value();
  EXPECT_LE(rough.error, 0.05);
  EXPECT_LE(fine.error, 0.002);
  EXPECT_GT(fine.draws, 50'000U);
  for (std::size_t arm = 0; arm < 4; ++arm) {
    EXPECT_NEAR(fine.values[arm], exact[arm], 5.0 * fine.error);
  }
  EXPECT_EQ(propensities(silent, {}, {.error = 1e-9, .most_draws = 1000}).value().draws, 1000U);
  EXPECT_EQ(propensities(silent, {}, {.error = 0.0}).error().code, Errc::invalid_argument);
}

TEST(PropensitiesOf, ARefusedContextSaysWhy) {
  const std::array<double, 2> context{0.4, -1.0};
  const AnyBandit bandit(learned<LinTs>({.arms = 3, .features = 2}, context));
  EXPECT_EQ(propensities(bandit, {}).error().code, Errc::dimension_mismatch);
  AnyBandit none = bandit;
  for (std::size_t arm = 0; arm < 3; ++arm) {
    ASSERT_EQ(none.set_enabled(to_arm(arm), false), Errc::ok);
  }
  EXPECT_EQ(propensities(none, {.input = {.dense = context}}).error().code, Errc::no_arm);
}

// ------------------------------------------------------------------------------------------ of a journal

TEST(FillPropensities, GivesEachDecisionTheProbabilityUnderTheStateThatMadeIt) {
  const std::string config = R"({"seed":3,"node":"n","mode":"pump","points":{
      "t":{"policy":{"type":"thompson_beta"},"arms":["a","b","c"]},
      "e":{"policy":{"type":"epsilon_greedy"},"arms":["a","b"]},
      "g":{"policy":{"type":"thompson_beta"},"arms":["a","b","c"],"safety":{"exploration":{"min_trials":20}}}}})";
  const auto clock = std::make_shared<ManualClock>(kSecond);
  const auto kept = std::make_shared<test::SharedJournal::Store>();
  std::vector<double> expected;  // of the decisions of "t", from the state that they were made with
  {
    EngineOptions options;
    options.clock = clock;
    options.journal = std::make_unique<test::SharedJournal>(kept);
    Engine engine = std::move(Engine::open(config, std::move(options))).value();
    Rng rewards(1, 2, 3);
    AnyBandit shadow(ThompsonBeta::make({}, {.arms = 3}).value());
    std::vector<Decision> open;
    for (int i = 0; i < 300; ++i) {
      clock->advance(kSecond);
      for (const char* name : {"t", "e", "g"}) {
        Decision decision;
        ASSERT_EQ(engine.decide(engine.point(name).value(), {}, {}, decision), Errc::ok);
        open.push_back(decision);
      }
      const std::vector<double> now = propensities(shadow, {}).value().values;
      expected.push_back(now[to_index(open[open.size() - 3].arm_index)]);
      if (i % 7 == 6) {  // the state that decides is older than the newest outcomes until then
        for (std::size_t k = 0; k < open.size(); ++k) {
          const double reward = rewards.uniform() < (open[k].arm.view() == "b" ? 0.7 : 0.4) ? 1.0 : 0.0;
          ASSERT_EQ(engine.outcome(open[k].id, reward), Errc::ok);
          if (k % 3 == 0) {
            ASSERT_EQ(shadow.update({.arm = open[k].arm_index, .reward = reward}), Errc::ok);
          }
        }
        open.clear();
        ASSERT_TRUE(engine.drain());
      }
    }
    ASSERT_TRUE(engine.drain());
  }
  Replay replay = std::move(Replay::open(replay_source(*kept->journal))).value();
  std::vector<double> found;
  std::uint64_t guarded = 0;
  ASSERT_TRUE(replay.fill_propensities(
      kept->journal->last_position(),
      [&](const DecisionRecord& decision, double propensity, const Derivation& derived) {
        ASSERT_TRUE(derived.equal()) << derived.differences.front();
        ASSERT_GT(propensity, 0.0);
        ASSERT_LE(propensity, 1.0 + 1e-9);
        if (decision.header.point == 0) {
          found.push_back(propensity);
        } else {
          ASSERT_EQ(decision.header.point, 2U) << "the others said theirs";
          ++guarded;
        }
      }));
  EXPECT_EQ(replay.position(), kept->journal->last_position());
  EXPECT_GT(guarded, 100U);
  ASSERT_EQ(found.size(), expected.size());
  for (std::size_t i = 0; i < found.size(); ++i) {
    EXPECT_NEAR(found[i], expected[i], 1e-8) << "decision " << i;
  }
}

}  // namespace
}  // namespace attune::propensities_test
