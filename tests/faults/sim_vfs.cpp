// SPDX-License-Identifier: Apache-2.0
#include "tests/faults/sim_vfs.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <new>
#include <string>

#include <sqlite3.h>

#include "tests/faults/sim_disk.hpp"

namespace attune::test {
namespace {

/// One open file of one connection. SQLite owns the memory, so it is built in place and destroyed in close.
struct OpenFile {
  sqlite3_file base{};
  SimDisk::File file;
  std::string path;
  int lock = SQLITE_LOCK_NONE;
  bool sync_folder = false;  ///< as SQLite's unix layer: the first flush of a log flushes its folder too
  bool delete_on_close = false;
  std::array<int, 8> shared{};  ///< locks held on the shared memory: 0 none, 1 shared, 2 exclusive
};

sqlite3_vfs* real_vfs = nullptr;  // the real one
sqlite3_vfs layer{};
std::uint64_t random_seed = 0;

OpenFile& opened(sqlite3_file* file) { return *reinterpret_cast<OpenFile*>(file); }
SimDisk& vfs_disk() { return *SimDisk::current(); }

int unlock_to(OpenFile& open, int level) {
  SimFile& file = *open.file;
  if (open.lock <= level) {
    return SQLITE_OK;
  }
  if (open.lock == SQLITE_LOCK_EXCLUSIVE) {
    file.exclusive = false;
  }
  if (open.lock >= SQLITE_LOCK_PENDING) {
    file.pending = false;
  }
  if (open.lock >= SQLITE_LOCK_RESERVED && level < SQLITE_LOCK_RESERVED) {
    file.reserved = false;
  }
  if (level == SQLITE_LOCK_NONE) {
    --file.readers;
  }
  open.lock = level;
  return SQLITE_OK;
}

void drop_shared_locks(OpenFile& open) {
  for (std::size_t i = 0; i < open.shared.size(); ++i) {
    int& held = open.file->shared_locks[i];
    held = open.shared[i] == 2 ? 0 : held - open.shared[i];
    open.shared[i] = 0;
  }
}

int close(sqlite3_file* raw) {
  OpenFile& open = opened(raw);
  if (!vfs_disk().dead()) {
    // After an end restart() has forgotten all locks; a dead process's handles must not touch them again.
    drop_shared_locks(open);
    unlock_to(open, SQLITE_LOCK_NONE);
    if (open.delete_on_close) {
      static_cast<void>(vfs_disk().unlink(open.path));
    }
  }
  open.~OpenFile();
  return SQLITE_OK;
}

int read(sqlite3_file* raw, void* out, int amount, sqlite3_int64 offset) {
  const std::span<std::byte> room(static_cast<std::byte*>(out), static_cast<std::size_t>(amount));
  const std::ptrdiff_t got = vfs_disk().read(*opened(raw).file, static_cast<std::uint64_t>(offset), room);
  if (got < 0) {
    return SQLITE_IOERR_READ;
  }
  std::ranges::fill(room.subspan(static_cast<std::size_t>(got)), std::byte{0});
  return got == amount ? SQLITE_OK : SQLITE_IOERR_SHORT_READ;
}

int write(sqlite3_file* raw, const void* bytes, int amount, sqlite3_int64 offset) {
  const ByteView view(static_cast<const std::byte*>(bytes), static_cast<std::size_t>(amount));
  const std::ptrdiff_t done = vfs_disk().write(*opened(raw).file, static_cast<std::uint64_t>(offset), view);
  return done == amount ? SQLITE_OK : done == -ENOSPC ? SQLITE_FULL : SQLITE_IOERR_WRITE;
}

int truncate(sqlite3_file* raw, sqlite3_int64 size) {
  return vfs_disk().truncate(*opened(raw).file, static_cast<std::uint64_t>(size)) == 0
             ? SQLITE_OK
             : SQLITE_IOERR_TRUNCATE;
}

int sync(sqlite3_file* raw, int /*flags*/) {
  OpenFile& open = opened(raw);
  if (vfs_disk().flush(*open.file) != 0) {
    return SQLITE_IOERR_FSYNC;
  }
  if (open.sync_folder) {
    if (vfs_disk().flush_names() != 0) {
      return SQLITE_IOERR_DIR_FSYNC;
    }
    open.sync_folder = false;
  }
  return SQLITE_OK;
}

int file_size(sqlite3_file* raw, sqlite3_int64* size) {
  *size = static_cast<sqlite3_int64>(opened(raw).file->content.size());
  return vfs_disk().dead() ? SQLITE_IOERR_FSTAT : SQLITE_OK;
}

int lock(sqlite3_file* raw, int level) {
  OpenFile& open = opened(raw);
  SimFile& file = *open.file;
  if (open.lock >= level) {
    return SQLITE_OK;
  }
  if (level == SQLITE_LOCK_SHARED) {
    if (file.exclusive || file.pending) {
      return SQLITE_BUSY;
    }
    ++file.readers;
  } else if (level == SQLITE_LOCK_RESERVED) {
    if (file.reserved) {
      return SQLITE_BUSY;
    }
    file.reserved = true;
  } else {
    if ((file.pending || file.reserved) && open.lock < SQLITE_LOCK_RESERVED) {
      return SQLITE_BUSY;
    }
    file.pending = true;
    if (file.readers > 1) {
      open.lock = SQLITE_LOCK_PENDING;
      return SQLITE_BUSY;
    }
    file.exclusive = true;
  }
  open.lock = level;
  return SQLITE_OK;
}

int unlock(sqlite3_file* raw, int level) { return unlock_to(opened(raw), level); }

int check_reserved(sqlite3_file* raw, int* out) {
  *out = opened(raw).file->reserved ? 1 : 0;
  return SQLITE_OK;
}

int control(sqlite3_file* /*raw*/, int operation, void* argument) {
  if (operation == SQLITE_FCNTL_VFSNAME) {
    *static_cast<char**>(argument) = sqlite3_mprintf("%s", "attune-simulated");
    return SQLITE_OK;
  }
  return SQLITE_NOTFOUND;
}

int sector_size(sqlite3_file* /*raw*/) { return static_cast<int>(SimDisk::kPage); }
int characteristics(sqlite3_file* /*raw*/) { return SQLITE_IOCAP_POWERSAFE_OVERWRITE; }  // as the unix layer

int shared_map(sqlite3_file* raw, int region, int size, int extend, void volatile** out) {
  SimFile& file = *opened(raw).file;
  const auto index = static_cast<std::size_t>(region);
  if (vfs_disk().dead()) {
    return SQLITE_IOERR_SHMMAP;
  }
  while (extend != 0 && file.shared_memory.size() <= index) {
    file.shared_memory.push_back(std::make_unique<std::byte[]>(static_cast<std::size_t>(size)));
  }
  *out = index < file.shared_memory.size() ? file.shared_memory[index].get() : nullptr;
  return SQLITE_OK;
}

int shared_lock(sqlite3_file* raw, int offset, int count, int flags) {
  OpenFile& open = opened(raw);
  const bool exclusive = (flags & SQLITE_SHM_EXCLUSIVE) != 0;
  const auto first = static_cast<std::size_t>(offset);
  for (std::size_t i = first; i < first + static_cast<std::size_t>(count); ++i) {
    const int held = open.file->shared_locks[i];
    const int others = open.shared[i] == 2 ? 0 : held - open.shared[i];
    if ((flags & SQLITE_SHM_LOCK) != 0 && (exclusive ? others != 0 : others < 0)) {
      return SQLITE_BUSY;
    }
  }
  for (std::size_t i = first; i < first + static_cast<std::size_t>(count); ++i) {
    int& held = open.file->shared_locks[i];
    held = open.shared[i] == 2 ? 0 : held - open.shared[i];
    open.shared[i] = (flags & SQLITE_SHM_UNLOCK) != 0 ? 0 : exclusive ? 2 : 1;
    held = open.shared[i] == 2 ? -1 : held + open.shared[i];
  }
  return SQLITE_OK;
}

void shared_barrier(sqlite3_file* /*raw*/) {}

int shared_unmap(sqlite3_file* raw, int /*remove*/) {
  if (!vfs_disk().dead()) {
    drop_shared_locks(opened(raw));
  }
  return SQLITE_OK;
}

const sqlite3_io_methods& methods() {
  static const sqlite3_io_methods table = [] {
    sqlite3_io_methods made{};
    made.iVersion = 2;
    made.xClose = close;
    made.xRead = read;
    made.xWrite = write;
    made.xTruncate = truncate;
    made.xSync = sync;
    made.xFileSize = file_size;
    made.xLock = lock;
    made.xUnlock = unlock;
    made.xCheckReservedLock = check_reserved;
    made.xFileControl = control;
    made.xSectorSize = sector_size;
    made.xDeviceCharacteristics = characteristics;
    made.xShmMap = shared_map;
    made.xShmLock = shared_lock;
    made.xShmBarrier = shared_barrier;
    made.xShmUnmap = shared_unmap;
    return made;
  }();
  return table;
}

bool is_simulated_name(const char* name) { return name == nullptr || SimDisk::owns(name); }

int open_file(sqlite3_vfs* /*self*/, const char* name, sqlite3_file* raw, int flags, int* out_flags) {
  if (!is_simulated_name(name)) {
    return real_vfs->xOpen(real_vfs, name, raw, flags, out_flags);
  }
  raw->pMethods = nullptr;
  static std::uint64_t temporary = 0;
  auto* open = new (raw) OpenFile;
  open->path = name != nullptr ? name : vfs_disk().path("temporary-" + std::to_string(++temporary));
  const int code = vfs_disk().open(open->path, name == nullptr || (flags & SQLITE_OPEN_CREATE) != 0,
                                   (flags & SQLITE_OPEN_EXCLUSIVE) != 0, open->file);
  if (code != 0) {
    open->~OpenFile();
    raw->pMethods = nullptr;
    return SQLITE_CANTOPEN;
  }
  constexpr int kLogs = SQLITE_OPEN_WAL | SQLITE_OPEN_MAIN_JOURNAL | SQLITE_OPEN_SUPER_JOURNAL;
  open->sync_folder = (flags & SQLITE_OPEN_CREATE) != 0 && (flags & kLogs) != 0;
  open->delete_on_close = name == nullptr || (flags & SQLITE_OPEN_DELETEONCLOSE) != 0;
  open->base.pMethods = &methods();
  if (out_flags != nullptr) {
    *out_flags = flags;
  }
  return SQLITE_OK;
}

int delete_file(sqlite3_vfs* /*self*/, const char* name, int sync_folder) {
  if (!is_simulated_name(name)) {
    return real_vfs->xDelete(real_vfs, name, sync_folder);
  }
  const int code = vfs_disk().unlink(name);
  if (code != 0) {
    return code == -ENOENT ? SQLITE_IOERR_DELETE_NOENT : SQLITE_IOERR_DELETE;
  }
  return sync_folder != 0 && vfs_disk().flush_names() != 0 ? SQLITE_IOERR_DIR_FSYNC : SQLITE_OK;
}

int access_file(sqlite3_vfs* /*self*/, const char* name, int flags, int* out) {
  if (!is_simulated_name(name)) {
    return real_vfs->xAccess(real_vfs, name, flags, out);
  }
  SimDisk::File file;
  const int code = vfs_disk().look(name, file);
  // As the unix layer: an empty file does not exist.
  *out = code == 0 && (flags != SQLITE_ACCESS_EXISTS || !file->content.empty()) ? 1 : 0;
  return code == 0 || code == -ENOENT ? SQLITE_OK : SQLITE_IOERR_ACCESS;
}

int full_path(sqlite3_vfs* /*self*/, const char* name, int room, char* out) {
  if (!is_simulated_name(name)) {
    return real_vfs->xFullPathname(real_vfs, name, room, out);
  }
  sqlite3_snprintf(room, out, "%s", name);
  return SQLITE_OK;
}

int random_bytes(sqlite3_vfs* /*self*/, int count, char* out) {
  Rng rng(random_seed);
  for (int i = 0; i < count; ++i) {
    out[i] = static_cast<char>(rng());
  }
  return count;
}

int current_time(sqlite3_vfs* /*self*/, sqlite3_int64* out) {
  constexpr sqlite3_int64 kJulianMillisecondsOf1970 = 210866760000000;
  const SimDisk* now = SimDisk::current();
  *out = kJulianMillisecondsOf1970 + (now->clock != nullptr ? now->clock->now() / 1'000'000 : 0);
  return SQLITE_OK;
}

int pause(sqlite3_vfs* /*self*/, int microseconds) {
  if (vfs_disk().clock != nullptr) {
    vfs_disk().clock->advance(Nanos{microseconds} * 1000);
  }
  return microseconds;
}

}  // namespace

void install_sim_vfs(std::uint64_t seed) {
  if (real_vfs == nullptr) {
    sqlite3_initialize();
    real_vfs = sqlite3_vfs_find(nullptr);
    layer = *real_vfs;
    layer.zName = "attune-simulated";
    layer.iVersion = 2;
    layer.pNext = nullptr;
    layer.pAppData = nullptr;
    layer.szOsFile = std::max(real_vfs->szOsFile, static_cast<int>(sizeof(OpenFile)));
    layer.xOpen = open_file;
    layer.xDelete = delete_file;
    layer.xAccess = access_file;
    layer.xFullPathname = full_path;
    layer.xRandomness = random_bytes;
    layer.xSleep = pause;
    layer.xCurrentTimeInt64 = current_time;
  }
  random_seed = seed;
  sqlite3_vfs_register(&layer, 1);
  sqlite3_randomness(0, nullptr);  // forget what came before: the same seed gives the same salts and ids
}

void remove_sim_vfs() { sqlite3_vfs_register(real_vfs, 1); }

}  // namespace attune::test
