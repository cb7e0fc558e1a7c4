// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>

#include <attune/core/ridge_bank.hpp>

#include "core/kernels.hpp"
#include "core/ridge_limits.hpp"

namespace attune {

using detail::finite_probe;
using detail::packed_at;

// With z the old and R z + s the new features, and u, n the sums of z and of 1 that the constant's row holds,
// the data's part S = A - ridge I becomes R S R + R u s' + s u'R + n s s'.
void RidgeBank::rescale(std::size_t model, std::span<const double> factor,
                        std::span<const double> shift) noexcept {
  const std::size_t constant = dimension_ - 1;
  double* const precision = precision_.data() + (model * stride_);
  double* const response = response_.data() + (model * length_);
  double* const sums = left_.data();
  for (std::size_t i = 0; i < constant; ++i) {
    sums[i] = precision[packed_at(i, constant)];
  }
  const double number = precision[packed_at(constant, constant)] - ridge_;
  double probe = 0.0;
  const auto set = [&](std::size_t i, std::size_t j, double value) {
    precision[packed_at(i, j)] = value;
    if (i / detail::kLanes == j / detail::kLanes) {  // diagonal blocks hold both images
      precision[detail::packed_size(i / detail::kLanes) + (i * detail::kLanes) + (j % detail::kLanes)] =
          value;
    }
    probe += finite_probe(value);
  };
  for (std::size_t i = 0; i < constant; ++i) {
    const double own = precision[packed_at(i, i)] - ridge_;
    const double square = (factor[i] * factor[i] * own) + (2.0 * factor[i] * shift[i] * sums[i]) +
                          (number * shift[i] * shift[i]);
    set(i, i, ridge_ + std::max(0.0, square));
  }
  for (std::size_t i = 0; i < constant; ++i) {
    const double mine = precision[packed_at(i, i)];
    for (std::size_t j = 0; j < i; ++j) {
      const double value = (factor[i] * factor[j] * precision[packed_at(i, j)]) +
                           (factor[i] * sums[i] * shift[j]) + (shift[i] * sums[j] * factor[j]) +
                           (number * shift[i] * shift[j]);
      const double most = std::max(mine, precision[packed_at(j, j)]);  // but for rounding
      set(i, j, std::clamp(value, -most, most));
    }
  }
  for (std::size_t i = 0; i < constant; ++i) {
    const double most = std::max(precision[packed_at(i, i)], precision[packed_at(constant, constant)]);
    const double value = (factor[i] * sums[i]) + (number * shift[i]);
    set(constant, i, std::clamp(value, -most, most));
    response[i] = (factor[i] * response[i]) + (shift[i] * response[constant]);
    probe += finite_probe(response[i]);
  }
  if (probe != 0.0) {
    reset(model);
  } else {
    refresh(model);
  }
}

}  // namespace attune
