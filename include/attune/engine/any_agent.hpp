// SPDX-License-Identifier: Apache-2.0
/// @file
/// AnyAgent: one handle for every RLAgent whose actions are arms, chosen at run time.
#pragma once

#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include <attune/core/concepts.hpp>
#include <attune/core/erased.hpp>

namespace attune {

/// How an agent's State is read from the features of a context. Specialise it for a state type of your own:
/// `kFeatures`, the length of the dense context, 0 where any will do; and
/// `static Errc read(const Input&, State& out) noexcept`.
template <class State>
struct StateFrom;

/// A numbered state is one dense feature, a whole number. Errors: dimension_mismatch (not exactly one dense
/// feature), non_finite, invalid_argument (negative, fractional or too large); that such a state exists is
/// checked by the agent.
template <>
struct StateFrom<std::uint32_t> {
  static constexpr std::size_t kFeatures = 1;
  [[nodiscard]] static Errc read(const Input& input, std::uint32_t& out) noexcept {
    if (input.dense.size() != 1 || !input.sparse.empty()) {
      return Errc::dimension_mismatch;
    }
    const double number = input.dense.front();
    if (!std::isfinite(number)) {
      return Errc::non_finite;
    }
    if (number < 0.0 || number > std::numeric_limits<std::uint32_t>::max() || number != std::floor(number)) {
      return Errc::invalid_argument;
    }
    out = static_cast<std::uint32_t>(number);
    return Errc::ok;
  }
};

/// A state that is a dense vector is taken as it is; its length and entries are checked by the agent.
template <>
struct StateFrom<Features> {
  static constexpr std::size_t kFeatures = 0;
  [[nodiscard]] static Errc read(const Input& input, Features& out) noexcept {
    if (!input.sparse.empty()) {
      return Errc::dimension_mismatch;
    }
    out = input.dense;
    return Errc::ok;
  }
};

/// An RLAgent that an engine can run: its actions are arms and its state can be read from a context.
template <class A>
concept ArmAgent = RLAgent<A> && std::same_as<typename A::Action, ArmIndex> &&
                   requires(const Input& input, typename A::State& state) {
                     { StateFrom<typename A::State>::read(input, state) } noexcept -> std::same_as<Errc>;
                   };

/// An ArmAgent whose actions come and go. `select_action(state, offered, rng)` chooses among the offered
/// ones.
template <class A>
concept ChangingArms =
    ArmAgent<A> && requires(A& agent, const A& seen, const typename A::State& state, ArmIndex arm,
                            std::span<const ArmIndex> offered, const ArmPrior& prior, Rng& rng, bool on) {
      { seen.select_action(state, offered, rng) } noexcept -> std::same_as<ActionChoice<ArmIndex>>;
      { seen.enabled(arm) } noexcept -> std::same_as<bool>;
      { agent.add_arm() } -> std::same_as<Result<ArmIndex>>;
      { agent.set_enabled(arm, on) } noexcept -> std::same_as<Errc>;
      { agent.reset_arm(arm) } noexcept -> std::same_as<Errc>;
      { agent.warm_start(arm, prior) } -> std::same_as<Result<void>>;
    };

/// An ArmAgent that can state the whole distribution of its next choice.
template <class A>
concept ExplicitAgent = ArmAgent<A> && requires(const A& seen, const typename A::State& state,
                                                std::span<const ArmIndex> offered, std::span<double> out) {
  { seen.probabilities(state, offered, out) } noexcept -> std::same_as<Errc>;
};

namespace detail {

/// What AnyAgent asks of what it holds.
struct ErasedAgent : ErasedArms<ErasedAgent> {
  [[nodiscard]] virtual Choice select(const Context& context, Rng& rng) const noexcept = 0;
  [[nodiscard]] virtual Errc probabilities(const Context& context, std::span<double> out) const noexcept = 0;
  virtual Errc update(const Input& state, ArmIndex action, double reward, const Input& next, bool terminal,
                      bool truncated) noexcept = 0;
  [[nodiscard]] virtual Result<void> warm_start(ArmIndex arm, const ArmPrior& prior) = 0;
};

template <ArmAgent A>
struct AgentModel final : ErasedModel<ErasedAgent, AgentModel<A>, A> {
  using ErasedModel<ErasedAgent, AgentModel, A>::ErasedModel;
  using State = typename A::State;

  [[nodiscard]] Choice select(const Context& context, Rng& rng) const noexcept override {
    State state{};
    if (const Errc wrong = StateFrom<State>::read(context.input, state); wrong != Errc::ok) {
      return Choice::refused(wrong);
    }
    ActionChoice<ArmIndex> chosen{};
    if constexpr (ChangingArms<A>) {
      chosen = this->held.select_action(state, context.offered, rng);
    } else if (context.offered.empty()) {
      chosen = this->held.select_action(state, rng);
    } else {
      return Choice::refused(Errc::unsupported);
    }
    if (chosen.status != Errc::ok) {
      return Choice::refused(chosen.status);
    }
    return {.arm = chosen.action,
            .propensity = chosen.propensity,
            .score = chosen.value,
            .greedy = chosen.greedy,
            .status = Errc::ok};
  }
  [[nodiscard]] Errc probabilities(const Context& context, std::span<double> out) const noexcept override {
    if constexpr (ExplicitAgent<A>) {
      State state{};
      const Errc wrong = StateFrom<State>::read(context.input, state);
      return wrong != Errc::ok ? wrong : this->held.probabilities(state, context.offered, out);
    } else {
      return Errc::unsupported;
    }
  }
  Errc update(const Input& state, ArmIndex action, double reward, const Input& next, bool terminal,
              bool truncated) noexcept override {
    Experience<State, ArmIndex> experience{
        .action = action, .reward = reward, .terminal = terminal, .truncated = truncated};
    if (const Errc wrong = StateFrom<State>::read(state, experience.state); wrong != Errc::ok) {
      return wrong;
    }
    if (!terminal) {
      if (const Errc wrong = StateFrom<State>::read(next, experience.next_state); wrong != Errc::ok) {
        return wrong;
      }
    }
    return this->held.update(experience);
  }

  [[nodiscard]] std::size_t arm_count() const noexcept override { return this->held.action_count(); }
  [[nodiscard]] bool enabled(ArmIndex arm) const noexcept override {
    if constexpr (ChangingArms<A>) {
      return this->held.enabled(arm);
    } else {
      return to_index(arm) < this->held.action_count();
    }
  }
  [[nodiscard]] Result<ArmIndex> add_arm() override {
    if constexpr (ChangingArms<A>) {
      return this->held.add_arm();
    } else {
      return fail(Errc::unsupported, fixed_actions());
    }
  }
  Errc set_enabled(ArmIndex arm, bool on) noexcept override {
    if constexpr (ChangingArms<A>) {
      return this->held.set_enabled(arm, on);
    } else {
      return Errc::unsupported;
    }
  }
  Errc reset_arm(ArmIndex arm) noexcept override {
    if constexpr (ChangingArms<A>) {
      return this->held.reset_arm(arm);
    } else {
      return Errc::unsupported;
    }
  }
  [[nodiscard]] Result<void> warm_start(ArmIndex arm, const ArmPrior& prior) override {
    if constexpr (ChangingArms<A>) {
      return this->held.warm_start(arm, prior);
    } else {
      return fail(Errc::unsupported, fixed_actions());
    }
  }
  [[nodiscard]] std::uint64_t updates() const noexcept override { return this->held.updates(); }
  [[nodiscard]] static std::string fixed_actions() {
    return std::string(A::kName) + ": the actions of this agent are fixed";
  }
};

}  // namespace detail

/// Holds any type that satisfies ArmAgent; copying copies the agent. It speaks the engine's words: contexts
/// in, Choice out, actions are arms. A moved-from handle may only be assigned or destroyed.
class AnyAgent : public detail::ArmsHandle<detail::ErasedAgent> {
 public:
  // A handle has no kName: asking for it first keeps the concept from asking the handle whether it copies.
  template <class A>
    requires(requires { A::kName; } && ArmAgent<A>)
  explicit AnyAgent(A agent) : ArmsHandle(std::make_unique<detail::AgentModel<A>>(std::move(agent))) {}

  /// `score` of the choice is the agent's value of the action. Status: as StateFrom and the agent say;
  /// unsupported when only some arms are offered to an agent that cannot choose among them.
  [[nodiscard]] Choice select(const Context& context, Rng& rng) const noexcept {
    return self_->select(context, rng);
  }
  /// P(arm) for each slot. Errors: as select; unsupported when the agent has no closed form.
  [[nodiscard]] Errc probabilities(const Context& context, std::span<double> out) const noexcept {
    return self_->probabilities(context, out);
  }
  /// One experience; `next` is not read when terminal. Errors: as StateFrom and the agent say; nothing
  /// changes then.
  Errc update(const Input& state, ArmIndex action, double reward, const Input& next, bool terminal,
              bool truncated) noexcept {
    return self_->update(state, action, reward, next, terminal, truncated);
  }

  /// As add_arm, set_enabled and reset_arm: unsupported for an agent whose actions are fixed.
  [[nodiscard]] Result<void> warm_start(ArmIndex arm, const ArmPrior& prior) {
    return self_->warm_start(arm, prior);
  }

  /// The agent itself when it is an A, else null.
  template <ArmAgent A>
  [[nodiscard]] const A* as() const noexcept {
    return held_by<detail::AgentModel<A>>();
  }
};

}  // namespace attune
