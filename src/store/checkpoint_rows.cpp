// SPDX-License-Identifier: Apache-2.0
#include "store/checkpoint_rows.hpp"

#include <algorithm>
#include <span>
#include <string_view>
#include <utility>

#include "store/blob_codec.hpp"

namespace attune::detail {
namespace {

constexpr std::uint64_t kMaxStateBytes = std::uint64_t{1} << 32U;

/// SHA-256 over everything in the row but the state itself, whose digest is part of it. A text, so that a
/// seal can be checked from a shell.
[[nodiscard]] std::string seal_of(const CheckpointInfo& info, std::uint64_t chain, std::string_view codec) {
  std::string text = "attune checkpoint";
  const auto line = [&](std::string_view value) { text.append("\n").append(value); };
  line(std::to_string(info.number));
  line(std::to_string(info.position));
  line(std::to_string(info.time));
  line(std::to_string(info.bytes));
  line(to_hex(info.digest));
  line(info.config_digest);
  line(std::to_string(static_cast<std::int64_t>(chain)));
  line(codec);
  return to_hex(sha256(std::as_bytes(std::span(text))));
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

[[nodiscard]] std::string name_of(const CheckpointInfo& info) {
  return "checkpoint " + std::to_string(info.number) + " (position " + std::to_string(info.position) + ")";
}

}  // namespace

Result<void> insert_checkpoint(const Database& database, const CheckpointInfo& info, std::uint64_t chain,
                               ByteView state) {
  const Packed packed = pack(state);
  const std::string digest = to_hex(info.digest);
  const std::string seal = seal_of(info, chain, packed.codec);
  Result<Statement> insert =
      database.prepare("INSERT INTO checkpoints VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10)");
  if (!insert) {
    return tl::unexpected(std::move(insert).error());
  }
  insert->bind(1, info.number).bind(2, info.position).bind(3, info.time).bind(4, info.bytes);
  insert->bind(5, std::string_view(digest)).bind(6, std::string_view(info.config_digest)).bind(7, chain);
  insert->bind(8, packed.codec).bind(9, std::string_view(seal)).bind(10, packed.view);
  return insert->run();
}

Result<std::vector<CheckpointRow>> list_checkpoints(const Database& database) {
  Result<Statement> rows = database.prepare(
      "SELECT number, position, time, bytes, sha256, config_digest, chain, codec, seal, length(state)"
      " FROM checkpoints ORDER BY number");
  if (!rows) {
    return tl::unexpected(std::move(rows).error());
  }
  std::vector<CheckpointRow> found;
  Result<bool> row = rows->step();
  for (; row && *row; row = rows->step()) {
    CheckpointRow entry;
    entry.info.number = rows->count(0);
    entry.info.position = rows->count(1);
    entry.info.time = rows->integer(2);
    entry.info.bytes = rows->count(3);
    const bool hex = parse_digest(rows->text(4), entry.info.digest);
    entry.info.config_digest = rows->text(5);
    entry.chain = rows->count(6);
    entry.codec = rows->text(7);
    entry.stored_bytes = rows->count(9);
    if (!hex || rows->text(8) != seal_of(entry.info, entry.chain, entry.codec)) {
      entry.damage = "its row does not match its seal";
    } else if (entry.info.bytes > kMaxStateBytes) {
      entry.damage = "it claims a state of " + std::to_string(entry.info.bytes) + " bytes";
    }
    found.push_back(std::move(entry));
  }
  if (!row) {
    return tl::unexpected(std::move(row).error());
  }
  return found;
}

Result<Bytes> read_state(const Database& database, const CheckpointInfo& info) {
  Result<Statement> query = database.prepare("SELECT codec, state FROM checkpoints WHERE number = ?1");
  if (!query) {
    return tl::unexpected(std::move(query).error());
  }
  Result<bool> row = query->bind(1, info.number).step();
  if (!row) {
    return tl::unexpected(std::move(row).error());
  }
  if (!*row) {
    return fail(Errc::corrupt_state, "it is not there");
  }
  Result<Bytes> state = unpack(query->text(0), query->blob(1), info.bytes);
  if (state && sha256(*state) != info.digest) {
    return fail(Errc::corrupt_state, "its state has SHA-256 " + to_hex(sha256(*state)) + " where " +
                                         to_hex(info.digest) + " was written");
  }
  return state;
}

Result<std::optional<Checkpoint>> find_checkpoint(const Database& database, std::uint64_t last_position,
                                                  std::vector<std::string>* skipped) {
  Result<std::vector<CheckpointRow>> rows = list_checkpoints(database);
  if (!rows) {
    return tl::unexpected(std::move(rows).error());
  }
  std::ranges::reverse(*rows);
  for (CheckpointRow& row : *rows) {
    std::string damage = std::move(row.damage);
    if (damage.empty() && row.info.position > last_position) {
      damage = "the journal ends before it, at record " + std::to_string(last_position);
    }
    if (damage.empty()) {
      Result<Bytes> state = read_state(database, row.info);
      if (state) {
        return Checkpoint{.info = std::move(row.info), .state = std::move(*state)};
      }
      if (state.error().code == Errc::io) {
        return tl::unexpected(
            std::move(state).error());  // trouble with the disk says nothing about the checkpoint
      }
      damage = std::move(state).error().message;
    }
    if (skipped != nullptr) {
      skipped->push_back(name_of(row.info) + " was passed over: " + damage);
    }
  }
  return std::optional<Checkpoint>{};
}

}  // namespace attune::detail
