// SPDX-License-Identifier: Apache-2.0
/// @file
/// Administration of a store: retention, deletion, rollback, salvage, export, import and their audit trail.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <attune/store/arrow.hpp>
#include <attune/store/journal.hpp>
#include <attune/store/retention.hpp>

namespace attune {

/// One administrative act, as the table `audit` has it.
struct AuditEntry {
  std::uint64_t number = 0;  ///< 1, 2, 3, ...
  Nanos time = 0;
  std::string actor;
  std::string action;   ///< migrate, compact, erase, rollback, import, salvage, kill, freeze
  std::string subject;  ///< what it was done to
  std::string before;
  std::string after;
  std::string chain;  ///< SHA-256 over this entry and the chain before it, 64 hex digits
};

/// The audit trail with the verdict on it.
struct AuditTrail {
  std::vector<AuditEntry> entries;  ///< oldest first, as they are stored
  std::string damage;               ///< a sentence that names the first broken entry; empty: it is whole
  std::uint64_t broken = 0;         ///< number of that entry; 0: none
};

/// Reads and verifies the audit trail of a store, live or dead. Errors: as open_sqlite_journal.
[[nodiscard]] Result<AuditTrail> read_audit(const std::string& path);

/// Where to go back to, and what becomes of the records after it.
struct RollbackRequest {
  std::optional<std::uint64_t> checkpoint{};  ///< to the position of this checkpoint, or
  std::optional<std::uint64_t> position{};    ///< to this position: exactly one of the two
  /// File that the abandoned records are written to first, as export_records does with JSON Lines. It must
  /// not exist.
  std::string abandon_to{};
  bool discard = false;  ///< explicit permission to drop them without a file
};

struct RollbackReport {
  std::uint64_t position = 0;             ///< of the last record now
  std::uint64_t abandoned = 0;            ///< records
  std::uint64_t checkpoints_removed = 0;  ///< that lay after it
};

/// What import_records found in its file.
struct ImportReport {
  std::uint64_t added = 0;
  std::uint64_t skipped = 0;  ///< already there, byte for byte
  std::uint64_t last_position = 0;
};

/// Changes a store that no engine has open. Every act is one transaction with its entry in the audit trail,
/// or a refusal that leaves the store as it was. An engine that runs does retention and deletion through its
/// Journal.
class StoreAdmin {
 public:
  /// Takes the writer's lock. Format 1 is migrated. Errors: as open_sqlite_journal.
  [[nodiscard]] static Result<StoreAdmin> open(const std::string& path, StoreOptions options = {});
  StoreAdmin(StoreAdmin&&) noexcept;
  StoreAdmin& operator=(StoreAdmin&&) noexcept;
  StoreAdmin(const StoreAdmin&) = delete;
  StoreAdmin& operator=(const StoreAdmin&) = delete;
  ~StoreAdmin();

  /// See Journal::compact.
  [[nodiscard]] Result<CompactReport> compact(const RetainRule& rule, const Act& act);
  /// See Journal::erase_subject.
  [[nodiscard]] Result<EraseReport> erase_subject(std::uint64_t subject, std::uint32_t checkpoints,
                                                  const Act& act);
  /// Makes an earlier record the last one. Refused (invalid_argument) when records would be lost and the
  /// request neither names a file for them nor permits it, or when no engine could be recovered there: the
  /// journal must be whole from a verified checkpoint, or from its beginning, to that position.
  [[nodiscard]] Result<RollbackReport> rollback(const RollbackRequest& request, const Act& act);
  /// Appends the records of a JSON Lines file that export_records wrote. Records that the store has already
  /// are skipped when they are equal; one that differs refuses the file (conflict), a gap too
  /// (invalid_argument), and nothing is written.
  [[nodiscard]] Result<ImportReport> import_records(const std::string& file, const Act& act);

  /// The journal that is administered.
  [[nodiscard]] Journal& journal() noexcept;

 private:
  struct Impl;
  explicit StoreAdmin(std::unique_ptr<Impl> impl) noexcept;
  std::unique_ptr<Impl> impl_;
};

/// Positions first ... last.
struct PositionRange {
  std::uint64_t first = 1;
  std::uint64_t last = std::numeric_limits<std::uint64_t>::max();
};

/// What salvage saved.
struct SalvageReport {
  std::uint64_t records = 0;
  std::uint64_t last_position = 0;  ///< of the new store
  std::vector<PositionRange> lost;  ///< in order; records that the audit trail knows as erased are not lost
  std::uint64_t checkpoints = 0;    ///< that verified and were taken over
  std::vector<std::string> notes;   ///< everything else that could not be saved, in sentences
  bool recoverable = false;         ///< an engine can go on from the new store's end
};

/// Reads what can be read from a damaged store into a new one, and says what is lost. Records keep their
/// positions; lost ones are blank there, like erased ones. The damaged store is not changed.
/// Errors: io, corrupt_state (nothing could be read), invalid_argument (`to` exists).
[[nodiscard]] Result<SalvageReport> salvage(const std::string& from, const std::string& to, const Act& act,
                                            const StoreOptions& options = {});

enum class ExportFormat : std::uint8_t {
  json_lines,  ///< one object a line, with the encoded record: what import_records reads
  csv,         ///< RFC 4180, one header line; the columns of all three kinds side by side
};

struct ExportReport {
  std::uint64_t records = 0;
  std::uint64_t erased = 0;  ///< positions whose content was erased: in JSON Lines as such, not in CSV
};

/// Writes records of a store, live or dead, to a new file, and flushes it.
/// Errors: corrupt_state (names the record), io, invalid_argument (the file exists).
[[nodiscard]] Result<ExportReport> export_records(const std::string& store, const PositionRange& range,
                                                  ExportFormat format, const std::string& file);
/// The same, given piece by piece (whole lines) to `write` until it returns false.
[[nodiscard]] Result<ExportReport> export_records(const std::string& store, const PositionRange& range,
                                                  ExportFormat format,
                                                  const std::function<bool(std::string_view)>& write);

/// Which records an Arrow table has: one row each.
enum class ExportTable : std::uint8_t { decisions, outcomes, events };

/// Gives records as one Arrow record batch (a struct array). On success both structures belong to the caller,
/// who calls their `release`; on error neither is touched. All rows are held in memory.
/// Errors: corrupt_state (names the record), io.
[[nodiscard]] Result<void> export_arrow(const std::string& store, const PositionRange& range,
                                        ExportTable table, ArrowSchema* schema, ArrowArray* array);

}  // namespace attune
