// SPDX-License-Identifier: Apache-2.0
#include <attune/policies/pareto_ucb1.hpp>

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "core/portable_math.hpp"
#include "policies/bandit/choosing.hpp"

namespace attune {

static_assert(check_persistent<ParetoUcb1>() && check_configured<ParetoUcb1>());

ParetoUcb1::ParetoUcb1(const Config& config, const Shape& shape)
    : config_(config),
      features_(shape.features),
      sparse_(shape.sparse),
      arms_(shape.arms),
      mean_(shape.arms * config.components, 0.0),
      pulls_(shape.arms, 0),
      width_(shape.arms, detail::kInfinity) {}

Result<ParetoUcb1> ParetoUcb1::make(const Config& config, const Shape& shape) {
  if (Result<void> verdict = detail::check_options(config, shape); !verdict) {
    return tl::unexpected(std::move(verdict).error());
  }
  return ParetoUcb1(config, shape);
}

bool ParetoUcb1::index_dominates(double level, std::size_t one, std::size_t other) const noexcept {
  const double* left = mean_.data() + one * config_.components;
  const double* right = mean_.data() + other * config_.components;
  const double apart = level * (width_[one] - width_[other]);
  bool better = false;
  for (std::size_t i = 0; i < config_.components; ++i) {
    const double ahead = (left[i] - right[i]) + apart;
    if (ahead < 0.0) {
      return false;
    }
    better = better || ahead > 0.0;
  }
  return better;
}

/// Calls visit(arm) for the untried arms that may be chosen, or, without any, for those that are not
/// dominated.
template <class Visitor>
void ParetoUcb1::for_each_best(const Context& context, Visitor&& visit) const noexcept {
  std::size_t eligible = 0;
  bool untried = false;
  arms_.for_each(context, [&](std::size_t arm) {
    ++eligible;
    untried = untried || pulls_[arm] == 0;
  });
  const double logarithm =
      detail::portable_log(static_cast<double>(std::max<std::uint64_t>(updates_, 1))) +
      0.25 *
          detail::portable_log(static_cast<double>(std::max<std::size_t>(config_.components * eligible, 1)));
  const double level = std::sqrt(config_.c * logarithm);
  arms_.for_each(context, [&](std::size_t arm) {
    if (untried) {
      if (pulls_[arm] == 0) {
        visit(arm);
      }
      return;
    }
    bool dominated = false;
    arms_.for_each(context,
                   [&](std::size_t other) { dominated = dominated || index_dominates(level, other, arm); });
    if (!dominated) {
      visit(arm);
    }
  });
}

Choice ParetoUcb1::select(const Context& context, Rng& rng) const noexcept {
  if (const Errc verdict = detail::check_context(context, features_, sparse_); verdict != Errc::ok) {
    return Choice::refused(verdict);
  }
  // The one with the largest of random priorities: the arms are gone through once.
  std::size_t best = 0;
  std::size_t chosen = 0;
  std::uint64_t highest = 0;
  const std::uint64_t key = rng();
  for_each_best(context, [&](std::size_t arm) {
    const std::uint64_t priority = mix64(key ^ mix64(best));
    if (best == 0 || priority > highest) {
      highest = priority;
      chosen = arm;
    }
    ++best;
  });
  if (best == 0) {
    return Choice::refused(Errc::no_arm);
  }
  return {.arm = to_arm(chosen),
          .propensity = detail::times_offered(context, chosen) / static_cast<double>(best),
          .score = width_[chosen],
          .greedy = pulls_[chosen] > 0,
          .status = Errc::ok};
}

Errc ParetoUcb1::probabilities(const Context& context, std::span<double> out) const noexcept {
  if (out.size() != arm_count()) {
    return Errc::dimension_mismatch;
  }
  if (const Errc verdict = detail::check_context(context, features_, sparse_); verdict != Errc::ok) {
    return verdict;
  }
  std::ranges::fill(out, 0.0);
  double best = 0.0;
  for_each_best(context, [&](std::size_t arm) {
    out[arm] += 1.0;
    best += 1.0;
  });
  if (best == 0.0) {
    return Errc::no_arm;
  }
  for (double& probability : out) {
    probability /= best;
  }
  return Errc::ok;
}

Errc ParetoUcb1::update(ArmIndex arm, std::span<const double> reward) noexcept {
  if (!arms_.contains(arm)) {
    return Errc::unknown_arm;
  }
  if (reward.size() != config_.components) {
    return Errc::dimension_mismatch;
  }
  if (!all_finite(reward)) {
    return Errc::non_finite;
  }
  if (std::ranges::any_of(reward, [](double part) { return part < 0.0 || part > 1.0; })) {
    return Errc::invalid_argument;
  }
  const std::size_t slot = to_index(arm);
  ++pulls_[slot];
  ++updates_;
  const auto pulls = static_cast<double>(pulls_[slot]);
  width_[slot] = 1.0 / std::sqrt(pulls);
  for (std::size_t i = 0; i < reward.size(); ++i) {
    double& mean = mean_[slot * config_.components + i];
    mean = std::clamp(mean + (reward[i] - mean) / pulls, 0.0, 1.0);
  }
  return Errc::ok;
}

Result<ArmIndex> ParetoUcb1::add_arm() {
  detail::make_room(mean_, (arm_count() + 1) * config_.components);
  detail::make_room(pulls_, arm_count() + 1);
  detail::make_room(width_, arm_count() + 1);
  Result<ArmIndex> added = arms_.add();
  if (added) {
    mean_.resize(arm_count() * config_.components, 0.0);
    pulls_.push_back(0);
    width_.push_back(detail::kInfinity);
  }
  return added;
}

Errc ParetoUcb1::reset_arm(ArmIndex arm) noexcept {
  if (!arms_.contains(arm)) {
    return Errc::unknown_arm;
  }
  const std::size_t slot = to_index(arm);
  std::fill_n(mean_.begin() + static_cast<std::ptrdiff_t>(slot * config_.components), config_.components,
              0.0);
  pulls_[slot] = 0;
  width_[slot] = detail::kInfinity;
  return Errc::ok;
}

std::vector<ArmIndex> ParetoUcb1::front() const {
  std::vector<ArmIndex> out;
  const auto tried = [&](std::size_t arm) { return enabled(to_arm(arm)) && pulls_[arm] > 0; };
  for (std::size_t arm = 0; arm < arm_count(); ++arm) {
    bool in = tried(arm);
    for (std::size_t other = 0; other < arm_count() && in; ++other) {
      in = !tried(other) || !dominates(mean(to_arm(other)), mean(to_arm(arm)));
    }
    if (in) {
      out.push_back(to_arm(arm));
    }
  }
  return out;
}

void ParetoUcb1::save(Writer& writer) const {
  writer.u64(updates_);
  arms_.save(writer);
  writer.numbers(pulls_);
  writer.numbers(mean_);
}

Result<void> ParetoUcb1::load(Reader& reader) {
  ParetoUcb1 loaded(config_, Shape{.arms = 0, .features = features_, .sparse = sparse_});
  loaded.updates_ = reader.u64();
  loaded.arms_.load(reader);
  loaded.pulls_ = reader.exactly<std::uint64_t>(loaded.arm_count());
  loaded.mean_ = reader.exactly<double>(loaded.arm_count() * config_.components);
  if (!reader.ok()) {
    return detail::corrupt(kName, "the state is cut short or its lengths disagree");
  }
  if (!std::ranges::all_of(loaded.mean_, [](double mean) { return mean >= 0.0 && mean <= 1.0; })) {
    return detail::corrupt(kName, "a mean is outside [0, 1]");
  }
  loaded.width_.resize(loaded.arm_count());
  for (std::size_t arm = 0; arm < loaded.arm_count(); ++arm) {
    if (loaded.pulls_[arm] == std::numeric_limits<std::uint64_t>::max() ||
        (loaded.pulls_[arm] == 0 &&
         std::ranges::any_of(loaded.mean(to_arm(arm)), [](double mean) { return mean != 0.0; }))) {
      return detail::corrupt(kName, "a number of pulls is not that of the arm's mean");
    }
    loaded.width_[arm] = loaded.pulls_[arm] == 0 ? detail::kInfinity
                                                 : 1.0 / std::sqrt(static_cast<double>(loaded.pulls_[arm]));
  }
  *this = std::move(loaded);
  return {};
}

Description ParetoUcb1::describe() const {
  Description text;
  text.summary = "Pareto-UCB1 over " + std::to_string(arm_count()) + " arms after " +
                 std::to_string(updates_) + " rewards";
  text.values = {{"components", static_cast<double>(config_.components)},
                 {"c", config_.c},
                 {"updates", static_cast<double>(updates_)}};
  text.columns = {"enabled", "pulls", "front"};
  for (std::uint32_t i = 0; i < config_.components; ++i) {
    text.columns.push_back("mean " + std::to_string(i));
  }
  const std::vector<ArmIndex> best = front();
  for (std::size_t arm = 0; arm < arm_count(); ++arm) {
    text.rows.push_back({enabled(to_arm(arm)) ? 1.0 : 0.0, static_cast<double>(pulls_[arm]),
                         std::ranges::binary_search(best, to_arm(arm)) ? 1.0 : 0.0});
    const auto means = mean(to_arm(arm));
    text.rows.back().insert(text.rows.back().end(), means.begin(), means.end());
  }
  return text;
}

}  // namespace attune
