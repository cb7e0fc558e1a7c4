// SPDX-License-Identifier: Apache-2.0
/// @file
/// EngineSim: the real engine, the real journal and the real SQLite on a simulated disk and clock.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <attune/core/clock.hpp>
#include <attune/engine/engine.hpp>

#include "tests/faults/sim_checker.hpp"
#include "tests/faults/sim_disk.hpp"
#include "tests/faults/sim_plan.hpp"

namespace attune::test {

/// What happened in a run, to show that the runs met what they were made for.
struct SimReport {
  std::uint64_t seed = 0;
  std::uint64_t decisions = 0;
  std::uint64_t retries = 0;
  std::uint64_t outcomes = 0;
  std::uint64_t acknowledged = 0;
  std::uint64_t recoveries = 0;
  std::uint64_t kills = 0;
  std::uint64_t power_losses = 0;
  std::uint64_t failed_pumps = 0;
  std::uint64_t failed_opens = 0;
  std::uint64_t damages = 0;
  std::uint64_t damages_reported = 0;
  std::uint64_t lies_reported = 0;   ///< acknowledged records lost by a lying flush, and said so
  std::uint64_t lies_unnoticed = 0;  ///< likewise, where nothing on the disk could tell
  std::string violation;             ///< empty: every promise was kept
};

class EngineSim {
 public:
  explicit EngineSim(std::uint64_t seed);
  /// The schedule with its faults (safety), then without (liveness).
  [[nodiscard]] SimReport run();

 private:
  struct Waiting {
    Uuid id{};
    std::uint32_t point = 0;
    std::vector<Component> said{};  ///< empty: nothing yet
  };

  /// A decision as its caller remembers it.
  struct Call {
    std::uint32_t point = 0;
    std::array<double, 3> features{};
    std::size_t size = 0;
    std::string episode{};
    std::string key{};
    struct Answer {
      std::uint64_t order = 0;  ///< among all decisions with keys
      Decision decision{};
    };
    /// Those that were not lost, oldest first. There is a second one once the key was forgotten; when that
    /// one is lost, so are the keys that had pushed the first out, and the first is remembered again.
    std::vector<Answer> answers{};
  };

  void step(Step step);
  void decide();
  void retry();
  /// Asks, for the first time or again.
  void ask(Call& call);
  /// Whether its newest answer must be given again.
  [[nodiscard]] bool remembered(const Call& call) const;
  void note_durable(Errc verdict);
  void forget_lost_calls(const std::vector<Uuid>& lost);
  void outcome(const Waiting& about, bool other_values);
  void change_arm();
  void end_episode();
  void pump();
  void note_acknowledged();
  void damage();
  void damage_one(SimDisk::Image& image);
  /// Ends the process if it has died, and starts the next one.
  void settle();
  void end(DiskEnd how);
  void open();
  [[nodiscard]] bool open_once(bool faults_on);
  void verify_recovered();
  [[nodiscard]] Result<Engine> open_engine();
  void live_on();
  void trace(const std::string& line) const;

  SimPlan plan_;
  Rng rng_;
  SimReport report_;
  std::shared_ptr<ManualClock> clock_;
  SimDisk disk_;
  std::optional<Engine> engine_;
  Account account_;
  std::vector<Waiting> waiting_;
  std::vector<Waiting> answered_;
  std::vector<Waiting> lost_;                         ///< their decisions died with a process, unacknowledged
  std::vector<std::vector<std::string>> added_arms_;  ///< by point
  std::vector<Call> calls_;                           ///< with keys
  std::uint64_t keyed_decisions_ = 0;
  std::uint64_t key_number_ = 0;
  std::uint64_t arm_number_ = 0;
  bool faults_on_ = false;
  std::uint64_t witness_ = 0;  ///< what the lock file said before the store was opened
  bool finished_ = false;      ///< a lying flush was found out: the run has shown what it can
};

/// Runs one seed.
[[nodiscard]] SimReport simulate(std::uint64_t seed);

}  // namespace attune::test
