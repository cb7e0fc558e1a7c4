// SPDX-License-Identifier: Apache-2.0
/// @file
/// The bodies of OraclePolicy, for the sources that instantiate it.
///
/// A rule of votes also has `static double learn(const Config&, const OracleArms&, RewardOracle& member,
/// std::size_t number, const OracleInput&, const Feedback&)`, which returns the member's score of the arm
/// before; the one member of the others learns the reward.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <limits>
#include <string>
#include <type_traits>
#include <utility>

#include <attune/core/sampling.hpp>
#include <attune/policies/oracle_policy.hpp>

#include "policies/bandit/arm_scores.hpp"
#include "policies/bandit/choosing.hpp"
#include "policies/bandit/linear_scores.hpp"

namespace attune {
namespace detail {

/// Chances by a GapLaw. `law(largest score)` gives it.
struct GapChances {
  GapLaw law;
  double top = 1.0;  // of all places with the largest score

  GapChances(const ArmScores& scores, const GapLaw& of) noexcept
      : law(of), top(std::max(0.0, 1.0 - scores.below(of))) {}
  [[nodiscard]] double of(const ArmScores& scores, double score) const noexcept {
    return score < scores.best().score ? law.share(scores.best().score - score)
                                       : top / static_cast<double>(scores.best().ties);
  }
  [[nodiscard]] std::size_t draw(const ArmScores& scores, Rng& rng) const noexcept {
    const double left = rng.uniform() - top;
    if (left >= 0.0) {
      return scores.drawn_below(law, left);
    }
    const std::size_t ties = scores.best().ties;
    return scores.tied(ties > 1 ? static_cast<std::size_t>(rng.below(ties)) : 0);
  }
};

/// Chances by the votes of the first `voters` members, `mixed` of them shared by all.
class VoteChances {
 public:
  static constexpr std::size_t kMostVoters = 64;

  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-member-init): written as far as it is read
  VoteChances(const OracleArms& arms, ArmScores& scores, const ScoreForm& form, double mixed,
              std::size_t voters) noexcept
      : arms_(&arms), form_(form), mixed_(mixed), voters_(voters) {
    for (std::size_t member = voters_; member-- > 0;) {
      scores.score(member, form);  // ends with the first
      best_[member] = scores.best();
    }
  }
  /// Of an arm, once in the list of `count`.
  [[nodiscard]] double of(std::size_t arm, const OracleInput& input, std::size_t count) const noexcept {
    double votes = 0.0;
    for (std::size_t member = 0; member < voters_; ++member) {
      const double score = ArmScores::one(*arms_, input, member, form_, arm);
      votes += score >= best_[member].score ? 1.0 / static_cast<double>(best_[member].ties) : 0.0;
    }
    return ((1.0 - mixed_) * (votes / static_cast<double>(voters_))) + (mixed_ / static_cast<double>(count));
  }
  /// A place; the scores of another member may stand in `scores` afterwards.
  [[nodiscard]] std::size_t draw(ArmScores& scores, Rng& rng) const noexcept {
    if (rng.uniform() < mixed_) {
      return static_cast<std::size_t>(rng.below(scores.count()));
    }
    const auto member = static_cast<std::size_t>(rng.below(voters_));
    scores.score(member, form_);
    const std::size_t ties = scores.best().ties;
    return scores.tied(ties > 1 ? static_cast<std::size_t>(rng.below(ties)) : 0);
  }
  [[nodiscard]] const ArmScores::Best& best(std::size_t member) const noexcept { return best_[member]; }

 private:
  const OracleArms* arms_;
  ScoreForm form_;
  double mixed_;
  std::size_t voters_;
  std::array<ArmScores::Best, kMostVoters> best_;
};

}  // namespace detail

template <class Rule>
Result<OraclePolicy<Rule>> OraclePolicy<Rule>::make(const Config& config, const Shape& shape) {
  if (Result<void> verdict = detail::check_options(config, shape); !verdict) {
    return tl::unexpected(std::move(verdict).error());
  }
  return OracleArms::make(Rule::setup(config), shape).map([&](OracleArms arms) {
    return OraclePolicy(config, std::move(arms));
  });
}

template <class Rule>
OracleNumbers OraclePolicy<Rule>::numbers(std::size_t eligible) const noexcept {
  return {.round = static_cast<double>(updates()) + 1.0,
          .arms = static_cast<double>(eligible),
          .range = arms_.range(),
          .deviation = arms_.deviation()};
}

template <class Rule>
Choice OraclePolicy<Rule>::select(const Context& context, Rng& rng) const noexcept {
  if (const Errc verdict = arms_.check(context); verdict != Errc::ok) {
    return Choice::refused(verdict);
  }
  OracleArms::Buffer buffer;  // NOLINT(cppcoreguidelines-pro-type-member-init): written as far as it is read
  const OracleInput input = arms_.prepared(context.input, buffer);
  detail::ArmScores scores(arms_, context, input);
  if (scores.count() == 0) {
    return Choice::refused(Errc::no_arm);
  }
  const OracleNumbers known = numbers(scores.count());
  if constexpr (kDraws) {
    const double width = Rule::width(config_, known);
    detail::LinearArgMax best(rng());
    scores.each_prediction([&](std::size_t place, std::size_t arm, double mean, double spread) {
      best.offer(place, arm, mean + (width * spread * sample_normal(rng)), mean);
    });
    Choice choice = best.choice();
    choice.propensity = std::numeric_limits<double>::quiet_NaN();
    return choice;
  } else {
    const auto answer = [&](std::size_t arm, double score, double largest, double chance) -> Choice {
      return {.arm = to_arm(arm),
              .propensity = detail::times_offered(context, arm) * chance,
              .score = score,
              .greedy = score >= largest,
              .status = Errc::ok};
    };
    if constexpr (Rule::kChoice == OracleChoice::gaps) {
      scores.score(0, {.width = Rule::width(config_, known), .linked = Rule::kLinked});
      const detail::GapChances chances(scores, Rule::law(config_, known, scores.best().score));
      const std::size_t place = chances.draw(scores, rng);
      const double score = scores.at(place);
      return answer(scores.arm(place), score, scores.best().score, chances.of(scores, score));
    } else {
      const detail::ScoreForm form{.width = Rule::width(config_, known)};
      const detail::VoteChances chances(arms_, scores, form, Rule::mixed(config_, known),
                                        arms_.member_count());
      const std::size_t arm = scores.arm(chances.draw(scores, rng));
      return answer(arm, detail::ArmScores::one(arms_, input, 0, form, arm), chances.best(0).score,
                    chances.of(arm, input, scores.count()));
    }
  }
}

template <class Rule>
Errc OraclePolicy<Rule>::probabilities(const Context& context, std::span<double> out) const noexcept
  requires(!kDraws)
{
  if (out.size() != arm_count()) {
    return Errc::dimension_mismatch;
  }
  if (const Errc verdict = arms_.check(context); verdict != Errc::ok) {
    return verdict;
  }
  OracleArms::Buffer buffer;  // NOLINT(cppcoreguidelines-pro-type-member-init): written as far as it is read
  const OracleInput input = arms_.prepared(context.input, buffer);
  detail::ArmScores scores(arms_, context, input);
  if (scores.count() == 0) {
    return Errc::no_arm;
  }
  const OracleNumbers known = numbers(scores.count());
  std::ranges::fill(out, 0.0);
  if constexpr (Rule::kChoice == OracleChoice::gaps) {
    scores.score(0, {.width = Rule::width(config_, known), .linked = Rule::kLinked});
    const detail::GapChances chances(scores, Rule::law(config_, known, scores.best().score));
    scores.each([&](std::size_t /*place*/, std::size_t arm, double score) {
      out[arm] = detail::times_offered(context, arm) * chances.of(scores, score);
    });
  } else {
    const detail::ScoreForm form{.width = Rule::width(config_, known)};
    const detail::VoteChances chances(arms_, scores, form, Rule::mixed(config_, known), arms_.member_count());
    scores.each([&](std::size_t /*place*/, std::size_t arm, double /*score*/) {
      out[arm] = detail::times_offered(context, arm) * chances.of(arm, input, scores.count());
    });
  }
  return Errc::ok;
}

template <class Rule>
ScoreLaw OraclePolicy<Rule>::score_law(ArmIndex arm, const Input& input, Features /*action*/) const noexcept
  requires kDraws
{
  if (!arms_.arms().contains(arm) || arms_.check(Context{.input = input}) != Errc::ok) {
    return {};
  }
  OracleArms::Buffer buffer;  // NOLINT(cppcoreguidelines-pro-type-member-init): written as far as it is read
  const OracleInput form = arms_.prepared(input, buffer);
  const std::array<std::uint32_t, 1> which{static_cast<std::uint32_t>(to_index(arm))};
  double mean = 0.0;
  double spread = 0.0;
  arms_.member(0).scores(form, which, &mean, &spread);
  return ScoreLaw::normal(mean, Rule::width(config_, numbers(arm_count())) * spread);
}

template <class Rule>
Errc OraclePolicy<Rule>::update(const Feedback& feedback) noexcept {
  if (const Errc verdict = arms_.check(feedback); verdict != Errc::ok) {
    return verdict;
  }
  arms_.update(feedback, [&](RewardOracle& member, std::size_t number, const OracleInput& input) {
    if constexpr (Rule::kChoice == OracleChoice::votes) {
      return Rule::learn(config_, arms_, member, number, input, feedback);
    } else {
      return member.learn(to_index(feedback.arm), input, feedback.reward, feedback.weight);
    }
  });
  return Errc::ok;
}

template <class Rule>
Description OraclePolicy<Rule>::describe() const {
  Description text = arms_.describe(std::string(Rule::kTitle));
  Config::fields(config_, [&]<class T>(std::string_view name, const T& value, Bounds, std::string_view) {
    if constexpr (std::is_arithmetic_v<T>) {
      text.values.emplace_back(name, static_cast<double>(value));
    }
  });
  return text;
}

}  // namespace attune
