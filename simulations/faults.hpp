// SPDX-License-Identifier: Apache-2.0
/// @file
/// Faults of a scenario: what goes wrong for a while, in the world or on the way back from it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include <attune/core/error.hpp>

#include "simulations/environment.hpp"

namespace attune::sim {

/// One thing that goes wrong from step `from` until before step `until`.
struct Fault {
  struct Change {
    std::size_t component = 0;
    double times = 1.0;
    double plus = 0.0;
  };

  static constexpr std::uint64_t kEnd = std::numeric_limits<std::uint64_t>::max();  ///< of the run

  std::string name;
  std::uint64_t from = 0;
  std::uint64_t until = kEnd;
  std::vector<std::uint8_t> arms;  ///< by arm: whether it is hit
  std::vector<Change> world;       ///< what really happens: value * times + plus
  std::vector<Change> reported;    ///< what is reported instead of what happened, for a share of decisions
  double share = 1.0;
  bool held = false;  ///< outcomes due in its time all come at its end

  [[nodiscard]] bool covers(std::uint64_t step) const noexcept { return step >= from && step < until; }
};

/// Reads the list "faults": [{"name", "from", "until", "arms", "set", "scale", "report", "share", "hold"}].
/// Errors: invalid_config, with the path.
[[nodiscard]] Result<std::vector<Fault>> read_faults(const nlohmann::json& list, const EnvironmentInfo& info);

/// `environment` with what the faults do to its arms.
[[nodiscard]] std::shared_ptr<const Environment> with_faults(std::shared_ptr<const Environment> environment,
                                                             std::vector<Fault> faults);

/// Changes an outcome to what is reported of it; which decisions are hit depends on (seed, step, fault)
/// alone.
void falsify(const std::vector<Fault>& faults, std::uint64_t seed, std::uint64_t step, std::size_t arm,
             std::vector<double>& outcome);

}  // namespace attune::sim
