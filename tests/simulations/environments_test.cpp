// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <numbers>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <Eigen/Dense>
#include <nlohmann/json.hpp>

#include "simulations/environment_factory.hpp"
#include "tests/simulations/sandbox.hpp"
#include "tests/support/statistics.hpp"

namespace attune::sim::environments_test {
namespace {

using test::environment_of;

/// What each arm pays on average over `steps` steps.
std::vector<double> mean_outcomes(const Environment& environment, std::uint64_t seed, std::uint64_t steps) {
  const std::unique_ptr<World> world = environment.start(seed, steps);
  const std::size_t components = environment.info().components.size();
  std::vector<double> sums(environment.info().arms.size());
  Step step;
  for (std::uint64_t t = 0; t < steps; ++t) {
    world->step(t, step);
    for (std::size_t arm = 0; arm < sums.size(); ++arm) {
      sums[arm] += step.outcome_of(arm, components)[0] / static_cast<double>(steps);
    }
  }
  return sums;
}

TEST(Environments, BernoulliArmsPayTheirProbabilities) {
  const auto environment = environment_of(R"({"type":"bernoulli","means":[0.0,0.1,0.5,1.0]})");
  const double steps = 50'000;
  const std::vector<double> means = mean_outcomes(*environment, 3, 50'000);
  EXPECT_EQ(means[0], 0.0);
  EXPECT_TRUE(test::mean_matches(means[1], 0.1, std::sqrt(0.1 * 0.9), steps));
  EXPECT_TRUE(test::mean_matches(means[2], 0.5, 0.5, steps));
  EXPECT_NEAR(means[3], 1.0, 1e-9) << "a running mean of ones, rounded at each step";
}

TEST(Environments, GaussianRewardsFollowTheNormalDistribution) {
  const auto environment = environment_of(R"({"type":"gaussian","means":[1.0,-2.0],"deviations":[0.5,3.0]})");
  const std::unique_ptr<World> world = environment->start(5, 20'000);
  std::vector<double> first;
  std::vector<double> second;
  Step step;
  for (std::uint64_t t = 0; t < 20'000; ++t) {
    world->step(t, step);
    first.push_back((step.outcome[0] - 1.0) / 0.5);
    second.push_back((step.outcome[1] + 2.0) / 3.0);
  }
  const auto normal = [](double x) { return 0.5 * std::erfc(-x / std::numbers::sqrt2); };
  EXPECT_TRUE(test::follows(first, normal));
  EXPECT_TRUE(test::follows(second, normal));
}

TEST(Environments, LinearContextsAreUnitVectorsAndExpectationsAreLinear) {
  const auto environment =
      environment_of(R"({"type":"linear","arms":3,"features":4,"offset":0.5,"scale":0.5,"deviation":0.1})");
  const std::unique_ptr<World> world = environment->start(9, 1000);
  Step step;
  // Each expectation is 0.5 + 0.5 <x, theta>: four points determine theta, and all others must agree with it.
  constexpr int kSteps = 1000;
  Eigen::MatrixXd x(kSteps, 4);
  Eigen::VectorXd y(kSteps);
  double noise = 0.0;
  for (int t = 0; t < kSteps; ++t) {
    world->step(static_cast<std::uint64_t>(t), step);
    x.row(t) = Eigen::Map<const Eigen::RowVectorXd>(step.context.data(), 4);
    ASSERT_NEAR(x.row(t).squaredNorm(), 1.0, 1e-12);
    y(t) = (step.expected[0] - 0.5) / 0.5;
    noise += (step.outcome[0] - step.expected[0]) / kSteps;
  }
  const Eigen::VectorXd theta = x.topRows(4).fullPivLu().solve(y.head(4));
  EXPECT_NEAR(theta.norm(), 1.0, 1e-9);
  EXPECT_LT((x * theta - y).cwiseAbs().maxCoeff(), 1e-9);
  EXPECT_TRUE(test::mean_matches(noise, 0.0, 0.1, kSteps));
}

TEST(Environments, PiecewiseMeansChangeAtTheStepGiven) {
  const auto environment =
      environment_of(R"({"type":"piecewise","phases":[{"until":10,"means":[0.2,0.9]},{"means":[0.7,0.1]}]})");
  const std::unique_ptr<World> world = environment->start(1, 20);
  Step step;
  world->step(9, step);
  EXPECT_EQ(step.expected, (std::vector<double>{0.2, 0.9}));
  world->step(10, step);
  EXPECT_EQ(step.expected, (std::vector<double>{0.7, 0.1}));
}

TEST(Environments, GradualMeansFollowTheSine) {
  const auto environment =
      environment_of(R"({"type":"gradual","means":[0.5,0.95],"amplitude":0.2,"period":400})");
  const std::unique_ptr<World> world = environment->start(1, 400);
  Step step;
  world->step(100, step);  // a quarter turn: sin = 1 for arm 0; arm 1 is half a turn ahead: sin = -1
  EXPECT_NEAR(step.expected[0], 0.7, 1e-12);
  EXPECT_NEAR(step.expected[1], 0.75, 1e-12);
  world->step(300, step);
  EXPECT_NEAR(step.expected[0], 0.3, 1e-12);
  EXPECT_EQ(step.expected[1], 1.0) << "cut to a probability";
}

TEST(Environments, GatewayModelsHaveTheirPublishedPassRateAndPrice) {
  // With no spread among languages the mean over tasks is a closed form; the published rates are those of the
  // header.
  const auto environment = environment_of(R"({"type":"llm_gateway"})");
  const std::uint64_t steps = 40'000;
  const std::unique_ptr<World> world = environment->start(4, steps);
  const std::size_t arms = environment->info().arms.size();
  std::vector<double> quality(arms);
  std::vector<double> cost(arms);
  std::vector<double> latency(arms);
  Step step;
  for (std::uint64_t t = 0; t < steps; ++t) {
    world->step(t, step);
    for (std::size_t arm = 0; arm < arms; ++arm) {
      const auto outcome = step.outcome_of(arm, 3);
      quality[arm] += outcome[0] / static_cast<double>(steps);
      cost[arm] += outcome[1] / static_cast<double>(steps);
      latency[arm] += outcome[2] / static_cast<double>(steps);
    }
  }
  const std::vector<double> rates{0.089, 0.324, 0.564, 0.791, 0.769, 0.591, 0.813, 0.702};
  const std::vector<double> seconds{12.0, 19.5, 29.8, 175.2, 101.7, 67.6, 62.4, 104.0};
  for (std::size_t arm = 0; arm < arms; ++arm) {
    EXPECT_TRUE(test::mean_matches(quality[arm], rates[arm], std::sqrt(rates[arm] * (1 - rates[arm])),
                                   static_cast<double>(steps)))
        << environment->info().arms[arm];
    // A log-normal factor with deviation s of its logarithm has variance exp(s^2) - 1.
    EXPECT_TRUE(test::mean_matches(latency[arm], seconds[arm], seconds[arm] * std::sqrt(std::expm1(0.16)),
                                   static_cast<double>(steps)));
  }
  EXPECT_TRUE(test::mean_matches(cost[0], 0.4281 / 225, 0.4281 / 225 * std::sqrt(std::expm1(0.36)),
                                 static_cast<double>(steps)));
}

/// Every kind of world that needs no data.
const std::vector<std::string> kWorlds{
    R"({"type":"bernoulli","means":[0.3,0.6]})",
    R"({"type":"gaussian","means":[0.3,0.6]})",
    R"({"type":"linear","arms":3,"features":2})",
    R"({"type":"linear","arms":3,"features":2,"rewards":"bernoulli"})",
    R"({"type":"piecewise","phases":[{"until":5,"means":[0.2,0.9]},{"means":[0.7,0.1]}]})",
    R"({"type":"gradual","means":[0.5,0.5],"amplitude":0.2,"period":100})",
    R"({"type":"llm_gateway"})"};

TEST(Environments, AStepIsAFunctionOfSeedAndNumberAlone) {
  for (const std::string& text : kWorlds) {
    const auto environment = environment_of(text);
    const std::unique_ptr<World> forward = environment->start(7, 50);
    const std::unique_ptr<World> again = environment->start(7, 50);
    const std::unique_ptr<World> other = environment->start(8, 50);
    std::vector<Step> seen(50);
    for (std::uint64_t t = 0; t < 50; ++t) {
      forward->step(t, seen[t]);
    }
    bool differs = false;
    for (std::uint64_t t = 50; t-- > 0;) {
      Step step;
      again->step(t, step);
      EXPECT_EQ(step.context, seen[t].context) << text;
      EXPECT_EQ(step.outcome, seen[t].outcome) << text;
      EXPECT_EQ(step.expected, seen[t].expected) << text;
      other->step(t, step);
      differs = differs || step.outcome != seen[t].outcome;
    }
    EXPECT_TRUE(differs) << "another seed is another world: " << text;
  }
}

TEST(Environments, ExpectationsAreTheMeansOfOutcomes) {
  for (const std::string& text : kWorlds) {
    const auto environment = environment_of(text);
    const std::size_t cells = environment->info().arms.size() * environment->info().components.size();
    const std::unique_ptr<World> world = environment->start(2, 20'000);
    std::vector<double> sum(cells);
    std::vector<double> squares(cells);
    Step step;
    for (std::uint64_t t = 0; t < 20'000; ++t) {
      world->step(t, step);
      for (std::size_t cell = 0; cell < cells; ++cell) {
        const double noise = step.outcome[cell] - step.expected[cell];
        sum[cell] += noise;
        squares[cell] += noise * noise;
      }
    }
    for (std::size_t cell = 0; cell < cells; ++cell) {
      const double deviation = std::sqrt(squares[cell] / 20'000);
      EXPECT_TRUE(deviation == 0.0 || test::mean_matches(sum[cell] / 20'000, 0.0, deviation, 20'000))
          << text << " cell " << cell;
    }
  }
}

TEST(Environments, RefuseWhatTheyCannotUse) {
  const auto refusal = [](const char* text) {
    const auto made = make_environment(nlohmann::json::parse(text), FileRoots{});
    return made ? std::string() : made.error().message;
  };
  EXPECT_NE(refusal(R"({"type":"nothing"})").find("must be one of bernoulli"), std::string::npos);
  EXPECT_NE(refusal(R"({"type":"bernoulli"})").find("environment.means is missing"), std::string::npos);
  EXPECT_NE(refusal(R"({"type":"bernoulli","means":[]})").find("empty"), std::string::npos);
  EXPECT_NE(refusal(R"({"type":"bernoulli","means":[0.5,1.5]})")
                .find("environment.means[1] = 1.5 is outside [0, 1]"),
            std::string::npos);
  EXPECT_NE(refusal(R"({"type":"bernoulli","means":[0.5],"mean":1})").find("environment.mean is not known"),
            std::string::npos);
  EXPECT_NE(refusal(R"({"type":"bernoulli","means":[0.5],"arms":["a","b"]})").find("2 names for 1 arms"),
            std::string::npos);
  EXPECT_NE(refusal(R"({"type":"gaussian","means":[1,2],"deviations":[1]})").find("1 numbers for 2"),
            std::string::npos);
  EXPECT_NE(refusal(R"({"type":"linear","arms":2.5,"features":2})").find("whole number"), std::string::npos);
  EXPECT_NE(
      refusal(R"({"type":"piecewise","phases":[{"means":[0.1]},{"means":[0.2]}]})").find("until is missing"),
      std::string::npos);
  EXPECT_NE(refusal(R"({"type":"full_log","preset":"x"})").find("must be one of llmrouter-uiuc"),
            std::string::npos);
  EXPECT_NE(
      refusal(R"({"type":"full_log","file":"/nowhere/x.csv","outcome":"score:"})").find("cannot be opened"),
      std::string::npos);
}

}  // namespace
}  // namespace attune::sim::environments_test
