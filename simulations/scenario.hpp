// SPDX-License-Identifier: Apache-2.0
/// @file
/// Scenario: an environment, the policies to try in it, and how: what one JSON file says.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include <attune/core/error.hpp>

#include "simulations/environment.hpp"
#include "simulations/environment_factory.hpp"
#include "simulations/faults.hpp"
#include "simulations/json_reader.hpp"
#include "simulations/op_schedule.hpp"
#include "simulations/service_level.hpp"
#include "simulations/valuation.hpp"

namespace attune::sim {

/// A policy to try, as a decision point of the engine would have it.
struct PolicyEntry {
  std::string name;
  std::string policy_json;              ///< the point's "policy", e.g. {"type":"lin_ucb","alpha":0.2}
  std::vector<std::size_t> features{};  ///< which numbers of the context it is shown, in order
  std::vector<std::vector<double>> arm_features{};  ///< by arm, for policies that share a model over them
  bool per_category = false;                        ///< a decision point of its own for each category
  std::string point_json{};   ///< further keys of the decision point, e.g. "safety"; empty: none
  double prior_mean = 0.0;    ///< what is believed of every arm before its first reward,
  double prior_weight = 0.0;  ///< in pseudo-rewards; 0: nothing
};

/// What regret is measured against.
enum class Reference : std::uint8_t { oracle, best_single, best_per_category };
[[nodiscard]] std::string_view to_string(Reference reference) noexcept;

struct Scenario {
  std::string name;
  std::string about;
  std::shared_ptr<const Environment> environment;
  std::vector<PolicyEntry> policies;
  std::uint64_t horizon = 0;
  std::vector<std::uint64_t> seeds;
  std::string reward_json;        ///< the point's "reward"
  double join_window_s = 3600.0;  ///< of it
  Valuation valuation;
  Delivery delivery;
  std::vector<Fault> faults;  ///< already at work in `environment`; their reports and delays are the driver's
  ServiceLevel service_level;
  double seconds_per_step = 1.0;
  std::uint64_t learn_every = 1;  ///< steps between two runs of the learner (pump)
  /// Steps at which a part of the run begins whose reward is shown by itself; increasing, below `horizon`.
  std::vector<std::uint64_t> phases;
  Reference reference = Reference::oracle;
  /// "expected" where regret is measured on expected rewards, "observed" where on what really came back.
  [[nodiscard]] std::string_view regret_basis() const noexcept;
};

/// Builds a scenario. Errors: invalid_config with the path of what is wrong; io and parse for files it names.
/// Policies are checked by opening an engine with each.
[[nodiscard]] Result<Scenario> make_scenario(const nlohmann::json& document, const FileRoots& roots);
/// Reads and builds one; relative file names in it are looked for beside it. Errors: as above, with the
/// file's name.
[[nodiscard]] Result<Scenario> load_scenario(const std::string& path);

/// The "policies" of a scenario, not yet checked by an engine. `list` may be null. Errors: invalid_config.
[[nodiscard]] Result<std::vector<PolicyEntry>> read_policies(const nlohmann::json* list,
                                                             const EnvironmentInfo& info);
/// A number of seeds, meaning 1 ... n, or the list of them; 10 without.
[[nodiscard]] std::vector<std::uint64_t> read_seeds(JsonReader& reader, std::uint64_t fallback = 10);

/// Configuration of the engine that runs `policy` among the arms of `info` under `seed`.
[[nodiscard]] std::string engine_config(const EnvironmentInfo& info, const std::string& reward_json,
                                        const PolicyEntry& policy, std::uint64_t seed);
/// Name of the decision point for a category.
[[nodiscard]] std::string point_name(const EnvironmentInfo& info, const PolicyEntry& policy,
                                     std::size_t category);
/// Opens an engine with each policy, so that its options are checked before anything runs. Errors: the
/// engine's.
[[nodiscard]] Result<void> check_policies(const EnvironmentInfo& info, const std::string& reward_json,
                                          const std::vector<PolicyEntry>& policies);

}  // namespace attune::sim
