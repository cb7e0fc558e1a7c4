// SPDX-License-Identifier: Apache-2.0
/// @file
/// Journal: the durable, ordered log of records with the checkpoints taken over it.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <attune/core/clock.hpp>
#include <attune/core/serial.hpp>
#include <attune/store/retention.hpp>

namespace attune {

/// SHA-256 of bytes.
using Sha256 = std::array<std::uint8_t, 32>;
[[nodiscard]] Sha256 sha256(ByteView bytes);
[[nodiscard]] std::string to_hex(const Sha256& digest);

/// A checkpoint without its state.
struct CheckpointInfo {
  std::uint64_t number = 0;    ///< 1, 2, 3, ...
  std::uint64_t position = 0;  ///< the state contains exactly the records 1 ... position
  Nanos time = 0;
  std::uint64_t bytes = 0;    ///< of the state, uncompressed
  Sha256 digest{};            ///< of the state
  std::string config_digest;  ///< of the configuration it was taken under: any text, compared only
};

struct Checkpoint {
  CheckpointInfo info;
  Bytes state;
};

/// Name of a decision point or arm as known when a record was written, so that a store can be read without
/// the configuration: `decisions` rows show names.
struct Names {
  /// Both return an empty view when unknown.
  std::function<std::string_view(std::uint32_t point)> point;
  /// `generation` as in DecisionRecord::arm_generation.
  std::function<std::string_view(std::uint32_t point, std::uint32_t arm, std::uint16_t generation)> arm;
};

/// Where records and checkpoints live.
///
/// Contract, for every implementation:
/// - `append` is atomic and, when it returns, durable; records have consecutive positions, continuing
///   last_position(); anything else is refused (invalid_argument) and nothing is written;
/// - a checkpoint is committed in one transaction with the records given beside it, and its position is that
///   of the last record in the journal after them;
/// - records are read back byte for byte, in order; one whose checksum is wrong is an error that names its
///   position, never a shorter journal;
/// - one writer at a time: a second open for writing fails (io) and says who has it;
/// - after a failed append the journal is as before and can be used again once the trouble is over: the next
///   append first makes sure of what was acknowledged, and is an error until that succeeds. One exception: a
///   checkpoint that cannot be read back after its commit is an error, while the records beside it are
///   durable. last_position() always tells.
/// Calls are made by one thread at a time.
class Journal {
 public:
  Journal() = default;
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;
  Journal(Journal&&) = delete;
  Journal& operator=(Journal&&) = delete;
  virtual ~Journal() = default;

  /// Appends encoded records (core/record.hpp), one transaction. Errors: io, invalid_argument.
  [[nodiscard]] virtual Result<void> append(std::span<const ByteView> records) = 0;
  /// Appends records and a checkpoint over all of them in one transaction; keeps the newest `keep`
  /// checkpoints.
  [[nodiscard]] virtual Result<CheckpointInfo> append(std::span<const ByteView> records, ByteView state,
                                                      Nanos time, std::string_view config_digest,
                                                      std::uint32_t keep) = 0;
  [[nodiscard]] virtual std::uint64_t last_position() const noexcept = 0;
  /// Position of the oldest record that is there: above 1 once retention removed some.
  [[nodiscard]] virtual std::uint64_t first_position() const noexcept { return 1; }
  /// Calls `visit(record)` for positions >= first until it returns false; 0 means from first_position() on.
  /// Records are 8-byte aligned and live until `visit` returns. Errors: corrupt_state (names the position),
  /// io; invalid_argument when a record of the range was removed by retention or erased, as a fold over the
  /// rest would be wrong.
  [[nodiscard]] virtual Result<void> read(std::uint64_t first,
                                          const std::function<bool(ByteView)>& visit) = 0;
  /// Newest checkpoint that verifies and that the records after it can be replayed on; `skipped` (may be
  /// null) gets one sentence for each newer one that was passed over. No value: there is none. Errors: io.
  [[nodiscard]] virtual Result<std::optional<Checkpoint>> newest_checkpoint(
      std::vector<std::string>* skipped) = 0;
  /// All checkpoints, oldest first.
  [[nodiscard]] virtual Result<std::vector<CheckpointInfo>> checkpoints() = 0;
  /// Small named texts beside the journal: configuration, format and engine versions.
  [[nodiscard]] virtual Result<std::optional<std::string>> meta(std::string_view key) = 0;
  [[nodiscard]] virtual Result<void> set_meta(std::string_view key, std::string_view value) = 0;
  /// Where it lives, for messages.
  [[nodiscard]] virtual std::string describe() const = 0;
  /// Lets the journal write names beside numbers. Optional; kept by reference until changed.
  virtual void set_names(Names names) = 0;

  /// Removes the oldest records, only behind verified checkpoints, in one transaction with its audit entry.
  /// What the rule does not reach is no error: the report says what went. Errors: invalid_argument (fewer
  /// verified checkpoints than the rule asks for), io, unsupported.
  [[nodiscard]] virtual Result<CompactReport> compact(const RetainRule& rule, const Act& act);
  /// Blanks the decisions about a subject (text_key of its name) and their outcomes without breaking the
  /// chain, in one transaction with its audit entry. Refused (invalid_argument) unless `checkpoints` (at
  /// least 1) verified checkpoints cover all of them: take one first. What a policy has learned from them
  /// stays learned. Errors: also io, unsupported.
  [[nodiscard]] virtual Result<EraseReport> erase_subject(std::uint64_t subject, std::uint32_t checkpoints,
                                                          const Act& act);
  /// Writes an entry into the audit trail; a journal that has none (in memory) does nothing. Errors: io.
  [[nodiscard]] virtual Result<void> record_act(const ActNote& note, const Act& act);

  /// Sentences about trouble that was met and how it ended, since the last call: damaged lock file, disk
  /// errors with SQLite's words, a store reopened and verified, a migration.
  [[nodiscard]] virtual std::vector<std::string> take_notes() { return {}; }
  /// Work that can wait until those who waited for an append have been told: the SQLite journal moves its
  /// write-ahead log into its file. Trouble goes into the notes. Who never calls it has a longer log, and now
  /// and then a slower append.
  virtual void tidy() {}
};

enum class OpenMode : std::uint8_t {
  read_write,  ///< create if missing; take the writer's lock
  read_only,   ///< must exist; safe beside a writer in another process; never changes the file
};

/// A secret that seals checkpoints (HMAC-SHA-256), so that nobody without it can put another state in place.
/// It stays in memory; the store keeps its id only.
struct SealKey {
  std::string id;      ///< 1 to 64 letters, digits, '.', '_' or '-': tells keys apart after a rotation
  std::string secret;  ///< at least 16 bytes, any content
};

struct StoreOptions {
  OpenMode mode = OpenMode::read_write;
  std::optional<SealKey> key{};        ///< seals new checkpoints; the others must be sealed by a known key
  std::vector<SealKey> former_keys{};  ///< known too, for checking only
  /// Also use checkpoints whose seal no given key can check: unsealed ones when a key is given, sealed ones
  /// without their key. Damage to their state is still noticed.
  bool accept_unsealed = false;
  /// Pages of 4 KiB in the write-ahead log at which tidy() moves it into the file, an append at twice as
  /// many; 0: only on closing.
  std::uint32_t log_pages = 4000;
  Act act{.actor = "attune",
          .time = 0};  ///< whom the audit trail names for a migration; time 0: the system's clock
};

/// Opens the SQLite journal at `path`. Errors: io (with SQLite's words), corrupt_state (not an attune store,
/// damaged), unsupported_version. The file is never overwritten on error.
[[nodiscard]] Result<std::unique_ptr<Journal>> open_sqlite_journal(const std::string& path, OpenMode mode);
/// The same with all options. A store of format 1 is migrated when it is opened for writing. Errors: also
/// invalid_argument (a key that breaks a rule).
[[nodiscard]] Result<std::unique_ptr<Journal>> open_sqlite_journal(const std::string& path,
                                                                   const StoreOptions& options);

/// A journal in memory with the same contract, for tests and simulations.
[[nodiscard]] std::unique_ptr<Journal> make_memory_journal();

}  // namespace attune
