// SPDX-License-Identifier: Apache-2.0
#include "tests/schedules/scheduler.hpp"

#include <sched.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <utility>

#include <attune/core/assert.hpp>

#include "tests/schedules/real.hpp"

namespace attune::test {
namespace {

constexpr std::uint64_t kKindStream = name_stream("schedule plan");
constexpr std::uint64_t kScheduleStream = name_stream("schedule");

constexpr std::array<const char*, static_cast<std::size_t>(SwitchPoint::count_)> kNames{
    "start", "end", "join", "lock", "unlock", "wait", "wake", "sleep", "yield", "atomic", "disk"};

/// The running thread's own, in whichever scheduler; null in every other thread.
constinit thread_local Scheduler* mine = nullptr;
constinit thread_local std::size_t my_number = 0;

bool tracing() {
  static const bool on = std::getenv("ATTUNE_SCHEDULE_TRACE") != nullptr;
  return on;
}

void take_baton(sem_t& baton) {
  while (::sem_wait(&baton) != 0) {
    ATTUNE_ASSERT(errno == EINTR, "a baton is whole");
  }
}

std::uint64_t mix(std::uint64_t digest, std::uint64_t value) noexcept { return mix64(digest ^ value); }

}  // namespace

ScheduleOptions ScheduleOptions::draw(std::uint64_t seed) {
  Rng rng(seed, kKindStream);
  ScheduleOptions options{.seed = seed};
  options.strategy = rng.below(2) == 0 ? Strategy::random : Strategy::priorities;
  constexpr std::array kChances{0.5, 0.2, 0.05, 0.01, 0.002};
  options.switch_chance = kChances.at(rng.below(kChances.size()));
  options.priority_changes = static_cast<std::uint32_t>(rng.below(12));
  options.expected_points = std::uint64_t{1} << (8 + rng.below(10));
  constexpr std::array<Nanos, 4> kSteps{100, 1'000, 1'000, 20'000};
  options.step = kSteps.at(rng.below(kSteps.size()));
  constexpr std::array kStalls{0.0, 0.0, 0.001, 0.02};
  options.stall_chance = kStalls.at(rng.below(kStalls.size()));
  options.spurious_chance = kStalls.at(rng.below(kStalls.size()));
  return options;
}

Scheduler* Scheduler::current() noexcept { return mine; }

std::size_t Scheduler::running() const noexcept { return my_number; }

Scheduler::Scheduler(const ScheduleOptions& options, Stuck stuck)
    : options_(options), stuck_(std::move(stuck)), rng_(options.seed, kScheduleStream) {
  ATTUNE_ASSERT(mine == nullptr, "one simulated schedule at a time");
  for (std::uint32_t i = 0; i < options_.priority_changes; ++i) {
    changes_.push_back(1 + rng_.below(options_.expected_points));
  }
  std::ranges::sort(changes_, std::greater<>());
  Thread& first = add_thread();
  first.handle = ::pthread_self();
  my_number = first.number;
  mine = this;
}

Scheduler::~Scheduler() {
  mine = nullptr;
  for (const std::unique_ptr<Thread>& thread : threads_) {
    ATTUNE_ASSERT(thread->number == 0 || thread->state == State::ended, "a thread outlives its schedule");
    ::sem_destroy(&thread->baton);
  }
}

Scheduler::Thread& Scheduler::add_thread() {
  Thread& made = *threads_.emplace_back(std::make_unique<Thread>());
  made.number = threads_.size() - 1;
  made.owner = this;
  made.priority = static_cast<std::int64_t>(rng_() >> 2U) + 1;
  ::sem_init(&made.baton, 0, 0);
  ++report_.threads;
  return made;
}

void* Scheduler::begin(void* thread) {
  Thread& self = *static_cast<Thread*>(thread);
  Scheduler& owner = *self.owner;
  take_baton(self.baton);
  mine = &owner;
  my_number = self.number;
  void* result = self.body(self.argument);
  owner.step(SwitchPoint::end);
  self.state = State::ended;
  owner.wake(&self);
  Thread& next = owner.choose(self, true);
  mine =
      nullptr;  // what the thread still does by itself, its thread-local objects, is nobody's business here
  ++owner.report_.switches;
  ::sem_post(&next.baton);
  return result;
}

int Scheduler::create(pthread_t* out, const pthread_attr_t* attributes, void* (*body)(void*),
                      void* argument) {
  Thread& made = add_thread();
  made.body = body;
  made.argument = argument;
  const int code = real().create(&made.handle, attributes, &Scheduler::begin, &made);
  if (code != 0) {
    made.state = State::ended;
    return code;
  }
  *out = made.handle;
  point(SwitchPoint::start);
  return 0;
}

int Scheduler::join(pthread_t thread, void** result) {
  point(SwitchPoint::join);
  for (const std::unique_ptr<Thread>& other : threads_) {
    if (other->number != 0 && ::pthread_equal(other->handle, thread) != 0 && other->state != State::ended) {
      while (other->state != State::ended) {
        block(SwitchPoint::join, other.get());
      }
      break;
    }
  }
  return real().join(thread, result);  // it has nothing left to do but to end
}

void Scheduler::step(SwitchPoint kind) {
  ++report_.points;
  report_.time += options_.step;
  report_.trace = mix(report_.trace, (static_cast<std::uint64_t>(kind) << 32U) | my_number);
  if (report_.points > options_.most_points || report_.time > options_.longest) {
    give_up("livelock: the threads go on and on");
  }
}

void Scheduler::point(SwitchPoint kind) {
  step(kind);
  Thread& self = *threads_[my_number];
  self.at = kind;
  if (!changes_.empty() && report_.points >= changes_.back()) {
    changes_.pop_back();
    demote(self);
  }
  switch_from(self, false);
}

void Scheduler::yield() {
  step(SwitchPoint::yield);
  Thread& self = *threads_[my_number];
  self.at = SwitchPoint::yield;
  demote(self);  // or the highest priority spins for ever on what a lower one would do
  switch_from(self, true);
}

void Scheduler::demote(Thread& thread) { thread.priority = --lowest_; }

bool Scheduler::block(SwitchPoint kind, const void* object, Nanos deadline) {
  step(kind);
  Thread& self = *threads_[my_number];
  self.at = kind;
  self.state = State::blocked;
  self.waits_for = object;
  self.deadline = deadline;
  self.woken = false;
  switch_from(self, true);
  return self.woken;
}

void Scheduler::sleep_until(Nanos deadline) { block(SwitchPoint::sleep, nullptr, deadline); }

std::size_t Scheduler::wake(const void* object, std::size_t most) {
  std::vector<Thread*> waiting;
  for (const std::unique_ptr<Thread>& thread : threads_) {
    if (thread->state == State::blocked && thread->waits_for == object) {
      waiting.push_back(thread.get());
    }
  }
  std::size_t woken = 0;
  for (; woken < most && !waiting.empty(); ++woken) {
    const std::size_t which = waiting.size() <= most - woken ? 0 : rng_.below(waiting.size());
    waiting[which]->state = State::ready;
    waiting[which]->woken = true;
    waiting.erase(waiting.begin() + static_cast<std::ptrdiff_t>(which));
  }
  return woken;
}

void Scheduler::switch_from(Thread& self, bool unwilling) {
  Thread& next = choose(self, unwilling);
  if (&next == &self) {
    return;
  }
  ++report_.switches;
  report_.trace = mix(report_.trace, next.number);
  if (tracing()) {
    std::fprintf(stderr, "%8llu  %zu, at %s, gives way to %zu, at %s\n",
                 static_cast<unsigned long long>(report_.points), self.number,
                 kNames.at(static_cast<std::size_t>(self.at)), next.number,
                 kNames.at(static_cast<std::size_t>(next.at)));
  }
  ::sem_post(&next.baton);
  take_baton(self.baton);
}

Nanos Scheduler::earliest_deadline() const noexcept {
  Nanos earliest = kNever;
  for (const std::unique_ptr<Thread>& thread : threads_) {
    earliest = thread->state == State::blocked ? std::min(earliest, thread->deadline) : earliest;
  }
  return earliest;
}

void Scheduler::maybe_stall() {
  if (options_.stall_chance > 0.0 && rng_.uniform() < options_.stall_chance) {
    const Nanos until = earliest_deadline();
    report_.time = until == kNever ? report_.time : std::max(report_.time, until);
  }
}

void Scheduler::maybe_wake_early() {
  if (options_.spurious_chance <= 0.0 || rng_.uniform() >= options_.spurious_chance) {
    return;
  }
  // POSIX and futexes allow it for waits of these kinds only.
  Thread& any = *threads_[rng_.below(threads_.size())];
  if (any.state == State::blocked && any.at == SwitchPoint::wait) {
    any.state = State::ready;
    any.woken = true;
  }
}

void Scheduler::find_candidates() {
  candidates_.clear();
  for (const std::unique_ptr<Thread>& thread : threads_) {
    const bool late = thread->state == State::blocked && thread->deadline <= report_.time;
    if (thread->state == State::ready || late) {
      candidates_.push_back(thread.get());
    }
  }
}

Scheduler::Thread& Scheduler::choose(const Thread& self, bool unwilling) {
  maybe_stall();
  maybe_wake_early();
  find_candidates();
  if (candidates_.empty()) {
    const Nanos next = earliest_deadline();
    if (next == kNever) {
      give_up("deadlock: every thread waits for another");
    }
    report_.time = next;
    find_candidates();
  }
  Thread& chosen = choose_among(self, unwilling);
  chosen.state = State::ready;  // it may be one whose deadline has passed
  chosen.waits_for = nullptr;
  return chosen;
}

Scheduler::Thread& Scheduler::choose_among(const Thread& self, bool unwilling) {
  if (options_.strategy == Strategy::priorities) {
    return **std::ranges::max_element(candidates_, {}, [](const Thread* one) { return one->priority; });
  }
  const auto here = std::ranges::find(candidates_, &self);
  if (here != candidates_.end()) {
    if (candidates_.size() == 1 || (!unwilling && rng_.uniform() >= options_.switch_chance)) {
      return **here;
    }
    candidates_.erase(here);
  }
  return *candidates_[rng_.below(candidates_.size())];
}

std::string Scheduler::describe() const {
  std::string text = "after " + std::to_string(report_.points) + " points and " +
                     std::to_string(static_cast<double>(report_.time) / 1e9) + " s:";
  for (const std::unique_ptr<Thread>& thread : threads_) {
    const char* state = thread->state == State::ready   ? " is ready at "
                        : thread->state == State::ended ? " has ended at "
                                                        : " waits at ";
    text += " thread " + std::to_string(thread->number) + state +
            kNames.at(static_cast<std::size_t>(thread->at)) + ";";
  }
  return text;
}

void Scheduler::give_up(const std::string& why) {
  const std::string text = why + ", " + describe();
  mine = nullptr;  // who is told may lock and wait as ever
  stuck_(text);
  std::abort();
}

OneProcessor::OneProcessor() {
  static_assert(sizeof(before_) >= sizeof(cpu_set_t));
  cpu_set_t set;
  CPU_ZERO(&set);
  if (::sched_getaffinity(0, sizeof set, &set) != 0) {
    return;
  }
  std::memcpy(before_.data(), &set, sizeof set);
  const int here = ::sched_getcpu();
  if (here < 0) {
    return;
  }
  CPU_ZERO(&set);
  CPU_SET(here, &set);
  pinned_ = ::sched_setaffinity(0, sizeof set, &set) == 0;
}

OneProcessor::~OneProcessor() {
  if (pinned_) {
    cpu_set_t set;
    std::memcpy(&set, before_.data(), sizeof set);
    static_cast<void>(::sched_setaffinity(0, sizeof set, &set));
  }
}

}  // namespace attune::test
