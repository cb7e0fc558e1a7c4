// SPDX-License-Identifier: Apache-2.0
#include <attune/policies/glr_kl_ucb.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <deque>
#include <vector>

#include <gtest/gtest.h>

#include <attune/policies/kl_ucb.hpp>

namespace attune::glr_kl_ucb_test {
namespace {

struct Event {
  std::uint64_t sequence = 0;
  std::size_t arm = 0;
  double reward = 0.0;
};
void learn(RestartMeans& means, const Event& event) {
  ASSERT_EQ(means.update({.arm = to_arm(event.arm), .reward = event.reward, .sequence = event.sequence}),
            Errc::ok);
}

/// Statistic of the split before the reward `at`, by its definition.
double ratio(const std::vector<double>& rewards, std::size_t at) {
  const auto kl = [](double p, double q) {
    return (p > 0 ? p * std::log(p / q) : 0) + (p < 1 ? (1 - p) * std::log((1 - p) / (1 - q)) : 0);
  };
  const auto mean = [&](std::size_t from, std::size_t to) {
    double sum = 0.0;
    for (std::size_t i = from; i < to; ++i) {
      sum += rewards[i];
    }
    return sum / static_cast<double>(to - from);
  };
  const double all = mean(0, rewards.size());
  return static_cast<double>(at) * kl(mean(0, at), all) +
         static_cast<double>(rewards.size() - at) * kl(mean(at, rewards.size()), all);
}

TEST(RestartMeans, BeginAnewExactlyWhenTheLikelihoodRatioPassesItsLevel) {
  constexpr double kDelta = 0.01;
  RestartMeans means({.arms = 1}, 256, kDelta, false);  // a block for each reward
  std::vector<double> rewards;
  Rng rng(1);
  std::uint64_t restarts = 0;
  for (std::uint64_t i = 0; i < 2'000; ++i) {
    const double reward = rng.uniform() < ((i / 150) % 2 == 0 ? 0.7 : 0.2) ? 1.0 : 0.0;
    rewards.push_back(reward);
    learn(means, {.sequence = i, .arm = 0, .reward = reward});
    const auto n = static_cast<double>(rewards.size());
    const double level = std::log(3.0 * std::pow(n, 1.5) / kDelta);
    double best = 0.0;
    for (std::size_t at = 1; at < rewards.size(); ++at) {
      best = std::max(best, ratio(rewards, at));
    }
    ASSERT_EQ(means.restarts() > restarts, best >= level) << i << ": " << best << " against " << level;
    if (means.restarts() > restarts) {
      restarts = means.restarts();
      rewards.clear();
      EXPECT_EQ(means.total(), 0.0);
    }
  }
  EXPECT_GE(restarts, 10U) << "of 13 changes";
}

TEST(RestartMeans, FewBlocksFindAlmostAsMuch) {
  for (const double after : {0.3, 0.5}) {
    RestartMeans all({.arms = 1}, 1024, 0.001, false);
    RestartMeans few({.arms = 1}, 16, 0.001, false);
    std::array<std::uint64_t, 2> found{};
    Rng rng(2);
    for (std::uint64_t i = 0; i < 1'000; ++i) {
      const double reward = rng.uniform() < (i < 600 ? 0.8 : after) ? 1.0 : 0.0;
      learn(all, {.sequence = i, .arm = 0, .reward = reward});
      learn(few, {.sequence = i, .arm = 0, .reward = reward});
      found[0] = found[0] == 0 && all.restarts() == 1 ? i : found[0];
      found[1] = found[1] == 0 && few.restarts() == 1 ? i : found[1];
    }
    EXPECT_GT(found[0], 600U);
    EXPECT_GE(found[1], found[0]);
    EXPECT_LE(found[1] - 600, 2 * (found[0] - 600)) << after;
  }
}

TEST(RestartMeans, TheOrderOfRewardsDoesNotMatterWhileNothingChanges) {
  RestartMeans forwards({.arms = 2}, 64, 1e-6, false);
  RestartMeans backwards({.arms = 2}, 64, 1e-6, false);
  std::vector<Event> events;
  Rng rng(3);
  for (std::uint64_t i = 0; i < 60; ++i) {
    events.push_back({.sequence = i,
                      .arm = static_cast<std::size_t>(rng.below(2)),
                      .reward = rng.uniform() < 0.5 ? 1.0 : 0.0});
  }
  for (std::size_t i = 0; i < events.size(); ++i) {
    learn(forwards, events[i]);
    learn(backwards, events[events.size() - 1 - i]);
  }
  EXPECT_EQ(forwards.restarts() + backwards.restarts(), 0U);
  for (std::size_t arm = 0; arm < 2; ++arm) {
    EXPECT_NEAR(forwards.mean(arm), backwards.mean(arm), 1e-12);
  }
}

TEST(RestartMeans, ARewardFromBeforeTheChangeIsNotLearnedAfterIt) {
  for (const bool local : {false, true}) {
    RestartMeans means({.arms = 2}, 32, 0.001, local);
    std::vector<Event> late;
    for (std::uint64_t i = 0; i < 400; ++i) {
      const Event event{.sequence = i, .arm = i % 2, .reward = i % 20 < 18 ? 1.0 : 0.0};
      if (i % 4 == 2) {
        late.push_back(event);
      } else {
        learn(means, event);
      }
    }
    std::uint64_t next = 400;
    while (means.restarts() == 0 && next < 500) {
      learn(means, {.sequence = next++, .arm = 0, .reward = next % 10 == 0 ? 1.0 : 0.0});
    }
    ASSERT_EQ(means.restarts(), 1U);
    EXPECT_LT(next, 440U) << "thirty rewards of 0.1 after hundreds of 0.9 are no accident";
    EXPECT_EQ(means.weight(0), 0.0);
    EXPECT_EQ(means.weight(1) > 0.0, local);
    const std::uint64_t updates = means.updates();
    for (const Event& event : late) {
      learn(means, event);  // all of arm 0
    }
    EXPECT_EQ(means.weight(0), 0.0);
    EXPECT_EQ(means.updates(), updates + late.size());
    learn(means, {.sequence = next, .arm = 0, .reward = 0.25});
    EXPECT_EQ(means.mean(0), 0.25);
  }
}

TEST(RestartMeans, PendingPullsOutliveARestart) {
  RestartMeans means({.arms = 1}, 32, 0.001, false);
  ASSERT_EQ(means.note_pull(to_arm(0)), Errc::ok);
  for (std::uint64_t i = 0; means.restarts() == 0; ++i) {
    ASSERT_LT(i, 200U);
    learn(means, {.sequence = i, .arm = 0, .reward = i < 100 ? 1.0 : 0.0});
  }
  EXPECT_EQ(means.pending(0), 1U);
  EXPECT_EQ(means.total(), 1.0);
}

// Each arm has a false alarm with probability `delta` at most, however long it runs.
TEST(GlrKlUcb, FalseAlarmsAreRare) {
  int alarms = 0;
  for (std::uint64_t run = 0; run < 100; ++run) {
    RestartMeans means({.arms = 2}, 32, 0.005, false);
    Rng rng(4, run, 0);
    for (std::uint64_t i = 0; i < 3'000; ++i) {
      learn(means, {.sequence = i, .arm = i % 2, .reward = rng.uniform() < 0.4 ? 1.0 : 0.0});
    }
    alarms += means.restarts() > 0 ? 1 : 0;
  }
  // 200 arms at 0.005: one; more than eight by chance less than once in a million.
  EXPECT_LE(alarms, 8);
}

TEST(GlrKlUcb, IsKlUcbWithAFloorUnderEveryArm) {
  GlrKlUcb policy = GlrKlUcb::make({.exploration = 0.2}, {.arms = 2}).value();
  KlUcb plain = KlUcb::make({}, {.arms = 2}).value();
  for (std::size_t i = 0; i < 20; ++i) {
    const Feedback feedback{.arm = to_arm(i % 5 == 0 ? 1 : 0), .reward = i % 2 == 0 ? 1.0 : 0.0};
    ASSERT_EQ(policy.update(feedback), Errc::ok);
    ASSERT_EQ(plain.update(feedback), Errc::ok);
  }
  EXPECT_NEAR(policy.index(to_arm(0)), plain.index(to_arm(0)), 1e-15);
  EXPECT_NEAR(policy.index(to_arm(1)), plain.index(to_arm(1)), 1e-15);
  ASSERT_EQ(policy.update({.arm = to_arm(0), .reward = 1.0, .weight = 30.0}), Errc::ok);
  EXPECT_EQ(policy.index(to_arm(1)), 2.0) << "4 of 50 pulls, where a tenth is owed";
  Rng rng(5);
  EXPECT_EQ(policy.select({}, rng).arm, to_arm(1));
}

/// How often the better arm is taken in the last 1,000 of 5,000 decisions; the arms change places after
/// 3,000. Rewards come `delay` decisions late.
template <class P>
int adapted(const typename P::Config& config, std::size_t delay) {
  P policy = P::make(config, {.arms = 3}).value();
  std::deque<Feedback> late;
  int better = 0;
  for (std::uint64_t step = 0; step < 4'000; ++step) {
    Rng rng(6, 0, step);
    const Choice choice = policy.select({}, rng);
    EXPECT_EQ(policy.note_pull(choice.arm), Errc::ok);
    const double mean = std::array{step < 3'000 ? 0.9 : 0.1, 0.3, 0.6}.at(to_index(choice.arm));
    late.push_back(
        {.arm = choice.arm, .reward = rng.uniform() < mean ? 1.0 : 0.0, .announced = true, .sequence = step});
    // Not in order: of the ones that are due the newest comes first.
    while (late.size() > delay) {
      const auto due = late.begin() + static_cast<std::ptrdiff_t>((late.size() - delay - 1) / 2);
      EXPECT_EQ(policy.update(*due), Errc::ok);
      late.erase(due);
    }
    better += step >= 3'500 && choice.arm == to_arm(2) ? 1 : 0;
  }
  return better;
}

TEST(GlrKlUcb, FindsTheNewBestArmAlsoWithLateRewards) {
  for (const bool local : {false, true}) {
    for (const std::size_t delay : {std::size_t{0}, std::size_t{60}}) {
      EXPECT_GT(adapted<GlrKlUcb>({.local = local}, delay), 350) << local << ' ' << delay;
    }
  }
  EXPECT_LT(adapted<KlUcb>({}, 0), 250) << "what it is compared with does not notice";
}

}  // namespace
}  // namespace attune::glr_kl_ucb_test
