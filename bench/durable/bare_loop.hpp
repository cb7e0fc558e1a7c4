// SPDX-License-Identifier: Apache-2.0
/// @file
/// BareLoop: the least that a group commit into SQLite can be. One thread, one transaction a batch, WAL,
/// FULL; the columns of attune's tables and as many bytes, and nothing else: no checks, no hashes, no
/// learning.
#pragma once

#include <array>
#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

struct sqlite3;
struct sqlite3_stmt;

namespace attune::bench {

class BareLoop {
 public:
  static constexpr std::size_t kDecisionBytes = 192;
  static constexpr std::size_t kOutcomeBytes = 88;

  struct Row {
    bool decision = true;
    std::array<std::byte, 16> id{};
    std::array<std::byte, kDecisionBytes> record{};
  };

  explicit BareLoop(const std::string& path);
  BareLoop(const BareLoop&) = delete;
  BareLoop& operator=(const BareLoop&) = delete;
  BareLoop(BareLoop&&) = delete;
  BareLoop& operator=(BareLoop&&) = delete;
  ~BareLoop();

  /// Any thread. The number of the row: durable once committed() has reached it.
  std::uint64_t push(const Row& row);
  [[nodiscard]] std::uint64_t committed() const noexcept {
    return committed_.load(std::memory_order_acquire);
  }
  void wait(std::uint64_t number);

 private:
  void run();
  void commit(const std::vector<Row>& batch);
  void insert_decision(const Row& row, std::uint64_t position);
  void insert_outcome(const Row& row, std::uint64_t position);
  void must(int code) const;

  sqlite3* database_ = nullptr;
  sqlite3_stmt* begin_ = nullptr;
  sqlite3_stmt* commit_ = nullptr;
  sqlite3_stmt* decision_ = nullptr;
  sqlite3_stmt* outcome_ = nullptr;
  std::mutex mutex_;
  std::condition_variable work_;
  std::condition_variable done_;
  std::vector<Row> queue_;
  std::uint64_t pushed_ = 0;
  std::atomic<std::uint64_t> committed_{0};
  bool stop_ = false;
  std::thread writer_;
};

}  // namespace attune::bench
