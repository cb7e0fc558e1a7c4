// SPDX-License-Identifier: Apache-2.0
#include "bench/durable/bare_loop.hpp"

#include <cstdio>
#include <cstdlib>

#include <sqlite3.h>

namespace attune::bench {
namespace {

constexpr const char* kSchema = R"sql(
PRAGMA journal_mode = WAL;
PRAGMA synchronous = FULL;
PRAGMA wal_autocheckpoint = 4000;
PRAGMA cache_size = -8192;
CREATE TABLE decisions(position INTEGER PRIMARY KEY, time INTEGER NOT NULL, point INTEGER NOT NULL,
  sequence INTEGER NOT NULL, id BLOB NOT NULL, slot INTEGER, arm TEXT, propensity REAL, score REAL,
  version INTEGER NOT NULL, rung INTEGER NOT NULL, greedy INTEGER NOT NULL, episode INTEGER, parameters TEXT,
  record BLOB NOT NULL, subject INTEGER, chain INTEGER NOT NULL);
CREATE TABLE outcomes(position INTEGER PRIMARY KEY, time INTEGER NOT NULL, decision BLOB NOT NULL,
  components TEXT NOT NULL, key INTEGER, ended INTEGER NOT NULL, record BLOB NOT NULL, chain INTEGER NOT NULL);
)sql";
constexpr std::int64_t kTime = 1'700'000'000'000'000'000;
constexpr std::int64_t kHash = 0x1234'5678'9ABC'DEF0;

}  // namespace

void BareLoop::must(int code) const {
  if (code != SQLITE_OK && code != SQLITE_DONE && code != SQLITE_ROW) {
    static_cast<void>(std::fprintf(stderr, "bare loop: %s\n", sqlite3_errmsg(database_)));
    std::abort();
  }
}

BareLoop::BareLoop(const std::string& path) {
  must(sqlite3_open(path.c_str(), &database_));
  must(sqlite3_exec(database_, kSchema, nullptr, nullptr, nullptr));
  const auto prepare = [&](const char* sql, sqlite3_stmt** out) {
    must(sqlite3_prepare_v3(database_, sql, -1, SQLITE_PREPARE_PERSISTENT, out, nullptr));
  };
  prepare("BEGIN IMMEDIATE", &begin_);
  prepare("COMMIT", &commit_);
  prepare("INSERT INTO decisions VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16,?17)",
          &decision_);
  prepare("INSERT INTO outcomes VALUES(?1,?2,?3,?4,?5,?6,?7,?8)", &outcome_);
  queue_.reserve(1 << 14);
  writer_ = std::thread([this] { run(); });
}

BareLoop::~BareLoop() {
  {
    const std::scoped_lock lock(mutex_);
    stop_ = true;
  }
  work_.notify_one();
  writer_.join();
  for (sqlite3_stmt* statement : {begin_, commit_, decision_, outcome_}) {
    sqlite3_finalize(statement);
  }
  sqlite3_close(database_);
}

std::uint64_t BareLoop::push(const Row& row) {
  std::uint64_t number = 0;
  bool first = false;
  {
    const std::scoped_lock lock(mutex_);
    first = queue_.empty();
    queue_.push_back(row);
    number = ++pushed_;
  }
  if (first) {
    work_.notify_one();
  }
  return number;
}

void BareLoop::wait(std::uint64_t number) {
  std::unique_lock lock(mutex_);
  done_.wait(lock, [&] { return committed() >= number; });
}

void BareLoop::run() {
  std::vector<Row> batch;
  batch.reserve(1 << 14);
  for (;;) {
    {
      std::unique_lock lock(mutex_);
      work_.wait(lock, [this] { return stop_ || !queue_.empty(); });
      if (queue_.empty()) {
        return;
      }
      batch.swap(queue_);
    }
    commit(batch);
    {
      const std::scoped_lock lock(mutex_);
      committed_.fetch_add(batch.size(), std::memory_order_release);
    }
    done_.notify_all();
    batch.clear();
  }
}

void BareLoop::commit(const std::vector<Row>& batch) {
  const auto run_once = [this](sqlite3_stmt* statement) {
    must(sqlite3_step(statement));
    must(sqlite3_reset(statement));
  };
  run_once(begin_);
  std::uint64_t position = committed();
  for (const Row& row : batch) {
    ++position;
    row.decision ? insert_decision(row, position) : insert_outcome(row, position);
  }
  run_once(commit_);
}

void BareLoop::insert_decision(const Row& row, std::uint64_t position) {
  sqlite3_stmt* const s = decision_;
  sqlite3_bind_int64(s, 1, static_cast<std::int64_t>(position));
  sqlite3_bind_int64(s, 2, kTime + static_cast<std::int64_t>(position));
  sqlite3_bind_int64(s, 3, 0);
  sqlite3_bind_int64(s, 4, static_cast<std::int64_t>(position));
  sqlite3_bind_blob(s, 5, row.id.data(), static_cast<int>(row.id.size()), SQLITE_STATIC);
  sqlite3_bind_int64(s, 6, 1);
  sqlite3_bind_text(s, 7, "b", 1, SQLITE_STATIC);
  sqlite3_bind_double(s, 8, 0.5);
  sqlite3_bind_double(s, 9, 1.25);
  sqlite3_bind_int64(s, 10, static_cast<std::int64_t>(position));
  sqlite3_bind_int64(s, 11, 0);
  sqlite3_bind_int64(s, 12, 1);
  sqlite3_bind_null(s, 13);
  sqlite3_bind_null(s, 14);
  sqlite3_bind_blob(s, 15, row.record.data(), static_cast<int>(kDecisionBytes), SQLITE_STATIC);
  sqlite3_bind_null(s, 16);
  sqlite3_bind_int64(s, 17, kHash);
  must(sqlite3_step(s));
  must(sqlite3_reset(s));
}

void BareLoop::insert_outcome(const Row& row, std::uint64_t position) {
  sqlite3_stmt* const s = outcome_;
  sqlite3_bind_int64(s, 1, static_cast<std::int64_t>(position));
  sqlite3_bind_int64(s, 2, kTime + static_cast<std::int64_t>(position));
  sqlite3_bind_blob(s, 3, row.id.data(), static_cast<int>(row.id.size()), SQLITE_STATIC);
  sqlite3_bind_text(s, 4, "{\"reward\":0.5}", 14, SQLITE_STATIC);
  sqlite3_bind_null(s, 5);
  sqlite3_bind_int64(s, 6, 0);
  sqlite3_bind_blob(s, 7, row.record.data(), static_cast<int>(kOutcomeBytes), SQLITE_STATIC);
  sqlite3_bind_int64(s, 8, kHash);
  must(sqlite3_step(s));
  must(sqlite3_reset(s));
}

}  // namespace attune::bench
