// SPDX-License-Identifier: Apache-2.0
#include "policies/bayes/proposal.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

#include <attune/core/sampling.hpp>

#include "policies/bayes/box_search.hpp"
#include "policies/bayes/expected_improvement.hpp"
#include "policies/bayes/parameter_space.hpp"

namespace attune::detail {
namespace {

constexpr std::size_t kDesignCandidates = 256;
constexpr std::size_t kNeighbourhoods = 4;  // best data points around which candidates are drawn
constexpr std::size_t kNeighbours = 24;     // candidates around each
constexpr double kSamePlace = 1e-7;         // of the box's side: closer points are the same setting
constexpr double kAllValues = 20.0;         // integer ranges up to this are searched value by value

struct Scored {
  std::vector<double> x;
  double score = -std::numeric_limits<double>::infinity();
};

/// Best first; a total order, so that the result does not depend on the sorting algorithm.
bool by_score(const Scored& a, const Scored& b) noexcept {
  return a.score != b.score ? a.score > b.score : a.x < b.x;
}

/// Puts a point of the unit box onto a setting that exists: integers move to the nearest whole number.
void snap(std::span<const ParameterSpec> parameters, std::span<double> x) noexcept {
  for (std::size_t k = 0; k < x.size(); ++k) {
    x[k] = to_unit(parameters[k], from_unit(parameters[k], x[k]));
  }
}

/// Settings with equal shares for all integers.
std::vector<double> spread(std::span<const ParameterSpec> parameters, std::size_t count, Rng& rng) {
  std::vector<double> points = shifted_sobol(count, parameters.size(), rng);
  for (std::size_t i = 0; i < points.size(); ++i) {
    const ParameterSpec& parameter = parameters[i % parameters.size()];
    points[i] = to_unit(parameter, from_uniform(parameter, points[i]));
  }
  return points;
}

bool is_taken(const ProposalTask& task, std::span<const double> x) noexcept {
  const std::size_t d = x.size();
  for (std::size_t row = 0; row < task.taken.size(); row += d) {
    bool same = true;
    for (std::size_t k = 0; same && k < d; ++k) {
      // Integers compare as such: a wide range has neighbours closer than kSamePlace.
      same = task.parameters[k].type == ParameterType::integer
                 ? from_unit(task.parameters[k], x[k]) == from_unit(task.parameters[k], task.taken[row + k])
                 : std::abs(x[k] - task.taken[row + k]) < kSamePlace;
    }
    if (same) {
      return true;
    }
  }
  return false;
}

/// Values of an integer parameter worth trying from where it stands.
std::vector<double> integer_moves(const ParameterSpec& parameter, double from) {
  std::vector<double> moves;
  if (parameter.high - parameter.low <= kAllValues) {
    for (double value = parameter.low; value <= parameter.high; value += 1.0) {
      moves.push_back(value);
    }
    return moves;
  }
  for (double step = 1.0; step <= parameter.high - parameter.low; step *= 2.0) {
    for (const double value : {from - step, from + step}) {
      if (value >= parameter.low && value <= parameter.high) {
        moves.push_back(value);
      }
    }
  }
  return moves;
}

/// Refines one start: quasi-Newton over the real parameters and a search over each integer, in turn.
class LocalSearch {
 public:
  LocalSearch(std::span<const ParameterSpec> parameters, LogImprovement& score)
      : parameters_(parameters), score_(score) {
    for (const ParameterSpec& parameter : parameters) {
      has_real_ = has_real_ || parameter.type == ParameterType::real;
      has_integer_ = has_integer_ || parameter.type == ParameterType::integer;
    }
  }

  void refine(Scored& point) {
    constexpr int kRounds = 4;
    for (int round = 0; round < kRounds; ++round) {
      const double before = point.score;
      move_reals(point);
      const bool moved = has_integer_ && move_integers(point);
      if (!moved || point.score <= before) {
        return;
      }
    }
  }

 private:
  void move_reals(Scored& point) {
    if (!has_real_) {
      return;
    }
    std::vector<double> low(point.x.size(), 0.0);
    std::vector<double> high(point.x.size(), 1.0);
    for (std::size_t k = 0; k < point.x.size(); ++k) {
      if (parameters_[k].type == ParameterType::integer) {
        low[k] = high[k] = point.x[k];
      }
    }
    const SmoothFunction loss = [this](std::span<const double> x, std::span<double> gradient) {
      const double value = score_(x, gradient);
      for (double& g : gradient) {
        g = -g;
      }
      return -value;
    };
    BoxSearchResult found = minimise_in_box(
        loss, point.x, low, high,
        {.max_evaluations = 60, .first_step = 0.02, .gradient_tolerance = 1e-5, .value_tolerance = 1e-7});
    if (-found.value > point.score) {
      point = {std::move(found.x), -found.value};
    }
  }

  bool move_integers(Scored& point) {
    bool moved = false;
    for (std::size_t k = 0; k < point.x.size(); ++k) {
      if (parameters_[k].type == ParameterType::real) {
        continue;
      }
      std::vector<double> x = point.x;
      for (const double value : integer_moves(parameters_[k], from_unit(parameters_[k], point.x[k]))) {
        x[k] = to_unit(parameters_[k], value);
        if (const double score = score_(x); score > point.score) {
          point = {x, score};
          moved = true;
        }
      }
    }
    return moved;
  }

  std::span<const ParameterSpec> parameters_;
  LogImprovement& score_;
  bool has_real_ = false;
  bool has_integer_ = false;
};

/// The box's candidates and those around the best data points, scored, best first.
std::vector<Scored> rank_candidates(const ProposalTask& task, const GpData& data, LogImprovement& score,
                                    Rng& rng) {
  const std::size_t d = data.dimension;
  std::vector<Scored> candidates;
  const std::vector<double> points = spread(task.parameters, task.candidates, rng);
  for (std::size_t row = 0; row < points.size(); row += d) {
    const std::span<const double> x = std::span(points).subspan(row, d);
    candidates.push_back({std::vector<double>(x.begin(), x.end()), 0.0});
  }
  const std::size_t neighbourhoods = std::min(kNeighbourhoods, data.size());
  for (std::size_t best = 0; best < neighbourhoods; ++best) {
    const std::span<const double> centre = data.point(score.ranking()[best]);
    for (std::size_t i = 0; i < kNeighbours; ++i) {
      const double width = 0.2 * std::pow(10.0, -2.0 * rng.uniform());
      Scored candidate{std::vector<double>(centre.begin(), centre.end()), 0.0};
      for (double& coordinate : candidate.x) {
        coordinate = std::clamp(coordinate + width * sample_normal(rng), 0.0, 1.0);
      }
      snap(task.parameters, candidate.x);
      candidates.push_back(std::move(candidate));
    }
  }
  for (Scored& candidate : candidates) {
    candidate.score = score(candidate.x);
  }
  std::ranges::sort(candidates, by_score);
  return candidates;
}

/// Adds the pending points, as if each had given its posterior mean: the mean stays as it is everywhere, the
/// variance falls around them.
GpData with_pending(const GpData& finished, std::span<const double> pending, const GpParameters& kernel) {
  GpData data = finished;
  const GaussianProcess process(finished, kernel);
  GpScratch scratch;
  for (std::size_t row = 0; row < pending.size(); row += data.dimension) {
    data.values.push_back(process.predict(pending.subspan(row, data.dimension), scratch).mean);
  }
  data.points.insert(data.points.end(), pending.begin(), pending.end());
  return data;
}

}  // namespace

LogImprovement::LogImprovement(const GpData& data, const GpParameters& kernel)
    : process_(data, kernel), ranking_(data.size()), variance_gradient_(data.dimension) {
  std::iota(ranking_.begin(), ranking_.end(), std::size_t{0});
  std::ranges::sort(ranking_, [this](std::size_t a, std::size_t b) {
    const double mean_a = process_.mean_at(a);
    const double mean_b = process_.mean_at(b);
    return mean_a != mean_b ? mean_a > mean_b : a < b;
  });
  // NOLINTNEXTLINE(cppcoreguidelines-prefer-member-initializer): needs the sorted ranking
  best_mean_ = process_.mean_at(ranking_.front());
}

double LogImprovement::operator()(std::span<const double> x) {
  const GaussianProcess::Posterior at = process_.predict(x, scratch_);
  const double deviation = std::sqrt(at.variance);
  return std::log(deviation) + log_improvement((at.mean - best_mean_) / deviation).value;
}

double LogImprovement::operator()(std::span<const double> x, std::span<double> gradient) {
  const GaussianProcess::Posterior at = process_.predict(x, gradient, variance_gradient_, scratch_);
  const double deviation = std::sqrt(at.variance);
  const double z = (at.mean - best_mean_) / deviation;
  const Slope improvement = log_improvement(z);
  // d log EI = h'/h dm / s + (1 - z h'/h) ds / s, and ds = dv / (2 s).
  const double by_mean = improvement.derivative / deviation;
  const double by_variance = (1.0 - z * improvement.derivative) * 0.5 / at.variance;
  for (std::size_t k = 0; k < gradient.size(); ++k) {
    gradient[k] = by_mean * gradient[k] + by_variance * variance_gradient_[k];
  }
  return std::log(deviation) + improvement.value;
}

std::vector<double> propose_design(const ProposalTask& task, Rng& rng) {
  const std::size_t d = task.parameters.size();
  const std::vector<double> points = spread(task.parameters, kDesignCandidates, rng);
  std::size_t chosen = 0;
  double farthest = -1.0;
  for (std::size_t row = 0; row < points.size(); row += d) {
    double nearest = std::numeric_limits<double>::infinity();
    for (std::size_t other = 0; other < task.taken.size(); other += d) {
      double distance = 0.0;
      for (std::size_t k = 0; k < d; ++k) {
        const double straight = std::abs(points[row + k] - task.taken[other + k]);
        const double shorter = std::min(straight, 1.0 - straight);
        distance += shorter * shorter;
      }
      nearest = std::min(nearest, distance);
    }
    if (nearest > farthest) {
      farthest = nearest;
      chosen = row;
    }
  }
  const auto first = points.begin() + static_cast<std::ptrdiff_t>(chosen);
  return {first, first + static_cast<std::ptrdiff_t>(d)};
}

std::vector<double> propose_improvement(const ProposalTask& task, const GpParameters& kernel, Rng& rng) {
  const GpData data = with_pending(*task.finished, task.pending, kernel);
  LogImprovement score(data, kernel);
  std::vector<Scored> candidates = rank_candidates(task, data, score, rng);

  // The peak beside the best point is narrow: no candidate may hit it, a start from the point itself does.
  constexpr std::size_t kBestPoints = 2;
  std::vector<Scored> refined(
      candidates.begin(),
      candidates.begin() + static_cast<std::ptrdiff_t>(std::min(task.local_searches, candidates.size())));
  for (std::size_t best = 0; best < std::min(kBestPoints, data.size()); ++best) {
    const std::span<const double> x = data.point(score.ranking()[best]);
    refined.push_back({std::vector<double>(x.begin(), x.end()), score(x)});
  }
  LocalSearch search(task.parameters, score);
  for (Scored& point : refined) {
    search.refine(point);
  }
  std::ranges::sort(refined, by_score);
  for (const std::vector<Scored>* const list : {&refined, &candidates}) {
    for (const Scored& point : *list) {
      if (!is_taken(task, point.x)) {
        return point.x;
      }
    }
  }
  return refined.front().x;
}

}  // namespace attune::detail
