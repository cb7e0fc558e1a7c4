// SPDX-License-Identifier: Apache-2.0
#include <attune/store/admin.hpp>

#include <utility>

#include <attune/store/inspect.hpp>

#include "core/failpoint.hpp"
#include "store/acts.hpp"
#include "store/admin_import.hpp"
#include "store/sqlite_journal.hpp"

namespace attune {

struct StoreAdmin::Impl {
  std::unique_ptr<detail::SqliteJournal> journal;
};

StoreAdmin::StoreAdmin(std::unique_ptr<Impl> impl) noexcept : impl_(std::move(impl)) {}
StoreAdmin::StoreAdmin(StoreAdmin&&) noexcept = default;
StoreAdmin& StoreAdmin::operator=(StoreAdmin&&) noexcept = default;
StoreAdmin::~StoreAdmin() = default;

Result<StoreAdmin> StoreAdmin::open(const std::string& path, StoreOptions options) {
  options.mode = OpenMode::read_write;
  if (Result<StoreView> there = StoreView::open(path, options); !there) {
    return tl::unexpected(std::move(there).error());  // a wrong path must not become a new store
  }
  return detail::SqliteJournal::open(path, options).map([](std::unique_ptr<detail::SqliteJournal> journal) {
    return StoreAdmin(std::make_unique<Impl>(Impl{.journal = std::move(journal)}));
  });
}

Journal& StoreAdmin::journal() noexcept { return *impl_->journal; }

Result<CompactReport> StoreAdmin::compact(const RetainRule& rule, const Act& act) {
  return impl_->journal->compact(rule, act);
}

Result<EraseReport> StoreAdmin::erase_subject(std::uint64_t subject, std::uint32_t checkpoints,
                                              const Act& act) {
  return impl_->journal->erase_subject(subject, checkpoints, act);
}

Result<RollbackReport> StoreAdmin::rollback(const RollbackRequest& request, const Act& act) {
  detail::SqliteJournal& journal = *impl_->journal;
  const Result<std::uint64_t> target = detail::rollback_target(journal.store(), journal.head(), request);
  if (!target) {
    return tl::unexpected(target.error());
  }
  const std::uint64_t last = journal.last_position();
  if (*target == last) {
    return RollbackReport{.position = last};
  }
  if (!request.abandon_to.empty()) {
    Result<ExportReport> kept = export_records(journal.store().path, {.first = *target + 1, .last = last},
                                               ExportFormat::json_lines, request.abandon_to);
    if (!kept) {
      return tl::unexpected(std::move(kept).error());
    }
    detail::failpoint(detail::Failpoint::rollback_records_kept);
  }
  // On the disk before the commit: a lock file that is ahead of the store would call these records lost.
  if (Result<void> lowered = journal.lower_mark(*target); !lowered) {
    journal.restore_mark();
    return tl::unexpected(std::move(lowered).error());
  }
  detail::failpoint(detail::Failpoint::rollback_mark_lowered);
  Result<RollbackReport> report = journal.run_act([&](const detail::StoreFile& store, detail::Head& head) {
    return detail::rollback(store, head, *target, request, act);
  });
  if (!report) {
    journal.restore_mark();
  }
  return report;
}

Result<ImportReport> StoreAdmin::import_records(const std::string& file, const Act& act) {
  detail::SqliteJournal& journal = *impl_->journal;
  return journal.run_act([&](const detail::StoreFile& store, detail::Head& head) {
    return detail::import_lines(store, head, journal.rows(), file, act);
  });
}

}  // namespace attune
