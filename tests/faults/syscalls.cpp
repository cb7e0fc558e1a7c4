// SPDX-License-Identifier: Apache-2.0
#include "tests/faults/syscalls.hpp"

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdarg>
#include <string_view>

#include <sqlite3.h>

#include "tests/faults/sim_posix.hpp"

namespace attune::test {
namespace {

CallFault active = CallFault::none;
bool counting = false;
bool flushes_only = false;
bool lasting = false;
std::uint64_t hit_at = 0;
std::uint64_t calls_made = 0;

[[noreturn]] void die() {
  ::kill(::getpid(), SIGKILL);
  for (;;) {
    ::pause();
  }
}

int error_of(CallFault fault) {
  switch (fault) {
    case CallFault::io_error:
      return EIO;
    case CallFault::disk_full:
      return ENOSPC;
    case CallFault::quota:
      return EDQUOT;
    case CallFault::interrupted:
      return EINTR;
    default:
      return 0;
  }
}

/// The fault for the call that is about to be made.
CallFault next(bool flush) {
  if (!counting || (flushes_only && !flush)) {
    return CallFault::none;
  }
  ++calls_made;
  // A signal interrupts a call, not all calls for ever: nothing could be expected of any program then.
  const bool repeats = lasting && active != CallFault::interrupted;
  const bool hit = calls_made == hit_at || (repeats && calls_made > hit_at);
  if (hit && active == CallFault::kill_before) {
    die();
  }
  return hit ? active : CallFault::none;
}

/// Calls without a size: they fail, or are the last.
template <class Call>
auto guarded(Call call, bool flush = false) -> decltype(call()) {
  const CallFault fault = next(flush);
  if (const int error = error_of(fault); error != 0) {
    errno = error;
    return -1;
  }
  if (fault == CallFault::kill_torn) {
    die();
  }
  const auto result = call();
  if (fault == CallFault::kill_after) {
    die();
  }
  return result;
}

/// Calls that move bytes.
template <class Call>
ssize_t sized(std::size_t size, Call call) {
  const CallFault fault = next(false);
  if (const int error = error_of(fault); error != 0) {
    errno = error;
    return -1;
  }
  const bool half = fault == CallFault::partly || fault == CallFault::kill_torn;
  const ssize_t done = call(half ? size / 2 : size);
  if (fault == CallFault::kill_after || fault == CallFault::kill_torn) {
    die();
  }
  return done;
}

// -- SQLite's table

int sqlite_open(const char* path, int flags, int mode) {
  return guarded([&] { return static_cast<int>(::syscall(SYS_openat, AT_FDCWD, path, flags, mode)); });
}
ssize_t sqlite_pread(int descriptor, void* out, std::size_t size, off_t offset) {
  return sized(size, [&](std::size_t part) { return ::syscall(SYS_pread64, descriptor, out, part, offset); });
}
ssize_t sqlite_pwrite(int descriptor, const void* bytes, std::size_t size, off_t offset) {
  return sized(size,
               [&](std::size_t part) { return ::syscall(SYS_pwrite64, descriptor, bytes, part, offset); });
}
int sqlite_truncate(int descriptor, off_t size) {
  return guarded([&] { return static_cast<int>(::syscall(SYS_ftruncate, descriptor, size)); });
}
int sqlite_unlink(const char* path) {
  return guarded([&] { return static_cast<int>(::syscall(SYS_unlink, path)); });
}

int attune_call(const char* name, const char* /*path*/) {
  const CallFault fault = std::string_view(name) == "fsync" ? CallFault::none : next(false);
  if (fault == CallFault::kill_after || fault == CallFault::kill_torn) {
    die();  // the call itself is small and done at once; before or after it is the same to all others
  }
  return error_of(fault);
}

struct Replaced {
  const char* name;
  sqlite3_syscall_ptr call;
};
template <class Function>
sqlite3_syscall_ptr as_call(Function* function) {
  return reinterpret_cast<sqlite3_syscall_ptr>(function);
}

void install(bool on) {
  static const Replaced kCalls[] = {
      {"open", as_call(sqlite_open)},       {"pread", as_call(sqlite_pread)},
      {"pread64", as_call(sqlite_pread)},   {"pwrite", as_call(sqlite_pwrite)},
      {"pwrite64", as_call(sqlite_pwrite)}, {"ftruncate", as_call(sqlite_truncate)},
      {"unlink", as_call(sqlite_unlink)},
  };
  sqlite3_vfs* vfs = sqlite3_vfs_find("unix");
  for (const Replaced& replaced : kCalls) {
    vfs->xSetSystemCall(vfs, replaced.name, on ? replaced.call : nullptr);
  }
  set_posix_hook(on ? attune_call : nullptr);
}

void start(CallFault fault, std::uint64_t at, bool for_ever, bool flushes) {
  active = fault;
  hit_at = at;
  lasting = for_ever;
  flushes_only = flushes;
  calls_made = 0;
  install(true);
  counting = true;
}

}  // namespace

void start_call_fault(CallFault fault, std::uint64_t at, bool for_ever) { start(fault, at, for_ever, false); }
void start_flush_fault(CallFault fault, std::uint64_t at, bool for_ever) { start(fault, at, for_ever, true); }

std::uint64_t stop_call_fault() {
  counting = false;
  install(false);
  return calls_made;
}

}  // namespace attune::test

// SQLite's unix layer has no entry for these in its table; a definition in the program takes their place for
// the whole process.
extern "C" {
int fdatasync(int descriptor) {
  return attune::test::guarded([&] { return static_cast<int>(::syscall(SYS_fdatasync, descriptor)); }, true);
}
int fsync(int descriptor) {
  return attune::test::guarded([&] { return static_cast<int>(::syscall(SYS_fsync, descriptor)); }, true);
}
}
