// SPDX-License-Identifier: Apache-2.0
#include "simulations/environments/gaussian.hpp"

#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include <attune/core/sampling.hpp>

#include "simulations/arm_names.hpp"
#include "simulations/json_reader.hpp"
#include "simulations/world_rng.hpp"

namespace attune::sim {
namespace {

struct Arms {
  std::vector<double> means;
  std::vector<double> deviations;
};

class GaussianWorld final : public World {
 public:
  GaussianWorld(const Arms& arms, std::uint64_t seed) : arms_(arms), seed_(seed) {}

  void step(std::uint64_t t, Step& out) const override {
    out.context.clear();
    out.category = 0;
    out.expected = arms_.means;
    out.outcome.resize(arms_.means.size());
    for (std::size_t arm = 0; arm < arms_.means.size(); ++arm) {
      // A generator an arm: the ziggurat takes a varying number of draws, and one arm's must not move the
      // next one's.
      Rng rng = world_rng(seed_, "gaussian", t * arms_.means.size() + arm);
      out.outcome[arm] = arms_.means[arm] + arms_.deviations[arm] * sample_normal(rng);
    }
  }

 private:
  const Arms& arms_;
  std::uint64_t seed_;
};

class Gaussian final : public Environment {
 public:
  Gaussian(Arms arms, std::vector<std::string> names) : arms_(std::move(arms)) {
    info_.type = "gaussian";
    info_.arms = std::move(names);
    info_.components = {"reward"};
  }

  [[nodiscard]] const EnvironmentInfo& info() const noexcept override { return info_; }
  [[nodiscard]] std::unique_ptr<World> start(std::uint64_t seed, std::uint64_t /*horizon*/) const override {
    return std::make_unique<GaussianWorld>(arms_, seed);
  }

 private:
  Arms arms_;
  EnvironmentInfo info_;
};

}  // namespace

Result<std::unique_ptr<Environment>> make_gaussian(const nlohmann::json& options,
                                                   const FileRoots& /*roots*/) {
  JsonReader reader(options, "environment");
  (void)reader.text("type");
  Arms arms;
  arms.means = reader.numbers("means", Bounds{-1e12, 1e12}, true);
  arms.deviations = reader.numbers("deviations", Bounds{0, 1e12}, false);
  const double deviation = reader.number("deviation", Bounds{0, 1e12}, 1.0);
  if (arms.deviations.empty()) {
    arms.deviations.assign(arms.means.size(), deviation);
  }
  if (reader.good() && arms.means.empty()) {
    reader.fail_with("environment.means is empty; an arm is needed");
  }
  if (reader.good() && arms.deviations.size() != arms.means.size()) {
    reader.fail_with("environment.deviations has " + std::to_string(arms.deviations.size()) +
                     " numbers for " + std::to_string(arms.means.size()) + " means");
  }
  std::vector<std::string> names = read_arm_names(reader, arms.means.size());
  if (Result<void> good = reader.finish(); !good) {
    return tl::unexpected(std::move(good).error());
  }
  return std::make_unique<Gaussian>(std::move(arms), std::move(names));
}

}  // namespace attune::sim
