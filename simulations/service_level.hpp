// SPDX-License-Identifier: Apache-2.0
/// @file
/// ServiceLevel: what was promised of every single answer, to count how often it was kept.
#pragma once

#include <cstddef>
#include <limits>
#include <span>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include <attune/core/error.hpp>

#include "simulations/environment.hpp"

namespace attune::sim {

class ServiceLevel {
 public:
  /// Reads {component: {"min": a, "max": b}}, each of the two optional. Errors: invalid_config.
  [[nodiscard]] static Result<ServiceLevel> make(const nlohmann::json& object, const EnvironmentInfo& info);

  [[nodiscard]] bool empty() const noexcept { return limits_.empty(); }
  /// Whether an outcome, one number per component of the environment, keeps all of it.
  [[nodiscard]] bool kept(std::span<const double> outcome) const noexcept;

 private:
  struct Limit {
    std::size_t component = 0;
    double min = -std::numeric_limits<double>::infinity();
    double max = std::numeric_limits<double>::infinity();
  };
  std::vector<Limit> limits_;
};

}  // namespace attune::sim
