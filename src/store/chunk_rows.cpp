// SPDX-License-Identifier: Apache-2.0
#include "store/chunk_rows.hpp"

#include <algorithm>
#include <cstring>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "core/failpoint.hpp"
#include "store/blob_codec.hpp"
#include "store/chunker.hpp"

namespace attune::detail {
namespace {

[[nodiscard]] ByteView bytes_of(const Sha256& hash) noexcept { return std::as_bytes(std::span(hash)); }

[[nodiscard]] Result<void> insert_chunk(Statement& insert, std::uint64_t slot, const Sha256& hash,
                                        ByteView chunk) {
  const Packed packed = pack(chunk);
  return insert.bind(1, slot).bind(2, bytes_of(hash)).bind(3, packed.codec).bind(4, packed.view).run();
}

[[nodiscard]] std::string name_of(const Sha256& hash) { return "its chunk " + to_hex(hash).substr(0, 16); }

constexpr std::string_view kInsert = "INSERT INTO chunks(slot, hash, codec, data) VALUES(?1,?2,?3,?4)";

}  // namespace

ChunkedState chunked(ByteView state) {
  ChunkedState result{.chunks = cut_into_chunks(state), .hashes = {}};
  result.hashes.reserve(result.chunks.size());
  for (const ByteView chunk : result.chunks) {
    result.hashes.push_back(sha256(chunk));
  }
  return result;
}

Bytes pack_hashes(std::span<const Sha256> hashes) {
  const ByteView bytes = std::as_bytes(hashes);
  return {bytes.begin(), bytes.end()};
}

Result<std::vector<Sha256>> unpack_hashes(ByteView blob) {
  if (blob.size() % sizeof(Sha256) != 0) {
    return fail(Errc::corrupt_state, "its list of chunks is cut");
  }
  std::vector<Sha256> hashes(blob.size() / sizeof(Sha256));
  if (!hashes.empty()) {
    std::memcpy(hashes.data(), blob.data(), blob.size());
  }
  return hashes;
}

Result<std::size_t> write_chunks(const Database& database, std::uint64_t slot, const ChunkedState& state) {
  Result<Statement> known = database.prepare("SELECT 1 FROM chunks WHERE slot = ?1 AND hash = ?2");
  Result<Statement> insert = database.prepare(kInsert);
  if (!known || !insert) {
    return tl::unexpected(known ? std::move(insert).error() : std::move(known).error());
  }
  std::size_t written = 0;
  for (std::size_t i = 0; i < state.chunks.size(); ++i) {
    Result<bool> there = known->bind(1, slot).bind(2, bytes_of(state.hashes[i])).step();
    known->reset();
    if (!there) {
      return tl::unexpected(std::move(there).error());
    }
    if (*there) {
      continue;
    }
    if (Result<void> done = insert_chunk(*insert, slot, state.hashes[i], state.chunks[i]); !done) {
      return tl::unexpected(std::move(done).error());
    }
    ++written;
    failpoint(Failpoint::chunk_written);
  }
  return written;
}

Result<ChunkReader> ChunkReader::make(const Database& database, std::uint64_t slot) {
  Result<Statement> query = database.prepare("SELECT codec, data FROM chunks WHERE slot = ?1 AND hash = ?2");
  if (!query) {
    return tl::unexpected(std::move(query).error());
  }
  ChunkReader reader;
  reader.query_ = std::move(*query);
  reader.slot_ = slot;
  return reader;
}

Result<void> ChunkReader::find(const Sha256& hash) {
  Result<bool> row = query_.bind(1, slot_).bind(2, bytes_of(hash)).step();
  if (!row) {
    return tl::unexpected(std::move(row).error());
  }
  return *row ? Result<void>{} : fail(Errc::corrupt_state, name_of(hash) + " is missing");
}

Result<Bytes> ChunkReader::read(const Sha256& hash) {
  if (Result<void> found = find(hash); !found) {
    return tl::unexpected(std::move(found).error());
  }
  Result<Bytes> chunk = unpack_at_most(query_.text(0), query_.blob(1), kMaxChunk);
  query_.reset();
  if (!chunk) {
    chunk.error().message = name_of(hash) + ": " + chunk.error().message;
  } else if (sha256(*chunk) != hash) {
    return fail(Errc::corrupt_state, name_of(hash) + " has SHA-256 " + to_hex(sha256(*chunk)));
  }
  return chunk;
}

Result<void> ChunkReader::compare(const Sha256& hash, ByteView expected) {
  if (Result<void> found = find(hash); !found) {
    return found;
  }
  bool same = false;
  if (query_.text(0) == kRaw) {
    same = std::ranges::equal(query_.blob(1), expected);
  } else {
    const Result<Bytes> chunk = unpack_at_most(query_.text(0), query_.blob(1), kMaxChunk);
    same = chunk && std::ranges::equal(*chunk, expected);
  }
  query_.reset();
  return same ? Result<void>{} : fail(Errc::corrupt_state, name_of(hash) + " is not what was written");
}

Result<void> replace_chunk(const Database& database, std::uint64_t slot, const Sha256& hash, ByteView chunk) {
  Result<Statement> remove = database.prepare("DELETE FROM chunks WHERE slot = ?1 AND hash = ?2");
  Result<Statement> insert = database.prepare(kInsert);
  if (!remove || !insert) {
    return tl::unexpected(remove ? std::move(insert).error() : std::move(remove).error());
  }
  Result<void> done = remove->bind(1, slot).bind(2, bytes_of(hash)).run();
  return done ? insert_chunk(*insert, slot, hash, chunk) : done;
}

Result<void> remove_unused_chunks(const Database& database) {
  Result<Statement> lists = database.prepare("SELECT slot, chunks FROM checkpoints");
  Result<Statement> all = database.prepare("SELECT number, slot, hash FROM chunks");
  Result<Statement> remove = database.prepare("DELETE FROM chunks WHERE number = ?1");
  if (!lists || !all || !remove) {
    return tl::unexpected(!lists ? lists.error() : !all ? all.error() : remove.error());
  }
  const auto text_of = [](ByteView bytes) {
    return std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  };
  std::set<std::pair<std::uint64_t, std::string>> used;
  Result<bool> row = lists->step();
  for (; row && *row; row = lists->step()) {
    ByteView list = lists->blob(1);
    for (; list.size() >= sizeof(Sha256); list = list.subspan(sizeof(Sha256))) {
      used.emplace(lists->count(0), text_of(list.first(sizeof(Sha256))));
    }
  }
  std::vector<std::uint64_t> unused;
  if (row) {
    row = all->step();
  }
  for (; row && *row; row = all->step()) {
    if (!used.contains({all->count(1), text_of(all->blob(2))})) {
      unused.push_back(all->count(0));
    }
  }
  if (!row) {
    return tl::unexpected(std::move(row).error());
  }
  for (const std::uint64_t number : unused) {
    if (Result<void> done = remove->bind(1, number).run(); !done) {
      return done;
    }
  }
  return {};
}

}  // namespace attune::detail
