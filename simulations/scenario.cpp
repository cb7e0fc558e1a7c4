// SPDX-License-Identifier: Apache-2.0
#include "simulations/scenario.hpp"

#include <algorithm>
#include <filesystem>
#include <set>
#include <utility>

#include <nlohmann/json.hpp>

#include <attune/engine/engine.hpp>

#include "simulations/json_reader.hpp"

namespace attune::sim {
namespace {

using nlohmann::json;

/// Features meant by "bias", "task" (its one-hot columns) or "lsa_*".
Result<std::vector<std::size_t>> choose_features(const std::vector<std::string>& wanted,
                                                 const std::vector<std::string>& features,
                                                 const std::string& path) {
  std::vector<std::size_t> out;
  for (const std::string& name : wanted) {
    const bool prefix = name.ends_with('*');
    const std::string stem = prefix ? name.substr(0, name.size() - 1) : name;
    bool found = false;
    for (std::size_t i = 0; i < features.size(); ++i) {
      const bool meant =
          prefix ? features[i].starts_with(stem) : features[i] == stem || features[i].starts_with(stem + "=");
      if (meant && std::find(out.begin(), out.end(), i) == out.end()) {
        out.push_back(i);
      }
      found = found || meant;
    }
    if (!found) {
      return fail(Errc::invalid_config, path + ": the environment has no feature \"" + name + "\"");
    }
  }
  return out;
}

std::vector<std::size_t> every_feature(const EnvironmentInfo& info) {
  std::vector<std::size_t> out(info.features.size());
  for (std::size_t i = 0; i < out.size(); ++i) {
    out[i] = i;
  }
  return out;
}

/// "constant", which gives every arm the single feature 1, or {arm: [numbers], ...}.
void read_arm_features(JsonReader& reader, const EnvironmentInfo& info, PolicyEntry& entry) {
  const json* value = reader.find("arm_features");
  if (value == nullptr) {
    return;
  }
  if (*value == "constant") {
    entry.arm_features.assign(info.arms.size(), {1.0});
    return;
  }
  JsonReader lists(*value, reader.path_of("arm_features"));
  for (const std::string& arm : info.arms) {
    entry.arm_features.push_back(lists.numbers(arm, Bounds{-1e12, 1e12}, true));
    if (lists.good() && entry.arm_features.back().size() != entry.arm_features.front().size()) {
      lists.fail_with(lists.path_of(arm) + " has another length than that of " + info.arms.front());
    }
  }
  if (Result<void> good = lists.finish(); !good) {
    reader.fail_with(std::move(good).error());
  }
}

/// Either a policy itself, {"type": ...}, or {"policy": {...}, "name", "context", "per_category", "prior",
/// "arm_features", "point"}.
Result<PolicyEntry> read_policy(const json& object, const std::string& path, const EnvironmentInfo& info) {
  PolicyEntry entry;
  entry.features = every_feature(info);
  if (object.is_object() && object.contains("type")) {
    entry.policy_json = object.dump();
    entry.name = object.at("type").is_string() ? object.at("type").get<std::string>() : "?";
    return entry;
  }
  JsonReader reader(object, path);
  const json* policy = reader.find_object("policy");
  if (reader.good() && policy == nullptr) {
    reader.fail_with(path + " needs a \"type\" of its own or a \"policy\" that has one");
  }
  const std::string type = policy != nullptr && policy->contains("type") && policy->at("type").is_string()
                               ? policy->at("type").get<std::string>()
                               : "";
  entry.name = reader.text("name", type);
  entry.per_category = reader.boolean("per_category", false);
  if (const json* point = reader.find_object("point")) {
    for (const char* mine : {"policy", "arms", "reward", "context", "action_features"}) {
      if (point->contains(mine)) {
        reader.fail_with(path + ".point." + mine + " is what the scenario itself says");
      }
    }
    entry.point_json = point->dump();
  }
  if (const json* prior = reader.find_object("prior")) {
    JsonReader fields(*prior, path + ".prior");
    entry.prior_mean = fields.number("mean", Bounds{-1e12, 1e12});
    entry.prior_weight = fields.number("weight", Bounds{0, 1e12});
    if (Result<void> good = fields.finish(); !good) {
      reader.fail_with(std::move(good).error());
    }
  }
  read_arm_features(reader, info, entry);
  const bool chosen = reader.find("context") != nullptr;
  const std::vector<std::string> wanted = reader.texts("context", false);
  if (reader.good() && entry.per_category && info.categories.empty()) {
    reader.fail_with(path + ".per_category: this environment has no categories");
  }
  if (Result<void> good = reader.finish(); !good) {
    return tl::unexpected(std::move(good).error());
  }
  if (chosen) {
    Result<std::vector<std::size_t>> features = choose_features(wanted, info.features, path + ".context");
    if (!features) {
      return tl::unexpected(std::move(features).error());
    }
    entry.features = std::move(*features);
  }
  entry.policy_json = policy->dump();
  return entry;
}

Reference read_reference(JsonReader& reader, const EnvironmentInfo& info) {
  // Against single recorded answers the oracle is out of reach for anyone: it knows the noise.
  const std::string text =
      reader.choice("regret_against", {"oracle", "best_single", "best_per_category"},
                    info.recorded && info.type != "supervised" ? "best_single" : "oracle");
  return text == "oracle"        ? Reference::oracle
         : text == "best_single" ? Reference::best_single
                                 : Reference::best_per_category;
}

void read_horizon(JsonReader& reader, Scenario& scenario) {
  const std::uint64_t length = scenario.environment->info().length;
  scenario.horizon =
      length > 0 ? reader.count("horizon", Bounds{1, 1e9}, length) : reader.count("horizon", Bounds{1, 1e9});
  if (reader.good() && length > 0 && scenario.horizon > length) {
    reader.fail_with("horizon = " + std::to_string(scenario.horizon) + " is more than the " +
                     std::to_string(length) + " steps that the environment has");
  }
}

void read_phases(JsonReader& reader, Scenario& scenario) {
  for (const double step : reader.numbers("phases", Bounds{1, 1e9}, false)) {
    const auto at = static_cast<std::uint64_t>(step);
    if (static_cast<double>(at) != step || (!scenario.phases.empty() && at <= scenario.phases.back())) {
      reader.fail_with("phases: " + number_text(step) + " is not a whole step after the one before");
      return;
    }
    scenario.phases.push_back(at);
  }
  std::erase_if(scenario.phases, [&](std::uint64_t at) { return at >= scenario.horizon; });
}

void read_faults_of(JsonReader& reader, Scenario& scenario) {
  const EnvironmentInfo& info = scenario.environment->info();
  if (const json* limits = reader.find_object("sla")) {
    if (Result<ServiceLevel> read = ServiceLevel::make(*limits, info); !read) {
      reader.fail_with(std::move(read).error());
    } else {
      scenario.service_level = std::move(*read);
    }
  }
  if (const json* list = reader.find_array("faults")) {
    if (Result<std::vector<Fault>> faults = read_faults(*list, info); !faults) {
      reader.fail_with(std::move(faults).error());
    } else {
      scenario.faults = std::move(*faults);
    }
  }
}

}  // namespace

std::string_view to_string(Reference reference) noexcept {
  switch (reference) {
    case Reference::oracle:
      return "oracle";
    case Reference::best_single:
      return "best single arm";
    case Reference::best_per_category:
      return "best per category";
  }
  return "";
}

std::string_view Scenario::regret_basis() const noexcept {
  return valuation.linear() && !environment->info().recorded ? "expected" : "observed";
}

Result<std::vector<PolicyEntry>> read_policies(const json* list, const EnvironmentInfo& info) {
  if (list == nullptr || list->empty()) {
    return fail(Errc::invalid_config, "policies must be a list with at least one policy");
  }
  std::vector<PolicyEntry> out;
  std::set<std::string> names;
  for (std::size_t i = 0; i < list->size(); ++i) {
    const std::string path = "policies[" + std::to_string(i) + "]";
    Result<PolicyEntry> entry = read_policy((*list)[i], path, info);
    if (!entry) {
      return tl::unexpected(std::move(entry).error());
    }
    if (!names.insert(entry->name).second) {
      return fail(Errc::invalid_config,
                  path + ": two policies are named \"" + entry->name + "\"; give one a \"name\" of its own");
    }
    out.push_back(std::move(*entry));
  }
  return out;
}

std::vector<std::uint64_t> read_seeds(JsonReader& reader, std::uint64_t fallback) {
  const json* value = reader.find("seeds");
  std::vector<std::uint64_t> seeds;
  if (value != nullptr && value->is_array()) {
    for (const double seed : reader.numbers("seeds", Bounds{0, 9007199254740992.0}, false)) {
      seeds.push_back(static_cast<std::uint64_t>(seed));
      if (static_cast<double>(seeds.back()) != seed) {
        reader.fail_with("seeds must be whole numbers");
      }
    }
    if (reader.good() && seeds.empty()) {
      reader.fail_with("seeds is empty; at least one is needed");
    }
    return seeds;
  }
  const std::uint64_t count = reader.count("seeds", Bounds{1, 100'000}, fallback);
  for (std::uint64_t seed = 1; seed <= count; ++seed) {
    seeds.push_back(seed);
  }
  return seeds;
}

std::string point_name(const EnvironmentInfo& info, const PolicyEntry& policy, std::size_t category) {
  return policy.per_category ? "choice-" + info.categories[category] : "choice";
}

std::string engine_config(const EnvironmentInfo& info, const std::string& reward_json,
                          const PolicyEntry& policy, std::uint64_t seed) {
  json point = policy.point_json.empty() ? json::object() : json::parse(policy.point_json);
  point["policy"] = json::parse(policy.policy_json);
  point["arms"] = json::array();
  point["reward"] = json::parse(reward_json);
  for (std::size_t arm = 0; arm < info.arms.size(); ++arm) {
    json entry = {{"id", info.arms[arm]}};
    if (policy.prior_weight > 0.0) {
      entry["prior"] = {{"mean", policy.prior_mean}, {"weight", policy.prior_weight}};
    }
    if (!policy.arm_features.empty()) {
      entry["features"] = policy.arm_features[arm];
      point["action_features"] = policy.arm_features[arm].size();
    }
    point["arms"].push_back(std::move(entry));
  }
  if (!policy.features.empty()) {
    point["context"] = {{"dimension", policy.features.size()}};
  }
  json points = json::object();
  for (std::size_t category = 0; category < (policy.per_category ? info.categories.size() : 1); ++category) {
    points[point_name(info, policy, category)] = point;
  }
  const json config = {{"seed", seed},
                       {"node", "attune-sim"},
                       {"mode", "pump"},
                       {"checkpoint", {{"every_s", 0}, {"every_records", 2000}, {"keep", 3}}},
                       {"points", points}};
  return config.dump();
}

Result<void> check_policies(const EnvironmentInfo& info, const std::string& reward_json,
                            const std::vector<PolicyEntry>& policies) {
  for (std::size_t i = 0; i < policies.size(); ++i) {
    const Result<Engine> engine = Engine::open(engine_config(info, reward_json, policies[i], 1), {});
    if (!engine) {
      return fail(engine.error().code, "policies[" + std::to_string(i) + "]: " + engine.error().message);
    }
  }
  return {};
}

Result<Scenario> make_scenario(const json& document, const FileRoots& roots) {
  JsonReader reader(document, "");
  Scenario out;
  out.name = reader.text("name");
  out.about = reader.text("about", "");
  const json* environment = reader.find_object("environment");
  if (reader.good() && environment == nullptr) {
    reader.fail_with("environment is missing");
  }
  if (!reader.good()) {
    return tl::unexpected(reader.finish().error());
  }
  Result<std::unique_ptr<Environment>> made = make_environment(*environment, roots);
  if (!made) {
    return tl::unexpected(std::move(made).error());
  }
  out.environment = std::move(*made);
  const EnvironmentInfo& info = out.environment->info();

  read_horizon(reader, out);
  out.seeds = read_seeds(reader);
  out.reference = read_reference(reader, info);
  out.seconds_per_step = reader.number("seconds_per_step", Bounds{1e-6, 1e6}, 1.0);
  constexpr double kLongest = 3e9;  // seconds: a simulated clock counts nanoseconds in 64 bits
  if (reader.good() && static_cast<double>(out.horizon) * out.seconds_per_step > kLongest) {
    reader.fail_with("seconds_per_step = " + number_text(out.seconds_per_step) + ": " +
                     std::to_string(out.horizon) + " steps would last longer than 95 years");
  }
  read_phases(reader, out);
  out.learn_every = reader.count("learn_every", Bounds{1, 1e6}, 1);
  if (out.reference == Reference::best_per_category && info.categories.empty()) {
    reader.fail_with("regret_against = \"best_per_category\": this environment has no categories");
  }
  const json* given = reader.find_object("reward");
  const json reward = given != nullptr ? *given : default_reward(info.components);
  out.reward_json = reward.dump();
  if (Result<Valuation> valuation = Valuation::make(reward, info.components); !valuation) {
    reader.fail_with(std::move(valuation).error());
  } else {
    out.valuation = std::move(*valuation);
  }
  if (reward.contains("join_window_s") && reward.at("join_window_s").is_number()) {
    out.join_window_s = reward.at("join_window_s").get<double>();
  }
  if (const json* delivery = reader.find_object("delivery")) {
    if (Result<Delivery> read = read_delivery(*delivery); !read) {
      reader.fail_with(std::move(read).error());
    } else {
      out.delivery = *read;
    }
  }
  read_faults_of(reader, out);
  if (Result<std::vector<PolicyEntry>> policies = read_policies(reader.find_array("policies"), info);
      !policies) {
    reader.fail_with(std::move(policies).error());
  } else {
    out.policies = std::move(*policies);
  }
  if (Result<void> good = reader.finish(); !good) {
    return tl::unexpected(std::move(good).error());
  }
  if (Result<void> good = check_policies(info, out.reward_json, out.policies); !good) {
    return tl::unexpected(std::move(good).error());
  }
  if (!out.faults.empty()) {
    out.environment = with_faults(out.environment, out.faults);
  }
  return out;
}

Result<Scenario> load_scenario(const std::string& path) {
  const Result<std::string> text = read_text_file(path);
  if (!text) {
    return tl::unexpected(text.error());
  }
  const Result<json> document = parse_json(*text, path);
  if (!document) {
    return tl::unexpected(document.error());
  }
  FileRoots roots;
  roots.scenario_folder = std::filesystem::path(path).parent_path().string();
  Result<Scenario> scenario = make_scenario(*document, roots);
  if (!scenario) {
    const std::string& message = scenario.error().message;
    return fail(scenario.error().code, message.starts_with(path) ? message : path + ": " + message);
  }
  return scenario;
}

}  // namespace attune::sim
