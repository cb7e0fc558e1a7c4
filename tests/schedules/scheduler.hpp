// SPDX-License-Identifier: Apache-2.0
/// @file
/// Scheduler: real threads, one at a time, in an order that one seed decides; their time is simulated.
#pragma once

#include <pthread.h>
#include <semaphore.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <attune/core/clock.hpp>
#include <attune/core/rng.hpp>

namespace attune::test {

/// How the next thread is chosen.
enum class Strategy : std::uint8_t {
  random,  ///< at each switch point any other, with a fixed chance
  /// The one of highest priority; at some points, chosen beforehand, the running one falls below all others.
  /// Source: Burckhardt, Kothari, Musuvathi, Nagarakatte (2010), "A Randomized Scheduler with Probabilistic
  /// Guarantees of Finding Bugs". A bug that needs `d` ordered events among `n` threads and `k` points is
  /// found with a chance of at least 1 / (n k^(d-1)).
  priorities,
};

struct ScheduleOptions {
  std::uint64_t seed = 0;
  Strategy strategy = Strategy::random;
  double switch_chance = 0.5;              ///< random: of leaving a thread that could go on
  std::uint32_t priority_changes = 3;      ///< priorities: how often the running thread falls
  std::uint64_t expected_points = 10'000;  ///< priorities: among how many points these lie
  Nanos step = 1'000;                      ///< what passes from one switch point to the next, ns
  double stall_chance = 0.0;     ///< at a point: of standing still until the earliest deadline of a waiter
  double spurious_chance = 0.0;  ///< at a point: of waking a waiter that nobody woke
  std::uint64_t most_points = 4'000'000;  ///< more is a livelock
  Nanos longest = 3600 * kSecond;         ///< simulated; more is a livelock

  /// One of many kinds of schedules ("swarm": each run favours other things).
  static ScheduleOptions draw(std::uint64_t seed);
};

/// What a thread does where it may be interrupted.
enum class SwitchPoint : std::uint8_t {
  start,
  end,
  join,
  lock,
  unlock,
  wait,
  wake,
  sleep,
  yield,
  atomic,
  disk,
  count_,
};

struct ScheduleReport {
  std::uint64_t trace = 0;  ///< digest of who passed which point when: the same seed gives the same
  std::uint64_t points = 0;
  std::uint64_t switches = 0;
  std::uint64_t threads = 0;
  Nanos time = 0;
};

/// Runs threads in a simulated order. While one exists, the calling thread and all those that it and they
/// create are its own: interposed.cpp leads what they ask of pthreads, clocks and futexes to here, and
/// instrumented.cpp every atomic operation of the code that is compiled for it. One at a time.
///
/// Exactly one thread runs; the others wait for the baton. Memory is seen in the order of the schedule
/// (sequential consistency): what only a weaker order shows is the thread sanitizer's to find.
class Scheduler {
 public:
  /// `stuck`: told why when all threads wait for ever, or go on for ever. It must not return.
  using Stuck = std::function<void(const std::string&)>;
  Scheduler(const ScheduleOptions& options, Stuck stuck);
  /// All threads but the caller's must have ended.
  ~Scheduler();
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;
  Scheduler(Scheduler&&) = delete;
  Scheduler& operator=(Scheduler&&) = delete;

  /// The one whose thread is calling, or null: then calls go to the real functions.
  [[nodiscard]] static Scheduler* current() noexcept;
  [[nodiscard]] ScheduleReport report() const noexcept { return report_; }
  [[nodiscard]] Nanos now() const noexcept { return report_.time; }
  /// Number of the running thread; 0 is the one that made the scheduler.
  [[nodiscard]] std::size_t running() const noexcept;
  [[nodiscard]] const ScheduleOptions& options() const noexcept { return options_; }

  /// From here on nobody stands still, and nobody is woken by nobody: for the question whether all goes on.
  void calm() noexcept { options_.stall_chance = options_.spurious_chance = 0.0; }
  /// As at the start.
  void rouse(const ScheduleOptions& as) noexcept {
    options_.stall_chance = as.stall_chance;
    options_.spurious_chance = as.spurious_chance;
  }

  // ---- for the running thread
  /// Another thread may go on here.
  void point(SwitchPoint kind);
  /// Waits until wake(object), or for ever; false: until `deadline` (simulated time), which came first.
  bool block(SwitchPoint kind, const void* object, Nanos deadline = kNever);
  /// Who waits for `object` may go on; how many did. At most `most`, drawn from those that wait.
  std::size_t wake(const void* object, std::size_t most = static_cast<std::size_t>(-1));
  void sleep_until(Nanos deadline);
  void yield();
  /// Creates a thread that begins when its turn comes. 0, or what pthread_create said.
  int create(pthread_t* out, const pthread_attr_t* attributes, void* (*body)(void*), void* argument);
  int join(pthread_t thread, void** result);

  static constexpr Nanos kNever = INT64_MAX;
  /// What simulated clocks show at the start: monotonic ones, and those of the day.
  static constexpr Nanos kMonotonicStart = 1'000 * kSecond;
  static constexpr Nanos kDayStart = 1'700'000'000 * kSecond;

 private:
  enum class State : std::uint8_t { ready, blocked, ended };
  struct Thread {
    std::size_t number = 0;
    State state = State::ready;
    SwitchPoint at = SwitchPoint::start;
    const void* waits_for = nullptr;
    Nanos deadline = kNever;
    bool woken = false;
    std::int64_t priority = 0;
    sem_t baton{};
    pthread_t handle{};
    Scheduler* owner = nullptr;
    void* (*body)(void*) = nullptr;
    void* argument = nullptr;
  };

  static void* begin(void* thread);
  Thread& add_thread();
  void step(SwitchPoint kind);
  /// Chooses who runs next, and hands over; returns when it is this one's turn again.
  void switch_from(Thread& self, bool unwilling);
  [[nodiscard]] Thread& choose(const Thread& self, bool unwilling);
  [[nodiscard]] Thread& choose_among(const Thread& self, bool unwilling);
  void find_candidates();
  void maybe_stall();
  void maybe_wake_early();
  void demote(Thread& thread);
  [[nodiscard]] Nanos earliest_deadline() const noexcept;
  [[noreturn]] void give_up(const std::string& why);
  [[nodiscard]] std::string describe() const;

  ScheduleOptions options_;
  Stuck stuck_;
  Rng rng_;
  ScheduleReport report_;
  std::vector<std::unique_ptr<Thread>> threads_;
  std::vector<Thread*> candidates_;
  std::vector<std::uint64_t> changes_;  ///< points at which the running thread falls, the last one first
  std::int64_t lowest_ = 0;
};

/// Pins the process to the processor it is on: handing the baton on is several times as fast there.
class OneProcessor {
 public:
  OneProcessor();
  ~OneProcessor();
  OneProcessor(const OneProcessor&) = delete;
  OneProcessor& operator=(const OneProcessor&) = delete;
  OneProcessor(OneProcessor&&) = delete;
  OneProcessor& operator=(OneProcessor&&) = delete;

 private:
  std::array<unsigned long, 16> before_{};  // a cpu_set_t
  bool pinned_ = false;
};

}  // namespace attune::test
