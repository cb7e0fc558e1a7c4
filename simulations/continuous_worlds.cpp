// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <cmath>
#include <memory>
#include <numbers>
#include <span>
#include <utility>

#include <nlohmann/json.hpp>

#include <attune/core/sampling.hpp>
#include <attune/engine/registry.hpp>

#include "simulations/set_worlds.hpp"

namespace attune::sim {
namespace {

using nlohmann::json;

constexpr std::uint32_t kActionWorld = 1;  // purposes of generators
constexpr std::uint32_t kActionDraws = 2;

/// A reward for each action in [0, 1], noise aside; its maximum is 0.
using Hill = double (*)(double context, double action);

double convex(double /*context*/, double action) { return -2.0 * (action - 0.3) * (action - 0.3); }
double kink(double /*context*/, double action) { return -std::abs(action - 0.7); }
/// Two hills: the lower one is wide, the higher one narrow.
double hills(double /*context*/, double action) {
  const double wide = 0.8 * std::exp(-0.5 * std::pow((action - 0.25) / 0.12, 2.0));
  const double narrow = std::exp(-0.5 * std::pow((action - 0.8) / 0.06, 2.0));
  return std::max(wide, narrow) - 1.0;
}
double follows(double context, double action) { return -2.0 * std::pow(action - (0.2 + 0.6 * context), 2.0); }

Result<Play> start_actions(Hill hill, bool contextual, const json& spec, std::uint64_t seed) {
  const bool uniform = spec.value("type", std::string()) == "uniform";
  const json made_of = uniform ? json{{"type", "spline_square_cb"}} : spec;
  const std::size_t features = contextual ? 2 : 0;
  Result<AnyContinuousBandit> made = make_continuous_bandit(made_of, {.features = features}, "policy");
  if (!made) {
    return tl::unexpected(std::move(made).error());
  }
  if (made->dimension() != 1 || made->range(0).min != 0.0 || made->range(0).max != 1.0) {
    return fail(Errc::invalid_config, "policy: the worlds have one action, from 0 to 1");
  }
  const auto bandit = std::make_shared<const AnyContinuousBandit>(*std::move(made));
  return Play([=](std::uint64_t run, std::span<const std::uint64_t> steps, std::span<double> out) {
    AnyContinuousBandit playing = *bandit;
    Rng world(seed, run, 0, kActionWorld);
    double regret = 0.0;
    std::size_t next = 0;
    for (std::uint64_t step = 1; step <= steps.back(); ++step) {
      Rng rng(seed, run, step, kActionDraws);
      const double x = world.uniform();
      const std::array<double, 2> seen{x, x * x};  // the best action's value is a quadratic in x
      const Input input{.dense = std::span(seen).first(features)};
      std::array<double, 1> action{rng.uniform()};
      if (!uniform && playing.select_action({.input = input}, rng, action).status != Errc::ok) {
        return false;
      }
      const double mean = hill(x, action[0]);
      const double reward = mean + 0.1 * sample_normal(world);
      if (!uniform && playing.update({.action = action, .reward = reward, .input = input}) != Errc::ok) {
        return false;
      }
      regret -= mean;
      if (step == steps[next]) {
        out[next++] = regret;
      }
    }
    return true;
  });
}

SetWorld action_world(Hill hill, bool contextual, std::string name, std::string about,
                      std::vector<std::string> policies) {
  return {.name = std::move(name),
          .about = std::move(about),
          .horizon = 50'000,
          .runs = 20,
          .policies = std::move(policies),
          .start = [=](const json& spec, std::uint64_t seed) {
            return start_actions(hill, contextual, spec, seed);
          }};
}

}  // namespace

std::vector<SetWorld> continuous_worlds() {
  const std::vector<std::string> both{"uniform", "optimistic_tree", "spline_square_cb"};
  return {
      action_world(&convex, false, "convex", "cost 2 (a - 0.3)^2 and noise of deviation 0.1", both),
      action_world(&kink, false, "kink", "cost |a - 0.7| and noise of deviation 0.1", both),
      action_world(
          &hills, false, "hills",
          "a wide hill of height 0.8 at 0.25, a narrow one of height 1 at 0.8, noise of deviation 0.1", both),
      action_world(&follows, true, "context",
                   "cost 2 (a - 0.2 - 0.6 x)^2, x the context, and noise of deviation 0.1",
                   {"uniform", "spline_square_cb"})};
}

}  // namespace attune::sim
