// SPDX-License-Identifier: Apache-2.0
/// @file
/// Driver: runs one policy through one seed's world on a real engine, from the beginning or from where a
/// store ends.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <attune/core/clock.hpp>
#include <attune/core/error.hpp>
#include <attune/core/uuid.hpp>
#include <attune/engine/engine.hpp>
#include <attune/store/journal.hpp>

#include "simulations/course.hpp"
#include "simulations/scenario.hpp"

namespace attune::sim {

/// A decision that was made in an earlier life of the run.
struct KnownDecision {
  Uuid id{};
  std::size_t arm = 0;
};

/// What a run left behind that another can carry on from.
struct Resumption {
  std::vector<KnownDecision> decisions;  ///< of steps 0, 1, 2, ...
  std::uint64_t operations = 0;          ///< decisions and outcomes recorded
};

struct DriveOptions {
  bool keep_steps = false;
  Resumption resumption;
  /// Called when records have become part of the state, with the number of operations so far. May be empty.
  std::function<void(std::uint64_t operations)> on_learned;
};

/// What a run has to show at its end.
struct DriveResult {
  Course course;
  std::vector<KnownDecision> decisions;
  std::uint64_t operations = 0;
  std::uint64_t skipped = 0;  ///< of those, recorded by an earlier life
  Bytes state;                ///< Engine::state() after the last operation
  EngineMetrics metrics;
  std::vector<std::string> recovery_notes;
};

/// Simulated time at which every run starts: 2023-11-14T22:13:20Z.
inline constexpr Nanos kStartOfTime = 1'700'000'000 * kSecond;

/// Runs `policy` in the world of `seed`. `journal` may be null; with one, `resumption` says what it holds
/// already.
///
/// Operations go to the engine one at a time under a simulated clock, in the order of OpSchedule; the learner
/// runs before every learn_every-th decision and at the end. Which operations are recorded together is
/// thereby a function of the scenario too, so that an interrupted and resumed run goes through the same
/// states as one that was not. Errors: whatever the engine refuses.
[[nodiscard]] Result<DriveResult> drive(const Scenario& scenario, const PolicyEntry& policy,
                                        std::uint64_t seed, const World& world, const Hindsight& hindsight,
                                        std::unique_ptr<Journal> journal, DriveOptions options);

/// Reads what a store already holds. Errors: io, corrupt_state. A store that does not exist holds nothing.
[[nodiscard]] Result<Resumption> read_resumption(const std::string& store_path);

}  // namespace attune::sim
