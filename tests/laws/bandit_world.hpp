// SPDX-License-Identifier: Apache-2.0
/// @file
/// What the laws of Bandit play against: a shape for each shipped type, contexts, and a life in which arms
/// come and go.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>
#include <vector>

#include <attune/core/concepts.hpp>
#include <attune/policies/builtin.hpp>

namespace attune::laws {

/// The Config and Shape a type is tested with. The default suits bandits without context; specialise for
/// others.
template <class B>
struct BanditCase {
  static typename B::Config config() { return {}; }
  static Shape shape(std::size_t arms) { return {.arms = arms}; }
};
template <>
struct BanditCase<LinUcb> {
  static LinUcb::Config config() { return {}; }
  static Shape shape(std::size_t arms) { return {.arms = arms, .features = 3}; }
};
template <>
struct BanditCase<LinTs> {
  static LinTs::Config config() { return {}; }
  static Shape shape(std::size_t arms) { return {.arms = arms, .features = 3}; }
};
template <>
struct BanditCase<AutoBandit> {
  static AutoBandit::Config config() { return {.centres = 4, .replay = 8}; }
  static Shape shape(std::size_t arms) { return {.arms = arms, .features = 2}; }
};
template <>
struct BanditCase<LinUcbHybrid> {
  static LinUcbHybrid::Config config() { return {}; }
  static Shape shape(std::size_t arms) { return {.arms = arms, .features = 2, .action_features = 2}; }
};
// Each over another oracle, so that all kinds are gone through.
template <class Rule>
struct BanditCase<OraclePolicy<Rule>> {
  using Config = typename OraclePolicy<Rule>::Config;
  static Config config() {
    Config config;
    config.oracle = std::is_same_v<Rule, SquareCbRule> || std::is_same_v<Rule, LogisticUcbRule> ||
                            std::is_same_v<Rule, CoverRule> || std::is_same_v<Rule, BaggingRule>
                        ? OracleKind::gradient
                    : std::is_same_v<Rule, FastCbRule> ? OracleKind::nag
                    : std::is_same_v<Rule, RegCbRule>  ? OracleKind::bayes_linear
                                                       : OracleKind::automatic;
    if constexpr (requires { config.members; }) {
      config.members = 2;  // laws go through every bit of a state
    }
    return config;
  }
  static Shape shape(std::size_t arms) { return {.arms = arms, .features = 3}; }
};
// A small network, and more examples than are kept: laws go through every bit of a state.
template <>
struct BanditCase<NeuralLinearTs> {
  static constexpr std::size_t kManyArms = 10'000;  // four matrices an arm
  static NeuralLinearTs::Config config() { return {.neural = {.units = 4, .capacity = 8, .batch = 2}}; }
  static Shape shape(std::size_t arms) { return {.arms = arms, .features = 3}; }
};
// Short windows: laws go through every bit of a state.
template <>
struct BanditCase<UcbWindow> {
  static UcbWindow::Config config() { return {.window = 64}; }
  static Shape shape(std::size_t arms) { return {.arms = arms}; }
};
template <>
struct BanditCase<ThompsonWindow> {
  static ThompsonWindow::Config config() { return {.window = 64}; }
  static Shape shape(std::size_t arms) { return {.arms = arms}; }
};
template <>
struct BanditCase<GlrKlUcb> {
  static GlrKlUcb::Config config() { return {.points = 8}; }
  static Shape shape(std::size_t arms) { return {.arms = arms}; }
};
// With a half of all pulls for the second-best arm it would not be found to take the best one mostly.
template <>
struct BanditCase<TopTwoThompson> {
  static TopTwoThompson::Config config() { return {.beta = 0.9}; }
  static Shape shape(std::size_t arms) { return {.arms = arms}; }
};

/// How many arms are very many: fewer where an arm is large.
template <Bandit B>
[[nodiscard]] constexpr std::size_t many_arms() {
  if constexpr (requires { BanditCase<B>::kManyArms; }) {
    return BanditCase<B>::kManyArms;
  } else {
    return 100'000;
  }
}

template <Bandit B>
[[nodiscard]] B make_bandit(std::size_t arms) {
  return B::make(BanditCase<B>::config(), BanditCase<B>::shape(arms)).value();
}

/// Makes contexts that fit a shape; they stay valid until the next one is made.
class ContextSource {
 public:
  explicit ContextSource(const Shape& shape) : shape_(shape), features_(shape.features, 0.0) {}

  [[nodiscard]] Context draw(std::size_t arms, Rng& rng) {
    for (double& feature : features_) {
      feature = 2.0 * rng.uniform() - 1.0;
    }
    actions_.resize(arms * shape_.action_features);
    for (double& feature : actions_) {
      feature = 2.0 * rng.uniform() - 1.0;
    }
    return context();
  }
  /// The same numbers for every arm.
  [[nodiscard]] Context flat(std::size_t arms) {
    features_.assign(features_.size(), 0.5);
    actions_.assign(arms * shape_.action_features, 0.5);
    return context();
  }
  [[nodiscard]] Feedback feedback(ArmIndex arm, double reward) const {
    Feedback feedback{.arm = arm, .reward = reward, .input = {.dense = features_}};
    if ((to_index(arm) + 1) * shape_.action_features <= actions_.size()) {
      feedback.action =
          std::span(actions_).subspan(to_index(arm) * shape_.action_features, shape_.action_features);
    }
    return feedback;
  }

 private:
  [[nodiscard]] Context context() const {
    return {.input = {.dense = features_},
            .actions = {.rows = actions_, .dimension = shape_.action_features}};
  }

  Shape shape_;
  std::vector<double> features_;
  std::vector<double> actions_;
};

/// One bandit's life: rewards at once, late, weighted and lost; arms added, disabled, enabled and reset. All
/// of it follows from the seed and the bandit's own choices.
template <Bandit B>
class Life {
 public:
  explicit Life(B first, std::uint64_t seed)
      : bandit(std::move(first)), source_(BanditCase<B>::shape(bandit.arm_count())), rng_(seed) {}

  /// Choices are appended to `history`.
  void run(int steps) {
    for (int i = 0; i < steps; ++i) {
      step();
    }
  }

  B bandit;
  std::vector<Choice> history;

 private:
  struct Late {
    ArmIndex arm{};
    double reward = 0.0;
    std::vector<double> features;
    std::vector<double> action;
  };

  void step() {
    const Context context = source_.draw(bandit.arm_count(), rng_);
    Rng decision(rng_(), 1, history.size());
    const Choice choice = bandit.select(context, decision);
    history.push_back(choice);
    if (choice.status == Errc::ok) {
      follow(choice);
    }
    change_arms();
  }

  void follow(const Choice& choice) {
    Feedback feedback = source_.feedback(choice.arm, rng_.uniform());
    if constexpr (CountsPending<B>) {
      (void)bandit.note_pull(choice.arm);
      feedback.announced = true;
    }
    switch (rng_.below(4)) {
      case 0:
        feedback.weight = rng_.uniform();
        (void)bandit.update(feedback);
        break;
      case 1:
        late_.push_back({.arm = feedback.arm,
                         .reward = feedback.reward,
                         .features = {feedback.input.dense.begin(), feedback.input.dense.end()},
                         .action = {feedback.action.begin(), feedback.action.end()}});
        break;
      case 2:
        if constexpr (CountsPending<B>) {
          if (rng_.below(4) == 0) {
            (void)bandit.note_lost(choice.arm);
            break;
          }
        }
        [[fallthrough]];
      default:
        (void)bandit.update(feedback);
    }
    if (late_.size() > 5) {
      const Late late = late_.front();
      late_.erase(late_.begin());
      (void)bandit.update({.arm = late.arm,
                           .reward = late.reward,
                           .input = {.dense = late.features},
                           .action = late.action,
                           .announced = CountsPending<B>});
    }
  }

  void change_arms() {
    const ArmIndex arm = to_arm(static_cast<std::size_t>(rng_.below(bandit.arm_count() + 1)));
    switch (rng_.below(40)) {
      case 0:
        (void)bandit.set_enabled(arm, false);
        break;
      case 1:
      case 2:
        (void)bandit.set_enabled(arm, true);
        break;
      case 3:
        (void)bandit.reset_arm(arm);
        break;
      case 4:
        (void)bandit.warm_start(arm, {.mean = rng_.uniform(), .weight = 3.0 * rng_.uniform()});
        break;
      case 5:
        if (bandit.arm_count() < 12) {
          (void)bandit.add_arm();
        }
        break;
      default:
        break;
    }
  }

  ContextSource source_;
  Rng rng_;
  std::vector<Late> late_;
};

/// A bandit in the middle of its life, with a few arms.
template <Bandit B>
[[nodiscard]] B lived(std::uint64_t seed, std::size_t arms = 3, int steps = 30) {
  Life<B> life(make_bandit<B>(arms), seed);
  life.run(steps);
  return std::move(life.bandit);
}

}  // namespace attune::laws
