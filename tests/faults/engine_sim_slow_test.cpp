// SPDX-License-Identifier: Apache-2.0
// Whole-engine simulation. A red seed prints the line that runs it again, with its steps:
//   ATTUNE_SEED=123 build/release/tests/faults/test_faults_slow --gtest_filter=EngineSimulation.*
#include <cstdint>
#include <cstdlib>
#include <string>

#include <gtest/gtest.h>

#include "tests/faults/engine_sim.hpp"
#include "tests/faults/fault_count.hpp"

namespace attune::test::engine_sim_slow_test {
namespace {

std::uint64_t number_or(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

class EngineSimulation : public ::testing::TestWithParam<std::uint64_t> {};

// In parts, so that ctest runs them side by side.
constexpr std::uint64_t kSeedsAPart = 625;

TEST_P(EngineSimulation, KeepsEveryPromise) {
  FaultCount whole("F01-F17", "whole-engine simulation, seeds");
  FaultCount retries("F17", "simulated: decisions asked for again with the same client key");
  FaultCount lies("F06", "simulated: lying flushes");
  FaultCount power("F07", "simulated: losses of power");
  FaultCount damage("F10", "simulated: pages zeroed, misdirected, cut, bits flipped");
  SimReport sum;
  const auto one = [&](std::uint64_t seed) {
    const SimReport report = simulate(seed);
    whole.note(report.violation.empty()
                   ? ""
                   : report.violation + "\n  replay: ATTUNE_SEED=" + std::to_string(seed) +
                         " test_faults_slow --gtest_filter='*EngineSimulation*/0'");
    retries.pass(report.retries);
    power.pass(report.power_losses);
    damage.pass(report.damages);
    lies.pass(report.lies_reported + report.lies_unnoticed);
    sum.decisions += report.decisions;
    sum.recoveries += report.recoveries;
    sum.kills += report.kills;
    sum.power_losses += report.power_losses;
    sum.failed_pumps += report.failed_pumps;
    sum.failed_opens += report.failed_opens;
    sum.damages += report.damages;
    sum.damages_reported += report.damages_reported;
    sum.lies_reported += report.lies_reported;
    sum.lies_unnoticed += report.lies_unnoticed;
  };
  if (std::getenv("ATTUNE_SEED") != nullptr) {
    one(number_or("ATTUNE_SEED", 0));
    return;
  }
  const std::uint64_t count = kSeedsAPart * fault_scale();
  const std::uint64_t first = number_or("ATTUNE_FIRST_SEED", 1) + GetParam() * count;
  for (std::uint64_t seed = first; seed < first + count; ++seed) {
    one(seed);
  }
  std::printf(
      "seeds %llu to %llu: %llu decisions, %llu recoveries, %llu kills, %llu power losses, %llu failed "
      "pumps, "
      "%llu failed opens, %llu damages (%llu reported), lies %llu reported, %llu unnoticed\n",
      static_cast<unsigned long long>(first), static_cast<unsigned long long>(first + count - 1),
      static_cast<unsigned long long>(sum.decisions), static_cast<unsigned long long>(sum.recoveries),
      static_cast<unsigned long long>(sum.kills), static_cast<unsigned long long>(sum.power_losses),
      static_cast<unsigned long long>(sum.failed_pumps), static_cast<unsigned long long>(sum.failed_opens),
      static_cast<unsigned long long>(sum.damages), static_cast<unsigned long long>(sum.damages_reported),
      static_cast<unsigned long long>(sum.lies_reported),
      static_cast<unsigned long long>(sum.lies_unnoticed));
  EXPECT_GT(retries.passed(), 0U);
  EXPECT_GT(sum.kills, 0U);
  EXPECT_GT(sum.power_losses, 0U);
  EXPECT_GT(sum.failed_pumps, 0U) << "the runs met no trouble: they tested nothing";
}

INSTANTIATE_TEST_SUITE_P(Seeds, EngineSimulation, ::testing::Range<std::uint64_t>(0, 8));

}  // namespace
}  // namespace attune::test::engine_sim_slow_test
