// SPDX-License-Identifier: Apache-2.0
/// @file
/// Rows of the table `chunks`: parts of states, each once a slot, named by their SHA-256.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include <attune/store/journal.hpp>

#include "store/sqlite.hpp"

namespace attune::detail {

/// A state cut into chunks, with the hash of each.
struct ChunkedState {
  std::vector<ByteView> chunks;
  std::vector<Sha256> hashes;
};
[[nodiscard]] ChunkedState chunked(ByteView state);

/// The hashes as `checkpoints.chunks` has them, and back. Errors: corrupt_state.
[[nodiscard]] Bytes pack_hashes(std::span<const Sha256> hashes);
[[nodiscard]] Result<std::vector<Sha256>> unpack_hashes(ByteView blob);

/// Writes the chunks that the slot does not have yet; gives how many those were. Runs inside its caller's
/// transaction. Errors: io.
[[nodiscard]] Result<std::size_t> write_chunks(const Database& database, std::uint64_t slot,
                                               const ChunkedState& state);

/// Reads chunks one after another, each checked against its hash.
class ChunkReader {
 public:
  [[nodiscard]] static Result<ChunkReader> make(const Database& database, std::uint64_t slot);
  /// Errors: corrupt_state (a clause that continues "checkpoint 7: "), io.
  [[nodiscard]] Result<Bytes> read(const Sha256& hash);
  /// For who still has the bytes: cheaper than their hash, and as good. Errors: as read().
  [[nodiscard]] Result<void> compare(const Sha256& hash, ByteView expected);

 private:
  ChunkReader() = default;
  [[nodiscard]] Result<void> find(const Sha256& hash);
  Statement query_;
  std::uint64_t slot_ = 0;
};

/// Writes a chunk anew whose stored form turned out to be damaged.
[[nodiscard]] Result<void> replace_chunk(const Database& database, std::uint64_t slot, const Sha256& hash,
                                         ByteView chunk);

/// Removes the chunks that no checkpoint lists any more. Errors: io.
[[nodiscard]] Result<void> remove_unused_chunks(const Database& database);

}  // namespace attune::detail
