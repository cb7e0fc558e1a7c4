// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include <attune/engine/registry.hpp>

#include "simulations/csv_table.hpp"
#include "simulations/data_folder.hpp"
#include "simulations/set_worlds.hpp"

namespace attune::sim {
namespace {

using nlohmann::json;

constexpr std::uint32_t kJudges = 1;  // purposes of generators
constexpr std::uint32_t kPairDraws = 2;
// Weight of the ratings beside the recorded judgements of a pair, in judgements.
constexpr double kRatingWeight = 2.0;

/// Who is preferred how often: p(i, j) and the share of ties, row-major; and how regret is counted.
struct Preferences {
  std::size_t arms = 0;
  std::vector<double> wins;   // of i against j, of all judgements
  std::vector<double> ties;   // the same in both directions
  std::vector<double> score;  // of an arm: regret of a pair is what its mean score is below the best

  [[nodiscard]] double preferred(std::size_t i, std::size_t j) const {
    return wins[i * arms + j] + 0.5 * ties[i * arms + j];
  }
};

/// Mean preference over a random other arm.
std::vector<double> borda_scores(const Preferences& world) {
  std::vector<double> scores(world.arms, 0.0);
  for (std::size_t i = 0; i < world.arms; ++i) {
    for (std::size_t j = 0; j < world.arms; ++j) {
      scores[i] += i == j ? 0.0 : world.preferred(i, j) / static_cast<double>(world.arms - 1);
    }
  }
  return scores;
}

/// Share of the other arms that an arm beats.
std::vector<double> copeland_scores(const Preferences& world) {
  std::vector<double> scores(world.arms, 0.0);
  for (std::size_t i = 0; i < world.arms; ++i) {
    for (std::size_t j = 0; j < world.arms; ++j) {
      scores[i] += i != j && world.preferred(i, j) > 0.5 ? 1.0 / static_cast<double>(world.arms - 1) : 0.0;
    }
  }
  return scores;
}

Result<Play> start_duels(const std::shared_ptr<const Preferences>& world, const json& spec,
                         std::uint64_t seed) {
  const bool uniform = spec.value("type", std::string()) == "uniform";
  const json made_of = uniform ? json{{"type", "bradley_terry"}} : spec;
  Result<AnyDuelingBandit> made = make_dueling_bandit(made_of, {.arms = world->arms}, "policy");
  if (!made) {
    return tl::unexpected(std::move(made).error());
  }
  const auto bandit = std::make_shared<const AnyDuelingBandit>(*std::move(made));
  const double best = *std::ranges::max_element(world->score);
  return Play([=](std::uint64_t run, std::span<const std::uint64_t> steps, std::span<double> out) {
    AnyDuelingBandit playing = *bandit;
    Rng judge(seed, run, 0, kJudges);
    double regret = 0.0;
    std::size_t next = 0;
    for (std::uint64_t step = 1; step <= steps.back(); ++step) {
      Rng rng(seed, run, step, kPairDraws);
      PairChoice pair;
      if (uniform) {
        const auto first = static_cast<std::size_t>(rng.below(world->arms));
        const auto other = static_cast<std::size_t>(rng.below(world->arms - 1));
        pair = {
            .first = to_arm(first), .second = to_arm(other < first ? other : other + 1), .status = Errc::ok};
      } else {
        pair = playing.select_pair({}, rng);
      }
      const std::size_t i = to_index(pair.first);
      const std::size_t j = to_index(pair.second);
      if (i != j && !uniform) {
        const double drawn = judge.uniform();
        const double wins = world->wins[i * world->arms + j];
        const bool first = drawn < wins;
        const DuelFeedback feedback{.winner = first ? pair.first : pair.second,
                                    .loser = first ? pair.second : pair.first,
                                    .tie = !first && drawn < wins + world->ties[i * world->arms + j]};
        if (playing.update(feedback) != Errc::ok) {
          return false;
        }
      }
      regret += best - 0.5 * (world->score[i] + world->score[j]);
      if (step == steps[next]) {
        out[next++] = regret;
      }
    }
    return true;
  });
}

SetWorld duel_world(Preferences world, std::string name, std::string about, std::uint64_t horizon) {
  auto shared = std::make_shared<const Preferences>(std::move(world));
  return {
      .name = std::move(name),
      .about = std::move(about),
      .horizon = horizon,
      .runs = 10,
      .policies = {"uniform", "rucb", "double_thompson", "bradley_terry"},
      .start = [shared](const json& spec, std::uint64_t seed) { return start_duels(shared, spec, seed); }};
}

/// Ten arms of equally spaced strengths, two apart at the ends: neighbours beat each other in 55 of 100.
Preferences ladder() {
  Preferences world{
      .arms = 10, .wins = std::vector<double>(100, 0.5), .ties = std::vector<double>(100, 0.0), .score = {}};
  for (std::size_t i = 0; i < world.arms; ++i) {
    for (std::size_t j = 0; j < world.arms; ++j) {
      const double lead = 0.2 * (static_cast<double>(j) - static_cast<double>(i));
      world.wins[i * world.arms + j] = 1.0 / (1.0 + std::exp(-lead));
    }
  }
  world.score = borda_scores(world);
  return world;
}

/// Judgements of pairs, counted.
struct Judgements {
  std::size_t arms = 0;
  std::vector<double> wins;
  std::vector<double> ties;

  [[nodiscard]] double of_pair(std::size_t i, std::size_t j) const {
    return wins[i * arms + j] + wins[j * arms + i] + ties[i * arms + j];
  }
};

/// Errors: io, parse.
Result<Judgements> read_judgements() {
  const Result<std::string> path = DataFolder::from_environment().find("llmfao/crowd_comparisons.csv.gz");
  if (!path) {
    return tl::unexpected(path.error());
  }
  const Result<CsvTable> table = CsvTable::read(*path);
  if (!table) {
    return tl::unexpected(table.error());
  }
  const Result<std::size_t> left = table->column("model_x");
  const Result<std::size_t> right = table->column("model_y");
  const Result<std::size_t> winner = table->column("winner");
  for (const Result<std::size_t>* column : {&left, &right, &winner}) {
    if (!*column) {
      return tl::unexpected(column->error());
    }
  }
  std::map<std::string, std::size_t, std::less<>> numbers;
  for (std::size_t row = 0; row < table->row_count(); ++row) {
    numbers.emplace(table->text(row, *left), numbers.size());
    numbers.emplace(table->text(row, *right), numbers.size());
  }
  Judgements seen{.arms = numbers.size(), .wins = {}, .ties = {}};
  seen.wins.assign(seen.arms * seen.arms, 0.0);
  seen.ties.assign(seen.arms * seen.arms, 0.0);
  for (std::size_t row = 0; row < table->row_count(); ++row) {
    const std::size_t i = numbers.find(table->text(row, *left))->second;
    const std::size_t j = numbers.find(table->text(row, *right))->second;
    const std::string_view who = table->text(row, *winner);
    if (i == j || (who != "left" && who != "right" && who != "tie")) {
      return fail(Errc::parse, *path + ": row " + std::to_string(row + 1) + " is no judgement of two models");
    }
    if (who == "tie") {
      seen.ties[i * seen.arms + j] += 1.0;
      seen.ties[j * seen.arms + i] += 1.0;
    } else {
      seen.wins[who == "left" ? i * seen.arms + j : j * seen.arms + i] += 1.0;
    }
  }
  return seen;
}

/// Strengths of Bradley and Terry, ties being half a win for both, by the MM iteration of Hunter (2004), with
/// one judgement against an opponent of mean strength each way so that none runs away.
std::vector<double> strengths(const Judgements& seen) {
  std::vector<double> strength(seen.arms, 1.0);
  for (int round = 0; round < 500; ++round) {
    for (std::size_t i = 0; i < seen.arms; ++i) {
      double won = 1.0;
      double faced = 2.0 / (strength[i] + 1.0);
      for (std::size_t j = 0; j < seen.arms; ++j) {
        won += seen.wins[i * seen.arms + j] + 0.5 * seen.ties[i * seen.arms + j];
        faced += i == j ? 0.0 : seen.of_pair(i, j) / (strength[i] + strength[j]);
      }
      strength[i] = won / faced;
    }
  }
  return strength;
}

/// A judgement of a pair is one that was recorded of it, drawn at random, or, in kRatingWeight cases beside
/// them, a coin by the strengths: pairs that nobody compared have nothing else.
Preferences preferences_of(const Judgements& seen) {
  const std::vector<double> strength = strengths(seen);
  Preferences world{.arms = seen.arms, .wins = seen.wins, .ties = seen.ties, .score = {}};
  for (std::size_t i = 0; i < seen.arms; ++i) {
    for (std::size_t j = 0; j < seen.arms; ++j) {
      const std::size_t at = i * seen.arms + j;
      const double all = seen.of_pair(i, j) + kRatingWeight;
      const double rated = strength[i] / (strength[i] + strength[j]);
      world.wins[at] = i == j ? 0.5 : (seen.wins[at] + kRatingWeight * rated) / all;
      world.ties[at] = i == j ? 0.0 : seen.ties[at] / all;
    }
  }
  return world;
}

}  // namespace

Result<std::vector<SetWorld>> duel_worlds() {
  std::vector<SetWorld> worlds{
      duel_world(ladder(), "ladder",
                 "10 arms of equally spaced strengths, 0.55 between neighbours; Borda regret", 20'000)};
  const Result<Judgements> seen = read_judgements();
  if (!seen && seen.error().code != Errc::io) {
    return tl::unexpected(seen.error());
  }
  if (seen) {
    Preferences borda = preferences_of(*seen);
    borda.score = borda_scores(borda);
    Preferences copeland = borda;
    copeland.score = copeland_scores(copeland);
    const std::string what =
        std::to_string(seen->arms) + " language models, judged by people (llmfao, CC BY 4.0); ";
    worlds.push_back(duel_world(std::move(borda), "llmfao", what + "Borda regret", 50'000));
    worlds.push_back(duel_world(std::move(copeland), "llmfao-copeland", what + "Copeland regret", 50'000));
  }
  return worlds;
}

}  // namespace attune::sim
