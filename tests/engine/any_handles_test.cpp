// SPDX-License-Identifier: Apache-2.0
// The erased handles, made by the registry as an engine makes them.
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <variant>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <attune/engine/registry.hpp>
#include <attune/policies/builtin.hpp>

#include "tests/engine/registry_fixture.hpp"

namespace attune::any_handles_test {
namespace {

using test::Json;
using test::kShape;
using test::minimal_spec;

AnyAgent make_agent() {
  return std::get<AnyAgent>(
      make_policy({{"type", "q_learning"}, {"states", 2}, {"alpha", 1}}, kShape).value());
}

TEST(AnyAgent, ReadsNumberedStatesFromOneFeature) {
  const AnyAgent agent = make_agent();
  Rng rng(1);
  const auto status = [&](std::vector<double> dense) {
    return agent.select({.input = {.dense = dense}}, rng).status;
  };
  EXPECT_EQ(status({1.0}), Errc::ok);
  EXPECT_EQ(status({-0.0}), Errc::ok);
  EXPECT_EQ(status({2.0}), Errc::invalid_argument);
  EXPECT_EQ(status({-1.0}), Errc::invalid_argument);
  EXPECT_EQ(status({0.5}), Errc::invalid_argument);
  EXPECT_EQ(status({1e300}), Errc::invalid_argument);
  EXPECT_EQ(status({std::nan("")}), Errc::non_finite);
  EXPECT_EQ(status({HUGE_VAL}), Errc::non_finite);
  EXPECT_EQ(status({}), Errc::dimension_mismatch);
  EXPECT_EQ(status({0.0, 1.0}), Errc::dimension_mismatch);
  const std::array<std::uint32_t, 1> index{0};
  const std::array<double, 1> value{1.0};
  const Context sparse{.input = {.dense = value, .sparse = {.index = index, .value = value}}};
  EXPECT_EQ(agent.select(sparse, rng).status, Errc::dimension_mismatch);
}

TEST(AnyAgent, LearnsFromExperienceAsTheAgentItself) {
  AnyAgent agent = make_agent();
  const std::array<double, 1> zero{0.0};
  const std::array<double, 1> one{1.0};
  const std::array<double, 1> wrong{7.0};
  EXPECT_EQ(agent.update({.dense = zero}, to_arm(2), 1.0, {}, true, false),
            Errc::ok);  // no next state needed
  EXPECT_EQ(agent.update({.dense = one}, to_arm(0), 1.0, {.dense = zero}, false, true), Errc::ok);
  EXPECT_EQ(agent.update({.dense = one}, to_arm(0), 1.0, {}, false, false), Errc::dimension_mismatch);
  EXPECT_EQ(agent.update({.dense = wrong}, to_arm(0), 1.0, {}, true, false), Errc::invalid_argument);
  EXPECT_EQ(agent.updates(), 2U);
  EXPECT_EQ(agent.as<QLearning>()->value(1, to_arm(0)), 1.95);  // 1 + 0.95 * 1
  std::array<double, 3> shares{};
  ASSERT_EQ(agent.probabilities({.input = {.dense = one}}, shares), Errc::ok);
  EXPECT_NEAR(shares[0], 0.9 + 0.1 / 3.0, 1e-15);
  const std::array<ArmIndex, 1> offered{to_arm(1)};
  Rng rng(1);
  const Choice choice = agent.select({.input = {.dense = one}, .offered = offered}, rng);
  EXPECT_EQ(choice.arm, to_arm(1));
  EXPECT_NEAR(choice.propensity, 1.0, 1e-15);
}

TEST(AnyAgent, CopiesAreIndependentAndComparable) {
  AnyAgent agent = make_agent();
  AnyAgent copy = agent;
  EXPECT_EQ(copy, agent);
  ASSERT_TRUE(copy.add_arm());
  ASSERT_EQ(copy.set_enabled(to_arm(0), false), Errc::ok);
  EXPECT_EQ(copy.arm_count(), 4U);
  EXPECT_EQ(agent.arm_count(), 3U);
  EXPECT_TRUE(agent.enabled(to_arm(0)));
  EXPECT_FALSE(copy == agent);
  Writer writer;
  copy.save(writer);
  Reader reader(writer.view());
  ASSERT_TRUE(agent.load(reader));
  EXPECT_EQ(copy, agent);
  EXPECT_EQ(agent.name(), "q_learning");
  EXPECT_FALSE(agent.describe().summary.empty());
}

/// An agent over real-valued states whose actions are fixed.
class Thermostat {
 public:
  using Config = NoConfig;
  using State = Features;
  using Action = ArmIndex;
  static constexpr std::string_view kName = "thermostat";
  static constexpr std::uint32_t kStateVersion = 1;
  static Result<Thermostat> make(const Config& /*config*/, const Shape& /*shape*/) { return Thermostat{}; }
  ActionChoice<Action> select_action(const State& state, Rng& /*rng*/) const noexcept {
    return {.action = to_arm(state[0] < 20.0 ? 1 : 0), .propensity = 1.0};
  }
  Errc update(const Experience<State, Action>& /*experience*/) noexcept { return Errc::ok; }
  std::size_t action_count() const noexcept { return 2; }
  std::uint64_t updates() const noexcept { return 0; }
  void save(Writer& /*writer*/) const {}
  Result<void> load(Reader& /*reader*/) { return {}; }
  Description describe() const { return {}; }
  bool operator==(const Thermostat&) const = default;
};

TEST(AnyAgent, HoldsAgentsWithVectorStatesAndFixedActions) {
  Registry registry;
  ASSERT_TRUE(registry.add<Thermostat>());
  AnyAgent agent = std::get<AnyAgent>(registry.make_policy({{"type", "thermostat"}}, {}).value());
  const std::array<double, 2> cold{12.0, 0.0};
  Rng rng(1);
  EXPECT_EQ(agent.select({.input = {.dense = cold}}, rng).arm, to_arm(1));
  const std::array<ArmIndex, 1> offered{to_arm(0)};
  EXPECT_EQ(agent.select({.input = {.dense = cold}, .offered = offered}, rng).status, Errc::unsupported);
  EXPECT_EQ(agent.add_arm().error().code, Errc::unsupported);
  EXPECT_EQ(agent.set_enabled(to_arm(0), false), Errc::unsupported);
  EXPECT_EQ(agent.reset_arm(to_arm(0)), Errc::unsupported);
  EXPECT_EQ(agent.warm_start(to_arm(0), {}).error().code, Errc::unsupported);
  std::array<double, 2> shares{};
  EXPECT_EQ(agent.probabilities({.input = {.dense = cold}}, shares), Errc::unsupported);
  EXPECT_TRUE(agent.enabled(to_arm(1)));
  EXPECT_FALSE(agent.enabled(to_arm(2)));
  EXPECT_EQ(agent.as<QLearning>(), nullptr);
}

TEST(AnyOptimizer, IsAValueWithTheOptimizersRules) {
  AnyOptimizer optimizer = std::get<AnyOptimizer>(
      make_policy({{"type", "gp_optimizer"}, {"parameters", Json::array({{{"name", "x"}}})}}, {}).value());
  AnyOptimizer copy = optimizer;
  Rng rng(1);
  const std::vector<double> at = copy.ask(rng).value();
  ASSERT_EQ(copy.begin({.id = 1, .values = at}), Errc::ok);
  EXPECT_EQ(copy.pending(), 1U);
  EXPECT_EQ(optimizer.pending(), 0U);
  EXPECT_EQ(copy.tell(1, 0.5), Errc::ok);
  EXPECT_EQ(copy.tell(1, 0.5), Errc::unknown_decision);
  EXPECT_EQ(copy.best().id, 1U);
  EXPECT_FALSE(copy == optimizer);
  Writer writer;
  copy.save(writer);
  Reader reader(writer.view());
  ASSERT_TRUE(optimizer.load(reader));
  EXPECT_EQ(copy, optimizer);
  EXPECT_EQ(copy.name(), "gp_optimizer");
  EXPECT_NE(copy.as<GpOptimizer>(), nullptr);
  ASSERT_EQ(copy.begin({.id = 2, .values = at}), Errc::ok);
  EXPECT_EQ(copy.forget(2), Errc::ok);
}

TEST(AnyLearner, TickEndsBatchesOfThoseThatWait) {
  const std::vector<double> x(kShape.features, 0.5);
  const Input input{.dense = x};
  AnyLearner batches = make_learner({{"type", "mini_batch"}, {"seconds", 5}}, kShape).value();
  ASSERT_EQ(batches.tick(100.0), Errc::ok);
  ASSERT_EQ(batches.partial_fit(input, 1.0, 1.0), Errc::ok);
  ASSERT_EQ(batches.tick(104.0), Errc::ok);
  EXPECT_EQ(batches.predict(input), 0.0);
  ASSERT_EQ(batches.tick(105.0), Errc::ok);
  EXPECT_GT(batches.predict(input), 0.0);
  EXPECT_EQ(batches.tick(std::numeric_limits<double>::quiet_NaN()), Errc::non_finite);

  AnyLearner others = make_learner({{"type", "sgd"}}, kShape).value();
  const AnyLearner untouched = others;
  EXPECT_EQ(others.tick(1e9), Errc::ok);
  EXPECT_EQ(others, untouched);
  EXPECT_EQ(others.tick(std::numeric_limits<double>::infinity()), Errc::non_finite);
}

TEST(AnyLearner, LearnsAndCopies) {
  for (const AlgorithmInfo& algorithm : algorithms()) {
    if (algorithm.family != Family::learner) {
      continue;
    }
    AnyLearner learner = make_learner(minimal_spec(algorithm), kShape).value();
    const AnyLearner untouched = learner;
    const std::array<double, 1> one{1.0};
    EXPECT_EQ(learner.partial_fit({.dense = one}, 1.0, 1.0), Errc::ok);
    EXPECT_EQ(learner.partial_fit({}, 1.0, 1.0), Errc::dimension_mismatch);
    EXPECT_TRUE(std::isnan(learner.predict({})));
    EXPECT_EQ(learner.updates(), 1U);
    EXPECT_EQ(untouched.updates(), 0U);
    EXPECT_FALSE(learner == untouched);
    AnyLearner again = untouched;
    Writer writer;
    learner.save(writer);
    Reader reader(writer.view());
    ASSERT_TRUE(again.load(reader));
    EXPECT_EQ(again.predict({.dense = one}), learner.predict({.dense = one}));
  }
}

}  // namespace
}  // namespace attune::any_handles_test
