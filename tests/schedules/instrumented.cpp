// SPDX-License-Identifier: Apache-2.0
// The functions that a compiler calls with -fsanitize=thread, without the sanitizer: each atomic operation of
// the code compiled so is a point at which the simulated scheduler may switch, and is then carried out. So
// the ring, left-right, the doorbells and everything else that has no lock is interrupted between any two of
// its atomic steps, and the product has no line for it. Plain reads and writes are no switch points: between
// two atomic steps nobody may see them, which is the thread sanitizer's to check.
//
// Operations are carried out sequentially consistent, whatever order was asked for: threads run one at a
// time.
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "tests/schedules/scheduler.hpp"

namespace {

void atomic_point() {
  if (attune::test::Scheduler* scheduler = attune::test::Scheduler::current(); scheduler != nullptr) {
    scheduler->point(attune::test::SwitchPoint::atomic);
  }
}

template <class T>
bool exchange_if(volatile T* at, T* expected, T desired) {
  atomic_point();
  return __atomic_compare_exchange_n(at, expected, desired, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

}  // namespace

// The names and signatures are the compilers' (GCC: gcc/sanitizer.def; LLVM: ThreadSanitizer.cpp).
// NOLINTBEGIN
extern "C" {

#define ATTUNE_ATOMIC_UPDATE(bits, type, name)                            \
  type __tsan_atomic##bits##_##name(volatile type* at, type value, int) { \
    atomic_point();                                                       \
    return __atomic_##name(at, value, __ATOMIC_SEQ_CST);                  \
  }

#define ATTUNE_ATOMICS(bits, type)                                                                        \
  type __tsan_atomic##bits##_load(const volatile type* at, int) {                                         \
    atomic_point();                                                                                       \
    return __atomic_load_n(at, __ATOMIC_SEQ_CST);                                                         \
  }                                                                                                       \
  void __tsan_atomic##bits##_store(volatile type* at, type value, int) {                                  \
    atomic_point();                                                                                       \
    __atomic_store_n(at, value, __ATOMIC_SEQ_CST);                                                        \
    atomic_point(); /* or what should have come before would never be missed */                           \
  }                                                                                                       \
  type __tsan_atomic##bits##_exchange(volatile type* at, type value, int) {                               \
    atomic_point();                                                                                       \
    return __atomic_exchange_n(at, value, __ATOMIC_SEQ_CST);                                              \
  }                                                                                                       \
  ATTUNE_ATOMIC_UPDATE(bits, type, fetch_add)                                                             \
  ATTUNE_ATOMIC_UPDATE(bits, type, fetch_sub)                                                             \
  ATTUNE_ATOMIC_UPDATE(bits, type, fetch_and)                                                             \
  ATTUNE_ATOMIC_UPDATE(bits, type, fetch_or)                                                              \
  ATTUNE_ATOMIC_UPDATE(bits, type, fetch_xor)                                                             \
  ATTUNE_ATOMIC_UPDATE(bits, type, fetch_nand)                                                            \
  int __tsan_atomic##bits##_compare_exchange_strong(volatile type* at, type* expected, type desired, int, \
                                                    int) {                                                \
    return exchange_if(at, expected, desired) ? 1 : 0;                                                    \
  }                                                                                                       \
  int __tsan_atomic##bits##_compare_exchange_weak(volatile type* at, type* expected, type desired, int,   \
                                                  int) {                                                  \
    return exchange_if(at, expected, desired) ? 1 : 0;                                                    \
  }                                                                                                       \
  type __tsan_atomic##bits##_compare_exchange_val(volatile type* at, type expected, type desired, int,    \
                                                  int) {                                                  \
    static_cast<void>(exchange_if(at, &expected, desired));                                               \
    return expected;                                                                                      \
  }

ATTUNE_ATOMICS(8, std::uint8_t)
ATTUNE_ATOMICS(16, std::uint16_t)
ATTUNE_ATOMICS(32, std::uint32_t)
ATTUNE_ATOMICS(64, std::uint64_t)

#undef ATTUNE_ATOMICS
#undef ATTUNE_ATOMIC_UPDATE

void __tsan_atomic_thread_fence(int) { atomic_point(); }
void __tsan_atomic_signal_fence(int) {}

#define ATTUNE_ACCESS(size)                        \
  void __tsan_read##size(void*) {}                 \
  void __tsan_write##size(void*) {}                \
  void __tsan_unaligned_read##size(void*) {}       \
  void __tsan_unaligned_write##size(void*) {}      \
  void __tsan_read_write##size(void*) {}           \
  void __tsan_unaligned_read_write##size(void*) {} \
  void __tsan_volatile_read##size(void*) {}        \
  void __tsan_volatile_write##size(void*) {}

ATTUNE_ACCESS(1)
ATTUNE_ACCESS(2)
ATTUNE_ACCESS(4)
ATTUNE_ACCESS(8)
ATTUNE_ACCESS(16)

#undef ATTUNE_ACCESS

void __tsan_init() {}
void __tsan_func_entry(void*) {}
void __tsan_func_exit() {}
void __tsan_read_range(void*, std::size_t) {}
void __tsan_write_range(void*, std::size_t) {}
void __tsan_vptr_read(void**) {}
void __tsan_vptr_update(void**, void*) {}
void* __tsan_memcpy(void* to, const void* from, std::size_t size) { return std::memcpy(to, from, size); }
void* __tsan_memmove(void* to, const void* from, std::size_t size) { return std::memmove(to, from, size); }
void* __tsan_memset(void* at, int value, std::size_t size) { return std::memset(at, value, size); }
}
// NOLINTEND
