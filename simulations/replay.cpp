// SPDX-License-Identifier: Apache-2.0
#include "simulations/replay.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <memory>
#include <optional>
#include <utility>

#include <nlohmann/json.hpp>

#include <attune/core/clock.hpp>
#include <attune/engine/engine.hpp>

#include "simulations/driver.hpp"
#include "simulations/json_reader.hpp"
#include "simulations/progress.hpp"
#include "simulations/runner.hpp"
#include "simulations/world_rng.hpp"

namespace attune::sim {
namespace {

using nlohmann::json;

/// A decision that the log does not confirm is closed half a step later, so that the policy forgets that it
/// pulled.
constexpr const char* kReplayReward =
    R"({"components":{"reward":{}},"join_window_s":0.5,"silence":"censor"})";

Error engine_error(Errc code, std::size_t row) {
  return {code, "row " + std::to_string(row) + ": " + std::string(Engine::last_error())};
}

}  // namespace

Result<ReplayEstimate> replay_policy(const LoggedData& data, const PolicyEntry& policy, std::uint64_t seed,
                                     double floor) {
  const auto clock = std::make_shared<ManualClock>(kStartOfTime);
  EngineOptions options;
  options.clock = clock;
  Result<Engine> engine =
      Engine::open(engine_config(data.info, kReplayReward, policy, seed), std::move(options));
  if (!engine) {
    return tl::unexpected(std::move(engine).error());
  }
  const Result<PointId> point = engine->point(point_name(data.info, policy, 0));
  if (!point) {
    return tl::unexpected(point.error());
  }
  ReplayEstimate out;
  out.name = policy.name;
  out.rows = data.rows();
  MeanEstimator accepted;
  WeightedEstimator weighted;
  std::vector<double> context(policy.features.size());
  Decision decision;
  for (std::size_t row = 0; row < data.rows(); ++row) {
    clock->set(kStartOfTime + static_cast<Nanos>(row) * kSecond);
    if (Result<std::size_t> learned = engine->pump(); !learned) {
      return tl::unexpected(std::move(learned).error());
    }
    for (std::size_t i = 0; i < context.size(); ++i) {
      context[i] = data.context(row)[policy.features[i]];
    }
    const Errc code = engine->decide(*point, ContextView{.dense = context}, {}, decision);
    if (code != Errc::ok) {
      return tl::unexpected<Error>(engine_error(code, row));
    }
    if (decision.arm_index == kNoArm || !decision.shown.empty()) {
      return fail(Errc::unsupported, "policy " + policy.name +
                                         " does not choose one arm: a log of single "
                                         "arms does not judge it");
    }
    const bool match = to_index(decision.arm_index) == data.arm[row];
    weighted.add(match ? 1.0 / data.propensity[row] : 0.0, data.reward[row]);
    if (!match) {
      continue;
    }
    ++out.matched;
    if (world_rng(seed, "replay.accept", row).uniform() * data.propensity[row] >= floor) {
      continue;
    }
    accepted.add(data.reward[row]);
    if (const Errc told = engine->outcome(decision.id, data.reward[row]); told != Errc::ok) {
      return tl::unexpected<Error>(engine_error(told, row));
    }
  }
  out.accepted = accepted.count();
  out.replay = accepted.interval();
  out.ips = weighted.ips();
  out.snips = weighted.snips();
  out.effective_sample_size = weighted.effective_sample_size();
  return out;
}

namespace {

/// Estimates for the log's own choices and for uniform ones: no engine is needed.
void estimate_fixed(const LoggedData& data, ReplayResult& out) {
  MeanEstimator mean;
  WeightedEstimator weighted;
  const double share = 1.0 / static_cast<double>(data.info.arms.size());
  for (std::size_t row = 0; row < data.rows(); ++row) {
    mean.add(data.reward[row]);
    weighted.add(share / data.propensity[row], data.reward[row]);
  }
  const Interval own = mean.interval();
  const auto rows = static_cast<double>(data.rows());
  out.logger = {"the log itself", data.rows(), data.rows(), data.rows(), own, own, own, rows};
  const double nan = std::nan("");
  out.uniform = {"uniform",
                 data.rows(),
                 0,
                 0,
                 {nan, nan, nan},
                 weighted.ips(),
                 weighted.snips(),
                 weighted.effective_sample_size()};
}

}  // namespace

std::string_view replay_reward() noexcept { return kReplayReward; }

bool is_replay(const json& document) {
  return document.is_object() && document.contains("environment") && document.at("environment").is_object() &&
         document.at("environment").value("type", json()) == "logged_bandit";
}

Result<ReplayPlan> make_replay_plan(const json& document, const FileRoots& roots) {
  JsonReader reader(document, "");
  ReplayPlan out;
  out.name = reader.text("name");
  out.about = reader.text("about", "");
  out.floor = reader.number("floor", Bounds{0, 1}, 0.0);
  out.seeds = read_seeds(reader);
  const json* environment = reader.find_object("environment");
  if (reader.good() && environment == nullptr) {
    reader.fail_with("environment is missing");
  }
  const json* policies = reader.find_array("policies");
  if (Result<void> good = reader.finish(); !good) {
    return tl::unexpected(std::move(good).error());
  }
  Result<LoggedData> data = read_logged_csv(*environment, roots);
  if (!data) {
    return tl::unexpected(std::move(data).error());
  }
  out.data = std::move(*data);
  Result<std::vector<PolicyEntry>> read = read_policies(policies, out.data.info);
  if (!read) {
    return tl::unexpected(std::move(read).error());
  }
  out.policies = std::move(*read);
  if (Result<void> good = check_policies(out.data.info, kReplayReward, out.policies); !good) {
    return tl::unexpected(std::move(good).error());
  }
  return out;
}

Result<ReplayResult> run_replay(const ReplayPlan& plan, std::size_t jobs, bool progress) {
  ReplayResult out;
  out.floor = plan.floor > 0.0 ? plan.floor
                               : *std::min_element(plan.data.propensity.begin(), plan.data.propensity.end());
  estimate_fixed(plan.data, out);
  const std::size_t seeds = plan.seeds.size();
  out.policies.assign(plan.policies.size(), std::vector<ReplayEstimate>(seeds));
  std::vector<std::optional<Error>> errors(plan.policies.size() * seeds);
  ProgressLine line("replays", progress ? errors.size() : 0);
  run_parallel(errors.size(), jobs, [&](std::size_t task) {
    const std::size_t policy = task / seeds;
    Result<ReplayEstimate> estimate =
        replay_policy(plan.data, plan.policies[policy], plan.seeds[task % seeds], out.floor);
    if (estimate) {
      out.policies[policy][task % seeds] = std::move(*estimate);
    } else {
      errors[task] =
          Error{estimate.error().code, plan.policies[policy].name + ": " + estimate.error().message};
    }
    line.advance();
  });
  for (const std::optional<Error>& error : errors) {
    if (error) {
      return tl::unexpected<Error>(*error);
    }
  }
  return out;
}

ReplayEstimate average(const std::vector<ReplayEstimate>& estimates) {
  ReplayEstimate out = estimates.front();
  const auto count = static_cast<double>(estimates.size());
  const auto mean = [&](const std::function<double(const ReplayEstimate&)>& quantity) {
    double sum = 0.0;
    for (const ReplayEstimate& e : estimates) {
      sum += quantity(e) / count;
    }
    return sum;
  };
  const auto interval = [&](Interval ReplayEstimate::* part) {
    return Interval{mean([&](const ReplayEstimate& e) { return (e.*part).value; }),
                    mean([&](const ReplayEstimate& e) { return (e.*part).low; }),
                    mean([&](const ReplayEstimate& e) { return (e.*part).high; })};
  };
  out.matched = static_cast<std::uint64_t>(
      std::llround(mean([](const ReplayEstimate& e) { return static_cast<double>(e.matched); })));
  out.accepted = static_cast<std::uint64_t>(
      std::llround(mean([](const ReplayEstimate& e) { return static_cast<double>(e.accepted); })));
  out.replay = interval(&ReplayEstimate::replay);
  out.ips = interval(&ReplayEstimate::ips);
  out.snips = interval(&ReplayEstimate::snips);
  out.effective_sample_size = mean([](const ReplayEstimate& e) { return e.effective_sample_size; });
  return out;
}

}  // namespace attune::sim
