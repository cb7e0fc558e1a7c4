// SPDX-License-Identifier: Apache-2.0
#include <attune/policies/gradient_arms.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "core/kernels.hpp"
#include "policies/bandit/choosing.hpp"
#include "policies/learner/link.hpp"

namespace attune {

using detail::kernels;
using detail::kLanes;

namespace {

// No number of examples that are accepted leads beyond it.
constexpr double kLargestLinearWeight = 1e120;
constexpr double kMostSeenWeight = 1e300;

std::size_t whole_groups(std::size_t arms) noexcept { return detail::strip_count(arms); }

}  // namespace

GradientArms::GradientArms(std::size_t arms, std::size_t size, Loss loss)
    : size_(size), loss_(loss), stride_(detail::padded_size(size)), gain_(stride_) {
  const std::size_t groups = whole_groups(arms);
  weights_.reserve(groups * size_ * kLanes);
  variances_.reserve(arms * stride_);
  seen_.reserve(arms);
  spreads_.reserve(groups * kLanes);
  for (std::size_t arm = 0; arm < arms; ++arm) {
    add();
  }
}

std::size_t GradientArms::at(std::size_t arm, std::size_t i) const noexcept {
  return (((arm / kLanes) * size_) + i) * kLanes + (arm % kLanes);
}

void GradientArms::add() {
  // All memory first: what follows cannot throw half-way.
  const std::size_t groups = whole_groups(count_ + 1);
  detail::make_room(weights_, groups * size_ * kLanes);
  detail::make_room(variances_, (count_ + 1) * stride_);
  detail::make_room(seen_, count_ + 1);
  detail::make_room(spreads_, groups * kLanes);
  weights_.resize(groups * size_ * kLanes);
  variances_.resize((count_ + 1) * stride_);
  seen_.resize(count_ + 1);
  spreads_.resize(groups * kLanes);
  reset(count_++);
}

void GradientArms::reset(std::size_t arm) noexcept {
  for (std::size_t i = 0; i < size_; ++i) {
    weights_[at(arm, i)] = 0.0;
    variances_[(arm * stride_) + i] = kFirst;
  }
  set_seen(arm, 0.0);
}

void GradientArms::set_seen(std::size_t arm, double seen) noexcept {
  seen_[arm] = seen;
  spreads_[arm] = std::sqrt(kFirst / (1.0 + seen));
}

const double* GradientArms::all_scores(std::span<const double> z, double* mean) const noexcept {
  kernels().group_scores(weights_.data(), z.data(), size_, whole_groups(count_), mean);
  return spreads_.data();
}

void GradientArms::scores(std::span<const double> z, std::span<const std::uint32_t> which, double* mean,
                          double* spread) const noexcept {
  std::array<double, kLanes> group;  // NOLINT: written by the kernel before it is read
  std::size_t scored = whole_groups(count_);
  for (std::size_t i = 0; i < which.size(); ++i) {
    const std::size_t own = which[i] / kLanes;
    if (own != scored) {
      kernels().group_scores(weights_.data() + (own * size_ * kLanes), z.data(), size_, 1, group.data());
      scored = own;
    }
    mean[i] = group[which[i] % kLanes];
    spread[i] = spreads_[which[i]];
  }
}

// The sums of group_scores for one of the eight.
double GradientArms::score(std::size_t arm, std::span<const double> z) const noexcept {
  const double* const own = weights_.data() + at(arm, 0);
  double even = 0.0;
  double odd = 0.0;
  std::size_t i = 0;
  for (; i + 2 <= size_; i += 2) {
    even += own[i * kLanes] * z[i];
    odd += own[(i + 1) * kLanes] * z[i + 1];
  }
  return (i < size_ ? even + (own[i * kLanes] * z[i]) : even) + odd;
}

double GradientArms::learn(std::size_t arm, std::span<const double> z, double target,
                           double weight) noexcept {
  double* const variances = variances_.data() + (arm * stride_);
  double* const gain = gain_.data();
  const double spread = kernels().weigh(variances, z.data(), stride_, gain);
  const double own = score(arm, z);
  const detail::Move move =
      loss_ == Loss::logistic
          ? detail::logistic_move(own, detail::logistic_of(own), spread, target, weight,
                                  [](double s) noexcept { return detail::logistic_of(s); })
          : detail::squared_move(own, spread, target, weight);
  double* const weights = weights_.data() + at(arm, 0);
  for (std::size_t i = 0; i < size_; ++i) {
    weights[i * kLanes] += move.step * gain[i];
  }
  kernels().subtract_squares(variances, move.shrink, gain, stride_);
  set_seen(arm, seen_[arm] + weight);
  return own;
}

void GradientArms::learn_constant(std::size_t arm, double target, double weight) noexcept {
  const std::size_t last = size_ - 1;
  double& variance = variances_[(arm * stride_) + last];
  double& own = weights_[at(arm, last)];
  const detail::Move move =
      loss_ == Loss::logistic
          ? detail::logistic_move(own, detail::logistic_of(own), variance, target, weight,
                                  [](double s) noexcept { return detail::logistic_of(s); })
          : detail::squared_move(own, variance, target, weight);
  own += move.step * variance;
  variance -= move.shrink * variance * variance;
  set_seen(arm, seen_[arm] + weight);
}

void GradientArms::forget(std::size_t arm, double keep) noexcept {
  for (std::size_t i = 0; i < size_; ++i) {
    double& variance = variances_[(arm * stride_) + i];
    // Precisions add up: that of the prior stays, that of the rewards counts `keep`.
    const double grown = variance / (keep + (1.0 - keep) * (variance / kFirst));
    weights_[at(arm, i)] *= keep * (grown / variance);
    variance = std::min(grown, kFirst);
  }
  if (keep == 0.0) {
    reset(arm);
  } else {
    set_seen(arm, keep * seen_[arm]);
  }
}

// w.z for z = (new z - shift) / stretch.
void GradientArms::restate(std::span<const double> stretch, std::span<const double> shift) noexcept {
  for (std::size_t arm = 0; arm < count_; ++arm) {
    double constant = weights_[at(arm, size_ - 1)];
    for (std::size_t i = 0; i + 1 < size_; ++i) {
      double& own = weights_[at(arm, i)];
      own = stretch[i] > 0.0 ? own / stretch[i] : 0.0;
      own = std::clamp(own, -kLargestLinearWeight, kLargestLinearWeight);
      constant -= own * shift[i];
    }
    weights_[at(arm, size_ - 1)] = std::clamp(constant, -kLargestLinearWeight, kLargestLinearWeight);
  }
}

void GradientArms::save(Writer& writer) const {
  writer.numbers(std::span<const double>(weights_));
  writer.numbers(std::span<const double>(variances_));
  writer.numbers(seen_);
}

bool GradientArms::load(Reader& reader, std::size_t arms) {
  GradientArms next(0, size_, loss_);
  // Lengths are held against the bytes before anything is allocated for them.
  if (arms > reader.left() / (sizeof(double) * stride_)) {
    return false;
  }
  const std::size_t groups = whole_groups(arms);
  const auto aligned = [](const std::vector<double>& read) { return Numbers(read.begin(), read.end()); };
  next.weights_ = aligned(reader.exactly<double>(groups * size_ * kLanes));
  next.variances_ = aligned(reader.exactly<double>(arms * stride_));
  next.seen_ = reader.exactly<double>(arms);
  if (!reader.ok()) {
    return false;
  }
  const bool small = std::ranges::all_of(next.weights_, [](double weight) {
    return std::abs(weight) <= kLargestLinearWeight;  // not of NaN
  });
  bool sound = small;
  for (std::size_t arm = 0; arm < arms && sound; ++arm) {
    for (std::size_t i = 0; i < stride_; ++i) {
      const double variance = next.variances_[(arm * stride_) + i];
      sound = sound && (i < size_ ? variance > 0.0 && variance <= kFirst : variance == 0.0);
    }
    sound = sound && next.seen_[arm] >= 0.0 && next.seen_[arm] <= kMostSeenWeight;
  }
  if (!sound) {
    return false;
  }
  next.count_ = arms;
  next.spreads_.resize(groups * kLanes);
  for (std::size_t arm = 0; arm < arms; ++arm) {
    next.set_seen(arm, next.seen_[arm]);
  }
  *this = std::move(next);
  return true;
}

}  // namespace attune
