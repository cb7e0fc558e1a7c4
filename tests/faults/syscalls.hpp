// SPDX-License-Identifier: Apache-2.0
/// @file
/// Every system call by which a store is written, real and countable: SQLite's by its own table and by the
/// symbols of fsync, attune's by the linker. One of them can be made to fail, or to be the last.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <ostream>

namespace attune::test {

enum class CallFault : std::uint8_t {
  none,
  kill_before,  ///< the process is gone before the call
  kill_after,
  kill_torn,    ///< a write is cut off half way, and the process is gone
  io_error,     ///< EIO
  disk_full,    ///< ENOSPC
  quota,        ///< EDQUOT
  interrupted,  ///< EINTR
  partly,       ///< reads and writes do half of what was asked
};
inline constexpr int kCallFaults = 9;
inline void PrintTo(CallFault fault, std::ostream* out) {
  constexpr std::array<const char*, kCallFaults> kNames{"none",      "kill_before", "kill_after",
                                                        "kill_torn", "io_error",    "disk_full",
                                                        "quota",     "interrupted", "partly"};
  *out << kNames.at(static_cast<std::size_t>(fault));
}

/// From now on system calls that change or look at files are counted from 1; at number `at`, or from it on
/// (`for_ever`), `fault` happens. Calls of other threads are not expected.
void start_call_fault(CallFault fault, std::uint64_t at, bool for_ever);
/// Only flushes count, and are hit.
void start_flush_fault(CallFault fault, std::uint64_t at, bool for_ever);
/// Back to normal; how many calls were made.
std::uint64_t stop_call_fault();

}  // namespace attune::test
