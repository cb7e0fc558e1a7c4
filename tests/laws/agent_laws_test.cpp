// SPDX-License-Identifier: Apache-2.0
// Laws of RLAgent over the shipped agents.
#include <array>
#include <bit>
#include <cmath>
#include <limits>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "tests/laws/state_laws.hpp"
#include "tests/support/allocation_counter.hpp"

namespace attune::laws::agent_laws_test {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// What the laws need of a type of agent: how to make one, its states, and what is none of them. Specialise
/// for each.
template <class A>
struct AgentCase;
template <>
struct AgentCase<QLearning> {
  static constexpr std::uint32_t kStates = 5;
  static QLearning::Config config() { return {.states = kStates, .epsilon = 0.3}; }
  static Shape shape(std::size_t actions) { return {.arms = actions}; }
  static QLearning::State state(std::uint64_t number) { return static_cast<std::uint32_t>(number % kStates); }
  static QLearning::State no_state() { return kStates; }
  static ArmIndex no_action(const QLearning& agent) { return to_arm(agent.action_count()); }
};

template <RLAgent A>
[[nodiscard]] A make_agent(std::size_t actions) {
  return A::make(AgentCase<A>::config(), AgentCase<A>::shape(actions)).value();
}

template <RLAgent A>
using ExperienceOf = Experience<typename A::State, typename A::Action>;

/// A life of episodes that follows from the seed and the agent's choices.
template <RLAgent A>
class Life {
 public:
  Life(A first, std::uint64_t seed) : agent(std::move(first)), rng_(seed), state_(AgentCase<A>::state(0)) {}

  void run(int steps) {
    for (int i = 0; i < steps; ++i) {
      Rng decision(5, 0, count_++);
      const ActionChoice<typename A::Action> choice = agent.select_action(state_, decision);
      history.push_back(choice);
      if (choice.status != Errc::ok) {
        continue;
      }
      ExperienceOf<A> experience{.state = state_, .action = choice.action, .reward = rng_.uniform()};
      experience.next_state = AgentCase<A>::state(rng_());
      experience.terminal = rng_.below(6) == 0;
      experience.truncated = rng_.below(6) == 0;
      (void)agent.update(experience);
      state_ = experience.next_state;
    }
  }

  A agent;
  std::vector<ActionChoice<typename A::Action>> history;

 private:
  Rng rng_;
  typename A::State state_;
  std::uint64_t count_ = 0;
};

template <RLAgent A>
[[nodiscard]] A lived(std::uint64_t seed, std::size_t actions = 3, int steps = 60) {
  Life<A> life(make_agent<A>(actions), seed);
  life.run(steps);
  return std::move(life.agent);
}

template <class Action>
[[nodiscard]] bool same_history(const std::vector<ActionChoice<Action>>& left,
                                const std::vector<ActionChoice<Action>>& right) {
  const auto bits = [](double x) { return std::bit_cast<std::uint64_t>(x); };
  return std::ranges::equal(left, right, [&](const auto& a, const auto& b) {
    return a.action == b.action && bits(a.propensity) == bits(b.propensity) &&
           bits(a.value) == bits(b.value) && a.greedy == b.greedy && a.status == b.status;
  });
}

template <class A>
class AgentLaws : public testing::Test {};
TYPED_TEST_SUITE(AgentLaws, AsTestTypes<BuiltinAgents>::type, TypeNames);

TYPED_TEST(AgentLaws, SameSeedGivesTheSameLife) {
  Life<TypeParam> left(make_agent<TypeParam>(3), 1);
  Life<TypeParam> right(make_agent<TypeParam>(3), 1);
  Life<TypeParam> other(make_agent<TypeParam>(3), 2);
  left.run(500);
  right.run(500);
  other.run(500);
  EXPECT_TRUE(same_history(left.history, right.history));
  EXPECT_TRUE(same_state(left.agent, right.agent));
  EXPECT_FALSE(left.agent == other.agent);
}

TYPED_TEST(AgentLaws, WhatIsSavedIsLoadedAndLivesOnTheSame) {
  expect_round_trip(make_agent<TypeParam>(3), lived<TypeParam>(3));
  Life<TypeParam> original(make_agent<TypeParam>(3), 4);
  for (int part = 0; part < 6; ++part) {
    original.run(60);
    expect_round_trip(original.agent, make_agent<TypeParam>(3));
    Life<TypeParam> restored = original;
    restored.agent = make_agent<TypeParam>(3);
    ASSERT_TRUE(load_state(restored.agent, save_state(original.agent)));
    original.run(40);
    restored.run(40);
    ASSERT_TRUE(same_history(original.history, restored.history));
    ASSERT_TRUE(same_state(original.agent, restored.agent));
  }
}

TYPED_TEST(AgentLaws, EveryCutIsRefused) {
  expect_every_cut_is_refused(lived<TypeParam>(5, 2), lived<TypeParam>(6, 3));
}

TYPED_TEST(AgentLaws, FlippedBitsDoNoHarm) {
  const auto probe = [](const TypeParam& agent) {
    TypeParam copy = agent;
    for (std::uint64_t i = 0; i < 4; ++i) {
      Rng rng(7, 0, i);
      const auto choice = copy.select_action(AgentCase<TypeParam>::state(i), rng);
      if (choice.status == Errc::no_arm) {
        return;
      }
      ASSERT_EQ(choice.status, Errc::ok);
      ASSERT_FALSE(std::isnan(choice.value));
      const Errc verdict = copy.update({.state = AgentCase<TypeParam>::state(i),
                                        .action = choice.action,
                                        .reward = 0.5,
                                        .next_state = AgentCase<TypeParam>::state(i + 1)});
      ASSERT_TRUE(verdict == Errc::ok || verdict == Errc::non_finite) << to_string(verdict);
    }
  };
  expect_flipped_bits_do_no_harm(lived<TypeParam>(8, 2), lived<TypeParam>(9, 3), probe);
  expect_the_frame_notices_every_flipped_bit(lived<TypeParam>(8, 2), lived<TypeParam>(9, 3));
}

TYPED_TEST(AgentLaws, RefusedExperienceChangesNothing) {
  using Case = AgentCase<TypeParam>;
  TypeParam agent = lived<TypeParam>(10);
  const TypeParam before = agent;
  Rng rng(11);
  const ExperienceOf<TypeParam> good{.state = Case::state(0),
                                     .action = agent.select_action(Case::state(0), rng).action,
                                     .reward = 0.5,
                                     .next_state = Case::state(1)};
  const auto refuse = [&](const ExperienceOf<TypeParam>& bad, Errc expected) {
    EXPECT_EQ(agent.update(bad), expected);
    EXPECT_TRUE(same_state(agent, before));
  };
  for (const double number : {kNan, kInfinity, -kInfinity}) {
    ExperienceOf<TypeParam> bad = good;
    bad.reward = number;
    refuse(bad, Errc::non_finite);
  }
  ExperienceOf<TypeParam> bad = good;
  bad.state = Case::no_state();
  refuse(bad, Errc::invalid_argument);
  bad = good;
  bad.next_state = Case::no_state();
  refuse(bad, Errc::invalid_argument);
  bad = good;
  bad.action = Case::no_action(agent);
  refuse(bad, Errc::unknown_arm);
  EXPECT_EQ(agent.select_action(Case::no_state(), rng).status, Errc::invalid_argument);
}

TYPED_TEST(AgentLaws, OnlyATerminalExperienceIgnoresTheNextState) {
  // Two agents that differ in what they know of the next state alone.
  using Case = AgentCase<TypeParam>;
  Rng rng(12);
  const TypeParam ignorant = make_agent<TypeParam>(2);
  const auto action = ignorant.select_action(Case::state(0), rng).action;
  TypeParam informed = ignorant;
  for (int i = 0; i < 50; ++i) {
    for (std::uint64_t seed = 0; seed < 2; ++seed) {
      Rng each(13, seed, static_cast<std::uint64_t>(i));
      const auto taken = informed.select_action(Case::state(1), each).action;
      ASSERT_EQ(informed.update({.state = Case::state(1), .action = taken, .reward = 10.0, .terminal = true}),
                Errc::ok);
    }
  }
  const auto value_after = [&](TypeParam agent, bool terminal, bool truncated) {
    EXPECT_EQ(agent.update({.state = Case::state(0),
                            .action = action,
                            .reward = 1.0,
                            .next_state = Case::state(1),
                            .terminal = terminal,
                            .truncated = truncated}),
              Errc::ok);
    Rng last(14);
    double largest = -kInfinity;
    for (int i = 0; i < 50; ++i) {
      largest = std::max(largest, agent.select_action(Case::state(0), last).value);
    }
    return largest;
  };
  EXPECT_EQ(value_after(informed, true, false), value_after(ignorant, true, false));
  EXPECT_GT(value_after(informed, false, false), value_after(ignorant, false, false));
  EXPECT_GT(value_after(informed, false, true), value_after(ignorant, false, true));
}

TYPED_TEST(AgentLaws, WithoutActionsThereIsNone) {
  const TypeParam agent = make_agent<TypeParam>(0);
  Rng rng(15);
  EXPECT_EQ(agent.action_count(), 0U);
  EXPECT_EQ(agent.select_action(AgentCase<TypeParam>::state(0), rng).status, Errc::no_arm);
}

TYPED_TEST(AgentLaws, PropensitiesAreProbabilitiesOrDeferred) {
  Life<TypeParam> life(make_agent<TypeParam>(4), 16);
  life.run(500);
  for (const auto& choice : life.history) {
    ASSERT_EQ(choice.status, Errc::ok);
    ASSERT_TRUE(std::isnan(choice.propensity) || (choice.propensity > 0.0 && choice.propensity <= 1.0));
  }
  EXPECT_EQ(life.agent.updates(), 500U);
}

TYPED_TEST(AgentLaws, ManyThreadsSelectWhatOneSelects) {
  const TypeParam agent = lived<TypeParam>(17);
  const auto choose = [&agent](auto& choices) {
    for (std::uint64_t i = 0; i < 500; ++i) {
      Rng rng(18, 0, i);
      choices.push_back(agent.select_action(AgentCase<TypeParam>::state(i), rng));
    }
  };
  using Choices = std::vector<ActionChoice<typename TypeParam::Action>>;
  Choices alone;
  choose(alone);
  std::array<Choices, 8> together;
  {
    std::vector<std::jthread> threads;
    threads.reserve(together.size());
    for (Choices& choices : together) {
      threads.emplace_back([&choose, &choices] { choose(choices); });
    }
  }
  for (const Choices& choices : together) {
    EXPECT_TRUE(same_history(choices, alone));
  }
}

TYPED_TEST(AgentLaws, TheHotPathDoesNotAllocate) {
  TypeParam agent = make_agent<TypeParam>(4);
  std::size_t answered = 0;
  const test::AllocationCount count;
  for (std::uint64_t i = 0; i < 300; ++i) {
    Rng rng(19, 0, i);
    const auto choice = agent.select_action(AgentCase<TypeParam>::state(i), rng);
    const Errc verdict = agent.update({.state = AgentCase<TypeParam>::state(i),
                                       .action = choice.action,
                                       .reward = 1.0,
                                       .next_state = AgentCase<TypeParam>::state(i + 1)});
    answered += verdict == Errc::ok ? 1U : 0U;
  }
  const std::size_t allocations = count.count();
  EXPECT_EQ(answered, 300U);
  EXPECT_EQ(allocations, 0U);
}

}  // namespace
}  // namespace attune::laws::agent_laws_test
