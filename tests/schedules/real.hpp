// SPDX-License-Identifier: Apache-2.0
/// @file
/// The functions of the C library that interposed.cpp stands in front of.
#pragma once

#include <pthread.h>
#include <sched.h>
#include <time.h>

namespace attune::test {

struct RealFunctions {
  int (*create)(pthread_t*, const pthread_attr_t*, void* (*)(void*), void*);
  int (*join)(pthread_t, void**);
  int (*lock)(pthread_mutex_t*);
  int (*try_lock)(pthread_mutex_t*);
  int (*unlock)(pthread_mutex_t*);
  int (*wait)(pthread_cond_t*, pthread_mutex_t*);
  int (*timed_wait)(pthread_cond_t*, pthread_mutex_t*, const timespec*);
  int (*clock_wait)(pthread_cond_t*, pthread_mutex_t*, clockid_t, const timespec*);
  int (*signal)(pthread_cond_t*);
  int (*broadcast)(pthread_cond_t*);
  int (*nanosleep)(const timespec*, timespec*);
  int (*clock_nanosleep)(clockid_t, int, const timespec*, timespec*);
  int (*usleep)(useconds_t);
  int (*yield)();
  int (*gettime)(clockid_t, timespec*);
  long (*syscall)(long, ...);
};

[[nodiscard]] const RealFunctions& real() noexcept;

}  // namespace attune::test
