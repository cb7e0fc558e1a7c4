// SPDX-License-Identifier: Apache-2.0
#include "simulations/environments/bernoulli.hpp"

#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "simulations/arm_names.hpp"
#include "simulations/json_reader.hpp"
#include "simulations/world_rng.hpp"

namespace attune::sim {
namespace {

class BernoulliWorld final : public World {
 public:
  BernoulliWorld(const std::vector<double>& means, std::uint64_t seed) : means_(means), seed_(seed) {}

  void step(std::uint64_t t, Step& out) const override {
    out.context.clear();
    out.category = 0;
    out.expected = means_;
    out.outcome.resize(means_.size());
    Rng rng = world_rng(seed_, "bernoulli", t);
    for (std::size_t arm = 0; arm < means_.size(); ++arm) {
      out.outcome[arm] = rng.uniform() < means_[arm] ? 1.0 : 0.0;
    }
  }

 private:
  const std::vector<double>& means_;
  std::uint64_t seed_;
};

class Bernoulli final : public Environment {
 public:
  Bernoulli(std::vector<double> means, std::vector<std::string> arms) : means_(std::move(means)) {
    info_.type = "bernoulli";
    info_.arms = std::move(arms);
    info_.components = {"reward"};
  }

  [[nodiscard]] const EnvironmentInfo& info() const noexcept override { return info_; }
  [[nodiscard]] std::unique_ptr<World> start(std::uint64_t seed, std::uint64_t /*horizon*/) const override {
    return std::make_unique<BernoulliWorld>(means_, seed);
  }

 private:
  std::vector<double> means_;
  EnvironmentInfo info_;
};

}  // namespace

Result<std::unique_ptr<Environment>> make_bernoulli(const nlohmann::json& options,
                                                    const FileRoots& /*roots*/) {
  JsonReader reader(options, "environment");
  (void)reader.text("type");
  std::vector<double> means = reader.numbers("means", Bounds{0, 1}, true);
  if (reader.good() && means.empty()) {
    reader.fail_with("environment.means is empty; an arm is needed");
  }
  std::vector<std::string> arms = read_arm_names(reader, means.size());
  if (Result<void> good = reader.finish(); !good) {
    return tl::unexpected(std::move(good).error());
  }
  return std::make_unique<Bernoulli>(std::move(means), std::move(arms));
}

}  // namespace attune::sim
