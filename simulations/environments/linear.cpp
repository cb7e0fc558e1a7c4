// SPDX-License-Identifier: Apache-2.0
#include "simulations/environments/linear.hpp"

#include <algorithm>
#include <cmath>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include <attune/core/sampling.hpp>

#include "simulations/json_reader.hpp"
#include "simulations/world_rng.hpp"

namespace attune::sim {
namespace {

struct LinearOptions {
  std::size_t arms = 0;
  std::size_t features = 0;
  double offset = 0.5;
  double scale = 0.5;
  double deviation = 0.1;
  bool bernoulli = false;
};

/// A point uniform on the unit sphere: a normal vector divided by its length.
void draw_direction(Rng& rng, std::span<double> out) {
  double squares = 0.0;
  for (double& x : out) {
    x = sample_normal(rng);
    squares += x * x;
  }
  const double length = std::sqrt(squares);
  for (double& x : out) {
    x = length > 0.0 ? x / length : 0.0;
  }
}

class LinearWorld final : public World {
 public:
  LinearWorld(const LinearOptions& options, std::uint64_t seed)
      : options_(options), seed_(seed), theta_(options.arms * options.features) {
    for (std::size_t arm = 0; arm < options.arms; ++arm) {
      Rng rng = world_rng(seed, "linear.theta", arm);
      draw_direction(rng, std::span(theta_).subspan(arm * options.features, options.features));
    }
  }

  void step(std::uint64_t t, Step& out) const override {
    out.category = 0;
    out.context.resize(options_.features);
    out.expected.resize(options_.arms);
    out.outcome.resize(options_.arms);
    Rng rng = world_rng(seed_, "linear.context", t);
    draw_direction(rng, out.context);
    for (std::size_t arm = 0; arm < options_.arms; ++arm) {
      double product = 0.0;
      for (std::size_t i = 0; i < options_.features; ++i) {
        product += out.context[i] * theta_[arm * options_.features + i];
      }
      Rng noise = world_rng(seed_, "linear.noise", t * options_.arms + arm);
      const double mean = options_.offset + options_.scale * product;
      if (options_.bernoulli) {
        out.expected[arm] = std::clamp(mean, 0.0, 1.0);
        out.outcome[arm] = noise.uniform() < mean ? 1.0 : 0.0;
      } else {
        out.expected[arm] = mean;
        out.outcome[arm] = mean + options_.deviation * sample_normal(noise);
      }
    }
  }

 private:
  const LinearOptions& options_;
  std::uint64_t seed_;
  std::vector<double> theta_;
};

class Linear final : public Environment {
 public:
  explicit Linear(const LinearOptions& options) : options_(options) {
    info_.type = "linear";
    info_.components = {"reward"};
    for (std::size_t arm = 0; arm < options.arms; ++arm) {
      info_.arms.push_back("arm-" + std::to_string(arm));
    }
    for (std::size_t i = 0; i < options.features; ++i) {
      info_.features.push_back("x" + std::to_string(i));
    }
  }

  [[nodiscard]] const EnvironmentInfo& info() const noexcept override { return info_; }
  [[nodiscard]] std::unique_ptr<World> start(std::uint64_t seed, std::uint64_t /*horizon*/) const override {
    return std::make_unique<LinearWorld>(options_, seed);
  }

 private:
  LinearOptions options_;
  EnvironmentInfo info_;
};

}  // namespace

Result<std::unique_ptr<Environment>> make_linear(const nlohmann::json& options, const FileRoots& /*roots*/) {
  JsonReader reader(options, "environment");
  (void)reader.text("type");
  LinearOptions parsed;
  parsed.arms = reader.count("arms", Bounds{1, 10'000});
  parsed.features = reader.count("features", Bounds{1, 10'000});
  parsed.offset = reader.number("offset", Bounds{-1e6, 1e6}, parsed.offset);
  parsed.scale = reader.number("scale", Bounds{0, 1e6}, parsed.scale);
  parsed.deviation = reader.number("deviation", Bounds{0, 1e6}, parsed.deviation);
  parsed.bernoulli = reader.choice("rewards", {"gaussian", "bernoulli"}, "gaussian") == "bernoulli";
  if (Result<void> good = reader.finish(); !good) {
    return tl::unexpected(std::move(good).error());
  }
  return std::make_unique<Linear>(parsed);
}

}  // namespace attune::sim
