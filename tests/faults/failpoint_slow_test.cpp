// SPDX-License-Identifier: Apache-2.0
// F03: the process ends at each named point of the durable path, at each visit to it; it is killed, or the
// power is lost too. Then the next process is held to the same account as after every other fault.
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/faults/failpoints.hpp"
#include "tests/faults/fault_count.hpp"
#include "tests/faults/sim_checker.hpp"
#include "tests/faults/sim_posix.hpp"

namespace attune::test::failpoint_slow_test {
namespace {

struct Named {
  const char* name;
  const char* what;
  SceneMaker make;
};

const std::vector<Named>& scenes() {
  static const std::vector<Named> kScenes{
      {"Engine", "ended at each named point of an engine's life", engine_scene},
      {"Acts", "ended at each named point of retention, deletion, rollback and import", acts_scene},
      {"Migration", "ended at each named point of a migration", [] { return migration_scene("store-1"); }},
      {"MigrationOfAKilledStore", "ended at each named point of the migration of a killed store",
       [] { return migration_scene("killed-1"); }},
  };
  return kScenes;
}

Visits visits_of(const Named& scene) {
  SimDisk disk(1);
  const std::unique_ptr<Scene> whole = scene.make();
  whole->prepare(disk);
  const Watch watch(disk);
  whole->play(disk);
  return Watch::visits();
}

/// Empty: everything held.
std::string cut_short(const Named& scene, Failpoint at, std::uint64_t visit, DiskEnd how,
                      std::uint64_t seed) {
  SimDisk disk(seed);
  try {
    const std::unique_ptr<Scene> cut = scene.make();
    cut->prepare(disk);
    {
      const Watch watch(disk, at, visit);
      cut->play(disk);
    }
    if (!disk.dead()) {
      return "was not reached";
    }
    forget_descriptors();
    disk.restart(how);
    cut->judge(disk);
    return "";
  } catch (const Violation& violation) {
    disk.end_now();
    forget_descriptors();
    return violation.what();
  }
}

class EndedAt : public ::testing::TestWithParam<std::size_t> {};

TEST_P(EndedAt, EveryNamedPoint) {
  const Named& scene = scenes()[GetParam()];
  FaultCount count("F03", scene.what);
  const Visits visits = visits_of(scene);
  const std::uint64_t losses = 3 * fault_scale();
  for (std::size_t i = 0; i < kFailpoints; ++i) {
    const auto at = static_cast<Failpoint>(i);
    for (std::uint64_t visit = 1; visit <= visits[i]; ++visit) {
      for (std::uint64_t run = 0; run <= losses; ++run) {
        const DiskEnd how = run == 0 ? DiskEnd::process_killed : DiskEnd::power_lost;
        const std::string verdict = cut_short(scene, at, visit, how, 1 + visit * 1000 + run);
        count.note(verdict.empty() ? ""
                                   : std::string(name_of(at)) + ", visit " + std::to_string(visit) +
                                         (run == 0 ? ", killed: " : ", power lost: ") + verdict);
      }
    }
  }
  EXPECT_GT(count.passed(), 0U);
}
INSTANTIATE_TEST_SUITE_P(Scenes, EndedAt, ::testing::Range<std::size_t>(0, 4),
                         [](const auto& tested) { return std::string(scenes()[tested.param].name); });

TEST(Failpoints, AreAllPassedBySomeScene) {
  Visits sum{};
  std::set<std::string> names;
  for (const Named& scene : scenes()) {
    const Visits visits = visits_of(scene);
    for (std::size_t i = 0; i < kFailpoints; ++i) {
      sum[i] += visits[i];
    }
  }
  for (std::size_t i = 0; i < kFailpoints; ++i) {
    const char* const name = name_of(static_cast<Failpoint>(i));
    EXPECT_GT(sum[i], 0U) << name << " is never reached: ending there tests nothing";
    EXPECT_TRUE(names.insert(name).second) << name << " stands for two points";
  }
  EXPECT_GE(kFailpoints, 40U);
}

}  // namespace
}  // namespace attune::test::failpoint_slow_test
