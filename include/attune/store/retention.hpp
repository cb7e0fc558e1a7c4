// SPDX-License-Identifier: Apache-2.0
/// @file
/// Rules and reports of the acts that take something out of a journal: retention, deletion by subject.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>

#include <attune/core/clock.hpp>

namespace attune {

/// Who does something to a store, and when: both go into its audit trail.
struct Act {
  std::string actor;  ///< a person, a program, a ticket: any text
  Nanos time = 0;
};

/// What somebody did, as the audit trail tells it.
struct ActNote {
  std::string action;   ///< one word
  std::string subject;  ///< what it was done to
  std::string before;
  std::string after;
};

/// Which records may go. All conditions must hold; records go from the oldest on, without a gap.
struct RetainRule {
  std::uint64_t through = std::numeric_limits<std::uint64_t>::max();  ///< at most up to this position
  std::optional<Nanos> older_than{};                                  ///< only records from before this time
  std::uint64_t keep_records = 0;                                     ///< the newest so many stay
  /// So many verified checkpoints stay able to recover the engine, at least 1: with 2, damage to the newest
  /// one costs nothing.
  std::uint32_t checkpoints = 2;
};

/// What Journal::compact did.
struct CompactReport {
  std::uint64_t removed = 0;              ///< records
  std::uint64_t first_kept = 1;           ///< position of the oldest record that is left
  std::uint64_t checkpoints_removed = 0;  ///< older than what is left
  std::uint64_t free_bytes = 0;           ///< in the file, for reuse: the file itself does not shrink
};

/// What Journal::erase_subject did.
struct EraseReport {
  std::uint64_t decisions = 0;
  std::uint64_t outcomes = 0;
  std::uint64_t last_position = 0;        ///< of the newest record that was erased; 0: none was
  std::uint64_t checkpoints_removed = 0;  ///< would have needed them for recovery
};

}  // namespace attune
