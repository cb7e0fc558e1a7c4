// SPDX-License-Identifier: Apache-2.0
#include <attune/policies/pareto.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <string>

namespace attune {
namespace {

Result<void> check_points(const PointSet& points) {
  if (points.dimension == 0 || points.numbers.size() % points.dimension != 0) {
    return fail(Errc::invalid_argument, std::to_string(points.numbers.size()) + " numbers are no points of " +
                                            std::to_string(points.dimension) + " components");
  }
  if (!std::ranges::all_of(points.numbers, [](double number) { return std::isfinite(number); })) {
    return fail(Errc::non_finite, "a component of a point is not finite");
  }
  return {};
}

/// Places of the points, the best in the first component first, and of those the best in the last.
std::vector<std::size_t> swept(const PointSet& points) {
  std::vector<std::size_t> order(points.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::sort(order, [&](std::size_t a, std::size_t b) {
    const auto left = points[a];
    const auto right = points[b];
    return left.front() != right.front() ? left.front() > right.front()
           : left.back() != right.back() ? left.back() > right.back()
                                         : a < b;
  });
  return order;
}

/// A point comes after all that are better in the first component: it is dominated where one of those is as
/// good in the second, or one that is equal in the first is better there.
std::vector<std::size_t> front_by_sweep(const PointSet& points) {
  std::vector<std::size_t> front;
  // Largest second component of the points better in the first one, and of those equal in it.
  double best = -std::numeric_limits<double>::infinity();
  double first = std::numeric_limits<double>::infinity();
  double top = -std::numeric_limits<double>::infinity();
  for (const std::size_t at : swept(points)) {
    if (points[at].front() < first) {
      best = std::max(best, top);
      first = points[at].front();
      top = points[at].back();
    }
    if (points[at].back() == top && top > best) {
      front.push_back(at);
    }
  }
  std::ranges::sort(front);
  return front;
}

struct Corner {
  double x;
  double y;
};

/// Area of the union of the rectangles from the origin to the corners, which need not be sorted.
double area(std::vector<Corner>& corners) {
  std::ranges::sort(corners, [](const Corner& a, const Corner& b) { return a.x > b.x; });
  double sum = 0.0;
  double height = 0.0;
  for (const Corner& corner : corners) {
    if (corner.y > height) {
      sum += corner.x * (corner.y - height);
      height = corner.y;
    }
  }
  return sum;
}

}  // namespace

bool dominates(std::span<const double> one, std::span<const double> other) noexcept {
  bool better = false;
  for (std::size_t i = 0; i < one.size(); ++i) {
    if (!(one[i] >= other[i])) {
      return false;
    }
    better = better || one[i] > other[i];
  }
  return better;
}

Result<std::vector<std::size_t>> pareto_front(const PointSet& points) {
  if (Result<void> verdict = check_points(points); !verdict) {
    return tl::unexpected(std::move(verdict).error());
  }
  if (points.dimension <= 2) {
    return front_by_sweep(points);
  }
  std::vector<std::size_t> front;
  for (std::size_t at = 0; at < points.size(); ++at) {
    bool dominated = false;
    for (std::size_t other = 0; other < points.size() && !dominated; ++other) {
      dominated = dominates(points[other], points[at]);
    }
    if (!dominated) {
      front.push_back(at);
    }
  }
  return front;
}

Result<double> hypervolume(const PointSet& points, std::span<const double> reference) {
  if (Result<void> verdict = check_points(points); !verdict) {
    return tl::unexpected(std::move(verdict).error());
  }
  if (points.dimension > 3) {
    return fail(Errc::unsupported,
                "hypervolume has at most three components, found " + std::to_string(points.dimension));
  }
  if (reference.size() != points.dimension) {
    return fail(Errc::dimension_mismatch, "the reference has " + std::to_string(reference.size()) +
                                              " components, the points have " +
                                              std::to_string(points.dimension));
  }
  // Distances from the reference, the missing components being 1; the highest in the last component first.
  struct Box {
    Corner base;
    double top;
  };
  std::vector<Box> boxes;
  for (std::size_t at = 0; at < points.size(); ++at) {
    double sides[3] = {1.0, 1.0, 1.0};  // NOLINT(modernize-avoid-c-arrays)
    bool inside = true;
    for (std::size_t i = 0; i < points.dimension; ++i) {
      sides[i] = points[at][i] - reference[i];
      inside = inside && sides[i] > 0.0;  // also false for NaN
    }
    if (inside) {
      boxes.push_back({{sides[0], sides[1]}, sides[2]});
    }
  }
  std::ranges::sort(boxes, [](const Box& a, const Box& b) { return a.top > b.top; });
  // Between two tops lies the union of all rectangles whose box reaches so high.
  double volume = 0.0;
  std::vector<Corner> base;
  for (std::size_t k = 0; k < boxes.size(); ++k) {
    base.push_back(boxes[k].base);
    const double below = k + 1 < boxes.size() ? boxes[k + 1].top : 0.0;
    if (boxes[k].top > below) {
      volume += area(base) * (boxes[k].top - below);
    }
  }
  return volume;
}

}  // namespace attune
