// SPDX-License-Identifier: Apache-2.0
/// @file
/// The system calls of SQLite's file layer in this process: counted, failed, or the last thing that it does.
#pragma once

#include <sys/types.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdint>

#include <sqlite3.h>

namespace attune::test {

/// What happens at a call that changes a file: write, truncate, flush.
struct CallPlan {
  std::uint64_t kill_at = 0;     ///< the process is killed before the n-th of them; 0: never
  std::uint64_t fail_from = 0;   ///< the n-th of them fails, and `fail_count` in all; 0: none
  std::uint64_t fail_count = 1;  ///< at most so many
  int error = 0;                 ///< errno of those
  bool only_flushes = false;     ///< only fsync and fdatasync count
};

namespace calls {

inline CallPlan plan;            // NOLINT: the file layer's hooks take no argument of ours
inline std::uint64_t count = 0;  // NOLINT

/// True: the call must fail.
inline bool met(bool flush) {
  if (plan.only_flushes && !flush) {
    return false;
  }
  ++count;
  if (plan.kill_at != 0 && count == plan.kill_at) {
    ::kill(::getpid(), SIGKILL);
  }
  const bool fails =
      plan.fail_from != 0 && count >= plan.fail_from && count - plan.fail_from < plan.fail_count;
  if (fails) {
    errno = plan.error;
  }
  return fails;
}

inline ssize_t planned_pwrite(int file, const void* data, size_t size, off_t at) {
  return met(false) ? -1 : ::pwrite(file, data, size, at);
}
inline ssize_t planned_write(int file, const void* data, size_t size) {
  return met(false) ? -1 : ::write(file, data, size);
}
inline int planned_truncate(int file, off_t size) { return met(false) ? -1 : ::ftruncate(file, size); }

// SQLite calls fsync and fdatasync by themselves; flushes are met in the VFS method that every one passes.
using Call = sqlite3_syscall_ptr;

struct Shim {
  sqlite3_io_methods methods{};
  const sqlite3_io_methods* real = nullptr;
};
inline Shim shims[4];  // NOLINT: one for each set of methods that the file layer has

inline int planned_sync(sqlite3_file* file, int flags) {
  const auto* shim = reinterpret_cast<const Shim*>(file->pMethods);
  return met(true) ? SQLITE_IOERR_FSYNC : shim->real->xSync(file, flags);
}

inline int (*real_open)(sqlite3_vfs*, const char*, sqlite3_file*, int, int*) = nullptr;  // NOLINT

inline int planned_open(sqlite3_vfs* vfs, const char* name, sqlite3_file* file, int flags, int* out) {
  const int code = real_open(vfs, name, file, flags, out);
  if (code != SQLITE_OK || file->pMethods == nullptr) {
    return code;
  }
  for (Shim& shim : shims) {
    if (shim.real == nullptr) {
      shim.real = file->pMethods;
      shim.methods = *file->pMethods;
      shim.methods.xSync = planned_sync;
    }
    if (shim.real == file->pMethods) {
      file->pMethods = &shim.methods;
      break;
    }
  }
  return code;
}

}  // namespace calls

/// Installs a plan and sets the count to zero; the default plan lets everything pass.
inline void plan_calls(const CallPlan& next) {
  using namespace calls;
  static bool installed = false;
  if (!installed) {
    installed = true;
    sqlite3_vfs* vfs = sqlite3_vfs_find(nullptr);
    real_open = vfs->xOpen;
    vfs->xOpen = planned_open;
    vfs->xSetSystemCall(vfs, "pwrite", reinterpret_cast<Call>(planned_pwrite));
    vfs->xSetSystemCall(vfs, "pwrite64", reinterpret_cast<Call>(planned_pwrite));
    vfs->xSetSystemCall(vfs, "write", reinterpret_cast<Call>(planned_write));
    vfs->xSetSystemCall(vfs, "ftruncate", reinterpret_cast<Call>(planned_truncate));
  }
  plan = next;
  count = 0;
}

/// Calls that were counted since then.
[[nodiscard]] inline std::uint64_t counted_calls() { return calls::count; }

}  // namespace attune::test
