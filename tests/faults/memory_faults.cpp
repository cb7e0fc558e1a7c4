// SPDX-License-Identifier: Apache-2.0
#include "tests/faults/memory_faults.hpp"

#include <atomic>

#include <sqlite3.h>

namespace attune::test {
namespace {

struct Fault {
  std::atomic<bool> on{false};
  std::atomic<std::uint64_t> made{0};
  std::uint64_t at = 0;
  bool for_ever = false;

  void start(std::uint64_t number, bool lasting) {
    made = 0;
    at = number;
    for_ever = lasting;
    on = true;
  }
  std::uint64_t stop() {
    on = false;
    return made;
  }
  [[nodiscard]] bool hits() noexcept {
    if (!on.load(std::memory_order_relaxed)) {
      return false;
    }
    const std::uint64_t number = ++made;
    return number == at || (for_ever && number > at);
  }
};
Fault sqlite_fault;
sqlite3_mem_methods below;

void* sqlite_malloc(int size) { return sqlite_fault.hits() ? nullptr : below.xMalloc(size); }
void* sqlite_realloc(void* block, int size) {
  return sqlite_fault.hits() ? nullptr : below.xRealloc(block, size);
}

}  // namespace

void watch_sqlite_memory() {
  sqlite3_shutdown();
  sqlite3_config(SQLITE_CONFIG_GETMALLOC, &below);
  sqlite3_mem_methods watched = below;
  watched.xMalloc = sqlite_malloc;
  watched.xRealloc = sqlite_realloc;
  sqlite3_config(SQLITE_CONFIG_MALLOC, &watched);
  sqlite3_initialize();
}
void start_sqlite_memory_fault(std::uint64_t at, bool for_ever) { sqlite_fault.start(at, for_ever); }
std::uint64_t stop_sqlite_memory_fault() { return sqlite_fault.stop(); }

}  // namespace attune::test
