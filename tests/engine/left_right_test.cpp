// SPDX-License-Identifier: Apache-2.0
#include "engine/left_right.hpp"

#include <atomic>
#include <cstdint>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace attune::left_right_test {
namespace {

/// Two numbers that a whole update keeps equal: a reader that sees them differ has seen half an update.
struct Pair {
  std::uint64_t first = 0;
  std::uint64_t second = 0;
};

TEST(LeftRight, ReadersSeeOnlyWholeUpdatesThatNeverGoBack) {
  LeftRight<Pair> pair(Pair{}, true);
  std::atomic<bool> stop{false};
  std::atomic<int> torn{0};
  std::atomic<int> backwards{0};
  std::vector<std::thread> readers;
  for (int i = 0; i < 3; ++i) {
    readers.emplace_back([&] {
      std::uint64_t last = 0;
      while (!stop.load()) {
        pair.read([&](const Pair& seen) {
          torn += seen.first == seen.second ? 0 : 1;
          backwards += seen.first < last ? 1 : 0;
          last = seen.first;
        });
      }
    });
  }
  for (std::uint64_t i = 1; i <= 5'000; ++i) {
    for (int copy = 0; copy < 2; ++copy) {
      pair.back().first = i;
      pair.back().second = i;
      if (copy == 0) {
        pair.publish();
      }
    }
  }
  stop.store(true);
  for (std::thread& reader : readers) {
    reader.join();
  }
  EXPECT_EQ(torn.load(), 0);
  EXPECT_EQ(backwards.load(), 0);
  EXPECT_EQ(pair.read([](const Pair& seen) { return seen.first; }), 5'000U);
}

TEST(LeftRight, UnsharedHasOneCopyThatReadersSeeAtOnce) {
  LeftRight<Pair> pair(Pair{}, false);
  pair.back().first = 7;
  EXPECT_EQ(pair.read([](const Pair& seen) { return seen.first; }), 7U);
  pair.publish();
  EXPECT_EQ(pair.read([](const Pair& seen) { return seen.first; }), 7U);
}

}  // namespace
}  // namespace attune::left_right_test
