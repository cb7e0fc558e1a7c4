// SPDX-License-Identifier: Apache-2.0
/// @file
/// SQLite's memory runs out at the k-th request. For operator new see tests/support/allocation_counter.hpp.
#pragma once

#include <cstdint>

namespace attune::test {

/// Makes SQLite take its memory where it can be refused. Once a process, before SQLite is used.
void watch_sqlite_memory();
/// From now on requests are counted from 1, and number `at` (`for_ever`: from it on) fails.
void start_sqlite_memory_fault(std::uint64_t at, bool for_ever);
std::uint64_t stop_sqlite_memory_fault();

}  // namespace attune::test
