// SPDX-License-Identifier: Apache-2.0
/// @file
/// Cholesky factor, solves and inverse with a fixed order of summation.
///
/// Own code because proposals must not depend on the machine: Eigen's blocked products choose their block
/// sizes, and with them the order of their sums, by the processor's caches, and fuse multiply-add on ARM. The
/// tests hold this against Eigen's LLT.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace attune::detail {

/// A square matrix, column-major; both sides are padded to a multiple of kTile, so that no loop has a
/// remainder.
class PaddedMatrix {
 public:
  static constexpr std::size_t kTile = 8;

  PaddedMatrix() = default;
  /// Zero, with ones on the padding's diagonal.
  explicit PaddedMatrix(std::size_t size);

  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] std::size_t padded() const noexcept { return padded_; }
  [[nodiscard]] double& at(std::size_t row, std::size_t column) noexcept {
    return entries_[column * padded_ + row];
  }
  [[nodiscard]] double at(std::size_t row, std::size_t column) const noexcept {
    return entries_[column * padded_ + row];
  }
  [[nodiscard]] double* column(std::size_t index) noexcept { return entries_.data() + index * padded_; }
  [[nodiscard]] const double* column(std::size_t index) const noexcept {
    return entries_.data() + index * padded_;
  }

  [[nodiscard]] static constexpr std::size_t pad(std::size_t size) noexcept {
    return (size + kTile - 1) / kTile * kTile;
  }

 private:
  std::size_t size_ = 0;
  std::size_t padded_ = 0;
  std::vector<double> entries_;
};

/// Replaces a symmetric matrix, of which only the lower half is read, by its lower Cholesky factor; the upper
/// half becomes zero. False when it is not positive definite; the content is then unspecified.
[[nodiscard]] bool cholesky(PaddedMatrix& matrix) noexcept;

/// x := L^-1 x. `x` has factor.padded() entries, zero from size() on.
void solve_lower(const PaddedMatrix& factor, std::span<double> x) noexcept;
/// x := L^-T x, likewise.
void solve_upper(const PaddedMatrix& factor, std::span<double> x) noexcept;

/// The lower half of (L L^T)^-1; the upper half is unspecified.
[[nodiscard]] PaddedMatrix inverse(const PaddedMatrix& factor);

/// Sum of products in eight lanes, combined in a fixed tree. The size is a multiple of kTile.
[[nodiscard]] double dot(const double* a, const double* b, std::size_t size) noexcept;

}  // namespace attune::detail
