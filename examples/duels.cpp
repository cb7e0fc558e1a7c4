// SPDX-License-Identifier: Apache-2.0
// Two answers side by side, and which one was preferred: finding the best of six prompt templates.
#include <attune/policies/bradley_terry.hpp>

#include <array>
#include <cmath>
#include <cstdio>

int main() {
  using namespace attune;  // an example may
  constexpr std::array<double, 6> kStrength{0.0, 0.2, -0.4, 0.9, 0.1, -0.2};
  BradleyTerry policy = BradleyTerry::make({}, {.arms = kStrength.size()}).value();

  Rng people(1);
  int asked = 0;
  constexpr int kRounds = 3000;
  for (int t = 0; t < kRounds; ++t) {
    Rng rng(42, 0, static_cast<std::uint64_t>(t));
    const PairChoice pair = policy.select_pair({}, rng);
    if (pair.status != Errc::ok) {
      return 1;
    }
    if (pair.first == pair.second) {
      continue;  // sure enough: this template alone
    }
    ++asked;
    const double lead = kStrength.at(to_index(pair.first)) - kStrength.at(to_index(pair.second));
    const bool first = people.uniform() < 1.0 / (1.0 + std::exp(-lead));
    const DuelFeedback judged{.winner = first ? pair.first : pair.second,
                              .loser = first ? pair.second : pair.first};
    if (policy.update(judged) != Errc::ok) {
      return 1;
    }
  }
  const Description table = policy.describe();
  std::printf("%s; %d of %d rounds had a question; best: template %zu\n", table.summary.c_str(), asked,
              kRounds, to_index(policy.best_arm()));
  for (std::size_t arm = 0; arm < table.rows.size(); ++arm) {
    std::printf("  template %zu: Elo %.0f, compared %.0f times\n", arm, table.rows[arm][4],
                table.rows[arm][1]);
  }
  return policy.best_arm() == to_arm(3) ? 0 : 1;
}
