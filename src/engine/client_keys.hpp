// SPDX-License-Identifier: Apache-2.0
/// @file
/// ClientKeys: decisions by the key that their caller gave, so that asking again gives the same one.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <attune/core/error.hpp>
#include <attune/core/record.hpp>
#include <attune/core/serial.hpp>
#include <attune/engine/engine.hpp>

#include "core/id_index.hpp"

namespace attune {

/// Digest of a context as it was encoded: tells a retry from a key that is used for something else.
[[nodiscard]] std::uint64_t context_digest(const Input& input) noexcept;

/// The newest `keep` keys in the order of the fold, and those of decisions that are still in the ring.
///
/// What is folded is part of the engine's state: a pure function of the records. A key that comes in a second
/// record (it was forgotten, or the journal is older than this rule) keeps its first decision.
///
/// Threads: all members but load() from many. Cost: one lock and O(1) a call; no allocation once `keep` keys
/// have been seen.
class ClientKeys {
 public:
  explicit ClientKeys(std::uint64_t keep) noexcept : keep_(keep) {}

  [[nodiscard]] bool active() const noexcept { return keep_ > 0; }
  /// Held from recall() to note(): two retries at once make one decision.
  [[nodiscard]] std::mutex& gate(std::uint64_t key) noexcept { return gates_[key % kGates]; }

  enum class Recall : std::uint8_t { unknown, found, other_point, other_context, arm_gone, no_memory };
  /// Fills `out` when found; `point_used` is where the key belongs to when it is known. arm_gone: the name of
  /// its arm is not known any more (see fold()). no_memory: it is known, and its parameters do not fit into
  /// memory; nothing is changed.
  [[nodiscard]] Recall recall(std::uint64_t key, std::uint32_t point, std::uint64_t digest, Decision& out,
                              std::uint32_t& point_used) noexcept;
  /// A decision that goes into the ring next. False: there is no memory for its key, and nothing is changed.
  [[nodiscard]] bool note(const DecisionRecord& record, std::string_view arm) noexcept;
  /// What came of it: the ticket of its record; none takes the key back.
  void settle(std::uint64_t key, Ticket ticket) noexcept;
  /// The same decision, folded. `arm`: its id in the tables of the fold; empty when it was removed before:
  /// the state has no name for it then, and only the engine that noted it can repeat it.
  void fold(const DecisionRecord& record, std::string_view arm);

  [[nodiscard]] ClientKeyMetrics metrics() const;

  void save(Writer& writer) const;
  /// Errors: corrupt_state. Keeps the newest `keep`.
  [[nodiscard]] Result<void> load(Reader& reader);

 private:
  static constexpr std::uint32_t kNone = detail::kNone;
  static constexpr std::size_t kGates = 64;

  struct Entry {
    std::uint64_t key = 0;
    std::uint64_t digest = 0;
    std::uint64_t version = 0;
    std::uint64_t sequence = 0;
    double propensity = 0.0;
    Uuid id{};
    Ticket ticket = Ticket::none;
    std::uint32_t point = 0;
    std::uint32_t newer = kNone;  ///< in order of the fold; of a free entry: the next free one
    ArmIndex arm = kNoArm;
    Rung rung = Rung::policy;
    ChoiceReason reason = ChoiceReason::usual;
    bool greedy = true;
    bool folded = false;
    bool arm_in_state = true;  ///< false: the fold does not know the arm's id, only note() did
    std::string arm_id;
    std::vector<double> parameters;
  };

  [[nodiscard]] std::uint32_t find(std::uint64_t key) const noexcept;
  [[nodiscard]] std::uint32_t spare();
  [[nodiscard]] std::uint32_t add(std::uint64_t key);
  void erase(std::uint32_t entry) noexcept;
  void link(std::uint32_t at);
  static void fill(Entry& entry, const DecisionRecord& record, std::string_view arm);

  std::uint64_t keep_;
  std::array<std::mutex, kGates> gates_;
  mutable std::mutex mutex_;  ///< everything below
  std::vector<Entry> entries_;
  detail::IdIndex index_;  ///< from a key to its entry
  std::uint32_t free_ = kNone;
  std::uint32_t oldest_ = kNone;
  std::uint32_t newest_ = kNone;
  std::uint64_t folded_ = 0;  ///< entries between oldest_ and newest_
  std::uint64_t forgotten_ = 0;
  std::uint64_t retried_ = 0;
  std::uint64_t conflicts_ = 0;
};

}  // namespace attune
