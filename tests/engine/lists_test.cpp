// SPDX-License-Identifier: Apache-2.0
// Points that show lists of arms.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include <attune/core/rng.hpp>
#include <attune/core/sampling.hpp>
#include <attune/engine/engine.hpp>

#include "tests/engine/actions_fixture.hpp"
#include "tests/support/allocation_counter.hpp"

namespace attune::lists_test {
namespace {

using test::Actions;
using test::kOps;

/// Arms "2" and "5" of eight attract.
double attraction(std::string_view arm) { return arm == "2" ? 0.6 : arm == "5" ? 0.5 : 0.1; }

const std::string kEight = R"("arms":["0","1","2","3","4","5","6","7"],"size":3)";

class Lists : public Actions {
 protected:
  /// The share of the two good arms among what the last quarter of the rounds showed.
  template <class Tell>
  double play(int rounds, const Tell& told) {
    Rng world(3);
    int good = 0;
    int late = 0;
    for (int i = 0; i < rounds; ++i) {
      const Decision decision = decide();
      EXPECT_EQ(decision.shown.size(), 3U);
      told(decision, world);
      EXPECT_TRUE(engine->pump());
      clock->advance(kSecond);
      for (std::size_t at = 0; i >= rounds * 3 / 4 && at < decision.shown.size(); ++at) {
        good += attraction(decision.shown[at].view()) > 0.3 ? 1 : 0;
        late += 1;
      }
    }
    return static_cast<double>(good) / late;
  }
};

TEST_F(Lists, ItemsAreLearnedOneByOne) {
  open(R"("policy":{"type":"top_k_thompson"},)" + kEight +
       R"(,"signal":"items","reward":{"join_window_s":2})");
  constexpr std::array<std::string_view, 3> kItems{"item_1", "item_2", "item_3"};
  const double share = play(1500, [&](const Decision& decision, Rng& world) {
    for (std::size_t at = 0; at < 3; ++at) {
      if (world.uniform() < attraction(decision.shown[at].view())) {  // what is not said was not earned
        const std::array<Component, 1> one{Component{.name = kItems.at(at), .value = 1.0}};
        EXPECT_EQ(engine->outcome(decision.id, one), Errc::ok);
      }
    }
  });
  EXPECT_GT(share, 0.6);  // two of three places at best, a quarter at random
  EXPECT_GT(seen().rewards.learned, 1490U);
  EXPECT_EQ(seen().refused_rewards, 0U);
}

TEST_F(Lists, TheFirstClickAndSilenceAreLearned) {
  open(R"("policy":{"type":"top_k_kl_ucb"},)" + kEight +
       R"(,"signal":"first_click","reward":{"join_window_s":2})");
  const double share = play(1500, [&](const Decision& decision, Rng& world) {
    for (std::size_t at = 0; at < 3; ++at) {
      if (world.uniform() < attraction(decision.shown[at].view())) {
        EXPECT_EQ(engine->outcome(decision.id, static_cast<double>(at)), Errc::ok);
        return;
      }
    }
  });
  EXPECT_GT(share, 0.6);
  EXPECT_GT(seen().rewards.learned_default, 100U);  // windows that ended without a click
  EXPECT_EQ(seen().refused_rewards, 0U);
}

TEST_F(Lists, OneNumberForTheWholeIsLearned) {
  open(R"("policy":{"type":"slate_ridge","positions":3,"alpha":0.2},)" + kEight);
  const double share = play(1500, [&](const Decision& decision, Rng& world) {
    double sum = 0.1 * sample_normal(world);
    for (const ShortText& arm : decision.shown) {
      sum += attraction(arm.view());
    }
    EXPECT_EQ(engine->outcome(decision.id, sum), Errc::ok);
  });
  EXPECT_GT(share, 0.6);
}

TEST_F(Lists, AClickThatIsNoPlaceIsRefused) {
  open(R"("policy":{"type":"top_k_ucb"},)" + kEight + R"(,"signal":"first_click")");
  for (const double place : {3.0, 0.5, -2.0, 1e300}) {
    tell(decide(), place);
  }
  EXPECT_EQ(seen().refused_rewards, 4U);
  tell(decide(), -1.0);
  tell(decide(), 2.0);
  EXPECT_EQ(seen().refused_rewards, 4U);
}

TEST_F(Lists, ArmsThatHaveGoneAreLeftOut) {
  // Removed, and another one in the slot: of three items two are learned.
  open(R"("policy":{"type":"top_k_ucb"},"arms":["a","b","c"],"size":3,"signal":"items")");
  const auto row = [&](std::size_t slot) { return engine->describe(point)->rows.at(slot); };
  Decision decision = decide();
  ASSERT_TRUE(engine->remove_arm(point, "b"));
  ASSERT_TRUE(engine->add_arm(point, "d"));
  const std::vector<double> fresh = row(1);
  const std::array<Component, 3> parts{Component{.name = "item_1", .value = 1.0},
                                       Component{.name = "item_2", .value = 1.0},
                                       Component{.name = "item_3", .value = 1.0}};
  ASSERT_EQ(engine->outcome(decision.id, parts), Errc::ok);
  ASSERT_TRUE(engine->pump());
  EXPECT_EQ(seen().arm_gone, 1U);
  EXPECT_EQ(seen().refused_rewards, 0U);
  EXPECT_EQ(row(1), fresh);
  EXPECT_NE(row(0), fresh);
  EXPECT_NE(row(2), fresh);
}

TEST_F(Lists, AClickOnAnArmThatHasGoneStillSaysWhatWasPassedOver) {
  open(R"("policy":{"type":"top_k_ucb"},"arms":["a","b","c"],"size":3,"signal":"first_click")");
  const auto rows = [&] { return engine->describe(point)->rows; };
  const Decision decision = decide();
  ASSERT_EQ(decision.shown.size(), 3U);
  const std::vector<std::vector<double>> before = rows();
  ASSERT_TRUE(engine->remove_arm(point, decision.shown[1].view()));
  tell(decision, 1.0);
  EXPECT_EQ(seen().arm_gone, 1U);
  const auto slot = [&](std::size_t at) {
    return static_cast<std::size_t>(decision.shown[at].view()[0] - 'a');
  };
  EXPECT_NE(rows().at(slot(0)), before.at(slot(0)));  // looked at, not clicked
  EXPECT_EQ(rows().at(slot(2)), before.at(slot(2)));  // never looked at
}

TEST_F(Lists, OneNumberIsDroppedWhenAnArmHasGone) {
  open(R"("policy":{"type":"slate_ridge","positions":3},"arms":["a","b","c"],"size":3)");
  const Decision decision = decide();
  ASSERT_TRUE(engine->remove_arm(point, "b"));
  const std::uint64_t version = seen().version;
  tell(decision, 1.0);
  EXPECT_EQ(seen().version, version);
  EXPECT_EQ(seen().arm_gone, 1U);
}

TEST_F(Lists, FewerArmsThanPlacesMakeAShorterList) {
  open(R"("policy":{"type":"top_k_thompson"},)" + kEight + R"(,"signal":"items")");
  const std::array<std::string_view, 2> offered{"4", "1"};
  std::vector<std::string> shown = names(decide({}, {.arms = offered}));
  std::ranges::sort(shown);
  EXPECT_EQ(shown, (std::vector<std::string>{"1", "4"}));
  ASSERT_TRUE(engine->kill(point, true, kOps));
  const Decision killed = decide({}, {.arms = offered});
  EXPECT_EQ(killed.shown.size(), 2U);
  EXPECT_EQ(killed.propensity, 0.5);
  EXPECT_EQ(killed.rung, Rung::uniform);
  for (const char* arm : {"4", "1"}) {
    ASSERT_TRUE(engine->set_arm_enabled(point, arm, false));
  }
  Decision none;
  EXPECT_EQ(engine->decide(point, {}, {.arms = offered}, none), Errc::no_arm);
}

TEST_F(Lists, AKilledPointShowsEveryOrderAlike) {
  open(R"("policy":{"type":"top_k_ucb"},"arms":["a","b","c","d"],"size":2,"signal":"items")");
  ASSERT_TRUE(engine->kill(point, true, kOps));
  expect_all_alike(12);
}

TEST_F(Lists, DecidingAllocatesNothingAfterAWhile) {
  open(R"("policy":{"type":"top_k_ucb"},)" + kEight + R"(,"signal":"first_click")");
  Decision decision;
  bool sound = true;
  std::size_t before = 0;
  for (int i = 0; i < 400; ++i) {
    if (i == 200) {
      before = test::allocations();
    }
    sound = sound && engine->decide(point, {}, {}, decision) == Errc::ok;
  }
  EXPECT_EQ(test::allocations() - before, 0U);
  EXPECT_TRUE(sound);
}

}  // namespace
}  // namespace attune::lists_test
