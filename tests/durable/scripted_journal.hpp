// SPDX-License-Identifier: Apache-2.0
/// @file
/// ScriptedJournal: a journal whose disk does what a test says: refuse, stall, or fail after the commit.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include <gtest/gtest.h>

#include <attune/core/record.hpp>
#include <attune/engine/engine.hpp>
#include <attune/store/journal.hpp>

namespace attune::test {

/// Forwards to a journal in memory that the test keeps, as a disk outlives the process.
class ScriptedJournal : public Journal {
 public:
  struct Disk {
    std::unique_ptr<Journal> journal = make_memory_journal();
    std::atomic<bool> full{false};                ///< appends are refused
    std::atomic<bool> refuses_states{false};      ///< appends with a state are refused
    std::atomic<int> fail_after_commit{0};        ///< so many appends commit and then report an error
    std::atomic<std::uint64_t> appends{0};        ///< calls that came
    std::atomic<std::uint64_t> last_position{0};  ///< as the journal's, readable from any thread

    /// Appends wait from here on.
    void stall() {
      const std::scoped_lock lock(mutex);
      stalled = true;
    }
    void release() {
      const std::scoped_lock lock(mutex);
      stalled = false;
      changed.notify_all();
    }
    /// Returns when an append is held.
    void wait_until_held() {
      std::unique_lock lock(mutex);
      changed.wait(lock, [this] { return held > 0; });
    }
    /// Number of times that each decision id stands in the journal.
    [[nodiscard]] std::map<Uuid, int> decisions() const {
      std::map<Uuid, int> found;
      static_cast<void>(journal->read(1, [&](ByteView record) {
        RecordHeader header;
        if (read_header(record, header) == Errc::ok && header.kind == RecordKind::decision) {
          ++found[header.id];
        }
        return true;
      }));
      return found;
    }

   private:
    friend class ScriptedJournal;
    std::mutex mutex;
    std::condition_variable changed;
    bool stalled = false;
    int held = 0;
  };

  explicit ScriptedJournal(std::shared_ptr<Disk> disk) : disk_(std::move(disk)) {}

  Result<void> append(std::span<const ByteView> records) override {
    return scripted(false, [&] { return disk_->journal->append(records); });
  }
  Result<CheckpointInfo> append(std::span<const ByteView> records, ByteView state, Nanos time,
                                std::string_view config_digest, std::uint32_t keep) override {
    return scripted(true, [&] { return disk_->journal->append(records, state, time, config_digest, keep); });
  }
  std::uint64_t last_position() const noexcept override { return disk_->journal->last_position(); }
  Result<void> read(std::uint64_t first, const std::function<bool(ByteView)>& visit) override {
    return disk_->journal->read(first, visit);
  }
  Result<std::optional<Checkpoint>> newest_checkpoint(std::vector<std::string>* skipped) override {
    return disk_->journal->newest_checkpoint(skipped);
  }
  Result<std::vector<CheckpointInfo>> checkpoints() override { return disk_->journal->checkpoints(); }
  Result<std::optional<std::string>> meta(std::string_view key) override { return disk_->journal->meta(key); }
  Result<void> set_meta(std::string_view key, std::string_view value) override {
    return disk_->journal->set_meta(key, value);
  }
  std::string describe() const override { return disk_->journal->describe(); }
  void set_names(Names /*names*/) override {}  // they point into one engine; the disk lives longer

 private:
  template <class Append>
  auto scripted(bool with_state, Append&& append) -> decltype(append()) {
    {
      std::unique_lock lock(disk_->mutex);
      ++disk_->appends;
      ++disk_->held;
      disk_->changed.notify_all();
      disk_->changed.wait(lock, [this] { return !disk_->stalled; });
      --disk_->held;
    }
    if (disk_->full || (with_state && disk_->refuses_states)) {
      return fail(Errc::io, "database or disk is full");
    }
    auto done = append();
    disk_->last_position = disk_->journal->last_position();
    if (disk_->fail_after_commit > 0) {
      --disk_->fail_after_commit;
      return fail(Errc::io, "disk I/O error after the commit");
    }
    return done;
  }

  std::shared_ptr<Disk> disk_;
};

/// An engine on that disk.
inline Result<Engine> try_open(const std::string& config, const std::shared_ptr<ScriptedJournal::Disk>& disk,
                               const std::shared_ptr<const Clock>& clock) {
  return Engine::open(config, {.clock = clock,
                               .journal = std::make_unique<ScriptedJournal>(disk),
                               .credit_functions = {},
                               .log = {}});
}
inline Engine open(const std::string& config, const std::shared_ptr<ScriptedJournal::Disk>& disk,
                   const std::shared_ptr<const Clock>& clock) {
  Result<Engine> engine = try_open(config, disk, clock);
  EXPECT_TRUE(engine) << (engine ? "" : engine.error().message);
  return std::move(engine).value();
}

}  // namespace attune::test
