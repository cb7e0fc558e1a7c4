// SPDX-License-Identifier: Apache-2.0
#include "simulations/environments/gradual.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "simulations/arm_names.hpp"
#include "simulations/json_reader.hpp"
#include "simulations/world_rng.hpp"

namespace attune::sim {
namespace {

struct Tide {
  std::vector<double> means;
  double amplitude = 0.0;
  double period = 0.0;
};

class GradualWorld final : public World {
 public:
  GradualWorld(const Tide& tide, std::uint64_t seed) : tide_(tide), seed_(seed) {}

  void step(std::uint64_t t, Step& out) const override {
    const std::size_t arms = tide_.means.size();
    out.context.clear();
    out.category = 0;
    out.expected.resize(arms);
    out.outcome.resize(arms);
    Rng rng = world_rng(seed_, "gradual", t);
    for (std::size_t arm = 0; arm < arms; ++arm) {
      const double turn =
          static_cast<double>(t) / tide_.period + static_cast<double>(arm) / static_cast<double>(arms);
      const double mean = tide_.means[arm] + tide_.amplitude * std::sin(2.0 * std::numbers::pi * turn);
      out.expected[arm] = std::clamp(mean, 0.0, 1.0);
      out.outcome[arm] = rng.uniform() < mean ? 1.0 : 0.0;
    }
  }

 private:
  const Tide& tide_;
  std::uint64_t seed_;
};

class Gradual final : public Environment {
 public:
  Gradual(Tide tide, std::vector<std::string> arms) : tide_(std::move(tide)) {
    info_.type = "gradual";
    info_.arms = std::move(arms);
    info_.components = {"reward"};
  }

  [[nodiscard]] const EnvironmentInfo& info() const noexcept override { return info_; }
  [[nodiscard]] std::unique_ptr<World> start(std::uint64_t seed, std::uint64_t /*horizon*/) const override {
    return std::make_unique<GradualWorld>(tide_, seed);
  }

 private:
  Tide tide_;
  EnvironmentInfo info_;
};

}  // namespace

Result<std::unique_ptr<Environment>> make_gradual(const nlohmann::json& options, const FileRoots& /*roots*/) {
  JsonReader reader(options, "environment");
  (void)reader.text("type");
  Tide tide;
  tide.means = reader.numbers("means", Bounds{0, 1}, true);
  tide.amplitude = reader.number("amplitude", Bounds{0, 1});
  tide.period = reader.number("period", Bounds{2, 1e12});
  if (reader.good() && tide.means.empty()) {
    reader.fail_with("environment.means is empty; an arm is needed");
  }
  std::vector<std::string> arms = read_arm_names(reader, tide.means.size());
  if (Result<void> good = reader.finish(); !good) {
    return tl::unexpected(std::move(good).error());
  }
  return std::make_unique<Gradual>(std::move(tide), std::move(arms));
}

}  // namespace attune::sim
