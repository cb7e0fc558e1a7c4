// SPDX-License-Identifier: Apache-2.0
// That schedules are really controlled: known mistakes are found, found again, and nothing escapes.
#include <array>
#include <chrono>
#include <condition_variable>
#include <future>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <sqlite3.h>

#include "tests/schedules/child.hpp"
#include "tests/schedules/scheduler.hpp"

namespace attune::test::scheduler_test {
namespace {

using namespace std::chrono_literals;

void never_stuck(const std::string& why) { ADD_FAILURE() << why; }

struct Found {
  bool wrong = false;
  ScheduleReport report{};
};

/// Adds one twice, each time reading and writing under the lock, but not under the same one.
Found lose_an_update(const ScheduleOptions& options) {
  Scheduler scheduler(options, never_stuck);
  std::mutex mutex;
  int value = 0;
  const auto add = [&] {
    int seen = 0;
    {
      const std::scoped_lock lock(mutex);
      seen = value;
    }
    const std::scoped_lock lock(mutex);
    value = seen + 1;
  };
  std::thread one(add);
  std::thread two(add);
  one.join();
  two.join();
  return {.wrong = value != 2, .report = scheduler.report()};
}

ScheduleOptions options_for(Strategy strategy, std::uint64_t seed) {
  return {
      .seed = seed, .strategy = strategy, .switch_chance = 0.3, .priority_changes = 2, .expected_points = 30};
}

class Strategies : public ::testing::TestWithParam<Strategy> {};

TEST_P(Strategies, FindALostUpdateAndFindItAgain) {
  constexpr std::uint64_t kSeeds = 100;
  std::uint64_t found = 0;
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    const Found once = lose_an_update(options_for(GetParam(), seed));
    const Found again = lose_an_update(options_for(GetParam(), seed));
    EXPECT_EQ(once.wrong, again.wrong) << seed;
    EXPECT_EQ(once.report.trace, again.report.trace) << seed;
    EXPECT_EQ(once.report.points, again.report.points) << seed;
    found += once.wrong ? 1 : 0;
  }
  EXPECT_GT(found, 0U) << "no seed finds it";
  EXPECT_LT(found, kSeeds) << "every seed finds it: nothing is drawn";
}

/// What `body` was told when all threads were stuck; empty: they never were.
std::string trouble_of(std::uint64_t seed, Strategy strategy, void (*body)()) {
  return in_child([&](const Scheduler::Stuck& stuck) {
           ScheduleOptions options = options_for(strategy, seed);
           options.most_points = 10'000;
           Scheduler scheduler(options, stuck);
           body();
           return std::string();
         })
      .trouble;
}

void lock_in_two_orders() {
  std::mutex first;
  std::mutex second;
  const auto both = [](std::mutex& a, std::mutex& b) {
    const std::scoped_lock one(a);
    const std::scoped_lock other(b);
  };
  std::thread thread([&] { both(first, second); });
  both(second, first);
  thread.join();
}

/// The flag is looked at, and then waited for: between the two it may be set.
void miss_a_notification() {
  std::mutex mutex;
  std::condition_variable changed;
  bool set = false;
  std::thread thread([&] {
    {
      const std::scoped_lock lock(mutex);
      set = true;
    }
    changed.notify_one();
  });
  bool seen = false;
  {
    const std::scoped_lock lock(mutex);
    seen = set;
  }
  if (!seen) {
    std::unique_lock lock(mutex);
    changed.wait(lock);
  }
  thread.join();
}

void wait_for_nobody() {
  while (true) {
    std::this_thread::yield();
  }
}

TEST_P(Strategies, NameDeadlocks) {
  for (void (*body)() : {lock_in_two_orders, miss_a_notification}) {
    int found = 0;
    for (std::uint64_t seed = 1; seed <= 40; ++seed) {
      const std::string trouble = trouble_of(seed, GetParam(), body);
      EXPECT_TRUE(trouble.empty() || trouble.starts_with("deadlock")) << trouble;
      EXPECT_EQ(trouble, trouble_of(seed, GetParam(), body)) << "seed " << seed;
      found += trouble.empty() ? 0 : 1;
    }
    EXPECT_GT(found, 0);
    EXPECT_LT(found, 40);
  }
}

TEST_P(Strategies, NameLivelocks) {
  EXPECT_TRUE(trouble_of(1, GetParam(), wait_for_nobody).starts_with("livelock"));
}

TEST_P(Strategies, DrawManySchedules) {
  std::set<std::uint64_t> traces;
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    traces.insert(lose_an_update(options_for(GetParam(), seed)).report.trace);
  }
  EXPECT_GT(traces.size(), 10U);
}

INSTANTIATE_TEST_SUITE_P(Both, Strategies, ::testing::Values(Strategy::random, Strategy::priorities));

TEST(SimulatedTime, PassesAtOnceAndInOrder) {
  const auto real_start = std::chrono::steady_clock::now();
  {
    Scheduler scheduler({.seed = 1}, never_stuck);
    const auto start = std::chrono::steady_clock::now();
    const auto day = std::chrono::system_clock::now();
    std::vector<int> order;
    std::vector<std::thread> threads;
    for (const int seconds : {1'800, 600, 1'200}) {
      threads.emplace_back([&order, seconds] {
        std::this_thread::sleep_for(std::chrono::seconds(seconds));
        order.push_back(seconds);
      });
    }
    for (std::thread& thread : threads) {
      thread.join();
    }
    EXPECT_EQ(order, (std::vector{600, 1'200, 1'800}));
    EXPECT_GE(std::chrono::steady_clock::now() - start, 1'800s);
    EXPECT_LT(std::chrono::steady_clock::now() - start, 1'801s);
    EXPECT_GE(std::chrono::system_clock::now() - day, 1'800s);
  }
  EXPECT_LT(std::chrono::steady_clock::now() - real_start, 1'000s) << "the real clock is back";
}

TEST(SimulatedTime, EndsWaitsThatNobodyEnds) {
  Scheduler scheduler({.seed = 2, .longest = 2 * 3600 * kSecond}, never_stuck);
  std::mutex mutex;
  std::condition_variable changed;
  const auto start = std::chrono::steady_clock::now();
  std::unique_lock lock(mutex);
  EXPECT_EQ(changed.wait_for(lock, 1h), std::cv_status::timeout);
  EXPECT_EQ(changed.wait_until(lock, std::chrono::system_clock::now() + 60s), std::cv_status::timeout);
  EXPECT_GE(std::chrono::steady_clock::now() - start, 3'660s);
}

TEST(Interposed, FuturesWaitByTheSchedule) {
  Scheduler scheduler({.seed = 3}, never_stuck);
  std::promise<int> promise;
  std::future<int> future = promise.get_future();
  EXPECT_EQ(future.wait_for(10s), std::future_status::timeout);
  std::thread thread([&] {
    std::this_thread::sleep_for(5s);
    promise.set_value(42);
  });
  EXPECT_EQ(future.get(), 42);
  thread.join();
  EXPECT_GE(scheduler.now(), 15 * kSecond);
  EXPECT_EQ(scheduler.report().threads, 2U);
}

TEST(Interposed, ReachesTheMutexesOfSqlite) {
  Scheduler scheduler({.seed = 4}, never_stuck);
  const std::uint64_t before = scheduler.report().points;
  sqlite3* database = nullptr;
  ASSERT_EQ(sqlite3_open_v2(":memory:", &database, SQLITE_OPEN_READWRITE | SQLITE_OPEN_FULLMUTEX, nullptr),
            SQLITE_OK);
  EXPECT_EQ(sqlite3_exec(database, "CREATE TABLE t (x); INSERT INTO t VALUES (1)", nullptr, nullptr, nullptr),
            SQLITE_OK);
  sqlite3_close(database);
  EXPECT_GT(scheduler.report().points, before + 10);
}

TEST(Interposed, RecursiveMutexesStayThat) {
  Scheduler scheduler({.seed = 5, .switch_chance = 0.9}, never_stuck);
  std::recursive_mutex mutex;
  std::array<int, 2> inside{};
  bool together = false;
  const auto enter = [&](std::size_t who) {
    for (int i = 0; i < 10; ++i) {
      const std::scoped_lock outer(mutex);
      ++inside[who];
      const std::scoped_lock inner(mutex);
      together = together || inside[1 - who] != 0;
      --inside[who];
    }
  };
  std::thread thread([&] { enter(0); });
  enter(1);
  thread.join();
  EXPECT_FALSE(together);
}

TEST(Interposed, OutsideOfAScheduleThreadsAreReal) {
  std::mutex mutex;
  int value = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int n = 0; n < 1'000; ++n) {
        const std::scoped_lock lock(mutex);
        ++value;
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  EXPECT_EQ(value, 4'000);
  EXPECT_EQ(Scheduler::current(), nullptr);
}

}  // namespace
}  // namespace attune::test::scheduler_test
