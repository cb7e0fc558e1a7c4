// SPDX-License-Identifier: Apache-2.0
// The system calls that attune makes beside SQLite's, led to the simulated disk where they name a path on it.
// The linker does it (--wrap, see CMakeLists.txt): the product has no seam for it, and no call is forgotten.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdarg>
#include <map>

#include "tests/faults/sim_disk.hpp"
#include "tests/faults/sim_posix.hpp"

extern "C" {
int __real_open(const char* path, int flags, ...);
int __real_close(int descriptor);
int __real_lstat(const char* path, struct stat* out);
int __real_stat(const char* path, struct stat* out);
int __real_fstat(int descriptor, struct stat* out);
int __real_link(const char* from, const char* to);
int __real_unlink(const char* path);
int __real_rename(const char* from, const char* to);
int __real_fsync(int descriptor);
int __real_fdatasync(int descriptor);
int __real_ftruncate(int descriptor, off_t size);
ssize_t __real_pread(int descriptor, void* out, size_t size, off_t offset);
ssize_t __real_pwrite(int descriptor, const void* bytes, size_t size, off_t offset);
int __real_fcntl(int descriptor, int command, ...);
}

namespace attune::test {
namespace {

constexpr int kFirstDescriptor = 1 << 24;  // far above any real one

struct Descriptor {
  SimDisk::File file;  ///< null: the folder
};
std::map<int, Descriptor> descriptors;
int next_descriptor = kFirstDescriptor;

PosixHook hook = nullptr;

bool is_simulated(const char* path) { return SimDisk::current() != nullptr && SimDisk::owns(path); }
bool is_simulated(int descriptor) { return descriptor >= kFirstDescriptor; }
SimDisk& disk() { return *SimDisk::current(); }

template <class T>
T answer(T code) {
  if (code < 0) {
    errno = static_cast<int>(-code);
    return -1;
  }
  return code;
}

Descriptor* find(int descriptor) {
  const auto found = descriptors.find(descriptor);
  errno = EBADF;
  return found == descriptors.end() ? nullptr : &found->second;
}

int look_at(const char* path, struct stat* out) {
  SimDisk::File file;
  if (const int code = disk().look(path, file); code != 0) {
    return answer(code);
  }
  *out = {};
  out->st_mode = S_IFREG | 0644;
  out->st_size = static_cast<off_t>(file->content.size());
  out->st_dev = 0x5100;
  out->st_ino = file->number;
  out->st_nlink = disk().links(*file);
  return 0;
}

/// Null: the real call follows. Else what to answer, with errno set.
std::optional<int> hooked(const char* name, const char* path = nullptr) {
  const int error = hook == nullptr ? 0 : hook(name, path);
  if (error == 0) {
    return std::nullopt;
  }
  errno = error;
  return -1;
}

}  // namespace

void set_posix_hook(PosixHook asked) { hook = asked; }

void forget_descriptors() { descriptors.clear(); }

}  // namespace attune::test

using attune::test::answer;
using attune::test::descriptors;
using attune::test::disk;
using attune::test::find;
using attune::test::hooked;
using attune::test::is_simulated;
using attune::test::SimDisk;

extern "C" {

int __wrap_open(const char* path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const unsigned mode = (flags & O_CREAT) != 0 ? va_arg(arguments, unsigned) : 0;
  va_end(arguments);
  if (!is_simulated(path)) {
    const auto refused = hooked("open", path);
    return refused ? *refused : __real_open(path, flags, mode);
  }
  attune::test::Descriptor opened;
  const bool folder = (flags & O_DIRECTORY) != 0;
  if (!folder) {
    const int code = disk().open(path, (flags & O_CREAT) != 0, (flags & O_EXCL) != 0, opened.file);
    if (code != 0) {
      return answer(code);
    }
  }
  descriptors[attune::test::next_descriptor] = opened;
  return attune::test::next_descriptor++;
}

int __wrap_close(int descriptor) {
  if (!is_simulated(descriptor)) {
    return __real_close(descriptor);
  }
  const auto* open = find(descriptor);
  if (open == nullptr) {
    return -1;
  }
  if (open->file != nullptr && open->file->lock_owner == descriptor) {
    open->file->lock_owner = -1;
  }
  descriptors.erase(descriptor);
  return 0;
}

int __wrap_lstat(const char* path, struct stat* out) {
  return is_simulated(path) ? attune::test::look_at(path, out) : __real_lstat(path, out);
}
int __wrap_stat(const char* path, struct stat* out) {
  return is_simulated(path) ? attune::test::look_at(path, out) : __real_stat(path, out);
}
int __wrap_fstat(int descriptor, struct stat* out) {
  if (!is_simulated(descriptor)) {
    return __real_fstat(descriptor, out);
  }
  const auto* open = find(descriptor);
  if (open == nullptr) {
    return -1;
  }
  *out = {};
  out->st_dev = 0x5100;
  out->st_mode = open->file == nullptr ? S_IFDIR | 0755 : S_IFREG | 0644;
  if (open->file != nullptr) {
    out->st_size = static_cast<off_t>(open->file->content.size());
    out->st_ino = open->file->number;
    out->st_nlink = disk().links(*open->file);
  }
  return 0;
}

int __wrap_link(const char* from, const char* to) {
  if (is_simulated(from)) {
    return answer(disk().link(from, to));
  }
  const auto refused = hooked("link", to);
  return refused ? *refused : __real_link(from, to);
}
int __wrap_unlink(const char* path) {
  if (is_simulated(path)) {
    return answer(disk().unlink(path));
  }
  const auto refused = hooked("unlink", path);
  return refused ? *refused : __real_unlink(path);
}
int __wrap_rename(const char* from, const char* to) {
  if (is_simulated(from)) {
    return answer(disk().rename(from, to));
  }
  const auto refused = hooked("rename", to);
  return refused ? *refused : __real_rename(from, to);
}

int __wrap_fsync(int descriptor) {
  if (!is_simulated(descriptor)) {
    return __real_fsync(descriptor);
  }
  const auto* open = find(descriptor);
  return open == nullptr         ? -1
         : open->file == nullptr ? answer(disk().flush_names())
                                 : answer(disk().flush(*open->file));
}
int __wrap_fdatasync(int descriptor) {
  return is_simulated(descriptor) ? __wrap_fsync(descriptor) : __real_fdatasync(descriptor);
}

int __wrap_ftruncate(int descriptor, off_t size) {
  if (!is_simulated(descriptor)) {
    return __real_ftruncate(descriptor, size);
  }
  const auto* open = find(descriptor);
  return open == nullptr ? -1 : answer(disk().truncate(*open->file, static_cast<std::uint64_t>(size)));
}

ssize_t __wrap_pread(int descriptor, void* out, size_t size, off_t offset) {
  if (!is_simulated(descriptor)) {
    return __real_pread(descriptor, out, size, offset);
  }
  const auto* open = find(descriptor);
  return open == nullptr ? -1
                         : answer(disk().read(*open->file, static_cast<std::uint64_t>(offset),
                                              {static_cast<std::byte*>(out), size}));
}

ssize_t __wrap_pwrite(int descriptor, const void* bytes, size_t size, off_t offset) {
  if (!is_simulated(descriptor)) {
    const auto refused = hooked("pwrite");
    return refused ? *refused : __real_pwrite(descriptor, bytes, size, offset);
  }
  const auto* open = find(descriptor);
  return open == nullptr ? -1
                         : answer(disk().write(*open->file, static_cast<std::uint64_t>(offset),
                                               {static_cast<const std::byte*>(bytes), size}));
}

int __wrap_fcntl(int descriptor, int command, ...) {
  va_list arguments;
  va_start(arguments, command);
  void* argument = va_arg(arguments, void*);
  va_end(arguments);
  if (!is_simulated(descriptor)) {
    return __real_fcntl(descriptor, command, argument);
  }
  const auto* open = find(descriptor);
  auto* request = static_cast<struct flock*>(argument);
  if (open == nullptr) {
    return -1;
  }
  if (command == F_OFD_GETLK) {
    const int code = disk().lock(*open->file, descriptor, true);
    request->l_type = code == -EAGAIN ? F_WRLCK : F_UNLCK;
    return code == -EAGAIN ? 0 : answer(code);
  }
  if (command == F_OFD_SETLK) {
    return answer(disk().lock(*open->file, descriptor, false));
  }
  errno = EINVAL;
  return -1;
}
}
