// SPDX-License-Identifier: Apache-2.0
/// @file
/// StoreView: looks into a store without an engine, live or dead, and changes nothing.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <attune/core/record.hpp>
#include <attune/core/uuid.hpp>
#include <attune/store/journal.hpp>

namespace attune {

/// A checkpoint and whether it can be used.
struct CheckpointReport {
  CheckpointInfo info;
  std::uint64_t stored_bytes =
      0;                   ///< after compression; chunks are counted for each checkpoint that has them
  std::string codec;       ///< raw, zstd, or mixed
  std::uint64_t slot = 0;  ///< 0 or 1
  std::uint64_t chunks = 0;
  std::string key_id;  ///< of the key that seals it; empty: none
  std::string damage;  ///< why it cannot be used; empty: it can
};

/// A store at a glance. Cost: constant, but for the newest checkpoint, whose state is read and checked.
struct StoreSummary {
  std::string path;
  std::string store_id;
  std::uint32_t schema_version = 0;
  std::uint64_t file_bytes = 0;
  std::uint64_t wal_bytes = 0;
  std::uint64_t position = 0;        ///< of the last record
  std::uint64_t first_position = 1;  ///< of the oldest record that is there
  std::uint64_t erased = 0;          ///< records whose content was erased
  std::uint64_t decisions = 0;       ///< ever written, as the next two
  std::uint64_t outcomes = 0;
  std::uint64_t events = 0;
  std::size_t points = 0;
  std::optional<Nanos> first_time;  ///< of the first and last record
  std::optional<Nanos> last_time;
  std::optional<std::int64_t> writer;        ///< process that has it open for writing now
  std::optional<CheckpointInfo> checkpoint;  ///< newest one that can be used
  std::size_t checkpoints = 0;
  std::vector<std::string> problems;  ///< sentences; empty: none found
};

/// Which part of the journal to look at.
struct StoreRange {
  std::optional<std::string> point;  ///< name, or number where the name is unknown; no value: all
  std::uint64_t last = 0;            ///< only the newest records, so many; 0: all
};

/// One decision point, over the records looked at.
struct PointReport {
  std::uint32_t number = 0;
  std::string name;  ///< empty: unknown
  std::uint64_t decisions = 0;
  std::uint64_t outcomes = 0;  ///< of those decisions
  std::uint64_t events = 0;
  std::uint64_t explored = 0;   ///< decisions that were not the greedy choice
  std::uint64_t fallbacks = 0;  ///< not answered by the live policy
  std::uint64_t deferred = 0;   ///< without a propensity yet
  std::size_t arms = 0;         ///< that were chosen or that an event names
  std::optional<Nanos> first_time;
  std::optional<Nanos> last_time;
};

/// What is known of one component of the outcomes.
struct ComponentReport {
  std::string name;
  std::uint64_t count = 0;
  double sum = 0.0;

  [[nodiscard]] double mean() const noexcept { return count > 0 ? sum / static_cast<double>(count) : 0.0; }
};

/// One arm of one point, over the records looked at.
struct ArmReport {
  static constexpr std::size_t kParts = 10;

  std::uint32_t point = 0;
  std::string point_name;
  std::optional<std::uint32_t> slot;  ///< newest seen; no value: never chosen
  std::string name;                   ///< empty: unknown
  std::string state;                  ///< "enabled", "disabled" or "removed", by the events looked at
  std::uint64_t decisions = 0;
  std::uint64_t explored = 0;
  std::uint64_t outcomes = 0;
  std::vector<ComponentReport> components;  ///< in order of name
  /// Its share of the point's decisions in each tenth of them, oldest first.
  std::array<double, kParts> share{};
};

/// All arms, with what could not be joined.
struct ArmsReport {
  std::vector<ArmReport> arms;  ///< by point, then slot, then name
  std::uint64_t unmatched = 0;  ///< outcomes whose decision is not among the records looked at
};

/// One decision with what came back for it.
struct DecisionReport {
  std::uint64_t position = 0;
  Nanos time = 0;
  std::uint32_t point = 0;
  std::string point_name;
  std::uint64_t sequence = 0;
  Uuid id{};
  std::optional<std::uint32_t> slot;
  std::string arm;  ///< empty: unknown
  double propensity = 0.0;
  double score = 0.0;
  std::uint64_t version = 0;
  Rung rung = Rung::policy;
  bool greedy = true;
  std::vector<double> parameters;
  struct Outcome {
    std::uint64_t position = 0;
    Nanos time = 0;
    std::vector<std::pair<std::string, double>> components;
  };
  std::vector<Outcome> outcomes;
};

/// Which decisions to show; conditions are joined by "and".
struct DecisionQuery {
  std::optional<std::string> point;
  std::optional<std::string> arm;
  std::optional<Uuid> id;
  std::uint64_t before = 0;  ///< only positions below; 0: no limit
  std::uint64_t limit = 20;  ///< the newest so many
};

/// One record of the journal as a walk meets it.
struct StoredRecord {
  std::uint64_t position = 0;
  RecordHeader header{};  ///< of an erased record: its kind only
  ByteView bytes;         ///< the whole record, checked and 8-byte aligned; lives until the next one
  std::string_view arm;   ///< decisions only: the arm's id as its row has it; empty when unknown
  bool erased = false;    ///< its content was erased: there are no bytes
};

/// The number of a decision point given by name or, where no name fits, by number; no value when none is
/// wanted. `names`: StoreView::point_names(). Errors: unknown_point, listing the names there are.
[[nodiscard]] Result<std::optional<std::uint32_t>> find_point(
    const std::map<std::uint32_t, std::string>& names, const std::optional<std::string>& wanted);

/// A store opened for reading. Every number comes from records whose checksums were verified; names come from
/// the columns beside them. Calls are made by one thread at a time; each sees one moment of a store that may
/// be growing.
class StoreView {
 public:
  /// Errors: as open_sqlite_journal.
  [[nodiscard]] static Result<StoreView> open(const std::string& path);
  /// With keys that check the seals of checkpoints; `options.mode` is ignored.
  [[nodiscard]] static Result<StoreView> open(const std::string& path, const StoreOptions& options);
  StoreView(StoreView&&) noexcept;
  StoreView& operator=(StoreView&&) noexcept;
  StoreView(const StoreView&) = delete;
  StoreView& operator=(const StoreView&) = delete;
  ~StoreView();

  [[nodiscard]] Result<StoreSummary> summary();
  /// Errors of these three: corrupt_state (names the position), unknown_point, io.
  [[nodiscard]] Result<std::vector<PointReport>> points(const StoreRange& range);
  [[nodiscard]] Result<ArmsReport> arms(const StoreRange& range);
  /// Newest first.
  [[nodiscard]] Result<std::vector<DecisionReport>> decisions(const DecisionQuery& query);
  /// Oldest first; each state is read and checked.
  [[nodiscard]] Result<std::vector<CheckpointReport>> checkpoints();
  /// One checkpoint with its state, read and checked. Errors: invalid_argument (there is none of that
  /// number), corrupt_state, io.
  [[nodiscard]] Result<Checkpoint> checkpoint(std::uint64_t number);
  /// Records first ... last as Journal::read gives them, but erased ones are passed over: `visit` gets each
  /// record with its checksum and chain verified. Errors: corrupt_state (names the position), io.
  [[nodiscard]] Result<void> records(std::uint64_t first, std::uint64_t last,
                                     const std::function<bool(ByteView)>& visit);
  /// Reads every record and every checkpoint; sentences about what is wrong, empty when all is well.
  [[nodiscard]] Result<std::vector<std::string>> verify();

  /// Every record at a position >= first, erased ones too, until `visit` returns false. `visit` must not call
  /// this view. Errors: corrupt_state (names the position), io.
  [[nodiscard]] Result<void> walk(std::uint64_t first, const std::function<bool(const StoredRecord&)>& visit);
  /// Names of decision points by number, where the writer knew them.
  [[nodiscard]] Result<std::map<std::uint32_t, std::string>> point_names();
  /// A text kept beside the journal ("config", "seed", ...), as Journal::meta.
  [[nodiscard]] Result<std::optional<std::string>> meta(std::string_view key);

 private:
  struct Impl;
  explicit StoreView(std::unique_ptr<Impl> impl) noexcept;
  std::unique_ptr<Impl> impl_;
};

}  // namespace attune
