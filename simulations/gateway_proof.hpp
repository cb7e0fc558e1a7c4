// SPDX-License-Identifier: Apache-2.0
/// @file
/// The proof of the main job: a run that is killed and resumed ends where one that was never interrupted
/// ends.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include <attune/core/error.hpp>
#include <attune/store/journal.hpp>

#include "simulations/driver.hpp"
#include "simulations/gateway_scenario.hpp"

namespace attune::sim {

/// What was seen.
struct ProofResult {
  std::uint64_t operations = 0;      ///< decisions and outcomes of the whole run
  std::uint64_t reported = 0;        ///< operations the child had reported durable when it was killed
  std::uint64_t found = 0;           ///< operations in its store afterwards
  std::uint64_t decisions = 0;       ///< of the resumed run
  std::uint64_t same_decisions = 0;  ///< of those, equal in id and arm to the uninterrupted run's
  std::string uninterrupted_digest;  ///< SHA-256 of Engine::state()
  std::string resumed_digest;
  std::vector<std::string> notes;  ///< of the engine about its recovery

  [[nodiscard]] bool holds() const noexcept {
    return uninterrupted_digest == resumed_digest && same_decisions == decisions && found >= reported;
  }
};

/// What an uninterrupted run left, to compare with.
struct RunWitness {
  std::uint64_t operations = 0;
  std::vector<KnownDecision> decisions;
  Sha256 state{};
};
[[nodiscard]] RunWitness witness_of(const DriveResult& result);

/// Runs `scenario`'s proof policy on its first seed in a child process with a store at `store`, kills the
/// child with SIGKILL once it has reported half of the operations durable, resumes the store in this process
/// and compares. Errors: io (no child could be started), and whatever the resumed engine refuses.
[[nodiscard]] Result<ProofResult> prove_recovery(const Scenario& scenario, std::size_t policy,
                                                 const GatewaySettings& settings, const std::string& store,
                                                 const RunWitness& uninterrupted);

/// Answers the child's reports on `channel` until it has done half of the operations, then kills it. Gives
/// the last report. Errors: io, when it ended by itself, or said nothing for so long; it is gone in any case.
[[nodiscard]] Result<std::uint64_t> kill_at_half(pid_t child, int channel, std::uint64_t operations,
                                                 std::chrono::milliseconds patience);

/// The child's side: runs to the end unless it is killed, reporting over `channel` (a socket) after each
/// commit, and never more than a few commits ahead of the answers, so that a kill at half-way comes in time.
/// When nobody answers any more it runs on alone.
[[nodiscard]] Result<void> run_proof_child(const Scenario& scenario, std::size_t policy,
                                           const std::string& store, int channel);

/// Removes a store that an earlier main job left, with the files beside it.
void remove_store(const std::string& store);

}  // namespace attune::sim
