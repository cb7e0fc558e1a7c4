// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include <attune/engine/registry.hpp>

#include "simulations/commands.hpp"
#include "simulations/environment_factory.hpp"
#include "simulations/json_reader.hpp"

namespace attune::sim {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using Lines = std::vector<std::pair<std::string, std::string>>;

Lines environment_lines() {
  Lines out;
  for (const EnvironmentKind& kind : environment_kinds()) {
    out.emplace_back(kind.type, kind.about);
  }
  out.emplace_back("logged_bandit",
                   "logged choices with propensities, replayed by rejection sampling (open-bandit)");
  return out;
}

/// The policies that an engine can choose with, and their options.
Lines policy_lines() {
  Lines out;
  for (const AlgorithmInfo& algorithm : algorithms()) {
    if (algorithm.family != Family::bandit) {
      continue;
    }
    std::string options;
    for (const OptionInfo& option : algorithm.options) {
      options += (options.empty() ? "" : ", ") + option.name;
    }
    out.emplace_back(algorithm.name, options.empty() ? "no options" : "options " + options);
  }
  return out;
}

/// Shipped scenarios of the first folder that has any, by name.
Lines scenario_lines() {
  for (const std::string& folder : scenario_folders()) {
    std::vector<fs::path> files;
    std::error_code error;
    for (const fs::directory_entry& entry : fs::directory_iterator(folder, error)) {
      if (entry.path().extension() == ".json") {
        files.push_back(entry.path());
      }
    }
    std::sort(files.begin(), files.end());
    Lines out;
    for (const fs::path& file : files) {
      const Result<std::string> text = read_text_file(file.string());
      const Result<json> document = text ? parse_json(*text, file.string()) : tl::unexpected(text.error());
      out.emplace_back(file.stem().string(), document && document->is_object()
                                                 ? document->value("about", std::string())
                                                 : std::string("cannot be read"));
    }
    if (!out.empty()) {
      return out;
    }
  }
  return {};
}

void print(const std::string& title, const Lines& lines) {
  std::size_t width = 0;
  for (const auto& [name, about] : lines) {
    width = std::max(width, name.size());
  }
  std::printf("%s\n", title.c_str());
  for (const auto& [name, about] : lines) {
    std::printf("  %-*s  %s\n", static_cast<int>(width), name.c_str(), about.c_str());
  }
}

json as_json(const Lines& lines) {
  json out = json::array();
  for (const auto& [name, about] : lines) {
    out.push_back({{"name", name}, {"about", about}});
  }
  return out;
}

}  // namespace

Exit list_command(bool as_json_text) {
  if (as_json_text) {
    const json out = {{"environments", as_json(environment_lines())},
                      {"policies", as_json(policy_lines())},
                      {"scenarios", as_json(scenario_lines())}};
    std::printf("%s\n", out.dump(2).c_str());
    return Exit::ok;
  }
  print("environments", environment_lines());
  print("\npolicies", policy_lines());
  print("\nscenarios (attune-sim run NAME)", scenario_lines());
  return Exit::ok;
}

}  // namespace attune::sim
