// SPDX-License-Identifier: Apache-2.0
/// @file
/// Continuous actions: bandits that choose a point of an interval or a small box, and the concept that they
/// are checked against.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>

#include <attune/core/concepts.hpp>

namespace attune {

/// What select_action says of the action it wrote.
struct ActionDensity {
  double density = 0.0;  ///< of the action given state and context, per unit of its volume; the propensity
  Errc status = Errc::no_arm;  ///< ok, or why nothing was chosen

  [[nodiscard]] static ActionDensity refused(Errc why) noexcept { return ActionDensity{.status = why}; }
};

/// What came back for one action.
struct ActionFeedback {
  Features action{};    ///< as it was taken, in the user's units
  double reward = 0.0;  ///< any finite number, larger is better
  Input input{};        ///< the features the action was chosen with
  double weight = 1.0;  ///< importance, in [0, kMaxActionWeight]; 0 changes nothing that is estimated
};

inline constexpr double kMaxActionWeight = 1e9;

/// Chooses a point of a box and learns from its reward.
///
/// Promised by the author:
/// - `select_action` draws all its randomness from `rng`: same state, context and rng give the same action;
/// - the action lies in the box, and `density` is that of the distribution it was drawn from: action
/// densities
///   integrate to 1 over the box, and `density(context, action)` states it for any action (0 outside the box,
///   NaN for a context or length that does not fit);
/// - `out` of another length than dimension() is dimension_mismatch; contexts are checked as for Bandit;
/// - an update that does not return Errc::ok changes nothing: a wrong length, an action outside the box
///   (invalid_argument), numbers that are not finite;
/// - the action need not be one that was chosen: others' actions are learned from too;
/// - `select_action` and `update` neither allocate, lock, throw nor call the clock.
/// Not required: a context, that rewards are smooth in the action.
template <class B>
concept ContinuousBandit =
    Persistent<B> && Configured<B> &&
    requires(B& bandit, const B& seen, const Context& context, const ActionFeedback& feedback, Rng& rng,
             std::span<double> out, Features action, std::size_t coordinate) {
      { seen.select_action(context, rng, out) } noexcept -> std::same_as<ActionDensity>;
      { seen.density(context, action) } noexcept -> std::same_as<double>;
      { bandit.update(feedback) } noexcept -> std::same_as<Errc>;
      { seen.dimension() } noexcept -> std::same_as<std::size_t>;
      { seen.range(coordinate) } noexcept -> std::same_as<Bounds>;
      { seen.updates() } noexcept -> std::same_as<std::uint64_t>;
    };

/// Says which requirement of ContinuousBandit a type misses: `static_assert(check_continuous_bandit<X>());`
template <class B>
[[nodiscard]] consteval bool check_continuous_bandit() {
  static_assert(check_persistent<B>() && check_configured<B>());
  static_assert(
      requires(const B& b, const Context& x, Rng& r, std::span<double> out) {
        { b.select_action(x, r, out) } noexcept -> std::same_as<ActionDensity>;
      },
      "ContinuousBandit: need `ActionDensity select_action(const Context&, Rng&, std::span<double>) const "
      "noexcept`");
  static_assert(
      requires(const B& b, const Context& x, Features a) {
        { b.density(x, a) } noexcept -> std::same_as<double>;
      }, "ContinuousBandit: need `double density(const Context&, Features action) const noexcept`");
  static_assert(
      requires(B& b, const ActionFeedback& f) {
        { b.update(f) } noexcept -> std::same_as<Errc>;
      }, "ContinuousBandit: need `Errc update(const ActionFeedback&) noexcept`");
  static_assert(
      requires(const B& b, std::size_t i) {
        { b.dimension() } noexcept -> std::same_as<std::size_t>;
        { b.range(i) } noexcept -> std::same_as<Bounds>;
        { b.updates() } noexcept -> std::same_as<std::uint64_t>;
      }, "ContinuousBandit: need dimension(), `Bounds range(coordinate)` and updates(), all const noexcept");
  return ContinuousBandit<B>;
}

/// The part of an ActionFeedback that every policy checks alike; `range(i)` are the bounds of coordinate i.
template <class RangeOf>
[[nodiscard]] Errc check_action_feedback(const ActionFeedback& feedback, std::size_t dimension,
                                         const RangeOf& range) noexcept {
  if (feedback.action.size() != dimension) {
    return Errc::dimension_mismatch;
  }
  const double weight = feedback.weight;
  if (!all_finite(feedback.action) || !all_finite({&feedback.reward, 1}) || !all_finite({&weight, 1})) {
    return Errc::non_finite;
  }
  for (std::size_t i = 0; i < dimension; ++i) {
    const Bounds bounds = range(i);
    if (feedback.action[i] < bounds.min || feedback.action[i] > bounds.max) {
      return Errc::invalid_argument;
    }
  }
  return weight >= 0.0 && weight <= kMaxActionWeight ? Errc::ok : Errc::invalid_argument;
}

}  // namespace attune
