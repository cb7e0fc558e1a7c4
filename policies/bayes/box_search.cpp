// SPDX-License-Identifier: Apache-2.0
#include "policies/bayes/box_search.hpp"

#include <algorithm>
#include <cmath>

namespace attune::detail {
namespace {

using Vector = std::vector<double>;

double inner(std::span<const double> a, std::span<const double> b) noexcept {
  double sum = 0.0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    sum += a[i] * b[i];
  }
  return sum;
}

/// One run of the search, with its inverse Hessian estimate (dense, row-major).
class Search {
 public:
  Search(const SmoothFunction& function, std::span<const double> start, std::span<const double> low,
         std::span<const double> high, const BoxSearchOptions& options)
      : function_(function),
        low_(low),
        high_(high),
        options_(options),
        size_(start.size()),
        x_(start.begin(), start.end()),
        gradient_(size_),
        next_(size_),
        next_gradient_(size_),
        direction_(size_),
        held_(size_),
        inverse_hessian_(size_ * size_) {
    project(x_);
    value_ = evaluate(x_, gradient_);
  }

  BoxSearchResult run() {
    reset_hessian();
    while (std::isfinite(value_) && evaluations_ < options_.max_evaluations && find_held() && step()) {
    }
    return {std::move(x_), value_, evaluations_};
  }

 private:
  double evaluate(std::span<const double> x, std::span<double> gradient) {
    ++evaluations_;
    const double value = function_(x, gradient);
    const bool usable =
        std::isfinite(value) && std::ranges::all_of(gradient, [](double g) { return std::isfinite(g); });
    return usable ? value : HUGE_VAL;
  }

  void project(Vector& x) const noexcept {
    for (std::size_t i = 0; i < size_; ++i) {
      x[i] = std::clamp(x[i], low_[i], high_[i]);
    }
  }

  void reset_hessian() noexcept {
    std::ranges::fill(inverse_hessian_, 0.0);
    for (std::size_t i = 0; i < size_; ++i) {
      inverse_hessian_[i * size_ + i] = 1.0;
    }
    fresh_ = true;
  }

  /// Marks the coordinates that a bound holds. False at a stationary point.
  bool find_held() noexcept {
    double steepest = 0.0;
    for (std::size_t i = 0; i < size_; ++i) {
      const double g = gradient_[i];
      held_[i] = (x_[i] <= low_[i] && g > 0.0) || (x_[i] >= high_[i] && g < 0.0) ? 1 : 0;
      steepest = held_[i] != 0 ? steepest : std::max(steepest, std::abs(g));
    }
    return steepest > options_.gradient_tolerance;
  }

  void find_direction() noexcept {
    for (std::size_t i = 0; i < size_; ++i) {
      double sum = 0.0;
      for (std::size_t j = 0; j < size_ && held_[i] == 0; ++j) {
        sum += held_[j] != 0 ? 0.0 : inverse_hessian_[i * size_ + j] * gradient_[j];
      }
      direction_[i] = -sum;
    }
  }

  /// One line search and update. False when no further decrease is to be had.
  bool step() {
    find_direction();
    if (!(inner(direction_, gradient_) < 0.0)) {
      if (fresh_) {
        return false;
      }
      reset_hessian();
      find_direction();
    }
    const double length = std::sqrt(inner(direction_, direction_));
    double scale = fresh_ ? std::min(1.0, options_.first_step / length) : 1.0;
    constexpr double kSufficient = 1e-4;
    while (evaluations_ < options_.max_evaluations) {
      for (std::size_t i = 0; i < size_; ++i) {
        next_[i] = x_[i] + scale * direction_[i];
      }
      project(next_);
      double slope = 0.0;  // along the projected step
      for (std::size_t i = 0; i < size_; ++i) {
        slope += gradient_[i] * (next_[i] - x_[i]);
      }
      if (!(slope < 0.0)) {
        break;
      }
      const double value = evaluate(next_, next_gradient_);
      if (value <= value_ + kSufficient * slope) {
        return accept(value);
      }
      const double curvature = value - value_ - slope;  // of the parabola through both values and the slope
      const double best = std::isfinite(curvature) && curvature > 0.0 ? -0.5 * slope / curvature : 0.1;
      scale *= std::clamp(best, 0.1, 0.5);
    }
    if (fresh_) {
      return false;
    }
    reset_hessian();  // perhaps only the estimate of the curvature was bad
    return true;
  }

  bool accept(double value) {
    Vector moved(size_);
    Vector turned(size_);
    for (std::size_t i = 0; i < size_; ++i) {
      moved[i] = next_[i] - x_[i];
      turned[i] = next_gradient_[i] - gradient_[i];
    }
    const bool settled = value_ - value <= options_.value_tolerance * (1.0 + std::abs(value));
    std::swap(x_, next_);
    std::swap(gradient_, next_gradient_);
    value_ = value;
    update_hessian(moved, turned);
    return !settled;
  }

  void update_hessian(const Vector& moved, const Vector& turned) {
    const double curvature = inner(moved, turned);
    const double turned_norm = inner(turned, turned);
    if (!(curvature > 1e-10 * std::sqrt(inner(moved, moved) * turned_norm))) {
      return;  // keeps the estimate positive definite
    }
    if (fresh_) {  // the first estimate of the scale (Nocedal, Wright, "Numerical Optimization",
                   // equation 6.20)
      for (double& entry : inverse_hessian_) {
        entry *= curvature / turned_norm;
      }
      fresh_ = false;
    }
    Vector image(size_);  // H y
    for (std::size_t i = 0; i < size_; ++i) {
      image[i] = inner(std::span(inverse_hessian_).subspan(i * size_, size_), turned);
    }
    const double factor = (1.0 + inner(turned, image) / curvature) / curvature;
    for (std::size_t i = 0; i < size_; ++i) {
      for (std::size_t j = 0; j < size_; ++j) {
        inverse_hessian_[i * size_ + j] +=
            factor * moved[i] * moved[j] - (image[i] * moved[j] + moved[i] * image[j]) / curvature;
      }
    }
  }

  const SmoothFunction& function_;
  std::span<const double> low_;
  std::span<const double> high_;
  const BoxSearchOptions& options_;
  std::size_t size_;
  std::size_t evaluations_ = 0;
  Vector x_;
  double value_ = 0.0;
  Vector gradient_;
  Vector next_;
  Vector next_gradient_;
  Vector direction_;
  std::vector<unsigned char> held_;
  Vector inverse_hessian_;
  bool fresh_ = true;  // the estimate is still the identity
};

}  // namespace

BoxSearchResult minimise_in_box(const SmoothFunction& function, std::span<const double> start,
                                std::span<const double> low, std::span<const double> high,
                                const BoxSearchOptions& options) {
  return Search(function, start, low, high, options).run();
}

}  // namespace attune::detail
