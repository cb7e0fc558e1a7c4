// SPDX-License-Identifier: Apache-2.0
#include <attune/engine/registry.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <attune/policies/builtin.hpp>

#include "tests/engine/registry_fixture.hpp"

namespace attune::registry_test {
namespace {

using test::EveryField;
using test::Json;
using test::kShape;
using test::minimal_spec;

std::string policy_error(const Json& spec, std::string_view path = {}) {
  const Result<AnyPolicy> made = make_policy(spec, kShape, path);
  EXPECT_FALSE(made) << spec;
  if (made) {
    return {};
  }
  EXPECT_EQ(made.error().code, Errc::invalid_config);
  return made.error().message;
}

/// Calls `visit` with what the function of the family makes of a specification.
template <class Visit>
void with_made(Family family, const Json& spec, const Visit& visit) {
  const auto check = [&](const auto& made) {
    ASSERT_TRUE(made) << made.error().message;
    visit(*made);
  };
  switch (family) {
    case Family::learner:
      return check(make_learner(spec, kShape));
    case Family::slate:
      return check(make_slate_bandit(spec, kShape));
    case Family::dueling:
      return check(make_dueling_bandit(spec, kShape));
    case Family::continuous:
      return check(make_continuous_bandit(spec, kShape));
    default:
      return check(make_policy(spec, kShape));
  }
}

TEST(Registry, MakesEveryAlgorithmFromItsNameAndWhatItRequires) {
  std::set<Family> families;
  for (const AlgorithmInfo& algorithm : algorithms()) {
    families.insert(algorithm.family);
    const Json spec = minimal_spec(algorithm);
    std::string name;
    with_made(algorithm.family, spec, [&]<class Made>(const Made& made) {
      if constexpr (std::is_same_v<Made, AnyPolicy>) {
        name = std::visit([](const auto& policy) { return std::string(policy.name()); }, made);
        EXPECT_EQ(made.index(), static_cast<std::size_t>(algorithm.family));
      } else {
        name = made.name();
      }
    });
    EXPECT_EQ(name, algorithm.name);
    EXPECT_GT(algorithm.state_version, 0U);
  }
  EXPECT_EQ(families, (std::set<Family>{Family::bandit, Family::agent, Family::optimizer, Family::learner,
                                        Family::slate, Family::dueling, Family::continuous}));
}

TEST(Registry, DefaultsWrittenOutMakeTheSameAlgorithm) {
  for (const AlgorithmInfo& algorithm : algorithms()) {
    Json spelt_out = minimal_spec(algorithm);
    for (const OptionInfo& option : algorithm.options) {
      EXPECT_FALSE(option.doc.empty()) << algorithm.name << '.' << option.name;
      if (!option.required) {
        spelt_out[option.name] = Json::parse(option.default_json);
      }
    }
    const Json brief = minimal_spec(algorithm);
    with_made(algorithm.family, spelt_out, [&]<class Made>(const Made& made) {
      with_made(algorithm.family, brief, [&]<class Other>(const Other& other) {
        if constexpr (std::is_same_v<Made, Other>) {
          EXPECT_EQ(made, other) << algorithm.name;
        }
      });
    });
  }
}

TEST(Registry, OptionsReachThePolicy) {
  const AnyPolicy made = make_policy({{"type", "q_learning"},
                                      {"states", 4},
                                      {"learning_rate", "visits"},
                                      {"epsilon", 0.25},
                                      {"initial_value", -2}},
                                     kShape)
                             .value();
  const auto* agent = std::get<AnyAgent>(made).as<QLearning>();
  ASSERT_NE(agent, nullptr);
  EXPECT_EQ(agent->state_count(), 4U);
  EXPECT_EQ(agent->epsilon(), 0.25);
  EXPECT_EQ(agent->value(3, to_arm(2)), -2.0);
  EXPECT_EQ(std::get<AnyAgent>(made).as<QLearning>()->action_count(), 3U);
}

TEST(Registry, ReadsListsOfParameters) {
  const Json spec = Json::parse(R"({"type": "gp_optimizer", "candidates": 64, "parameters": [
      {"name": "rate", "low": 1e-4, "high": 1, "scale": "log"},
      {"name": "depth", "type": "integer", "low": 1, "high": 8}]})");
  const AnyPolicy made = make_policy(spec, {}).value();
  const auto& optimizer = std::get<AnyOptimizer>(made);
  EXPECT_EQ(optimizer.dimension(), 2U);
  EXPECT_EQ(optimizer.parameter_names(), (std::vector<std::string>{"rate", "depth"}));
  Json bad = spec;
  bad["parameters"][1]["low"] = "one";
  EXPECT_EQ(policy_error(bad, "points[2].policy"),
            "points[2].policy.parameters[1].low should be a number, not a string");
  bad["parameters"][1]["low"] = 9;
  EXPECT_EQ(policy_error(bad, "p"), "p: parameters[1].low = 9 is not below high = 8");
  bad["parameters"][1].erase("low");
  bad["parameters"][1]["Low"] = 1;
  EXPECT_NE(
      policy_error(bad).find("parameters[1].Low is no known key; known here: name, type, low, high, scale"),
      std::string::npos);
  bad["parameters"] = Json::array();
  EXPECT_NE(policy_error(bad).find("parameters"), std::string::npos);
  bad["parameters"] = 3;
  EXPECT_NE(policy_error(bad).find("parameters should be an array of objects, not a number"),
            std::string::npos);
  bad.erase("parameters");
  EXPECT_NE(policy_error(bad).find("parameters is required"), std::string::npos);
}

TEST(Registry, AnUnknownTypeListsTheKnownOnes) {
  const std::string message = policy_error({{"type", "ucb2"}}, "points[0].policy");
  EXPECT_EQ(message.find("points[0].policy.type = \"ucb2\" is none of: "), 0U) << message;
  for (const char* const known : {"ucb1", "q_learning", "gp_optimizer"}) {
    EXPECT_NE(message.find(known), std::string::npos) << message;
  }
  EXPECT_EQ(message.find("sgd"), std::string::npos);  // no policy
  EXPECT_NE(policy_error(Json::object()).find("type is required: one of "), std::string::npos);
  EXPECT_NE(policy_error({{"type", 3}}).find("type should be a string, not a number"), std::string::npos);
  EXPECT_NE(policy_error(Json::array()).find("should be an object, not an array"), std::string::npos);
  EXPECT_NE(policy_error(nullptr, "x").find("x should be an object, not null"), std::string::npos);
  EXPECT_FALSE(make_learner({{"type", "ucb1"}}, kShape));
}

TEST(Registry, NothingIsNarrowedRoundedOrGuessed) {
  const auto with = [](const char* key, const Json& value) {
    Json spec{{"type", "q_learning"}, {"states", 2}};
    spec[key] = value;
    return spec;
  };
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  const auto has = [](const std::string& message, std::string_view part) {
    EXPECT_NE(message.find(part), std::string::npos) << message << " lacks " << part;
  };
  has(policy_error(with("states", -1), "a.b"), "a.b.states = -1 is outside [1, 16777216]");
  has(policy_error(with("states", 2.9)), "states = 2.9 is not a whole number");
  has(policy_error(with("states", 1e300)), "states = 1e+300 is outside");
  has(policy_error(with("states", 4294967297)), "states = 4294967297 is outside");
  has(policy_error(with("states", std::numeric_limits<std::uint64_t>::max())), "is outside");
  has(policy_error(with("states", std::numeric_limits<std::int64_t>::min())), "is outside");
  has(policy_error(with("states", "2")), "states should be a number, not a string");
  has(policy_error(with("states", nullptr)), "states should be a number, not null");
  has(policy_error(with("states", true)), "states should be a number, not a boolean");
  has(policy_error(with("gamma", std::nan(""))), "gamma = nan is outside [0, 1]");
  has(policy_error(with("gamma", kInfinity)), "gamma = inf is outside [0, 1]");
  has(policy_error(with("gamma", -kInfinity)), "gamma = -inf is outside");
  has(policy_error(with("gamma", 1.0000000001)), "gamma = 1.0000000001 is outside");
  has(policy_error(with("learning_rate", "sometimes")), "\"sometimes\" is none of: constant, visits");
  has(policy_error(with("learning_rate", 1)),
      "learning_rate should be one of constant, visits, not a number");
  has(policy_error(with("Gamma", 1)), "Gamma is no known key; known here: type, states, alpha");
  // A whole number is one however it is written.
  EXPECT_TRUE(make_policy(with("states", 2.0), kShape));
  EXPECT_TRUE(make_policy(with("gamma", 1), kShape));
}

TEST(Registry, AnAgentOfNumberedStatesNeedsOneFeature) {
  const Json spec{{"type", "q_learning"}, {"states", 2}};
  for (const Shape& shape :
       {Shape{.arms = 2}, Shape{.arms = 2, .features = 2}, Shape{.arms = 2, .features = 1, .sparse = true}}) {
    const Result<AnyPolicy> made = make_policy(spec, shape, "p");
    ASSERT_FALSE(made);
    EXPECT_NE(made.error().message.find("p: q_learning reads its state from 1 dense feature"),
              std::string::npos)
        << made.error().message;
  }
}

/// Holds one schema against what the algorithm declares.
void check_object_schema(const Json& schema, const AlgorithmInfo& algorithm) {
  EXPECT_EQ(schema.at("type"), "object");
  EXPECT_EQ(schema.at("additionalProperties"), false);
  EXPECT_EQ(schema.at("properties").at("type").at("const"), algorithm.name);
  EXPECT_EQ(schema.at("properties").size(), algorithm.options.size() + 1);
  const auto required = schema.at("required").get<std::vector<std::string>>();
  EXPECT_NE(std::ranges::find(required, "type"), required.end());
  for (const OptionInfo& option : algorithm.options) {
    const Json& property = schema.at("properties").at(option.name);
    EXPECT_EQ(std::ranges::find(required, option.name) != required.end(), option.required) << option.name;
    EXPECT_EQ(property.contains("default"), !option.required) << option.name;
    EXPECT_EQ(property.at("description"), option.doc);
    if (option.type == "number" || option.type == "integer") {
      EXPECT_EQ(property.at("type"), option.type);
      EXPECT_EQ(property.at("minimum").get<double>(), option.min);
      EXPECT_EQ(property.at("maximum").get<double>(), option.max);
    }
  }
}

TEST(Registry, TheSchemaCoversEveryAlgorithmAndOption) {
  const Registry registry;
  const Json policies = policy_schema();
  EXPECT_EQ(learner_schema(), registry.schema(Family::learner));
  std::map<std::string, std::size_t> seen;  // algorithms of each schema
  for (const AlgorithmInfo& algorithm : algorithms()) {
    SCOPED_TRACE(algorithm.name);
    const Json schema = registry.schema(algorithm.family);
    check_object_schema(schema.at("oneOf").at(seen[schema.dump()]++), algorithm);
    if (algorithm.family != Family::learner && schema != policies) {  // it has a function of its own beside
      check_object_schema(policies.at("oneOf").at(seen[policies.dump()]++), algorithm);
    }
  }
  EXPECT_EQ(seen.size(), 5U);
  for (const auto& [text, count] : seen) {
    EXPECT_EQ(Json::parse(text).at("oneOf").size(), count);
  }
  EXPECT_EQ(Json::parse(policies.dump()), policies);
  const auto one =
      std::ranges::find(policies.at("oneOf"), "gp_optimizer", [](const Json& s) { return s.at("title"); });
  const Json& list = one->at("properties").at("parameters");
  EXPECT_EQ(list.at("minItems"), 1);
  EXPECT_EQ(list.at("items").at("properties").at("scale").at("enum"), (Json{"linear", "log"}));
}

TEST(Registry, NamesAreUnique) {
  std::set<std::string> policies;
  std::set<std::string> learners;
  for (const AlgorithmInfo& algorithm : algorithms()) {
    EXPECT_TRUE((algorithm.family == Family::learner ? learners : policies).insert(algorithm.name).second)
        << algorithm.name;
  }
}

// ------------------------------------------------------------------------- algorithms of the program's own

/// A bandit that always takes the first arm.
class FirstArm {
 public:
  using Config = EveryField;
  static constexpr std::string_view kName = "first_arm";
  static constexpr std::uint32_t kStateVersion = 1;
  static Result<FirstArm> make(const Config& config, const Shape& shape) {
    if (config.text == "broken") {
      return fail(Errc::invalid_config, "text = broken");
    }
    return FirstArm(shape.arms);
  }
  Choice select(const Context& /*context*/, Rng& /*rng*/) const noexcept {
    return {.arm = to_arm(0), .propensity = 1.0, .status = Errc::ok};
  }
  Errc update(const Feedback& /*feedback*/) noexcept {
    ++updates_;
    return Errc::ok;
  }
  std::size_t arm_count() const noexcept { return arms_; }
  bool enabled(ArmIndex arm) const noexcept { return to_index(arm) < arms_; }
  Result<ArmIndex> add_arm() { return to_arm(arms_++); }
  Errc set_enabled(ArmIndex /*arm*/, bool /*on*/) noexcept { return Errc::ok; }
  Errc reset_arm(ArmIndex /*arm*/) noexcept { return Errc::ok; }
  Result<void> warm_start(ArmIndex /*arm*/, const ArmPrior& /*prior*/) { return {}; }
  std::uint64_t updates() const noexcept { return updates_; }
  void save(Writer& writer) const { writer.u64(updates_); }
  Result<void> load(Reader& reader) {
    updates_ = reader.u64();
    return {};
  }
  Description describe() const { return {}; }
  bool operator==(const FirstArm&) const = default;

 private:
  explicit FirstArm(std::size_t arms) : arms_(arms) {}
  std::size_t arms_;
  std::uint64_t updates_ = 0;
};

TEST(Registry, TakesAlgorithmsOfTheProgramsOwn) {
  Registry registry;
  const std::size_t before = registry.algorithms().size();
  ASSERT_TRUE(registry.add<FirstArm>());
  EXPECT_EQ(registry.add<FirstArm>().error().code, Errc::duplicate);
  const std::vector<AlgorithmInfo> all = registry.algorithms();
  EXPECT_EQ(all.size(), before + 1);
  EXPECT_TRUE(std::ranges::is_sorted(all, {}, &AlgorithmInfo::family));
  const AnyPolicy made = registry.make_policy({{"type", "first_arm"}, {"numbers", {1}}}, kShape).value();
  EXPECT_NE(std::get<AnyBandit>(made).as<FirstArm>(), nullptr);
  EXPECT_EQ(registry.make_policy({{"type", "first_arm"}, {"text", "broken"}}, kShape, "at").error().message,
            "at: text = broken");
  EXPECT_FALSE(make_policy({{"type", "first_arm"}}, kShape));  // the built-in list is another
}

}  // namespace
}  // namespace attune::registry_test
