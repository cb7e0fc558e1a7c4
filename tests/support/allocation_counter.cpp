// SPDX-License-Identifier: Apache-2.0
#include "tests/support/allocation_counter.hpp"

#include <cstdlib>
#include <new>

namespace {

thread_local std::size_t count = 0;
thread_local std::size_t refused_from = 0;  // 0: none is refused
thread_local bool refused_for_ever = false;

/// Counts a request; true when it is to be refused.
bool refused() noexcept {
  ++count;
  return refused_from != 0 && (count == refused_from || (refused_for_ever && count > refused_from));
}

void* counted(std::size_t size) noexcept {
  if (refused()) {
    return nullptr;
  }
  return std::malloc(size == 0 ? 1 : size);
}

void* counted(std::size_t size, std::align_val_t alignment) noexcept {
  if (refused()) {
    return nullptr;
  }
  const auto step = static_cast<std::size_t>(alignment);
  return std::aligned_alloc(step, (size + step - 1) / step * step);
}

void* or_throw(void* block) {
  if (block == nullptr) {
    throw std::bad_alloc();
  }
  return block;
}

}  // namespace

namespace attune::test {

std::size_t allocations() noexcept { return count; }

void refuse_allocation(std::size_t number, bool for_ever) noexcept {
  refused_from = number == 0 ? 0 : count + number;
  refused_for_ever = for_ever;
}

}  // namespace attune::test

// noinline: GCC 12 reports a false mismatch of new and free otherwise. Arrays, nothrow and sized forms end up
// here.
[[gnu::noinline]] void* operator new(std::size_t size) { return or_throw(counted(size)); }
[[gnu::noinline]] void* operator new(std::size_t size, std::align_val_t alignment) {
  return or_throw(counted(size, alignment));
}
[[gnu::noinline]] void operator delete(void* block) noexcept { std::free(block); }
[[gnu::noinline]] void operator delete(void* block, std::size_t /*size*/) noexcept { std::free(block); }
[[gnu::noinline]] void operator delete(void* block, std::align_val_t /*alignment*/) noexcept {
  std::free(block);
}
[[gnu::noinline]] void operator delete(void* block, std::size_t /*size*/,
                                       std::align_val_t /*alignment*/) noexcept {
  std::free(block);
}
