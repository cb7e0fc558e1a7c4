// SPDX-License-Identifier: Apache-2.0
/// @file
/// The concepts that algorithms are checked against: Persistent, OnlineLearner, Bandit, RLAgent, Optimizer.
///
/// All are values: copyable (the engine keeps two copies of each policy, see docs/design/engine.md), without
/// base class or virtual function. `const` members may be called from many threads at once; the others need
/// the object alone. Every promise below is a test in tests/laws/, run over every shipped type.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include <attune/core/config.hpp>
#include <attune/core/error.hpp>
#include <attune/core/rng.hpp>
#include <attune/core/serial.hpp>
#include <attune/core/vocabulary.hpp>

namespace attune {

/// A value whose state can be written down and read back.
///
/// Checked by the compiler: `kName`, `kStateVersion`, `save`, `load`, `==`, `describe`.
/// Promised by the author:
/// - `load` of what `save` wrote, into a value made with the same Config and Shape, gives a value that is
///   `==` to the original and cannot be told apart from it by any later call, bit for bit;
/// - `load` of any other bytes returns an error and changes nothing, or gives a state that keeps every
///   invariant; it never reads outside its input and never allocates more than the input's size explains;
/// - the number of arms (or trials) may differ from the Config's: it is part of the state.
/// Not required: that the bytes carry their own name or checksum; save_state() adds both.
template <class P>
concept Persistent = std::copyable<P> && std::equality_comparable<P> &&
                     requires(P& value, const P& seen, Writer& writer, Reader& reader) {
                       { P::kName } -> std::convertible_to<std::string_view>;
                       { P::kStateVersion } -> std::convertible_to<std::uint32_t>;
                       { seen.save(writer) } -> std::same_as<void>;
                       { value.load(reader) } -> std::same_as<Result<void>>;
                       { seen.describe() } -> std::same_as<Description>;
                     };

/// A value with validated options.
///
/// `make` is the only way to build one. Errors: invalid_config, naming the field.
template <class P>
concept Configured = requires(const typename P::Config& config, const Shape& shape) {
  { P::make(config, shape) } -> std::same_as<Result<P>>;
};

/// A regression or classification model that learns one example at a time.
///
/// Promised by the author:
/// - a `partial_fit` that does not return Errc::ok changes nothing (NaN, infinity, wrong length, weight < 0);
/// - `predict` is NaN exactly when the input is not of the learner's shape or not finite;
/// - neither allocates.
/// Not required: convergence, a bounded target, thread-safe updates.
template <class L>
concept OnlineLearner =
    Persistent<L> && Configured<L> && requires(L& learner, const L& seen, const Input& input, double number) {
      { learner.partial_fit(input, number, number) } noexcept -> std::same_as<Errc>;
      { seen.predict(input) } noexcept -> std::same_as<double>;
      { seen.updates() } noexcept -> std::same_as<std::uint64_t>;
    };

/// A value over arms that come and go: what bandits over single arms, slates and pairs have in common.
///
/// Promised by the author: a slot keeps its arm; a disabled arm is never chosen and still learned of; an arm
/// that is reset is as if just added. `add_arm` may allocate.
template <class B>
concept HasArms = requires(B& bandit, const B& seen, ArmIndex arm, bool flag) {
  { seen.arm_count() } noexcept -> std::same_as<std::size_t>;
  { seen.enabled(arm) } noexcept -> std::same_as<bool>;
  { bandit.add_arm() } -> std::same_as<Result<ArmIndex>>;
  { bandit.set_enabled(arm, flag) } noexcept -> std::same_as<Errc>;
  { bandit.reset_arm(arm) } noexcept -> std::same_as<Errc>;
  { seen.updates() } noexcept -> std::same_as<std::uint64_t>;
};

/// Chooses one of a changing set of arms and learns from the rewards of the chosen ones.
///
/// Promised by the author:
/// - `select` draws all its randomness from `rng`: same state, context and rng give the same choice;
/// - `propensity` is the exact probability of the returned arm, or NaN where it is computed later (deferred);
/// - only enabled arms, and of those only `context.offered` when it is not empty, are returned; with none
/// left
///   the choice is kNoArm with status no_arm; entries of `offered` that are no arms are passed over;
/// - a context of the wrong length or with NaN gives kNoArm with status dimension_mismatch or non_finite;
/// - ties are broken uniformly;
/// - an `update` that does not return Errc::ok changes nothing;
/// - updates of a disabled arm are learned (its reward was merely late); `reset_arm` forgets an arm, after
///   which it is as if just added;
/// - `select` and `update` neither allocate, lock, throw nor call the clock.
/// Not required: a context, thread-safe updates, that the propensity is known.
template <class B>
concept Bandit = Persistent<B> && Configured<B> && HasArms<B> &&
                 requires(B& bandit, const B& seen, const Context& context, const Feedback& feedback,
                          Rng& rng, ArmIndex arm, const ArmPrior& prior) {
                   { seen.select(context, rng) } noexcept -> std::same_as<Choice>;
                   { bandit.update(feedback) } noexcept -> std::same_as<Errc>;
                   { bandit.warm_start(arm, prior) } -> std::same_as<Result<void>>;
                 };

/// A Bandit that can state the whole distribution its next choice is drawn from.
///
/// `probabilities(context, out)` writes P(arm) for each slot into `out` (length arm_count()): zero for arms
/// that cannot be chosen, summing to 1. Errors: as the status of select; dimension_mismatch for a wrong
/// `out`.
template <class B>
concept ExplicitBandit = Bandit<B> && requires(const B& seen, const Context& context, std::span<double> out) {
  { seen.probabilities(context, out) } noexcept -> std::same_as<Errc>;
};

/// A Bandit that wants to know of pulls whose reward is still to come.
///
/// Deterministic policies repeat their choice until a reward arrives unless they count what is pending.
/// `note_pull` announces one; the update that answers it has `announced = true`; `note_lost` says that no
/// reward will come. Errors: unknown_arm; note_lost without a pending pull: invalid_argument.
template <class B>
concept CountsPending = Bandit<B> && requires(B& bandit, ArmIndex arm) {
  { bandit.note_pull(arm) } noexcept -> std::same_as<Errc>;
  { bandit.note_lost(arm) } noexcept -> std::same_as<Errc>;
};

/// A Bandit that can give up a part of its evidence, so that new rewards soon outweigh old ones.
///
/// `forget(arm, keep)` multiplies what an arm has learned by `keep` in [0, 1]: counts and sums, not the prior
/// and not what is pending; 0 leaves the prior. kNoArm: all arms. Errors: unknown_arm, invalid_argument
/// (keep); nothing is changed then.
template <class B>
concept Forgets = Bandit<B> && requires(B& bandit, ArmIndex arm, double keep) {
  { bandit.forget(arm, keep) } noexcept -> std::same_as<Errc>;
};

/// A Bandit that expects a reward of each arm. `expectation` is NaN for unknown arms, inputs of another form,
/// and arms of which nothing is known.
template <class B>
concept Expects = Bandit<B> && requires(const B& seen, ArmIndex arm, const Input& input, Features action) {
  { seen.expectation(arm, input, action) } noexcept -> std::same_as<double>;
};

/// What an RLAgent returns.
template <class Action>
struct ActionChoice {
  Action action{};
  double propensity = 0.0;
  double value = 0.0;  ///< the agent's value of the action
  bool greedy = true;
  Errc status = Errc::ok;
};

/// Acts in a Markov decision process and learns from experience.
///
/// Promised by the author:
/// - `select_action` draws all its randomness from `rng`; propensity as for Bandit;
/// - `update` with a terminal experience does not use the value of `next_state`; a truncated one does;
/// - an `update` that does not return Errc::ok changes nothing.
template <class A>
concept RLAgent = Persistent<A> && Configured<A> &&
                  requires(A& agent, const A& seen, const typename A::State& state,
                           const Experience<typename A::State, typename A::Action>& experience, Rng& rng) {
                    {
                      seen.select_action(state, rng)
                    } noexcept -> std::same_as<ActionChoice<typename A::Action>>;
                    { agent.update(experience) } noexcept -> std::same_as<Errc>;
                    { seen.action_count() } noexcept -> std::same_as<std::size_t>;
                    { seen.updates() } noexcept -> std::same_as<std::uint64_t>;
                  };

/// Proposes parameter settings and learns from their values; larger values are better.
///
/// `ask` proposes values without changing anything; `begin` makes a trial pending (later asks stay away from
/// it); `tell` answers it; `forget` says that no value will come. The caller chooses trial ids.
/// Promised by the author: proposals lie in the box; `tell` of an unknown or finished id is unknown_decision;
/// a non-finite value is refused and the trial stays pending; same state and rng give the same proposal.
/// Not required: that `ask` is fast or does not allocate.
template <class O>
concept Optimizer = Persistent<O> && requires(O& optimizer, const O& seen, const typename O::Config& config,
                                              Rng& rng, const Trial& trial, std::uint64_t id, double value) {
  { O::make(config) } -> std::same_as<Result<O>>;
  { seen.ask(rng) } -> std::same_as<Result<std::vector<double>>>;
  { optimizer.begin(trial) } -> std::same_as<Errc>;
  { optimizer.tell(id, value) } -> std::same_as<Errc>;
  { optimizer.forget(id) } -> std::same_as<Errc>;
  { seen.dimension() } noexcept -> std::same_as<std::size_t>;
  { seen.pending() } noexcept -> std::same_as<std::size_t>;
  { seen.best() } -> std::same_as<Trial>;
};

// ------------------------------------------------------------------------------------------- diagnosis

/// Says which requirement of Persistent a type misses, one sentence each.
template <class P>
[[nodiscard]] consteval bool check_persistent() {
  static_assert(std::copyable<P>, "Persistent: the type must be copyable (the engine keeps two copies)");
  static_assert(std::equality_comparable<P>, "Persistent: need `bool operator==(const P&) const`");
  static_assert(
      requires {
        { P::kName } -> std::convertible_to<std::string_view>;
      }, "Persistent: need `static constexpr std::string_view kName`");
  static_assert(
      requires {
        { P::kStateVersion } -> std::convertible_to<std::uint32_t>;
      }, "Persistent: need `static constexpr std::uint32_t kStateVersion`");
  static_assert(
      requires(const P& p, Writer& w) {
        { p.save(w) } -> std::same_as<void>;
      }, "Persistent: need `void save(Writer&) const`");
  static_assert(
      requires(P& p, Reader& r) {
        { p.load(r) } -> std::same_as<Result<void>>;
      }, "Persistent: need `Result<void> load(Reader&)`");
  static_assert(
      requires(const P& p) {
        { p.describe() } -> std::same_as<Description>;
      }, "Persistent: need `Description describe() const`");
  return Persistent<P>;
}

/// Says whether `make(config, shape)` is as it must be.
template <class P>
[[nodiscard]] consteval bool check_configured() {
  static_assert(requires { typename P::Config; }, "Configured: the nested type Config is missing");
  static_assert(Configured<P>, "Configured: need `static Result<P> make(const Config&, const Shape&)`");
  return Configured<P>;
}

/// Says which requirement of OnlineLearner a type misses: `static_assert(check_online_learner<X>());`
template <class L>
[[nodiscard]] consteval bool check_online_learner() {
  static_assert(check_persistent<L>() && check_configured<L>());
  static_assert(
      requires(L& l, const Input& x, double y) {
        { l.partial_fit(x, y, y) } noexcept -> std::same_as<Errc>;
      }, "OnlineLearner: need `Errc partial_fit(const Input&, double target, double weight) noexcept`");
  static_assert(
      requires(const L& l, const Input& x) {
        { l.predict(x) } noexcept -> std::same_as<double>;
      }, "OnlineLearner: need `double predict(const Input&) const noexcept`");
  static_assert(
      requires(const L& l) {
        { l.updates() } noexcept -> std::same_as<std::uint64_t>;
      }, "OnlineLearner: need `std::uint64_t updates() const noexcept`");
  return OnlineLearner<L>;
}

/// Says which requirement of HasArms a type misses.
template <class B>
[[nodiscard]] consteval bool check_has_arms() {
  static_assert(
      requires(B& b, const B& c, ArmIndex a, bool on) {
        { c.arm_count() } noexcept -> std::same_as<std::size_t>;
        { c.enabled(a) } noexcept -> std::same_as<bool>;
        { b.add_arm() } -> std::same_as<Result<ArmIndex>>;
        { b.set_enabled(a, on) } noexcept -> std::same_as<Errc>;
        { b.reset_arm(a) } noexcept -> std::same_as<Errc>;
      }, "HasArms: arms must come and go: need arm_count, enabled, add_arm, set_enabled, reset_arm");
  static_assert(
      requires(const B& b) {
        { b.updates() } noexcept -> std::same_as<std::uint64_t>;
      }, "HasArms: need `std::uint64_t updates() const noexcept`");
  return HasArms<B>;
}

/// Says which requirement of Bandit a type misses: `static_assert(check_bandit<Ucb1>());`
template <class B>
[[nodiscard]] consteval bool check_bandit() {
  static_assert(check_persistent<B>() && check_configured<B>() && check_has_arms<B>());
  static_assert(
      requires(const B& b, const Context& x, Rng& r) {
        { b.select(x, r) } noexcept -> std::same_as<Choice>;
      }, "Bandit: need `Choice select(const Context&, Rng&) const noexcept`");
  static_assert(
      requires(B& b, const Feedback& f) {
        { b.update(f) } noexcept -> std::same_as<Errc>;
      }, "Bandit: need `Errc update(const Feedback&) noexcept`");
  static_assert(
      requires(B& b, ArmIndex a, const ArmPrior& p) {
        { b.warm_start(a, p) } -> std::same_as<Result<void>>;
      }, "Bandit: need `Result<void> warm_start(ArmIndex, const ArmPrior&)`");
  return Bandit<B>;
}

/// Says which requirement of RLAgent a type misses: `static_assert(check_rl_agent<QLearning>());`
template <class A>
[[nodiscard]] consteval bool check_rl_agent() {
  static_assert(check_persistent<A>() && check_configured<A>());
  static_assert(
      requires {
        typename A::State;
        typename A::Action;
      }, "RLAgent: nested State and Action are missing");
  static_assert(
      requires(const A& a, const typename A::State& s, Rng& r) {
        { a.select_action(s, r) } noexcept -> std::same_as<ActionChoice<typename A::Action>>;
      }, "RLAgent: need `ActionChoice<Action> select_action(const State&, Rng&) const noexcept`");
  static_assert(
      requires(A& a, const Experience<typename A::State, typename A::Action>& e) {
        { a.update(e) } noexcept -> std::same_as<Errc>;
      }, "RLAgent: need `Errc update(const Experience<State, Action>&) noexcept`");
  static_assert(
      requires(const A& a) {
        { a.action_count() } noexcept -> std::same_as<std::size_t>;
        { a.updates() } noexcept -> std::same_as<std::uint64_t>;
      }, "RLAgent: need action_count() and updates(), both const noexcept");
  return RLAgent<A>;
}

/// Says which requirement of Optimizer a type misses: `static_assert(check_optimizer<GpOptimizer>());`
template <class O>
[[nodiscard]] consteval bool check_optimizer() {
  static_assert(check_persistent<O>());
  static_assert(
      requires(const typename O::Config& c) {
        { O::make(c) } -> std::same_as<Result<O>>;
      }, "Optimizer: need `static Result<O> make(const Config&)`");
  static_assert(
      requires(const O& o, Rng& r) {
        { o.ask(r) } -> std::same_as<Result<std::vector<double>>>;
      }, "Optimizer: need `Result<std::vector<double>> ask(Rng&) const`");
  static_assert(
      requires(O& o, const Trial& t, std::uint64_t id, double v) {
        { o.begin(t) } -> std::same_as<Errc>;
        { o.tell(id, v) } -> std::same_as<Errc>;
        { o.forget(id) } -> std::same_as<Errc>;
      }, "Optimizer: need `Errc begin(const Trial&)`, `Errc tell(id, value)`, `Errc forget(id)`");
  static_assert(
      requires(const O& o) {
        { o.dimension() } noexcept -> std::same_as<std::size_t>;
        { o.pending() } noexcept -> std::same_as<std::size_t>;
        { o.best() } -> std::same_as<Trial>;
      }, "Optimizer: need dimension(), pending() and best(), all const");
  return Optimizer<O>;
}

}  // namespace attune
