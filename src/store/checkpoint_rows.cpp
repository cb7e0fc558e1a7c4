// SPDX-License-Identifier: Apache-2.0
#include "store/checkpoint_rows.hpp"

#include <algorithm>
#include <span>
#include <utility>

#include "core/failpoint.hpp"
#include "store/blob_codec.hpp"
#include "store/seal.hpp"

namespace attune::detail {
namespace {

constexpr std::uint64_t kMaxStateBytes = std::uint64_t{1} << 32U;

/// What a seal covers: everything in the row, and the state through the hashes of its chunks. A text, so that
/// a seal can be checked from a shell.
[[nodiscard]] std::string sealed_text(const CheckpointRow& row, std::string_view key_id) {
  const CheckpointInfo& info = row.info;
  std::string text = "attune checkpoint 2";
  const auto line = [&](std::string_view value) { text.append("\n").append(value); };
  line(std::to_string(info.number));
  line(std::to_string(info.position));
  line(std::to_string(info.time));
  line(std::to_string(info.bytes));
  line(to_hex(info.digest));
  line(info.config_digest);
  line(std::to_string(static_cast<std::int64_t>(row.chain)));
  line(std::to_string(row.slot));
  line(key_id);
  line("");
  for (const Sha256& hash : row.chunks) {
    text += to_hex(hash);
  }
  return text;
}

/// The same of format 1, which knew neither keys nor chunks.
[[nodiscard]] std::string sealed_text_1(const CheckpointRow& row) {
  const CheckpointInfo& info = row.info;
  std::string text = "attune checkpoint";
  const auto line = [&](std::string_view value) { text.append("\n").append(value); };
  line(std::to_string(info.number));
  line(std::to_string(info.position));
  line(std::to_string(info.time));
  line(std::to_string(info.bytes));
  line(to_hex(info.digest));
  line(info.config_digest);
  line(std::to_string(static_cast<std::int64_t>(row.chain)));
  line(row.codec);
  return text;
}

[[nodiscard]] bool parse_digest(std::string_view hex, Sha256& out) noexcept {
  const auto digit = [](char c) {
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
  };
  if (hex.size() != 2 * out.size()) {
    return false;
  }
  for (std::size_t i = 0; i < out.size(); ++i) {
    const int high = digit(hex[2 * i]);
    const int low = digit(hex[2 * i + 1]);
    if (high < 0 || low < 0) {
      return false;
    }
    out[i] = static_cast<std::uint8_t>(high * 16 + low);
  }
  return true;
}

[[nodiscard]] std::string damage_of(const SealKeys& keys, CheckpointRow& row, std::string_view text,
                                    std::string_view seal) {
  row.seal = keys.check(text, row.key_id, seal);
  switch (row.seal) {
    case SealVerdict::broken:
      return "its row does not match its seal";
    case SealVerdict::unsealed:
      if (!keys.lenient()) {
        return "it is not sealed with a key, and a key was given";
      }
      break;
    case SealVerdict::unknown_key:
      if (!keys.lenient()) {
        return "it is sealed with key '" + row.key_id + "', which was not given";
      }
      break;
    case SealVerdict::good:
      break;
  }
  return row.info.bytes > kMaxStateBytes ? "it claims a state of " + std::to_string(row.info.bytes) + " bytes"
                                         : "";
}

[[nodiscard]] std::string list_query(const StoreFile& store) {
  std::string query = "SELECT number, position, time, bytes, sha256, config_digest, chain, ";
  query += store.version == 1 ? "codec, seal, length(state)" : "slot, key_id, chunks, seal";
  return query.append(" FROM checkpoints").append(store.suffix) + " ORDER BY number";
}

[[nodiscard]] CheckpointRow row_of(const StoreFile& store, const Statement& rows) {
  CheckpointRow row;
  row.info.number = rows.count(0);
  row.info.position = rows.count(1);
  row.info.time = rows.integer(2);
  row.info.bytes = rows.count(3);
  const bool hex = parse_digest(rows.text(4), row.info.digest);
  row.info.config_digest = rows.text(5);
  row.chain = rows.count(6);
  if (store.version == 1) {
    row.codec = rows.text(7);
    row.stored_bytes = rows.count(9);
    row.damage = damage_of(store.keys, row, sealed_text_1(row), rows.text(8));
  } else {
    row.slot = rows.count(7);
    row.key_id = rows.text(8);
    Result<std::vector<Sha256>> chunks = unpack_hashes(rows.blob(9));
    row.chunks = chunks ? std::move(*chunks) : std::vector<Sha256>{};
    row.damage = chunks ? damage_of(store.keys, row, sealed_text(row, row.key_id), rows.text(10))
                        : chunks.error().message;
  }
  if (!hex) {
    row.damage = "its row does not match its seal";
  }
  return row;
}

[[nodiscard]] Result<Bytes> read_state_1(const StoreFile& store, const CheckpointInfo& info) {
  Result<Statement> query = store.database.prepare("SELECT codec, state FROM checkpoints" +
                                                   std::string(store.suffix) + " WHERE number = ?1");
  if (!query) {
    return tl::unexpected(std::move(query).error());
  }
  Result<bool> row = query->bind(1, info.number).step();
  if (!row) {
    return tl::unexpected(std::move(row).error());
  }
  return *row ? unpack(query->text(0), query->blob(1), info.bytes)
              : fail(Errc::corrupt_state, "it is not there");
}

[[nodiscard]] Result<Bytes> read_state_2(const Database& database, const CheckpointRow& row) {
  Result<ChunkReader> reader = ChunkReader::make(database, row.slot);
  if (!reader) {
    return tl::unexpected(std::move(reader).error());
  }
  Bytes state;
  for (const Sha256& hash : row.chunks) {
    Result<Bytes> chunk = reader->read(hash);
    if (!chunk) {
      return chunk;
    }
    if (chunk->size() > row.info.bytes - state.size()) {
      return fail(Errc::corrupt_state,
                  "its chunks have more than its " + std::to_string(row.info.bytes) + " bytes");
    }
    state.insert(state.end(), chunk->begin(), chunk->end());
  }
  if (state.size() != row.info.bytes) {
    return fail(Errc::corrupt_state, "its state has " + std::to_string(state.size()) + " bytes where " +
                                         std::to_string(row.info.bytes) + " were written");
  }
  return state;
}

/// Kept beside the rows, so that one that has vanished from its table is missed.
[[nodiscard]] Result<void> note_newest(const Database& database) {
  return database.run(
      "REPLACE INTO meta SELECT 'newest_checkpoint', coalesce(max(number), 0) FROM checkpoints");
}

/// A sentence when a checkpoint newer than those of `rows` was written; empty: none, or not known.
[[nodiscard]] Result<std::string> vanished(const Database& database, const std::vector<CheckpointRow>& rows) {
  const std::uint64_t found = rows.empty() ? 0 : rows.back().info.number;
  return database.number("SELECT value FROM meta WHERE key = 'newest_checkpoint'", 0)
      .map([&](std::int64_t newest) {
        return static_cast<std::uint64_t>(newest) > found
                   ? "checkpoint " + std::to_string(newest) + " was written and is gone"
                   : std::string();
      });
}

[[nodiscard]] std::string name_of(const CheckpointInfo& info) {
  return "checkpoint " + std::to_string(info.number) + " (position " + std::to_string(info.position) + ")";
}

}  // namespace

Result<void> insert_checkpoint(const Database& database, const SealKeys& keys, const CheckpointInfo& info,
                               std::uint64_t chain, std::uint64_t slot, const ChunkedState& state) {
  if (Result<std::size_t> written = write_chunks(database, slot, state); !written) {
    return tl::unexpected(std::move(written).error());
  }
  failpoint(Failpoint::chunks_written);
  CheckpointRow row;
  row.info = info;
  row.chain = chain;
  row.slot = slot;
  row.chunks = state.hashes;
  const std::string_view key_id = keys.key_id();
  const std::string digest = to_hex(info.digest);
  const std::string seal = keys.seal(sealed_text(row, key_id));
  const Bytes list = pack_hashes(state.hashes);
  Result<Statement> insert =
      database.prepare("INSERT INTO checkpoints VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11)");
  if (!insert) {
    return tl::unexpected(std::move(insert).error());
  }
  insert->bind(1, info.number).bind(2, info.position).bind(3, info.time).bind(4, info.bytes);
  insert->bind(5, std::string_view(digest)).bind(6, std::string_view(info.config_digest)).bind(7, chain);
  insert->bind(8, slot).bind(9, key_id).bind(10, ByteView(list)).bind(11, std::string_view(seal));
  Result<void> done = insert->run();
  return done ? note_newest(database) : done;
}

Result<std::uint64_t> next_slot(const Database& database) {
  return database.number("SELECT slot FROM checkpoints ORDER BY number DESC LIMIT 1", 1)
      .map([](std::int64_t newest) { return newest == 0 ? std::uint64_t{1} : std::uint64_t{0}; });
}

Result<void> verify_written(const StoreFile& store, std::uint64_t slot, const ChunkedState& state) {
  const Database& database = store.database;
  for (const bool first_time : {true, false}) {
    Result<ChunkReader> reader = ChunkReader::make(database, slot);
    if (!reader) {
      return tl::unexpected(std::move(reader).error());
    }
    std::vector<std::size_t> damaged;
    for (std::size_t i = 0; i < state.chunks.size(); ++i) {
      const Result<void> same = reader->compare(state.hashes[i], state.chunks[i]);
      if (!same && (!first_time || same.error().code == Errc::io)) {
        return same;
      }
      if (!same) {
        damaged.push_back(i);
      }
    }
    if (damaged.empty()) {
      break;
    }
    Result<Transaction> transaction = Transaction::begin(database, "BEGIN IMMEDIATE");
    if (!transaction) {
      return tl::unexpected(std::move(transaction).error());
    }
    for (const std::size_t i : damaged) {
      if (Result<void> done = replace_chunk(database, slot, state.hashes[i], state.chunks[i]); !done) {
        return done;
      }
    }
    if (Result<void> done = transaction->commit(); !done) {
      return done;
    }
    database.drop_cache();
  }
  return {};
}

Result<std::uint64_t> remove_checkpoints(const Database& database, std::string_view where,
                                         std::uint64_t bound) {
  Result<Statement> remove = database.prepare("DELETE FROM checkpoints WHERE " + std::string(where));
  Result<void> done = remove ? remove->bind(1, bound).run() : tl::unexpected(std::move(remove).error());
  const auto removed = static_cast<std::uint64_t>(done ? database.changed_rows() : 0);
  if (done && removed > 0) {
    failpoint(Failpoint::prune_checkpoints_removed);
    done = remove_unused_chunks(database);
    done = done ? note_newest(database) : done;
  }
  return done ? Result<std::uint64_t>(removed) : tl::unexpected(std::move(done).error());
}

Result<std::vector<CheckpointRow>> list_checkpoints(const StoreFile& store) {
  Result<Statement> rows = store.database.prepare(list_query(store));
  if (!rows) {
    return tl::unexpected(std::move(rows).error());
  }
  std::vector<CheckpointRow> found;
  Result<bool> row = rows->step();
  for (; row && *row; row = rows->step()) {
    found.push_back(row_of(store, *rows));
  }
  if (!row) {
    return tl::unexpected(std::move(row).error());
  }
  return found;
}

Result<Bytes> read_state(const StoreFile& store, const CheckpointRow& row) {
  Result<Bytes> state =
      store.version == 1 ? read_state_1(store, row.info) : read_state_2(store.database, row);
  if (state && sha256(*state) != row.info.digest) {
    return fail(Errc::corrupt_state, "its state has SHA-256 " + to_hex(sha256(*state)) + " where " +
                                         to_hex(row.info.digest) + " was written");
  }
  return state;
}

Result<std::string> obstacle(const StoreFile& store, const Head& head, const CheckpointRow& row) {
  const std::uint64_t position = row.info.position;
  if (position > head.position) {
    return "the journal ends before it, at record " + std::to_string(head.position);
  }
  if (position < head.first) {
    return "retention removed records after it, up to record " + std::to_string(head.first);
  }
  if (position < head.last_erased) {
    return "records after it were erased, the last one is record " + std::to_string(head.last_erased);
  }
  return chain_at(store, head, position).map([&](std::optional<std::uint64_t> chain) {
    return chain && *chain != row.chain
               ? std::string("it was taken over another journal: the chains at its position differ")
               : std::string();
  });
}

Result<std::vector<CheckpointRow>> usable_checkpoints(const StoreFile& store, const Head& head,
                                                      std::size_t enough, std::vector<std::string>* skipped,
                                                      Bytes* newest_state) {
  Result<std::vector<CheckpointRow>> rows = list_checkpoints(store);
  if (!rows) {
    return rows;
  }
  Result<std::string> gone = vanished(store.database, *rows);
  if (!gone) {
    return tl::unexpected(std::move(gone).error());
  }
  if (!gone->empty() && skipped != nullptr) {
    skipped->push_back(std::move(*gone));
  }
  std::ranges::reverse(*rows);
  std::vector<CheckpointRow> usable;
  for (CheckpointRow& row : *rows) {
    if (usable.size() == enough) {
      break;
    }
    Result<std::string> why =
        row.damage.empty() ? obstacle(store, head, row) : Result<std::string>(row.damage);
    Result<Bytes> state =
        why && why->empty() ? read_state(store, row) : fail(Errc::corrupt_state, why ? *why : "");
    if (!why || (!state && state.error().code == Errc::io)) {
      // Trouble with the disk says nothing about the checkpoint.
      return tl::unexpected(why ? std::move(state).error() : std::move(why).error());
    }
    if (!state) {
      if (skipped != nullptr) {
        skipped->push_back(name_of(row.info) + " was passed over: " + state.error().message);
      }
      continue;
    }
    if (newest_state != nullptr && usable.empty()) {
      *newest_state = std::move(*state);
    }
    usable.push_back(std::move(row));
  }
  return usable;
}

}  // namespace attune::detail
