// SPDX-License-Identifier: Apache-2.0
// One value through every shipped anomaly detector: CPU time, on normal values with an outlier in a thousand.
// The list is BuiltinAnomalyDetectors; floor/welford is a plain loop over the same values. Then vectors,
// intervals and defences.
#include <cmath>
#include <span>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>
#include <attune/core/rng.hpp>
#include <attune/core/sampling.hpp>
#include <attune/safety/builtin_anomaly_detectors.hpp>
#include <attune/safety/calibration.hpp>
#include <attune/safety/conformal.hpp>
#include <attune/safety/half_space_trees.hpp>
#include <attune/safety/mahalanobis.hpp>
#include <attune/safety/robust_mean.hpp>
#include <attune/safety/source_cap.hpp>
#include <attune/safety/winsorizer.hpp>

namespace attune::bench {
namespace {

constexpr std::size_t kValues = 1U << 16U;

std::vector<double> values() {
  Rng rng(1);
  std::vector<double> out(kValues);
  for (std::size_t i = 0; i < kValues; ++i) {
    out[i] = sample_normal(rng) * (i % 1000 == 999 ? 30.0 : 1.0);
  }
  return out;
}

void count(benchmark::State& state, std::size_t each) {
  const auto updates = static_cast<double>(state.iterations() * each);
  state.SetItemsProcessed(static_cast<std::int64_t>(updates));
  state.counters["ns_per_update"] =
      benchmark::Counter(updates * 1e-9, benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

template <class D>
void update(benchmark::State& state) {
  const std::vector<double> stream = values();
  D detector = D::make({}).value();
  std::int64_t anomalies = 0;
  for (auto _ : state) {
    for (const double value : stream) {
      anomalies += detector.update(value).is_anomaly ? 1 : 0;
    }
  }
  benchmark::DoNotOptimize(anomalies);
  count(state, stream.size());
}

/// Mean and variance of all values, and who is beyond three deviations.
void welford(benchmark::State& state) {
  const std::vector<double> stream = values();
  double n = 0.0;
  double mean = 0.0;
  double squares = 0.0;
  std::int64_t anomalies = 0;
  for (auto _ : state) {
    for (const double value : stream) {
      const double distance = value - mean;
      anomalies += distance * distance * n > 9.0 * squares ? 1 : 0;
      n += 1.0;
      mean += distance / n;
      squares += distance * (value - mean);
    }
  }
  benchmark::DoNotOptimize(anomalies);
  count(state, stream.size());
}

/// Vectors of state.range(0) normal numbers.
template <class D>
void update_vector(benchmark::State& state) {
  typename D::Config config;
  config.dimension = static_cast<std::uint32_t>(state.range(0));
  D detector = D::make(config).value();
  const std::vector<double> stream = values();
  const std::size_t rows = stream.size() / config.dimension;
  std::int64_t anomalies = 0;
  for (auto _ : state) {
    for (std::size_t i = 0; i < rows; ++i) {
      anomalies +=
          detector.update(std::span(stream).subspan(i * config.dimension, config.dimension)).is_anomaly;
    }
  }
  benchmark::DoNotOptimize(anomalies);
  count(state, rows);
}

/// A residual into a conformal interval, judged before it is learned.
template <class C>
void update_conformal(benchmark::State& state) {
  C conformal = C::make({}).value();
  const std::vector<double> stream = values();
  for (auto _ : state) {
    for (const double value : stream) {
      benchmark::DoNotOptimize(conformal.update(0.0, value));
    }
  }
  count(state, stream.size());
}

void update_calibration(benchmark::State& state) {
  CalibrationMonitor monitor = CalibrationMonitor::make({}).value();
  std::vector<double> stream = values();
  for (double& value : stream) {
    value = std::fabs(value) < 1.0 ? std::fabs(value) : 0.5;
  }
  for (auto _ : state) {
    for (const double value : stream) {
      benchmark::DoNotOptimize(monitor.update(value, 1.0));
    }
  }
  count(state, stream.size());
}

void update_winsorizer(benchmark::State& state) {
  Winsorizer clip = Winsorizer::make({}).value();
  const std::vector<double> stream = values();
  for (auto _ : state) {
    for (const double value : stream) {
      benchmark::DoNotOptimize(clip.update(value));
    }
  }
  count(state, stream.size());
}

void add_to_median_of_means(benchmark::State& state) {
  MedianOfMeans mean = MedianOfMeans::make({}).value();
  const std::vector<double> stream = values();
  for (auto _ : state) {
    std::uint64_t source = 0;
    for (const double value : stream) {
      benchmark::DoNotOptimize(mean.add(value, ++source));
    }
  }
  benchmark::DoNotOptimize(mean.estimate());
  count(state, stream.size());
}

void admit(benchmark::State& state) {
  SourceCap cap = SourceCap::make({}).value();
  Rng rng(2);
  std::vector<std::uint64_t> sources(kValues);
  for (std::uint64_t& source : sources) {
    source = rng.below(100);
  }
  for (auto _ : state) {
    for (const std::uint64_t source : sources) {
      benchmark::DoNotOptimize(cap.admit(source));
    }
  }
  count(state, sources.size());
}

template <class... Detectors>
void add_all(AnomalyDetectorList<Detectors...> /*list*/) {
  benchmark::RegisterBenchmark("anomaly/floor/welford", &welford)->MinTime(0.3);
  (benchmark::RegisterBenchmark(("anomaly/" + std::string(Detectors::kName)).c_str(), &update<Detectors>)
       ->MinTime(0.3),
   ...);
}

const bool kAdded = [] {
  add_all(BuiltinAnomalyDetectors{});
  benchmark::RegisterBenchmark("anomaly/half_space_trees", &update_vector<HalfSpaceTrees>)->Arg(4)->Arg(64);
  benchmark::RegisterBenchmark("anomaly/mahalanobis", &update_vector<Mahalanobis>)->Arg(4)->Arg(16)->Arg(64);
  benchmark::RegisterBenchmark("uncertainty/split_conformal", &update_conformal<SplitConformal>);
  benchmark::RegisterBenchmark("uncertainty/adaptive_conformal", &update_conformal<AdaptiveConformal>);
  benchmark::RegisterBenchmark("uncertainty/calibration_monitor", &update_calibration);
  benchmark::RegisterBenchmark("poisoning/winsorizer", &update_winsorizer);
  benchmark::RegisterBenchmark("poisoning/median_of_means", &add_to_median_of_means);
  benchmark::RegisterBenchmark("poisoning/source_cap", &admit);
  return true;
}();

}  // namespace
}  // namespace attune::bench
