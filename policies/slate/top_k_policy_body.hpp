// SPDX-License-Identifier: Apache-2.0
/// @file
/// The bodies of TopKPolicy, for the sources that instantiate it.
///
/// Each of them specialises TopKRule<Rule>:
/// - `make(config, shape)`, the model; `check(model, context)`; `load(model, reader)`;
/// - `scores(config, model, slates, context, rng, visit)` calls `visit(arm, score)` for each arm that may be
/// chosen,
///   with the same bits each time unless the rule is random;
/// - `learnable(model, feedback)`: what `learn(model, feedback)` would answer, nothing being changed;
/// - `describe(model)`: the columns and rows.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <type_traits>
#include <utility>

#include <attune/core/assert.hpp>
#include <attune/policies/top_k_policy.hpp>

#include "policies/bandit/choosing.hpp"
#include "policies/slate/slate_list.hpp"

namespace attune {
namespace detail {

template <class Rule>
struct TopKRule;

/// How many arms that may be chosen have the score of the list's last position, each once.
template <class Scores>
[[nodiscard]] double tied_at_cut(const SlateList& list, const Context& context,
                                 const Scores& scores) noexcept {
  if (!list.cuts_a_tie()) {
    return list.in_list(list.size() - 1);
  }
  const double least = list.score(list.size() - 1);
  double tied = 0.0;
  scores([&](std::size_t arm, double score) {
    tied += score == least ? 1.0 / times_offered(context, arm) : 0.0;
  });
  return std::round(tied);
}

/// Feedback of position `i`; `first_click` has been turned into rewards.
[[nodiscard]] inline Feedback item_feedback(const SlateFeedback& feedback, std::size_t i) noexcept {
  const double clicked = i == feedback.click ? 1.0 : 0.0;
  return {.arm = feedback.shown[i],
          .reward = feedback.signal == SlateSignal::items ? feedback.rewards[i] : clicked,
          .input = feedback.input,
          .weight = feedback.weight};
}

/// How many positions say something.
[[nodiscard]] inline std::size_t examined(const SlateFeedback& feedback) noexcept {
  const bool clicked = feedback.signal == SlateSignal::first_click && feedback.click != kNoClick;
  return clicked ? feedback.click + 1 : feedback.shown.size();
}

}  // namespace detail

template <class Rule>
Result<TopKPolicy<Rule>> TopKPolicy<Rule>::make(const Config& config, const Shape& shape) {
  if (Result<void> verdict = detail::check_options(config, shape); !verdict) {
    return tl::unexpected(std::move(verdict).error());
  }
  Result<Model> model = detail::TopKRule<Rule>::make(config, shape);
  if (!model) {
    return tl::unexpected(std::move(model).error());
  }
  return TopKPolicy(config, *std::move(model));
}

template <class Rule>
SlateChoice TopKPolicy<Rule>::select_slate(const Context& context, Rng& rng,
                                           const SlateOut& out) const noexcept {
  if (const Errc verdict = detail::start_slate(out); verdict != Errc::ok) {
    return SlateChoice::refused(verdict);
  }
  if (const Errc verdict = detail::TopKRule<Rule>::check(model_, context); verdict != Errc::ok) {
    return SlateChoice::refused(verdict);
  }
  const auto scores = [&](const auto& visit) {
    detail::TopKRule<Rule>::scores(config_, model_, slates_, context, rng, visit);
  };
  detail::SlateList list(out.arms.size(), rng());
  scores([&](std::size_t arm, double score) { list.offer(arm, score); });
  if (list.size() == 0) {
    return SlateChoice::refused(Errc::no_arm);
  }
  SlateChoice choice{.size = list.size(), .propensity = 1.0, .status = Errc::ok};
  if constexpr (Rule::kRandom) {
    (void)list.write(out, 1.0);  // the propensities are written over
    bool single = true;
    model_.arms().for_each(context, [&](std::size_t arm) { single = single && to_arm(arm) == list.arm(0); });
    choice.propensity = single ? 1.0 : std::numeric_limits<double>::quiet_NaN();
    if (!out.propensities.empty()) {
      std::ranges::fill(out.propensities.first(list.size()), choice.propensity);
    }
  } else {
    choice.propensity = list.write(out, detail::tied_at_cut(list, context, scores));
  }
  return choice;
}

template <class Rule>
Errc TopKPolicy<Rule>::update(const SlateFeedback& feedback) noexcept {
  if (!takes(feedback.signal)) {
    return Errc::unsupported;
  }
  if (const Errc verdict = check_slate_feedback(feedback, arm_count()); verdict != Errc::ok) {
    return verdict;
  }
  const std::size_t count = detail::examined(feedback);
  // All of it or nothing: arms are different, so that what one learns does not change what another would
  // answer.
  for (std::size_t i = 0; i < count; ++i) {
    const Errc verdict =
        detail::TopKRule<Rule>::learnable(model_, detail::item_feedback(feedback, i), feedback.shown.size());
    if (verdict != Errc::ok) {
      return verdict;
    }
  }
  for (std::size_t i = 0; i < count; ++i) {
    const Errc verdict = detail::TopKRule<Rule>::learn(model_, detail::item_feedback(feedback, i));
    ATTUNE_ASSERT(verdict == Errc::ok, "a reward that was found learnable is learned");
  }
  ++slates_;
  return Errc::ok;
}

template <class Rule>
void TopKPolicy<Rule>::save(Writer& writer) const {
  writer.u64(slates_);
  model_.save(writer);
}

template <class Rule>
Result<void> TopKPolicy<Rule>::load(Reader& reader) {
  const std::uint64_t slates = reader.u64();
  if (Result<void> verdict = detail::TopKRule<Rule>::load(model_, reader); !verdict) {
    return verdict;
  }
  slates_ = slates;
  return {};
}

template <class Rule>
Description TopKPolicy<Rule>::describe() const {
  Description text = detail::TopKRule<Rule>::describe(model_);
  text.summary = std::string(Rule::kTitle) + " over " + std::to_string(arm_count()) + " arms after " +
                 std::to_string(slates_) + " slates";
  Config::fields(config_, [&]<class T>(std::string_view name, const T& value, Bounds, std::string_view) {
    text.values.emplace_back(name, static_cast<double>(value));
  });
  text.values.emplace_back("slates", static_cast<double>(slates_));
  return text;
}

}  // namespace attune
