// SPDX-License-Identifier: Apache-2.0
/// @file
/// The bodies of IndexPolicy, for the sources that instantiate it.
///
/// Each of them specialises IndexScan<Rule>, what one choice needs to compute indices with:
/// - `static void refresh(config, means, arm, out)` writes the rule's kCached numbers of an arm;
/// - `IndexScan(config, means, cached, context)` prepares what all arms share;
/// - `double index(arm) const`, or, where the rule is random, `double draw(arm, rng) const` and its
/// `law(arm)`,
///   or `double share(arm) const`, or `Choice choose(context, rng, untried) const`;
/// - `void raise(best)`, `bool below(arm) const`: the best index so far, and whether the arm's is certainly
///   smaller; asked first, because it may be had for much less than the index.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <type_traits>
#include <utility>

#include <attune/policies/index_policy.hpp>

#include "policies/bandit/choosing.hpp"

namespace attune {
namespace detail {

template <class Rule>
struct IndexScan;

/// What most scans share: the members, and that nothing is known of an index before it is computed.
template <class Rule>
struct IndexScanBase {
  const typename Rule::Config& config;
  const typename MeansOf<Rule>::type& means;
  const double* cached;

  [[nodiscard]] const double* cache(std::size_t arm) const noexcept { return cached + Rule::kCached * arm; }
  void raise(double /*best*/) noexcept {}
  [[nodiscard]] bool below(std::size_t /*arm*/) const noexcept { return false; }
};

/// The best index, where `untried` arms have an infinite one. `scan` is left at that index.
template <class Means, class Scan, class Untried>
[[nodiscard]] Top find_index(const Means& means, const Context& context, Scan& scan, const Untried& untried,
                             double& largest_mean) noexcept {
  Top top;
  means.arms().for_each(context, [&](std::size_t arm) {
    ++top.eligible;
    largest_mean = std::max(largest_mean, means.mean(arm));
    double value = kInfinity;
    if (!untried(arm)) {
      if (top.ties > 0 && (top.value == kInfinity || scan.below(arm))) {
        return;
      }
      value = scan.index(arm);
    }
    if (value > top.value || top.ties == 0) {
      top.value = value;
      top.arm = arm;
      top.ties = 1;
      scan.raise(value);
    } else if (value == top.value) {
      ++top.ties;
    }
  });
  return top;
}

}  // namespace detail

template <class Rule>
IndexPolicy<Rule>::IndexPolicy(const Config& config, const Shape& shape)
    : config_(config), means_(detail::MeansOf<Rule>::make(config, shape)) {
  refresh_all();
}

template <class Rule>
Result<IndexPolicy<Rule>> IndexPolicy<Rule>::make(const Config& config, const Shape& shape) {
  if (Result<void> verdict = detail::check_options(config, shape); !verdict) {
    return tl::unexpected(std::move(verdict).error());
  }
  return IndexPolicy(config, shape);
}

template <class Rule>
bool IndexPolicy<Rule>::untried(std::size_t arm) const noexcept {
  double least = detail::kLeastWeight;  // what is less would make an index overflow
  if constexpr (requires { requires Rule::kProperPrior; }) {
    least = 0.0;
  }
  if constexpr (requires { config_.min_trials; }) {
    least = std::max(least, static_cast<double>(config_.min_trials));
  }
  return means_.counted(arm) < least;
}

template <class Rule>
Choice IndexPolicy<Rule>::select(const Context& context, Rng& rng) const noexcept {
  if (const Errc verdict = means_.check(context); verdict != Errc::ok) {
    return Choice::refused(verdict);
  }
  detail::IndexScan<Rule> scan(config_, means_, cached_.data(), context);
  const auto is_untried = [this](std::size_t arm) { return untried(arm); };
  if constexpr (detail::kHasShares<Rule>) {
    const Shares all = shares(context, scan);
    if (all.arms == 0) {
      return Choice::refused(Errc::no_arm);
    }
    double left = rng.uniform() * all.sum;
    double largest_mean = -detail::kInfinity;
    std::size_t chosen = 0;
    means_.arms().for_each(context, [&](std::size_t arm) {
      const double part = share(all, scan, arm);
      largest_mean = std::max(largest_mean, means_.mean(arm));
      if (left >= 0.0 && part > 0.0) {  // the last one with a share where rounding has left something
        chosen = arm;
        left -= part;
      }
    });
    return {.arm = to_arm(chosen),
            .propensity = detail::times_offered(context, chosen) * share(all, scan, chosen) / all.sum,
            .score = means_.mean(chosen),
            .greedy = means_.weight(chosen) > 0.0 && means_.mean(chosen) == largest_mean,
            .status = Errc::ok};
  } else if constexpr (requires { scan.choose(context, rng, is_untried); }) {
    return scan.choose(context, rng, is_untried);
  } else if constexpr (Rule::kRandom) {
    return detail::choose_by_draws(
        means_.arms(), context, rng,
        [&](std::size_t arm) { return untried(arm) ? detail::kInfinity : scan.draw(arm, rng); },
        [this](std::size_t arm) { return means_.mean(arm); });
  } else {
    double largest_mean = -detail::kInfinity;
    const detail::Top top = detail::find_index(means_, context, scan, is_untried, largest_mean);
    if (top.eligible == 0) {
      return Choice::refused(Errc::no_arm);
    }
    std::size_t arm = top.arm;
    if (top.ties > 1) {
      const auto n = static_cast<std::size_t>(rng.below(top.ties));
      arm = detail::pick(means_.arms(), context, n, [&](std::size_t other) {
        return untried(other) ? top.value == detail::kInfinity
                              : !scan.below(other) && scan.index(other) == top.value;
      });
    }
    return {.arm = to_arm(arm),
            .propensity = detail::times_offered(context, arm) / static_cast<double>(top.ties),
            .score = top.value,
            .greedy = means_.weight(arm) > 0.0 && means_.mean(arm) == largest_mean,
            .status = Errc::ok};
  }
}

template <class Rule>
template <class Scan>
auto IndexPolicy<Rule>::shares(const Context& context, const Scan& scan) const noexcept -> Shares {
  Shares all;
  means_.arms().for_each(context, [&](std::size_t arm) { all.untried = all.untried || untried(arm); });
  means_.arms().for_each(context, [&](std::size_t arm) {
    all.sum += share(all, scan, arm);
    ++all.arms;
  });
  return all;
}

template <class Rule>
template <class Scan>
double IndexPolicy<Rule>::share(const Shares& all, const Scan& scan, std::size_t arm) const noexcept {
  return all.untried ? (untried(arm) ? 1.0 : 0.0) : scan.share(arm);
}

template <class Rule>
Errc IndexPolicy<Rule>::probabilities(const Context& context, std::span<double> out) const noexcept
  requires(detail::kHasChances<Rule>)
{
  if (out.size() != arm_count()) {
    return Errc::dimension_mismatch;
  }
  if (const Errc verdict = means_.check(context); verdict != Errc::ok) {
    return verdict;
  }
  const detail::IndexScan<Rule> scan(config_, means_, cached_.data(), context);
  if constexpr (detail::kHasShares<Rule>) {
    const Shares all = shares(context, scan);
    if (all.arms == 0) {
      return Errc::no_arm;
    }
    std::ranges::fill(out, 0.0);
    means_.arms().for_each(context, [&](std::size_t arm) {
      out[arm] = detail::times_offered(context, arm) * share(all, scan, arm) / all.sum;
    });
    return Errc::ok;
  } else {
    return detail::share_among_best(
        means_.arms(), context,
        [&](std::size_t arm) { return untried(arm) ? detail::kInfinity : scan.index(arm); }, out);
  }
}

template <class Rule>
Errc IndexPolicy<Rule>::update(const Feedback& feedback) noexcept {
  const Errc verdict = means_.update(feedback);
  if (verdict == Errc::ok) {
    refresh_arm(to_index(feedback.arm));
  }
  return verdict;
}

template <class Rule>
Errc IndexPolicy<Rule>::note_pull(ArmIndex arm) noexcept
  requires(!Rule::kRandom)
{
  const Errc verdict = means_.note_pull(arm);
  if (verdict == Errc::ok) {
    refresh_arm(to_index(arm));
  }
  return verdict;
}

template <class Rule>
Errc IndexPolicy<Rule>::note_lost(ArmIndex arm) noexcept
  requires(!Rule::kRandom)
{
  const Errc verdict = means_.note_lost(arm);
  if (verdict == Errc::ok) {
    refresh_arm(to_index(arm));
  }
  return verdict;
}

template <class Rule>
void IndexPolicy<Rule>::refresh_arm(std::size_t arm) noexcept {
  if constexpr (Rule::kCached > 0) {
    detail::IndexScan<Rule>::refresh(config_, means_, arm, cached_.data() + Rule::kCached * arm);
  }
}

template <class Rule>
void IndexPolicy<Rule>::refresh_all() {
  cached_.resize(Rule::kCached * arm_count());
  for (std::size_t arm = 0; arm < arm_count(); ++arm) {
    refresh_arm(arm);
  }
}

template <class Rule>
Result<ArmIndex> IndexPolicy<Rule>::add_arm() {
  detail::make_room(cached_, Rule::kCached * (arm_count() + 1));
  Result<ArmIndex> added = means_.add_arm();
  if (added) {
    cached_.resize(Rule::kCached * arm_count());
    refresh_arm(to_index(*added));
  }
  return added;
}

template <class Rule>
Errc IndexPolicy<Rule>::reset_arm(ArmIndex arm) noexcept {
  const Errc verdict = means_.reset_arm(arm);
  if (verdict == Errc::ok) {
    refresh_arm(to_index(arm));
  }
  return verdict;
}

template <class Rule>
Result<void> IndexPolicy<Rule>::warm_start(ArmIndex arm, const ArmPrior& prior) {
  Result<void> verdict = means_.warm_start(arm, prior);
  if (verdict) {
    refresh_arm(to_index(arm));
  }
  return verdict;
}

template <class Rule>
Errc IndexPolicy<Rule>::forget(ArmIndex arm, double keep) noexcept {
  const Errc verdict = means_.forget(arm, keep);
  if (verdict == Errc::ok) {
    refresh_all();
  }
  return verdict;
}

template <class Rule>
double IndexPolicy<Rule>::expectation(ArmIndex arm, const Input& /*input*/,
                                      Features /*action*/) const noexcept {
  return means_.expectation(arm);
}

template <class Rule>
ScoreLaw IndexPolicy<Rule>::score_law(ArmIndex arm, const Input& input, Features /*action*/) const noexcept
  requires(detail::kHasLaw<Rule>)
{
  if (!means_.arms().contains(arm) || means_.check({.input = input}) != Errc::ok) {
    return {};
  }
  const detail::IndexScan<Rule> scan(config_, means_, cached_.data(), Context{});
  return untried(to_index(arm)) ? ScoreLaw::fixed(detail::kInfinity) : scan.law(to_index(arm));
}

template <class Rule>
double IndexPolicy<Rule>::index(ArmIndex arm) const noexcept
  requires(!Rule::kRandom)
{
  const detail::IndexScan<Rule> scan(config_, means_, cached_.data(), Context{});
  return untried(to_index(arm)) ? detail::kInfinity : scan.index(to_index(arm));
}

template <class Rule>
Result<void> IndexPolicy<Rule>::load(Reader& reader) {
  const char* problem = "";
  if (!means_.load(reader, problem)) {
    return detail::corrupt(kName, problem);
  }
  refresh_all();
  return {};
}

template <class Rule>
Description IndexPolicy<Rule>::describe() const {
  Description text;
  text.summary = std::string(Rule::kTitle) + " over " + std::to_string(arm_count()) + " arms after " +
                 std::to_string(updates()) + " rewards";
  Config::fields(config_, [&]<class T>(std::string_view name, const T& value, Bounds, std::string_view) {
    if constexpr (std::is_arithmetic_v<T>) {
      text.values.emplace_back(name, static_cast<double>(value));
    }
  });
  text.values.emplace_back("updates", static_cast<double>(updates()));
  text.values.emplace_back("pending", static_cast<double>(means_.pending_total()));
  text.columns = {"enabled", "mean", "variance", "weight", "pending"};
  if constexpr (!Rule::kRandom) {
    text.columns.emplace_back("index");
  }
  text.rows.reserve(arm_count());
  for (std::size_t arm = 0; arm < arm_count(); ++arm) {
    text.rows.push_back({enabled(to_arm(arm)) ? 1.0 : 0.0, means_.mean(arm), means_.variance(arm),
                         means_.weight(arm), static_cast<double>(means_.pending(arm))});
    if constexpr (!Rule::kRandom) {
      text.rows.back().push_back(index(to_arm(arm)));
    }
  }
  return text;
}

}  // namespace attune
