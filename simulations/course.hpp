// SPDX-License-Identifier: Apache-2.0
/// @file
/// Course: what one way of choosing did in one seed's world, and CourseRecorder, which takes it down step by
/// step.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <attune/rewards/collector.hpp>

#include "simulations/scenario.hpp"

namespace attune::sim {

/// One row of the per-step file.
struct StepRow {
  std::uint32_t category = 0;
  std::uint32_t arm = 0;
  double reward = 0.0;  ///< what came back, as one number
  double regret = 0.0;  ///< of this step
};

struct Course {
  double reward = 0.0;             ///< sum over all steps of what came back
  std::vector<double> components;  ///< the same by component of the environment
  double regret_oracle = 0.0;      ///< sums over all steps, on Scenario::regret_basis()
  double regret_single = 0.0;
  double regret = 0.0;  ///< against Scenario::reference

  std::vector<double> phase_rewards;  ///< `reward` by Scenario::phases: one more than those

  double kept = 0.0;  ///< steps whose outcome kept the service level

  std::vector<double> kept_curve;    ///< sum of those up to each mark
  std::vector<double> reward_curve;  ///< sum of rewards up to each mark
  std::vector<double> regret_curve;  ///< regret up to each mark
  std::vector<double> selections;    ///< how often each arm was chosen (a baseline may choose it in part)
  std::vector<std::vector<double>>
      selections_by_window;    ///< the same per window between marks, see window_count()
  std::vector<StepRow> steps;  ///< only when asked for

  CollectorCounters counters;  ///< of the engine; zeros for baselines
  std::uint64_t explored = 0;
  std::uint64_t fallbacks = 0;  ///< decisions that the policy itself did not make
};

/// The arms that would have been best, known only afterwards.
struct Hindsight {
  std::size_t best_single = 0;
  std::size_t cheapest = 0;
  std::vector<std::size_t> best_per_category;  ///< at least one entry
};

/// Steps after which curves are taken: `count` of them, or every step when there are fewer; the last one is
/// the horizon.
[[nodiscard]] std::vector<std::uint64_t> curve_marks(std::uint64_t horizon, std::size_t count = 200);
/// Windows in which shares of arms are counted: at most this many, each several marks wide.
inline constexpr std::size_t kShareWindows = 50;
[[nodiscard]] std::size_t window_of(std::uint64_t step, std::uint64_t horizon) noexcept;
[[nodiscard]] std::size_t window_count(std::uint64_t horizon) noexcept;

/// The values of one step's arms, computed once for all who need them.
struct StepValues {
  std::vector<double> basis;     ///< per arm: what regret is measured on
  std::vector<double> observed;  ///< per arm: the reward that would come back
  std::size_t best = 0;          ///< arm with the largest basis

  void compute(const Scenario& scenario, const Step& step);
};

/// Adds up a course. Arms may be given with a probability each (random choice) or as one.
class CourseRecorder {
 public:
  CourseRecorder(const Scenario& scenario, const Hindsight& hindsight, bool keep_steps);

  void add(std::uint64_t t, const Step& step, const StepValues& values, std::size_t arm);
  /// A choice by chance, uniform over the arms; its expectation is recorded.
  void add_uniform(std::uint64_t t, const Step& step, const StepValues& values);
  [[nodiscard]] Course finish();

 private:
  void close_step(std::uint64_t t, const Step& step, const StepValues& values, double basis, double observed);

  const Scenario& scenario_;
  const Hindsight& hindsight_;
  bool keep_steps_;
  std::vector<std::uint64_t> marks_;
  std::size_t next_mark_ = 0;
  Course course_;
};

}  // namespace attune::sim
