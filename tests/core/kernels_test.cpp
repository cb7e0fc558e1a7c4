// SPDX-License-Identifier: Apache-2.0
// Every implementation that this machine can run is held, bit for bit, against the plain loops below, which
// follow the order of operations that src/core/kernels.hpp promises.
#include "core/kernels.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <numeric>
#include <set>
#include <span>
#include <vector>

#include <gtest/gtest.h>

#include <attune/core/rng.hpp>

namespace attune::detail::kernels_test {
namespace {

using Vector = std::vector<double>;
using Lane = std::array<double, kLanes>;

Vector random_vector(std::size_t size, std::uint64_t seed) {
  Rng rng(seed);
  Vector values(size);
  for (double& value : values) {
    value = rng.uniform() * 4.0 - 2.0;
  }
  return values;
}

// Packed symmetric matrix with the padding zero, as everywhere.
Vector random_packed(std::size_t dimension, std::uint64_t seed) {
  Rng rng(seed);
  Vector packed(packed_size(strip_count(dimension)), 0.0);
  for (std::size_t i = 0; i < dimension; ++i) {
    for (std::size_t j = 0; j <= i; ++j) {
      const double value = rng.uniform() * 2.0 - 1.0;
      packed[packed_at(i, j)] = value;
      if (i / kLanes == j / kLanes) {
        packed[packed_size(i / kLanes) + (i * kLanes) + (j % kLanes)] = value;
      }
    }
  }
  return packed;
}

double fold(const Lane& lane) {
  return ((lane[0] + lane[4]) + (lane[2] + lane[6])) + ((lane[1] + lane[5]) + (lane[3] + lane[7]));
}

double plain_dot(const Vector& a, const Vector& b) {
  std::array<Lane, 2> sum{};
  std::size_t i = 0;
  for (std::size_t strip = 0; i + kLanes <= a.size(); i += kLanes, ++strip) {
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      sum.at(strip % 2).at(lane) += a[i + lane] * b[i + lane];
    }
  }
  for (std::size_t lane = 0; lane < kLanes; ++lane) {
    sum[0].at(lane) += sum[1].at(lane);
  }
  double total = fold(sum[0]);
  for (; i < a.size(); ++i) {
    total += a[i] * b[i];
  }
  return total;
}

struct Score {
  double mean = 0.0;
  double form = 0.0;
};

Score plain_score(const double* matrix, const double* coefficient, const StripVector& x) {
  Lane means{};
  Lane forms{};
  for (std::size_t strip = 0; strip < x.strips; ++strip) {
    std::array<Lane, 2> sum{};
    for (std::size_t column = 0; column < (strip + 1) * kLanes; ++column) {
      if (column == strip * kLanes) {
        for (std::size_t lane = 0; lane < kLanes; ++lane) {
          sum[0].at(lane) *= 2.0;
          sum[1].at(lane) *= 2.0;
        }
      }
      for (std::size_t lane = 0; lane < kLanes; ++lane) {
        sum.at(column % 2).at(lane) += matrix[packed_size(strip) + (column * kLanes) + lane] * x[column];
      }
    }
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      const double mine = x.strip(strip)[lane];
      forms.at(lane) += (sum[0].at(lane) + sum[1].at(lane)) * mine;
      means.at(lane) += coefficient[(strip * kLanes) + lane] * mine;
    }
  }
  return {fold(means), fold(forms)};
}

void expect_same_bits(double a, double b) {
  EXPECT_EQ(std::bit_cast<std::uint64_t>(a), std::bit_cast<std::uint64_t>(b));
}

TEST(Kernels, ThereIsAnImplementationAndTheWidestIsChosen) {
  ASSERT_FALSE(all_kernels().empty());
  EXPECT_EQ(&kernels(), all_kernels().back());
}

TEST(Kernels, PackedPlacesAreDistinctAndSymmetric) {
  constexpr std::size_t kDimension = 29;
  std::set<std::size_t> places;
  for (std::size_t i = 0; i < kDimension; ++i) {
    for (std::size_t j = 0; j < kDimension; ++j) {
      const std::size_t place = packed_at(i, j);
      ASSERT_LT(place, packed_size(strip_count(kDimension)));
      places.insert(place);
      if (i / kLanes != j / kLanes) {
        EXPECT_EQ(place, packed_at(j, i));
      }
    }
  }
  // 6 pairs of different strips hold one image each, the diagonal blocks both: 6 * 64 less the padding of the
  // last strip (3 of its rows, in 3 blocks), plus 3 * 64 and 5 * 5.
  EXPECT_EQ(places.size(), 3U * 64U + 3U * 40U + 3U * 64U + 25U);
}

TEST(Kernels, StripVectorAppendsAndPads) {
  const Vector values = random_vector(15, 1);
  const StripVector with(values, true, 1.0);
  ASSERT_EQ(with.strips, 2U);
  EXPECT_EQ(with[14], values[14]);
  EXPECT_EQ(with[15], 1.0);
  const StripVector without(values, false, 1.0);
  ASSERT_EQ(without.strips, 2U);
  EXPECT_EQ(without[15], 0.0);
  EXPECT_EQ(StripVector(random_vector(16, 1), true, 1.0).strips, 3U);
  EXPECT_EQ(StripVector({}, false, 1.0).strips, 0U);
}

TEST(Kernels, DotAndAxpyHaveTheSameBitsEverywhere) {
  for (const Kernels* kernel : all_kernels()) {
    SCOPED_TRACE(kernel->name);
    for (std::size_t size = 0; size < 70; ++size) {
      const Vector a = random_vector(size, 10 + size);
      const Vector b = random_vector(size, 900 + size);
      expect_same_bits(kernel->dot(a.data(), b.data(), size), plain_dot(a, b));

      Vector moved = b;
      kernel->axpy(moved.data(), 0.7, a.data(), size);
      for (std::size_t i = 0; i < size; ++i) {
        const double step = 0.7 * a[i];
        expect_same_bits(moved[i], b[i] + step);
      }
    }
  }
}

TEST(Kernels, ScoresHaveTheSameBitsEverywhere) {
  for (const std::size_t dimension : {1U, 7U, 8U, 9U, 20U, 33U, 100U}) {
    constexpr std::size_t kModels = 5;
    Vector matrices;
    for (std::size_t m = 0; m < kModels; ++m) {
      const Vector one = random_packed(dimension, 7 * m + dimension);
      matrices.insert(matrices.end(), one.begin(), one.end());
    }
    const std::size_t length = padded_size(dimension);
    const Vector coefficients = random_vector(kModels * length, 3);
    const Vector point = random_vector(dimension, 4);
    const StripVector x(point, false, 0.0);
    const std::array<std::uint32_t, kModels> which{4, 0, 3, 3, 1};
    for (const Kernels* kernel : all_kernels()) {
      SCOPED_TRACE(kernel->name);
      Vector mean(kModels);
      Vector form(kModels);
      kernel->packed_scores(matrices.data(), coefficients.data(), x, which.data(), kModels, mean.data(),
                            form.data());
      for (std::size_t k = 0; k < kModels; ++k) {
        const Score plain = plain_score(matrices.data() + (which.at(k) * packed_size(x.strips)),
                                        coefficients.data() + (which.at(k) * length), x);
        expect_same_bits(mean[k], plain.mean);
        expect_same_bits(form[k], plain.form);
      }
    }
  }
}

TEST(Kernels, ScoresAreTheQuadraticForm) {
  constexpr std::size_t kDimension = 21;
  const Vector matrix = random_packed(kDimension, 5);
  const Vector point = random_vector(kDimension, 6);
  const Vector coefficient(padded_size(kDimension), 0.0);
  double expected = 0.0;
  for (std::size_t i = 0; i < kDimension; ++i) {
    for (std::size_t j = 0; j < kDimension; ++j) {
      expected += point[i] * matrix[packed_at(i, j)] * point[j];
    }
  }
  const std::uint32_t only = 0;
  double mean = 0.0;
  double form = 0.0;
  kernels().packed_scores(matrix.data(), coefficient.data(), StripVector(point, false, 0.0), &only, 1, &mean,
                          &form);
  // 441 products of size at most 4, summed in two orders: at most 441 * 441 * 4 * 2^-53.
  EXPECT_NEAR(form, expected, 1e-10);
}

TEST(Kernels, CoarseFormsAndMeansHaveTheSameBitsEverywhere) {
  for (const std::size_t dimension : {1U, 8U, 20U, 33U, 100U}) {
    const Vector matrix = random_packed(dimension, dimension);
    std::vector<std::uint32_t> rounded(matrix.size() / 2);
    const Vector point = random_vector(dimension, 4);
    const StripVector x(point, false, 0.0);
    const CoarseVector coarse(x);
    const Vector coefficients = random_vector(padded_size(dimension), 3);
    const std::uint32_t only = 0;
    double first = 0.0;
    for (const Kernels* kernel : all_kernels()) {
      SCOPED_TRACE(kernel->name);
      double form = 0.0;
      double mean = 0.0;
      double largest = 0.0;
      double lost = 0.0;
      kernel->packed_coarsen(matrix.data(), x.strips, rounded.data(), &largest, &lost);
      kernel->packed_coarse_forms(rounded.data(), coarse.values.data(), x.strips, &only, 1, &form);
      kernel->packed_means(coefficients.data(), x, &only, 1, &mean);
      const Score plain = plain_score(matrix.data(), coefficients.data(), x);
      expect_same_bits(mean, plain.mean);
      // 2 + dimension roundings to float of products of size at most 1, dimension^2 of them, and what was
      // lost of the matrix; each entry of size at most 1 lost at most 2^-9.
      const double size = static_cast<double>(dimension);
      EXPECT_EQ(largest, std::abs(*std::ranges::max_element(matrix, {},
                                                            [](double entry) { return std::abs(entry); })));
      EXPECT_GT(lost, 0.0);
      EXPECT_LE(std::sqrt(lost), size * largest * 0x1.0p-9);
      const double norm = coarse.squares * coarse.largest * coarse.largest;
      EXPECT_NEAR(form * coarse.largest * coarse.largest, plain.form,
                  4.0 * size * size * (size + 2.0) * 0x1.0p-24 + norm * std::sqrt(lost));
      if (kernel == all_kernels().front()) {
        first = form;
      }
      expect_same_bits(form, first);
    }
  }
}

TEST(Kernels, GroupScoresHaveTheSameBitsEverywhere) {
  for (const std::size_t size : {1U, 2U, 7U, 20U, 21U, 101U}) {
    for (const std::size_t groups : {1U, 2U, 3U, 5U}) {
      const Vector weights = random_vector(groups * size * kLanes, 11 * size + groups);
      const Vector x = random_vector(size, 12);
      for (const Kernels* kernel : all_kernels()) {
        SCOPED_TRACE(kernel->name);
        Vector out(groups * kLanes, -1.0);
        kernel->group_scores(weights.data(), x.data(), size, groups, out.data());
        for (std::size_t model = 0; model < out.size(); ++model) {
          std::array<double, 2> sum{};
          for (std::size_t i = 0; i < size; ++i) {
            sum.at(i % 2) += weights[(((model / kLanes) * size) + i) * kLanes + (model % kLanes)] * x[i];
          }
          expect_same_bits(out[model], sum[0] + sum[1]);
        }
      }
    }
  }
}

TEST(Kernels, StepsOfGroupsHaveTheSameBitsEverywhere) {
  for (const std::size_t size : {8U, 24U, 104U}) {
    const Vector x = random_vector(size, 13);
    const Vector v = random_vector(size, 14);
    const Vector factors = random_vector(kLanes, 15);
    const Vector weights = random_vector(size * kLanes, 16);
    for (const Kernels* kernel : all_kernels()) {
      SCOPED_TRACE(kernel->name);
      Vector stepped = weights;
      kernel->group_axpy(stepped.data(), factors.data(), x.data(), size);
      for (std::size_t at = 0; at < stepped.size(); ++at) {
        const double step = factors[at % kLanes] * x[at / kLanes];
        expect_same_bits(stepped[at], weights[at] + step);
      }
      Vector product(size);
      const double sum = kernel->weigh(v.data(), x.data(), size, product.data());
      Lane lanes{};
      Vector left = v;
      kernel->subtract_squares(left.data(), 0.3, x.data(), size);
      for (std::size_t i = 0; i < size; ++i) {
        expect_same_bits(product[i], v[i] * x[i]);
        lanes.at(i % kLanes) += product[i] * x[i];
        const double square = x[i] * x[i];
        const double taken = 0.3 * square;
        expect_same_bits(left[i], v[i] - taken);
      }
      expect_same_bits(sum, fold(lanes));
    }
  }
}

TEST(Kernels, StandardisedNumbersHaveTheSameBitsEverywhere) {
  constexpr double kReach = 1.5;
  constexpr double kSize = 0.4;
  constexpr double kInfinite = std::numeric_limits<double>::infinity();
  for (std::size_t count = 0; count <= 3 * kLanes + 1; ++count) {
    Vector x = random_vector(count, 21);
    Vector centre = random_vector(count, 22);
    Vector factor = random_vector(count, 23);
    for (std::size_t i = 0; i < count; ++i) {
      factor[i] = i % 5 == 3 ? 0.0 : std::abs(factor[i]);
      x[i] = i % 7 == 3 ? kInfinite : x[i];  // with a factor of 0 at 3 and 10
      centre[i] = i % 7 == 6 ? -kInfinite : centre[i];
      x[i] = i % 11 == 9 ? std::numeric_limits<double>::quiet_NaN() : x[i];
    }
    for (const Kernels* kernel : all_kernels()) {
      SCOPED_TRACE(kernel->name);
      Vector z(count + 1, -7.0);
      kernel->standardise(x.data(), centre.data(), factor.data(), count, {.reach = kReach, .size = kSize},
                          z.data());
      for (std::size_t i = 0; i < count; ++i) {
        const double own = (x[i] - centre[i]) * factor[i];
        const double within = std::isnan(own) ? -kReach : std::clamp(own, -kReach, kReach);
        expect_same_bits(z[i], factor[i] == 0.0 ? 0.0 : kSize * within);
      }
      EXPECT_EQ(z[count], -7.0);  // nothing is written behind them
    }
  }
}

TEST(Kernels, MultiplyHasTheSameBitsEverywhereAndIsTheProduct) {
  for (const std::size_t dimension : {1U, 8U, 17U, 40U, 100U}) {
    const Vector matrix = random_packed(dimension, dimension);
    const Vector point = random_vector(dimension, 8);
    const StripVector x(point, false, 0.0);
    Vector first;
    for (const Kernels* kernel : all_kernels()) {
      SCOPED_TRACE(kernel->name);
      Vector out(padded_size(dimension), -1.0);
      kernel->packed_multiply(matrix.data(), x, out.data());
      for (std::size_t i = 0; i < dimension; ++i) {
        double expected = 0.0;
        for (std::size_t j = 0; j < dimension; ++j) {
          expected += matrix[packed_at(i, j)] * point[j];
        }
        EXPECT_NEAR(out[i], expected, 1e-12);  // sums of at most 100 products of size at most 2
      }
      for (std::size_t i = dimension; i < out.size(); ++i) {
        EXPECT_EQ(out[i], 0.0);
      }
      first = first.empty() ? out : first;
      for (std::size_t i = 0; i < out.size(); ++i) {
        expect_same_bits(out[i], first[i]);
      }
    }
  }
}

TEST(Kernels, RankOneHasTheSameBitsEverywhereAndStaysSymmetric) {
  for (const std::size_t dimension : {1U, 8U, 17U, 40U}) {
    const Vector matrix = random_packed(dimension, dimension);
    Vector left = random_vector(dimension, 9);
    left.resize(padded_size(dimension), 0.0);
    Vector right(left);
    for (double& value : right) {
      value = -value;
    }
    for (const Kernels* kernel : all_kernels()) {
      SCOPED_TRACE(kernel->name);
      Vector changed = matrix;
      kernel->packed_rank_one(changed.data(), strip_count(dimension), 0.9, left.data(), right.data());
      for (std::size_t i = 0; i < dimension; ++i) {
        for (std::size_t j = 0; j < dimension; ++j) {
          const double kept = 0.9 * matrix[packed_at(i, j)];
          const double product = left[i] * right[j];
          expect_same_bits(changed[packed_at(i, j)], kept + product);
        }
      }
    }
  }
}

}  // namespace
}  // namespace attune::detail::kernels_test
