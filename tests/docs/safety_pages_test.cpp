// SPDX-License-Identifier: Apache-2.0
// The examples of the pages about anomalies, uncertainty and hostile input: they stand here or with the
// tests, and run.
#include <cmath>
#include <sstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <attune/engine/anomaly_detectors.hpp>
#include <attune/safety/calibration.hpp>
#include <attune/safety/conformal.hpp>
#include <attune/safety/hampel.hpp>
#include <attune/safety/mahalanobis.hpp>
#include <attune/safety/recalibration.hpp>
#include <attune/safety/source_cap.hpp>
#include <attune/safety/winsorizer.hpp>

#include "tests/docs/pages.hpp"

namespace attune::safety_pages_test {
namespace {

/// Without white space, which clang-format has its own ideas of.
std::string squeezed(const std::string& text) {
  std::string kept;
  for (const char c : text) {
    if (c != ' ' && c != '\n') {
      kept += c;
    }
  }
  return kept;
}

TEST(SafetyPages, HaveExamplesThatRun) {
  // That of the tokens needs the store, and stands with their tests.
  const std::string here = squeezed(test::read_page("tests/docs/safety_pages_test.cpp") +
                                    test::read_page("tests/store/decision_token_test.cpp"));
  for (const char* page : {"docs/anomaly.md", "docs/uncertainty.md", "docs/poisoning.md"}) {
    std::istringstream lines(test::read_page(page));
    std::string line;
    int examples = 0;
    while (std::getline(lines, line)) {
      if (line.starts_with("    ") && !line.starts_with("    attune-sim ")) {
        ++examples;
        const std::string code = squeezed(line.substr(0, line.find("  //")));
        EXPECT_NE(here.find(code), std::string::npos) << page << ": " << line;
      }
    }
    EXPECT_GE(examples, 3) << page;
  }
}

TEST(SafetyPages, Anomalies) {
  const double latency = 12.0;
  attune::Hampel detector = attune::Hampel::make({.window = 51}).value();
  const attune::Anomaly verdict = detector.update(latency);
  const double usable = verdict.is_anomaly ? verdict.expected : latency;  // Hampel's filter
  EXPECT_EQ(usable, 12.0);
  EXPECT_EQ(attune::make_anomaly_detector({{"type", "hampel"}, {"window", 51}}).value().name(), "hampel");

  const std::vector<double> context(8, 1.0);
  attune::Mahalanobis usual = attune::Mahalanobis::make({.dimension = 8}).value();
  if (usual.update(context).is_anomaly) { /* out of distribution: do not trust the model */
  }
  EXPECT_EQ(usual.count().values, 1U);
}

TEST(SafetyPages, Uncertainty) {
  const double prediction = 1.0;
  const double outcome = 1.5;
  attune::AdaptiveConformal intervals = attune::AdaptiveConformal::make({.miscoverage = 0.1}).value();
  {
    const attune::Interval where = intervals.interval(prediction);  // prediction -+ q, or infinite
    const attune::Errc taken = intervals.update(prediction, outcome);
    EXPECT_TRUE(where.holds(outcome));
    EXPECT_EQ(taken, attune::Errc::ok);
  }
  const double probability = 0.75;
  const bool happened_now = true;
  {
    const bool happened = happened_now;
    attune::CalibrationMonitor monitor = attune::CalibrationMonitor::make({}).value();
    const attune::Errc taken = monitor.update(probability, happened ? 1.0 : 0.0);
    const double error = attune::expected_calibration_error(monitor.recent_bins(attune::Binning::equal_mass));
    EXPECT_EQ(taken, attune::Errc::ok);
    EXPECT_EQ(error, 0.25);
  }
  const std::vector<double> scores{-1.2, -0.3, 0.4, 1.9};
  const std::vector<std::uint8_t> happened{0, 1, 0, 1};
  const attune::PlattScaling fit = attune::PlattScaling::fit(scores, happened).value();
  const double p = fit.probability(0.7);
  EXPECT_GT(p, 0.5);
}

TEST(SafetyPages, HostileInput) {
  const std::uint64_t tenant_hash = 7;
  const double reward = 0.5;
  double learned = 0.0;
  const auto learn = [&learned](double value, double by) { learned += value * by; };
  attune::SourceCap cap = attune::SourceCap::make({.share = 0.1}).value();
  attune::Winsorizer clip = attune::Winsorizer::make({}).value();
  const double weight = cap.admit(tenant_hash);  // 0: this tenant has had its tenth
  if (weight > 0.0) {
    learn(clip.update(reward), weight);
  }
  EXPECT_EQ(learned, 0.5);
}

}  // namespace
}  // namespace attune::safety_pages_test
