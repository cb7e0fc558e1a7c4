// SPDX-License-Identifier: Apache-2.0
/// @file
/// PointSafety: guards, switches and limits of one decision point, as a part of its fold.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <attune/core/record.hpp>
#include <attune/engine/engine.hpp>

#include "engine/exploration_watch.hpp"
#include "engine/guard_cell.hpp"
#include "engine/policy_ops.hpp"

namespace attune {

/// Told of every record of its point, in order, after the collector was; answers with the ops that make
/// deciders see what follows from it.
class PointSafety {
 public:
  /// `rules`: null at points without "safety", which have switches only; outlives this.
  explicit PointSafety(const SafetyConfig* rules);

  /// Each returns the ops to be performed now; they live until the next call.
  using Ops = std::span<const PolicyOp>;
  [[nodiscard]] Ops decided(const DecisionRecord& record, const PointState& state);
  /// What an outcome says of a decision: of its components, those whose bit is set in `joined`.
  struct Observed {
    ArmIndex arm = kNoArm;  ///< kNoArm: the arm is another one now
    std::uint64_t sequence = 0;
    Nanos decided = 0;
    std::uint32_t joined = 0;
  };
  [[nodiscard]] Ops observed(const OutcomeRecord& record, const Observed& what, const PointState& state);
  [[nodiscard]] Ops rewarded(ArmIndex arm, double reward, const PointState& state);
  [[nodiscard]] Ops passed(Nanos time, const PointState& state);
  void switched(const EventRecord& record);
  /// The slot has another arm now.
  void arm_changed(ArmIndex arm);

  [[nodiscard]] bool guards_outcomes() const noexcept { return rules_ != nullptr && !rules_->guards.empty(); }
  [[nodiscard]] bool values_rewards() const noexcept {
    return rules_ != nullptr && rules_->exploration.conservative.has_value();
  }
  [[nodiscard]] bool killed() const noexcept { return killed_.on; }
  [[nodiscard]] bool frozen() const noexcept { return frozen_.on; }
  void count_frozen_reward() noexcept { ++frozen_rewards_; }
  /// True once after a switch, a guard's state or the alarm changed.
  [[nodiscard]] bool take_news() noexcept { return std::exchange(news_, false); }
  [[nodiscard]] Nanos deadline() const noexcept { return deadline_; }
  /// False: nothing that a checkpoint would have to hold, so that it is as it was before there was safety.
  [[nodiscard]] bool has_state() const noexcept { return rules_ != nullptr || touched_; }

  [[nodiscard]] SafetyMetrics metrics(const PointState& state) const;

  /// Decisions were made because of a drift: only version 4 of the format has their number.
  [[nodiscard]] bool counts_drift() const noexcept {
    return reasons_[static_cast<std::size_t>(ChoiceReason::drift)] > 0;
  }
  /// Likewise for unfamiliar contexts and version 5.
  [[nodiscard]] bool counts_unfamiliar() const noexcept {
    return reasons_[static_cast<std::size_t>(ChoiceReason::unfamiliar)] > 0;
  }
  /// Likewise for what arms are owed and version 6.
  [[nodiscard]] bool counts_floors() const noexcept {
    return reasons_[static_cast<std::size_t>(ChoiceReason::share_floor)] > 0;
  }
  /// Likewise: some guard puts the snapshot back, or has.
  [[nodiscard]] bool restores() const noexcept;
  /// `version`: of the engine's state format.
  void save(const PointState& state, Writer& writer, std::uint32_t version) const;
  /// Reads into this and into `state`, whose arms and policy are loaded already. Guards are matched by name;
  /// those that are new or watch something else begin anew. Errors: corrupt_state, those of the policy.
  [[nodiscard]] Result<void> load(Reader& reader, PointState& state, std::uint32_t version);

 private:
  struct Switch {
    bool on = false;
    Nanos since = 0;
    std::string by;
  };
  /// One guard with all that it judges.
  struct Watch {
    std::vector<GuardCell> cells;  ///< by slot; one for a whole point
    GuardCell total;               ///< shares: of all arms
    std::size_t out = 0;           ///< shares: cells that are tripped
  };

  void begin(Nanos time) {
    time_ = time > time_ ? time : time_;
    ops_.clear();
    changed_ = false;
  }
  [[nodiscard]] Ops finish(const PointState& state);
  [[nodiscard]] GuardCell& cell(std::size_t guard, ArmIndex arm);
  void count_share(std::size_t guard, ArmIndex arm, const ArmTable& arms);
  void sample(std::size_t guard, const Observed& what, double value);
  void note_live(std::uint64_t sequence);
  void keep_snapshot();
  void pass_all();
  [[nodiscard]] Standing standing(ArmIndex arm) const noexcept;
  [[nodiscard]] std::uint32_t mode(const PointState& state) const noexcept;
  [[nodiscard]] bool all_quiet() const noexcept;
  /// A guard that is tripped wants the snapshot as live policy.
  [[nodiscard]] bool wants_restore() const noexcept;
  void settle_view(PointState& state) const;
  void settle_deadline() noexcept;
  [[nodiscard]] GuardMetrics describe(std::size_t guard, const GuardCell& cell, std::string_view arm) const;
  void save_guard(std::size_t guard, Writer& writer) const;
  void load_guard(Reader& reader);

  const SafetyConfig* rules_;
  bool touched_ = false;  ///< a switch was used
  Switch killed_;
  Switch frozen_;
  std::array<std::uint64_t, kRungs> rungs_{};
  std::array<std::uint64_t, kChoiceReasons> reasons_{};
  std::uint64_t frozen_rewards_ = 0;
  std::uint64_t restored_ = 0;  ///< times that a snapshot became the live policy
  Nanos time_ = 0;
  std::vector<Watch> watches_;  ///< as rules_->guards
  ExplorationWatch exploration_;
  static constexpr std::size_t kMostLive =
      4096;                            ///< decisions whose outcome a policy on probation is judged by
  std::vector<std::uint64_t> live_;    ///< decisions of a live policy on probation, newest last
  std::uint64_t since_snapshot_ = 0;   ///< decisions
  bool candidate_is_doubtful_ = true;  ///< a guard was not quiet since it was kept, or there is none
  Nanos deadline_ = GuardCell::kNever;

  // During a call.
  std::vector<PolicyOp> ops_;
  std::vector<ArmIndex> touched_arms_;
  bool changed_ = false;  ///< some cell's state
  bool alarmed_ = false;
  bool news_ = false;
};

}  // namespace attune
