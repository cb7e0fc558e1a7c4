// SPDX-License-Identifier: Apache-2.0
// A number as the action: which temperature of a model, by the kind of request.
#include <attune/core/sampling.hpp>
#include <attune/policies/spline_square_cb.hpp>

#include <array>
#include <cmath>
#include <cstdio>

int main() {
  using namespace attune;  // an example may
  // One feature: 0 for extraction, 1 for free writing.
  SplineSquareCb policy = SplineSquareCb::make({.low = 0.0, .high = 2.0}, {.features = 1}).value();

  Rng world(1);
  double late = 0.0;  // distance from the best temperature
  double weight = 0.0;
  double quality = 0.0;  // of the fixed temperature 0.2, estimated from the densities
  constexpr int kRounds = 8000;
  for (int t = 0; t < kRounds; ++t) {
    const std::array<double, 1> kind{world.uniform() < 0.5 ? 0.0 : 1.0};
    const Input input{.dense = kind};
    std::array<double, 1> temperature{};
    Rng rng(42, 0, static_cast<std::uint64_t>(t));
    const ActionDensity chosen = policy.select_action({.input = input}, rng, temperature);
    if (chosen.status != Errc::ok) {
      return 1;
    }
    const double best = kind[0] == 0.0 ? 0.2 : 1.1;
    const double reward = 1.0 - std::pow(temperature[0] - best, 2.0) + 0.1 * sample_normal(world);
    if (policy.update({.action = temperature, .reward = reward, .input = input}) != Errc::ok) {
      return 1;
    }
    late += t >= kRounds / 2 ? std::abs(temperature[0] - best) / (kRounds / 2.0) : 0.0;
    // What would actions drawn uniformly from [0.1, 0.3] have earned? Inverse density weights,
    // self-normalised.
    if (temperature[0] >= 0.1 && temperature[0] <= 0.3) {
      weight += 1.0 / chosen.density;
      quality += reward / chosen.density;
    }
  }
  // 0.2 is right half of the time and 0.9 off the other half: 1 - 0.81 / 2, about 0.59.
  std::printf("mean distance from the best temperature: %.3f; 0.2 for all would earn %.2f\n", late,
              quality / weight);
  return late < 0.15 && std::abs(quality / weight - 0.59) < 0.08 ? 0 : 1;
}
