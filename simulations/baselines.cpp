// SPDX-License-Identifier: Apache-2.0
#include "simulations/baselines.hpp"

#include <algorithm>
#include <span>

namespace attune::sim {
namespace {

std::size_t index_of_max(std::span<const double> values) {
  return static_cast<std::size_t>(std::max_element(values.begin(), values.end()) - values.begin());
}

std::size_t index_of_min(std::span<const double> values) {
  return static_cast<std::size_t>(std::min_element(values.begin(), values.end()) - values.begin());
}

}  // namespace

std::string_view to_string(Baseline baseline) noexcept {
  switch (baseline) {
    case Baseline::random:
      return "random";
    case Baseline::cheapest:
      return "cheapest";
    case Baseline::best_single:
      return "best single";
    case Baseline::best_per_category:
      return "best per category";
    case Baseline::oracle:
      return "oracle";
  }
  return "";
}

std::vector<Baseline> baselines_of(const Scenario& scenario) {
  std::vector<Baseline> out{Baseline::random};
  if (scenario.valuation.has_cost()) {
    out.push_back(Baseline::cheapest);
  }
  out.push_back(Baseline::best_single);
  if (!scenario.environment->info().categories.empty()) {
    out.push_back(Baseline::best_per_category);
  }
  out.push_back(Baseline::oracle);
  return out;
}

Hindsight look_back(const Scenario& scenario, const World& world) {
  const EnvironmentInfo& info = scenario.environment->info();
  const std::size_t arms = info.arms.size();
  const std::size_t categories = std::max<std::size_t>(1, info.categories.size());
  std::vector<double> total(arms);
  std::vector<double> cost(arms);
  std::vector<double> by_category(categories * arms);
  Step step;
  StepValues values;
  for (std::uint64_t t = 0; t < scenario.horizon; ++t) {
    world.step(t, step);
    values.compute(scenario, step);
    for (std::size_t arm = 0; arm < arms; ++arm) {
      total[arm] += values.basis[arm];
      by_category[step.category * arms + arm] += values.basis[arm];
      if (scenario.valuation.has_cost()) {
        cost[arm] += step.expected[arm * info.components.size() + scenario.valuation.cost()];
      }
    }
  }
  Hindsight out;
  out.best_single = index_of_max(total);
  out.cheapest = index_of_min(cost);
  for (std::size_t category = 0; category < categories; ++category) {
    out.best_per_category.push_back(index_of_max(std::span(by_category).subspan(category * arms, arms)));
  }
  return out;
}

std::vector<Course> run_baselines(const Scenario& scenario, const World& world, const Hindsight& hindsight) {
  const std::vector<Baseline> kinds = baselines_of(scenario);
  std::vector<CourseRecorder> recorders;
  recorders.reserve(kinds.size());
  for (std::size_t i = 0; i < kinds.size(); ++i) {
    recorders.emplace_back(scenario, hindsight, false);
  }
  Step step;
  StepValues values;
  for (std::uint64_t t = 0; t < scenario.horizon; ++t) {
    world.step(t, step);
    values.compute(scenario, step);
    for (std::size_t i = 0; i < kinds.size(); ++i) {
      switch (kinds[i]) {
        case Baseline::random:
          recorders[i].add_uniform(t, step, values);
          break;
        case Baseline::cheapest:
          recorders[i].add(t, step, values, hindsight.cheapest);
          break;
        case Baseline::best_single:
          recorders[i].add(t, step, values, hindsight.best_single);
          break;
        case Baseline::best_per_category:
          recorders[i].add(t, step, values, hindsight.best_per_category[step.category]);
          break;
        case Baseline::oracle:
          recorders[i].add(t, step, values, values.best);
          break;
      }
    }
  }
  std::vector<Course> out;
  out.reserve(recorders.size());
  for (CourseRecorder& recorder : recorders) {
    out.push_back(recorder.finish());
  }
  return out;
}

}  // namespace attune::sim
