// SPDX-License-Identifier: Apache-2.0
// The parts of GpOptimizer against closed forms, Eigen and high precision.
#include "policies/bayes/gaussian_process.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numbers>
#include <span>
#include <vector>

#include <gtest/gtest.h>
#include <Eigen/Cholesky>
#include <Eigen/Core>
#include <boost/math/special_functions/erf.hpp>
#include <boost/multiprecision/cpp_bin_float.hpp>

#include <attune/core/sampling.hpp>

#include "policies/bayes/box_search.hpp"
#include "policies/bayes/cholesky.hpp"
#include "policies/bayes/expected_improvement.hpp"
#include "policies/bayes/parameter_space.hpp"
#include "policies/bayes/proposal.hpp"

namespace attune::detail::gaussian_process_test {
namespace {

Eigen::MatrixXd random_positive_definite(Eigen::Index size, Rng& rng) {
  Eigen::MatrixXd root(size, size);
  for (Eigen::Index i = 0; i < root.size(); ++i) {
    root.data()[i] = sample_normal(rng);
  }
  Eigen::MatrixXd result = root * root.transpose() / static_cast<double>(size);
  result.diagonal().array() += 0.1;
  return result;
}

TEST(Cholesky, FactorSolvesAndInverseAgreeWithEigen) {
  Rng rng(1);
  for (Eigen::Index size = 1; size <= 41; ++size) {
    const auto n = static_cast<std::size_t>(size);
    const Eigen::MatrixXd matrix = random_positive_definite(size, rng);
    PaddedMatrix factor(n);
    std::vector<double> x(factor.padded());
    Eigen::VectorXd right(size);
    for (Eigen::Index j = 0; j < size; ++j) {
      right[j] = sample_normal(rng);
      x[static_cast<std::size_t>(j)] = right[j];
      for (Eigen::Index i = j; i < size; ++i) {
        factor.at(static_cast<std::size_t>(i), static_cast<std::size_t>(j)) = matrix(i, j);
      }
    }
    ASSERT_TRUE(cholesky(factor));
    solve_lower(factor, x);
    solve_upper(factor, x);
    const PaddedMatrix inverted = inverse(factor);
    const Eigen::LLT<Eigen::MatrixXd> oracle(matrix);
    const Eigen::MatrixXd lower = oracle.matrixL();
    const Eigen::VectorXd solution = oracle.solve(right);
    const Eigen::MatrixXd identity = Eigen::MatrixXd::Identity(size, size);
    const Eigen::MatrixXd oracle_inverse = oracle.solve(identity);
    for (std::size_t j = 0; j < n; ++j) {
      const auto column = static_cast<Eigen::Index>(j);
      ASSERT_NEAR(x[j], solution[column], 1e-11);  // condition below 1e3
      for (std::size_t i = 0; i < n; ++i) {
        const auto row = static_cast<Eigen::Index>(i);
        ASSERT_NEAR(factor.at(i, j), lower(row, column), 1e-13) << size;
        if (i >= j) {
          ASSERT_NEAR(inverted.at(i, j), oracle_inverse(row, column), 1e-11) << size;
        }
      }
    }
  }
}

TEST(Cholesky, RefusesWhatIsNotPositiveDefinite) {
  PaddedMatrix singular(2);
  singular.at(0, 0) = singular.at(1, 1) = singular.at(1, 0) = 1.0;
  EXPECT_FALSE(cholesky(singular));
  PaddedMatrix nan(1);
  nan.at(0, 0) = std::numeric_limits<double>::quiet_NaN();
  EXPECT_FALSE(cholesky(nan));
}

TEST(Matern52, MatchesTheFormulaByHand) {
  EXPECT_EQ(matern52(0.0, 3.0).value, 3.0);
  // r2 = 1/5: s = 1, k = 2 (1 + 1 + 1/3) / e = 1.716771...; slope = -5/6 * 2 * 2 / e = -1.226264...
  const Matern52 one = matern52(0.2, 2.0);
  EXPECT_NEAR(one.value, 2.0 * (7.0 / 3.0) / std::numbers::e, 1e-15);
  EXPECT_NEAR(one.value, 1.7167707, 1e-7);
  EXPECT_NEAR(one.slope, -1.2262648, 1e-7);
  // The slope is the derivative: central differences of step 1e-6 are good to about 1e-10.
  for (const double r2 : {0.01, 0.7, 4.0}) {
    const double difference = (matern52(r2 + 1e-6, 1.5).value - matern52(r2 - 1e-6, 1.5).value) / 2e-6;
    EXPECT_NEAR(matern52(r2, 1.5).slope, difference, 1e-8);
  }
}

GpData sample_data(std::size_t count, std::size_t dimension, std::uint64_t seed) {
  Rng rng(seed);
  GpData data{.dimension = dimension, .points = {}, .values = {}};
  for (std::size_t i = 0; i < count; ++i) {
    double value = 0.0;
    for (std::size_t k = 0; k < dimension; ++k) {
      data.points.push_back(rng.uniform());
      value += std::sin((4.0 + static_cast<double>(k)) * data.points.back());
    }
    data.values.push_back(value + 0.05 * sample_normal(rng));
  }
  return data;
}

const GpParameters kKernel{.log_length = {-1.0, 0.2, -0.4}, .log_signal = 0.3, .log_noise = -4.0};

/// Covariance by the definition, for the oracle.
double covariance(std::span<const double> a, std::span<const double> b, const GpParameters& kernel) {
  double r2 = 0.0;
  for (std::size_t k = 0; k < a.size(); ++k) {
    r2 += std::pow((a[k] - b[k]) / std::exp(kernel.log_length[k]), 2);
  }
  const double s = std::sqrt(5.0 * r2);
  return std::exp(kernel.log_signal) * (1.0 + s + s * s / 3.0) * std::exp(-s);
}

TEST(GaussianProcess, PosteriorAndLikelihoodMatchTheDirectFormula) {
  const GpData data = sample_data(21, 3, 7);
  const auto n = static_cast<Eigen::Index>(data.size());
  Eigen::MatrixXd gram(n, n);
  for (Eigen::Index i = 0; i < n; ++i) {
    for (Eigen::Index j = 0; j < n; ++j) {
      gram(i, j) = covariance(data.point(static_cast<std::size_t>(i)),
                              data.point(static_cast<std::size_t>(j)), kKernel);
    }
  }
  const Eigen::VectorXd y = Eigen::Map<const Eigen::VectorXd>(data.values.data(), n);
  Eigen::MatrixXd noisy = gram;
  noisy.diagonal().array() += std::exp(kKernel.log_noise);
  const Eigen::LLT<Eigen::MatrixXd> oracle(noisy);
  const Eigen::VectorXd weights = oracle.solve(y);

  const GaussianProcess process(data, kKernel);
  const Eigen::MatrixXd lower = oracle.matrixL();
  const double likelihood = -0.5 * y.dot(weights) - lower.diagonal().array().log().sum() -
                            0.5 * static_cast<double>(n) * std::log(2.0 * std::numbers::pi);
  EXPECT_NEAR(process.log_likelihood(), likelihood, 1e-9);

  GpScratch scratch;
  Rng rng(3);
  for (int trial = 0; trial < 10; ++trial) {
    const std::vector<double> x{rng.uniform(), rng.uniform(), rng.uniform()};
    Eigen::VectorXd k(n);
    for (Eigen::Index i = 0; i < n; ++i) {
      k[i] = covariance(data.point(static_cast<std::size_t>(i)), x, kKernel);
    }
    const GaussianProcess::Posterior at = process.predict(x, scratch);
    EXPECT_NEAR(at.mean, k.dot(weights), 1e-11);
    EXPECT_NEAR(at.variance, std::exp(kKernel.log_signal) - k.dot(oracle.solve(k)), 1e-11);
  }
  for (std::size_t i = 0; i < data.size(); ++i) {
    EXPECT_NEAR(process.mean_at(i), process.predict(data.point(i), scratch).mean, 1e-11);
  }
}

TEST(GaussianProcess, OnePointHasAClosedForm) {
  const GpData data{.dimension = 1, .points = {0.5}, .values = {2.0}};
  const GpParameters kernel{
      .log_length = {std::log(0.5)}, .log_signal = std::log(4.0), .log_noise = std::log(1.0)};
  const GaussianProcess process(data, kernel);
  GpScratch scratch;
  // At the point: mean = 4 / (4 + 1) * 2, variance = 4 - 16 / 5.
  const GaussianProcess::Posterior at = process.predict(data.point(0), scratch);
  EXPECT_NEAR(at.mean, 1.6, 1e-15);
  EXPECT_NEAR(at.variance, 0.8, 1e-15);
  // log N(2; 0, 5) = -2^2 / 10 - log(5) / 2 - log(2 pi) / 2
  EXPECT_NEAR(process.log_likelihood(), -0.4 - 0.5 * std::log(5.0) - 0.5 * std::log(2.0 * std::numbers::pi),
              1e-15);
}

TEST(GaussianProcess, GradientsMatchDifferences) {
  const GpData data = sample_data(17, 3, 11);
  const GaussianProcess process(data, kKernel);
  constexpr double kStep = 1e-5;  // error of the differences: 1e-10 times third derivatives
  const std::vector<double> gradient = process.log_likelihood_gradient();
  std::vector<double> prior_gradient(5);
  std::vector<double> unused(5);
  static_cast<void>(log_prior(kKernel, prior_gradient));
  for (std::size_t k = 0; k < 5; ++k) {
    const auto moved = [k](double by) {
      GpParameters kernel = kKernel;
      (k < 3 ? kernel.log_length[k] : k == 3 ? kernel.log_signal : kernel.log_noise) += by;
      return kernel;
    };
    const double likelihood = (GaussianProcess(data, moved(kStep)).log_likelihood() -
                               GaussianProcess(data, moved(-kStep)).log_likelihood()) /
                              (2.0 * kStep);
    EXPECT_NEAR(gradient[k], likelihood, 1e-6 * (1.0 + std::abs(likelihood))) << k;
    const double prior = (log_prior(moved(kStep), unused) - log_prior(moved(-kStep), unused)) / (2.0 * kStep);
    EXPECT_NEAR(prior_gradient[k], prior, 1e-8) << k;
  }

  LogImprovement improvement(data, kKernel);
  GpScratch scratch;
  const std::vector<double> x{0.3, 0.8, 0.55};
  std::vector<double> mean_gradient(3);
  std::vector<double> variance_gradient(3);
  std::vector<double> improvement_gradient(3);
  static_cast<void>(process.predict(x, mean_gradient, variance_gradient, scratch));
  EXPECT_EQ(improvement(x, improvement_gradient), improvement(x));
  for (std::size_t k = 0; k < 3; ++k) {
    std::vector<double> up = x;
    std::vector<double> down = x;
    up[k] += kStep;
    down[k] -= kStep;
    const GaussianProcess::Posterior above = process.predict(up, scratch);
    const GaussianProcess::Posterior below = process.predict(down, scratch);
    EXPECT_NEAR(mean_gradient[k], (above.mean - below.mean) / (2.0 * kStep), 1e-7);
    EXPECT_NEAR(variance_gradient[k], (above.variance - below.variance) / (2.0 * kStep), 1e-7);
    EXPECT_NEAR(improvement_gradient[k], (improvement(up) - improvement(down)) / (2.0 * kStep), 1e-5);
  }
}

TEST(GaussianProcess, EqualPointsAndNoNoiseAreNoObstacle) {
  GpData data{.dimension = 1, .points = std::vector<double>(20, 0.5), .values = std::vector<double>(20, 1.0)};
  data.points[0] = 0.5 + 1e-12;
  const GpParameters kernel{
      .log_length = {std::log(100.0)}, .log_signal = std::log(100.0), .log_noise = -40.0};
  const GaussianProcess process(data, kernel);
  GpScratch scratch;
  const GaussianProcess::Posterior at = process.predict(data.point(0), scratch);
  EXPECT_NEAR(at.mean, 1.0, 1e-3);
  EXPECT_GT(at.variance, 0.0);
}

TEST(GaussianProcess, TheFitFindsNoiseAndItsAbsence) {
  Rng rng(5);
  const GpData smooth = [] {
    GpData data = sample_data(40, 2, 21);
    for (std::size_t i = 0; i < data.size(); ++i) {
      data.values[i] = std::sin(4.0 * data.point(i)[0]) + data.point(i)[1];
    }
    return data;
  }();
  EXPECT_LT(std::exp(fit_parameters(smooth, {}, rng).log_noise), 1e-3);
  GpData noise = smooth;
  for (double& value : noise.values) {
    value = sample_normal(rng);
  }
  EXPECT_GT(std::exp(fit_parameters(noise, {}, rng).log_noise), 0.05);
  // The coordinate that does nothing gets a longer scale.
  GpData one = smooth;
  for (std::size_t i = 0; i < one.size(); ++i) {
    one.values[i] = std::sin(6.0 * one.point(i)[0]);
  }
  const GpParameters found = fit_parameters(one, {}, rng);
  EXPECT_GT(found.log_length[1], found.log_length[0] + 1.0);
}

TEST(LogImprovement, MatchesHighPrecision) {
  using Wide = boost::multiprecision::cpp_bin_float_100;
  for (const double z :
       {6.0, 1.0, 0.0, -1.0, -1.9999999, -2.0, -2.0000001, -3.0, -5.0, -10.0, -37.5, -100.0, -1e4}) {
    const Wide x = z;
    const Wide density = exp(-x * x / 2) / sqrt(2 * boost::math::constants::pi<Wide>());
    const Wide distribution = boost::math::erfc(-x / sqrt(Wide(2))) / 2;
    const Wide improvement = density + x * distribution;
    const auto value = static_cast<double>(log(improvement));
    const auto derivative = static_cast<double>(distribution / improvement);
    const Slope found = log_improvement(z);
    EXPECT_NEAR(found.value, value, 4e-15 * (1.0 + std::abs(value))) << z;
    EXPECT_NEAR(found.derivative, derivative, 4e-15 * (1.0 + std::abs(derivative))) << z;
  }
  // Far out: log h = -z^2 / 2 - log(2 pi) / 2 - 2 log |z| to relative 3 / z^2, the derivative is -z.
  EXPECT_NEAR(log_improvement(-1e8).value, -5e15, 64.0);
  EXPECT_NEAR(log_improvement(-1e8).derivative, 1e8, 1e-6);
}

TEST(BoxSearch, FindsAnInnerMinimumOfACurvedValley) {
  const SmoothFunction rosenbrock = [](std::span<const double> x, std::span<double> gradient) {
    const double a = 1.0 - x[0];
    const double b = x[1] - x[0] * x[0];
    gradient[0] = -2.0 * a - 400.0 * x[0] * b;
    gradient[1] = 200.0 * b;
    return a * a + 100.0 * b * b;
  };
  const std::vector<double> low{-2.0, -2.0};
  const std::vector<double> high{2.0, 2.0};
  const BoxSearchResult found = minimise_in_box(rosenbrock, std::vector<double>{-1.2, 1.0}, low, high,
                                                {.max_evaluations = 400, .value_tolerance = 0.0});
  EXPECT_NEAR(found.x[0], 1.0, 1e-5);
  EXPECT_NEAR(found.x[1], 1.0, 1e-5);
  EXPECT_LT(found.evaluations, 100U);
}

TEST(BoxSearch, StopsAtTheBoundThatHoldsIt) {
  const SmoothFunction bowl = [](std::span<const double> x, std::span<double> gradient) {
    gradient[0] = 2.0 * (x[0] - 3.0) + 0.5 * x[1];
    gradient[1] = 2.0 * (x[1] - 0.2) + 0.5 * x[0];
    return (x[0] - 3.0) * (x[0] - 3.0) + (x[1] - 0.2) * (x[1] - 0.2) + 0.5 * x[0] * x[1];
  };
  const std::vector<double> low{-1.0, -1.0};
  const std::vector<double> high{1.0, 1.0};
  const BoxSearchResult found = minimise_in_box(bowl, std::vector<double>{-7.0, 0.9}, low, high, {});
  EXPECT_EQ(found.x[0], 1.0);            // held
  EXPECT_NEAR(found.x[1], -0.05, 1e-5);  // 2 (y - 0.2) + 0.5 = 0
}

TEST(BoxSearch, StaysWithinItsEvaluationsAndTheDomain) {
  std::size_t calls = 0;
  const SmoothFunction logarithm = [&calls](std::span<const double> x, std::span<double> gradient) {
    ++calls;
    gradient[0] = 1.0 - 1.0 / x[0];
    return x[0] - std::log(x[0]);  // NaN for x < 0
  };
  const std::vector<double> low{-5.0};
  const std::vector<double> high{50.0};
  const BoxSearchResult found = minimise_in_box(logarithm, std::vector<double>{40.0}, low, high,
                                                {.max_evaluations = 30, .first_step = 60.0});
  EXPECT_NEAR(found.x[0], 1.0, 1e-3);
  EXPECT_LE(calls, 30U);
  EXPECT_EQ(found.evaluations, calls);
}

TEST(ParameterSpace, ShiftedSobolFillsEveryStratumOnce) {
  Rng rng(9);
  constexpr std::size_t kCount = 256;
  const std::vector<double> points = shifted_sobol(kCount, 5, rng);
  for (std::size_t k = 0; k < 5; ++k) {
    std::vector<int> seen(kCount);
    for (std::size_t i = 0; i < kCount; ++i) {
      ++seen.at(static_cast<std::size_t>(points[i * 5 + k] * static_cast<double>(kCount)));
    }
    EXPECT_EQ(std::ranges::count(seen, 1), static_cast<std::ptrdiff_t>(kCount)) << k;
  }
}

TEST(ParameterSpace, UnitsAndValuesAreInverse) {
  const ParameterSpec log{.name = "l", .low = 1e-3, .high = 10.0, .scale = ParameterScale::log};
  EXPECT_NEAR(to_unit(log, 0.1), 0.5, 1e-15);  // halfway between 1e-3 and 10 in ratio
  EXPECT_NEAR(from_unit(log, 0.5), 0.1, 1e-15);
  EXPECT_EQ(from_unit(log, 0.0), 1e-3);
  EXPECT_EQ(from_unit(log, 1.0), 10.0);
  const ParameterSpec wide{.name = "w", .low = -1e300, .high = 1e300};
  EXPECT_EQ(to_unit(wide, 0.0), 0.5);
  EXPECT_EQ(from_unit(wide, 1.0), 1e300);
  for (const ParameterScale scale : {ParameterScale::linear, ParameterScale::log}) {
    const ParameterSpec integer{
        .name = "i", .type = ParameterType::integer, .low = 1, .high = 1000, .scale = scale};
    for (double value = 1.0; value <= 1000.0; value += 1.0) {
      ASSERT_EQ(from_unit(integer, to_unit(integer, value)), value);
    }
  }
}

TEST(ParameterSpace, EveryIntegerHasAnEqualShare) {
  const ParameterSpec four{.name = "i", .type = ParameterType::integer, .low = 1, .high = 4};
  std::vector<int> counts(5);
  for (int i = 0; i < 400; ++i) {
    ++counts.at(static_cast<std::size_t>(from_uniform(four, (i + 0.5) / 400.0)));
  }
  EXPECT_EQ(counts, (std::vector<int>{0, 100, 100, 100, 100}));
}

}  // namespace
}  // namespace attune::detail::gaussian_process_test
