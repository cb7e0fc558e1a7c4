// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <map>
#include <utility>

#include <attune/store/journal.hpp>

#include "store/record_check.hpp"

namespace attune {
namespace {

/// Records lie one after another in 8-byte words; an index says where each begins.
class MemoryJournal final : public Journal {
 public:
  Result<void> append(std::span<const ByteView> records) override {
    const std::size_t words = words_.size();
    const std::size_t count = starts_.size();
    for (const ByteView record : records) {
      const Result<RecordHeader> header = detail::check_appended(record, starts_.size() + 1);
      const Result<void> verdict = header ? check_body(record, header->kind) : tl::unexpected(header.error());
      if (!verdict) {
        words_.resize(words);
        starts_.resize(count);
        return verdict;
      }
      starts_.push_back(words_.size());
      const ByteView aligned = aligned_.copy(record);
      const auto* const first = reinterpret_cast<const std::uint64_t*>(aligned.data());
      words_.insert(words_.end(), first, first + aligned.size() / sizeof(std::uint64_t));
    }
    return {};
  }

  Result<CheckpointInfo> append(std::span<const ByteView> records, ByteView state, Nanos time,
                                std::string_view config_digest, std::uint32_t keep) override {
    if (keep == 0) {
      return fail(Errc::invalid_argument,
                  "keep = 0 is outside [1, 4294967295]: the newest checkpoint is always kept");
    }
    if (Result<void> appended = append(records); !appended) {
      return tl::unexpected(std::move(appended).error());
    }
    checkpoints_.push_back({.info = {.number = ++checkpoints_taken_,
                                     .position = starts_.size(),
                                     .time = time,
                                     .bytes = state.size(),
                                     .digest = sha256(state),
                                     .config_digest = std::string(config_digest)},
                            .state = Bytes(state.begin(), state.end())});
    if (checkpoints_.size() > keep) {
      checkpoints_.erase(checkpoints_.begin(), checkpoints_.end() - static_cast<std::ptrdiff_t>(keep));
    }
    return checkpoints_.back().info;
  }

  [[nodiscard]] std::uint64_t last_position() const noexcept override { return starts_.size(); }

  Result<void> read(std::uint64_t first, const std::function<bool(ByteView)>& visit) override {
    for (std::uint64_t position = std::max<std::uint64_t>(first, 1); position <= starts_.size(); ++position) {
      const std::size_t start = starts_[position - 1];
      const std::size_t end = position < starts_.size() ? starts_[position] : words_.size();
      const ByteView record = std::as_bytes(std::span(words_).subspan(start, end - start));
      if (const Result<RecordHeader> header = detail::check_stored(record, position); !header) {
        return tl::unexpected(header.error());
      }
      if (!visit(record)) {
        break;
      }
    }
    return {};
  }

  Result<std::optional<Checkpoint>> newest_checkpoint(std::vector<std::string>* /*skipped*/) override {
    return checkpoints_.empty() ? std::nullopt : std::optional(checkpoints_.back());
  }

  Result<std::vector<CheckpointInfo>> checkpoints() override {
    std::vector<CheckpointInfo> infos;
    infos.reserve(checkpoints_.size());
    for (const Checkpoint& checkpoint : checkpoints_) {
      infos.push_back(checkpoint.info);
    }
    return infos;
  }

  Result<std::optional<std::string>> meta(std::string_view key) override {
    const auto at = meta_.find(key);
    return at == meta_.end() ? std::nullopt : std::optional(at->second);
  }

  Result<void> set_meta(std::string_view key, std::string_view value) override {
    meta_.insert_or_assign(std::string(key), std::string(value));
    return {};
  }

  [[nodiscard]] std::string describe() const override { return "journal in memory"; }
  void set_names(Names /*names*/) override {}

 private:
  /// Refuses what the SQLite journal refuses: a record that has a good checksum and cannot be decoded.
  [[nodiscard]] Result<void> check_body(ByteView record, RecordKind kind) {
    const ByteView bytes = aligned_.copy(record);
    DecisionRecord decision;
    OutcomeRecord outcome;
    EventRecord event;
    const Errc verdict = kind == RecordKind::decision  ? decode(bytes, decision)
                         : kind == RecordKind::outcome ? decode(bytes, outcome)
                                                       : decode(bytes, event);
    return verdict == Errc::ok ? Result<void>{}
                               : fail(Errc::invalid_argument, "the record for position " +
                                                                  std::to_string(starts_.size() + 1) +
                                                                  " has a body that cannot be decoded");
  }

  std::vector<std::uint64_t> words_;
  std::vector<std::size_t> starts_;
  std::vector<Checkpoint> checkpoints_;
  std::uint64_t checkpoints_taken_ = 0;
  std::map<std::string, std::string, std::less<>> meta_;
  detail::AlignedRecord aligned_;
};

}  // namespace

std::unique_ptr<Journal> make_memory_journal() { return std::make_unique<MemoryJournal>(); }

}  // namespace attune
