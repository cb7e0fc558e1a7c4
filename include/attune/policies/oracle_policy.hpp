// SPDX-License-Identifier: Apache-2.0
/// @file
/// OraclePolicy: turns the predictions of a regression into a distribution over arms; how, a rule says.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>

#include <attune/core/concepts.hpp>
#include <attune/core/score_law.hpp>
#include <attune/policies/oracle_arms.hpp>

namespace attune {

/// What a rule may go by, beside its options.
struct OracleNumbers {
  double round = 1.0;      ///< rewards so far, and one
  double arms = 1.0;       ///< entries in the list of those that may be chosen
  double range = 1.0;      ///< OracleArms::range()
  double deviation = 1.0;  ///< OracleArms::deviation()
};

/// The chance of an arm whose score lies `gap` below the largest: numerator / (base + slope gap). What is
/// left is shared by the arms with the largest score, uniformly.
struct GapLaw {
  double numerator = 0.0;
  double base = 1.0;
  double slope = 0.0;

  [[nodiscard]] double share(double gap) const noexcept { return numerator / (base + (slope * gap)); }
};

/// How an OraclePolicy chooses.
enum class OracleChoice : std::uint8_t {
  gaps,   ///< by a GapLaw of the scores of the first member
  votes,  ///< each member has a vote for its largest score, mixed with uniform choice
  draws,  ///< the largest of one normal variate an arm, around the scores of the first member
};

/// Contextual bandit over a regression of rewards (OracleArms). With prediction m(a) and its deviation d(a),
/// the score of an arm is link(m(a) + width d(a)); a Rule says the width, and how scores become chances. The
/// rules are squarecb.hpp and its neighbours.
///
/// A Rule has a Config, the constants kName, kTitle, kChoice (see OracleChoice), `setup(config)`, which gives
/// an OracleSetup without the name, and `width(config, numbers)`; by gaps also kLinked (whether scores are
/// brought through the link) and `law(config, numbers, largest score)`; by votes `mixed(config, numbers)`,
/// the share of uniform choice, and how members learn (oracle_policy_body.hpp).
///
/// Rewards: any finite number up to 1e50 in magnitude; in [0, 1] with logistic loss. `propensity` and
/// `probabilities` are exact; by draws the propensity is NaN, computed later. Ties are broken uniformly; an
/// arm that is offered twice counts twice. `score` of a choice: the arm's score of the first member, as a
/// reward but for draws. `greedy`: no arm that could be chosen has a larger one; by draws, a larger m. Warm
/// start: OracleArms::warm_start. An arm that is added predicts 0 (logistic: 1/2) and is unsure.
///
/// Cost: select one scoring of all arms by each member (beyond 1024 arms a few) and O(arms); update one step
/// of the regression a member and one scoring; now and then a change of scale (OracleArms). None allocates.
/// Select takes up to 70 KiB of stack.
template <class Rule>
class OraclePolicy {
 public:
  using Config = typename Rule::Config;

  static constexpr std::string_view kName = Rule::kName;
  static constexpr std::uint32_t kStateVersion = 1;
  static constexpr bool kDraws = Rule::kChoice == OracleChoice::draws;

  /// Errors: invalid_config, naming the field; unsupported for sparse contexts of a dense oracle.
  [[nodiscard]] static Result<OraclePolicy> make(const Config& config, const Shape& shape);

  [[nodiscard]] Choice select(const Context& context, Rng& rng) const noexcept;
  [[nodiscard]] Errc probabilities(const Context& context, std::span<double> out) const noexcept
    requires(!kDraws);
  /// Of the score that is drawn, before the link.
  [[nodiscard]] ScoreLaw score_law(ArmIndex arm, const Input& input, Features action) const noexcept
    requires kDraws;

  /// Errors: OracleArms::check.
  [[nodiscard]] Errc update(const Feedback& feedback) noexcept;

  [[nodiscard]] std::size_t arm_count() const noexcept { return arms_.arms().count(); }
  [[nodiscard]] bool enabled(ArmIndex arm) const noexcept { return arms_.arms().enabled(arm); }
  /// Errors: full.
  [[nodiscard]] Result<ArmIndex> add_arm() { return arms_.add(); }
  Errc set_enabled(ArmIndex arm, bool on) noexcept { return arms_.arms().set_enabled(arm, on); }
  Errc reset_arm(ArmIndex arm) noexcept { return arms_.reset(arm); }
  /// See Forgets. Errors: unknown_arm, invalid_argument; unsupported for learners and 0 < keep < 1.
  Errc forget(ArmIndex arm, double keep) noexcept { return arms_.forget(arm, keep); }
  /// Errors: unknown_arm, non_finite, invalid_argument.
  [[nodiscard]] Result<void> warm_start(ArmIndex arm, const ArmPrior& prior) {
    return arms_.warm_start(arm, prior);
  }
  /// See Expects: the average of the members' predictions.
  [[nodiscard]] double expectation(ArmIndex arm, const Input& input, Features /*action*/) const noexcept {
    return arms_.expectation(arm, input);
  }

  [[nodiscard]] const OracleArms& oracle() const noexcept { return arms_; }
  [[nodiscard]] std::uint64_t updates() const noexcept { return arms_.updates(); }

  void save(Writer& writer) const { arms_.save(writer); }
  /// Errors: corrupt_state; unchanged on error.
  [[nodiscard]] Result<void> load(Reader& reader) { return arms_.load(reader); }
  [[nodiscard]] Description describe() const;
  [[nodiscard]] bool operator==(const OraclePolicy& other) const { return arms_ == other.arms_; }

 private:
  OraclePolicy(const Config& config, OracleArms arms) : config_(config), arms_(std::move(arms)) {}
  [[nodiscard]] OracleNumbers numbers(std::size_t eligible) const noexcept;

  Config config_;
  OracleArms arms_;
};

}  // namespace attune
