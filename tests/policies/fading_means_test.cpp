// SPDX-License-Identifier: Apache-2.0
// Forgetting by the time of decisions: whatever the order in which rewards come, and however late.
#include <attune/policies/fading_means.hpp>

#include <algorithm>
#include <cmath>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <attune/core/rng.hpp>
#include <attune/engine/engine.hpp>
#include <attune/policies/thompson_discounted.hpp>
#include <attune/policies/thompson_window.hpp>
#include <attune/policies/ucb_discounted.hpp>
#include <attune/policies/ucb_window.hpp>

namespace attune::fading_means_test {
namespace {

struct Event {
  std::uint64_t sequence = 0;
  std::size_t arm = 0;
  double reward = 0.0;
  double weight = 1.0;
};

template <class Means>
void learn(Means& means, const Event& event) {
  ASSERT_EQ(means.update({.arm = to_arm(event.arm),
                          .reward = event.reward,
                          .weight = event.weight,
                          .sequence = event.sequence}),
            Errc::ok);
}

/// Decisions 0 to count - 1 less every ninth, whose reward is lost.
std::vector<Event> events(std::uint64_t count, std::uint64_t seed) {
  Rng rng(seed);
  std::vector<Event> made;
  for (std::uint64_t i = 0; i < count; ++i) {
    const auto arm = static_cast<std::size_t>(rng.below(3));
    const double reward = rng.uniform();
    if (i % 9 != 4 || i + 1 == count) {
      made.push_back({.sequence = i, .arm = arm, .reward = reward, .weight = i % 5 == 0 ? 0.5 : 1.0});
    }
  }
  return made;
}

/// In an order in which they come up to `most` places late.
std::vector<Event> delayed(std::vector<Event> events, std::uint64_t most, std::uint64_t seed) {
  Rng rng(seed);
  std::vector<std::pair<std::uint64_t, Event>> due;
  for (const Event& event : events) {
    due.emplace_back(event.sequence + rng.below(most + 1), event);
  }
  std::ranges::sort(due, {}, [](const auto& entry) { return std::pair(entry.first, entry.second.sequence); });
  std::ranges::transform(due, events.begin(), [](const auto& entry) { return entry.second; });
  return events;
}

TEST(FadingMeans, WeightsByHand) {
  FadingMeans means({.arms = 2}, 0.5, 1.0);
  learn(means, {.sequence = 0, .arm = 0, .reward = 1.0});
  learn(means, {.sequence = 1, .arm = 0, .reward = 0.0});
  learn(means, {.sequence = 2, .arm = 0, .reward = 1.0});
  // Weights 1/4, 1/2, 1: mean 1.25 / 1.75.
  EXPECT_NEAR(means.weight(0), 1.75, 1e-14);
  EXPECT_NEAR(means.mean(0), 1.25 / 1.75, 1e-14);
  // Two decisions later, another arm: what it knew is worth a quarter.
  learn(means, {.sequence = 4, .arm = 1, .reward = 0.5});
  EXPECT_NEAR(means.weight(0), 0.4375, 1e-14);
  // The reward of decision 3 comes after that of 4.
  learn(means, {.sequence = 3, .arm = 1, .reward = 1.0});
  EXPECT_NEAR(means.weight(1), 1.5, 1e-14);
  EXPECT_NEAR(means.mean(1), 1.0 / 1.5, 1e-14);
  EXPECT_EQ(means.mean(0), means.expectation(to_arm(0)));
}

TEST(FadingMeans, LateRewardsEndInTheStateOfPunctualOnes) {
  for (const std::uint64_t most : {std::uint64_t{3}, std::uint64_t{40}, std::uint64_t{400}}) {
    const std::vector<Event> made = events(400, most);
    FadingMeans punctual({.arms = 3}, 0.99, 1.0);
    FadingMeans late({.arms = 3}, 0.99, 1.0);
    for (const Event& event : made) {
      learn(punctual, event);
    }
    for (const Event& event : delayed(made, most, 7)) {
      learn(late, event);
    }
    for (std::size_t arm = 0; arm < 3; ++arm) {
      // Some hundred roundings of numbers of the order of ten.
      EXPECT_NEAR(late.weight(arm), punctual.weight(arm), 1e-11) << most;
      EXPECT_NEAR(late.mean(arm), punctual.mean(arm), 1e-12) << most;
    }
  }
}

TEST(FadingMeans, UnknownDecisionsCountInTheOrderOfTheirRewards) {
  FadingMeans known({.arms = 1}, 0.9, 1.0);
  FadingMeans unknown({.arms = 1}, 0.9, 1.0);
  for (std::uint64_t i = 0; i < 50; ++i) {
    const double reward = i % 3 == 0 ? 1.0 : 0.2;
    learn(known, {.sequence = i, .arm = 0, .reward = reward});
    ASSERT_EQ(unknown.update({.arm = to_arm(0), .reward = reward}), Errc::ok);
  }
  EXPECT_EQ(known, unknown);
}

TEST(WindowMeans, AreThoseOfTheWindowInAnyOrder) {
  for (const std::size_t window : {std::size_t{2}, std::size_t{30}, std::size_t{1000}}) {
    const std::vector<Event> made = events(400, window);
    for (const std::uint64_t most : {std::uint64_t{0}, std::uint64_t{25}}) {
      WindowMeans means({.arms = 3}, window, 1.0);
      std::uint64_t latest = 0;
      std::vector<Event> seen;
      for (const Event& event : delayed(made, most, 9)) {
        learn(means, event);
        latest = std::max(latest, event.sequence);
        seen.push_back(event);
        for (std::size_t arm = 0; arm < 3; ++arm) {
          double weight = 0.0;
          double sum = 0.0;
          for (const Event& one : seen) {
            if (one.arm == arm && one.sequence + window > latest) {
              weight += one.weight;
              sum += one.weight * one.reward;
            }
          }
          ASSERT_NEAR(means.weight(arm), weight, 1e-12) << window << ' ' << most;
          ASSERT_NEAR(means.mean(arm), weight > 0.0 ? sum / weight : 1.0, 1e-12) << window << ' ' << most;
        }
      }
      EXPECT_EQ(means.updates(), made.size());
    }
  }
}

TEST(WindowMeans, ASecondRewardOfADecisionReplacesTheFirst) {
  WindowMeans means({.arms = 1}, 10, 1.0);
  learn(means, {.sequence = 3, .arm = 0, .reward = 1.0});
  learn(means, {.sequence = 3, .arm = 0, .reward = 0.25});
  EXPECT_EQ(means.weight(0), 1.0);
  EXPECT_EQ(means.mean(0), 0.25);
}

TEST(WindowMeans, AJumpOfTheNumbersEmptiesTheWindow) {
  WindowMeans means({.arms = 2}, 10, 1.0);
  learn(means, {.sequence = 0, .arm = 0, .reward = 0.5});
  learn(means, {.sequence = kNoSequence - 1, .arm = 1, .reward = 0.5});
  EXPECT_EQ(means.weight(0), 0.0);
  EXPECT_EQ(means.mean(0), 1.0);
  ASSERT_EQ(means.update({.arm = to_arm(0), .reward = 1.0}), Errc::ok);
  learn(means, {.sequence = 5, .arm = 0, .reward = 1.0});
  EXPECT_EQ(means.total(), 1.0);
}

TEST(UcbDiscounted, IsItsFormula) {
  UcbDiscounted policy = UcbDiscounted::make({.discount = 0.5, .xi = 0.7}, {.arms = 2}).value();
  ASSERT_EQ(policy.update({.arm = to_arm(0), .reward = 1.0}), Errc::ok);
  ASSERT_EQ(policy.update({.arm = to_arm(1), .reward = 0.5}), Errc::ok);
  ASSERT_EQ(policy.update({.arm = to_arm(1), .reward = 0.0}), Errc::ok);
  // n = (1/4, 3/2), t = 1.75; mean(1) = 0.25 / 1.5.
  EXPECT_NEAR(policy.index(to_arm(0)), 1.0 + 2.0 * std::sqrt(0.7 * std::log(1.75) / 0.25), 1e-13);
  EXPECT_NEAR(policy.index(to_arm(1)), 0.25 / 1.5 + 2.0 * std::sqrt(0.7 * std::log(1.75) / 1.5), 1e-13);
}

TEST(UcbWindow, IsItsFormula) {
  UcbWindow policy = UcbWindow::make({.window = 3, .xi = 0.7}, {.arms = 2}).value();
  for (const double reward : {1.0, 0.5, 0.0}) {
    ASSERT_EQ(policy.update({.arm = to_arm(0), .reward = reward}), Errc::ok);
  }
  ASSERT_EQ(policy.update({.arm = to_arm(1), .reward = 0.75}), Errc::ok);
  EXPECT_NEAR(policy.index(to_arm(0)), 0.25 + std::sqrt(0.7 * std::log(3.0) / 2.0), 1e-14);
  EXPECT_NEAR(policy.index(to_arm(1)), 0.75 + std::sqrt(0.7 * std::log(3.0)), 1e-14);
}

/// How often the better arm is taken in the last 1,000 of 4,000 decisions; after 2,000 the arms changed
/// places.
template <class P>
int adapted() {
  P policy = P::make({}, {.arms = 2}).value();
  int better = 0;
  for (std::uint64_t step = 0; step < 4'000; ++step) {
    Rng rng(5, 0, step);
    const Choice choice = policy.select({}, rng);
    const bool good = (choice.arm == to_arm(0)) == (step < 2'000);
    EXPECT_EQ(policy.update({.arm = choice.arm, .reward = rng.uniform() < (good ? 0.8 : 0.2) ? 1.0 : 0.0}),
              Errc::ok);
    better += step >= 3'000 && good ? 1 : 0;
  }
  return better;
}

TEST(Drift, PoliciesThatForgetFindTheNewBestArm) {
  EXPECT_GT(adapted<UcbDiscounted>(), 600);
  EXPECT_GT(adapted<UcbWindow>(), 750);
  EXPECT_GT(adapted<ThompsonDiscounted>(), 850);
  EXPECT_GT(adapted<ThompsonWindow>(), 800);
}

class FadingInEngine : public testing::Test {
 protected:
  static Engine open(const std::string& policy) {
    return Engine::open(
               R"({"seed":1,"node":"test","points":{"p":{"arms":["a","b"],"policy":)" + policy + "}}}",
               {.clock = std::make_shared<ManualClock>(),
                .journal = nullptr,
                .credit_functions = {},
                .log = {}})
        .value();
  }
  /// 40 decisions; then their rewards, first to last or last to first. Arm a pays by the decision's number.
  static std::vector<Decision> play(Engine& engine, bool backwards) {
    const PointId point = engine.point("p").value();
    std::vector<Decision> decisions(40);
    for (Decision& decision : decisions) {
      EXPECT_EQ(engine.decide(point, {}, {}, decision), Errc::ok);
      EXPECT_TRUE(engine.pump());
    }
    for (std::size_t i = 0; i < decisions.size(); ++i) {
      const std::size_t at = backwards ? decisions.size() - 1 - i : i;
      const double reward = decisions[at].arm == "a" ? static_cast<double>(at) / 40.0 : 0.5;
      EXPECT_EQ(engine.outcome(decisions[at].id, reward), Errc::ok);
      EXPECT_TRUE(engine.pump());
    }
    return decisions;
  }
};

TEST_F(FadingInEngine, ARewardIsAsOldAsItsDecision) {
  for (const char* policy :
       {R"({"type":"ucb_discounted","discount":0.9})", R"({"type":"ucb_window","window":15})"}) {
    Engine forwards = open(policy);
    Engine backwards = open(policy);
    play(forwards, false);
    play(backwards, true);
    const Description one = forwards.describe(forwards.point("p").value()).value();
    const Description other = backwards.describe(backwards.point("p").value()).value();
    ASSERT_EQ(one.columns.at(1), "mean");
    for (std::size_t arm = 0; arm < 2; ++arm) {
      EXPECT_NEAR(one.rows.at(arm).at(1), other.rows.at(arm).at(1), 1e-12) << policy;
      EXPECT_NEAR(one.rows.at(arm).at(3), other.rows.at(arm).at(3), 1e-11) << policy;
    }
  }
}

TEST_F(FadingInEngine, LateRewardsAreDividedByTheProbabilityOfTheirDecision) {
  Engine engine = open(R"({"type":"exp3"})");
  double expected = 0.0;
  const std::vector<Decision> decisions = play(engine, true);
  for (std::size_t i = 0; i < decisions.size(); ++i) {
    EXPECT_NEAR(decisions[i].propensity, 0.5, 1e-15);  // nothing was learned yet
    expected += decisions[i].arm == "a" ? (1.0 - static_cast<double>(i) / 40.0) / 0.5 : 0.0;
  }
  const Description description = engine.describe(engine.point("p").value()).value();
  ASSERT_EQ(description.columns.at(1), "score");
  EXPECT_NEAR(description.rows.at(0).at(1), expected, 1e-12);
}

}  // namespace
}  // namespace attune::fading_means_test
