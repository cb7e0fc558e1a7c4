// SPDX-License-Identifier: Apache-2.0
/// @file
/// Point: one decision point, with the side that deciders read and the side that the learner folds records
/// into.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <attune/core/record.hpp>
#include <attune/engine/engine.hpp>
#include <attune/rewards/collector.hpp>

#include "engine/config.hpp"
#include "engine/left_right.hpp"
#include "engine/point_drift.hpp"
#include "engine/point_safety.hpp"
#include "engine/point_screen.hpp"
#include "engine/policy_ops.hpp"

namespace attune {

/// Counted while folding: part of the state, equal after a replay.
struct FoldCounters {
  std::uint64_t decisions = 0;
  std::uint64_t explored = 0;
  std::uint64_t fallbacks = 0;
  std::uint64_t refused_rewards = 0;  ///< rewards that the policy refused, as outside its range
  std::uint64_t arm_gone = 0;         ///< rewards for an arm that was removed meanwhile
  std::uint64_t foreign = 0;          ///< outcomes for ids that another engine made
  std::uint64_t early = 0;            ///< outcomes for decisions that are not in the journal yet

  bool operator==(const FoldCounters&) const = default;
};

/// What a guard or a switch has to say to people.
struct SafetyNote {
  std::string key;  ///< the same as long as it is about the same
  EngineHealth::Reason reason;
  bool told = true;  ///< the log is told when it comes and goes
};

/// A decision point. The learner (fold, save, load) is one thread at a time; readers use `published` and the
/// atomics.
class Point final : private RewardSink {
 public:
  /// `shared`: deciders and learner are different threads. Errors: invalid_config.
  [[nodiscard]] static Result<std::unique_ptr<Point>> make(PointConfig config, bool shared,
                                                           CreditFunction credit);

  [[nodiscard]] const PointConfig& config() const noexcept { return config_; }
  [[nodiscard]] const LeftRight<PointState>& published() const noexcept { return published_; }
  [[nodiscard]] const Collector& collector() const noexcept { return collector_; }
  [[nodiscard]] const FoldCounters& counters() const noexcept { return counters_; }
  [[nodiscard]] ActionKind action() const noexcept { return action_; }
  [[nodiscard]] bool has_arms() const noexcept { return attune::has_arms(action_); }
  [[nodiscard]] std::string_view policy_name() const noexcept { return policy_name_; }
  /// Keys the random draws of this point.
  [[nodiscard]] std::uint64_t stream() const noexcept { return stream_; }

  std::atomic<std::uint64_t> next_sequence{0};  ///< taken by decide()
  std::atomic<std::uint64_t> refused{0};        ///< decide() calls refused for their input
  /// The kill switch as deciders see it: at once, before its record is folded.
  std::atomic<bool> killed{false};
  std::atomic<bool> frozen{false};

  // ---- the learner's side

  /// Fold one record. Ops go to the back copy and, when shared, to `log`.
  void fold(const DecisionRecord& record, OpLog& log) noexcept;
  /// One more than the largest number of a folded decision.
  [[nodiscard]] std::uint64_t folded_sequence() const noexcept { return folded_sequence_; }
  /// `sequence`: the number of the decision, as its id says; no value: another engine made the id.
  [[nodiscard]] Fate fold(const OutcomeRecord& record, std::optional<std::uint64_t> sequence,
                          OpLog& log) noexcept;
  void fold(const EventRecord& record, OpLog& log) noexcept;

  /// Makes what was folded visible to deciders; afterwards bring_up() must see the same ops.
  void publish() noexcept { published_.publish(); }
  /// Makes what was folded without a log visible to deciders: one copy of the state.
  void publish_copy();
  void bring_up(const PolicyOp& op) noexcept { static_cast<void>(apply(published_.back(), op)); }
  [[nodiscard]] const PointState& learned() const noexcept { return published_.back(); }
  [[nodiscard]] bool dirty() const noexcept { return dirty_; }
  void clean() noexcept { dirty_ = false; }

  [[nodiscard]] const PointSafety& safety() const noexcept { return safety_; }
  /// Earliest time at which a tick would change something; no value: never.
  [[nodiscard]] bool next_deadline(Nanos& time) const noexcept;

  [[nodiscard]] PointMetrics metrics() const;

  void save(Writer& writer, std::uint32_t version) const;
  /// True once after something changed that safety_notes() tells.
  [[nodiscard]] bool take_safety_news() noexcept {
    const bool drifted = drift_.take_news();
    const bool screened = screen_.take_news();
    return safety_.take_news() || drifted || screened;
  }
  [[nodiscard]] PointDrift& drift() noexcept { return drift_; }
  [[nodiscard]] const PointDrift& drift() const noexcept { return drift_; }
  [[nodiscard]] std::vector<SafetyNote> safety_notes() const;
  /// Whether its state needs version 3 of the format.
  [[nodiscard]] bool has_safety_state() const noexcept { return safety_.has_state(); }
  /// Whether its state needs version 4.
  [[nodiscard]] bool has_drift_state() const noexcept { return drift_.active() || safety_.counts_drift(); }
  /// Whether its state needs version 5.
  [[nodiscard]] bool has_screening_state() const noexcept {
    return screen_.active() || safety_.counts_unfamiliar() || safety_.restores();
  }
  /// Whether its state needs version 6.
  [[nodiscard]] bool counts_floors() const noexcept { return safety_.counts_floors(); }
  /// `version`: of the engine's state format. Errors: corrupt_state, unsupported_version, dimension_mismatch.
  [[nodiscard]] Result<void> load(Reader& reader, std::uint32_t version);

 private:
  Point(PointConfig config, PointState state, Collector collector, std::optional<AnyPolicy> fresh,
        bool shared);

  // RewardSink
  void learn(const PendingDecision& decision, double formed, RewardOrigin origin) noexcept override;
  void experience(const PendingDecision& decision, double formed, const Input& next, bool terminal,
                  bool truncated) noexcept override;
  [[nodiscard]] Fate screen(const PendingDecision& decision, const OutcomeRecord& record, std::uint32_t fresh,
                            std::span<double> values) noexcept override;
  void lost(const PendingDecision& decision, LossReason reason) noexcept override;
  void parts(std::span<const double> terms) noexcept override;

  /// What is to be learned of a reward; no value: nothing.
  [[nodiscard]] std::optional<double> screened(const PendingDecision& decision, double reward);
  Errc perform(const PolicyOp& op) noexcept;
  void perform_all(PointSafety::Ops ops) noexcept;
  void watch_reward(const PendingDecision& decision, double reward) noexcept;
  /// Of actions that are neither one arm nor a trial (learn_action.cpp).
  void learn_action(const PendingDecision& decision, double reward) noexcept;
  void learn_pair(const PendingDecision& decision, PolicyOp op) noexcept;
  void learn_list(const PendingDecision& decision, PolicyOp op) noexcept;
  /// Whether the arm that was shown is still the one in its slot.
  [[nodiscard]] bool is_there(double shown, std::uint64_t position) const noexcept;
  void change_arm(PolicyOp op, std::uint64_t position) noexcept;
  [[nodiscard]] bool is_same_arm(ArmIndex arm, std::uint64_t position) const noexcept;
  [[nodiscard]] bool arm_is_same(const PendingDecision& decision) noexcept;

  PointConfig config_;
  LeftRight<PointState> published_;
  Collector collector_;
  FoldCounters counters_;
  PointSafety safety_;
  std::optional<AnyPolicy> fresh_;  ///< the policy before anything was learned, where a drift resets it
  PointDrift drift_;
  PointScreen screen_;
  std::uint64_t folded_sequence_ = 0;
  /// What each item of a list earned, between parts() and learn(): not a part of the state.
  std::array<double, OutcomeRecord::kMaxComponents> items_{};
  std::vector<std::uint64_t> arm_since_;  ///< by slot: position of the record that put the present arm there
  std::uint64_t stream_;
  std::string policy_name_;
  ActionKind action_;
  bool dirty_ = false;
  OpLog* log_ = nullptr;  ///< during a fold
};

}  // namespace attune
