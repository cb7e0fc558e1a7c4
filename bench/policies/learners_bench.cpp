// SPDX-License-Identifier: Apache-2.0
// predict, then learn, of every shipped learner: rows of 16 non-zeros, sparse (of 60,000) and dense. The
// counter `ratio` is the time of a plain loop in the same process, logistic regression by AdaGrad, over the
// learner's.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>
#include <attune/core/sampling.hpp>
#include <attune/engine/registry.hpp>
#include <nlohmann/json.hpp>

namespace attune::bench {
namespace {

constexpr std::size_t kExamples = 4096;
constexpr std::size_t kNonZeros = 16;

/// Rows with labels that follow a linear model.
struct Examples {
  std::size_t features;
  bool sparse;
  std::vector<std::uint32_t> index;
  std::vector<double> values;
  std::vector<double> labels;

  Examples(std::size_t of, bool is_sparse) : features(of), sparse(is_sparse) {
    Rng rng(1);
    for (std::size_t row = 0; row < kExamples; ++row) {
      double score = 0.0;
      for (std::size_t k = 0; k < kNonZeros; ++k) {
        const std::size_t part = features / kNonZeros;
        const auto own = static_cast<std::uint32_t>(k * part + rng.below(part));
        index.push_back(own);
        values.push_back(sparse ? 1.0 : sample_normal(rng));
        score += values.back() * (own % 3 == 0 ? 0.5 : -0.25);
      }
      labels.push_back(rng.uniform() < 1.0 / (1.0 + std::exp(-score)) ? 1.0 : 0.0);
    }
  }
  [[nodiscard]] Input row(std::size_t at) const {
    const std::span<const double> own = std::span(values).subspan(at * kNonZeros, kNonZeros);
    return sparse
               ? Input{.sparse = {.index = std::span(index).subspan(at * kNonZeros, kNonZeros), .value = own}}
               : Input{.dense = own};
  }
};

/// The floor: nanoseconds a row of processor time, best of five passes.
double floor_time(const Examples& examples) {
  std::vector<double> weights(examples.features);
  std::vector<double> squares(examples.features, 1e-8);
  double best = 1e300;
  for (int pass = 0; pass < 5; ++pass) {
    const std::clock_t start = std::clock();
    constexpr int kRepeats = 20;
    for (int repeat = 0; repeat < kRepeats; ++repeat) {
      for (std::size_t row = 0; row < kExamples; ++row) {
        const std::uint32_t* index = examples.index.data() + row * kNonZeros;
        const double* value = examples.values.data() + row * kNonZeros;
        double score = 0.0;
        for (std::size_t k = 0; k < kNonZeros; ++k) {
          score += weights[index[k]] * value[k];
        }
        const double error = 1.0 / (1.0 + std::exp(-score)) - examples.labels[row];
        benchmark::DoNotOptimize(score);
        for (std::size_t k = 0; k < kNonZeros; ++k) {
          const double gradient = error * value[k];
          squares[index[k]] += gradient * gradient;
          weights[index[k]] -= 0.1 * gradient / std::sqrt(squares[index[k]]);
        }
      }
    }
    const double seconds = static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
    best = std::min(best, 1e9 * seconds / (kRepeats * static_cast<double>(kExamples)));
  }
  return best;
}

void learn_rows(benchmark::State& state, const std::string& name, bool sparse) {
  static const Examples kSparse(60'000, true);
  static const Examples kDense(kNonZeros, false);
  static const double kSparseFloor = floor_time(kSparse);
  static const double kDenseFloor = floor_time(kDense);
  const Examples& examples = sparse ? kSparse : kDense;
  AnyLearner learner = make_learner(nlohmann::json{{"type", name}, {"loss", "logistic"}},
                                    {.features = examples.features, .sparse = sparse}, "bench")
                           .value();
  std::size_t at = 0;
  double before = 0.0;
  std::size_t refused = 0;
  const std::clock_t start = std::clock();
  for (auto _ : state) {
    const std::size_t next = (at + 1) % kExamples;
    learner.prefetch(examples.row(next));
    refused +=
        learner.predict_then_fit(examples.row(at), examples.labels[at], 1.0, before) == Errc::ok ? 0U : 1U;
    benchmark::DoNotOptimize(before);
    at = next;
  }
  const double seconds = static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
  if (refused > 0) {
    state.SkipWithError("rows were refused");
  }
  state.counters["ns"] = 1e9 * seconds / static_cast<double>(state.iterations());
  state.counters["ratio"] = (sparse ? kSparseFloor : kDenseFloor) / state.counters["ns"];
}

const int kRegistered = [] {
  for (const AlgorithmInfo& info : algorithms()) {
    const bool logistic =
        std::ranges::any_of(info.options, [](const OptionInfo& option) { return option.name == "loss"; });
    if (info.family == Family::learner && logistic) {
      for (const bool sparse : {true, false}) {
        if (sparse &&
            !make_learner(nlohmann::json{{"type", info.name}}, {.features = 1, .sparse = true}, "bench")) {
          continue;  // takes dense contexts only
        }
        benchmark::RegisterBenchmark(
            ("learn/" + info.name + (sparse ? "/16_of_60000" : "/16_dense")).c_str(),
            [name = info.name, sparse](benchmark::State& state) { learn_rows(state, name, sparse); });
      }
    }
  }
  return 0;
}();

}  // namespace
}  // namespace attune::bench
