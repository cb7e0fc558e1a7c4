// SPDX-License-Identifier: Apache-2.0
// The tables of format 1, as its stores have them: a store that differs is not one.
#include <array>

#include "store/schema.hpp"

namespace attune::detail {
namespace {

constexpr std::array<SchemaObject, 7> kTablesOfFormat1{{
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

}  // namespace

std::span<const SchemaObject> tables_of_format_1() noexcept { return kTablesOfFormat1; }

}  // namespace attune::detail
