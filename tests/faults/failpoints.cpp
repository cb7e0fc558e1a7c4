// SPDX-License-Identifier: Apache-2.0
#include "tests/faults/failpoints.hpp"

namespace attune::test {
namespace {

constexpr std::array<const char*, kFailpoints> kFailpointNames{
    "open_begun",
    "open_locked",
    "create_cleared",
    "create_schema_made",
    "create_linked",
    "create_draft_removed",
    "create_flushed",
    "open_connected",
    "open_log_rewritten",
    "open_prepared",
    "open_checked",
    "open_marked",
    "migrate_begun",
    "migrate_tables_made",
    "migrate_records_copied",
    "migrate_checkpoints_copied",
    "migrate_noted",
    "migrate_tables_dropped",
    "migrate_committed",
    "append_begun",
    "append_row_inserted",
    "append_rows_inserted",
    "append_head_moved",
    "append_committed",
    "mark_moved",
    "chunk_written",
    "chunks_written",
    "checkpoint_inserted",
    "checkpoint_verified",
    "prune_begun",
    "prune_checkpoints_removed",
    "prune_done",
    "prune_committed",
    "log_due",
    "log_moved",
    "meta_begun",
    "meta_written",
    "act_begun",
    "act_done",
    "act_committed",
    "compact_rows_removed",
    "compact_checkpoints_removed",
    "compact_head_written",
    "erase_decisions_blanked",
    "erase_outcomes_blanked",
    "erase_checkpoints_removed",
    "erase_log_emptied",
    "rollback_records_kept",
    "rollback_mark_lowered",
    "rollback_rows_removed",
    "rollback_checkpoints_removed",
    "rollback_head_written",
    "import_rows_inserted",
    "trouble_counted",
    "trouble_disconnected",
    "trouble_reopened",
    "trouble_settled",
    "close_begun",
    "close_done",
    "engine_opened",
    "engine_config_kept",
    "engine_arms_added",
    "engine_batch_given",
    "engine_batch_kept",
    "engine_closing",
};

// The hook is a plain function: what it needs lies here.
struct Watched {
  SimDisk* disk = nullptr;
  Failpoint at = Failpoint::count_;
  std::uint64_t visit = 0;
  Visits visits{};
};
Watched watched;

void pass(Failpoint here) noexcept {
  if (watched.disk->dead()) {
    return;  // that process is gone
  }
  const std::uint64_t visit = ++watched.visits.at(static_cast<std::size_t>(here));
  if (here == watched.at && visit == watched.visit) {
    watched.disk->end_now();
  }
}

}  // namespace

const char* name_of(Failpoint point) noexcept {
  return point == Failpoint::count_ ? "none" : kFailpointNames.at(static_cast<std::size_t>(point));
}

Watch::Watch(SimDisk& disk, Failpoint at, std::uint64_t visit) {
  watched = {.disk = &disk, .at = at, .visit = visit, .visits = {}};
  detail::failpoint_hook.store(pass);
}

Watch::~Watch() { detail::failpoint_hook.store(nullptr); }

const Visits& Watch::visits() noexcept { return watched.visits; }

}  // namespace attune::test
