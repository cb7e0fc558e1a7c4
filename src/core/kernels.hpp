// SPDX-License-Identifier: Apache-2.0
/// @file
/// Vector and packed-matrix kernels with one result, bit for bit, on every instruction set.
///
/// Each kernel works on eight lanes in a fixed order, whatever the machine's registers hold, and multiplies
/// and adds separately (-ffp-contract=off). The same source is compiled for several instruction sets and the
/// widest that the machine has is chosen once.
///
/// Packed symmetric matrices: rows come in strips of eight; strip i holds columns 0 ... 8i+7 as blocks of 8 x
/// 8, column-major inside a block. That is the lower triangle with whole blocks on the diagonal: half the
/// memory of the full matrix, read front to back, with whole vectors only. Dimensions are padded to a
/// multiple of eight with zeros, which every kernel keeps zero.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace attune::detail {

inline constexpr std::size_t kLanes = 8;

/// Strips of eight that hold `size` numbers.
[[nodiscard]] constexpr std::size_t strip_count(std::size_t size) noexcept {
  return (size + kLanes - 1) / kLanes;
}
/// `size` rounded up to whole strips.
[[nodiscard]] constexpr std::size_t padded_size(std::size_t size) noexcept {
  return strip_count(size) * kLanes;
}
/// Numbers in a packed matrix of `strips` strips.
[[nodiscard]] constexpr std::size_t packed_size(std::size_t strips) noexcept {
  return kLanes * kLanes * (strips * (strips + 1) / 2);
}
/// Place of entry (row, column) in a packed matrix.
[[nodiscard]] constexpr std::size_t packed_at(std::size_t row, std::size_t column) noexcept {
  const std::size_t r = row / kLanes < column / kLanes ? column : row;
  const std::size_t c = row + column - r;
  return packed_size(r / kLanes) + (c * kLanes) + (r % kLanes);
}

/// A vector of whole strips that borrows all but the last from the caller: `strip(i)` is `head + 8 i` while
/// i < head_strips, then `tail`. The last strip is padded with zeros.
struct StripVector {
  const double* head = nullptr;
  std::size_t head_strips = 0;
  std::size_t strips = 0;
  alignas(64) std::array<double, kLanes> tail{};

  StripVector() = default;
  /// `values`, then `appended` where `with_appended`; nothing is copied but the last strip.
  StripVector(std::span<const double> values, bool with_appended, double appended) noexcept
      : head(values.data()), head_strips(values.size() / kLanes), strips(head_strips) {
    const std::size_t done = head_strips * kLanes;
    const std::size_t rest = values.size() - done;
    for (std::size_t i = 0; i < rest; ++i) {
      tail[i] = values[done + i];
    }
    if (with_appended) {
      tail[rest] = appended;
    }
    if (rest > 0 || with_appended) {
      ++strips;
    }
  }
  [[nodiscard]] const double* strip(std::size_t i) const noexcept {
    return i < head_strips ? head + (i * kLanes) : tail.data();
  }
  [[nodiscard]] double operator[](std::size_t i) const noexcept { return strip(i / kLanes)[i % kLanes]; }
};

/// Entries up to here are told apart in a coarse copy.
inline constexpr double kLargestCoarse = 1e30;

/// A vector divided by its largest magnitude and rounded to float, for scores that need not be exact.
struct CoarseVector {
  double largest = 0.0;  ///< magnitude that became 1
  double sum = 0.0;      ///< of the magnitudes after division
  double squares = 0.0;  ///< of their squares
  std::size_t strips = 0;
  static constexpr std::size_t kMaxSize = 4096;
  alignas(64) std::array<float, kMaxSize> values;  // NOLINT: as much as is used is written

  /// `x` has at most kMaxSize numbers.
  explicit CoarseVector(const StripVector& x) noexcept;
};

/// What a standardised number is cut at and multiplied with.
struct StandardForm {
  double reach = 0.0;
  double size = 1.0;
};

/// One implementation of all kernels. Pointers need no alignment; 64 bytes is faster.
struct Kernels {
  const char* name;
  /// sum of a[i] b[i].
  double (*dot)(const double* a, const double* b, std::size_t size) noexcept;
  /// y[i] += factor x[i].
  void (*axpy)(double* y, double factor, const double* x, std::size_t size) noexcept;
  /// For each k < count and m = which[k]: mean[k] = coefficients_m . x and form[k] = x' M_m x, where M_m
  /// starts at matrices + m packed_size(strips) and coefficients_m at coefficients + 8 m strips.
  void (*packed_scores)(const double* matrices, const double* coefficients, const StripVector& x,
                        const std::uint32_t* which, std::size_t count, double* mean, double* form) noexcept;
  /// The forms alone, in floats, of matrices as packed_coarsen leaves them; x padded to `strips` whole
  /// strips.
  void (*packed_coarse_forms)(const std::uint32_t* matrices, const float* x, std::size_t strips,
                              const std::uint32_t* which, std::size_t count, double* form) noexcept;
  /// Rounds a packed matrix to 8 significant bits, entries of two neighbouring columns in a word, and what is
  /// beyond kLargestCoarse to that; gives the largest magnitude and the squared Frobenius norm of what
  /// rounding left of the whole matrix.
  void (*packed_coarsen)(const double* matrix, std::size_t strips, std::uint32_t* coarse, double* largest,
                         double* lost) noexcept;
  /// The means alone, the same bits as from packed_scores.
  void (*packed_means)(const double* coefficients, const StripVector& x, const std::uint32_t* which,
                       std::size_t count, double* mean) noexcept;
  /// out[8 g + lane] = sum over i < size of weights[(g size + i) 8 + lane] x[i], for g < groups: eight models
  /// side by side. The even i and the odd ones are summed apart.
  void (*group_scores)(const double* weights, const double* x, std::size_t size, std::size_t groups,
                       double* out) noexcept;
  /// weights[8 i + lane] += factors[lane] x[i], for i < size: one group of eight.
  void (*group_axpy)(double* weights, const double* factors, const double* x, std::size_t size) noexcept;
  /// product[i] = v[i] x[i]; returns the sum of product[i] x[i]. `size` is a multiple of eight.
  double (*weigh)(const double* v, const double* x, std::size_t size, double* product) noexcept;
  /// y[i] -= factor x[i]^2. `size` is a multiple of eight.
  void (*subtract_squares)(double* y, double factor, const double* x, std::size_t size) noexcept;
  /// z[i] = size * (x[i] - centre[i]) factor[i], cut at +-reach before `size`; -reach where it is NaN, and 0
  /// where factor[i] is 0; for i < count. z overlaps none of the others.
  void (*standardise)(const double* x, const double* centre, const double* factor, std::size_t count,
                      const StandardForm& form, double* z) noexcept;
  /// out = M x, all strips written.
  void (*packed_multiply)(const double* matrix, const StripVector& x, double* out) noexcept;
  /// M = scale M + left right', for left and right parallel (the result is symmetric); both padded.
  void (*packed_rank_one)(double* matrix, std::size_t strips, double scale, const double* left,
                          const double* right) noexcept;
};

/// The kernels for this machine.
[[nodiscard]] const Kernels& kernels() noexcept;
/// Every implementation that this machine can run, portable one first: for tests.
[[nodiscard]] std::span<const Kernels* const> all_kernels() noexcept;

}  // namespace attune::detail
