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
  std::function<std::string_view(std::uint32_t point, std::uint32_t arm)> arm;
};

/// Where records and checkpoints live.
///
/// Contract, for every implementation:
/// - `append` is atomic and, when it returns, durable; records have consecutive positions, continuing
///   last_position(); anything else is refused (invalid_argument) and nothing is written;
/// - a checkpoint is committed in one transaction with the records given beside it, and its position is that
/// of
///   the last record in the journal after them;
/// - records are read back byte for byte, in order; one whose checksum is wrong is an error that names its
///   position, never a shorter journal;
/// - one writer at a time: a second open for writing fails (io) and says who has it;
/// - after a failed append the journal is as before and can be used again once the trouble is over. One
/// exception:
///   a checkpoint that cannot be read back after its commit is an error, while the records beside it are
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
  /// Calls `visit(record)` for positions >= first until it returns false. Records are 8-byte aligned and live
  /// until `visit` returns. Errors: corrupt_state (names the position), io.
  [[nodiscard]] virtual Result<void> read(std::uint64_t first,
                                          const std::function<bool(ByteView)>& visit) = 0;
  /// Newest checkpoint whose digest matches; `skipped` (may be null) gets one sentence for each newer one
  /// that was passed over. No value: there is none. Errors: io.
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
};

enum class OpenMode : std::uint8_t {
  read_write,  ///< create if missing; take the writer's lock
  read_only,   ///< must exist; safe beside a writer in another process; never changes the file
};

/// Opens the SQLite journal at `path`. Errors: io (with SQLite's words), corrupt_state (not an attune store,
/// damaged), unsupported_version. The file is never overwritten on error.
[[nodiscard]] Result<std::unique_ptr<Journal>> open_sqlite_journal(const std::string& path, OpenMode mode);

/// A journal in memory with the same contract, for tests and simulations.
[[nodiscard]] std::unique_ptr<Journal> make_memory_journal();

}  // namespace attune
