// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <cmath>
#include <memory>
#include <span>
#include <utility>

#include <nlohmann/json.hpp>

#include <attune/core/sampling.hpp>
#include <attune/engine/registry.hpp>

#include "simulations/set_worlds.hpp"

namespace attune::sim {
namespace {

using nlohmann::json;

constexpr std::uint32_t kSlateUsers = 1;  // purposes of generators
constexpr std::uint32_t kSlateDraws = 2;
constexpr std::size_t kItems = 16;
constexpr std::size_t kShown = 4;
constexpr std::array<double, kShown> kAttention{1.0, 0.7, 0.5, 0.3};  // of the positions, where all are rated

using Slate = std::array<ArmIndex, kShown>;

/// The problem of Kveton et al. (2015), section 5.1: the first items attract with 0.2, the others with 0.05.
double attraction(std::size_t item) noexcept { return item < kShown ? 0.2 : 0.05; }

/// What a list is worth in expectation.
double slate_worth(SlateSignal signal, std::span<const ArmIndex> shown) noexcept {
  double sum = 0.0;
  double missed = 1.0;
  for (std::size_t i = 0; i < shown.size(); ++i) {
    const double chance = attraction(to_index(shown[i]));
    sum += signal == SlateSignal::whole ? kAttention.at(i) * chance : chance;
    missed *= 1.0 - chance;
  }
  return signal == SlateSignal::first_click ? 1.0 - missed : sum;
}

/// One list shown to a user. False: what came back was refused.
bool show_slate(AnySlateBandit& bandit, const Slate& shown, SlateSignal signal, Rng& world) noexcept {
  std::array<double, kShown> rewards{};
  SlateFeedback feedback{.shown = shown, .signal = signal, .rewards = rewards};
  for (std::size_t i = 0; i < kShown; ++i) {
    rewards.at(i) = world.uniform() < attraction(to_index(shown.at(i))) ? 1.0 : 0.0;
    feedback.click = feedback.click == kNoClick && rewards.at(i) == 1.0 ? i : feedback.click;
  }
  if (signal == SlateSignal::whole) {
    feedback.reward = slate_worth(signal, shown) + 0.2 * sample_normal(world);
  }
  return bandit.update(feedback) == Errc::ok;
}

Result<Play> start_slates(SlateSignal signal, const json& spec, std::uint64_t seed) {
  const bool uniform = spec.value("type", std::string()) == "uniform";
  // A uniform draw, which the ridge can make of all lists.
  const json made_of = uniform ? json{{"type", "slate_ridge"}, {"epsilon", 1.0}} : spec;
  Result<AnySlateBandit> made = make_slate_bandit(made_of, {.arms = kItems}, "policy");
  if (!made) {
    return tl::unexpected(std::move(made).error());
  }
  const auto bandit = std::make_shared<const AnySlateBandit>(*std::move(made));
  Slate best{};
  for (std::size_t i = 0; i < kShown; ++i) {
    best.at(i) = to_arm(i);
  }
  return Play([=](std::uint64_t run, std::span<const std::uint64_t> steps, std::span<double> out) {
    AnySlateBandit playing = *bandit;
    Rng world(seed, run, 0, kSlateUsers);
    double regret = 0.0;
    std::size_t next = 0;
    for (std::uint64_t step = 1; step <= steps.back(); ++step) {
      Rng rng(seed, run, step, kSlateDraws);
      Slate shown{};
      const SlateChoice choice = playing.select_slate({}, rng, {.arms = shown});
      if (choice.size != kShown || (!uniform && !show_slate(playing, shown, signal, world))) {
        return false;
      }
      regret += slate_worth(signal, best) - slate_worth(signal, shown);
      if (step == steps[next]) {
        out[next++] = regret;
      }
    }
    return true;
  });
}

SetWorld slate_world(SlateSignal signal, std::string name, std::string about, std::uint64_t horizon,
                     std::vector<std::string> policies) {
  return {
      .name = std::move(name),
      .about = std::move(about),
      .horizon = horizon,
      .runs = 20,
      .policies = std::move(policies),
      .start = [signal](const json& spec, std::uint64_t seed) { return start_slates(signal, spec, seed); }};
}

}  // namespace

std::vector<SetWorld> slate_worlds() {
  return {
      slate_world(SlateSignal::items, "items",
                  "4 of 16 items are shown and each pays for itself; regret in payments", 20'000,
                  {"uniform", "top_k_ucb", "top_k_kl_ucb", "top_k_thompson"}),
      slate_world(SlateSignal::first_click, "cascade",
                  "4 of 16 items, looked at from the top up to the first click; regret in clicks", 100'000,
                  {"uniform", "top_k_ucb", "top_k_kl_ucb", "top_k_thompson"}),
      slate_world(SlateSignal::whole, "whole",
                  "4 of 16 items, one noisy number for the list, where upper positions count more; regret "
                  "in its units",
                  20'000,
                  {"uniform", R"({"type":"slate_ridge","epsilon":0.1,"alpha":0})",
                   R"({"type":"slate_ridge","alpha":0.2})", "slate_ridge"})};
}

}  // namespace attune::sim
