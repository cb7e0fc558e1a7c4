// SPDX-License-Identifier: Apache-2.0
/// @file
/// SimDisk: a disk in memory that knows what was flushed, and that can lose, tear, reorder, refuse and lie.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <attune/core/clock.hpp>
#include <attune/core/rng.hpp>
#include <attune/core/serial.hpp>

namespace attune::test {

/// What a program asks of a disk.
enum class DiskCall : std::uint8_t { open, look, read, write, truncate, flush, name, lock };

/// Faults that are switched on; each number is the chance that one call meets it.
struct DiskFaults {
  double read = 0.0;   ///< EIO
  double write = 0.0;  ///< EIO; half of them leave some of the sectors written
  double full = 0.0;   ///< writes: ENOSPC, likewise
  double flush = 0.0;  ///< EIO
  double name = 0.0;   ///< open, link, unlink, rename, truncate: EIO
  double lie = 0.0;    ///< a flush says that it is done and did nothing
  bool forget =
      false;  ///< after a failed flush the pages look clean, and the next flush succeeds without them
  bool sticky = false;   ///< the first error stays until the faults are changed
  Nanos flush_time = 0;  ///< how long a flush takes
};

/// How a process or its machine ends.
enum class DiskEnd : std::uint8_t { process_killed, power_lost };

/// A file: what programs see, what is on the platter, and what lies between.
struct SimFile {
  /// A write, or with `cut` a truncation to `offset`.
  struct Change {
    std::uint64_t offset = 0;
    Bytes bytes;
    bool cut = false;
  };
  Bytes content;
  Bytes platter;
  std::vector<Change> unflushed;
  bool forgotten = false;  ///< content holds what a failed flush dropped
  std::uint64_t number = 0;
  int lock_owner = -1;  ///< handle that holds the advisory lock; -1: nobody
  std::vector<std::unique_ptr<std::byte[]>> shared_memory;
  std::array<int, 8> shared_locks{};  ///< of the shared memory: -1 exclusive, else number of readers
  int readers = 0;                    ///< SQLite's locks of the file itself
  bool reserved = false;
  bool pending = false;
  bool exclusive = false;
};

/// One disk, one folder: paths start with kRoot. Everything random in it comes from one seed.
///
/// While a SimDisk is alive it is the place where SQLite's default file layer and attune's own system calls
/// find paths below kRoot; others go to the real file system (sim_vfs.cpp, sim_posix.cpp). One at a time,
/// used by one thread.
class SimDisk {
 public:
  static constexpr std::string_view kRoot = "/attune-simulated/";
  static constexpr std::size_t kSector = 512;
  static constexpr std::size_t kPage = 4096;

  explicit SimDisk(std::uint64_t seed);
  ~SimDisk();
  SimDisk(const SimDisk&) = delete;
  SimDisk& operator=(const SimDisk&) = delete;
  SimDisk(SimDisk&&) = delete;
  SimDisk& operator=(SimDisk&&) = delete;

  /// The disk that is plugged in, or null.
  [[nodiscard]] static SimDisk* current() noexcept;
  [[nodiscard]] static bool owns(std::string_view path) noexcept { return path.starts_with(kRoot); }

  // ---- what programs do. All return 0 or a size, or -errno.
  using File = std::shared_ptr<SimFile>;
  [[nodiscard]] int open(const std::string& path, bool create, bool exclusive, File& out);
  [[nodiscard]] int look(const std::string& path, File& out);
  [[nodiscard]] std::ptrdiff_t read(SimFile& file, std::uint64_t offset, std::span<std::byte> out);
  [[nodiscard]] std::ptrdiff_t write(SimFile& file, std::uint64_t offset, ByteView bytes);
  [[nodiscard]] int truncate(SimFile& file, std::uint64_t size);
  [[nodiscard]] int flush(SimFile& file);
  [[nodiscard]] int flush_names();
  [[nodiscard]] int link(const std::string& from, const std::string& to);
  [[nodiscard]] int unlink(const std::string& path);
  [[nodiscard]] int rename(const std::string& from, const std::string& to);
  [[nodiscard]] int lock(SimFile& file, int owner, bool only_ask);
  [[nodiscard]] std::uint64_t links(const SimFile& file) const;
  [[nodiscard]] std::uint64_t random() { return rng_(); }

  // ---- what happens to it
  std::function<void(DiskCall)> on_call;  ///< asked before each call; a simulated scheduler lets others go on
  DiskFaults faults;
  std::shared_ptr<ManualClock> clock;  ///< moved on by slow flushes; may be null
  /// Calls so far; the process ends at call number `at` (counted from 1, from now), `before` it is done,
  /// after it, or half way through.
  [[nodiscard]] std::uint64_t calls() const noexcept { return calls_; }
  enum class Moment : std::uint8_t { before, after, torn };
  void end_at(std::uint64_t at, Moment moment);
  /// All further calls fail: the process does not exist any more. Destroy what it had, then restart().
  void end_now() noexcept { dead_ = true; }
  [[nodiscard]] bool dead() const noexcept { return dead_; }
  /// The next process starts; nothing is open, nothing is locked.
  void restart(DiskEnd how);
  /// True when a flush has lied about something that a loss of power then took.
  [[nodiscard]] bool lied() const noexcept { return lied_; }
  void calm() {
    faults = {};
    stuck_ = 0;
  }

  // ---- images, for damage and comparison
  using Image = std::map<std::string, Bytes>;
  [[nodiscard]] Image image() const;
  void put(const Image& image);
  [[nodiscard]] Bytes* content(const std::string& path);
  [[nodiscard]] std::string path(std::string_view name) const {
    return std::string(kRoot) + std::string(name);
  }

 private:
  struct NameChange {
    std::string path;
    File file;                 ///< null: the name is gone
    std::string moved_from{};  ///< goes at the same moment
  };
  struct Verdict {
    int error = 0;
    bool partly = false;
    bool dies = false;
  };
  [[nodiscard]] Verdict begin(DiskCall call);
  [[nodiscard]] int chance_of_error(DiskCall call);
  void set_name(const std::string& path, File file);
  void lose_power();
  void lose_power(SimFile& file);
  [[nodiscard]] bool happens(double chance) { return chance > 0.0 && rng_.uniform() < chance; }
  static void apply(Bytes& content, const SimFile::Change& change);

  Rng rng_;
  std::map<std::string, File> names_;
  std::map<std::string, File> platter_names_;
  std::vector<NameChange> unflushed_names_;
  std::uint64_t calls_ = 0;
  std::uint64_t end_call_ = 0;
  Moment end_moment_ = Moment::before;
  std::uint64_t next_number_ = 1;
  int stuck_ = 0;
  bool dead_ = false;
  bool lied_ = false;
  bool lie_pending_ = false;
};

}  // namespace attune::test
