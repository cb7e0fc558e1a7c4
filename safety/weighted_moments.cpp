// SPDX-License-Identifier: Apache-2.0
#include <attune/safety/weighted_moments.hpp>

namespace attune {

void WeightedMoments::save(Writer& writer) const {
  writer.u64(count_);
  writer.f64(mean_);
  writer.f64(variance_);
  writer.f64(squares_);
}

void WeightedMoments::load(Reader& reader) noexcept {
  WeightedMoments loaded;
  loaded.count_ = reader.u64();
  loaded.mean_ = reader.finite();
  loaded.variance_ = reader.finite();
  loaded.squares_ = reader.finite();
  constexpr double kLargest = 1e151;
  if (std::fabs(loaded.mean_) > kLargest || loaded.variance_ < 0.0 ||
      loaded.variance_ > kLargest * kLargest || loaded.squares_ < 0.0 || loaded.squares_ > 1.0) {
    reader.fail_now();
  }
  if (reader.ok()) {
    *this = loaded;
  }
}

}  // namespace attune
