// SPDX-License-Identifier: Apache-2.0
// F22: the engine in thread mode, one schedule a seed. A red seed prints the line that runs it again:
//   ATTUNE_SEED=123 build/release/tests/schedules/test_schedules_slow --gtest_filter='*EngineSchedules*/0'
// With ATTUNE_SCHEDULE_TRACE=1 it says which thread gave way to which, and where.
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include <gtest/gtest.h>

#include "tests/faults/fault_count.hpp"
#include "tests/schedules/child.hpp"
#include "tests/schedules/engine_schedule.hpp"

namespace attune::test::engine_schedule_slow_test {
namespace {

std::uint64_t number_or(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

using Numbers = std::array<std::uint64_t, 10>;

Numbers numbers_of(const EngineScheduleReport& report) {
  return {report.decisions, report.outcomes, report.acknowledged, report.full,  report.late,
          report.ends,      report.points,   report.switches,     report.trace, report.bytes};
}

struct Verdict {
  std::string violation;
  Numbers numbers{};
};

/// One seed in a process of its own.
Verdict verdict_of(std::uint64_t seed) {
  const ChildEnd end = in_child([&](const Scheduler::Stuck& stuck) {
    const EngineScheduleReport report = run_engine_schedule(seed, stuck);
    const Numbers numbers = numbers_of(report);
    return std::string(reinterpret_cast<const char*>(numbers.data()), sizeof numbers) + report.violation;
  });
  Verdict verdict{.violation = end.trouble};
  if (end.trouble.empty()) {
    std::memcpy(verdict.numbers.data(), end.text.data(), sizeof verdict.numbers);
    verdict.violation = end.text.substr(sizeof verdict.numbers);
  }
  if (!verdict.violation.empty()) {
    verdict.violation = "seed " + std::to_string(seed) + ": " + verdict.violation +
                        "\n  replay: ATTUNE_SEED=" + std::to_string(seed) +
                        " test_schedules_slow --gtest_filter='*EngineSchedules*/0'";
  }
  return verdict;
}

class EngineSchedules : public ::testing::TestWithParam<std::uint64_t> {};

constexpr std::uint64_t kSeedsAPart = 250;

TEST_P(EngineSchedules, KeepEveryPromise) {
  FaultCount count("F22", "schedules of the engine in thread mode, on a disk that fails");
  const OneProcessor faster;
  if (std::getenv("ATTUNE_SEED") != nullptr) {
    // In this process, for a debugger.
    const EngineScheduleReport report =
        run_engine_schedule(number_or("ATTUNE_SEED", 0), [&](const std::string& why) {
          std::fprintf(stderr, "%s\n", why.c_str());
          std::_Exit(1);
        });
    count.note(report.violation);
    return;
  }
  const std::uint64_t seeds = kSeedsAPart * fault_scale();
  const std::uint64_t first = number_or("ATTUNE_FIRST_SEED", 1) + GetParam() * seeds;
  Numbers sum{};
  for (std::uint64_t seed = first; seed < first + seeds; ++seed) {
    const Verdict verdict = verdict_of(seed);
    count.note(verdict.violation);
    for (std::size_t i = 0; i < sum.size(); ++i) {
      sum.at(i) += verdict.numbers.at(i);
    }
  }
  std::printf(
      "seeds %llu to %llu: %llu decisions, %llu outcomes, %llu acknowledged calls, %llu found the queue "
      "full, "
      "%llu not durable, %llu ends, %llu switch points, %llu switches, digest %016llx\n",
      static_cast<unsigned long long>(first), static_cast<unsigned long long>(first + seeds - 1),
      static_cast<unsigned long long>(sum[0]), static_cast<unsigned long long>(sum[1]),
      static_cast<unsigned long long>(sum[2]), static_cast<unsigned long long>(sum[3]),
      static_cast<unsigned long long>(sum[4]), static_cast<unsigned long long>(sum[5]),
      static_cast<unsigned long long>(sum[6]), static_cast<unsigned long long>(sum[7]),
      static_cast<unsigned long long>(sum[8] ^ sum[9]));
  EXPECT_GT(sum[2], 0U) << "nothing was acknowledged: the runs tested nothing";
  EXPECT_GT(sum[4], 0U) << "no store failed";
  EXPECT_GT(sum[5], 0U) << "no process ended";
}

INSTANTIATE_TEST_SUITE_P(Seeds, EngineSchedules, ::testing::Range<std::uint64_t>(0, 4));

TEST(EngineSchedulesAgain, TheSameSeedGivesTheSameScheduleAndTheSameBytes) {
  FaultCount count("F22", "schedules run twice: one digest of the switches, one of the files");
  const OneProcessor faster;
  for (std::uint64_t seed = 1; seed <= 20 * fault_scale(); ++seed) {
    const Verdict once = verdict_of(seed);
    const Verdict twice = verdict_of(seed);
    count.note(once.numbers == twice.numbers ? "" : "seed " + std::to_string(seed) + " gave two runs");
  }
}

}  // namespace
}  // namespace attune::test::engine_schedule_slow_test
