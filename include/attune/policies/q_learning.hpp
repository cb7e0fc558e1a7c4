// SPDX-License-Identifier: Apache-2.0
/// @file
/// QLearning: tabular Q-learning with epsilon-greedy exploration, for small discrete decision processes.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include <attune/core/arm_set.hpp>
#include <attune/core/concepts.hpp>

namespace attune {

/// How far one experience moves the value of its state and action.
enum class LearningRate : std::uint8_t {
  constant,  ///< alpha, always: follows a changing world, never settles
  visits,    ///< alpha / visits(state, action)^omega: converges
};
template <>
inline constexpr std::array<std::string_view, 2> kEnumNames<LearningRate>{"constant", "visits"};

/// Options of QLearning. The actions are the arms of the decision point.
struct QLearningConfig {
  std::uint32_t states = 0;  ///< must be given
  double alpha = 0.1;
  LearningRate learning_rate = LearningRate::constant;
  double omega = 0.8;
  double gamma = 0.95;
  double epsilon = 0.1;
  double epsilon_decay = 1.0;
  double epsilon_min = 0.0;
  double initial_value = 0.0;

  template <class Self, class Visitor>
  static constexpr void fields(Self& self, Visitor&& visit) {
    visit("states", self.states, Bounds{1, 16'777'216}, "number of states; states are 0 ... states - 1");
    visit("alpha", self.alpha, Bounds{1e-9, 1}, "step size; the first one where learning_rate is visits");
    visit("learning_rate", self.learning_rate, Bounds{},
          "constant: alpha; visits: alpha / visits(state, action)^omega");
    visit("omega", self.omega, Bounds{0.5, 1}, "exponent of learning_rate visits; above 0.5 converges");
    visit("gamma", self.gamma, Bounds{0, 1}, "discount per step; 1 only for processes that end");
    visit("epsilon", self.epsilon, Bounds{0, 1}, "probability of a uniformly random action, at the start");
    visit("epsilon_decay", self.epsilon_decay, Bounds{0.5, 1}, "factor on epsilon per update");
    visit("epsilon_min", self.epsilon_min, Bounds{0, 1}, "epsilon decays no further; at most epsilon");
    visit("initial_value", self.initial_value, Bounds{-1e12, 1e12},
          "value of what was never tried; a high one makes the agent try everything");
  }
};

/// Learns the value Q(s, a) of taking action a in state s and going on greedily, from single experiences:
///
///     Q(s, a) += alpha * ( r + gamma * max_b Q(s', b) - Q(s, a) ),
///
/// without the second term where s' is terminal; the maximum is over the enabled actions (over all where none
/// is). Acts epsilon-greedily: with probability epsilon uniformly over the actions that may be taken, else
/// greedily with ties broken uniformly.
///
/// Source: Watkins (1989), "Learning from Delayed Rewards", PhD thesis, Cambridge; Sutton, Barto (2018),
/// "Reinforcement Learning", 2nd ed., section 6.5. Convergence for the step sizes of LearningRate::visits:
/// Even-Dar, Mansour (2003), "Learning Rates for Q-learning", JMLR 5. Differences: none in the update;
/// actions may come and go.
///
/// Rewards: any finite number. Terminal wins where an experience is both terminal and truncated.
/// Cost: select and update O(actions); neither allocates. Memory: 12 bytes a state and action.
/// Limits: no generalisation between states; epsilon-greedy needs exponentially many steps where the reward
/// is far.
class QLearning {
 public:
  using Config = QLearningConfig;
  using State = std::uint32_t;
  using Action = ArmIndex;

  static constexpr std::string_view kName = "q_learning";
  static constexpr std::uint32_t kStateVersion = 1;
  static constexpr std::size_t kMaxEntries = std::size_t{1} << 27;  ///< states x actions

  /// Errors: invalid_config (a field, a context of more than one feature, or more than kMaxEntries
  /// states x actions).
  [[nodiscard]] static Result<QLearning> make(const Config& config, const Shape& shape);

  /// The status is invalid_argument for a state that does not exist, no_arm when no action may be taken.
  [[nodiscard]] ActionChoice<Action> select_action(const State& state, Rng& rng) const noexcept {
    return select_action(state, {}, rng);
  }
  /// As above, from the offered actions only; empty: every enabled one. Entries that are no actions are
  /// passed over.
  [[nodiscard]] ActionChoice<Action> select_action(const State& state, std::span<const ArmIndex> offered,
                                                   Rng& rng) const noexcept;
  /// P(action) for each slot. Errors: as select_action; dimension_mismatch when out is not action_count()
  /// long.
  [[nodiscard]] Errc probabilities(const State& state, std::span<const ArmIndex> offered,
                                   std::span<double> out) const noexcept;

  /// Errors: invalid_argument (state), unknown_arm, non_finite (the reward, or a value that would overflow).
  [[nodiscard]] Errc update(const Experience<State, Action>& experience) noexcept;

  [[nodiscard]] std::size_t action_count() const noexcept { return actions_.count(); }
  [[nodiscard]] std::size_t arm_count() const noexcept { return actions_.count(); }
  [[nodiscard]] bool enabled(ArmIndex action) const noexcept { return actions_.enabled(action); }
  /// A new action starts at the initial value everywhere. Cost: copies the table. Errors: full.
  [[nodiscard]] Result<ArmIndex> add_arm();
  Errc set_enabled(ArmIndex action, bool on) noexcept { return actions_.set_enabled(action, on); }
  /// Forgets an action in every state. Errors: unknown_arm.
  Errc reset_arm(ArmIndex action) noexcept;
  /// Counts `prior.weight`, rounded, as visits that brought `prior.mean`, in every state. Errors:
  /// unknown_arm, non_finite, invalid_argument.
  [[nodiscard]] Result<void> warm_start(ArmIndex action, const ArmPrior& prior);

  [[nodiscard]] std::size_t state_count() const noexcept { return config_.states; }
  /// Q(state, action); both must exist.
  [[nodiscard]] double value(State state, ArmIndex action) const noexcept {
    return values_[at(state, action)];
  }
  [[nodiscard]] std::uint32_t visits(State state, ArmIndex action) const noexcept {
    return visits_[at(state, action)];
  }
  /// The present probability of a random action.
  [[nodiscard]] double epsilon() const noexcept { return epsilon_; }
  [[nodiscard]] std::uint64_t updates() const noexcept { return updates_; }

  void save(Writer& writer) const;
  /// Errors: dimension_mismatch (another number of states), corrupt_state; unchanged on error.
  [[nodiscard]] Result<void> load(Reader& reader);
  [[nodiscard]] Description describe() const;
  [[nodiscard]] bool operator==(const QLearning& other) const;

 private:
  QLearning(const Config& config, std::size_t actions);
  [[nodiscard]] std::size_t at(State state, ArmIndex action) const noexcept {
    return static_cast<std::size_t>(state) * actions_.count() + to_index(action);
  }
  [[nodiscard]] std::span<const double> row(State state) const noexcept {
    return std::span(values_).subspan(static_cast<std::size_t>(state) * actions_.count(), actions_.count());
  }
  [[nodiscard]] double best_value(State state) const noexcept;
  [[nodiscard]] double step_size(std::uint32_t visits) const noexcept;

  Config config_;
  ArmSet actions_;
  std::vector<double> values_;         // states x actions
  std::vector<std::uint32_t> visits_;  // states x actions; stays at its maximum
  double epsilon_;
  std::uint64_t updates_ = 0;
};

}  // namespace attune
