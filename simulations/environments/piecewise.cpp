// SPDX-License-Identifier: Apache-2.0
#include "simulations/environments/piecewise.hpp"

#include <limits>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "simulations/arm_names.hpp"
#include "simulations/json_reader.hpp"
#include "simulations/world_rng.hpp"

namespace attune::sim {
namespace {

struct Phase {
  std::uint64_t until = std::numeric_limits<std::uint64_t>::max();
  std::vector<double> means;
};

class PiecewiseWorld final : public World {
 public:
  PiecewiseWorld(const std::vector<Phase>& phases, std::uint64_t seed) : phases_(phases), seed_(seed) {}

  void step(std::uint64_t t, Step& out) const override {
    std::size_t phase = 0;
    while (phase + 1 < phases_.size() && t >= phases_[phase].until) {
      ++phase;
    }
    out.context.clear();
    out.category = 0;
    out.expected = phases_[phase].means;
    out.outcome.resize(out.expected.size());
    Rng rng = world_rng(seed_, "piecewise", t);
    for (std::size_t arm = 0; arm < out.expected.size(); ++arm) {
      out.outcome[arm] = rng.uniform() < out.expected[arm] ? 1.0 : 0.0;
    }
  }

 private:
  const std::vector<Phase>& phases_;
  std::uint64_t seed_;
};

class Piecewise final : public Environment {
 public:
  Piecewise(std::vector<Phase> phases, std::vector<std::string> arms) : phases_(std::move(phases)) {
    info_.type = "piecewise";
    info_.arms = std::move(arms);
    info_.components = {"reward"};
  }

  [[nodiscard]] const EnvironmentInfo& info() const noexcept override { return info_; }
  [[nodiscard]] std::unique_ptr<World> start(std::uint64_t seed, std::uint64_t /*horizon*/) const override {
    return std::make_unique<PiecewiseWorld>(phases_, seed);
  }

 private:
  std::vector<Phase> phases_;
  EnvironmentInfo info_;
};

Result<std::vector<Phase>> read_phases(const nlohmann::json& list) {
  std::vector<Phase> phases;
  for (std::size_t i = 0; i < list.size(); ++i) {
    const std::string path = "environment.phases[" + std::to_string(i) + "]";
    JsonReader reader(list[i], path);
    Phase phase;
    const bool last = i + 1 == list.size();
    if (!last) {
      phase.until = reader.count("until", Bounds{1, 1e15});
    }
    phase.means = reader.numbers("means", Bounds{0, 1}, true);
    if (reader.good() && phase.means.empty()) {
      reader.fail_with(path + ".means is empty; an arm is needed");
    }
    if (reader.good() && !phases.empty()) {
      if (phase.means.size() != phases.front().means.size()) {
        reader.fail_with(path + ".means has " + std::to_string(phase.means.size()) +
                         " arms where the first phase has " + std::to_string(phases.front().means.size()));
      } else if (phase.until <= phases.back().until) {
        reader.fail_with(path + ".until must be above the phase before it");
      }
    }
    if (Result<void> good = reader.finish(); !good) {
      return tl::unexpected(std::move(good).error());
    }
    phases.push_back(std::move(phase));
  }
  return phases;
}

}  // namespace

Result<std::unique_ptr<Environment>> make_piecewise(const nlohmann::json& options,
                                                    const FileRoots& /*roots*/) {
  JsonReader reader(options, "environment");
  (void)reader.text("type");
  std::vector<Phase> phases;
  const nlohmann::json* list = reader.find_array("phases");
  if (list == nullptr || list->empty()) {
    reader.fail_with("environment.phases must be a list with at least one phase");
  } else if (Result<std::vector<Phase>> read = read_phases(*list); !read) {
    reader.fail_with(std::move(read).error());
  } else {
    phases = std::move(*read);
  }
  std::vector<std::string> arms = read_arm_names(reader, phases.empty() ? 0 : phases.front().means.size());
  if (Result<void> good = reader.finish(); !good) {
    return tl::unexpected(std::move(good).error());
  }
  return std::make_unique<Piecewise>(std::move(phases), std::move(arms));
}

}  // namespace attune::sim
