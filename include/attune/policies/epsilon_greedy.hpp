// SPDX-License-Identifier: Apache-2.0
/// @file
/// EpsilonGreedy: mostly the arm with the best mean, sometimes any arm.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include <attune/core/arm_set.hpp>
#include <attune/core/concepts.hpp>

namespace attune {

/// How the probability of a random arm changes with the number t of pulls.
enum class EpsilonSchedule : std::uint8_t {
  constant,      ///< epsilon
  inverse_time,  ///< epsilon * min(1, (decay_start / t)^exponent)
  exponential,   ///< epsilon * exp(-decay_rate * t)
};
template <>
inline constexpr std::array<std::string_view, 3> kEnumNames<EpsilonSchedule>{"constant", "inverse_time",
                                                                             "exponential"};

/// Options of EpsilonGreedy. The exponent is the one of the bound that needs no gap (see below); the floor is
/// an operating choice: 0 where a regret bound is to hold.
struct EpsilonGreedyConfig {
  double epsilon = 0.1;
  EpsilonSchedule schedule = EpsilonSchedule::inverse_time;
  double decay_start = 100.0;
  double exponent = 1.0 / 3.0;
  double decay_rate = 0.001;
  double epsilon_min = 0.05;
  std::uint32_t min_trials = 1;
  double initial_mean = 0.0;

  template <class Self, class Visitor>
  static constexpr void fields(Self& self, Visitor&& visit) {
    visit("epsilon", self.epsilon, Bounds{0, 1}, "probability of a uniformly random arm, at the start");
    visit("schedule", self.schedule, Bounds{},
          "constant; inverse_time: epsilon * min(1, (decay_start / t)^exponent); exponential: epsilon * "
          "exp(-decay_rate * t); t: pulls so far");
    visit("decay_start", self.decay_start, Bounds{1, 1e15}, "pulls after which inverse_time begins to decay");
    visit("exponent", self.exponent, Bounds{0.01, 2},
          "of inverse_time; 1/3 for unknown gaps, 1 for known ones");
    visit("decay_rate", self.decay_rate, Bounds{0, 1}, "of exponential, per pull");
    visit("epsilon_min", self.epsilon_min, Bounds{0, 1}, "a schedule decays no further; at most epsilon");
    visit("min_trials", self.min_trials, Bounds{0, 1'000'000},
          "an arm with fewer pulls is taken first; 0: none is forced");
    visit("initial_mean", self.initial_mean, Bounds{-1e12, 1e12}, "mean assumed for an arm without reward");
  }
  bool operator==(const EpsilonGreedyConfig&) const = default;
};

/// Takes, of the arms that may be chosen,
/// - one with fewer than min_trials pulls, uniformly, while there is one; else
/// - with probability epsilon(t) any, uniformly; else
/// - the one with the largest mean reward, ties broken uniformly.
///
/// Pulls of an arm: its rewards, whatever their weight, and its pending pulls; t: those of all arms since the
/// beginning. mean(a) is the weighted average of its rewards, `initial_mean` while it has none.
///
/// Source: Sutton, Barto (2018), "Reinforcement Learning", 2nd ed., section 2.2; inverse_time with exponent
/// 1, epsilon 1 and decay_start = cK / d^2 (K arms, d the gap) is the epsilon_n-greedy of Auer, Cesa-Bianchi,
/// Fischer (2002), Machine Learning 47, Theorem 3; exponent 1/3 that of Slivkins (2019), "Introduction to
/// Multi-Armed Bandits", Foundations and Trends in ML 12, section 1.2, less its logarithm. Difference: the
/// floor.
///
/// `propensity` and `probabilities` are exact: epsilon / arms, plus (1 - epsilon) / ties for a greedy arm.
/// `greedy` of a choice: no arm that could be chosen has a larger mean, and the choice was not forced.
/// Rewards: any finite number.
/// Cost: select O(arms) time, update and note_pull O(1); none allocates. Memory: 25 bytes an arm.
/// Limits: the context is checked but not used; explores bad arms as often as good ones; a floor above 0 has
/// linear regret.
class EpsilonGreedy {
 public:
  using Config = EpsilonGreedyConfig;

  static constexpr std::string_view kName = "epsilon_greedy";
  static constexpr std::uint32_t kStateVersion = 1;

  /// Errors: invalid_config, naming the field.
  [[nodiscard]] static Result<EpsilonGreedy> make(const Config& config, const Shape& shape);

  [[nodiscard]] Choice select(const Context& context, Rng& rng) const noexcept;
  [[nodiscard]] Errc probabilities(const Context& context, std::span<double> out) const noexcept;

  /// An announced update without a pending pull (its arm was reset) is learned all the same.
  /// Errors: unknown_arm, non_finite (the reward, or a number that would overflow), invalid_argument
  /// (weight < 0).
  [[nodiscard]] Errc update(const Feedback& feedback) noexcept;
  /// Errors: unknown_arm; full at 2^32 - 1 pending pulls of one arm.
  Errc note_pull(ArmIndex arm) noexcept;
  /// Errors: unknown_arm; invalid_argument when nothing is pending.
  Errc note_lost(ArmIndex arm) noexcept;

  [[nodiscard]] std::size_t arm_count() const noexcept { return arms_.count(); }
  [[nodiscard]] bool enabled(ArmIndex arm) const noexcept { return arms_.enabled(arm); }
  /// Errors: full.
  [[nodiscard]] Result<ArmIndex> add_arm();
  Errc set_enabled(ArmIndex arm, bool on) noexcept { return arms_.set_enabled(arm, on); }
  /// Forgets rewards, trials and pending pulls; epsilon goes on as it was, but for the pending pulls. Errors:
  /// unknown_arm.
  Errc reset_arm(ArmIndex arm) noexcept;
  /// Counts in the mean as rewards, and in the trials as `weight` of them, rounded down. Errors: unknown_arm,
  /// non_finite, invalid_argument.
  [[nodiscard]] Result<void> warm_start(ArmIndex arm, const ArmPrior& prior);
  /// See Forgets. Errors: unknown_arm, invalid_argument.
  Errc forget(ArmIndex arm, double keep) noexcept;
  /// See Expects: the mean of the arm's rewards; NaN before the first.
  [[nodiscard]] double expectation(ArmIndex arm, const Input& input, Features action) const noexcept;

  /// The present probability of a random arm.
  [[nodiscard]] double epsilon() const noexcept { return epsilon_; }
  /// The arm must exist.
  [[nodiscard]] double mean(ArmIndex arm) const noexcept { return mean_[to_index(arm)]; }
  [[nodiscard]] std::uint64_t updates() const noexcept { return updates_; }

  void save(Writer& writer) const;
  /// Errors: corrupt_state; unchanged on error.
  [[nodiscard]] Result<void> load(Reader& reader);
  [[nodiscard]] Description describe() const;
  [[nodiscard]] bool operator==(const EpsilonGreedy&) const = default;

 private:
  struct Odds;

  EpsilonGreedy(const Config& config, const Shape& shape);
  [[nodiscard]] bool forced(std::size_t arm) const noexcept;
  [[nodiscard]] Odds odds(const Context& context) const noexcept;
  void count_forced(std::size_t arm, bool before) noexcept;
  [[nodiscard]] double epsilon_at(double pulls) const noexcept;
  void refresh_epsilon() noexcept;
  void refresh_all();

  Config config_;
  std::size_t features_;
  bool sparse_;
  ArmSet arms_;
  std::vector<double> weight_;          // of the rewards seen
  std::vector<std::uint32_t> trials_;   // rewards seen; stays at its maximum
  std::vector<std::uint32_t> pending_;  // pulls whose reward is still to come
  std::uint64_t updates_ = 0;

  // Derived. mean_ is padded to whole blocks (detail::padded) with entries that are never the maximum.
  std::vector<double> mean_;  // initial_mean where weight_ is 0
  std::size_t forced_ = 0;    // arms with fewer than min_trials pulls
  std::uint64_t pending_total_ = 0;
  double epsilon_;
  double settled_at_;  // from so many pulls on, the schedule is at its floor
};

}  // namespace attune
