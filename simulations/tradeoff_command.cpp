// SPDX-License-Identifier: Apache-2.0
#include "simulations/tradeoff_command.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <utility>

#include <nlohmann/json.hpp>

#include <attune/core/rng.hpp>
#include <attune/policies/budgeted_lin_ucb.hpp>
#include <attune/policies/pareto.hpp>

#include "simulations/environment_factory.hpp"
#include "simulations/json_reader.hpp"
#include "simulations/text_table.hpp"

namespace attune::sim {
namespace {

using nlohmann::json;

constexpr std::uint32_t kChoices = 7;  // purpose of the generator

/// Places of the two components among those of an outcome.
struct Parts {
  std::size_t reward = 0;
  std::size_t cost = 0;
};

Result<Parts> find_parts(const TradeoffArguments& arguments, const EnvironmentInfo& info) {
  Parts parts;
  for (const auto& [name, place] :
       {std::pair(arguments.reward, &parts.reward), std::pair(arguments.cost, &parts.cost)}) {
    const auto found = std::ranges::find(info.components, name);
    if (found == info.components.end()) {
      return fail(Errc::invalid_config, "outcomes of " + info.type + " have no component \"" + name + "\"");
    }
    *place = static_cast<std::size_t>(found - info.components.begin());
  }
  return parts;
}

TradeoffMeans measure(const Environment& environment, const Parts& parts, std::uint64_t horizon) {
  const EnvironmentInfo& info = environment.info();
  const std::size_t categories = std::max<std::size_t>(info.categories.size(), 1);
  const std::vector<std::vector<double>> zeros(categories, std::vector<double>(info.arms.size(), 0.0));
  TradeoffMeans means{
      .arms = info.arms, .share = std::vector<double>(categories, 0.0), .reward = zeros, .cost = zeros};
  const std::unique_ptr<World> world = environment.start(1, horizon);
  Step step;
  for (std::uint64_t t = 0; t < horizon; ++t) {
    world->step(t, step);
    const double seen = means.share[step.category] += 1.0;
    for (std::size_t arm = 0; arm < info.arms.size(); ++arm) {
      const auto outcome = step.expected_of(arm, info.components.size());
      double& reward = means.reward[step.category][arm];
      double& cost = means.cost[step.category][arm];
      reward += (outcome[parts.reward] - reward) / seen;
      cost += (outcome[parts.cost] - cost) / seen;
    }
  }
  for (double& share : means.share) {
    share /= static_cast<double>(horizon);
  }
  return means;
}

/// What one seed earned and cost a step.
struct Earned {
  double reward = 0.0;
  double cost = 0.0;
};

Result<Earned> play(const Environment& environment, const Parts& parts, const TradeoffArguments& arguments,
                    double rate, std::uint64_t horizon, std::uint64_t seed) {
  const EnvironmentInfo& info = environment.info();
  const std::size_t features = info.categories.size();
  Result<BudgetedLinUcb> policy =
      BudgetedLinUcb::make({.spend = {.rate = rate}, .alpha = arguments.alpha, .ridge = arguments.ridge},
                           {.arms = info.arms.size(), .features = features});
  if (!policy) {
    return tl::unexpected(std::move(policy).error());
  }
  const std::unique_ptr<World> world = environment.start(seed, horizon);
  Step step;
  std::vector<double> x(features, 0.0);
  Earned earned;
  for (std::uint64_t t = 0; t < horizon; ++t) {
    world->step(t, step);
    std::ranges::fill(x, 0.0);
    if (features > 0) {
      x[step.category] = 1.0;
    }
    Rng rng(seed, 0, t, kChoices);
    const Choice choice = policy->select({.input = {.dense = x}}, rng);
    const auto outcome = step.outcome_of(to_index(choice.arm), info.components.size());
    const Errc verdict = policy->update(
        {.arm = choice.arm, .reward = outcome[parts.reward], .input = {.dense = x}}, outcome[parts.cost]);
    if (verdict != Errc::ok) {
      return fail(verdict, "an outcome is refused: " + std::string(to_string(verdict)));
    }
    earned.reward += outcome[parts.reward] / static_cast<double>(horizon);
    earned.cost += outcome[parts.cost] / static_cast<double>(horizon);
  }
  return earned;
}

json arms_json(const TradeoffMeans& means) {
  std::vector<double> numbers;
  double dearest = 0.0;
  for (std::size_t arm = 0; arm < means.arms.size(); ++arm) {
    numbers.push_back(means.mean(means.reward, arm));
    numbers.push_back(-means.mean(means.cost, arm));
    dearest = std::max(dearest, -numbers.back());
  }
  const PointSet points{.numbers = numbers, .dimension = 2};
  const std::vector<std::size_t> front = pareto_front(points).value_or(std::vector<std::size_t>{});
  json arms = json::array();
  for (std::size_t arm = 0; arm < means.arms.size(); ++arm) {
    arms.push_back({{"arm", means.arms[arm]},
                    {"reward", numbers[2 * arm]},
                    {"cost", -numbers[2 * arm + 1]},
                    {"front", std::ranges::binary_search(front, arm)}});
  }
  const std::vector<double> reference{0.0, -dearest};
  return {{"arms", arms}, {"hypervolume", hypervolume(points, reference).value_or(0.0) / dearest}};
}

Result<json> rate_json(const Environment& environment, const Parts& parts, const TradeoffArguments& arguments,
                       const TradeoffMeans& means, double rate, std::uint64_t horizon) {
  double reward = 0.0;
  double squares = 0.0;
  double cost = 0.0;
  for (std::uint64_t seed = 1; seed <= arguments.seeds; ++seed) {
    const Result<Earned> earned = play(environment, parts, arguments, rate, horizon, seed);
    if (!earned) {
      return tl::unexpected(earned.error());
    }
    const double apart = earned->reward - reward;
    reward += apart / static_cast<double>(seed);
    squares += apart * (earned->reward - reward);
    cost += (earned->cost - cost) / static_cast<double>(seed);
  }
  const auto seeds = static_cast<double>(arguments.seeds);
  return json{{"rate", rate},
              {"spent", cost / rate},
              {"reward", reward},
              {"error", seeds > 1.0 ? std::sqrt(squares / (seeds - 1.0) / seeds) : 0.0},
              {"best_mixture", means.best_mixture(rate, false)},
              {"best_mixture_by_category", means.best_mixture(rate, true)}};
}

void print_rows(const std::vector<std::string>& header, const std::vector<std::vector<std::string>>& rows,
                bool markdown) {
  if (!markdown) {
    TextTable table(header);
    std::ranges::for_each(rows, [&](const std::vector<std::string>& row) { table.add(row); });
    print(table.str() + "\n");
    return;
  }
  const auto line = [](const std::vector<std::string>& cells) {
    std::string text = "|";
    for (const std::string& cell : cells) {
      text += " " + cell + " |";
    }
    print(text + "\n");
  };
  line(header);
  line(std::vector<std::string>(header.size(), "---"));
  std::ranges::for_each(rows, line);
  print("\n");
}

void print_result(const json& result, const TradeoffArguments& arguments) {
  std::vector<std::vector<std::string>> rows;
  for (const json& arm : result["arms"]) {
    const double cost = arm["cost"];
    rows.push_back(
        {arm["arm"], fixed(arm["reward"], 3), fixed(cost, decimals_for(cost)), arm["front"] ? "yes" : "no"});
  }
  print_rows({"arm", arguments.reward, arguments.cost, "front"}, rows, arguments.markdown);
  print("hypervolume of the front, of 1: " + fixed(result["hypervolume"], 4) + "\n\n");
  rows.clear();
  for (const json& row : result["rates"]) {
    const double rate = row["rate"];
    rows.push_back({fixed(rate, decimals_for(rate)), fixed(row["spent"], 3),
                    with_error(row["reward"], row["error"], 4), fixed(row["best_mixture"], 4),
                    fixed(row["best_mixture_by_category"], 4)});
  }
  print_rows({"rate", "spent / rate", "budgeted_lin_ucb", "best mixture", "best by category"}, rows,
             arguments.markdown);
}

}  // namespace

double TradeoffMeans::mean(const std::vector<std::vector<double>>& of, std::size_t arm) const {
  double sum = 0.0;
  for (std::size_t category = 0; category < share.size(); ++category) {
    sum += share[category] * of[category][arm];
  }
  return sum;
}

double TradeoffMeans::best_mixture(double rate, bool by_category) const {
  const auto dual = [&](double price) {
    double sum = price * rate;
    double once = -std::numeric_limits<double>::infinity();
    for (std::size_t arm = 0; arm < arms.size(); ++arm) {
      once = std::max(once, mean(reward, arm) - price * mean(cost, arm));
    }
    for (std::size_t category = 0; category < share.size() && by_category; ++category) {
      double best = -std::numeric_limits<double>::infinity();
      for (std::size_t arm = 0; arm < arms.size(); ++arm) {
        best = std::max(best, reward[category][arm] - price * cost[category][arm]);
      }
      sum += share[category] * best;
    }
    return by_category ? sum : sum + once;
  };
  double least = 0.0;
  double once = std::numeric_limits<double>::infinity();
  for (std::size_t arm = 0; arm < arms.size(); ++arm) {
    once = std::min(once, mean(cost, arm));
  }
  for (std::size_t category = 0; category < share.size(); ++category) {
    least += share[category] * *std::ranges::min_element(cost[category]);
  }
  if (rate < (by_category ? least : once)) {
    return std::numeric_limits<double>::quiet_NaN();  // the program has no solution
  }
  // Convex in the price; a price that makes every reward worthless is far enough.
  double high = 1.0;
  while (high < 1e18 && dual(2.0 * high) < dual(high)) {
    high *= 2.0;
  }
  double low = 0.0;
  high *= 2.0;
  for (int i = 0; i < 300; ++i) {
    const double left = low + (high - low) / 3.0;
    const double right = high - (high - low) / 3.0;
    if (dual(left) <= dual(right)) {
      high = right;
    } else {
      low = left;
    }
  }
  return dual(low);
}

Exit tradeoff_command(const TradeoffArguments& arguments) {
  const Result<json> given = parse_json(arguments.environment, "--environment");
  if (!given) {
    return refuse(given.error());
  }
  const Result<std::unique_ptr<Environment>> environment = make_environment(*given, FileRoots{});
  if (!environment) {
    return refuse(environment.error());
  }
  const EnvironmentInfo& info = (*environment)->info();
  const Result<Parts> parts = find_parts(arguments, info);
  if (!parts) {
    return refuse(parts.error());
  }
  std::uint64_t horizon = arguments.horizon > 0 ? arguments.horizon : info.length > 0 ? info.length : 10'000;
  horizon = info.length > 0 ? std::min(horizon, info.length) : horizon;
  const TradeoffMeans means = measure(**environment, *parts, horizon);
  json result = arms_json(means);
  std::vector<double> rates = arguments.rates;
  if (rates.empty()) {
    double dearest = 0.0;
    double cheapest = std::numeric_limits<double>::infinity();
    for (std::size_t arm = 0; arm < means.arms.size(); ++arm) {
      dearest = std::max(dearest, means.mean(means.cost, arm));
      cheapest = std::min(cheapest, means.mean(means.cost, arm));
    }
    for (const double part : {0.1, 0.25, 0.5, 0.75}) {
      rates.push_back(cheapest + part * (dearest - cheapest));
    }
  }
  result["rates"] = json::array();
  for (const double rate : rates) {
    const Result<json> row = rate_json(**environment, *parts, arguments, means, rate, horizon);
    if (!row) {
      return refuse(row.error());
    }
    result["rates"].push_back(*row);
  }
  if (arguments.json) {
    print(result.dump(2) + "\n");
  } else {
    print_result(result, arguments);
  }
  return Exit::ok;
}

}  // namespace attune::sim
