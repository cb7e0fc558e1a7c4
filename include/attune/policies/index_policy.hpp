// SPDX-License-Identifier: Apache-2.0
/// @file
/// IndexPolicy: takes the arm with the largest index; what the index is, a rule says.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include <attune/core/concepts.hpp>
#include <attune/core/score_law.hpp>
#include <attune/policies/arm_means.hpp>

namespace attune {
namespace detail {

/// What a rule knows the arms by: its own Means, else ArmMeans.
template <class Rule>
struct MeansOf {
  using type = ArmMeans;
  template <class Config>
  static type make(const Config& config, const Shape& shape) {
    if constexpr (requires { Rule::domain(config); }) {
      return ArmMeans(shape, Rule::domain(config), Rule::first_mean(config));
    } else {
      return ArmMeans(shape, Rule::kDomain, Rule::first_mean(config));
    }
  }
};
template <class Rule>
  requires requires { typename Rule::Means; }
struct MeansOf<Rule> {
  using type = typename Rule::Means;
  template <class Config>
  static type make(const Config& config, const Shape& shape) {
    return Rule::means(config, shape);
  }
};

/// The arm is drawn with chances that are known: `kShares` of the rule.
template <class Rule>
inline constexpr bool kHasShares = requires { requires Rule::kShares; };
/// An index is drawn from a law for each arm, and the largest is taken: not where `kOwnChoice` of the rule
/// says otherwise.
template <class Rule>
inline constexpr bool kHasLaw =
    Rule::kRandom && !kHasShares<Rule> && !requires { requires Rule::kOwnChoice; };
/// Chances are known in closed form.
template <class Rule>
inline constexpr bool kHasChances = !Rule::kRandom || kHasShares<Rule>;

}  // namespace detail

/// Chooses the arm with the largest index(a), a function of the arm's rewards, of its n(a) and of what is
/// known of the others. n(a) is the weight of the arm's rewards plus its pending pulls, t the sum of n over
/// all arms, K the number of arms that may be chosen. index(a) = +infinity while n(a) is 0 or below
/// `min_trials`, where the rule has that option. Ties are broken uniformly, so untried arms come in random
/// order.
///
/// A Rule has a Config, the constants kName, kTitle, kDomain, kRandom and kCached,
/// and `first_mean(config)`, or, to forget, a type Means (see fading_means.hpp) and `means(config, shape)`;
/// `domain(config)` stands for kDomain where the options decide. A random rule may draw by shares that it
/// states (kShares) or make the whole choice itself (kOwnChoice); one with a prior that needs no first reward
/// (kProperPrior) judges untried arms by that.
/// The rules are kl_ucb.hpp and its neighbours; their formulas are in the sources, compiled once each.
///
/// `greedy` of a choice: the arm was rewarded before and none that could be chosen has a larger mean.
/// `propensity`: 1, or 1/k in a tie of k, or the arm's share. Where the index is drawn: NaN, computed later,
/// and 1 where a single arm could be chosen. Pending pulls are not counted where anything is drawn (kRandom):
/// choices stay random without it.
/// Cost: select O(arms) time, update and note_pull O(1); none allocates. Memory: 29 bytes an arm and 8 for
/// each number that the rule keeps (kCached).
template <class Rule>
class IndexPolicy {
 public:
  using Config = typename Rule::Config;

  static constexpr std::string_view kName = Rule::kName;
  static constexpr std::uint32_t kStateVersion = 1;

  /// Errors: invalid_config, naming the field.
  [[nodiscard]] static Result<IndexPolicy> make(const Config& config, const Shape& shape);

  [[nodiscard]] Choice select(const Context& context, Rng& rng) const noexcept;
  [[nodiscard]] Errc probabilities(const Context& context, std::span<double> out) const noexcept
    requires(detail::kHasChances<Rule>);

  /// An announced update without a pending pull (its arm was reset) is learned all the same.
  /// Errors: unknown_arm, non_finite (the reward, or a number that would overflow), invalid_argument (weight
  /// < 0, reward outside the rule's domain).
  [[nodiscard]] Errc update(const Feedback& feedback) noexcept;
  /// Errors: unknown_arm; full at 2^32 - 1 pending pulls of one arm.
  Errc note_pull(ArmIndex arm) noexcept
    requires(!Rule::kRandom);
  /// Errors: unknown_arm; invalid_argument when nothing is pending.
  Errc note_lost(ArmIndex arm) noexcept
    requires(!Rule::kRandom);

  [[nodiscard]] std::size_t arm_count() const noexcept { return means_.count(); }
  [[nodiscard]] bool enabled(ArmIndex arm) const noexcept { return means_.arms().enabled(arm); }
  /// Errors: full.
  [[nodiscard]] Result<ArmIndex> add_arm();
  Errc set_enabled(ArmIndex arm, bool on) noexcept { return means_.set_enabled(arm, on); }
  /// Forgets rewards and pending pulls. Cost: O(arms). Errors: unknown_arm.
  Errc reset_arm(ArmIndex arm) noexcept;
  /// Counts as rewards of the given mean without spread. Errors: unknown_arm, non_finite, invalid_argument.
  [[nodiscard]] Result<void> warm_start(ArmIndex arm, const ArmPrior& prior);
  /// See Forgets. Errors: unknown_arm, invalid_argument.
  Errc forget(ArmIndex arm, double keep) noexcept;
  /// See Expects: the mean of the arm's rewards; NaN before the first.
  [[nodiscard]] double expectation(ArmIndex arm, const Input& input, Features action) const noexcept;

  /// See DrawsScores.
  [[nodiscard]] ScoreLaw score_law(ArmIndex arm, const Input& input, Features action) const noexcept
    requires(detail::kHasLaw<Rule>);

  /// The arm's index as select computes it where all enabled arms may be chosen. The arm must exist.
  [[nodiscard]] double index(ArmIndex arm) const noexcept
    requires(!Rule::kRandom);
  [[nodiscard]] std::uint64_t updates() const noexcept { return means_.updates(); }

  void save(Writer& writer) const { means_.save(writer); }
  /// Errors: corrupt_state; unchanged on error.
  [[nodiscard]] Result<void> load(Reader& reader);
  [[nodiscard]] Description describe() const;
  [[nodiscard]] bool operator==(const IndexPolicy& other) const { return means_ == other.means_; }

 private:
  IndexPolicy(const Config& config, const Shape& shape);
  /// Of the arms that may be chosen, as often as they are listed; of rules with shares.
  struct Shares {
    double sum = 0.0;
    std::size_t arms = 0;
    bool untried = false;  ///< there are untried ones: they alone have a share, the same each
  };

  [[nodiscard]] bool untried(std::size_t arm) const noexcept;
  template <class Scan>
  [[nodiscard]] Shares shares(const Context& context, const Scan& scan) const noexcept;
  template <class Scan>
  [[nodiscard]] double share(const Shares& all, const Scan& scan, std::size_t arm) const noexcept;
  void refresh_arm(std::size_t arm) noexcept;
  void refresh_all();

  Config config_;
  typename detail::MeansOf<Rule>::type means_;
  std::vector<double> cached_;  // derived: Rule::kCached numbers an arm
};

}  // namespace attune
