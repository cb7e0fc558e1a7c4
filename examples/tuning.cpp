// SPDX-License-Identifier: Apache-2.0
// Bayesian optimization at a decision point: attune proposes a temperature and a top-p, the service reports
// how good the answers were.
#include <attune/attune.hpp>

#include <cmath>
#include <cstdio>

int main() {
  attune::Engine engine = attune::Engine::open(R"({"seed": 7, "points": {"sampling": {
      "policy": {"type": "gp_optimizer", "parameters": [
        {"name": "temperature", "low": 0.0, "high": 2.0},
        {"name": "top_p", "low": 0.5, "high": 1.0}]}}}})")
                              .value();
  const attune::PointId point = engine.point("sampling").value();
  double best = -1e9;
  attune::Decision trial;
  for (int i = 0; i < 40; ++i) {
    if (engine.decide(point, {}, {}, trial) != attune::Errc::ok) {
      return 1;
    }
    const double temperature = trial.parameters.at(0);
    const double top_p = trial.parameters.at(1);
    const double quality = 1.0 - std::pow(temperature - 0.7, 2) - 2.0 * std::pow(top_p - 0.9, 2);
    best = quality > best ? quality : best;
    if (engine.outcome(trial.id, quality) != attune::Errc::ok || !engine.pump()) {
      return 1;
    }
  }
  std::printf("best quality %.4f of 1\n", best);
  return best > 0.99 ? 0 : 1;
}
