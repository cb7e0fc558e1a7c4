// SPDX-License-Identifier: Apache-2.0
// One value through every shipped detector: CPU time, on a stream without drift. The list is
// BuiltinDetectors.
#include <utility>
#include <vector>

#include <benchmark/benchmark.h>
#include <attune/core/rng.hpp>
#include <attune/core/sampling.hpp>
#include <attune/safety/any_detector.hpp>
#include <attune/safety/builtin_detectors.hpp>

namespace attune::bench {
namespace {

constexpr std::size_t kValues = 1U << 16U;

std::vector<double> values(bool binary) {
  Rng rng(1);
  std::vector<double> out(kValues);
  for (double& value : out) {
    value = binary ? (rng.uniform() < 0.2 ? 1.0 : 0.0) : sample_normal(rng);
  }
  return out;
}

/// A batch through a detector of this function's own, which compilers keep in registers where that is
/// possible.
template <class D>
[[gnu::noinline]] std::int64_t feed(D& outer, const std::vector<double>& stream) {
  D detector = outer;
  std::int64_t drifts = 0;
  for (const double value : stream) {
    drifts += detector.update(value) == Signal::drift ? 1 : 0;
  }
  outer = std::move(detector);
  return drifts;
}

template <class D>
void update(benchmark::State& state, bool binary) {
  const std::vector<double> stream = values(binary);
  D detector = D::make({}).value();
  std::int64_t drifts = 0;
  for (auto _ : state) {
    drifts += feed(detector, stream);
  }
  benchmark::DoNotOptimize(drifts);
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations() * stream.size()));
  state.counters["ns_per_update"] =
      benchmark::Counter(static_cast<double>(state.iterations() * stream.size()) * 1e-9,
                         benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

template <class... Detectors>
void add_all(DetectorList<Detectors...> /*list*/) {
  (benchmark::RegisterBenchmark((std::string(Detectors::kName) + "/normal").c_str(), &update<Detectors>,
                                false)
       ->MinTime(0.3),
   ...);
  (benchmark::RegisterBenchmark((std::string(Detectors::kName) + "/binary").c_str(), &update<Detectors>, true)
       ->MinTime(0.3),
   ...);
}

const bool kAdded = [] {
  add_all(BuiltinDetectors{});
  return true;
}();

}  // namespace
}  // namespace attune::bench
