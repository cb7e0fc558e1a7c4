// SPDX-License-Identifier: Apache-2.0
/// @file
/// Duels: bandits that show two arms and are told which was preferred, and the concept that they are checked
/// against.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>

#include <attune/core/concepts.hpp>

namespace attune {

/// Two arms to be compared.
struct PairChoice {
  ArmIndex first = kNoArm;
  ArmIndex second = kNoArm;    ///< equal to `first` where the policy has nothing to ask: show that arm alone
  double propensity = 0.0;     ///< P((first, second) | state, context); NaN where it is computed later
  Errc status = Errc::no_arm;  ///< ok, or why nothing was chosen

  [[nodiscard]] static PairChoice refused(Errc why) noexcept { return PairChoice{.status = why}; }
};

/// What came back for one pair.
struct DuelFeedback {
  ArmIndex winner{};
  ArmIndex loser{};
  bool tie = false;     ///< neither was preferred: half a win for each
  Input input{};        ///< the features the pair was chosen with
  double weight = 1.0;  ///< importance, in [0, kMaxDuelWeight]; 0 changes nothing that is estimated
};

inline constexpr double kMaxDuelWeight = 1e6;

/// Chooses two of a changing set of arms and learns from which one was preferred.
///
/// Promised by the author:
/// - `select_pair` draws all its randomness from `rng`: same state, context and rng give the same pair;
/// - both arms are enabled, and of `context.offered` where it is not empty; with a single one left it is
/// paired
///   with itself, with none the status is no_arm; contexts are checked as for Bandit;
/// - `best_arm` is the arm to show where only one can be shown, of the enabled ones; kNoArm without any;
/// - an update that does not return Errc::ok changes nothing: an arm that is unknown (unknown_arm), an arm
/// against
///   itself (invalid_argument), a weight outside its range;
/// - arms that were disabled meanwhile are learned; `reset_arm` forgets an arm, as if just added;
/// - `select_pair` and `update` neither allocate, lock, throw nor call the clock.
/// Not required: a context, that preferences are transitive, that the propensity is known.
template <class B>
concept DuelingBandit =
    Persistent<B> && Configured<B> && HasArms<B> &&
    requires(B& bandit, const B& seen, const Context& context, const DuelFeedback& feedback, Rng& rng) {
      { seen.select_pair(context, rng) } noexcept -> std::same_as<PairChoice>;
      { bandit.update(feedback) } noexcept -> std::same_as<Errc>;
      { seen.best_arm() } noexcept -> std::same_as<ArmIndex>;
    };

/// Says which requirement of DuelingBandit a type misses: `static_assert(check_dueling_bandit<Rucb>());`
template <class B>
[[nodiscard]] consteval bool check_dueling_bandit() {
  static_assert(check_persistent<B>() && check_configured<B>() && check_has_arms<B>());
  static_assert(
      requires(const B& b, const Context& x, Rng& r) {
        { b.select_pair(x, r) } noexcept -> std::same_as<PairChoice>;
      }, "DuelingBandit: need `PairChoice select_pair(const Context&, Rng&) const noexcept`");
  static_assert(
      requires(B& b, const DuelFeedback& f) {
        { b.update(f) } noexcept -> std::same_as<Errc>;
      }, "DuelingBandit: need `Errc update(const DuelFeedback&) noexcept`");
  static_assert(
      requires(const B& b) {
        { b.best_arm() } noexcept -> std::same_as<ArmIndex>;
      }, "DuelingBandit: need `ArmIndex best_arm() const noexcept`");
  return DuelingBandit<B>;
}

/// The part of a DuelFeedback that every policy checks alike.
[[nodiscard]] Errc check_duel_feedback(const DuelFeedback& feedback, std::size_t arm_count) noexcept;

}  // namespace attune
