// SPDX-License-Identifier: Apache-2.0
// The tables of format 2. SQLite keeps these texts, comments included: `.schema` in its shell explains the
// tables.
#include <array>

#include "store/schema.hpp"

namespace attune::detail {
namespace {

constexpr std::array<SchemaObject, 9> kTablesOfFormat2{{
    {"meta", R"sql(CREATE TABLE meta(
  key TEXT PRIMARY KEY,
  value TEXT NOT NULL
) WITHOUT ROWID)sql"},
    {"head", R"sql(CREATE TABLE head( -- one row: where the journal begins and ends
  one INTEGER PRIMARY KEY CHECK (one = 1),
  position INTEGER NOT NULL,    -- of the last record; 0: none yet
  chain INTEGER NOT NULL,       -- hash over all records up to it, see docs/format/store.md
  first INTEGER NOT NULL,       -- position of the last record that retention removed; 0: none
  first_chain INTEGER NOT NULL, -- the chain behind it
  erased INTEGER NOT NULL,      -- how many of the records there are were blanked
  last_erased INTEGER NOT NULL, -- position of the newest one that ever was; 0: none
  decisions INTEGER NOT NULL,   -- how many of each kind were ever written
  outcomes INTEGER NOT NULL,
  events INTEGER NOT NULL,
  audits INTEGER NOT NULL,      -- how many rows audit has
  audit_chain TEXT NOT NULL     -- chain of the last of them
))sql"},
    {"points", R"sql(CREATE TABLE points(
  number INTEGER PRIMARY KEY,
  name TEXT NOT NULL
))sql"},
    {"decisions", R"sql(CREATE TABLE decisions(
  position INTEGER PRIMARY KEY, -- in the journal, shared with outcomes and events
  time INTEGER,                 -- nanoseconds since 1970-01-01 UTC
  point INTEGER,                -- points.number
  sequence INTEGER,             -- of this decision at its point, from 0
  id BLOB,                      -- UUID, 16 bytes
  slot INTEGER,                 -- of the arm in the policy; NULL: no arm (optimizer)
  arm TEXT,                     -- its id when the row was written; NULL: unknown
  propensity REAL,              -- NULL: computed later
  score REAL,
  version INTEGER,              -- of the policy that chose
  rung INTEGER,                 -- 0 policy, 1 snapshot, 2 fallback, 3 uniform
  greedy INTEGER,               -- 0: chosen to explore
  episode INTEGER,              -- hash of its name; NULL: none
  subject INTEGER,              -- hash of who it is about; NULL: nobody
  parameters TEXT,              -- JSON array, optimizer points only
  chain INTEGER NOT NULL,       -- hash over all records up to this one
  record BLOB                   -- the truth, with its checksum; NULL, like all but position and chain: erased
))sql"},
    {"outcomes", R"sql(CREATE TABLE outcomes(
  position INTEGER PRIMARY KEY,
  time INTEGER,
  decision BLOB,          -- decisions.id
  components TEXT,        -- JSON object
  key INTEGER,            -- hash of the idempotency key; NULL: the default
  ended INTEGER,          -- 0: no, 1: episode ended with it, 2: episode cut off after it
  chain INTEGER NOT NULL,
  record BLOB             -- NULL, like all but position and chain: erased
))sql"},
    {"events", R"sql(CREATE TABLE events(
  position INTEGER PRIMARY KEY,
  time INTEGER,
  point INTEGER,
  kind TEXT,          -- tick, arm_added, arm_enabled, arm_disabled, arm_removed, episode_ended
  subject TEXT,       -- id of the arm
  number INTEGER,     -- hash of the episode
  value REAL,
  aux REAL,
  chain INTEGER NOT NULL,
  record BLOB         -- NULL, like all but position and chain: lost, in a store that salvage made
))sql"},
    {"checkpoints", R"sql(CREATE TABLE checkpoints(
  number INTEGER PRIMARY KEY,
  position INTEGER NOT NULL, -- the state contains exactly the records 1 ... position
  time INTEGER NOT NULL,
  bytes INTEGER NOT NULL,    -- of the state, uncompressed
  sha256 TEXT NOT NULL,      -- of the state, uncompressed
  config_digest TEXT NOT NULL,
  chain INTEGER NOT NULL,    -- of the record at that position
  slot INTEGER NOT NULL,     -- 0 or 1: whose chunks it is made of
  key_id TEXT NOT NULL,      -- of the key it is sealed with; empty: none
  chunks BLOB NOT NULL,      -- SHA-256 of each of its chunks, in order
  seal TEXT NOT NULL         -- SHA-256 or HMAC-SHA-256 of the columns before it
))sql"},
    {"chunks", R"sql(CREATE TABLE chunks( -- parts of states; each once a slot
  number INTEGER PRIMARY KEY,
  slot INTEGER NOT NULL,
  hash BLOB NOT NULL,  -- SHA-256 of the part, uncompressed
  codec TEXT NOT NULL, -- raw or zstd
  data BLOB NOT NULL,
  UNIQUE(slot, hash)
))sql"},
    {"audit", R"sql(CREATE TABLE audit( -- administrative acts
  number INTEGER PRIMARY KEY,
  time INTEGER NOT NULL,
  actor TEXT NOT NULL,
  action TEXT NOT NULL,
  subject TEXT NOT NULL,
  before TEXT NOT NULL,
  after TEXT NOT NULL,
  chain TEXT NOT NULL -- SHA-256 over this row and the chain of the row before
))sql"},
}};

// For people with the sqlite3 shell; attune's own connections cannot use views.
constexpr std::array<SchemaObject, 2> kViews{{
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
  CASE d.rung WHEN 0 THEN 'policy' WHEN 1 THEN 'snapshot' WHEN 2 THEN 'fallback' WHEN 4 THEN 'static'
    ELSE 'uniform' END AS rung,
  d.greedy
FROM decisions d LEFT JOIN points p ON p.number = d.point WHERE d.record IS NOT NULL)sql"},
    {"decision_outcomes", R"sql(CREATE VIEW decision_outcomes AS
SELECT d.position,
  coalesce(p.name, d.point) AS point,
  coalesce(d.arm, d.slot) AS arm,
  d.propensity,
  o.position AS outcome_position,
  (o.time - d.time) / 1e9 AS delay_seconds,
  o.components
FROM decisions d LEFT JOIN points p ON p.number = d.point LEFT JOIN outcomes o ON o.decision = d.id
WHERE d.record IS NOT NULL)sql"},
}};

}  // namespace

std::span<const SchemaObject> tables_of_format_2() noexcept { return kTablesOfFormat2; }
std::span<const SchemaObject> views_of_format_2() noexcept { return kViews; }

}  // namespace attune::detail
