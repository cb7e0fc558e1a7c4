// SPDX-License-Identifier: Apache-2.0
#include "store/store_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <filesystem>
#include <system_error>
#include <utility>

#include "core/failpoint.hpp"
#include "store/migration.hpp"
#include "store/schema.hpp"
#include "store/sync_folder.hpp"

namespace attune::detail {
namespace {

struct FileState {
  bool exists = false;
  std::uint64_t bytes = 0;
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  std::uint64_t links = 0;
};

/// Errors: io, when the path names something that is not a plain file.
[[nodiscard]] Result<FileState> look_at(const std::string& path) {
  struct stat found{};
  if (path.empty() || path.find('\0') != std::string::npos) {
    return fail(Errc::io, "the path of a store is a non-empty text without zero bytes");
  }
  if (::lstat(path.c_str(), &found) != 0) {
    return errno == ENOENT ? Result<FileState>{}
                           : fail(Errc::io, "'" + path + "' cannot be opened: " + reason());
  }
  if (!S_ISREG(found.st_mode)) {
    const std::string_view what = S_ISDIR(found.st_mode)   ? "a directory"
                                  : S_ISLNK(found.st_mode) ? "a symbolic link"
                                                           : "not a plain file";
    return fail(Errc::io, "'" + path + "' is " + std::string(what) + "; name the store's own file");
  }
  return FileState{.exists = true,
                   .bytes = static_cast<std::uint64_t>(found.st_size),
                   .device = static_cast<std::uint64_t>(found.st_dev),
                   .inode = static_cast<std::uint64_t>(found.st_ino),
                   .links = static_cast<std::uint64_t>(found.st_nlink)};
}

[[nodiscard]] Result<std::uint32_t> check_header_of(const std::string& path, const FileState& state) {
  if (state.bytes == 0) {
    return check_header(path, 0, {});
  }
  return read_file_header(path).and_then(
      [&](const Bytes& header) { return check_header(path, state.bytes, header); });
}

// Made under another name and linked into place: a kill at any moment leaves a whole store or none.
[[nodiscard]] Result<void> create_store(const std::string& path) {
  const std::string draft = path + "-new";
  for (const std::string_view suffix : {"", "-wal", "-shm", "-journal"}) {
    ::unlink((draft + std::string(suffix)).c_str());  // left by a creation that was killed
  }
  failpoint(Failpoint::create_cleared);
  {
    Result<Database> database = Database::open(draft, Database::Access::create);
    if (!database) {
      return tl::unexpected(std::move(database).error());
    }
    if (Result<void> made = create_schema(*database); !made) {
      return made;
    }
    database->checkpoint_on_close(true);
  }
  failpoint(Failpoint::create_schema_made);
  if (::link(draft.c_str(), path.c_str()) != 0) {
    return fail(Errc::io, "the store '" + path + "' could not be created: " + reason());
  }
  failpoint(Failpoint::create_linked);
  ::unlink(draft.c_str());
  failpoint(Failpoint::create_draft_removed);
  static_cast<void>(sync_folder_of(path));  // refused: a power cut may take the new name, not half a store
  failpoint(Failpoint::create_flushed);
  return {};
}

[[nodiscard]] Result<void> run_all(const Database& database,
                                   std::initializer_list<std::string_view> statements) {
  for (const std::string_view sql : statements) {
    if (Result<void> done = database.run(sql); !done) {
      return done;
    }
  }
  return {};
}

[[nodiscard]] Result<std::string> read_store_id(const Database& database) {
  Result<Statement> statement = database.prepare("SELECT value FROM meta WHERE key = 'store_id'");
  if (!statement) {
    return tl::unexpected(std::move(statement).error());
  }
  return statement->step().map(
      [&](bool row) { return row ? std::string(statement->text(0)) : std::string(); });
}

constexpr int kMaxCell = 1 << 26;  // format 2: the list of chunks of the largest state has 8 MiB

/// The version that SQLite sees: the file's first page may be newer in the log.
[[nodiscard]] Result<void> settle_version(StoreFile& store) {
  return store.database.number("PRAGMA user_version").and_then([&](std::int64_t version) -> Result<void> {
    if (version < 1 || version > kSchemaVersion) {
      return fail(Errc::unsupported_version,
                  "'" + store.path + "' has store version " + std::to_string(version) +
                      " in its write-ahead log; open it with the attune that wrote it");
    }
    store.version = static_cast<std::uint32_t>(version);
    return check_schema(store.path, store.database, store.version);
  });
}

/// Writing: durable commits, the log in our hands, the newest format.
[[nodiscard]] Result<void> prepare_for_writing(StoreFile& store, const Act& act) {
  Database& database = store.database;
  // FULL: every commit is flushed. Pages that are freed keep their bytes, except where an act erases them.
  Result<void> done =
      run_all(database, {"PRAGMA journal_mode = WAL", "PRAGMA synchronous = FULL",
                         "PRAGMA journal_size_limit = 67108864", "PRAGMA secure_delete = OFF"});
  database.take_over_log();
  if (done) {
    // A process that died after a failed flush left pages that the kernel calls clean and the disk lacks.
    // Nobody else may write meanwhile.
    Result<Transaction> alone = Transaction::begin(database, "BEGIN IMMEDIATE");
    done = alone ? database.rewrite_log() : tl::unexpected(std::move(alone).error());
  }
  failpoint(Failpoint::open_log_rewritten);
  return done && store.version == 1 ? migrate_to_2(store, act) : done;
}

/// Settings and checks of an open connection. Until they are passed, closing it changes nothing.
[[nodiscard]] Result<void> prepare_connection(StoreFile& store, const StoreOptions& options) {
  Database& database = store.database;
  const bool writing = options.mode == OpenMode::read_write;
  Result<void> done = run_all(database, {"PRAGMA cell_size_check = ON", "PRAGMA mmap_size = 0",
                                         "PRAGMA temp_store = MEMORY", "PRAGMA cache_size = -8192"});
  if (done) {
    done = settle_version(store);
  }
  if (done) {
    Result<std::string> id = read_store_id(database);
    done = id ? Result<void>{} : tl::unexpected(id.error());
    store.store_id = id ? std::move(*id) : "";
  }
  if (done) {
    done = writing ? prepare_for_writing(store, options.act) : run_all(database, {"PRAGMA query_only = ON"});
  }
  if (!done) {
    return done;
  }
  if (store.version > 1) {
    database.limit_length(kMaxCell);
  }
  database.restrict_statements(writing);
  return {};
}

[[nodiscard]] Result<Database> open_read_only(const std::string& path) {
  Result<Database> database = Database::open(path, Database::Access::read);
  if (!database) {
    return database;
  }
  Result<std::int64_t> readable = database->number("SELECT position FROM head");
  std::error_code missing;
  const std::uintmax_t wal_bytes = std::filesystem::file_size(path + "-wal", missing);
  const bool no_wal = missing || wal_bytes == 0;
  if (!readable && readable.error().code == Errc::io && no_wal) {
    // On a read-only medium SQLite cannot make its -shm file. Without a WAL nobody is writing: read the file
    // as it is.
    return Database::open(path, Database::Access::read_immutable);
  }
  return database;
}

[[nodiscard]] Result<FileState> find_for_writing(StoreFile& store, FileState state) {
  if (state.exists) {
    if (Result<std::uint32_t> ours = check_header_of(store.path, state); !ours) {
      return tl::unexpected(std::move(ours).error());  // before a lock file is put beside a foreign file
    }
  }
  if (!store.lock) {
    Result<WriterLock> lock = WriterLock::take(store.path);
    if (!lock) {
      return tl::unexpected(std::move(lock).error());
    }
    store.lock = std::move(*lock);
    failpoint(Failpoint::open_locked);
  }
  Result<FileState> now = look_at(store.path);
  if (now && !now->exists) {
    if (Result<void> made = create_store(store.path); !made) {
      return tl::unexpected(std::move(made).error());
    }
    now = look_at(store.path);
  }
  if (now && now->links > 1) {
    ::unlink((store.path + "-new").c_str());  // a creation killed between its last two steps
    now = look_at(store.path);
  }
  if (now && now->links > 1) {
    return fail(Errc::io,
                "'" + store.path + "' has " + std::to_string(now->links) +
                    " names (hard links); writing through two of them would destroy it. Copy it instead");
  }
  return now;
}

[[nodiscard]] Result<void> open_connection(StoreFile& store, const FileState& state,
                                           const StoreOptions& options) {
  if (Result<std::uint32_t> ours = check_header_of(store.path, state); !ours) {
    return tl::unexpected(std::move(ours).error());
  }
  Result<Database> database = options.mode == OpenMode::read_write
                                  ? Database::open(store.path, Database::Access::write)
                                  : open_read_only(store.path);
  if (!database) {
    return tl::unexpected(std::move(database).error());
  }
  store.database = std::move(*database);
  failpoint(Failpoint::open_connected);
  return prepare_connection(store, options);
}

}  // namespace

Result<StoreFile> open_store_file(const std::string& path, const StoreOptions& options) {
  failpoint(Failpoint::open_begun);
  StoreFile store;
  store.path = path;
  // Read first: what it says was committed before, so the store can only have more.
  store.witness = WriterLock::peek(path);
  if (store.witness.state == WriterLock::LineState::damaged) {
    store.notes.push_back(
        "the lock file '" + path +
        "-lock' is damaged: what it says about the last acknowledged record is not believed");
  }
  Result<SealKeys> keys = SealKeys::make(options);
  Result<FileState> state = look_at(path);
  if (state && keys && options.mode == OpenMode::read_write) {
    state = find_for_writing(store, *state);
  }
  if (!state || !keys) {
    return tl::unexpected(keys ? std::move(state).error() : std::move(keys).error());
  }
  if (!state->exists) {
    return fail(Errc::io, "there is no store at '" + path + "'");
  }
  store.keys = std::move(*keys);
  store.device = state->device;
  store.inode = state->inode;
  if (Result<void> opened = open_connection(store, *state, options); !opened) {
    return tl::unexpected(std::move(opened).error());
  }
  return store;
}

Result<void> reopen_store_file(StoreFile& store) {
  Result<FileState> state = look_at(store.path);
  if (!state) {
    return tl::unexpected(std::move(state).error());
  }
  if (!state->exists || state->device != store.device || state->inode != store.inode) {
    return fail(Errc::io, "'" + store.path + "' was removed or replaced while it was open");
  }
  store.database = Database();
  return open_connection(store, *state, {.mode = OpenMode::read_write});
}

bool is_still_in_place(const StoreFile& store) noexcept {
  struct stat found{};
  return ::stat(store.path.c_str(), &found) == 0 &&
         static_cast<std::uint64_t>(found.st_dev) == store.device &&
         static_cast<std::uint64_t>(found.st_ino) == store.inode;
}

}  // namespace attune::detail
