// SPDX-License-Identifier: Apache-2.0
/// @file
/// Runner: all policies and baselines of a scenario over all seeds, on several threads, with the same result
/// on any number.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <attune/core/error.hpp>
#include <attune/store/journal.hpp>

#include "simulations/course.hpp"
#include "simulations/driver.hpp"
#include "simulations/scenario.hpp"

namespace attune::sim {

struct RunnerOptions {
  std::size_t jobs = 0;  ///< worker threads; 0: as many as the machine has
  bool keep_steps = false;
  bool progress = true;
  /// Gives the journal of a run, or null for a run in memory. May be empty. Called from worker threads.
  std::function<Result<std::unique_ptr<Journal>>(std::size_t policy, std::size_t seed_index)> journal{};
  /// Sees each finished run before its state is let go. May be empty. Called from worker threads, one at a
  /// time.
  std::function<void(std::size_t policy, std::size_t seed_index, const DriveResult& result)> on_result{};
};

/// One row of the results: a policy or a baseline with its course in each seed.
struct ResultRow {
  std::string name;
  bool baseline = false;
  std::vector<Course> courses;  ///< in the order of Scenario::seeds
};

struct ScenarioResult {
  std::vector<ResultRow> rows;        ///< baselines first, then policies in the scenario's order
  std::vector<Hindsight> hindsights;  ///< by seed
};

/// Errors: the first one, in the order of policies and seeds, whatever the number of threads.
[[nodiscard]] Result<ScenarioResult> run_scenario(const Scenario& scenario, const RunnerOptions& options);

/// Calls task(0) ... task(count - 1) on `jobs` threads; returns when all are done. Exceptions in a task end
/// the process.
void run_parallel(std::size_t count, std::size_t jobs, const std::function<void(std::size_t)>& task);

/// Mean over seeds and its standard error (0 for one seed).
struct Estimate {
  double mean = 0.0;
  double error = 0.0;
};
[[nodiscard]] Estimate estimate(const std::vector<double>& values);
/// The estimate of `quantity(course)` over the seeds of a row.
[[nodiscard]] Estimate estimate_of(const ResultRow& row,
                                   const std::function<double(const Course&)>& quantity);

}  // namespace attune::sim
