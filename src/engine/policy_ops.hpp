// SPDX-License-Identifier: Apache-2.0
/// @file
/// PolicyOp: one change of a decision point's published state; the same ops in the same order give the same
/// state.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include <attune/core/vocabulary.hpp>
#include <attune/engine/registry.hpp>

#include "engine/arm_table.hpp"
#include "engine/safety_view.hpp"

namespace attune {

/// What the answer of a point is.
enum class ActionKind : std::uint8_t {
  arm,         ///< one arm
  parameters,  ///< a trial of an optimizer
  numbers,     ///< a point of a box
  pair,        ///< two arms to be compared; one where there is nothing to ask
  list,        ///< arms in an order
};
[[nodiscard]] ActionKind action_kind(const AnyPolicy& policy) noexcept;
/// Several arms, as ShownArm in the `values` of records, decisions that wait and ops.
[[nodiscard]] constexpr bool shows_arms(ActionKind kind) noexcept {
  return kind == ActionKind::pair || kind == ActionKind::list;
}
[[nodiscard]] constexpr bool has_arms(ActionKind kind) noexcept {
  return kind != ActionKind::parameters && kind != ActionKind::numbers;
}

/// What decide() reads: arms, policy, and how many ops made them what they are; and what guards say.
struct PointState {
  ArmTable arms;
  AnyPolicy policy;
  std::uint64_t version = 0;
  SafetyView safety{};
};

struct PolicyOp {
  enum class Kind : std::uint8_t {
    pull,        ///< an arm was chosen, or those in `values`; its reward is pending
    learn,       ///< a reward for an arm
    lost,        ///< no reward will come for a pull
    experience,  ///< one step of an agent
    begin,       ///< an optimizer's trial is pending
    tell,        ///< the value of a trial
    forget,      ///< no value will come
    add_arm,
    enable_arm,
    disable_arm,
    remove_arm,
    set_standing,      ///< number: Standing of `arm`
    set_mode,          ///< number: SafetyView::Mode bits
    set_boost,         ///< reward: SafetyView::boost
    discount,          ///< the evidence of `arm` (kNoArm: of all) is multiplied by `reward`
    reset_arm,         ///< the arm's evidence goes
    warm_arm,          ///< an arm gets `prior`
    reset_policy,      ///< all evidence goes: the policy becomes `fresh`
    restore_snapshot,  ///< the policy becomes the good snapshot
    learn_context,     ///< the watch of contexts sees `input`
    keep_snapshot,  ///< number 1: the candidate becomes the good snapshot; a copy of the policy the candidate
  };

  Kind kind = Kind::pull;
  bool announced = false;
  bool terminal = false;
  bool truncated = false;
  ArmIndex arm = kNoArm;
  double reward = 0.0;       ///< learn: of a list by its first click, the place of that in `values`; -1: none
  double propensity = 0.0;   ///< of the decision that is learned from
  std::uint64_t trial = 0;   ///< number of the decision
  std::uint32_t number = 0;  ///< see the kinds; learn: SlateSignal
  Input input{};
  Input next{};
  Features action{};                 ///< the arm's features (learn, add_arm)
  std::span<const double> values{};  ///< of a trial, an action, or ShownArm
  std::span<const double> items{};   ///< learn: rewards of the arms in `values`, one by one
  std::string_view text{};
  ArmPrior prior{};
  const AnyPolicy* fresh = nullptr;  ///< reset_policy: of the point, which outlives the op
};

/// Changes `state` by `op` and raises its version. What a policy refuses (a reward outside its range, say)
/// changes nothing but the version, and is returned for counting.
Errc apply(PointState& state, const PolicyOp& op) noexcept;

/// Ops kept for the second copy of a left-right pair, with copies of all they point to. Reuses its memory.
class OpLog {
 public:
  void add(std::uint32_t point, const PolicyOp& op);
  void clear() noexcept;
  [[nodiscard]] bool empty() const noexcept { return entries_.empty(); }
  /// Switched off while a journal is replayed: the second copies are then copied whole, once.
  [[nodiscard]] bool active() const noexcept { return active_; }
  void set_active(bool on) noexcept { active_ = on; }

  /// Calls `visit(point, op)` in the order of the adds.
  template <class Visitor>
  void for_each(Visitor&& visit) const {
    for (const Entry& entry : entries_) {
      visit(entry.point, view(entry));
    }
  }

 private:
  struct Part {
    std::size_t at = 0;
    std::size_t size = 0;
  };
  struct Entry {
    std::uint32_t point = 0;
    PolicyOp op;  // its spans are dead: the parts below say where the copies are
    Part dense, sparse_index, sparse_value, next_dense, next_index, next_value, action, values, items, text;
  };

  [[nodiscard]] Part keep(std::span<const double> numbers);
  [[nodiscard]] Part keep(std::span<const std::uint32_t> words);
  [[nodiscard]] PolicyOp view(const Entry& entry) const noexcept;
  [[nodiscard]] std::span<const double> numbers(Part part) const noexcept {
    return std::span(numbers_).subspan(part.at, part.size);
  }
  [[nodiscard]] std::span<const std::uint32_t> words(Part part) const noexcept {
    return std::span(words_).subspan(part.at, part.size);
  }

  bool active_ = true;
  std::vector<Entry> entries_;
  std::vector<double> numbers_;
  std::vector<std::uint32_t> words_;
  std::vector<char> text_;
};

}  // namespace attune
