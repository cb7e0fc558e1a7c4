// SPDX-License-Identifier: Apache-2.0
#include <attune/policies/context_scaling.hpp>

#include <algorithm>
#include <cmath>
#include <utility>

#include "core/kernels.hpp"

namespace attune {
namespace {

constexpr double kLeastDeviation = 1e-10;  // of the mean
constexpr double kMostStretch = 1e6;       // beyond it the old scale said nothing of the new one

bool all_factors(std::span<const double> values) noexcept {
  return all_finite(values) && std::ranges::all_of(values, [](double value) { return value >= 0.0; });
}

}  // namespace

bool ContextScaling::can_note(Features x) const noexcept {
  const double count = static_cast<double>(noted_) + 1.0;
  double probe = 0.0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double before = x[i] - mean_[i];
    const double after = x[i] - (mean_[i] + before / count);
    probe += (squares_[i] + before * after) * 0.0;
  }
  return probe == 0.0;
}

void ContextScaling::note(Features x) noexcept {
  ++noted_;
  const auto count = static_cast<double>(noted_);
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double before = x[i] - mean_[i];
    mean_[i] += before / count;
    squares_[i] += before * (x[i] - mean_[i]);
  }
}

// One over the deviation of what has been noted; 0: constant.
double ContextScaling::factor_now(std::size_t i) const noexcept {
  const double deviation =
      noted_ > 0 ? std::sqrt(std::max(0.0, squares_[i]) / static_cast<double>(noted_)) : 0.0;
  const double factor = deviation > kLeastDeviation * std::abs(mean_[i]) ? 1.0 / deviation : 0.0;
  return std::isfinite(factor) ? factor : 0.0;
}

void ContextScaling::adopt() noexcept { adopt({}, {}); }

void ContextScaling::adopt(std::span<double> stretch, std::span<double> shift) noexcept {
  for (std::size_t i = 0; i < mean_.size(); ++i) {
    const double factor = factor_now(i);
    if (!stretch.empty()) {
      // What had no factor was 0 at its centre.
      const double ratio = factor_[i] > 0.0 ? factor / factor_[i] : 0.0;
      const double moved = (centre_[i] - mean_[i]) * factor;
      const bool known = ratio <= kMostStretch && std::abs(moved) <= kMostStretch;
      stretch[i] = known ? ratio : 0.0;
      shift[i] = known ? moved : 0.0;
    }
    centre_[i] = mean_[i];
    factor_[i] = factor;
  }
}

bool ContextScaling::moved(double part) const noexcept {
  for (std::size_t i = 0; i < mean_.size(); ++i) {
    const double factor = factor_now(i);
    const bool near = std::abs(factor - factor_[i]) <= part * factor_[i] &&
                      std::abs(mean_[i] - centre_[i]) * factor <= part;
    if (!near) {
      return true;
    }
  }
  return false;
}

double ContextScaling::widened_factor(Features x, std::size_t i) const noexcept {
  const double distance = std::abs(x[i] - centre_[i]);
  if (factor_[i] != 0.0 || !(distance > kLeastDeviation * std::abs(centre_[i]))) {
    return factor_[i];
  }
  const double factor = kReach / distance;
  return std::isfinite(factor) ? factor : 0.0;
}

void ContextScaling::widen(Features x) noexcept {
  for (std::size_t i = 0; i < x.size(); ++i) {
    factor_[i] = widened_factor(x, i);
  }
}

void ContextScaling::reset() noexcept {
  noted_ = 0;
  for (std::vector<double>* const numbers : {&mean_, &squares_, &centre_, &factor_}) {
    std::ranges::fill(*numbers, 0.0);
  }
}

double ContextScaling::scaled(Features x, std::size_t i) const noexcept {
  // Without the branch an infinite difference times 0 would be no number.
  return factor_[i] == 0.0 ? 0.0 : std::clamp((x[i] - centre_[i]) * factor_[i], -kReach, kReach);
}

double ContextScaling::widened(Features x, std::size_t i) const noexcept {
  const double factor = widened_factor(x, i);
  return factor == 0.0 ? 0.0 : std::clamp((x[i] - centre_[i]) * factor, -kReach, kReach);
}

void ContextScaling::apply(Features x, double size, double* z) const noexcept {
  detail::kernels().standardise(x.data(), centre_.data(), factor_.data(), x.size(),
                                {.reach = kReach, .size = size}, z);
}

void ContextScaling::save(Writer& writer) const {
  writer.u64(noted_);
  writer.numbers(mean_);
  writer.numbers(squares_);
  writer.numbers(centre_);
  writer.numbers(factor_);
}

bool ContextScaling::load(Reader& reader) {
  const std::size_t size = features();
  ContextScaling next(0);
  next.noted_ = reader.u64();
  next.mean_ = reader.numbers<double>(size);
  next.squares_ = reader.numbers<double>(size);
  next.centre_ = reader.numbers<double>(size);
  next.factor_ = reader.numbers<double>(size);
  const bool sizes = next.mean_.size() == size && next.squares_.size() == size &&
                     next.centre_.size() == size && next.factor_.size() == size;
  if (!reader.ok() || !sizes || !all_finite(next.mean_) || !all_finite(next.squares_) ||
      !all_finite(next.centre_) || !all_factors(next.factor_)) {
    return false;
  }
  *this = std::move(next);
  return true;
}

}  // namespace attune
