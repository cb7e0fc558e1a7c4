// SPDX-License-Identifier: Apache-2.0
// Saving and loading a RidgeBank.
#include <attune/core/ridge_bank.hpp>

#include <algorithm>
#include <cmath>
#include <utility>

#include "core/kernels.hpp"
#include "core/ridge_limits.hpp"

namespace attune {
namespace {

using detail::finite_probe;
using detail::kLanes;
using detail::packed_at;
using detail::packed_size;
using detail::refresh_limit;

// Columns stored in the strip of a row.
std::size_t stored_columns(std::size_t row) noexcept { return (row / kLanes + 1) * kLanes; }

}  // namespace

void RidgeBank::save(Writer& writer) const {
  writer.u64(dimension_);
  writer.u64(count());
  for (const Numbers* part : {&precision_, &covariance_, &response_, &coefficients_}) {
    writer.numbers(std::span<const double>(*part));
  }
  writer.numbers(drift_);
  writer.numbers(learned_);
}

void RidgeBank::load(Reader& reader) {
  const std::uint64_t dimension = reader.u64();
  const std::uint64_t models = reader.u64();
  if (!reader.ok() || dimension != dimension_ || models > kMaxNumbers / std::max<std::size_t>(1, stride_) ||
      models > reader.left() / sizeof(double)) {
    reader.fail_now();
    return;
  }
  RidgeBank read(0, dimension_, ridge_, forgetting_);
  const auto exactly = [&](std::size_t size) {
    const std::vector<double> numbers = reader.numbers<double>(size);
    if (numbers.size() != size) {
      reader.fail_now();
    }
    return Numbers(numbers.begin(), numbers.end());
  };
  read.precision_ = exactly(models * stride_);
  read.covariance_ = exactly(models * stride_);
  read.response_ = exactly(models * length_);
  read.coefficients_ = exactly(models * length_);
  read.drift_ = reader.numbers<double>(models);
  read.learned_ = reader.numbers<std::uint64_t>(models);
  if (!reader.ok() || read.drift_.size() != models || read.learned_.size() != models || !read.plausible()) {
    reader.fail_now();
    return;
  }
  read.start_coarse();
  *this = std::move(read);
}

// Whether every number is one that learning could have left: finite, padding zero, mirror images equal,
// diagonals in range and no entry of A above its diagonal.
bool RidgeBank::plausible() const noexcept {
  double probe = 0.0;
  for (const Numbers* part : {&precision_, &covariance_, &response_, &coefficients_}) {
    for (const double value : *part) {
      probe += finite_probe(value);
    }
  }
  if (probe != 0.0) {
    return false;
  }
  const double least = 0.5 * ridge_ * ridge_memory_;
  for (std::size_t model = 0; model < count(); ++model) {
    const double* a = precision_.data() + (model * stride_);
    const double* p = covariance_.data() + (model * stride_);
    for (std::size_t i = 0; i < length_; ++i) {
      const double limit = 1.001 * a[packed_at(i, i)];
      for (std::size_t j = 0; j < stored_columns(i); ++j) {
        const bool inside = i < dimension_ && j < dimension_;
        const std::size_t at = packed_size(i / kLanes) + (j * kLanes) + (i % kLanes);
        const bool mirrored = a[at] == a[packed_at(j, i)] && p[at] == p[packed_at(j, i)];
        const bool bounded = std::abs(a[at]) <= std::max(limit, 1.001 * a[packed_at(j, j)]);
        if (inside ? !(mirrored && bounded) : (a[at] != 0.0 || p[at] != 0.0)) {
          return false;
        }
      }
      const bool real = i < dimension_;
      const std::size_t place = (model * length_) + i;
      if (real ? !(a[packed_at(i, i)] >= least && p[packed_at(i, i)] >= 0.0)
               : (response_[place] != 0.0 || coefficients_[place] != 0.0)) {
        return false;
      }
    }
    if (!(drift_[model] >= 0.0 && drift_[model] <= refresh_limit(dimension_))) {
      return false;
    }
  }
  return true;
}

bool RidgeBank::operator==(const RidgeBank& other) const noexcept {
  return dimension_ == other.dimension_ && ridge_ == other.ridge_ && forgetting_ == other.forgetting_ &&
         learned_ == other.learned_ && drift_ == other.drift_ && precision_ == other.precision_ &&
         covariance_ == other.covariance_ && response_ == other.response_ &&
         coefficients_ == other.coefficients_;
}

}  // namespace attune
