// SPDX-License-Identifier: Apache-2.0
// pthreads, clocks and futexes, as this program and the shared libraries it loads see them. Defined in the
// program, they come before those of the C library for everybody: std::mutex in templates,
// std::condition_variable and std::thread in libstdc++, SQLite's mutexes. For threads of a Scheduler they do
// what it says; all others get the real ones.
//
// A mutex stays a real one, taken only by trying: so kinds, owners and the thread sanitizer's view are as
// ever. A condition variable and a futex are nothing but the places that threads of the scheduler wait for.
#include <dlfcn.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdarg>
#include <cstdint>

#include "tests/schedules/real.hpp"
#include "tests/schedules/scheduler.hpp"

namespace attune::test {
namespace {

template <class Function>
void look_up(Function& out, const char* name, const char* version = nullptr) {
  // An old version of the condition variables is still there under the same names, and dlsym() gives that
  // one.
  void* found = version == nullptr ? nullptr : ::dlvsym(RTLD_NEXT, name, version);
  out = reinterpret_cast<Function>(found != nullptr ? found : ::dlsym(RTLD_NEXT, name));
}

RealFunctions found_functions() noexcept {
  RealFunctions made{};
  constexpr const char* kConditions = "GLIBC_2.3.2";
  look_up(made.create, "pthread_create");
  look_up(made.join, "pthread_join");
  look_up(made.lock, "pthread_mutex_lock");
  look_up(made.try_lock, "pthread_mutex_trylock");
  look_up(made.unlock, "pthread_mutex_unlock");
  look_up(made.wait, "pthread_cond_wait", kConditions);
  look_up(made.timed_wait, "pthread_cond_timedwait", kConditions);
  look_up(made.clock_wait, "pthread_cond_clockwait");
  look_up(made.signal, "pthread_cond_signal", kConditions);
  look_up(made.broadcast, "pthread_cond_broadcast", kConditions);
  look_up(made.nanosleep, "nanosleep");
  look_up(made.clock_nanosleep, "clock_nanosleep");
  look_up(made.usleep, "usleep");
  look_up(made.yield, "sched_yield");
  look_up(made.gettime, "clock_gettime");
  look_up(made.syscall, "syscall");
  return made;
}

constexpr Nanos kNanosASecond = kSecond;

Nanos nanos_of(const timespec& time) noexcept {
  // Deadlines that no clock reaches are as good as none.
  constexpr time_t kFar = Scheduler::kNever / kNanosASecond / 4;
  return time.tv_sec >= kFar ? Scheduler::kNever : time.tv_sec * kNanosASecond + time.tv_nsec;
}

timespec timespec_of(Nanos time) noexcept {
  return {.tv_sec = time / kNanosASecond, .tv_nsec = time % kNanosASecond};
}

/// What a clock showed when the schedule began.
Nanos start_of(clockid_t clock) noexcept {
  return clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE ? Scheduler::kDayStart
                                                                   : Scheduler::kMonotonicStart;
}

/// A time of that clock, in the scheduler's time.
Nanos deadline_of(clockid_t clock, const timespec* time) noexcept {
  const Nanos shown = time == nullptr ? Scheduler::kNever : nanos_of(*time);
  return shown == Scheduler::kNever ? shown : shown - start_of(clock);
}

int lock_now(Scheduler& scheduler, pthread_mutex_t* mutex) {
  for (;;) {
    const int code = real().try_lock(mutex);
    if (code != EBUSY) {
      return code;
    }
    scheduler.block(SwitchPoint::lock, mutex);
  }
}

int unlock_now(Scheduler& scheduler, pthread_mutex_t* mutex) {
  const int code = real().unlock(mutex);
  scheduler.wake(mutex);
  return code;
}

int wait_now(Scheduler& scheduler, pthread_cond_t* condition, pthread_mutex_t* mutex, Nanos deadline) {
  if (const int code = unlock_now(scheduler, mutex); code != 0) {
    return code;
  }
  const bool woken = scheduler.block(SwitchPoint::wait, condition, deadline);
  const int code = lock_now(scheduler, mutex);
  return code != 0 ? code : woken ? 0 : ETIMEDOUT;
}

int wake_now(Scheduler& scheduler, pthread_cond_t* condition, std::size_t most) {
  scheduler.wake(condition, most);
  scheduler.point(SwitchPoint::wake);
  return 0;
}

int sleep_now(Scheduler& scheduler, Nanos until) {
  scheduler.sleep_until(until);
  return 0;
}

long refuse_call(int error) noexcept {
  errno = error;
  return -1;
}

/// std::future, std::latch and the guards of static objects wait with these.
long futex(Scheduler& scheduler, std::uint32_t* word, int operation, std::uint32_t value,
           const timespec* time) {
  const int command = operation & FUTEX_CMD_MASK;
  if (command == FUTEX_WAKE || command == FUTEX_WAKE_BITSET) {
    const std::size_t woken = scheduler.wake(word, value);
    scheduler.point(SwitchPoint::wake);
    return static_cast<long>(woken);
  }
  if (command != FUTEX_WAIT && command != FUTEX_WAIT_BITSET) {
    return refuse_call(ENOSYS);
  }
  scheduler.point(SwitchPoint::wait);
  if (std::atomic_ref<std::uint32_t>(*word).load() != value) {
    return refuse_call(EAGAIN);
  }
  Nanos deadline = Scheduler::kNever;
  if (time != nullptr) {
    const clockid_t clock = (operation & FUTEX_CLOCK_REALTIME) != 0 ? CLOCK_REALTIME : CLOCK_MONOTONIC;
    deadline = command == FUTEX_WAIT ? scheduler.now() + nanos_of(*time) : deadline_of(clock, time);
  }
  return scheduler.block(SwitchPoint::wait, word, deadline) ? 0 : refuse_call(ETIMEDOUT);
}

}  // namespace

const RealFunctions& real() noexcept {
  // No guard, which might wait for a futex: the first call is made before there is a second thread.
  constinit static RealFunctions functions{};
  constinit static bool ready = false;
  if (!ready) {
    functions = found_functions();
    ready = true;
  }
  return functions;
}

}  // namespace attune::test

using attune::test::real;
using attune::test::Scheduler;
using attune::test::SwitchPoint;

// NOLINTBEGIN(readability-inconsistent-declaration-parameter-name, misc-use-internal-linkage)
extern "C" {

int pthread_create(pthread_t* out, const pthread_attr_t* attributes, void* (*body)(void*),
                   void* argument) noexcept {
  Scheduler* scheduler = Scheduler::current();
  return scheduler == nullptr ? real().create(out, attributes, body, argument)
                              : scheduler->create(out, attributes, body, argument);
}

int pthread_join(pthread_t thread, void** result) {
  Scheduler* scheduler = Scheduler::current();
  return scheduler == nullptr ? real().join(thread, result) : scheduler->join(thread, result);
}

int pthread_mutex_lock(pthread_mutex_t* mutex) noexcept {
  Scheduler* scheduler = Scheduler::current();
  if (scheduler == nullptr) {
    return real().lock(mutex);
  }
  scheduler->point(SwitchPoint::lock);
  return attune::test::lock_now(*scheduler, mutex);
}

int pthread_mutex_trylock(pthread_mutex_t* mutex) noexcept {
  if (Scheduler* scheduler = Scheduler::current(); scheduler != nullptr) {
    scheduler->point(SwitchPoint::lock);
  }
  return real().try_lock(mutex);
}

int pthread_mutex_unlock(pthread_mutex_t* mutex) noexcept {
  Scheduler* scheduler = Scheduler::current();
  if (scheduler == nullptr) {
    return real().unlock(mutex);
  }
  const int code = attune::test::unlock_now(*scheduler, mutex);
  scheduler->point(SwitchPoint::unlock);
  return code;
}

int pthread_cond_wait(pthread_cond_t* condition, pthread_mutex_t* mutex) {
  Scheduler* scheduler = Scheduler::current();
  return scheduler == nullptr ? real().wait(condition, mutex)
                              : attune::test::wait_now(*scheduler, condition, mutex, Scheduler::kNever);
}

int pthread_cond_timedwait(pthread_cond_t* condition, pthread_mutex_t* mutex, const timespec* time) {
  Scheduler* scheduler = Scheduler::current();
  return scheduler == nullptr ? real().timed_wait(condition, mutex, time)
                              : attune::test::wait_now(*scheduler, condition, mutex,
                                                       attune::test::deadline_of(CLOCK_REALTIME, time));
}

int pthread_cond_clockwait(pthread_cond_t* condition, pthread_mutex_t* mutex, clockid_t clock,
                           const timespec* time) {
  Scheduler* scheduler = Scheduler::current();
  return scheduler == nullptr
             ? real().clock_wait(condition, mutex, clock, time)
             : attune::test::wait_now(*scheduler, condition, mutex, attune::test::deadline_of(clock, time));
}

int pthread_cond_signal(pthread_cond_t* condition) noexcept {
  Scheduler* scheduler = Scheduler::current();
  return scheduler == nullptr ? real().signal(condition) : attune::test::wake_now(*scheduler, condition, 1);
}

int pthread_cond_broadcast(pthread_cond_t* condition) noexcept {
  Scheduler* scheduler = Scheduler::current();
  return scheduler == nullptr ? real().broadcast(condition)
                              : attune::test::wake_now(*scheduler, condition, static_cast<std::size_t>(-1));
}

int nanosleep(const timespec* time, timespec* rest) {
  Scheduler* scheduler = Scheduler::current();
  return scheduler == nullptr
             ? real().nanosleep(time, rest)
             : attune::test::sleep_now(*scheduler, scheduler->now() + attune::test::nanos_of(*time));
}

int clock_nanosleep(clockid_t clock, int flags, const timespec* time, timespec* rest) {
  Scheduler* scheduler = Scheduler::current();
  if (scheduler == nullptr) {
    return real().clock_nanosleep(clock, flags, time, rest);
  }
  const bool absolute = (flags & TIMER_ABSTIME) != 0;
  return attune::test::sleep_now(*scheduler, absolute ? attune::test::deadline_of(clock, time)
                                                      : scheduler->now() + attune::test::nanos_of(*time));
}

int usleep(useconds_t microseconds) {
  Scheduler* scheduler = Scheduler::current();
  return scheduler == nullptr
             ? real().usleep(microseconds)
             : attune::test::sleep_now(*scheduler, scheduler->now() + attune::Nanos{microseconds} * 1'000);
}

int sched_yield() noexcept {
  Scheduler* scheduler = Scheduler::current();
  if (scheduler == nullptr) {
    return real().yield();
  }
  scheduler->yield();
  return 0;
}

int clock_gettime(clockid_t clock, timespec* out) noexcept {
  const Scheduler* scheduler = Scheduler::current();
  const bool simulated =
      scheduler != nullptr && clock != CLOCK_PROCESS_CPUTIME_ID && clock != CLOCK_THREAD_CPUTIME_ID;
  if (!simulated) {
    return real().gettime(clock, out);
  }
  *out = attune::test::timespec_of(attune::test::start_of(clock) + scheduler->now());
  return 0;
}

long syscall(long number, ...) noexcept {
  va_list list;
  va_start(list, number);
  long arguments[6] = {};
  for (long& argument : arguments) {
    argument = va_arg(list, long);
  }
  va_end(list);
  Scheduler* scheduler = Scheduler::current();
  if (scheduler != nullptr && number == SYS_futex) {
    return attune::test::futex(*scheduler, reinterpret_cast<std::uint32_t*>(arguments[0]),
                               static_cast<int>(arguments[1]), static_cast<std::uint32_t>(arguments[2]),
                               reinterpret_cast<const timespec*>(arguments[3]));
  }
  return real().syscall(number, arguments[0], arguments[1], arguments[2], arguments[3], arguments[4],
                        arguments[5]);
}
}
// NOLINTEND(readability-inconsistent-declaration-parameter-name, misc-use-internal-linkage)
