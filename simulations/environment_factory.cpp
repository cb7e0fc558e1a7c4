// SPDX-License-Identifier: Apache-2.0
#include "simulations/environment_factory.hpp"

#include <array>
#include <filesystem>
#include <system_error>

#include <nlohmann/json.hpp>

#include "simulations/environments/bernoulli.hpp"
#include "simulations/environments/full_log.hpp"
#include "simulations/environments/gaussian.hpp"
#include "simulations/environments/gradual.hpp"
#include "simulations/environments/linear.hpp"
#include "simulations/environments/llm_drift.hpp"
#include "simulations/environments/llm_gateway.hpp"
#include "simulations/environments/piecewise.hpp"
#include "simulations/environments/supervised.hpp"
#include "simulations/json_reader.hpp"

namespace attune::sim {
namespace {

namespace fs = std::filesystem;

constexpr std::array<EnvironmentKind, 9> kKinds{{
    {"bernoulli", "arms that pay 1 with a fixed probability", &make_bernoulli},
    {"gaussian", "arms with a normal reward", &make_gaussian},
    {"linear", "expected reward linear in the context, parameters drawn by seed", &make_linear},
    {"piecewise", "Bernoulli arms whose means jump at given steps", &make_piecewise},
    {"gradual", "Bernoulli arms whose means move like tides", &make_gradual},
    {"full_log", "recorded outcomes of every arm (llmrouter-uiuc, routellm-evals, or any such CSV)",
     &make_full_log},
    {"llm_drift", "a recorded model update behind two model names (llmdrift)", &make_llm_drift},
    {"supervised", "a CSV with a label column; the right label pays 1", &make_supervised},
    {"llm_gateway", "simulated LLM gateway with published quality, price and latency", &make_llm_gateway},
}};

}  // namespace

Result<std::string> FileRoots::resolve(const std::string& file) const {
  const fs::path path(file);
  std::error_code ignored;
  if (path.is_absolute()) {
    return file;
  }
  const fs::path beside = fs::path(scenario_folder) / path;
  if (fs::exists(beside, ignored)) {
    return beside.string();
  }
  return data.find(file);
}

std::span<const EnvironmentKind> environment_kinds() noexcept { return kKinds; }

Result<std::unique_ptr<Environment>> make_environment(const nlohmann::json& options, const FileRoots& roots) {
  if (!options.is_object() || !options.contains("type") || !options.at("type").is_string()) {
    return fail(Errc::invalid_config, "environment must be an object with a \"type\"");
  }
  const auto type = options.at("type").get<std::string>();
  std::string known;
  for (const EnvironmentKind& kind : kKinds) {
    if (kind.type == type) {
      return kind.make(options, roots);
    }
    known += (known.empty() ? "" : ", ") + std::string(kind.type);
  }
  return fail(Errc::invalid_config, "environment.type = \"" + type + "\" must be one of " + known);
}

}  // namespace attune::sim
