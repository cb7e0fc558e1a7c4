// SPDX-License-Identifier: Apache-2.0
#include <attune/rewards/reward_spec.hpp>

#include <functional>
#include <limits>
#include <string>

#include <gtest/gtest.h>

namespace attune::reward_spec_test {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kInf = std::numeric_limits<double>::infinity();

/// The message for a default specification with one change; empty when it is accepted.
std::string complaint(const std::function<void(RewardSpec&)>& change) {
  RewardSpec spec;
  change(spec);
  const Result<void> verdict = check(spec);
  if (verdict) {
    return {};
  }
  EXPECT_EQ(verdict.error().code, Errc::invalid_config);
  return verdict.error().message;
}

TEST(RewardSpec, AcceptsTheDefaults) { EXPECT_TRUE(check(RewardSpec{})); }

TEST(RewardSpec, NamesTheFieldTheValueAndTheRule) {
  EXPECT_EQ(complaint([](RewardSpec& s) { s.lambda = 1.5; }), "lambda = 1.5 is outside [0, 1]");
  EXPECT_EQ(complaint([](RewardSpec& s) { s.max_pending = 0; }), "max_pending = 0 is outside [1, 100000000]");
  EXPECT_EQ(complaint([](RewardSpec& s) { s.join_window_s = 0.0; }),
            "join_window_s = 0 is outside (0, 1e+09]");
  EXPECT_EQ(complaint([](RewardSpec& s) {
              s.components.front().normalise = Normalisation::range;
              s.components.front().range_min = 2.0;
            }),
            "components[0].range_min = 2 is not below range_max = 1");
}

TEST(RewardSpec, RefusesNumbersOutsideTheirRange) {
  EXPECT_NE(complaint([](RewardSpec& s) { s.join_window_s = kNaN; }), "");
  EXPECT_NE(complaint([](RewardSpec& s) { s.join_window_s = kInf; }), "");
  EXPECT_NE(complaint([](RewardSpec& s) { s.default_reward = kNaN; }), "");
  EXPECT_NE(complaint([](RewardSpec& s) { s.breach_reward = -kInf; }), "");
  EXPECT_NE(complaint([](RewardSpec& s) { s.reward_min = s.reward_max; }), "");
  EXPECT_NE(complaint([](RewardSpec& s) { s.lambda = -0.1; }), "");
  EXPECT_NE(complaint([](RewardSpec& s) { s.max_signals = 0; }), "");
  EXPECT_NE(complaint([](RewardSpec& s) { s.max_signals = 65'536; }), "");
  EXPECT_NE(complaint([](RewardSpec& s) { s.max_closed = 100'000'001; }), "");
  EXPECT_EQ(complaint([](RewardSpec& s) { s.max_closed = 0; }), "");
}

TEST(RewardSpec, RefusesComponentsThatCannotBe) {
  EXPECT_NE(complaint([](RewardSpec& s) { s.components.clear(); }), "");
  EXPECT_NE(complaint([](RewardSpec& s) { s.components.resize(65); }), "");
  EXPECT_NE(complaint([](RewardSpec& s) { s.components.front().name.clear(); }), "");
  EXPECT_NE(complaint([](RewardSpec& s) { s.components.front().name.assign(256, 'x'); }), "");
  EXPECT_NE(complaint([](RewardSpec& s) { s.components.front().weight = kNaN; }), "");
  EXPECT_NE(complaint([](RewardSpec& s) { s.components.front().default_value = kInf; }), "");
  EXPECT_EQ(complaint([](RewardSpec& s) { s.components.resize(2); }),
            "components[1].name = 'reward' is already the name of components[0]");
  EXPECT_EQ(complaint([](RewardSpec& s) {
              s.components.front() = {
                  .has_limit_min = true, .limit_min = 3, .has_limit_max = true, .limit_max = 2};
            }),
            "components[0].limit_min = 3 is above limit_max = 2");
}

TEST(RewardSpec, RefusesRulesThatContradict) {
  EXPECT_NE(complaint([](RewardSpec& s) {
              s.late = Lateness::learn;
              s.silence = Silence::default_value;
            }),
            "");
  EXPECT_NE(complaint([](RewardSpec& s) {
              s.late = Lateness::learn;
              s.credit = Credit::uniform;
            }),
            "");
  EXPECT_NE(complaint([](RewardSpec& s) {
              s.late = Lateness::learn;
              s.max_closed = 0;
            }),
            "");
  EXPECT_NE(complaint([](RewardSpec& s) { s.credit = Credit::custom; }), "");
  EXPECT_NE(complaint([](RewardSpec& s) { s.credit_function = "share"; }), "");
  EXPECT_EQ(complaint([](RewardSpec& s) { s.late = Lateness::learn; }), "");
}

}  // namespace
}  // namespace attune::reward_spec_test
