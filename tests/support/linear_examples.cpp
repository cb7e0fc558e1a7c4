// SPDX-License-Identifier: Apache-2.0
#include "tests/support/linear_examples.hpp"

#include <cmath>

#include <Eigen/Dense>

#include <attune/core/sampling.hpp>

namespace attune::test {
namespace {

/// One row an example; the last column is 1.
Eigen::MatrixXd design(const Examples& examples) {
  const auto rows = static_cast<Eigen::Index>(examples.count());
  const auto columns = static_cast<Eigen::Index>(examples.features.at(0).size()) + 1;
  Eigen::MatrixXd x = Eigen::MatrixXd::Ones(rows, columns);
  for (Eigen::Index i = 0; i < rows; ++i) {
    for (Eigen::Index j = 0; j + 1 < columns; ++j) {
      x(i, j) = examples.features[static_cast<std::size_t>(i)][static_cast<std::size_t>(j)];
    }
  }
  return x;
}

Eigen::VectorXd targets(const Examples& examples) {
  return Eigen::Map<const Eigen::VectorXd>(examples.targets.data(),
                                           static_cast<Eigen::Index>(examples.count()));
}

}  // namespace

Examples make_examples(std::size_t count, std::size_t features, bool coin, std::uint64_t seed) {
  Examples out;
  Rng rng(seed);
  for (std::size_t i = 0; i < count; ++i) {
    std::vector<double>& x = out.features.emplace_back(features);
    for (double& value : x) {
      value = sample_normal(rng);
    }
    const double score = 1.0 - x[0] + 0.5 * x[1];
    out.targets.push_back(coin ? (rng.uniform() < 1.0 / (1.0 + std::exp(-score)) ? 1.0 : 0.0)
                               : score + 0.3 * sample_normal(rng));
  }
  return out;
}

std::vector<double> least_squares(const Examples& examples) {
  const Eigen::VectorXd w = design(examples).colPivHouseholderQr().solve(targets(examples));
  return {w.begin(), w.end()};
}

std::vector<double> logistic_regression(const Examples& examples) {
  const Eigen::MatrixXd x = design(examples);
  const Eigen::VectorXd y = targets(examples);
  Eigen::VectorXd w = Eigen::VectorXd::Zero(x.cols());
  for (int step = 0; step < 20; ++step) {
    const Eigen::VectorXd score = x * w;
    const Eigen::VectorXd p = (1.0 + (-score.array()).exp()).inverse().matrix();
    const Eigen::VectorXd spread = (p.array() * (1.0 - p.array())).matrix();
    const Eigen::MatrixXd hessian = x.transpose() * spread.asDiagonal() * x;
    w -= hessian.ldlt().solve(x.transpose() * (p - y));
  }
  return {w.begin(), w.end()};
}

}  // namespace attune::test
