// SPDX-License-Identifier: Apache-2.0
#include "simulations/runner.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "simulations/baselines.hpp"
#include "simulations/progress.hpp"

namespace attune::sim {

void run_parallel(std::size_t count, std::size_t jobs, const std::function<void(std::size_t)>& task) {
  if (jobs == 0) {
    jobs = std::max(1U, std::thread::hardware_concurrency());
  }
  std::atomic<std::size_t> next{0};
  const auto work = [&] {
    for (std::size_t i = next.fetch_add(1); i < count; i = next.fetch_add(1)) {
      task(i);
    }
  };
  std::vector<std::jthread> threads;
  for (std::size_t i = 1; i < std::min(jobs, count); ++i) {
    threads.emplace_back(work);
  }
  work();
}

Result<ScenarioResult> run_scenario(const Scenario& scenario, const RunnerOptions& options) {
  const std::size_t seeds = scenario.seeds.size();
  const std::size_t policies = scenario.policies.size();
  const std::vector<Baseline> baselines = baselines_of(scenario);
  ScenarioResult out;
  for (const Baseline baseline : baselines) {
    out.rows.push_back({std::string(to_string(baseline)), true, std::vector<Course>(seeds)});
  }
  for (const PolicyEntry& policy : scenario.policies) {
    out.rows.push_back({policy.name, false, std::vector<Course>(seeds)});
  }
  out.hindsights.resize(seeds);
  std::vector<std::unique_ptr<World>> worlds(seeds);
  ProgressLine progress("runs", options.progress ? seeds * (policies + 1) : 0);

  run_parallel(seeds, options.jobs, [&](std::size_t seed) {
    worlds[seed] = scenario.environment->start(scenario.seeds[seed], scenario.horizon);
    out.hindsights[seed] = look_back(scenario, *worlds[seed]);
    std::vector<Course> courses = run_baselines(scenario, *worlds[seed], out.hindsights[seed]);
    for (std::size_t i = 0; i < courses.size(); ++i) {
      out.rows[i].courses[seed] = std::move(courses[i]);
    }
    progress.advance();
  });

  // Every run has a place of its own to put its result: the order in which threads finish cannot be seen in
  // it.
  std::vector<std::optional<Error>> errors(policies * seeds);
  std::mutex seen_mutex;
  run_parallel(policies * seeds, options.jobs, [&](std::size_t task) {
    const std::size_t policy = task / seeds;
    const std::size_t seed = task % seeds;
    Result<std::unique_ptr<Journal>> journal =
        options.journal ? options.journal(policy, seed) : std::unique_ptr<Journal>();
    DriveOptions drive_options;
    drive_options.keep_steps = options.keep_steps;
    Result<DriveResult> result =
        journal ? drive(scenario, scenario.policies[policy], scenario.seeds[seed], *worlds[seed],
                        out.hindsights[seed], std::move(*journal), std::move(drive_options))
                : tl::unexpected(journal.error());
    if (!result) {
      errors[task] = Error{result.error().code, scenario.policies[policy].name + ", seed " +
                                                    std::to_string(scenario.seeds[seed]) + ": " +
                                                    result.error().message};
    } else {
      if (options.on_result) {
        const std::scoped_lock lock(seen_mutex);
        options.on_result(policy, seed, *result);
      }
      out.rows[baselines.size() + policy].courses[seed] = std::move(result->course);
    }
    progress.advance();
  });
  for (const std::optional<Error>& error : errors) {
    if (error) {
      return tl::unexpected<Error>(*error);
    }
  }
  return out;
}

Estimate estimate(const std::vector<double>& values) {
  Estimate out;
  double squares = 0.0;
  double count = 0.0;
  for (const double x : values) {
    count += 1.0;
    const double before = x - out.mean;
    out.mean += before / count;
    squares += before * (x - out.mean);
  }
  if (count > 1.0) {
    out.error = std::sqrt(squares / (count - 1.0) / count);
  }
  return out;
}

Estimate estimate_of(const ResultRow& row, const std::function<double(const Course&)>& quantity) {
  std::vector<double> values;
  values.reserve(row.courses.size());
  for (const Course& course : row.courses) {
    values.push_back(quantity(course));
  }
  return estimate(values);
}

}  // namespace attune::sim
