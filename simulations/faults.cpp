// SPDX-License-Identifier: Apache-2.0
#include "simulations/faults.hpp"

#include <algorithm>
#include <span>
#include <utility>

#include <nlohmann/json.hpp>

#include "simulations/json_reader.hpp"
#include "simulations/world_rng.hpp"

namespace attune::sim {
namespace {

using nlohmann::json;

constexpr Bounds kAnyNumber{-1e12, 1e12};

void change_outcome(const std::vector<Fault::Change>& changes, std::span<double> outcome) {
  for (const Fault::Change& change : changes) {
    outcome[change.component] = outcome[change.component] * change.times + change.plus;
  }
}

/// {component: number}; a change for each. `set` puts the number in place, else it is a factor.
void read_changes(JsonReader& reader, std::string_view key, bool set, const EnvironmentInfo& info,
                  std::vector<Fault::Change>& out) {
  const json* object = reader.find_object(key);
  if (object == nullptr) {
    return;
  }
  JsonReader fields(*object, reader.path_of(key));
  for (std::size_t i = 0; i < info.components.size(); ++i) {
    if (fields.find(info.components[i]) != nullptr) {
      const double number = fields.number(info.components[i], kAnyNumber);
      out.push_back({.component = i, .times = set ? 0.0 : number, .plus = set ? number : 0.0});
    }
  }
  if (Result<void> good = fields.finish(); !good) {
    reader.fail_with(std::move(good).error());
  }
}

void read_arms(JsonReader& reader, const EnvironmentInfo& info, Fault& fault) {
  const bool given = reader.find("arms") != nullptr;
  const std::vector<std::string> names = reader.texts("arms", false);
  fault.arms.assign(info.arms.size(), given ? 0 : 1);
  for (const std::string& name : names) {
    const auto arm = std::find(info.arms.begin(), info.arms.end(), name);
    if (arm == info.arms.end()) {
      reader.fail_with(reader.path_of("arms") + ": the environment has no arm \"" + name + "\"");
      return;
    }
    fault.arms[static_cast<std::size_t>(arm - info.arms.begin())] = 1;
  }
}

Result<Fault> read_fault(const json& object, const std::string& path, const EnvironmentInfo& info) {
  JsonReader reader(object, path);
  Fault fault;
  fault.name = reader.text("name");
  fault.from = reader.count("from", Bounds{0, 1e9}, 0);
  fault.until = reader.count("until", Bounds{1, 1e9}, Fault::kEnd);
  if (reader.good() && fault.until <= fault.from) {
    reader.fail_with(path + ".until = " + std::to_string(fault.until) +
                     " must come after from = " + std::to_string(fault.from));
  }
  read_arms(reader, info, fault);
  read_changes(reader, "scale", false, info, fault.world);
  read_changes(reader, "set", true, info, fault.world);
  read_changes(reader, "report", true, info, fault.reported);
  fault.share = reader.number("share", Bounds{0, 1}, 1.0);
  fault.held = reader.boolean("hold", false);
  if (reader.good() && fault.world.empty() && fault.reported.empty() && !fault.held) {
    reader.fail_with(path + " changes nothing; it needs \"set\", \"scale\", \"report\" or \"hold\"");
  }
  if (Result<void> good = reader.finish(); !good) {
    return tl::unexpected(std::move(good).error());
  }
  return fault;
}

class FaultyWorld final : public World {
 public:
  FaultyWorld(std::unique_ptr<World> world, const std::vector<Fault>& faults, std::size_t components)
      : world_(std::move(world)), faults_(faults), components_(components) {}

  void step(std::uint64_t t, Step& out) const override {
    world_->step(t, out);
    for (const Fault& fault : faults_) {
      if (!fault.covers(t)) {
        continue;
      }
      for (std::size_t arm = 0; arm < fault.arms.size(); ++arm) {
        if (fault.arms[arm] != 0) {
          change_outcome(fault.world, std::span(out.outcome).subspan(arm * components_, components_));
          change_outcome(fault.world, std::span(out.expected).subspan(arm * components_, components_));
        }
      }
    }
  }

 private:
  std::unique_ptr<World> world_;
  const std::vector<Fault>& faults_;
  std::size_t components_;
};

class FaultyEnvironment final : public Environment {
 public:
  FaultyEnvironment(std::shared_ptr<const Environment> environment, std::vector<Fault> faults)
      : environment_(std::move(environment)), faults_(std::move(faults)) {}

  [[nodiscard]] const EnvironmentInfo& info() const noexcept override { return environment_->info(); }
  [[nodiscard]] std::unique_ptr<World> start(std::uint64_t seed, std::uint64_t horizon) const override {
    return std::make_unique<FaultyWorld>(environment_->start(seed, horizon), faults_,
                                         info().components.size());
  }

 private:
  std::shared_ptr<const Environment> environment_;
  std::vector<Fault> faults_;
};

}  // namespace

Result<std::vector<Fault>> read_faults(const json& list, const EnvironmentInfo& info) {
  std::vector<Fault> out;
  for (std::size_t i = 0; i < list.size(); ++i) {
    Result<Fault> fault = read_fault(list[i], "faults[" + std::to_string(i) + "]", info);
    if (!fault) {
      return tl::unexpected(std::move(fault).error());
    }
    out.push_back(std::move(*fault));
  }
  return out;
}

std::shared_ptr<const Environment> with_faults(std::shared_ptr<const Environment> environment,
                                               std::vector<Fault> faults) {
  return std::make_shared<FaultyEnvironment>(std::move(environment), std::move(faults));
}

void falsify(const std::vector<Fault>& faults, std::uint64_t seed, std::uint64_t step, std::size_t arm,
             std::vector<double>& outcome) {
  for (std::size_t i = 0; i < faults.size(); ++i) {
    const Fault& fault = faults[i];
    if (fault.reported.empty() || !fault.covers(step) || fault.arms[arm] == 0) {
      continue;
    }
    Rng rng = world_rng(seed, "fault.report", step * faults.size() + i);
    if (rng.uniform() < fault.share) {
      change_outcome(fault.reported, outcome);
    }
  }
}

}  // namespace attune::sim
