// SPDX-License-Identifier: Apache-2.0
/// @file
/// The words every algorithm of attune speaks: arms, features, contexts, choices, feedback.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <attune/core/error.hpp>

namespace attune {

/// Zero-based slot of an arm in a policy; valid values are [0, arm_count()). The arm's stable external id
/// (a string or UUID) is kept by whoever owns the policy: see engine/arm_table.hpp.
enum class ArmIndex : std::uint32_t {};

/// What select returns when nothing can be chosen.
inline constexpr ArmIndex kNoArm{std::numeric_limits<std::uint32_t>::max()};

[[nodiscard]] constexpr std::size_t to_index(ArmIndex arm) noexcept { return static_cast<std::size_t>(arm); }
[[nodiscard]] constexpr ArmIndex to_arm(std::size_t index) noexcept { return static_cast<ArmIndex>(index); }

/// Dense feature vector; its length is fixed by the policy's Shape.
using Features = std::span<const double>;

/// Sparse feature vector: `value[i]` belongs to feature `index[i]`. Equal lengths; indices below the shape's
/// `features`, strictly increasing.
struct SparseFeatures {
  std::span<const std::uint32_t> index{};
  std::span<const double> value{};

  [[nodiscard]] bool empty() const noexcept { return index.empty(); }
};

/// What a learner sees: dense or sparse features, as its shape says. The unused half is empty.
struct Input {
  Features dense{};
  SparseFeatures sparse{};
};

/// Features of the arms themselves, for models shared over arms: row-major arms x dimension, row a of arm a.
struct ActionFeatures {
  std::span<const double> rows{};
  std::size_t dimension = 0;

  [[nodiscard]] Features row(ArmIndex arm) const noexcept {
    return rows.subspan(to_index(arm) * dimension, dimension);
  }
};

/// Everything known before a choice.
struct Context {
  Input input{};
  ActionFeatures actions{};
  std::span<const ArmIndex> offered{};  ///< the arms that may be chosen now; empty: every enabled arm
};

/// What a policy chose, with what an off-policy estimator needs later.
struct Choice {
  ArmIndex arm = kNoArm;
  double propensity = 0.0;     ///< P(arm | state, context) in (0, 1]; NaN where it is computed later
  double score = 0.0;          ///< the quantity that was maximised, in units of reward where it has any
  bool greedy = true;          ///< false when the arm was taken to explore
  Errc status = Errc::no_arm;  ///< ok, or why arm is kNoArm

  [[nodiscard]] static Choice refused(Errc why) noexcept { return Choice{.status = why}; }
};

/// Feedback::sequence of a reward whose decision has no known number: it answers the decision after the
/// latest.
inline constexpr std::uint64_t kNoSequence = std::numeric_limits<std::uint64_t>::max();

/// One observed reward for one arm.
struct Feedback {
  ArmIndex arm{};
  double reward = 0.0;     ///< units and range are stated by the policy
  Input input{};           ///< the features the decision was made with
  Features action{};       ///< the arm's own features at that time; empty where there are none
  double weight = 1.0;     ///< importance, finite and >= 0; 0 changes nothing that is estimated
  bool announced = false;  ///< true when this answers a pull that note_pull() announced before
  /// Number of the decision that this answers. Policies that forget count from it: a reward that comes late
  /// is as old as its decision.
  std::uint64_t sequence = kNoSequence;
  double propensity = 0.0;  ///< of the arm when it was chosen; 0 or NaN: not known
};

/// What is believed of an arm before its first reward: `weight` pseudo-rewards of the given mean.
struct ArmPrior {
  double mean = 0.0;
  double weight = 0.0;  ///< >= 0, in rewards
};

/// What a decision point gives to a policy; the policy's own options are its Config.
struct Shape {
  std::size_t arms = 0;             ///< initial number of arms
  std::size_t features = 0;         ///< length of the context vector; 0: context-free
  std::size_t action_features = 0;  ///< length of each arm's own feature vector
  bool sparse = false;              ///< contexts arrive as SparseFeatures
};

/// One step of a Markov decision process: Experience in the sense of reinforcement learning.
template <class State, class Action>
struct Experience {
  State state{};
  Action action{};
  double reward = 0.0;
  State next_state{};
  bool terminal = false;   ///< the episode ended by itself: next_state has no value
  bool truncated = false;  ///< the episode was cut off: next_state still has its value
};

/// One evaluation proposed by an optimizer: `values[i]` is parameter i, in the user's units.
struct Trial {
  std::uint64_t id = 0;
  std::vector<double> values;

  bool operator==(const Trial&) const = default;
};

/// State of a policy put into words and numbers, for people and tools.
struct Description {
  std::string summary;                                 ///< one sentence
  std::vector<std::pair<std::string, double>> values;  ///< scalars by name
  std::vector<std::string> columns;                    ///< names of the per-arm (or per-row) numbers
  std::vector<std::vector<double>> rows;               ///< one row an arm, as many numbers as columns
};

/// All entries finite? One pass, no branch per entry.
[[nodiscard]] bool all_finite(Features values) noexcept;

/// Checks features against a shape: ok, dimension_mismatch or non_finite; sparse indices must be strictly
/// increasing and below `features` (else dimension_mismatch).
[[nodiscard]] Errc check_input(const Input& input, std::size_t features, bool sparse) noexcept;

}  // namespace attune
