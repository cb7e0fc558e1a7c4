// SPDX-License-Identifier: Apache-2.0
// F22: the ring, left-right, the doorbell and the callbacks, each by itself and interrupted at each atomic
// operation.
#include <cstdint>
#include <string>

#include <gtest/gtest.h>

#include "tests/faults/fault_count.hpp"
#include "tests/schedules/child.hpp"
#include "tests/schedules/scheduler.hpp"
#include "tests/schedules/switched/harness.hpp"

namespace attune::test::parts_slow_test {
namespace {

constexpr std::uint64_t kSeeds = 1000;
constexpr std::uint64_t kSeedsAChild = 50;

/// Many seeds in one process; the first that is wrong ends it.
void run_all(FaultCount& count, std::string (*run)(std::uint64_t)) {
  const OneProcessor faster;
  for (std::uint64_t first = 1; first <= kSeeds * fault_scale(); first += kSeedsAChild) {
    const ChildEnd end = in_child([&](const Scheduler::Stuck& stuck) -> std::string {
      for (std::uint64_t seed = first; seed < first + kSeedsAChild; ++seed) {
        ScheduleOptions options = ScheduleOptions::draw(seed);
        options.stall_chance = 0.0;  // a stall would end the rests that only a ring should end
        options.longest = 48 * 3600 * kSecond;
        options.most_points = 2'000'000;
        const std::string name = "seed " + std::to_string(seed) + ": ";
        Scheduler scheduler(options, [&](const std::string& why) { stuck(name + why); });
        if (const std::string wrong = run(seed); !wrong.empty()) {
          return name + wrong;
        }
      }
      return "";
    });
    const std::string wrong = end.text + end.trouble;
    wrong.empty() ? count.pass(kSeedsAChild) : count.fail(wrong);
  }
}

TEST(PartSchedules, TheRingGivesEveryRecordOnceWholeAndInOrder) {
  FaultCount count("F22", "schedules of the ring: producers, reader, releaser");
  run_all(count, run_ring);
}

TEST(PartSchedules, LeftRightShowsNoHalfMadeChange) {
  FaultCount count("F22", "schedules of left-right: readers and a writer");
  run_all(count, run_left_right);
}

TEST(PartSchedules, NoRingOfTheDoorbellIsLost) {
  FaultCount count("F22", "schedules of the doorbell");
  run_all(count, run_doorbell);
}

TEST(PartSchedules, EveryCallbackIsCalledOnce) {
  FaultCount count("F22", "schedules of the callbacks of commits");
  run_all(count, run_callbacks);
}

}  // namespace
}  // namespace attune::test::parts_slow_test
