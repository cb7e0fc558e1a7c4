// SPDX-License-Identifier: Apache-2.0
/// @file
/// Slates: bandits that show an ordered list of arms at once, and the concept that they are checked against.
#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string_view>

#include <attune/core/concepts.hpp>

namespace attune {

/// The longest list that is chosen at once.
inline constexpr std::size_t kMaxSlate = 64;

/// Where a choice of slate goes: as many positions are filled as `arms` has, the first being shown first.
struct SlateOut {
  std::span<ArmIndex> arms{};
  /// Empty, or as long as `arms`: P(arm at this position | state, context, the arms before it); NaN where it
  /// is computed later.
  std::span<double> propensities{};
};

/// What select_slate says of the list it wrote.
struct SlateChoice {
  std::size_t size = 0;        ///< positions filled; the others are kNoArm with propensity 0
  double propensity = 0.0;     ///< of the whole ordered list: the product over its positions
  Errc status = Errc::no_arm;  ///< ok, or why nothing was chosen

  [[nodiscard]] static SlateChoice refused(Errc why) noexcept { return SlateChoice{.status = why}; }
};

/// What is observed of a slate.
enum class SlateSignal : std::uint8_t {
  items,        ///< a reward of each arm that was shown (semi-bandit feedback)
  first_click,  ///< the position of the first click; what stands after it was not examined (cascade)
  whole,        ///< one reward for the slate
};
template <>
inline constexpr std::array<std::string_view, 3> kEnumNames<SlateSignal>{"items", "first_click", "whole"};

/// SlateFeedback::click where nothing was clicked: all was examined.
inline constexpr std::size_t kNoClick = std::numeric_limits<std::size_t>::max();

/// What came back for one slate.
struct SlateFeedback {
  std::span<const ArmIndex> shown{};  ///< in the order of the choice, each arm once
  SlateSignal signal = SlateSignal::items;
  std::span<const double> rewards{};  ///< of `items`: one for each arm shown
  std::size_t click = kNoClick;       ///< of `first_click`: its position, from zero
  double reward = 0.0;                ///< of `whole`
  Input input{};                      ///< the features the slate was chosen with
  double weight = 1.0;  ///< importance, in [0, kMaxSlateWeight]; 0 changes nothing that is estimated
};

inline constexpr double kMaxSlateWeight = 1e9;

/// Chooses an ordered list of k of a changing set of arms and learns from what came back for it.
///
/// Promised by the author:
/// - `select_slate` draws all its randomness from `rng`: same state, context and rng give the same list;
/// - the list holds enabled arms, of `context.offered` where it is not empty, each once; where fewer than k
/// can
///   be chosen it is shorter; with none left the status is no_arm; k outside [1, kMaxSlate] or a wrong length
///   of `propensities` is invalid_argument; contexts are checked as for Bandit;
/// - propensities are exact, or NaN where they are computed later; their product is that of the list;
/// - `takes(signal)` says what can be learned from; an update of another signal is unsupported;
/// - an update that does not return Errc::ok changes nothing: an arm that is unknown or shown twice, rewards
///   outside the policy's range or of the wrong number, a click outside the list;
/// - arms that were disabled meanwhile are learned; `reset_arm` forgets an arm, as if just added;
/// - `select_slate` and `update` neither allocate, lock, throw nor call the clock.
/// Not required: a context, thread-safe updates, that propensities are known.
template <class B>
concept SlateBandit = Persistent<B> && Configured<B> && HasArms<B> &&
                      requires(B& bandit, const B& seen, const Context& context, const SlateOut& out,
                               const SlateFeedback& feedback, SlateSignal signal, Rng& rng) {
                        { seen.select_slate(context, rng, out) } noexcept -> std::same_as<SlateChoice>;
                        { bandit.update(feedback) } noexcept -> std::same_as<Errc>;
                        { seen.takes(signal) } noexcept -> std::same_as<bool>;
                      };

/// Says which requirement of SlateBandit a type misses: `static_assert(check_slate_bandit<TopKUcb>());`
template <class B>
[[nodiscard]] consteval bool check_slate_bandit() {
  static_assert(check_persistent<B>() && check_configured<B>() && check_has_arms<B>());
  static_assert(
      requires(const B& b, const Context& x, Rng& r, const SlateOut& out) {
        { b.select_slate(x, r, out) } noexcept -> std::same_as<SlateChoice>;
      },
      "SlateBandit: need `SlateChoice select_slate(const Context&, Rng&, const SlateOut&) const noexcept`");
  static_assert(
      requires(B& b, const B& c, const SlateFeedback& f, SlateSignal s) {
        { b.update(f) } noexcept -> std::same_as<Errc>;
        { c.takes(s) } noexcept -> std::same_as<bool>;
      },
      "SlateBandit: need `Errc update(const SlateFeedback&) noexcept` and `bool takes(SlateSignal) const "
      "noexcept`");
  return SlateBandit<B>;
}

/// The part of a SlateFeedback that every policy checks alike: arms that exist and stand there once, numbers
/// that are finite, lengths that fit the signal, a click inside the list, a weight in its range.
[[nodiscard]] Errc check_slate_feedback(const SlateFeedback& feedback, std::size_t arm_count) noexcept;

}  // namespace attune
