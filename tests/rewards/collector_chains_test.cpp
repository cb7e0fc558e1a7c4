// SPDX-License-Identifier: Apache-2.0
// Credit along chains of decisions, by examples worked by hand.
#include <attune/rewards/collector.hpp>

#include <limits>
#include <numeric>
#include <stdexcept>
#include <vector>

#include <gtest/gtest.h>

#include "tests/rewards/reward_fixture.hpp"

namespace attune::collector_chains_test {
namespace {

using test::Bench;
using test::Calls;
using test::learnt;
using test::lost;
using test::step;

constexpr std::uint64_t kGame = 42;

RewardSpec chain_of(Credit credit, double seconds = 10) {
  RewardSpec spec;
  spec.join_window_s = seconds;
  spec.credit = credit;
  if (credit == Credit::custom) {
    spec.credit_function = "f";
  }
  return spec;
}

/// Three decisions of one episode with rewards 1, 2 and 6, the last of which ends it.
Calls credits(Credit credit, CreditFunction function = {}, double lambda = 0.5) {
  RewardSpec spec = chain_of(credit);
  spec.lambda = lambda;
  Bench bench(spec, std::move(function));
  for (std::uint64_t n = 1; n <= 3; ++n) {
    bench.decide(n, 0, kGame);
  }
  EXPECT_EQ(bench.reward(3, 1, 6.0, {.terminal = true}), Fate::learned);
  EXPECT_EQ(bench.reward(1, 2, 1.0), Fate::learned);
  EXPECT_TRUE(bench.calls().empty() || credit == Credit::own) << "one reward is still out";
  EXPECT_EQ(bench.reward(2, 3, 2.0), Fate::learned);
  EXPECT_EQ(bench.collector.pending(), 0U);
  EXPECT_EQ(test::accounted(bench.collector), 3U);
  return bench.calls();
}

TEST(CollectorChains, LastGetsTheSum) {
  EXPECT_EQ(credits(Credit::last), (Calls{lost(1, LossReason::credited_elsewhere),
                                          lost(2, LossReason::credited_elsewhere), learnt(3, 9.0)}));
}

TEST(CollectorChains, UniformGetsTheMean) {
  EXPECT_EQ(credits(Credit::uniform), (Calls{learnt(1, 3.0), learnt(2, 3.0), learnt(3, 3.0)}));
}

TEST(CollectorChains, DiscountedGetsWhatFollows) {
  // 6; 2 + 6/2 = 5; 1 + 5/2 = 3.5.
  EXPECT_EQ(credits(Credit::discounted), (Calls{learnt(1, 3.5), learnt(2, 5.0), learnt(3, 6.0)}));
  EXPECT_EQ(credits(Credit::discounted, {}, 0.0), (Calls{learnt(1, 1.0), learnt(2, 2.0), learnt(3, 6.0)}));
  EXPECT_EQ(credits(Credit::discounted, {}, 1.0), (Calls{learnt(1, 9.0), learnt(2, 8.0), learnt(3, 6.0)}));
}

TEST(CollectorChains, CustomIsAFunctionOfAllRewards) {
  const auto reversed = [](std::span<const double> rewards, std::span<double> out) {
    for (std::size_t i = 0; i < rewards.size(); ++i) {
      out[i] = rewards[rewards.size() - 1 - i];
    }
  };
  EXPECT_EQ(credits(Credit::custom, reversed), (Calls{learnt(1, 6.0), learnt(2, 2.0), learnt(3, 1.0)}));
}

TEST(CollectorChains, ACustomFunctionThatFailsLeavesTheOwnRewards) {
  const auto broken = [](std::span<const double> rewards, std::span<double> out) {
    out[0] = std::numeric_limits<double>::infinity();
    out[1] = rewards[1] * 10;
  };
  EXPECT_EQ(credits(Credit::custom, broken), (Calls{learnt(1, 1.0), learnt(2, 20.0), learnt(3, 6.0)}));
  const auto throws = [](std::span<const double>, std::span<double> out) {
    out[0] = 99;
    throw std::runtime_error("no");
  };
  EXPECT_EQ(credits(Credit::custom, throws), (Calls{learnt(1, 1.0), learnt(2, 2.0), learnt(3, 6.0)}));
}

TEST(CollectorChains, OwnCreditKnowsNoChains) {
  EXPECT_EQ(credits(Credit::own), (Calls{learnt(2, 2.0)}));  // the others were learned at once, and read
}

TEST(CollectorChains, WithoutAnEpisodeADecisionIsOnItsOwn) {
  Bench bench(chain_of(Credit::uniform));
  bench.decide(1, 0);
  bench.decide(2, 0, kGame);
  bench.decide(3, 0, kGame + 1);
  bench.reward(1, 1, 4.0);
  bench.reward(2, 1, 5.0);
  EXPECT_EQ(bench.calls(), Calls{learnt(1, 4.0)});
  bench.end(kGame, 2);
  EXPECT_EQ(bench.calls(), Calls{learnt(2, 5.0)});
  EXPECT_EQ(bench.collector.pending(), 1U);
}

TEST(CollectorChains, AnEpisodeEndsByItsEventToo) {
  Bench bench(chain_of(Credit::last));
  bench.decide(1, 0, kGame);
  bench.decide(2, 0, kGame);
  bench.end(kGame, 1);
  bench.end(kGame, 1);
  bench.end(999, 1);
  bench.reward(1, 2, 1.0);
  EXPECT_TRUE(bench.calls().empty());
  bench.reward(2, 3, 2.0);
  EXPECT_EQ(bench.calls(), (Calls{lost(1, LossReason::credited_elsewhere), learnt(2, 3.0)}));
}

TEST(CollectorChains, AnEpisodeEndsWhenNobodyJoinsForAWindow) {
  Bench bench(chain_of(Credit::uniform));
  bench.decide(1, 0, kGame);
  bench.reward(1, 1, 1.0);
  bench.decide(2, 9, kGame);
  bench.reward(2, 9, 3.0);
  bench.wait_until(18.9);  // past the window of the first, not of the second
  EXPECT_TRUE(bench.calls().empty());
  EXPECT_EQ(bench.collector.pending(), 2U);
  bench.wait_until(19);
  EXPECT_EQ(bench.calls(), (Calls{learnt(1, 2.0), learnt(2, 2.0)}));
}

TEST(CollectorChains, TheNameMayBeUsedAgain) {
  Bench bench(chain_of(Credit::uniform));
  bench.decide(1, 0, kGame);
  bench.end(kGame, 1);
  bench.decide(2, 2, kGame);
  bench.reward(2, 3, 8.0);
  bench.end(kGame, 3);
  EXPECT_EQ(bench.calls(), Calls{learnt(2, 8.0)}) << "the first episode still waits";
  bench.reward(1, 4, 1.0);
  EXPECT_EQ(bench.calls(), Calls{learnt(1, 1.0)});
}

TEST(CollectorChains, AnEndInTheMiddleCutsTheChain) {
  Bench bench(chain_of(Credit::uniform));
  for (std::uint64_t n = 1; n <= 4; ++n) {
    bench.decide(n, 0, kGame);  // 3 and 4 belong to the next game: the end of 2 was not known yet
  }
  bench.reward(1, 1, 1.0);
  bench.reward(2, 1, 3.0, {.terminal = true});
  EXPECT_EQ(bench.calls(), (Calls{learnt(1, 2.0), learnt(2, 2.0)}));
  bench.reward(3, 1, 10.0);
  bench.decide(5, 1, kGame);
  bench.reward(4, 1, 20.0);
  bench.reward(5, 1, 30.0, {.terminal = true});
  EXPECT_EQ(bench.calls(), (Calls{learnt(3, 20.0), learnt(4, 20.0), learnt(5, 20.0)}));
}

TEST(CollectorChains, ASilentStepIsLeftOutOfTheMean) {
  Bench bench(chain_of(Credit::uniform));
  for (std::uint64_t n = 1; n <= 3; ++n) {
    bench.decide(n, 0, kGame);
  }
  bench.reward(1, 1, 1.0);
  bench.reward(3, 1, 5.0, {.terminal = true});
  bench.wait_until(10);
  EXPECT_EQ(bench.calls(), (Calls{lost(2, LossReason::silent), learnt(1, 3.0), learnt(3, 3.0)}));
}

TEST(CollectorChains, ASilentStepStillTakesTime) {
  RewardSpec spec = chain_of(Credit::discounted);
  spec.lambda = 0.5;
  Bench bench(spec);
  for (std::uint64_t n = 1; n <= 3; ++n) {
    bench.decide(n, 0, kGame);
  }
  bench.reward(1, 1, 1.0);
  bench.reward(3, 1, 8.0, {.terminal = true});
  bench.wait_until(10);
  EXPECT_EQ(bench.calls(), (Calls{lost(2, LossReason::silent), learnt(1, 1.0 + 0.25 * 8.0), learnt(3, 8.0)}));
}

TEST(CollectorChains, ADefaultStepTakesPart) {
  RewardSpec spec = chain_of(Credit::uniform);
  spec.silence = Silence::default_value;
  spec.default_reward = 0.0;
  Bench bench(spec);
  for (std::uint64_t n = 1; n <= 3; ++n) {
    bench.decide(n, 0, kGame);
  }
  bench.reward(3, 1, 6.0, {.terminal = true});
  bench.wait_until(10);
  EXPECT_EQ(bench.calls(), (Calls{learnt(1, 2.0, RewardOrigin::default_value),
                                  learnt(2, 2.0, RewardOrigin::default_value), learnt(3, 2.0)}));
}

TEST(CollectorChains, TheSumGoesToTheLastThatHasAReward) {
  Bench bench(chain_of(Credit::last));
  bench.decide(1, 0, kGame);
  bench.decide(2, 0, kGame);
  bench.reward(1, 1, 4.0);
  bench.wait_until(10);
  EXPECT_EQ(bench.calls(), (Calls{lost(2, LossReason::silent), learnt(1, 4.0)}));
}

TEST(CollectorChains, AMoreThanResolvedStepIsLate) {
  Bench bench(chain_of(Credit::last));
  bench.decide(1, 0, kGame);
  bench.reward(1, 1, 4.0);
  EXPECT_EQ(bench.reward(1, 2, 4.0), Fate::duplicate);
  EXPECT_EQ(bench.reward(1, 2, 5.0), Fate::conflict);
  EXPECT_EQ(bench.reward(1, 2, 5.0, {.key = 9}), Fate::late);
  EXPECT_EQ(bench.reward(1, 2, 4.0, {.terminal = true}), Fate::duplicate);
  EXPECT_EQ(bench.calls(), Calls{learnt(1, 4.0)}) << "the end is honoured, though the reward is a duplicate";
}

TEST(CollectorChains, OverflowClosesTheWholeEpisodeOfTheOldest) {
  RewardSpec spec = chain_of(Credit::uniform);
  spec.max_pending = 3;
  Bench bench(spec);
  bench.decide(1, 0, kGame);
  bench.decide(2, 0, 7);
  bench.decide(3, 0, kGame);
  bench.reward(1, 0, 4.0);
  bench.decide(4, 1, kGame);
  EXPECT_EQ(bench.calls(), (Calls{lost(3, LossReason::overflow), learnt(1, 4.0)}));
  EXPECT_EQ(bench.counters().overflow_expired, 2U);
  EXPECT_EQ(bench.collector.pending(), 2U);
  bench.reward(4, 2, 1.0, {.terminal = true});
  EXPECT_EQ(bench.calls(), Calls{learnt(4, 1.0)}) << "a new episode of the same name";
}

// ------------------------------------------------------------------------------------------------ experience

TEST(CollectorTransitions, AreEmittedInOrderWhenTheNextStateIsKnown) {
  Bench bench(chain_of(Credit::transition));
  bench.decide(1, 0, kGame, {0.1});
  EXPECT_EQ(bench.reward(1, 1, 10.0), Fate::learned);
  EXPECT_TRUE(bench.calls().empty()) << "the next state is not known";
  bench.decide(2, 2, kGame, {0.2});
  EXPECT_EQ(bench.calls(), Calls{step(1, 10.0, {0.2})});
  bench.decide(3, 3, kGame, {0.3});
  bench.reward(3, 4, 30.0, {.terminal = true});
  EXPECT_TRUE(bench.calls().empty()) << "2 comes first";
  bench.reward(2, 5, 20.0);
  EXPECT_EQ(bench.calls(), (Calls{step(2, 20.0, {0.3}), step(3, 30.0, {}, true)}));
  EXPECT_EQ(bench.collector.pending(), 0U);
  EXPECT_EQ(bench.counters().learned, 3U);
  EXPECT_EQ(bench.counters().reward_sum, 60.0);
}

TEST(CollectorTransitions, ATruncatedEpisodeNeedsItsLastState) {
  Bench bench(chain_of(Credit::transition));
  bench.decide(1, 0, kGame, {0.1});
  bench.reward(1, 1, 1.0, {.truncated = true, .next = {0.9}});
  bench.decide(2, 1, kGame, {0.2});
  bench.reward(2, 1, 2.0, {.truncated = true});
  EXPECT_EQ(bench.calls(), (Calls{step(1, 1.0, {0.9}, false, true), lost(2, LossReason::no_next_state)}));
  EXPECT_EQ(bench.counters().no_next_state, 1U);
}

TEST(CollectorTransitions, TheEndMayComeAfterTheReward) {
  Bench bench(chain_of(Credit::transition));
  bench.decide(1, 0, kGame, {0.1});
  bench.reward(1, 1, 1.0);
  EXPECT_EQ(bench.say(1, 2, {}, {.terminal = true}), Fate::waiting);
  EXPECT_EQ(bench.calls(), Calls{step(1, 1.0, {}, true)});
  bench.decide(2, 3, kGame, {0.2});
  bench.say(2, 4, {}, {.truncated = true, .next = {0.7}});
  bench.reward(2, 5, 2.0);
  EXPECT_EQ(bench.calls(), Calls{step(2, 2.0, {0.7}, false, true)});
}

TEST(CollectorTransitions, TerminalOutweighsTruncated) {
  Bench bench(chain_of(Credit::transition));
  bench.decide(1, 0, kGame, {0.1});
  bench.reward(1, 1, 1.0, {.terminal = true, .truncated = true, .next = {0.5}});
  EXPECT_EQ(bench.calls(), Calls{step(1, 1.0, {}, true)});
}

TEST(CollectorTransitions, ABareEndIsATruncationWithoutAState) {
  Bench bench(chain_of(Credit::transition));
  bench.decide(1, 0, kGame, {0.1});
  bench.decide(2, 0, kGame, {0.2});
  bench.end(kGame, 1);
  bench.reward(2, 1, 2.0);
  bench.reward(1, 1, 1.0);
  EXPECT_EQ(bench.calls(), (Calls{step(1, 1.0, {0.2}), lost(2, LossReason::no_next_state)}));
}

TEST(CollectorTransitions, TheWindowEndsTheWaitForANextState) {
  Bench bench(chain_of(Credit::transition));
  bench.decide(1, 0, kGame, {0.1});
  bench.reward(1, 1, 1.0);
  bench.wait_until(10);
  EXPECT_EQ(bench.calls(), Calls{lost(1, LossReason::no_next_state)});
}

TEST(CollectorTransitions, ASilentStepIsLostAndTheRestGoesOn) {
  Bench bench(chain_of(Credit::transition));
  bench.decide(1, 0, kGame, {0.1});
  bench.decide(2, 1, kGame, {0.2});
  bench.decide(3, 2, kGame, {0.3});
  bench.reward(2, 3, 2.0);
  EXPECT_TRUE(bench.calls().empty());
  bench.wait_until(10);
  EXPECT_EQ(bench.calls(), (Calls{lost(1, LossReason::silent), step(2, 2.0, {0.3})}));
}

TEST(CollectorTransitions, ADefaultRewardIsExperience) {
  RewardSpec spec = chain_of(Credit::transition);
  spec.silence = Silence::default_value;
  spec.default_reward = -1.0;
  Bench bench(spec);
  bench.decide(1, 0, kGame, {0.1});
  bench.decide(2, 5, kGame, {0.2});
  bench.wait_until(10);
  EXPECT_EQ(bench.calls(), Calls{step(1, -1.0, {0.2})});
  EXPECT_EQ(bench.counters().learned_default, 1U);
}

TEST(CollectorTransitions, AnEndInTheMiddleStartsANewEpisode) {
  Bench bench(chain_of(Credit::transition));
  for (std::uint64_t n = 1; n <= 4; ++n) {
    bench.decide(n, 0, kGame, {static_cast<double>(n)});
  }
  bench.reward(3, 1, 30.0);
  EXPECT_TRUE(bench.calls().empty());
  bench.reward(2, 1, 20.0, {.terminal = true});
  EXPECT_EQ(bench.calls(), Calls{step(3, 30.0, {4.0})}) << "3 no longer waits for 1";
  bench.reward(1, 1, 10.0);
  EXPECT_EQ(bench.calls(), (Calls{step(1, 10.0, {2.0}), step(2, 20.0, {}, true)}));
}

TEST(CollectorTransitions, WithoutAnEpisodeADecisionIsAnEpisodeOfOneStep) {
  Bench bench(chain_of(Credit::transition));
  bench.decide(1, 0, 0, {0.1});
  bench.decide(2, 0, 0, {0.2});
  bench.decide(3, 0, 0, {0.3});
  bench.reward(1, 1, 1.0);
  bench.reward(2, 1, 2.0, {.truncated = true, .next = {0.8}});
  bench.reward(3, 1, 3.0, {.truncated = true});
  EXPECT_EQ(bench.calls(), (Calls{step(1, 1.0, {}, true), step(2, 2.0, {0.8}, false, true),
                                  lost(3, LossReason::no_next_state)}));
}

TEST(CollectorTransitions, OverflowLetsTheOldestStepGo) {
  RewardSpec spec = chain_of(Credit::transition);
  spec.max_pending = 2;
  Bench bench(spec);
  bench.decide(1, 0, kGame, {0.1});
  bench.decide(2, 0, kGame, {0.2});
  bench.decide(3, 0, kGame, {0.3});
  EXPECT_EQ(bench.calls(), Calls{lost(1, LossReason::overflow)});
  bench.reward(3, 1, 3.0);
  bench.decide(4, 1, 5, {0.4});
  EXPECT_EQ(bench.calls(), Calls{lost(2, LossReason::overflow)}) << "3 waits for the state after it";
  bench.decide(5, 1, 5, {0.5});
  EXPECT_EQ(bench.calls(), Calls{lost(3, LossReason::no_next_state)});
  EXPECT_EQ(bench.counters().overflow_expired, 3U);
  EXPECT_EQ(test::accounted(bench.collector), bench.counters().decisions);
}

TEST(CollectorTransitions, SparseStatesArePassedOn) {
  Collector collector = Collector::make(chain_of(Credit::transition)).value();
  struct Sink final : RewardSink {
    void learn(const PendingDecision&, double, RewardOrigin) noexcept override { ++others; }
    void experience(const PendingDecision&, double, const Input& next, bool, bool) noexcept override {
      index.assign(next.sparse.index.begin(), next.sparse.index.end());
      value.assign(next.sparse.value.begin(), next.sparse.value.end());
    }
    void lost(const PendingDecision&, LossReason) noexcept override { ++others; }
    std::vector<std::uint32_t> index;
    std::vector<double> value;
    int others = 0;
  } sink;
  const std::vector<std::uint32_t> index{3, 8};
  const std::vector<double> value{0.5, 0.25};
  DecisionRecord decision;
  decision.header.id = test::id_of(1);
  decision.episode = kGame;
  ASSERT_EQ(collector.on_decision(decision, sink), Errc::ok);
  OutcomeRecord outcome;
  outcome.header.id = test::id_of(1);
  outcome.header.flags = OutcomeRecord::kTruncated;
  outcome.component_count = 1;
  outcome.components[0] = {"reward", 1.0};
  outcome.next.sparse = {index, value};
  ASSERT_EQ(collector.on_outcome(outcome, sink), Fate::learned);
  EXPECT_EQ(sink.index, index);
  EXPECT_EQ(sink.value, value);
  EXPECT_EQ(sink.others, 0);
}

}  // namespace
}  // namespace attune::collector_chains_test
