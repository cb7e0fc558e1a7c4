// SPDX-License-Identifier: Apache-2.0
#include "simulations/course.hpp"

#include <algorithm>
#include <utility>

namespace attune::sim {

std::vector<std::uint64_t> curve_marks(std::uint64_t horizon, std::size_t count) {
  const std::uint64_t points = std::min<std::uint64_t>(horizon, count);
  std::vector<std::uint64_t> marks;
  for (std::uint64_t i = 1; i <= points; ++i) {
    // Split so that the product stays small: horizon * i would overflow for absurd horizons only, but it
    // costs nothing.
    marks.push_back(horizon / points * i + horizon % points * i / points);
  }
  return marks;
}

std::size_t window_count(std::uint64_t horizon) noexcept {
  return static_cast<std::size_t>(std::min<std::uint64_t>(horizon, kShareWindows));
}

std::size_t window_of(std::uint64_t step, std::uint64_t horizon) noexcept {
  const std::uint64_t windows = window_count(horizon);
  const double share = static_cast<double>(step) / static_cast<double>(horizon);
  return static_cast<std::size_t>(
      std::min<std::uint64_t>(windows - 1, static_cast<std::uint64_t>(share * static_cast<double>(windows))));
}

void StepValues::compute(const Scenario& scenario, const Step& step) {
  const EnvironmentInfo& info = scenario.environment->info();
  const std::size_t arms = info.arms.size();
  const std::size_t components = info.components.size();
  basis.resize(arms);
  observed.resize(arms);
  best = 0;
  for (std::size_t arm = 0; arm < arms; ++arm) {
    observed[arm] = scenario.valuation.value(step.outcome_of(arm, components));
    basis[arm] = scenario.valuation.linear() ? scenario.valuation.value(step.expected_of(arm, components))
                                             : observed[arm];
    if (basis[arm] > basis[best]) {
      best = arm;
    }
  }
}

CourseRecorder::CourseRecorder(const Scenario& scenario, const Hindsight& hindsight, bool keep_steps)
    : scenario_(scenario),
      hindsight_(hindsight),
      keep_steps_(keep_steps),
      marks_(curve_marks(scenario.horizon)) {
  const EnvironmentInfo& info = scenario.environment->info();
  course_.components.assign(info.components.size(), 0.0);
  course_.selections.assign(info.arms.size(), 0.0);
  course_.phase_rewards.assign(scenario.phases.size() + 1, 0.0);
  course_.selections_by_window.assign(window_count(scenario.horizon), std::vector<double>(info.arms.size()));
}

void CourseRecorder::add(std::uint64_t t, const Step& step, const StepValues& values, std::size_t arm) {
  const std::span<const double> outcome = step.outcome_of(arm, course_.components.size());
  for (std::size_t i = 0; i < outcome.size(); ++i) {
    course_.components[i] += outcome[i];
  }
  course_.kept += scenario_.service_level.kept(outcome) ? 1.0 : 0.0;
  course_.selections[arm] += 1.0;
  course_.selections_by_window[window_of(t, scenario_.horizon)][arm] += 1.0;
  close_step(t, step, values, values.basis[arm], values.observed[arm]);
  if (keep_steps_) {
    course_.steps.back().arm = static_cast<std::uint32_t>(arm);
  }
}

void CourseRecorder::add_uniform(std::uint64_t t, const Step& step, const StepValues& values) {
  const std::size_t arms = values.basis.size();
  const double share = 1.0 / static_cast<double>(arms);
  double basis = 0.0;
  double observed = 0.0;
  for (std::size_t arm = 0; arm < arms; ++arm) {
    const std::span<const double> outcome = step.outcome_of(arm, course_.components.size());
    for (std::size_t i = 0; i < outcome.size(); ++i) {
      course_.components[i] += share * outcome[i];
    }
    course_.kept += scenario_.service_level.kept(outcome) ? share : 0.0;
    course_.selections[arm] += share;
    course_.selections_by_window[window_of(t, scenario_.horizon)][arm] += share;
    basis += share * values.basis[arm];
    observed += share * values.observed[arm];
  }
  close_step(t, step, values, basis, observed);
}

void CourseRecorder::close_step(std::uint64_t t, const Step& step, const StepValues& values, double basis,
                                double observed) {
  const double against_oracle = values.basis[values.best] - basis;
  const double against_single = values.basis[hindsight_.best_single] - basis;
  double regret = against_oracle;
  if (scenario_.reference == Reference::best_single) {
    regret = against_single;
  } else if (scenario_.reference == Reference::best_per_category) {
    regret = values.basis[hindsight_.best_per_category[step.category]] - basis;
  }
  course_.reward += observed;
  const auto& phases = scenario_.phases;
  course_.phase_rewards[static_cast<std::size_t>(std::ranges::upper_bound(phases, t) - phases.begin())] +=
      observed;
  course_.regret_oracle += against_oracle;
  course_.regret_single += against_single;
  course_.regret += regret;
  if (keep_steps_) {
    course_.steps.push_back({static_cast<std::uint32_t>(step.category), 0, observed, regret});
  }
  if (next_mark_ < marks_.size() && t + 1 == marks_[next_mark_]) {
    course_.kept_curve.push_back(course_.kept);
    course_.reward_curve.push_back(course_.reward);
    course_.regret_curve.push_back(course_.regret);
    ++next_mark_;
  }
}

Course CourseRecorder::finish() { return std::move(course_); }

}  // namespace attune::sim
