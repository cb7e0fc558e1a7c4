// SPDX-License-Identifier: Apache-2.0
// Regret on the standard instances against figures of a program that shares nothing with this one.
#include <algorithm>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "simulations/regret.hpp"

namespace attune::sim::regret_slow_test {
namespace {

using nlohmann::json;

/// Of two sides, at one false alarm in a million.
constexpr double kQuantile = 4.9;

Regret measure(const json& policy, std::size_t instance, std::uint64_t runs, bool known_horizon = false) {
  Result<Regret> regret = measure_regret(policy, standard_instances().at(instance),
                                         {.runs = runs, .known_horizon = known_horizon});
  EXPECT_TRUE(regret) << regret.error().message;
  return regret ? *regret : Regret{};
}

/// A policy, the place of its known figure, and whether that is for a known horizon.
struct Known {
  const char* type;
  std::size_t place;
  bool horizon;
};
class KnownRegret : public testing::TestWithParam<Known> {};
INSTANTIATE_TEST_SUITE_P(Policies, KnownRegret,
                         testing::Values(Known{"ucb1", 0, false}, Known{"ucb_tuned", 1, false},
                                         Known{"moss", 2, true}, Known{"kl_ucb", 3, false},
                                         Known{"kl_ucb_pp", 4, true}, Known{"thompson_beta", 5, false},
                                         Known{"imed", 6, false}),
                         [](const testing::TestParamInfo<Known>& each) {
                           return std::string(each.param.type);
                         });

// The known figure is a mean of 4,000 or 400 runs, ours of fewer: its error is at most ours.
TEST_P(KnownRegret, IsMetWithinTheErrorsOfBoth) {
  const Known known = GetParam();
  for (const auto& [instance, runs] : {std::pair{0, 400}, std::pair{5, 40}, std::pair{3, 20}}) {
    const Regret regret = measure({{"type", known.type}}, static_cast<std::size_t>(instance),
                                  static_cast<std::uint64_t>(runs), known.horizon);
    const double expected =
        standard_instances().at(static_cast<std::size_t>(instance)).reference.at(known.place);
    EXPECT_NEAR(regret.mean, expected, kQuantile * std::sqrt(2.0) * regret.error + 0.005 * expected)
        << known.type << " on " << instance << ", error " << regret.error;
  }
}

// The policies without a known figure: no worse than the worst of the known ones that have their guarantee.
TEST(RegretOfPolicies, BayesUcbAndUcbVAreWithinTheirFamilies) {
  for (const std::size_t instance : {std::size_t{0}, std::size_t{5}}) {
    const std::vector<double>& known = standard_instances()[instance].reference;
    const Regret bayes = measure({{"type", "bayes_ucb"}}, instance, 40);
    EXPECT_LT(bayes.mean - kQuantile * bayes.error, known[3]) << "KL-UCB's";
    EXPECT_GT(bayes.mean + kQuantile * bayes.error, 0.5 * known[5]) << "it must explore";
    // With rewards of variance below 1/4 and c = 0.1 it should not lose to UCB1.
    const Regret variance = measure({{"type", "ucb_v"}, {"c", 0.1}}, instance, 40);
    EXPECT_LT(variance.mean - kQuantile * variance.error, known[0]);
  }
}

// The default policy is within two standard errors of the better of Thompson and IMED, or below, on each
// instance; here with a tenth of the runs and wider errors, in docs/regret.md with all.
TEST(RegretOfPolicies, TheDefaultPolicyIsAheadOnEveryInstance) {
  for (std::size_t i = 0; i < standard_instances().size(); ++i) {
    const RegretInstance& instance = standard_instances()[i];
    const Regret regret = measure({{"type", "kl_moss"}}, i, std::max<std::uint64_t>(instance.runs / 20, 8));
    EXPECT_LT(regret.mean, std::min(instance.reference[5], instance.reference[6]) + 2.0 * regret.error)
        << instance.name << ", error " << regret.error;
    EXPECT_GT(regret.mean, 0.15 * lai_robbins_constant(instance.means))
        << instance.name << ": it must explore";
  }
  const Regret many = measure({{"type", "kl_moss"}}, 6, 12);
  EXPECT_LT(many.mean + 4.0 * many.error, 1556.0) << "a hundred arms";
}

}  // namespace
}  // namespace attune::sim::regret_slow_test
