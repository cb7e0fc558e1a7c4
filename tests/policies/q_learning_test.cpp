// SPDX-License-Identifier: Apache-2.0
// What holds for every agent is in tests/laws/; this file tests what is true of Q-learning.
#include <attune/policies/q_learning.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <boost/math/distributions/chi_squared.hpp>

namespace attune::q_learning_test {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

using Step = Experience<std::uint32_t, ArmIndex>;

QLearning make_agent(const QLearningConfig& config, std::size_t actions) {
  return QLearning::make(config, Shape{.arms = actions}).value();
}

Step step(std::uint32_t state, std::size_t action, double reward, std::uint32_t next) {
  return {.state = state, .action = to_arm(action), .reward = reward, .next_state = next};
}

Step last_step(std::uint32_t state, std::size_t action, double reward) {
  return {.state = state, .action = to_arm(action), .reward = reward, .terminal = true};
}

TEST(QLearning, UpdatesMatchTheFormula) {
  QLearning agent = make_agent({.states = 2, .alpha = 0.5, .gamma = 0.9}, 2);
  // Q(0,1) = 0 + 0.5 (1 + 0.9 * 0 - 0) = 0.5
  ASSERT_EQ(agent.update(step(0, 1, 1.0, 1)), Errc::ok);
  EXPECT_EQ(agent.value(0, to_arm(1)), 0.5);
  // Q(1,0) = 0 + 0.5 (2 - 0) = 1, terminal
  ASSERT_EQ(agent.update(last_step(1, 0, 2.0)), Errc::ok);
  EXPECT_EQ(agent.value(1, to_arm(0)), 1.0);
  // Q(0,1) = 0.5 + 0.5 (1 + 0.9 * 1 - 0.5) = 1.2
  ASSERT_EQ(agent.update(step(0, 1, 1.0, 1)), Errc::ok);
  EXPECT_DOUBLE_EQ(agent.value(0, to_arm(1)), 1.2);  // 0.9 and 1.9 are rounded
  // Q(0,0) = 0 + 0.5 (-4 + 0.9 * 1.2 - 0) = -1.46
  ASSERT_EQ(agent.update(step(0, 0, -4.0, 0)), Errc::ok);
  EXPECT_DOUBLE_EQ(agent.value(0, to_arm(0)), -1.46);
  EXPECT_EQ(agent.updates(), 4U);
  EXPECT_EQ(agent.visits(0, to_arm(1)), 2U);
}

TEST(QLearning, ATerminalStepIgnoresTheNextStateAndATruncatedOneDoesNot) {
  QLearning agent = make_agent({.states = 2, .alpha = 1.0, .gamma = 0.5, .initial_value = 8.0}, 1);
  Step end = last_step(0, 0, 1.0);
  end.next_state = 4'000'000'000;  // never looked at
  ASSERT_EQ(agent.update(end), Errc::ok);
  EXPECT_EQ(agent.value(0, to_arm(0)), 1.0);
  Step cut = step(0, 0, 1.0, 1);
  cut.truncated = true;
  ASSERT_EQ(agent.update(cut), Errc::ok);
  EXPECT_EQ(agent.value(0, to_arm(0)), 5.0);  // 1 + 0.5 * 8
  cut.terminal = true;                        // both: it ended
  ASSERT_EQ(agent.update(cut), Errc::ok);
  EXPECT_EQ(agent.value(0, to_arm(0)), 1.0);
}

TEST(QLearning, VisitCountsAverageTheTargets) {
  QLearning agent =
      make_agent({.states = 1, .alpha = 1.0, .learning_rate = LearningRate::visits, .omega = 1.0}, 1);
  for (const double reward : {1.0, 2.0, 6.0}) {
    ASSERT_EQ(agent.update(last_step(0, 0, reward)), Errc::ok);
  }
  EXPECT_NEAR(agent.value(0, to_arm(0)), 3.0, 1e-15);  // steps 1, 1/2, 1/3: the mean
  QLearning slower =
      make_agent({.states = 1, .alpha = 0.5, .learning_rate = LearningRate::visits, .omega = 0.5}, 1);
  for (int i = 0; i < 4; ++i) {
    ASSERT_EQ(slower.update(last_step(0, 0, 1.0)), Errc::ok);
  }
  // 1 - (1 - .5)(1 - .5/sqrt 2)(1 - .5/sqrt 3)(1 - .5/2)
  const double expected = 1.0 - 0.5 * (1.0 - 0.5 / std::sqrt(2.0)) * (1.0 - 0.5 / std::sqrt(3.0)) * 0.75;
  EXPECT_NEAR(slower.value(0, to_arm(0)), expected, 1e-15);
}

TEST(QLearning, PropensitiesAreExactAlsoWithTies) {
  QLearning agent = make_agent({.states = 2, .alpha = 1.0, .epsilon = 0.2}, 4);
  for (const std::size_t good : {1U, 3U}) {
    ASSERT_EQ(agent.update(last_step(1, good, 1.0)), Errc::ok);
  }
  // The two best share 0.8 and all four share 0.2: 0.4 + 0.05 and 0.05.
  const std::array<double, 4> expected{0.05, 0.45, 0.05, 0.45};
  std::array<double, 4> stated{};
  ASSERT_EQ(agent.probabilities(1, {}, stated), Errc::ok);
  std::array<double, 4> counts{};
  constexpr int kTrials = 40'000;
  Rng rng(20181113);
  for (int i = 0; i < kTrials; ++i) {
    const ActionChoice<ArmIndex> choice = agent.select_action(1, rng);
    ASSERT_EQ(choice.status, Errc::ok);
    const std::size_t action = to_index(choice.action);
    ASSERT_NEAR(choice.propensity, expected.at(action), 1e-15);
    ASSERT_EQ(choice.greedy, expected.at(action) > 0.4);
    ASSERT_EQ(choice.value, choice.greedy ? 1.0 : 0.0);
    counts.at(action) += 1.0;
  }
  double statistic = 0.0;
  for (std::size_t action = 0; action < 4; ++action) {
    EXPECT_NEAR(stated.at(action), expected.at(action), 1e-15);
    const double mean = kTrials * expected.at(action);
    statistic += (counts.at(action) - mean) * (counts.at(action) - mean) / mean;
  }
  EXPECT_LT(statistic, boost::math::quantile(boost::math::complement(boost::math::chi_squared(3), 1e-6)));
}

TEST(QLearning, ChoosesOnlyWhatIsEnabledAndOffered) {
  QLearning agent = make_agent({.states = 1, .alpha = 1.0, .epsilon = 0.5}, 4);
  ASSERT_EQ(agent.update(last_step(0, 3, 9.0)), Errc::ok);
  ASSERT_EQ(agent.set_enabled(to_arm(3), false), Errc::ok);
  const std::array<ArmIndex, 4> offered{to_arm(3), to_arm(2), to_arm(77), to_arm(0)};
  Rng rng(5);
  std::array<int, 4> counts{};
  for (int i = 0; i < 2'000; ++i) {
    const ActionChoice<ArmIndex> choice = agent.select_action(0, offered, rng);
    ASSERT_EQ(choice.status, Errc::ok);
    ASSERT_EQ(choice.propensity, 0.5);  // 2 and 0 tie
    ++counts.at(to_index(choice.action));
  }
  EXPECT_EQ(counts[1] + counts[3], 0);
  EXPECT_GT(counts[0], 800);  // 1000 +- 22 expected
  EXPECT_GT(counts[2], 800);
  const std::array<ArmIndex, 1> gone{to_arm(3)};
  EXPECT_EQ(agent.select_action(0, gone, rng).status, Errc::no_arm);
  EXPECT_EQ(agent.select_action(0, gone, rng).action, kNoArm);
  // A disabled action does not count as a way on from the next state: the target is 1 + 0.95 * 0.
  ASSERT_EQ(agent.update(step(0, 1, 1.0, 0)), Errc::ok);
  EXPECT_EQ(agent.value(0, to_arm(1)), 1.0);
}

TEST(QLearning, AnActionOfferedTwiceCountsTwice) {
  const QLearning agent = make_agent({.states = 1, .epsilon = 0.0}, 2);
  const std::array<ArmIndex, 3> offered{to_arm(0), to_arm(1), to_arm(0)};
  std::array<double, 2> stated{};
  ASSERT_EQ(agent.probabilities(0, offered, stated), Errc::ok);
  EXPECT_NEAR(stated[0], 2.0 / 3.0, 1e-15);
  Rng rng(1);
  for (int i = 0; i < 20; ++i) {
    const ActionChoice<ArmIndex> choice = agent.select_action(0, offered, rng);
    EXPECT_NEAR(choice.propensity, stated.at(to_index(choice.action)), 1e-15);
  }
}

TEST(QLearning, EpsilonDecaysPerUpdateToItsFloor) {
  QLearning agent = make_agent({.states = 1, .epsilon = 0.8, .epsilon_decay = 0.5, .epsilon_min = 0.15}, 1);
  std::vector<double> seen;
  for (int i = 0; i < 4; ++i) {
    seen.push_back(agent.epsilon());
    ASSERT_EQ(agent.update(last_step(0, 0, 0.0)), Errc::ok);
  }
  EXPECT_EQ(seen, (std::vector<double>{0.8, 0.4, 0.2, 0.15}));
}

TEST(QLearning, OptimismTriesEveryActionWithoutRandomness) {
  QLearning agent = make_agent({.states = 1, .alpha = 1.0, .epsilon = 0.0, .initial_value = 10.0}, 5);
  Rng rng(3);
  std::array<int, 5> tried{};
  for (int i = 0; i < 5; ++i) {
    const ActionChoice<ArmIndex> choice = agent.select_action(0, rng);
    ++tried.at(to_index(choice.action));
    ASSERT_EQ(agent.update({.state = 0, .action = choice.action, .reward = 1.0, .terminal = true}), Errc::ok);
  }
  EXPECT_EQ(tried, (std::array<int, 5>{1, 1, 1, 1, 1}));
}

/// 4 x 4 grid: up, down, left, right; walls reflect; each step costs 1; the last cell ends with +10. With
/// probability `slip` the move is a uniformly random one.
struct Grid {
  static constexpr std::uint32_t kStates = 16;
  static constexpr std::uint32_t kGoal = 15;
  double slip;

  static std::uint32_t move(std::uint32_t state, std::size_t action) {
    std::uint32_t row = state / 4;
    std::uint32_t column = state % 4;
    row = action == 0 ? (row == 0 ? 0 : row - 1) : action == 1 ? std::min(row + 1, 3U) : row;
    column = action == 2 ? (column == 0 ? 0 : column - 1) : action == 3 ? std::min(column + 1, 3U) : column;
    return row * 4 + column;
  }
  static double reward(std::uint32_t next) { return next == kGoal ? 10.0 : -1.0; }

  /// The fixed point of Bellman's optimality equation, by value iteration.
  [[nodiscard]] std::array<std::array<double, 4>, kStates> optimal(double gamma) const {
    std::array<std::array<double, 4>, kStates> q{};
    const auto target = [&](std::uint32_t next) {
      return reward(next) + (next == kGoal ? 0.0 : gamma * *std::ranges::max_element(q.at(next)));
    };
    for (int sweep = 0; sweep < 2'000; ++sweep) {
      for (std::uint32_t state = 0; state < kGoal; ++state) {
        for (std::size_t action = 0; action < 4; ++action) {
          double value = (1.0 - slip) * target(move(state, action));
          for (std::size_t other = 0; other < 4; ++other) {
            value += slip / 4.0 * target(move(state, other));
          }
          q.at(state).at(action) = value;
        }
      }
    }
    return q;
  }
};

/// Largest error of the values after `steps` steps of random behaviour.
double largest_error(QLearning& agent, const Grid& grid, int steps, double gamma) {
  Rng rng(19890501);
  std::uint32_t state = 0;
  for (int i = 0; i < steps; ++i) {
    const ActionChoice<ArmIndex> choice = agent.select_action(state, rng);
    const std::size_t taken = rng.uniform() < grid.slip ? rng.below(4) : to_index(choice.action);
    const std::uint32_t next = Grid::move(state, taken);
    Step seen{.state = state, .action = choice.action, .reward = Grid::reward(next), .next_state = next};
    seen.terminal = next == Grid::kGoal;
    EXPECT_EQ(agent.update(seen), Errc::ok);
    state = seen.terminal ? static_cast<std::uint32_t>(rng.below(Grid::kGoal)) : next;
  }
  double worst = 0.0;
  const auto optimal = grid.optimal(gamma);
  for (std::uint32_t s = 0; s < Grid::kGoal; ++s) {
    for (std::size_t a = 0; a < 4; ++a) {
      worst = std::max(worst, std::abs(agent.value(s, to_arm(a)) - optimal.at(s).at(a)));
    }
  }
  return worst;
}

TEST(QLearning, FindsTheExactValuesOfADeterministicGrid) {
  QLearning agent = make_agent({.states = Grid::kStates, .alpha = 1.0, .gamma = 0.9, .epsilon = 1.0}, 4);
  // With alpha = 1 and no noise each entry is one exact backup of the others.
  EXPECT_LT(largest_error(agent, Grid{.slip = 0.0}, 20'000, 0.9), 1e-12);
}

TEST(QLearning, ConvergesToTheValuesOfASlipperyGrid) {
  QLearning agent = make_agent({.states = Grid::kStates,
                                .alpha = 1.0,
                                .learning_rate = LearningRate::visits,
                                .omega = 0.8,
                                .gamma = 0.9,
                                .epsilon = 1.0},
                               4);
  // Targets have deviations up to about 4; at 5000 visits an entry the last step size a is 0.0011 and the
  // entry's deviation 4 sqrt(a / 2) = 0.09; six deviations for 60 entries at 1e-6, and the errors of the next
  // states.
  EXPECT_LT(largest_error(agent, Grid{.slip = 0.3}, 300'000, 0.9), 0.6);
  // What it would catch: already a discount of 0.8 instead of 0.9 is twice as far off.
  const auto right = Grid{.slip = 0.3}.optimal(0.9);
  const auto wrong = Grid{.slip = 0.3}.optimal(0.8);
  EXPECT_GT(std::abs(right.at(0).at(1) - wrong.at(0).at(1)), 1.2);
}

TEST(QLearning, RefusesBadExperienceAndKeepsItsState) {
  QLearning agent = make_agent({.states = 3, .alpha = 1.0}, 2);
  ASSERT_EQ(agent.update(step(0, 1, 1.0, 1)), Errc::ok);
  const QLearning before = agent;
  EXPECT_EQ(agent.update(step(3, 0, 1.0, 0)), Errc::invalid_argument);
  EXPECT_EQ(agent.update(step(0, 0, 1.0, 3)), Errc::invalid_argument);
  EXPECT_EQ(agent.update(step(0, 2, 1.0, 1)), Errc::unknown_arm);
  EXPECT_EQ(agent.update({.state = 0, .action = kNoArm, .terminal = true}), Errc::unknown_arm);
  EXPECT_EQ(agent.update(last_step(0, 0, kNan)), Errc::non_finite);
  EXPECT_EQ(agent.update(last_step(0, 0, HUGE_VAL)), Errc::non_finite);
  EXPECT_EQ(agent, before);
  Rng rng(1);
  EXPECT_EQ(agent.select_action(3, rng).status, Errc::invalid_argument);
  std::array<double, 3> wrong{};
  EXPECT_EQ(agent.probabilities(0, {}, wrong), Errc::dimension_mismatch);
}

TEST(QLearning, RefusesARewardThatWouldOverflow) {
  QLearning agent = make_agent({.states = 1, .alpha = 1.0, .gamma = 1.0}, 1);
  ASSERT_EQ(agent.update(last_step(0, 0, 1.7e308)), Errc::ok);
  EXPECT_EQ(agent.update(step(0, 0, 1.7e308, 0)), Errc::non_finite);
  EXPECT_EQ(agent.value(0, to_arm(0)), 1.7e308);
  EXPECT_EQ(agent.updates(), 1U);
}

TEST(QLearning, AnAddedActionLeavesTheOthersValues) {
  QLearning agent = make_agent({.states = 2, .alpha = 1.0, .initial_value = 0.5}, 2);
  ASSERT_EQ(agent.update(last_step(0, 1, 3.0)), Errc::ok);
  ASSERT_EQ(agent.update(last_step(1, 0, 4.0)), Errc::ok);
  EXPECT_EQ(agent.add_arm().value(), to_arm(2));
  EXPECT_EQ(agent.value(0, to_arm(1)), 3.0);
  EXPECT_EQ(agent.value(1, to_arm(0)), 4.0);
  EXPECT_EQ(agent.value(1, to_arm(2)), 0.5);
  EXPECT_EQ(agent.visits(1, to_arm(0)), 1U);
  ASSERT_EQ(agent.reset_arm(to_arm(0)), Errc::ok);
  EXPECT_EQ(agent.value(1, to_arm(0)), 0.5);
  EXPECT_EQ(agent.visits(1, to_arm(0)), 0U);
  EXPECT_EQ(agent.reset_arm(to_arm(9)), Errc::unknown_arm);
  EXPECT_EQ(agent.set_enabled(to_arm(9), true), Errc::unknown_arm);
}

TEST(QLearning, APriorCountsAsVisits) {
  QLearning agent =
      make_agent({.states = 2, .alpha = 1.0, .learning_rate = LearningRate::visits, .omega = 1.0}, 1);
  ASSERT_TRUE(agent.warm_start(to_arm(0), {.mean = 2.0, .weight = 3.0}));
  EXPECT_EQ(agent.value(1, to_arm(0)), 2.0);
  ASSERT_EQ(agent.update(last_step(1, 0, 6.0)), Errc::ok);
  EXPECT_EQ(agent.value(1, to_arm(0)), 3.0);  // (3 * 2 + 6) / 4
  EXPECT_EQ(agent.value(0, to_arm(0)), 2.0);
  EXPECT_EQ(agent.warm_start(to_arm(1), {}).error().code, Errc::unknown_arm);
  EXPECT_EQ(agent.warm_start(to_arm(0), {.mean = kNan, .weight = 1.0}).error().code, Errc::non_finite);
  EXPECT_EQ(agent.warm_start(to_arm(0), {.mean = 0.0, .weight = -1.0}).error().code, Errc::invalid_argument);
}

TEST(QLearning, WorksWithoutActionsUntilOneIsAdded) {
  QLearning agent = make_agent({.states = 3}, 0);
  Rng rng(1);
  EXPECT_EQ(agent.select_action(1, rng).status, Errc::no_arm);
  ASSERT_TRUE(agent.add_arm());
  const ActionChoice<ArmIndex> choice = agent.select_action(1, rng);
  EXPECT_EQ(choice.action, to_arm(0));
  EXPECT_NEAR(choice.propensity, 1.0, 1e-15);
}

TEST(QLearning, RefusesBadOptionsByName) {
  const auto error = [](const QLearningConfig& config, const Shape& shape) {
    const Result<QLearning> made = QLearning::make(config, shape);
    EXPECT_FALSE(made);
    return made ? std::string() : made.error().message;
  };
  EXPECT_NE(error({}, {.arms = 2}).find("states = 0"), std::string::npos);
  EXPECT_NE(error({.states = 1, .gamma = kNan}, {.arms = 2}).find("gamma"), std::string::npos);
  EXPECT_NE(error({.states = 1, .epsilon = 0.1, .epsilon_min = 0.2}, {.arms = 2}).find("epsilon_min"),
            std::string::npos);
  EXPECT_NE(error({.states = 16'777'216}, {.arms = 9}).find("states"), std::string::npos);
  EXPECT_NE(error({.states = 1}, {.arms = 2, .features = 2}).find("one dense feature"), std::string::npos);
  EXPECT_NE(error({.states = 1}, {.arms = 2, .features = 1, .sparse = true}).find("sparse"),
            std::string::npos);
}

QLearning used_agent() {
  QLearning agent = make_agent({.states = 3, .epsilon_decay = 0.9}, 2);
  EXPECT_EQ(agent.update(step(0, 1, 1.0, 2)), Errc::ok);
  EXPECT_EQ(agent.update(step(2, 0, -1.0, 0)), Errc::ok);
  EXPECT_TRUE(agent.add_arm());
  EXPECT_EQ(agent.set_enabled(to_arm(0), false), Errc::ok);
  return agent;
}

TEST(QLearning, ContinuesAfterLoadAsIfNothingHappened) {
  QLearning original = used_agent();
  QLearning copy = make_agent({.states = 3, .epsilon_decay = 0.9}, 2);
  ASSERT_TRUE(load_state(copy, save_state(original)));
  EXPECT_EQ(copy, original);
  Rng left(4);
  Rng right(4);
  EXPECT_EQ(copy.select_action(0, left).action, original.select_action(0, right).action);
  ASSERT_EQ(copy.update(step(1, 2, 0.3, 0)), Errc::ok);
  ASSERT_EQ(original.update(step(1, 2, 0.3, 0)), Errc::ok);
  EXPECT_EQ(copy, original);
}

TEST(QLearning, RefusesForeignAndDamagedState) {
  const QLearning original = used_agent();
  Writer writer;
  original.save(writer);
  const ByteView bytes = writer.view();
  QLearning copy = make_agent({.states = 3, .epsilon_decay = 0.9}, 2);
  const QLearning before = copy;
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    Reader cut(bytes.first(size));
    ASSERT_FALSE(copy.load(cut)) << size;
  }
  QLearning other = make_agent({.states = 4}, 2);
  Reader reader(bytes);
  EXPECT_EQ(other.load(reader).error().code, Errc::dimension_mismatch);
  // epsilon of the stored state is 0.081, above what this configuration can have
  QLearning greedy = make_agent({.states = 3, .epsilon = 0.01}, 2);
  Reader again(bytes);
  EXPECT_EQ(greedy.load(again).error().code, Errc::corrupt_state);
  EXPECT_EQ(copy, before);
}

TEST(QLearning, DescribesWhatWasLearned) {
  const Description seen = used_agent().describe();
  EXPECT_NE(seen.summary.find("3 states and 3 actions"), std::string::npos);
  ASSERT_EQ(seen.rows.size(), 3U);
  for (const std::vector<double>& row : seen.rows) {
    EXPECT_EQ(row.size(), seen.columns.size());
  }
  EXPECT_EQ(seen.rows[0][0], 0.0);  // disabled
  EXPECT_EQ(seen.rows[0][1], 1.0);  // visits
  EXPECT_EQ(seen.rows[2][1], 0.0);
}

}  // namespace
}  // namespace attune::q_learning_test
