// SPDX-License-Identifier: Apache-2.0
/// @file
/// What one run of the whole-engine simulation is made of, drawn from its seed ("swarm": each run favours
/// other things).
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "tests/faults/sim_disk.hpp"

namespace attune::test {

/// One step of the schedule.
enum class Step : std::uint8_t {
  decide,
  retry,    ///< of a decision with a client key
  outcome,  ///< of a decision that waits
  again,    ///< an outcome that was given before: the same, or with another value
  unknown,  ///< of a decision that nobody made, or that was lost with the process
  arm,      ///< added, disabled, enabled, removed
  end_episode,
  time,  ///< goes on
  jump,  ///< back an hour, or far ahead
  pump,
  checkpoint,
  faults,   ///< on, or off
  arm_end,  ///< the process will end at one of the next calls of the disk
  end,      ///< now
  reopen,   ///< in good order
  damage,   ///< an image of the store is damaged, opened, and thrown away
  count_,
};

struct SimPlan {
  static SimPlan draw(std::uint64_t seed);

  [[nodiscard]] Step draw_step(Rng& rng) const;

  std::string config;
  std::vector<std::string> points;
  std::vector<std::string> last_arms;  ///< of each point's configured ones
  std::size_t steps = 0;
  std::array<std::uint32_t, static_cast<std::size_t>(Step::count_)> weights{};
  DiskFaults faults;            ///< while they are on
  double power = 0.5;           ///< share of the ends that take the power with them
  std::uint32_t log_pages = 0;  ///< StoreOptions::log_pages
  bool lies = false;            ///< flushes may lie: acknowledged records may be lost, but not in silence
  double keyed = 0.0;           ///< share of the decisions that have a client key
  std::uint64_t keep_keys = 0;  ///< client_keys.keep
  bool durable = false;         ///< calls return once their record is on the disk
  Nanos longest_pause = 0;
};

}  // namespace attune::test
