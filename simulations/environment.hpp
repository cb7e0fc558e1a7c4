// SPDX-License-Identifier: Apache-2.0
/// @file
/// Environment and World: where a policy is tried. An environment is a description; a world is one seed's
/// course of it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace attune::sim {

/// What is true of an environment whatever the seed.
struct EnvironmentInfo {
  std::string type;
  std::vector<std::string> arms;        ///< external ids, in order of the arm numbers below
  std::vector<std::string> components;  ///< parts of an outcome: "reward", or "quality", "cost", ...
  std::vector<std::string> features;    ///< names of the context's numbers; empty: no context
  std::vector<std::string> categories;  ///< names of the categories of steps; empty: all alike
  std::uint64_t length = 0;             ///< number of steps it has; 0: no end
  bool recorded = false;                ///< outcomes are records: `expected` equals `outcome`
  std::string note;  ///< where the data or the constants come from; one sentence, may be empty
};

/// Everything about one step. The buffers are the caller's and reused.
struct Step {
  std::vector<double> context;
  std::size_t category = 0;
  std::vector<double> outcome;   ///< row-major arms x components: what would come back for each arm
  std::vector<double> expected;  ///< the same, averaged over the noise of this step

  [[nodiscard]] std::span<const double> outcome_of(std::size_t arm, std::size_t components) const {
    return std::span(outcome).subspan(arm * components, components);
  }
  [[nodiscard]] std::span<const double> expected_of(std::size_t arm, std::size_t components) const {
    return std::span(expected).subspan(arm * components, components);
  }
};

/// One seed's course. `step` is a pure function of its argument: any order, any number of times, any thread.
class World {
 public:
  World() = default;
  World(const World&) = delete;
  World& operator=(const World&) = delete;
  World(World&&) = delete;
  World& operator=(World&&) = delete;
  virtual ~World() = default;

  virtual void step(std::uint64_t t, Step& out) const = 0;
};

/// Immutable once made; worlds may outlive neither it nor its data.
class Environment {
 public:
  Environment() = default;
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;
  Environment(Environment&&) = delete;
  Environment& operator=(Environment&&) = delete;
  virtual ~Environment() = default;

  [[nodiscard]] virtual const EnvironmentInfo& info() const noexcept = 0;
  /// `horizon` steps will be asked for; where length is not 0 it is at most length.
  [[nodiscard]] virtual std::unique_ptr<World> start(std::uint64_t seed, std::uint64_t horizon) const = 0;
};

}  // namespace attune::sim
