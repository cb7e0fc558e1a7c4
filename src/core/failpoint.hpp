// SPDX-License-Identifier: Apache-2.0
/// @file
/// Named moments of the durable path, at which a test may end the process.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace attune::detail {

/// One moment each, between two steps that change what is on the disk or what somebody was told. Named by
/// what has just been done. docs/reliability.md, F03.
enum class Failpoint : std::uint8_t {
  open_begun,
  open_locked,
  create_cleared,        ///< what a killed creation left is gone
  create_schema_made,    ///< the draft is whole and closed
  create_linked,         ///< the draft has its second name
  create_draft_removed,  ///< and lost its first
  create_flushed,
  open_connected,
  open_log_rewritten,
  open_prepared,  ///< durable commits, newest format
  open_checked,   ///< the end of the journal is what was acknowledged
  open_marked,    ///< the lock file has the position
  migrate_begun,
  migrate_tables_made,
  migrate_records_copied,
  migrate_checkpoints_copied,
  migrate_noted,
  migrate_tables_dropped,
  migrate_committed,
  append_begun,
  append_row_inserted,
  append_rows_inserted,
  append_head_moved,
  append_committed,
  mark_moved,
  chunk_written,
  chunks_written,
  checkpoint_inserted,
  checkpoint_verified,
  prune_begun,
  prune_checkpoints_removed,
  prune_done,  ///< before its commit
  prune_committed,
  log_due,
  log_moved,
  meta_begun,
  meta_written,
  act_begun,
  act_done,  ///< before its commit
  act_committed,
  compact_rows_removed,
  compact_checkpoints_removed,
  compact_head_written,
  erase_decisions_blanked,
  erase_outcomes_blanked,
  erase_checkpoints_removed,
  erase_log_emptied,
  rollback_records_kept,  ///< in the file that they go to
  rollback_mark_lowered,
  rollback_rows_removed,
  rollback_checkpoints_removed,
  rollback_head_written,
  import_rows_inserted,
  trouble_counted,
  trouble_disconnected,
  trouble_reopened,
  trouble_settled,
  close_begun,
  close_done,     ///< the connection is closed, the lock still held
  engine_opened,  ///< the number of the opening is kept
  engine_config_kept,
  engine_arms_added,
  engine_batch_given,
  engine_batch_kept,  ///< durable, and nobody was told
  engine_closing,
  count_,
};

inline constexpr std::size_t kFailpoints = static_cast<std::size_t>(Failpoint::count_);

using FailpointHook = void (*)(Failpoint) noexcept;

// The one global of the library: handing a test's hook down to every statement of the store would put it into
// a dozen signatures. Null in every program but the fault tests.
// NOLINTNEXTLINE(cppcoreguidelines-avoid-non-const-global-variables)
inline std::atomic<FailpointHook> failpoint_hook{nullptr};

/// Off the hot path: one relaxed load beside a system call.
inline void failpoint(Failpoint here) noexcept {
  if (const FailpointHook hook = failpoint_hook.load(std::memory_order_relaxed); hook != nullptr) {
    hook(here);
  }
}

}  // namespace attune::detail
