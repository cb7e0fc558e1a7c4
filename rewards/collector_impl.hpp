// SPDX-License-Identifier: Apache-2.0
/// @file
/// The inside of Collector: collector.cpp folds records, collector_chains.cpp shares rewards over episodes,
/// collector_state.cpp writes and reads.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

#include <attune/rewards/collector.hpp>

#include "core/id_index.hpp"
#include "rewards/chain_table.hpp"
#include "rewards/decision_slab.hpp"
#include "rewards/reward_former.hpp"
#include "rewards/signal_pool.hpp"

namespace attune {

struct Collector::Impl {
  /// A decision that is closed but remembered.
  struct Closed {
    Uuid id{};
    detail::SignalList signals;
    std::uint32_t dormant = detail::kNone;  ///< slot kept for Lateness::learn
  };
  /// What closes a decision.
  enum class Cause : std::uint8_t { complete, window, overflow };
  /// What an outcome says, in numbers.
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-member-init): see `value`
  struct Reading {
    std::array<std::uint32_t, OutcomeRecord::kMaxComponents> component{};
    std::uint64_t digest = 0;  ///< of all components, whatever their order
    std::uint32_t fresh = 0;   ///< bit i: component i was not seen before
    std::uint32_t added = 0;   ///< signals that it adds
    /// To be joined; what is used is written.
    std::array<double, OutcomeRecord::kMaxComponents> value;
  };

  /// Marks handles of closed decisions: the rest is the place in `closed`, else the slot in `slab`.
  static constexpr std::uint32_t kClosedBit = 0x8000'0000U;

  Impl(const RewardSpec& rules, CreditFunction function);

  // Folding: collector.cpp.
  [[nodiscard]] std::uint32_t hash(const Uuid& id) const noexcept {
    std::array<std::uint64_t, 2> words{};
    std::memcpy(words.data(), id.bytes.data(), sizeof words);
    return detail::mix(words[0], words[1], seed);
  }
  [[nodiscard]] const Uuid& id_of(std::uint32_t handle) const noexcept {
    return (handle & kClosedBit) != 0 ? closed[handle & ~kClosedBit].id : slab[handle].decision.id;
  }
  /// Handle of a decision that is held or remembered, or kNone.
  [[nodiscard]] std::uint32_t find(const Uuid& id) const noexcept {
    return ids.find(hash(id), [&](std::uint32_t handle) { return id_of(handle) == id; });
  }
  [[nodiscard]] Nanos deadline(std::uint32_t at) const noexcept;
  void advance(Nanos to, RewardSink& sink) noexcept;
  void close_due(RewardSink& sink) noexcept;
  void expire_oldest(RewardSink& sink) noexcept;
  [[nodiscard]] static Errc check_numbers(const DecisionRecord& record) noexcept;
  void copy(const DecisionRecord& record, PendingDecision& to) const noexcept;
  [[nodiscard]] Errc fold(const DecisionRecord& record, RewardSink& sink) noexcept;
  void hold(std::uint32_t at, RewardSink& sink) noexcept;
  [[nodiscard]] Fate read(const OutcomeRecord& record, Reading& out) const noexcept;
  [[nodiscard]] Fate match(const detail::SignalList& signals, const OutcomeRecord& record,
                           Reading& reading) const noexcept;
  [[nodiscard]] bool has_room(const detail::SignalList& signals, const Reading& reading) const noexcept;
  void join(detail::SignalList& signals, std::uint32_t at, const OutcomeRecord& record,
            const Reading& reading);
  [[nodiscard]] Fate fold_held(std::uint32_t at, const OutcomeRecord& record, RewardSink& sink) noexcept;
  [[nodiscard]] Fate fold_closed(Closed& entry, const OutcomeRecord& record, RewardSink& sink) noexcept;
  Fate count(Fate fate) noexcept;

  /// Forms the decision's own reward, by the rule of silence if need be. False: the slot is no longer held.
  bool resolve(std::uint32_t at, Cause cause, RewardSink& sink) noexcept;
  void lose(std::uint32_t at, LossReason reason, bool may_come_late, RewardSink& sink) noexcept;
  void deliver(std::uint32_t at, double reward, RewardSink& sink) noexcept;
  void count_learned(double reward, RewardOrigin origin) noexcept;
  /// Moves a held decision to the closed ones.
  void close(std::uint32_t at, bool keep) noexcept;
  /// Makes `entry` the newest closed decision; forgets the oldest when there are max_closed.
  void remember(const Closed& entry, std::uint32_t handle);
  void forget(Closed& entry, std::uint32_t handle) noexcept;
  /// Calls `visit(entry)`, oldest first.
  template <class Visitor>
  void for_each_closed(Visitor&& visit) const {
    for (std::size_t i = 0; i < closed.size(); ++i) {
      visit(closed[(closed_next + i) % closed.size()]);
    }
  }

  // Episodes: collector_chains.cpp.
  void append_to_chain(std::uint32_t chain, std::uint32_t at) noexcept;
  void detach(std::uint32_t at) noexcept;
  /// Notes the flags of an outcome. Returns the chain of the decisions after it, cut off by an end in the
  /// middle.
  std::uint32_t mark_end(std::uint32_t at, const OutcomeRecord& record);
  std::uint32_t split_after(std::uint32_t at);
  /// Does what has become possible in a chain; removes it when it is empty.
  void progress(std::uint32_t chain, RewardSink& sink) noexcept;
  void settle(std::uint32_t chain, RewardSink& sink) noexcept;
  void form_credits(std::uint32_t chain) noexcept;
  void discount(std::uint32_t chain) noexcept;
  void apply_custom() noexcept;
  void emit(std::uint32_t chain, bool forced, RewardSink& sink) noexcept;
  void hand_over(std::uint32_t at, const Input& next, bool terminal, bool truncated,
                 RewardSink& sink) noexcept;
  void deliver_single_step(std::uint32_t at, RewardSink& sink) noexcept;

  RewardSpec spec;
  CreditFunction credit;
  detail::RewardFormer former;
  Nanos window;
  std::uint64_t seed;

  Nanos time;
  std::uint32_t joined = 0;  ///< bit i: component i of the last outcome; no part of the state
  CollectorCounters counters;
  detail::DecisionSlab slab;
  detail::SignalPool signal_pool;
  detail::IdIndex ids;
  detail::ChainTable chains;
  std::vector<Closed> closed;   ///< a ring once it has max_closed entries
  std::size_t closed_next = 0;  ///< its oldest entry, which goes next
  std::vector<double> chain_rewards;
  std::vector<double> chain_credits;
};

}  // namespace attune
