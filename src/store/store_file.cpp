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

#include "core/hash.hpp"
#include "store/schema.hpp"

namespace attune::detail {
namespace {

struct FileState {
  bool exists = false;
  std::uint64_t bytes = 0;
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  std::uint64_t links = 0;
};

[[nodiscard]] std::string reason() { return std::generic_category().message(errno); }

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

[[nodiscard]] Result<void> check_header_of(const std::string& path, const FileState& state) {
  if (state.bytes == 0) {
    return check_header(path, 0, {});
  }
  return read_file_header(path).and_then(
      [&](const Bytes& header) { return check_header(path, state.bytes, header); });
}

void sync_directory_of(const std::string& path) noexcept {
  const std::string folder = std::filesystem::path(path).parent_path().string();
  const int descriptor = ::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor >= 0) {
    ::fsync(descriptor);
    ::close(descriptor);
  }
}

// Made under another name and linked into place: a kill at any moment leaves a whole store or none.
[[nodiscard]] Result<void> create_store(const std::string& path) {
  const std::string draft = path + "-new";
  for (const std::string_view suffix : {"", "-wal", "-shm", "-journal"}) {
    ::unlink((draft + std::string(suffix)).c_str());  // left by a creation that was killed
  }
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
  if (::link(draft.c_str(), path.c_str()) != 0) {
    return fail(Errc::io, "the store '" + path + "' could not be created: " + reason());
  }
  ::unlink(draft.c_str());
  sync_directory_of(path);
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

/// Settings and checks of an open connection. Until they are passed, closing it changes nothing.
[[nodiscard]] Result<void> prepare_connection(StoreFile& store, OpenMode mode) {
  Database& database = store.database;
  Result<void> done = run_all(database, {"PRAGMA cell_size_check = ON", "PRAGMA mmap_size = 0",
                                         "PRAGMA temp_store = MEMORY", "PRAGMA cache_size = -8192"});
  if (done) {
    done = check_schema(store.path, database);
  }
  if (done && mode == OpenMode::read_write) {
    // FULL: every commit is flushed. The WAL is moved into the file by this connection alone, inside a
    // commit.
    done = run_all(database, {"PRAGMA journal_mode = WAL", "PRAGMA synchronous = FULL",
                              "PRAGMA wal_autocheckpoint = 4000", "PRAGMA journal_size_limit = 67108864"});
  } else if (done) {
    done = run_all(database, {"PRAGMA query_only = ON"});
  }
  if (!done) {
    return done;
  }
  database.restrict_statements(mode == OpenMode::read_write);
  return read_store_id(database).map([&](std::string id) { store.store_id = std::move(id); });
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
    if (Result<void> ours = check_header_of(store.path, state); !ours) {
      return tl::unexpected(std::move(ours).error());  // before a lock file is put beside a foreign file
    }
  }
  Result<WriterLock> lock = WriterLock::take(store.path);
  if (!lock) {
    return tl::unexpected(std::move(lock).error());
  }
  store.lock = std::move(*lock);
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

}  // namespace

Result<StoreFile> open_store_file(const std::string& path, OpenMode mode) {
  StoreFile store{.path = path, .lock = {}, .database = {}, .store_id = {}};
  Result<FileState> state = look_at(path);
  if (state && mode == OpenMode::read_write) {
    state = find_for_writing(store, *state);
  }
  if (!state) {
    return tl::unexpected(std::move(state).error());
  }
  if (!state->exists) {
    return fail(Errc::io, "there is no store at '" + path + "'");
  }
  if (Result<void> ours = check_header_of(path, *state); !ours) {
    return tl::unexpected(std::move(ours).error());
  }
  store.device = state->device;
  store.inode = state->inode;
  Result<Database> database =
      mode == OpenMode::read_write ? Database::open(path, Database::Access::write) : open_read_only(path);
  if (!database) {
    return tl::unexpected(std::move(database).error());
  }
  store.database = std::move(*database);
  if (Result<void> prepared = prepare_connection(store, mode); !prepared) {
    return tl::unexpected(std::move(prepared).error());
  }
  return store;
}

Result<Head> read_head(const Database& database) {
  Result<Statement> row = database.prepare("SELECT position, chain, decisions, outcomes, events FROM head");
  if (!row) {
    return tl::unexpected(std::move(row).error());
  }
  Result<bool> found = row->step();
  if (!found) {
    return tl::unexpected(std::move(found).error());
  }
  if (!*found) {
    return fail(Errc::corrupt_state, "the store is damaged: the table 'head' is empty");
  }
  return Head{.position = row->count(0),
              .chain = row->count(1),
              .counts = {.decisions = row->count(2), .outcomes = row->count(3), .events = row->count(4)}};
}

Result<std::vector<std::string>> check_tail(const StoreFile& store, const Head& head,
                                            const std::optional<WriterLock::Content>& witness) {
  Result<std::int64_t> last = store.database.number(
      "SELECT max(coalesce((SELECT max(position) FROM decisions), 0), coalesce((SELECT max(position) FROM "
      "outcomes),"
      " 0), coalesce((SELECT max(position) FROM events), 0))");
  if (!last) {
    return tl::unexpected(std::move(last).error());
  }
  std::vector<std::string> found;
  const KindCounts& counts = head.counts;
  if (static_cast<std::uint64_t>(*last) != head.position ||
      counts.decisions + counts.outcomes + counts.events != head.position) {
    found.push_back("the store is damaged: its last record is " + std::to_string(*last) + " where record " +
                    std::to_string(head.position) + " was written last. Restore it from a copy");
  }
  if (witness && witness->store_id == store.store_id && witness->position > head.position) {
    found.push_back(
        "records " + std::to_string(head.position + 1) + " to " + std::to_string(witness->position) +
        " were acknowledged as durable and are gone: the write-ahead log '" + store.path +
        "-wal' was damaged or removed, or an older copy was put in place. Restore what is missing, or" +
        " delete '" + store.path + "-lock' to go on from record " + std::to_string(head.position));
  }
  return found;
}

bool is_still_in_place(const StoreFile& store) noexcept {
  struct stat found{};
  return ::stat(store.path.c_str(), &found) == 0 &&
         static_cast<std::uint64_t>(found.st_dev) == store.device &&
         static_cast<std::uint64_t>(found.st_ino) == store.inode;
}

std::uint64_t chained(std::uint64_t chain, ByteView record) noexcept { return hash64(record, chain); }

}  // namespace attune::detail
