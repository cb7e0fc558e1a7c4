// SPDX-License-Identifier: Apache-2.0
/// @file
/// SharedJournal: a journal that outlives the engines that are opened on it.
#pragma once

#include <memory>
#include <utility>

#include <attune/store/journal.hpp>

namespace attune::test {

/// Forwards to a journal that the test keeps. `fail_appends` makes every append fail, as a full disk does.
class SharedJournal final : public Journal {
 public:
  struct Store {
    std::unique_ptr<Journal> journal = make_memory_journal();
    bool fail_appends = false;
  };
  explicit SharedJournal(std::shared_ptr<Store> store) : store_(std::move(store)) {}

  Result<void> append(std::span<const ByteView> records) override {
    if (store_->fail_appends) {
      return fail(Errc::io, "database or disk is full");
    }
    return store_->journal->append(records);
  }
  Result<CheckpointInfo> append(std::span<const ByteView> records, ByteView state, Nanos time,
                                std::string_view config_digest, std::uint32_t keep) override {
    if (store_->fail_appends) {
      return fail(Errc::io, "database or disk is full");
    }
    return store_->journal->append(records, state, time, config_digest, keep);
  }
  std::uint64_t last_position() const noexcept override { return store_->journal->last_position(); }
  Result<void> read(std::uint64_t first, const std::function<bool(ByteView)>& visit) override {
    return store_->journal->read(first, visit);
  }
  Result<std::optional<Checkpoint>> newest_checkpoint(std::vector<std::string>* skipped) override {
    return store_->journal->newest_checkpoint(skipped);
  }
  Result<std::vector<CheckpointInfo>> checkpoints() override { return store_->journal->checkpoints(); }
  Result<std::optional<std::string>> meta(std::string_view key) override {
    return store_->journal->meta(key);
  }
  Result<void> set_meta(std::string_view key, std::string_view value) override {
    return store_->journal->set_meta(key, value);
  }
  std::string describe() const override { return store_->journal->describe(); }
  void set_names(Names names) override {
    static_cast<void>(names);  // they point into one engine; this journal lives longer
  }

 private:
  std::shared_ptr<Store> store_;
};

}  // namespace attune::test
