// SPDX-License-Identifier: Apache-2.0
#include <attune/core/ridge_bank.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <span>
#include <vector>

#include <gtest/gtest.h>
#include <Eigen/Dense>

#include <attune/core/rng.hpp>

#include "core/kernels.hpp"
#include "tests/support/allocation_counter.hpp"

namespace attune::ridge_bank_test {
namespace {

using detail::StripVector;
using Matrix = Eigen::MatrixXd;
using Vector = Eigen::VectorXd;

RidgeBank make_bank(std::size_t models, std::size_t dimension, double ridge = 1.0, double forgetting = 1.0) {
  return RidgeBank::make(models, dimension, ridge, forgetting).value();
}

Errc learn(RidgeBank& bank, std::size_t model, const std::vector<double>& x, double target,
           double weight = 1.0) {
  return bank.learn(model, StripVector(x, false, 0.0), target, weight);
}

struct Score {
  double mean = 0.0;
  double variance = 0.0;
};

Score score(const RidgeBank& bank, std::uint32_t model, const std::vector<double>& x) {
  Score out;
  bank.scores(StripVector(x, false, 0.0), std::span(&model, 1), &out.mean, &out.variance);
  return out;
}

std::vector<double> random_point(Rng& rng, std::size_t dimension) {
  std::vector<double> x(dimension);
  for (double& value : x) {
    value = 2.0 * rng.uniform() - 1.0;
  }
  return x;
}

Vector as_vector(const std::vector<double>& x) {
  return Eigen::Map<const Vector>(x.data(), static_cast<Eigen::Index>(x.size()));
}

// The same sums kept in the plain way, solved from scratch.
struct Direct {
  Matrix a;
  Vector b;

  explicit Direct(std::size_t dimension, double ridge = 1.0)
      : a(ridge *
          Matrix::Identity(static_cast<Eigen::Index>(dimension), static_cast<Eigen::Index>(dimension))),
        b(Vector::Zero(static_cast<Eigen::Index>(dimension))) {}
  void learn(const std::vector<double>& x, double target, double weight = 1.0) {
    const Vector v = as_vector(x);
    a += weight * v * v.transpose();
    b += weight * target * v;
  }
};

// Largest |P_ij - Q_ij| / sqrt(Q_ii Q_jj), with Q the inverse by Eigen's Cholesky.
double inverse_error(const RidgeBank& bank, std::size_t model, const Matrix& a) {
  const Matrix inverse = a.llt().solve(Matrix::Identity(a.rows(), a.cols()));
  double worst = 0.0;
  for (Eigen::Index i = 0; i < a.rows(); ++i) {
    for (Eigen::Index j = 0; j < a.cols(); ++j) {
      const double found = bank.covariance(model, static_cast<std::size_t>(i), static_cast<std::size_t>(j));
      worst = std::max(worst, std::abs(found - inverse(i, j)) / std::sqrt(inverse(i, i) * inverse(j, j)));
    }
  }
  return worst;
}

TEST(RidgeBank, TwoObservationsByHand) {
  RidgeBank bank = make_bank(1, 2, 2.0);
  // The inverse starts as I / ridge, not as ridge I: x'P x = 1/2.
  EXPECT_EQ(score(bank, 0, {1.0, 0.0}).variance, 0.5);

  ASSERT_EQ(learn(bank, 0, {1.0, 0.0}, 3.0), Errc::ok);
  // A = diag(3, 2), b = (3, 0): theta = (1, 0), P = diag(1/3, 1/2).
  EXPECT_NEAR(score(bank, 0, {1.0, 1.0}).mean, 1.0, 1e-15);
  EXPECT_NEAR(score(bank, 0, {1.0, 1.0}).variance, 5.0 / 6.0, 1e-15);

  ASSERT_EQ(learn(bank, 0, {1.0, 1.0}, 1.0, 2.0), Errc::ok);
  // A = [[5, 2], [2, 4]], b = (5, 2): det = 16, theta = (20 - 4, 10 - 10)/16 = (1, 0), P = [[4, -2], [-2,
  // 5]]/16.
  EXPECT_NEAR(bank.coefficients(0)[0], 1.0, 1e-15);
  EXPECT_NEAR(bank.coefficients(0)[1], 0.0, 1e-15);
  EXPECT_NEAR(bank.covariance(0, 0, 0), 4.0 / 16.0, 1e-15);
  EXPECT_NEAR(bank.covariance(0, 1, 0), -2.0 / 16.0, 1e-15);
  EXPECT_NEAR(bank.covariance(0, 1, 1), 5.0 / 16.0, 1e-15);
  EXPECT_NEAR(bank.precision(0, 0, 1), 2.0, 1e-15);  // the square of sqrt(2) rounds
  EXPECT_EQ(bank.learned(0), 2U);
}

TEST(RidgeBank, AgreesWithADirectSolveOverRandomStreams) {
  for (const std::size_t dimension : {1U, 5U, 8U, 20U, 33U}) {
    SCOPED_TRACE(dimension);
    RidgeBank bank = make_bank(3, dimension, 0.5);
    std::vector<Direct> direct(3, Direct(dimension, 0.5));
    Rng rng(dimension);
    for (int t = 0; t < 4000; ++t) {
      const std::size_t model = rng.below(3);
      const std::vector<double> x = random_point(rng, dimension);
      const double target = rng.uniform();
      const double weight = 0.5 + rng.uniform();
      ASSERT_EQ(learn(bank, model, x, target, weight), Errc::ok);
      direct[model].learn(x, target, weight);
    }
    for (std::size_t model = 0; model < 3; ++model) {
      // The matrices are well conditioned (A is about 450 I): errors are rounding of a few thousand
      // additions.
      EXPECT_LT(inverse_error(bank, model, direct[model].a), 1e-12);
      const Vector theta = direct[model].a.llt().solve(direct[model].b);
      for (std::size_t i = 0; i < dimension; ++i) {
        EXPECT_NEAR(bank.coefficients(model)[i], theta(static_cast<Eigen::Index>(i)), 1e-12);
      }
    }
  }
}

TEST(RidgeBank, ForgettingFollowsItsFormulaAndKeepsTheRidge) {
  constexpr std::size_t kDimension = 6;
  constexpr double kMemory = 0.9;
  constexpr double kRidge = 2.0;
  RidgeBank bank = make_bank(1, kDimension, kRidge, kMemory);
  Direct direct(kDimension, kRidge);
  Rng rng(1);
  for (int t = 0; t < 3000; ++t) {
    // The last coordinate is never seen: the plain recursion would let its variance grow beyond bounds.
    std::vector<double> x = random_point(rng, kDimension);
    x.back() = 0.0;
    const double target = rng.uniform();
    ASSERT_EQ(learn(bank, 0, x, target), Errc::ok);
    direct.a *= kMemory;
    direct.b *= kMemory;
    direct.learn(x, target);
    direct.a(t % 6, t % 6) += kRidge * (1.0 - std::pow(kMemory, 6.0));
  }
  EXPECT_LT(inverse_error(bank, 0, direct.a), 1e-11);
  const Vector theta = direct.a.llt().solve(direct.b);
  for (std::size_t i = 0; i < kDimension; ++i) {
    EXPECT_NEAR(bank.coefficients(0)[i], theta(static_cast<Eigen::Index>(i)), 1e-11);
  }
  EXPECT_GE(bank.covariance(0, 5, 5), 0.999 / kRidge);
  EXPECT_LE(bank.covariance(0, 5, 5), 1.001 / (kRidge * std::pow(kMemory, 6.0)));
}

TEST(RidgeBank, RefreshChangesNothingButRounding) {
  RidgeBank bank = make_bank(1, 13);
  Rng rng(4);
  for (int t = 0; t < 300; ++t) {
    ASSERT_EQ(learn(bank, 0, random_point(rng, 13), rng.uniform()), Errc::ok);
  }
  const RidgeBank before = bank;
  bank.refresh(0);
  for (std::size_t i = 0; i < 13; ++i) {
    EXPECT_NEAR(bank.coefficients(0)[i], before.coefficients(0)[i], 1e-13);
    for (std::size_t j = 0; j < 13; ++j) {
      EXPECT_NEAR(bank.covariance(0, i, j), before.covariance(0, i, j), 1e-14);
      EXPECT_EQ(bank.covariance(0, i, j), bank.covariance(0, j, i));
      EXPECT_EQ(bank.precision(0, i, j), before.precision(0, i, j));
    }
  }
}

TEST(RidgeBank, IllConditionedStreamsStayAccurate) {
  // Contexts on one line but for a thousandth, of length 1000: condition about 1e9 after the first few.
  RidgeBank bank = make_bank(1, 8);
  Direct direct(8);
  Rng rng(9);
  for (int t = 0; t < 2000; ++t) {
    std::vector<double> x(8, 1000.0);
    for (double& value : x) {
      value += rng.uniform();
    }
    ASSERT_EQ(learn(bank, 0, x, 1.0), Errc::ok);
    direct.learn(x, 1.0);
  }
  EXPECT_LT(inverse_error(bank, 0, direct.a),
            1e-6);  // 1e-16 times the condition 1e9, and room for 2000 steps
}

TEST(RidgeBank, HugeFiniteNumbersNeverLeaveTheFiniteNumbers) {
  Rng rng(77);
  for (int run = 0; run < 300; ++run) {
    const std::size_t dimension = 1 + rng.below(12);
    RidgeBank bank = make_bank(1, dimension, std::pow(10.0, 18.0 * rng.uniform() - 9.0));
    for (int t = 0; t < 40; ++t) {
      std::vector<double> x = random_point(rng, dimension);
      for (double& value : x) {
        value *= std::pow(10.0, 616.0 * rng.uniform() - 308.0);
      }
      const double target = (rng.uniform() - 0.5) * std::pow(10.0, 600.0 * rng.uniform() - 300.0);
      const RidgeBank before = bank;
      const Errc verdict = learn(bank, 0, x, target, std::pow(10.0, 40.0 * rng.uniform() - 20.0));
      if (verdict != Errc::ok) {
        EXPECT_EQ(verdict, Errc::non_finite);
        EXPECT_EQ(bank, before);
      }
      for (std::size_t i = 0; i < dimension; ++i) {
        ASSERT_TRUE(std::isfinite(bank.coefficients(0)[i]));
        ASSERT_GE(bank.covariance(0, i, i), 0.0);
        for (std::size_t j = 0; j < dimension; ++j) {
          ASSERT_TRUE(std::isfinite(bank.covariance(0, i, j)));
          ASSERT_TRUE(std::isfinite(bank.precision(0, i, j)));
        }
      }
      // What it has become can be written down and read back.
      Writer writer;
      bank.save(writer);
      Reader reader(writer.view());
      RidgeBank copy = bank;
      copy.reset(0);
      copy.load(reader);
      ASSERT_TRUE(reader.ok()) << "run " << run << " step " << t;
      ASSERT_EQ(copy, bank);
    }
  }
}

TEST(RidgeBank, WeightZeroTeachesNothing) {
  RidgeBank bank = make_bank(1, 4, 1.0, 0.9);
  const RidgeBank before = bank;
  EXPECT_EQ(learn(bank, 0, {1.0, 2.0, 3.0, 4.0}, 5.0, 0.0), Errc::ok);
  EXPECT_EQ(bank, before);
}

TEST(RidgeBank, UnitsAreObservationsAtUnitVectors) {
  RidgeBank bank = make_bank(1, 3);
  ASSERT_EQ(bank.learn_units(0, 1, 0.5, 4.0), Errc::ok);
  // Coordinates 1 and 2: A_ii = 1 + 4, b_i = 2, theta_i = 2/5. Coordinate 0 as it was.
  EXPECT_EQ(bank.coefficients(0)[0], 0.0);
  EXPECT_NEAR(bank.coefficients(0)[1], 0.4, 1e-15);
  EXPECT_NEAR(bank.coefficients(0)[2], 0.4, 1e-15);
  EXPECT_EQ(bank.covariance(0, 0, 0), 1.0);
  EXPECT_NEAR(bank.covariance(0, 2, 2), 0.2, 1e-15);
  EXPECT_EQ(bank.learned(0), 0U);
}

TEST(RidgeBank, RestatedIsAsIfLearnedInTheNewUnits) {
  Rng rng(31);
  for (const std::size_t dimension : {2U, 8U, 9U, 21U}) {
    RidgeBank restated = make_bank(2, dimension, 0.7);
    RidgeBank direct = make_bank(2, dimension, 0.7);
    std::vector<double> stretch(dimension - 1);
    std::vector<double> shift(dimension - 1);
    for (std::size_t i = 0; i + 1 < dimension; ++i) {
      stretch[i] = 0.25 + 2.0 * rng.uniform();
      shift[i] = 2.0 * rng.uniform() - 1.0;
    }
    stretch[0] = 0.0;  // said nothing before
    shift[0] = 0.0;
    std::vector<double> point;
    for (int step = 0; step < 200; ++step) {
      point = random_point(rng, dimension);
      point.back() = 1.0;
      const double target = rng.uniform();
      const double weight = 0.5 + rng.uniform();
      ASSERT_EQ(learn(restated, 1, point, target, weight), Errc::ok);
      for (std::size_t i = 0; i + 1 < dimension; ++i) {
        point[i] = stretch[i] * point[i] + shift[i];
      }
      ASSERT_EQ(learn(direct, 1, point, target, weight), Errc::ok);
    }
    restated.rescale(1, stretch, shift);
    EXPECT_EQ(restated.learned(1), 200U);
    const Score by_restating = score(restated, 1, point);
    const Score by_learning = score(direct, 1, point);
    EXPECT_NEAR(by_restating.mean, by_learning.mean, 1e-10);
    EXPECT_NEAR(by_restating.variance, by_learning.variance, 1e-10);
    EXPECT_EQ(score(restated, 0, point).mean, 0.0);
    Writer writer;
    restated.save(writer);
    Reader reader(writer.view());
    RidgeBank loaded = make_bank(0, dimension, 0.7);
    loaded.load(reader);
    EXPECT_TRUE(reader.ok());
    EXPECT_TRUE(loaded == restated);
  }
}

TEST(RidgeBank, AddedAndResetModelsAreNew) {
  RidgeBank bank = make_bank(1, 9, 4.0);
  ASSERT_EQ(learn(bank, 0, std::vector<double>(9, 1.0), 1.0), Errc::ok);
  ASSERT_TRUE(bank.add());
  EXPECT_EQ(bank.count(), 2U);
  EXPECT_EQ(score(bank, 1, std::vector<double>(9, 1.0)).variance, 9.0 / 4.0);
  bank.reset(0);
  EXPECT_EQ(bank, make_bank(2, 9, 4.0));
}

TEST(RidgeBank, LearningAndScoringDoNotAllocate) {
  RidgeBank bank = make_bank(2, 30);
  Rng rng(1);
  std::vector<double> x = random_point(rng, 30);
  const StripVector point(x, false, 0.0);
  const std::uint32_t which = 1;
  double mean = 0.0;
  double variance = 0.0;
  bool good = true;
  const test::AllocationCount counter;
  for (int t = 0; t < 3000; ++t) {  // passes two refreshes
    good = good && bank.learn(1, point, 1.0, 1.0) == Errc::ok;
    bank.scores(point, std::span(&which, 1), &mean, &variance);
  }
  EXPECT_EQ(counter.count(), 0U);
  EXPECT_TRUE(good);
}

TEST(RidgeBank, RefusesOptionsOutsideTheirRange) {
  EXPECT_EQ(RidgeBank::make(1, 4097, 1.0, 1.0).error().code, Errc::invalid_config);
  EXPECT_EQ(RidgeBank::make(1, 4, 0.0, 1.0).error().code, Errc::invalid_config);
  EXPECT_EQ(RidgeBank::make(1, 4, std::numeric_limits<double>::quiet_NaN(), 1.0).error().code,
            Errc::invalid_config);
  EXPECT_TRUE(RidgeBank::make(1, 4, 1.0, 0.4));
  const Result<RidgeBank> forgetful =
      RidgeBank::make(1, 100, 1.0, 0.4);  // 0.4^100 of the ridge would be left
  ASSERT_FALSE(forgetful);
  EXPECT_NE(forgetful.error().message.find("forgetting"), std::string::npos);
  EXPECT_EQ(RidgeBank::make(std::size_t{1} << 24, 4096, 1.0, 1.0).error().code, Errc::invalid_config);
}

TEST(RidgeBank, RefusesStatesThatLearningCannotLeave) {
  RidgeBank bank = make_bank(2, 10);
  Rng rng(3);
  for (int t = 0; t < 50; ++t) {
    ASSERT_EQ(learn(bank, rng.below(2), random_point(rng, 10), 1.0), Errc::ok);
  }
  Writer writer;
  bank.save(writer);
  const Bytes good(writer.view().begin(), writer.view().end());
  const auto loads = [&](const Bytes& bytes) {
    RidgeBank target = bank;
    Reader reader(bytes);
    target.load(reader);
    EXPECT_TRUE(reader.ok() || target == bank);
    return reader.ok();
  };
  ASSERT_TRUE(loads(good));
  for (const std::size_t size : {std::size_t{0}, std::size_t{7}, std::size_t{100}, good.size() - 1}) {
    EXPECT_FALSE(loads(Bytes(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(size))));
  }
  const auto with_number = [&](std::size_t index, double value) {
    Bytes bytes = good;
    std::memcpy(bytes.data() + 24 + (index * sizeof(double)), &value, sizeof value);
    return bytes;
  };
  EXPECT_FALSE(loads(with_number(0, std::numeric_limits<double>::quiet_NaN())));
  EXPECT_FALSE(loads(with_number(0, -1.0)));                           // a diagonal entry of A
  EXPECT_FALSE(loads(with_number(1, 0.123)));                          // differs from its mirror image
  EXPECT_FALSE(loads(with_number(detail::packed_at(15, 0), 1e-300)));  // padding
}

}  // namespace
}  // namespace attune::ridge_bank_test
