// SPDX-License-Identifier: Apache-2.0
#include "store/schema.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <string_view>

namespace attune::detail {
namespace {

struct Object {
  std::string_view name;
  std::string_view sql;
};

// SQLite keeps these texts, comments included: `.schema` in its shell explains the tables.
constexpr std::array<Object, 7> kTables{{
    {"meta", R"sql(CREATE TABLE meta(
  key TEXT PRIMARY KEY,
  value TEXT NOT NULL
) WITHOUT ROWID)sql"},
    {"head", R"sql(CREATE TABLE head( -- one row: where the journal ends
  one INTEGER PRIMARY KEY CHECK (one = 1),
  position INTEGER NOT NULL,  -- of the last record; 0: none yet
  chain INTEGER NOT NULL,     -- hash over all records, see docs/format/store.md
  decisions INTEGER NOT NULL, -- how many of each kind
  outcomes INTEGER NOT NULL,
  events INTEGER NOT NULL
))sql"},
    {"points", R"sql(CREATE TABLE points(
  number INTEGER PRIMARY KEY,
  name TEXT NOT NULL
))sql"},
    {"decisions", R"sql(CREATE TABLE decisions(
  position INTEGER PRIMARY KEY, -- in the journal, shared with outcomes and events
  time INTEGER NOT NULL,        -- nanoseconds since 1970-01-01 UTC
  point INTEGER NOT NULL,       -- points.number
  sequence INTEGER NOT NULL,    -- of this decision at its point, from 0
  id BLOB NOT NULL,             -- UUID, 16 bytes
  slot INTEGER,                 -- of the arm in the policy; NULL: no arm (optimizer)
  arm TEXT,                     -- its id when the row was written; NULL: unknown
  propensity REAL,              -- NULL: computed later
  score REAL,
  version INTEGER NOT NULL,     -- of the policy that chose
  rung INTEGER NOT NULL,        -- 0 policy, 1 snapshot, 2 fallback, 3 uniform
  greedy INTEGER NOT NULL,      -- 0: chosen to explore
  episode INTEGER,              -- hash of its name; NULL: none
  parameters TEXT,              -- JSON array, optimizer points only
  record BLOB NOT NULL          -- the truth, with its checksum
))sql"},
    {"outcomes", R"sql(CREATE TABLE outcomes(
  position INTEGER PRIMARY KEY,
  time INTEGER NOT NULL,
  decision BLOB NOT NULL,   -- decisions.id
  components TEXT NOT NULL, -- JSON object
  key INTEGER,              -- hash of the idempotency key; NULL: the default
  ended INTEGER NOT NULL,   -- 0: no, 1: episode ended with it, 2: episode cut off after it
  record BLOB NOT NULL
))sql"},
    {"events", R"sql(CREATE TABLE events(
  position INTEGER PRIMARY KEY,
  time INTEGER NOT NULL,
  point INTEGER NOT NULL,
  kind TEXT NOT NULL, -- tick, arm_added, arm_enabled, arm_disabled, arm_removed, episode_ended
  subject TEXT,       -- id of the arm
  number INTEGER,     -- hash of the episode
  value REAL,
  aux REAL,
  record BLOB NOT NULL
))sql"},
    {"checkpoints", R"sql(CREATE TABLE checkpoints(
  number INTEGER PRIMARY KEY,
  position INTEGER NOT NULL, -- the state contains exactly the records 1 ... position
  time INTEGER NOT NULL,
  bytes INTEGER NOT NULL,    -- of the state, uncompressed
  sha256 TEXT NOT NULL,      -- of the state, uncompressed
  config_digest TEXT NOT NULL,
  chain INTEGER NOT NULL,    -- head.chain at that position
  codec TEXT NOT NULL,       -- raw or zstd
  seal TEXT NOT NULL,        -- SHA-256 of the columns before it
  state BLOB NOT NULL
))sql"},
}};

// For people with the sqlite3 shell; attune's own connections cannot use views.
constexpr std::array<Object, 2> kViews{{
    {"decision_log", R"sql(CREATE VIEW decision_log AS
SELECT d.position,
  strftime('%Y-%m-%dT%H:%M:%S', d.time / 1000000000, 'unixepoch')
    || printf('.%06dZ', d.time % 1000000000 / 1000) AS at,
  coalesce(p.name, d.point) AS point,
  d.sequence,
  lower(printf('%s-%s-%s-%s-%s', substr(hex(d.id), 1, 8), substr(hex(d.id), 9, 4), substr(hex(d.id), 13, 4),
    substr(hex(d.id), 17, 4), substr(hex(d.id), 21, 12))) AS id,
  coalesce(d.arm, d.slot) AS arm,
  coalesce(d.propensity, 'deferred') AS propensity,
  d.version,
  CASE d.rung WHEN 0 THEN 'policy' WHEN 1 THEN 'snapshot' WHEN 2 THEN 'fallback' ELSE 'uniform' END AS rung,
  d.greedy
FROM decisions d LEFT JOIN points p ON p.number = d.point)sql"},
    {"decision_outcomes", R"sql(CREATE VIEW decision_outcomes AS
SELECT d.position,
  coalesce(p.name, d.point) AS point,
  coalesce(d.arm, d.slot) AS arm,
  d.propensity,
  o.position AS outcome_position,
  (o.time - d.time) / 1e9 AS delay_seconds,
  o.components
FROM decisions d LEFT JOIN points p ON p.number = d.point LEFT JOIN outcomes o ON o.decision = d.id)sql"},
}};

[[nodiscard]] std::uint32_t big_endian(ByteView bytes, std::size_t at) noexcept {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < 4; ++i) {
    value = value << 8U | std::to_integer<std::uint32_t>(bytes[at + i]);
  }
  return value;
}

}  // namespace

Result<void> create_schema(Database& database) {
  // Truth, order and place of every statement are fixed: two new stores differ in their id only.
  Result<void> done = database.run("PRAGMA application_id = " + std::to_string(kApplicationId));
  const auto then = [&](std::string_view sql) {
    if (done) {
      done = database.run(sql);
    }
  };
  then("PRAGMA synchronous = FULL");
  then("BEGIN EXCLUSIVE");
  then("PRAGMA user_version = " + std::to_string(kSchemaVersion));
  for (const Object& table : kTables) {
    then(table.sql);
  }
  for (const Object& view : kViews) {
    then(view.sql);
  }
  then("INSERT INTO head VALUES(1, 0, 0, 0, 0, 0)");
  then("INSERT INTO meta VALUES('store_id', lower(hex(randomblob(16))))");
  then("COMMIT");
  then("PRAGMA journal_mode = WAL");
  return done;
}

Result<void> check_header(const std::string& path, std::uint64_t file_bytes, ByteView header) {
  constexpr std::string_view kMagic{"SQLite format 3\0", 16};
  constexpr std::size_t kVersionOffset = 60;
  constexpr std::size_t kApplicationOffset = 68;
  const std::string kept = "; nothing was changed. Name another path, or move that file away";
  if (file_bytes == 0) {
    return fail(Errc::corrupt_state, "'" + path + "' is an empty file, not an attune store" + kept);
  }
  const std::string_view front(reinterpret_cast<const char*>(header.data()), header.size());
  if (!front.starts_with(kMagic)) {
    return fail(
        Errc::corrupt_state,
        "'" + path + "' is not an attune store, or its first bytes are damaged (no SQLite file)" + kept);
  }
  const std::uint32_t application = big_endian(header, kApplicationOffset);
  if (application != kApplicationId) {
    return fail(Errc::corrupt_state, "'" + path +
                                         "' is an SQLite database of another program (application_id " +
                                         std::to_string(application) + ", attune has " +
                                         std::to_string(kApplicationId) + ")" + kept);
  }
  const std::uint32_t version = big_endian(header, kVersionOffset);
  if (version != kSchemaVersion) {
    return fail(Errc::unsupported_version,
                "'" + path + "' has store version " + std::to_string(version) +
                    " and this attune reads version " + std::to_string(kSchemaVersion) +
                    "; nothing was changed. Open it with the attune that wrote it");
  }
  return {};
}

Result<void> check_schema(const std::string& path, Database& database) {
  Result<Statement> rows = database.prepare("SELECT type, name, sql FROM sqlite_schema");
  if (!rows) {
    return tl::unexpected(std::move(rows).error());
  }
  std::size_t found = 0;
  Result<bool> row = rows->step();
  for (; row && *row; row = rows->step()) {
    const std::string_view type = rows->text(0);
    const std::string_view name = rows->text(1);
    if (type == "trigger" || rows->text(2).starts_with("CREATE VIRTUAL")) {
      return fail(Errc::corrupt_state, "'" + path + "' has a " + std::string(type) + " named '" +
                                           std::string(name) +
                                           "' that attune did not make; drop it with the sqlite3 shell");
    }
    const auto same_name = [&](const Object& object) { return object.name == name; };
    const auto* const table = std::ranges::find_if(kTables, same_name);
    if (table == kTables.end()) {
      continue;  // somebody's own table, index or view: never read
    }
    if (type != "table" || rows->text(2) != table->sql) {
      return fail(
          Errc::corrupt_state,
          "'" + path + "': " + std::string(type) + " '" + std::string(name) +
              "' is not as attune made it: the file is damaged or was altered. Restore it from a copy");
    }
    ++found;
  }
  if (!row) {
    return tl::unexpected(std::move(row).error());
  }
  if (found != kTables.size()) {
    return fail(Errc::corrupt_state, "'" + path + "' lacks " + std::to_string(kTables.size() - found) +
                                         " of the tables of a store: it is damaged. Restore it from a copy");
  }
  return {};
}

}  // namespace attune::detail
