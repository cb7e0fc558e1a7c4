// SPDX-License-Identifier: Apache-2.0
#include "policies/bayes/cholesky.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "core/target_clones.hpp"

namespace attune::detail {
namespace {

constexpr std::size_t kTile = PaddedMatrix::kTile;
constexpr std::size_t kScalars = 4;  // 4 x 8 sums stay in registers with AVX2 and NEON alike

using Tile = std::array<std::array<double, kTile>, kScalars>;

/// sums[q][r] -= scalars[k][q] * vectors[k][r] for k in [first, last), in that order: the bits do not depend
/// on how the compiler vectorises over r.
[[gnu::always_inline]] inline void subtract_products(Tile& sums, const double* scalars, const double* vectors,
                                                     std::size_t stride, std::size_t first,
                                                     std::size_t last) noexcept {
  Tile local = sums;
  for (std::size_t k = first; k < last; ++k) {
    const double* const s = scalars + k * stride;
    const double* const v = vectors + k * stride;
    for (std::size_t q = 0; q < kScalars; ++q) {
      for (std::size_t r = 0; r < kTile; ++r) {
        local[q][r] -= s[q] * v[r];
      }
    }
  }
  sums = local;
}

/// Factors the columns [first, first + kScalars), from which all earlier columns have been subtracted.
bool factor_panel(PaddedMatrix& m, std::size_t first) noexcept {
  for (std::size_t j = first; j < first + kScalars; ++j) {
    double* const column = m.column(j);
    for (std::size_t k = first; k < j; ++k) {
      const double* const earlier = m.column(k);
      const double scale = earlier[j];
      for (std::size_t i = j; i < m.padded(); ++i) {
        column[i] -= scale * earlier[i];
      }
    }
    if (!(column[j] > 0.0)) {  // NaN too
      return false;
    }
    const double root = std::sqrt(column[j]);
    column[j] = root;
    for (std::size_t i = j + 1; i < m.padded(); ++i) {
      column[i] /= root;
    }
  }
  return true;
}

}  // namespace

PaddedMatrix::PaddedMatrix(std::size_t size) : size_(size), padded_(pad(size)), entries_(padded_ * padded_) {
  for (std::size_t i = size_; i < padded_; ++i) {
    at(i, i) = 1.0;
  }
}

ATTUNE_TARGET_CLONES
double dot(const double* a, const double* b, std::size_t size) noexcept {
  std::array<double, kTile> lanes{};
  for (std::size_t i = 0; i < size; i += kTile) {
    for (std::size_t r = 0; r < kTile; ++r) {
      lanes[r] += a[i + r] * b[i + r];
    }
  }
  return ((lanes[0] + lanes[4]) + (lanes[2] + lanes[6])) + ((lanes[1] + lanes[5]) + (lanes[3] + lanes[7]));
}

ATTUNE_TARGET_CLONES
bool cholesky(PaddedMatrix& matrix) noexcept {
  const std::size_t n = matrix.padded();
  for (std::size_t j = 1; j < n; ++j) {
    std::fill_n(matrix.column(j), j, 0.0);
  }
  for (std::size_t j = 0; j < n; j += kScalars) {
    const double* const entries = matrix.column(0);
    for (std::size_t i = j / kTile * kTile; i < n; i += kTile) {
      Tile sums;
      for (std::size_t q = 0; q < kScalars; ++q) {
        std::copy_n(matrix.column(j + q) + i, kTile, sums[q].begin());
      }
      subtract_products(sums, entries + j, entries + i, n, 0, j);
      for (std::size_t q = 0; q < kScalars; ++q) {
        for (std::size_t r = 0; r < kTile; ++r) {
          if (i + r >= j + q) {  // the upper half stays zero
            matrix.at(i + r, j + q) = sums[q][r];
          }
        }
      }
    }
    if (!factor_panel(matrix, j)) {
      return false;
    }
  }
  return true;
}

ATTUNE_TARGET_CLONES
void solve_lower(const PaddedMatrix& factor, std::span<double> x) noexcept {
  const std::size_t n = factor.padded();
  for (std::size_t j = 0; j < factor.size(); ++j) {
    const double* const column = factor.column(j);
    const double solved = x[j] / column[j];
    x[j] = solved;
    for (std::size_t i = j + 1; i < n; ++i) {
      x[i] -= solved * column[i];
    }
  }
}

ATTUNE_TARGET_CLONES
void solve_upper(const PaddedMatrix& factor, std::span<double> x) noexcept {
  const std::size_t n = factor.padded();
  for (std::size_t j = factor.size(); j-- > 0;) {
    const double* const column = factor.column(j);
    const double right = x[j];
    x[j] = 0.0;  // its own term; those above it meet the factor's zeros
    const std::size_t from = j / kTile * kTile;
    x[j] = (right - dot(column + from, x.data() + from, n - from)) / column[j];
  }
}

ATTUNE_TARGET_CLONES
PaddedMatrix inverse(const PaddedMatrix& factor) {
  // Row k of X = L^-1 is column k of `x`: X(i, :) = (e_i - sum over k < i of L(i, k) X(k, :)) / L(i, i).
  const std::size_t n = factor.padded();
  PaddedMatrix x(factor.size());
  for (std::size_t i = 0; i < n; i += kScalars) {
    for (std::size_t c = 0; c < i + kScalars; c += kTile) {
      Tile sums{};
      for (std::size_t q = 0; q < kScalars; ++q) {
        if (i + q >= c && i + q < c + kTile) {
          sums[q][i + q - c] = 1.0;
        }
      }
      subtract_products(sums, factor.column(0) + i, x.column(0) + c, n, c, i);  // X(k, c...) = 0 for k < c
      for (std::size_t q = 0; q < kScalars; ++q) {
        for (std::size_t p = 0; p < q; ++p) {
          const double scale = factor.at(i + q, i + p);
          for (std::size_t r = 0; r < kTile; ++r) {
            sums[q][r] -= scale * sums[p][r];
          }
        }
        for (std::size_t r = 0; r < kTile; ++r) {
          sums[q][r] /= factor.at(i + q, i + q);
        }
        std::copy_n(sums[q].begin(), kTile, x.column(i + q) + c);
      }
    }
  }
  // (L L^T)^-1 = X^T X; X(k, :) is zero beyond k.
  PaddedMatrix out(factor.size());
  for (std::size_t j = 0; j < n; j += kScalars) {
    for (std::size_t i = j / kTile * kTile; i < n; i += kTile) {
      Tile sums{};
      subtract_products(sums, x.column(0) + j, x.column(0) + i, n, i, n);
      for (std::size_t q = 0; q < kScalars; ++q) {
        for (std::size_t r = 0; r < kTile; ++r) {
          out.at(i + r, j + q) = -sums[q][r];
        }
      }
    }
  }
  return out;
}

}  // namespace attune::detail
