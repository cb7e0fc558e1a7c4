// SPDX-License-Identifier: Apache-2.0
/// @file
/// The bodies of DuelPolicy, for the sources that instantiate it.
///
/// Each of them specialises DuelRule<Rule>:
/// - `choose(config, model, members, rng)`, the pair, of at least two arms;
/// - `learned(config, model)`, called after each update and reset.
#pragma once

#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <utility>

#include <attune/policies/duel_policy.hpp>

#include "core/portable_math.hpp"
#include "policies/bandit/choosing.hpp"

namespace attune {
namespace detail {

template <class Rule>
struct DuelRule;

/// The different arms that may be chosen, in order.
class DuelMembers {
 public:
  // The entries are written before they are read.
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-member-init)
  DuelMembers(const ArmSet& arms, const Context& context) noexcept {
    std::array<bool, kMaxDuelArms> taken{};
    arms.for_each(context, [&](std::size_t arm) {
      if (!taken[arm]) {
        taken[arm] = true;
        arms_[count_++] = static_cast<std::uint32_t>(arm);
      }
    });
  }
  [[nodiscard]] std::span<const std::uint32_t> list() const noexcept {
    return std::span(arms_).first(count_);
  }

 private:
  std::size_t count_ = 0;
  std::array<std::uint32_t, kMaxDuelArms> arms_;
};

/// How far a share of wins may be off: sqrt(alpha ln t / n), infinite where nothing was compared.
template <class Table>
class DuelBounds {
 public:
  DuelBounds(const Table& table, double alpha) noexcept
      : table_(&table), level_(alpha * portable_log(std::max(table.total(), 1.0))) {}

  /// u(i, j) of Rucb and DoubleThompson.
  [[nodiscard]] double upper(std::size_t arm, std::size_t against) const noexcept {
    const double compared = table_->compared(arm, against);
    if (arm == against) {
      return 0.5;
    }
    return compared < kLeastWeight ? 1.0 : table_->share(arm, against) + std::sqrt(level_ / compared);
  }
  [[nodiscard]] double lower(std::size_t arm, std::size_t against) const noexcept {
    const double compared = table_->compared(arm, against);
    if (arm == against) {
      return 0.5;
    }
    return compared < kLeastWeight ? 0.0 : table_->share(arm, against) - std::sqrt(level_ / compared);
  }

 private:
  const Table* table_;
  double level_;
};

}  // namespace detail

template <class Rule>
DuelPolicy<Rule>::DuelPolicy(const Config& config, const Shape& shape)
    : config_(config),
      features_(shape.features),
      sparse_(shape.sparse),
      model_(Rule::model(config, shape.arms)) {}

template <class Rule>
Result<DuelPolicy<Rule>> DuelPolicy<Rule>::make(const Config& config, const Shape& shape) {
  if (Result<void> verdict = check_bounds(config); !verdict) {
    return tl::unexpected(std::move(verdict).error());
  }
  if (shape.arms > kMaxDuelArms) {
    return fail(Errc::invalid_config, "arms = " + std::to_string(shape.arms) + " is outside [0, " +
                                          std::to_string(kMaxDuelArms) + "]");
  }
  return DuelPolicy(config, shape);
}

template <class Rule>
PairChoice DuelPolicy<Rule>::select_pair(const Context& context, Rng& rng) const noexcept {
  if (const Errc verdict = detail::check_context(context, features_, sparse_); verdict != Errc::ok) {
    return PairChoice::refused(verdict);
  }
  const detail::DuelMembers members(model_.arms(), context);
  if (members.list().empty()) {
    return PairChoice::refused(Errc::no_arm);
  }
  if (members.list().size() == 1) {
    const ArmIndex only = to_arm(members.list().front());
    return {.first = only, .second = only, .propensity = 1.0, .status = Errc::ok};
  }
  return detail::DuelRule<Rule>::choose(config_, model_, members.list(), rng);
}

template <class Rule>
Errc DuelPolicy<Rule>::update(const DuelFeedback& feedback) noexcept {
  if (const Errc verdict = check_duel_feedback(feedback, arm_count()); verdict != Errc::ok) {
    return verdict;
  }
  if (const Errc verdict = detail::check_context({.input = feedback.input}, features_, sparse_);
      verdict != Errc::ok) {
    return verdict;
  }
  if (!model_.learn(feedback)) {
    return Errc::non_finite;
  }
  ++updates_;
  detail::DuelRule<Rule>::learned(config_, model_);
  return Errc::ok;
}

template <class Rule>
ArmIndex DuelPolicy<Rule>::best_arm() const noexcept {
  return model_.best();
}

template <class Rule>
Result<ArmIndex> DuelPolicy<Rule>::add_arm() {
  if (arm_count() == kMaxDuelArms) {
    return fail(Errc::full, std::string(kName) + " has at most " + std::to_string(kMaxDuelArms) + " arms");
  }
  return model_.add();
}

template <class Rule>
Errc DuelPolicy<Rule>::reset_arm(ArmIndex arm) noexcept {
  if (!model_.arms().contains(arm)) {
    return Errc::unknown_arm;
  }
  model_.reset(to_index(arm));
  detail::DuelRule<Rule>::learned(config_, model_);
  return Errc::ok;
}

template <class Rule>
void DuelPolicy<Rule>::save(Writer& writer) const {
  writer.u64(updates_);
  model_.save(writer);
}

template <class Rule>
Result<void> DuelPolicy<Rule>::load(Reader& reader) {
  const std::uint64_t updates = reader.u64();
  if (!model_.load(reader, kMaxDuelArms)) {
    return detail::corrupt(kName, "the state is cut short, or a number in it is none that learning leaves");
  }
  updates_ = updates;
  return {};
}

template <class Rule>
Description DuelPolicy<Rule>::describe() const {
  Description text;
  text.summary = std::string(Rule::kTitle) + " over " + std::to_string(arm_count()) + " arms after " +
                 std::to_string(updates_) + " comparisons";
  Config::fields(config_, [&]<class T>(std::string_view name, const T& value, Bounds, std::string_view) {
    text.values.emplace_back(name, static_cast<double>(value));
  });
  text.values.emplace_back("comparisons", static_cast<double>(updates_));
  model_.describe(text);
  return text;
}

}  // namespace attune
