// SPDX-License-Identifier: Apache-2.0
/// @file
/// What must hold after every recovery, against a slow and plainly right account of what was said.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <attune/core/record.hpp>
#include <attune/engine/engine.hpp>
#include <attune/rewards/reward_spec.hpp>
#include <attune/store/journal.hpp>

namespace attune::test {

/// A promise that was broken.
class Violation : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// One call that the engine answered with "taken", in the order of the calls: what the journal must say.
struct Issued {
  RecordKind kind{};
  Uuid id{};
  std::uint32_t point = 0;
  bool anywhere = false;  ///< a foreign id: only the engine knows at which point it lands
  ArmIndex arm = kNoArm;
  double propensity = 0.0;
  std::uint64_t version = 0;
  std::uint64_t sequence = 0;
  std::vector<Component> components{};  ///< names are literals
  EventKind event{};
  std::string text{};
};

/// Empty, or in what the record is not the one that was said.
[[nodiscard]] std::string difference(ByteView record, const Issued& said);
/// Whether the engine wrote the record itself, because a window ended.
[[nodiscard]] bool is_tick(ByteView record);

/// Every call since the first process started, without those that were lost, unacknowledged, with theirs.
class Account {
 public:
  void say(Issued call) { issued_.push_back(std::move(call)); }
  /// Everything said so far was acknowledged as durable, up to this position of the journal.
  void acknowledge(std::uint64_t position) {
    acknowledged_ = issued_.size();
    acknowledged_position_ = std::max(acknowledged_position_, position);
  }
  /// This decision was acknowledged, and with it what was said before.
  void acknowledge_decision(const Uuid& id) {
    for (std::size_t i = acknowledged_; i < issued_.size(); ++i) {
      acknowledged_ = issued_[i].kind == RecordKind::decision && issued_[i].id == id ? i + 1 : acknowledged_;
    }
  }
  [[nodiscard]] std::size_t size() const noexcept { return issued_.size(); }
  [[nodiscard]] std::size_t acknowledged() const noexcept { return acknowledged_; }
  [[nodiscard]] std::uint64_t acknowledged_position() const noexcept { return acknowledged_position_; }

  struct Verdict {
    std::size_t found = 0;      ///< calls that are in the journal
    std::uint64_t records = 0;  ///< with the ticks that the engine wrote itself
    std::vector<Uuid> lost;     ///< decisions, not acknowledged, that are gone
  };
  /// Compares the journal, from its first record, with what was said. Throws Violation: a record that nobody
  /// said (ghost), one too many (duplicated), an acknowledged one missing (lost), another order, another
  /// content. With `may_lose` acknowledged records may be missing at the end.
  [[nodiscard]] Verdict check(const std::vector<Bytes>& records, bool may_lose) const;
  /// Forgets what a recovery did not find.
  void accept(const Verdict& verdict) {
    issued_.resize(verdict.found);
    acknowledged_ = issued_.size();
    acknowledged_position_ = verdict.records;
  }

 private:
  std::vector<Issued> issued_;
  std::size_t acknowledged_ = 0;
  std::uint64_t acknowledged_position_ = 0;
};

/// All records of a journal.
[[nodiscard]] Result<std::vector<Bytes>> records_of(Journal& journal);

/// F17: no two decisions have one client key, as long as it is among the newest `keep`.
void check_keys(const std::vector<Bytes>& records, std::uint64_t keep);

/// I3: `engine` has the state of one in memory that is fed the same records from the first; and its counters
/// are those of a model of reward joining that keeps everything and searches from the start (I1, I2).
void check_state(const Engine& engine, std::string_view config, const std::vector<Bytes>& records,
                 const std::shared_ptr<const Clock>& clock);

}  // namespace attune::test
