// SPDX-License-Identifier: Apache-2.0
#include "tests/schedules/switched/harness.hpp"

#include <array>
#include <atomic>
#include <chrono>
#include <cstring>
#include <map>
#include <thread>
#include <vector>

#include <attune/core/rng.hpp>

#include "engine/callbacks.hpp"
#include "engine/doorbell.hpp"
#include "engine/left_right.hpp"
#include "engine/ring.hpp"

namespace attune::test {
namespace {

constexpr std::uint64_t kStream = name_stream("schedules of the parts");

void join_all(std::vector<std::thread>& threads) {
  for (std::thread& thread : threads) {
    thread.join();
  }
}

/// A record: who made it, its number there, and then the same number again up to its end.
struct RingRun {
  explicit RingRun(std::uint64_t seed) : rng(seed, kStream), producers(1 + rng.below(3)) {
    records = 1 + rng.below(60);
  }

  void produce(std::uint64_t producer) {
    Rng own(producer, kStream, records);
    for (std::uint64_t n = 0; n < records && !failed.load();) {
      const std::size_t words = 2 + own.below(own.below(4) == 0 ? 60 : 6);
      std::uint64_t behind = 0;
      const std::span<std::byte> room = ring.claim(words * sizeof(std::uint64_t), behind);
      if (room.empty()) {
        std::this_thread::yield();
        continue;
      }
      for (std::size_t i = 0; i < words; ++i) {
        const std::uint64_t word = i == 0 ? producer : n;
        std::memcpy(room.data() + i * sizeof word, &word, sizeof word);
      }
      Ring::commit(room);
      ++n;
    }
  }

  std::string read(std::span<const std::byte> record, std::array<std::uint64_t, 4>& next) const {
    std::uint64_t producer = 0;
    std::memcpy(&producer, record.data(), sizeof producer);
    if (producer >= producers) {
      return "a record was read before it was written";
    }
    for (std::size_t at = sizeof producer; at < record.size(); at += sizeof producer) {
      std::uint64_t number = 0;
      std::memcpy(&number, record.data() + at, sizeof number);
      if (number != next[producer]) {
        return "record " + std::to_string(next[producer]) + " of a producer is torn, lost or out of order";
      }
    }
    ++next[producer];
    return "";
  }

  /// Reads everything that `behind` lets it see, and says how far it came.
  void consume(const std::atomic<std::uint64_t>* before, std::atomic<std::uint64_t>& done, bool releases,
               std::string& wrong) {
    std::array<std::uint64_t, 4> next{};
    std::uint64_t cursor = 0;
    for (std::uint64_t seen = 0; seen < producers * records && !failed.load();) {
      const bool may = before == nullptr || before->load(std::memory_order_acquire) != cursor;
      const std::span<std::byte> record = may ? ring.next(cursor) : std::span<std::byte>{};
      if (record.empty()) {
        std::this_thread::yield();
        continue;
      }
      wrong = read(record, next);
      ++seen;
      if (releases) {
        ring.release(cursor);
      }
      done.store(cursor, std::memory_order_release);
      if (!wrong.empty()) {
        failed.store(true);
      }
    }
  }

  Rng rng;
  Ring ring{4096};
  std::uint64_t producers;
  std::uint64_t records = 0;
  std::atomic<std::uint64_t> folded{0};
  std::atomic<std::uint64_t> committed{0};
  std::atomic<bool> failed{false};
};

struct Pair {
  std::uint64_t first = 0;
  std::uint64_t second = 0;
};

}  // namespace

std::string run_ring(std::uint64_t seed) {
  RingRun run(seed);
  std::string reader;
  std::string releaser;
  std::vector<std::thread> threads;
  for (std::uint64_t i = 0; i < run.producers; ++i) {
    threads.emplace_back([&run, i] { run.produce(i); });
  }
  threads.emplace_back([&] { run.consume(nullptr, run.folded, false, reader); });
  threads.emplace_back([&] { run.consume(&run.folded, run.committed, true, releaser); });
  join_all(threads);
  return reader.empty() ? releaser : reader;
}

std::string run_left_right(std::uint64_t seed) {
  Rng rng(seed, kStream);
  LeftRight<Pair> value(Pair{}, true);
  const std::uint64_t changes = 1 + rng.below(30);
  std::atomic<bool> torn{false};
  std::atomic<bool> older{false};
  std::vector<std::thread> threads;
  std::atomic<std::uint64_t> published{0};
  for (std::uint64_t i = 1 + rng.below(3); i > 0; --i) {
    threads.emplace_back([&] {
      for (std::uint64_t last = 0; last < changes;) {
        const std::uint64_t before = published.load();
        const std::uint64_t now = value.read([&](const Pair& seen) {
          const std::uint64_t first = seen.first;
          static_cast<void>(published.load());  // somebody else may go on in the middle of a reading
          torn = torn || seen.second != first;
          return first;
        });
        older = older || now < last || now < before;
        last = now;
        std::this_thread::yield();
      }
    });
  }
  threads.emplace_back([&] {
    for (std::uint64_t change = 1; change <= changes; ++change) {
      const auto make = [&](Pair& back) {
        back.first = change;
        static_cast<void>(published.load());
        back.second = change;
      };
      make(value.back());
      value.publish();
      published = change;
      make(value.back());
    }
  });
  join_all(threads);
  return torn    ? "a reader saw a change half made"
         : older ? "a reader saw an older state after a newer one"
                 : "";
}

std::string run_doorbell(std::uint64_t seed) {
  Rng rng(seed, kStream);
  Doorbell bell;
  std::atomic<std::uint64_t> work{0};
  const std::uint64_t ringers = 1 + rng.below(3);
  const std::uint64_t each = 1 + rng.below(10);
  const auto start = std::chrono::steady_clock::now();
  std::vector<std::thread> threads;
  threads.emplace_back([&] {
    for (std::uint64_t done = 0; done < ringers * each;) {
      bell.rest(std::chrono::hours(1), [&] { return work.load() > done; });
      done = work.load();
    }
  });
  for (std::uint64_t i = 0; i < ringers; ++i) {
    threads.emplace_back([&] {
      for (std::uint64_t n = 0; n < each; ++n) {
        work.fetch_add(1);
        bell.ring();
      }
    });
  }
  join_all(threads);
  const bool slept = std::chrono::steady_clock::now() - start >= std::chrono::hours(1);
  return slept ? "somebody was rung for, and rested its time out" : "";
}

std::string run_callbacks(std::uint64_t seed) {
  Rng rng(seed, kStream);
  DurableCallbacks callbacks(1000);
  const std::uint64_t adders = 1 + rng.below(3);
  const std::uint64_t each = 1 + rng.below(8);
  std::vector<std::uint64_t> calls(adders * each, 0);
  std::atomic<std::uint64_t> left{adders};
  bool spun = false;
  std::vector<std::thread> threads;
  for (std::uint64_t i = 0; i < adders; ++i) {
    threads.emplace_back([&, i] {
      for (std::uint64_t n = 0; n < each; ++n) {
        const std::uint64_t number = i * each + n;
        static_cast<void>(callbacks.add(number, [&calls, number](const Result<void>&) { ++calls[number]; }));
      }
      left.fetch_sub(1);
    });
  }
  threads.emplace_back([&] {
    for (std::uint64_t ticket = 0; left.load() > 0 || callbacks.any();
         ticket = (ticket + 3) % (adders * each + 3)) {
      // As the journal thread, which does not rest while one is due, and runs them if there are any.
      const bool due = callbacks.due(ticket);
      spun = spun || (due && !callbacks.any());
      callbacks.run(ticket, {});
      std::this_thread::yield();
    }
  });
  join_all(threads);
  for (const std::uint64_t count : calls) {
    if (count != 1) {
      return "a callback was called " + std::to_string(count) + " times";
    }
  }
  return spun ? "a callback is due and there is none: the journal thread does not rest, and has nothing to do"
              : "";
}

}  // namespace attune::test
