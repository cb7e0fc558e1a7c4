// SPDX-License-Identifier: Apache-2.0
// Scores rows of numbers by how unlike the rows before them they are.
//
//     score_vectors half_space_trees rows.txt SEED     one score a row, with 17 digits
//
// Without arguments: ten usual rows and one that is none, after a thousand.
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include <attune/core/rng.hpp>
#include <attune/core/sampling.hpp>
#include <attune/safety/half_space_trees.hpp>
#include <attune/safety/mahalanobis.hpp>

namespace {

using attune::VectorAnomaly;

std::vector<std::vector<double>> rows_of(const char* path) {
  std::ifstream file(path);
  std::vector<std::vector<double>> rows;
  for (std::string line; std::getline(file, line);) {
    std::istringstream numbers(line);
    std::vector<double> row;
    for (double number = 0.0; numbers >> number;) {
      row.push_back(number);
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

template <class D>
int score_all(D detector, const std::vector<std::vector<double>>& rows) {
  for (const std::vector<double>& row : rows) {
    const VectorAnomaly verdict = detector.update(row);
    if (verdict.status != attune::Errc::ok) {
      std::fprintf(stderr, "a row has not %zu finite numbers\n", detector.dimension());
      return 2;
    }
    std::printf("%.17g\n", verdict.score);
  }
  return 0;
}

int demonstrate() {
  attune::Rng rng(1);
  attune::HalfSpaceTrees detector = attune::HalfSpaceTrees::make({.dimension = 2}).value();
  VectorAnomaly usual;
  for (int i = 0; i < 1000; ++i) {
    const std::vector<double> row{attune::sample_normal(rng), attune::sample_normal(rng)};
    usual = detector.update(row);
  }
  const std::vector<double> far{9.0, -9.0};
  const VectorAnomaly odd = detector.update(far);
  std::printf("usual: %.2f, far away: %.2f, threshold %.2f\n", usual.score, odd.score, odd.threshold);
  return odd.is_anomaly && odd.score > usual.score ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 1) {
    return demonstrate();
  }
  const std::vector<std::vector<double>> rows = argc == 4 ? rows_of(argv[2]) : decltype(rows_of("")){};
  if (rows.empty() || rows[0].empty()) {
    std::fprintf(stderr, "usage: score_vectors half_space_trees|mahalanobis FILE SEED, rows of numbers\n");
    return 2;
  }
  const auto dimension = static_cast<std::uint32_t>(rows[0].size());
  if (std::string_view(argv[1]) == attune::Mahalanobis::kName) {
    return score_all(attune::Mahalanobis::make({.dimension = dimension}).value(), rows);
  }
  return score_all(
      attune::HalfSpaceTrees::make({.dimension = dimension, .seed = std::strtoull(argv[3], nullptr, 10)})
          .value(),
      rows);
}
