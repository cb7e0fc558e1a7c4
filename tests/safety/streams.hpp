// SPDX-License-Identifier: Apache-2.0
/// @file
/// Streams for the tests of detectors: seeded, and the same on every machine.
#pragma once

#include <cmath>
#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

#include <attune/core/rng.hpp>
#include <attune/core/sampling.hpp>
#include <attune/safety/drift.hpp>

namespace attune::test {

/// A value of a stream.
using Draw = std::function<double(Rng&)>;

[[nodiscard]] inline Draw bernoulli(double rate) {
  return [rate](Rng& rng) { return rng.uniform() < rate ? 1.0 : 0.0; };
}
[[nodiscard]] inline Draw normal(double mean, double deviation = 1.0) {
  return [=](Rng& rng) { return mean + deviation * sample_normal(rng); };
}
[[nodiscard]] inline Draw uniform() {
  return [](Rng& rng) { return rng.uniform(); };
}
/// Student's t with three degrees of freedom: no fourth moment.
[[nodiscard]] inline Draw student3() {
  return [](Rng& rng) {
    double squares = 0.0;
    for (int i = 0; i < 3; ++i) {
      const double z = sample_normal(rng);
      squares += z * z;
    }
    return sample_normal(rng) / std::sqrt(squares / 3.0);
  };
}

struct NamedDraw {
  std::string_view name;
  Draw draw;
};
/// The streams without drift that false alarms are counted on.
[[nodiscard]] inline std::vector<NamedDraw> null_streams() {
  return {{"bernoulli 0.1", bernoulli(0.1)},
          {"bernoulli 0.5", bernoulli(0.5)},
          {"normal", normal(0.0)},
          {"uniform", uniform()},
          {"student t3", student3()}};
}

/// `length` values, the first `change` of them from `before`.
[[nodiscard]] inline std::vector<double> draw_stream(std::uint64_t seed, std::size_t length,
                                                     const Draw& before, std::size_t change = 0,
                                                     const Draw& after = {}) {
  Rng rng(seed, name_stream("drift"));
  std::vector<double> values(length);
  for (std::size_t i = 0; i < length; ++i) {
    values[i] = i < change || !after ? before(rng) : after(rng);
  }
  return values;
}

/// Positions of drift.
template <DriftDetector D>
[[nodiscard]] std::vector<std::size_t> drifts_of(D& detector, const std::vector<double>& values) {
  std::vector<std::size_t> found;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (detector.update(values[i]) == Signal::drift) {
      found.push_back(i);
    }
  }
  return found;
}

}  // namespace attune::test
