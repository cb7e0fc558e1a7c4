// SPDX-License-Identifier: Apache-2.0
#include <attune/policies/q_learning.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include <attune/core/sampling.hpp>

namespace attune {
namespace {

constexpr std::uint32_t kMostVisits = std::numeric_limits<std::uint32_t>::max();

Context only(std::span<const ArmIndex> offered) noexcept { return Context{.offered = offered}; }

/// What is needed for the exact propensity of any action: how many may be taken, how many share the maximum.
struct Survey {
  std::size_t eligible = 0;
  std::size_t ties = 0;
  double best = -std::numeric_limits<double>::infinity();
};

Survey survey(const ArmSet& actions, std::span<const double> values,
              std::span<const ArmIndex> offered) noexcept {
  Survey seen;
  actions.for_each(only(offered), [&](std::size_t action) {
    const double value = values[action];
    ++seen.eligible;
    if (value > seen.best) {
      seen.best = value;
      seen.ties = 1;
    } else if (value == seen.best) {
      ++seen.ties;
    }
  });
  return seen;
}

double probability(const Survey& seen, double epsilon, bool greedy) noexcept {
  const double uniform = epsilon / static_cast<double>(seen.eligible);
  return greedy ? (1.0 - epsilon) / static_cast<double>(seen.ties) + uniform : uniform;
}

}  // namespace

static_assert(check_rl_agent<QLearning>());

Result<QLearning> QLearning::make(const Config& config, const Shape& shape) {
  if (Result<void> verdict = check_bounds(config); !verdict) {
    return tl::unexpected(std::move(verdict).error());
  }
  if (config.epsilon_min > config.epsilon) {
    return fail(Errc::invalid_config, "epsilon_min = " + number_text(config.epsilon_min) +
                                          " is above epsilon = " + number_text(config.epsilon));
  }
  if (shape.sparse || shape.features > 1) {
    return fail(Errc::invalid_config, "q_learning reads its state from one dense feature, not " +
                                          std::to_string(shape.features) +
                                          (shape.sparse ? " sparse ones" : " features"));
  }
  if (shape.arms > kMaxEntries / config.states) {
    return fail(Errc::invalid_config, "states = " + std::to_string(config.states) + " times " +
                                          std::to_string(shape.arms) + " arms are more than " +
                                          std::to_string(kMaxEntries) + " table entries");
  }
  return QLearning(config, shape.arms);
}

QLearning::QLearning(const Config& config, std::size_t actions)
    : config_(config),
      actions_(actions),
      values_(config.states * actions, config.initial_value),
      visits_(config.states * actions),
      epsilon_(config.epsilon) {}

ActionChoice<ArmIndex> QLearning::select_action(const State& state, std::span<const ArmIndex> offered,
                                                Rng& rng) const noexcept {
  ActionChoice<ArmIndex> choice{.action = kNoArm, .status = Errc::no_arm};
  if (state >= config_.states) {
    choice.status = Errc::invalid_argument;
    return choice;
  }
  const std::span<const double> values = row(state);
  const Survey seen = survey(actions_, values, offered);
  if (seen.eligible == 0) {
    return choice;
  }
  const bool explore = epsilon_ > 0.0 && rng.uniform() < epsilon_;
  // The pick-th of the actions that may be taken, or of those that share the maximum.
  std::uint64_t pick = rng.below(explore ? seen.eligible : seen.ties);
  actions_.for_each(only(offered), [&](std::size_t action) {
    if ((explore || values[action] == seen.best) && pick-- == 0) {  // wraps below 0: taken once
      choice.action = to_arm(action);
    }
  });
  choice.value = values[to_index(choice.action)];
  choice.greedy = choice.value == seen.best;
  const auto listed = offered.empty() ? 1 : std::ranges::count(offered, choice.action);
  choice.propensity = probability(seen, epsilon_, choice.greedy) * static_cast<double>(listed);
  choice.status = Errc::ok;
  return choice;
}

Errc QLearning::probabilities(const State& state, std::span<const ArmIndex> offered,
                              std::span<double> out) const noexcept {
  if (out.size() != actions_.count()) {
    return Errc::dimension_mismatch;
  }
  if (state >= config_.states) {
    return Errc::invalid_argument;
  }
  const std::span<const double> values = row(state);
  const Survey seen = survey(actions_, values, offered);
  if (seen.eligible == 0) {
    return Errc::no_arm;
  }
  std::ranges::fill(out, 0.0);
  actions_.for_each(only(offered), [&](std::size_t action) {
    out[action] += probability(seen, epsilon_, values[action] == seen.best);
  });
  return Errc::ok;
}

double QLearning::best_value(State state) const noexcept {
  const std::span<const double> values = row(state);
  double best = -std::numeric_limits<double>::infinity();
  if (actions_.all_enabled() || actions_.enabled_count() == 0) {
    for (const double value : values) {
      best = std::max(best, value);
    }
  } else {
    actions_.for_each({}, [&](std::size_t action) { best = std::max(best, values[action]); });
  }
  return best;
}

double QLearning::step_size(std::uint32_t visits) const noexcept {
  if (config_.learning_rate == LearningRate::constant) {
    return config_.alpha;
  }
  return config_.alpha / std::pow(static_cast<double>(visits), config_.omega);
}

Errc QLearning::update(const Experience<State, Action>& experience) noexcept {
  if (!actions_.contains(experience.action)) {
    return Errc::unknown_arm;
  }
  if (experience.state >= config_.states ||
      (!experience.terminal && experience.next_state >= config_.states)) {
    return Errc::invalid_argument;
  }
  double target = experience.reward;
  if (!experience.terminal) {
    target += config_.gamma * best_value(experience.next_state);
  }
  const std::size_t entry = at(experience.state, experience.action);
  const std::uint32_t visits = visits_[entry] == kMostVisits ? kMostVisits : visits_[entry] + 1;
  const double value = values_[entry] + step_size(visits) * (target - values_[entry]);
  if (!std::isfinite(value)) {  // the reward was not finite, or so large that the sum is not
    return Errc::non_finite;
  }
  values_[entry] = value;
  visits_[entry] = visits;
  epsilon_ = std::max(config_.epsilon_min, epsilon_ * config_.epsilon_decay);
  ++updates_;
  return Errc::ok;
}

Result<ArmIndex> QLearning::add_arm() {
  const std::size_t before = actions_.count();
  if (before + 1 > kMaxEntries / config_.states) {
    return fail(Errc::full, "q_learning: " + std::to_string(config_.states) +
                                " states with one action more than " + std::to_string(before) +
                                " are too many table entries");
  }
  std::vector<double> values(config_.states * (before + 1), config_.initial_value);
  std::vector<std::uint32_t> visits(config_.states * (before + 1));
  Result<ArmIndex> added = actions_.add();
  if (!added) {
    return added;
  }
  for (std::size_t state = 0; state < config_.states; ++state) {
    for (std::size_t action = 0; action < before; ++action) {
      values[state * (before + 1) + action] = values_[state * before + action];
      visits[state * (before + 1) + action] = visits_[state * before + action];
    }
  }
  values_ = std::move(values);
  visits_ = std::move(visits);
  return added;
}

Errc QLearning::reset_arm(ArmIndex action) noexcept {
  if (!actions_.contains(action)) {
    return Errc::unknown_arm;
  }
  for (State state = 0; state < config_.states; ++state) {
    values_[at(state, action)] = config_.initial_value;
    visits_[at(state, action)] = 0;
  }
  return Errc::ok;
}

Result<void> QLearning::warm_start(ArmIndex action, const ArmPrior& prior) {
  if (!actions_.contains(action)) {
    return fail(Errc::unknown_arm, "q_learning has no action " + std::to_string(to_index(action)));
  }
  if (!std::isfinite(prior.mean) || !std::isfinite(prior.weight)) {
    return fail(Errc::non_finite, "the prior's mean and weight must be finite");
  }
  if (prior.weight < 0.0 || prior.weight > 1e9) {
    return fail(Errc::invalid_argument,
                "prior weight = " + number_text(prior.weight) + " is outside [0, 1e9]");
  }
  const auto weight = static_cast<std::uint64_t>(std::llround(prior.weight));
  if (weight == 0) {
    return {};
  }
  for (State state = 0; state < config_.states; ++state) {
    const std::size_t entry = at(state, action);
    const std::uint64_t total = visits_[entry] + weight;
    const double share = static_cast<double>(weight) / static_cast<double>(total);
    values_[entry] = values_[entry] * (1.0 - share) + prior.mean * share;
    visits_[entry] = static_cast<std::uint32_t>(std::min<std::uint64_t>(total, kMostVisits));
  }
  return {};
}

void QLearning::save(Writer& writer) const {
  writer.u32(config_.states);
  actions_.save(writer);
  writer.f64(epsilon_);
  writer.u64(updates_);
  writer.numbers(values_);
  writer.numbers(visits_);
}

Result<void> QLearning::load(Reader& reader) {
  const std::uint32_t states = reader.u32();
  if (reader.ok() && states != config_.states) {
    return fail(Errc::dimension_mismatch, "q_learning is configured for " + std::to_string(config_.states) +
                                              " states, the stored state has " + std::to_string(states));
  }
  ArmSet actions(0);
  actions.load(reader);
  const double epsilon = reader.finite();
  const std::uint64_t updates = reader.u64();
  const std::size_t entries = actions.count() * config_.states;
  std::vector<double> values = reader.numbers<double>(kMaxEntries);
  std::vector<std::uint32_t> visits = reader.numbers<std::uint32_t>(kMaxEntries);
  if (!reader.ok() || !reader.at_end() || values.size() != entries || visits.size() != entries) {
    return fail(Errc::corrupt_state, "q_learning: the state is cut or its table has the wrong size");
  }
  if (!all_finite(values) || epsilon < config_.epsilon_min || epsilon > config_.epsilon) {
    return fail(Errc::corrupt_state, "q_learning: a value is not finite or epsilon is outside its options");
  }
  actions_ = std::move(actions);
  epsilon_ = epsilon;
  updates_ = updates;
  values_ = std::move(values);
  visits_ = std::move(visits);
  return {};
}

Description QLearning::describe() const {
  const std::size_t count = actions_.count();
  std::size_t states_seen = 0;
  std::vector<double> visits(count);
  std::vector<double> value_sum(count);
  std::vector<double> tried_in(count);
  std::vector<double> best_in(count);
  for (State state = 0; state < config_.states; ++state) {
    const double best = best_value(state);
    bool seen = false;
    for (std::size_t action = 0; action < count; ++action) {
      const std::uint32_t times = visits_[at(state, to_arm(action))];
      if (times > 0) {
        seen = true;
        visits[action] += times;
        value_sum[action] += value(state, to_arm(action));
        tried_in[action] += 1.0;
        best_in[action] += value(state, to_arm(action)) == best ? 1.0 : 0.0;
      }
    }
    states_seen += seen ? 1 : 0;
  }
  Description out;
  out.summary = "Q-learning over " + std::to_string(config_.states) + " states and " + std::to_string(count) +
                " actions, " + std::to_string(updates_) + " updates";
  out.values = {{"states", config_.states},
                {"actions", static_cast<double>(count)},
                {"states_seen", static_cast<double>(states_seen)},
                {"updates", static_cast<double>(updates_)},
                {"epsilon", epsilon_}};
  out.columns = {"enabled", "visits", "states_tried", "states_best", "mean_value"};
  for (std::size_t action = 0; action < count; ++action) {
    const double mean = tried_in[action] > 0.0 ? value_sum[action] / tried_in[action] : config_.initial_value;
    out.rows.push_back({actions_.enabled(to_arm(action)) ? 1.0 : 0.0, visits[action], tried_in[action],
                        best_in[action], mean});
  }
  return out;
}

bool QLearning::operator==(const QLearning& other) const {
  return config_.states == other.config_.states && actions_ == other.actions_ && epsilon_ == other.epsilon_ &&
         updates_ == other.updates_ && values_ == other.values_ && visits_ == other.visits_;
}

}  // namespace attune
