// SPDX-License-Identifier: Apache-2.0
#include <attune/safety/robust_scale.hpp>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

namespace attune {
namespace {

constexpr double kTiny = 1e-300;

// Halves first: the sum of two finite values may overflow.
[[nodiscard]] double middle(double low, double high) noexcept { return 0.5 * low + 0.5 * high; }

template <std::size_t N>
[[nodiscard]] double median_of(std::array<double, N> values) noexcept {
  std::sort(values.begin(), values.end());
  return middle(values[N / 2 - 1], values[N / 2]);
}

}  // namespace

bool RobustScale::learn(double value) noexcept {
  if (seen_ < kWarmUp) {
    first_[seen_] = value;
    ++seen_;
    if (seen_ == kWarmUp) {
      freeze();
    }
    return seen_ == kWarmUp;
  }
  ++seen_;
  if (seen_ >= 64 && std::has_single_bit(seen_)) {
    // The stretch since the last look is half of what was seen.
    if (static_cast<double>(clipped_ - clipped_then_) > 0.02 * 0.5 * seen_ + 1.0) {
      limit_ *= 2.0;
    }
    clipped_then_ = clipped_;
  }
  return true;
}

void RobustScale::freeze() noexcept {
  center_ = median_of(first_);
  std::array<double, kWarmUp> deviation{};
  double largest = 0.0;
  for (std::size_t i = 0; i < kWarmUp; ++i) {
    // |x - center| of huge values of both signs is infinite; the largest double will do.
    deviation[i] = std::min(std::fabs(first_[i] - center_), std::numeric_limits<double>::max());
    largest = std::max(largest, deviation[i]);
  }
  if (largest == 0.0) {
    return;
  }
  double scale = 1.4826 * median_of(deviation);
  if (scale == 0.0) {
    double mean = 0.0;
    double squares = 0.0;
    for (std::size_t i = 0; i < kWarmUp; ++i) {
      const double share = (first_[i] / largest - center_ / largest) / static_cast<double>(kWarmUp);
      mean += share;
      squares += share * share * static_cast<double>(kWarmUp);
    }
    scale = largest * std::sqrt(std::max(squares - mean * mean, 0.0));
  }
  inverse_ = 1.0 / std::clamp(scale, kTiny, 1.0 / kTiny);
}

double RobustScale::odd(double value, double score) noexcept {
  if (inverse_ == 0.0) {
    if (value == center_) {
      return 0.0;
    }
    inverse_ = 1.0 / std::clamp(std::fabs(value - center_), kTiny, 1.0 / kTiny);
    score = (value - center_) * inverse_;
    if (std::fabs(score) <= limit_) {
      return score;
    }
  }
  ++clipped_;
  return std::copysign(limit_, score);
}

void RobustScale::save(Writer& writer) const {
  writer.u32(seen_);
  writer.f64(center_);
  writer.f64(inverse_);
  writer.f64(limit_);
  writer.u64(clipped_);
  writer.u64(clipped_then_);
  for (std::size_t i = 0; i < std::min<std::size_t>(seen_, kWarmUp); ++i) {
    writer.f64(first_[i]);
  }
}

void RobustScale::load(Reader& reader) noexcept {
  RobustScale loaded;
  loaded.seen_ = reader.u32();
  loaded.center_ = reader.finite();
  loaded.inverse_ = reader.finite();
  loaded.limit_ = reader.finite();
  loaded.clipped_ = reader.u64();
  loaded.clipped_then_ = reader.u64();
  for (std::size_t i = 0; i < std::min<std::size_t>(loaded.seen_, kWarmUp); ++i) {
    loaded.first_[i] = reader.finite();
  }
  if (loaded.seen_ > kLearning || loaded.inverse_ < 0.0 || loaded.clipped_then_ > loaded.clipped_ ||
      loaded.limit_ < kLimit || loaded.limit_ > 32.0 * kLimit) {
    reader.fail_now();
  }
  if (reader.ok()) {
    *this = loaded;
  }
}

}  // namespace attune
