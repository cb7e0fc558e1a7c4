// SPDX-License-Identifier: Apache-2.0
// Lists of arms: which four of twelve articles, learned from the first click alone.
#include <attune/engine/registry.hpp>
#include <attune/policies/top_k_kl_ucb.hpp>

#include <array>
#include <cstdio>

#include <nlohmann/json.hpp>

int main() {
  using namespace attune;  // an example may
  constexpr std::size_t kArticles = 12;
  constexpr std::size_t kShown = 4;
  TopKKlUcb policy = TopKKlUcb::make({}, {.arms = kArticles}).value();

  Rng world(1);
  int clicks = 0;
  constexpr int kRounds = 5000;
  std::array<ArmIndex, kShown> shown{};
  std::array<double, kShown> propensities{};
  for (int t = 0; t < kRounds; ++t) {
    Rng rng(42, 0, static_cast<std::uint64_t>(t));
    const SlateChoice choice = policy.select_slate({}, rng, {.arms = shown, .propensities = propensities});
    if (choice.status != Errc::ok) {
      return 1;
    }
    // Readers look from the top; articles 8 to 11 are the good ones.
    SlateFeedback feedback{.shown = shown, .signal = SlateSignal::first_click};
    for (std::size_t i = 0; i < kShown && feedback.click == kNoClick; ++i) {
      const double attraction = to_index(shown.at(i)) >= 8 ? 0.3 : 0.05;
      feedback.click = world.uniform() < attraction ? i : kNoClick;
    }
    if (policy.update(feedback) != Errc::ok) {
      return 1;
    }
    clicks += feedback.click != kNoClick ? 1 : 0;
  }
  // The best list is clicked with 1 - 0.7^4 = 0.76, a random one with 0.43.
  std::printf("clicked in %d of %d rounds; shown last:", clicks, kRounds);
  for (const ArmIndex arm : shown) {
    std::printf(" %zu", to_index(arm));
  }
  std::printf("\n");

  // The same from JSON, behind the handle that holds any of them; rewards of each item this time.
  AnySlateBandit any = make_slate_bandit({{"type", "top_k_thompson"}}, {.arms = kArticles}).value();
  Rng rng(7);
  const std::array<double, kShown> rewards{1.0, 0.0, 0.5, 0.0};
  const bool learned = any.select_slate({}, rng, {.arms = shown}).status == Errc::ok &&
                       any.update({.shown = shown, .rewards = rewards}) == Errc::ok;
  return learned && clicks > kRounds * 6 / 10 ? 0 : 1;
}
