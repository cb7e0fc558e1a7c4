// SPDX-License-Identifier: Apache-2.0
// The store alone: appends, reads and checkpoints of the SQLite journal, each beside what the disk itself
// asks for the same bytes (a file of which space was set aside before, pwrite and fdatasync). Files lie in
// the working directory.
#include <fcntl.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <benchmark/benchmark.h>

#include <attune/core/record.hpp>
#include <attune/core/rng.hpp>
#include <attune/store/journal.hpp>

#include "core/hash.hpp"

namespace attune::bench {
namespace {

constexpr std::size_t kMiB = std::size_t{1} << 20U;

/// A file name of its own, removed with what SQLite puts beside it.
class Place {
 public:
  Place() : path_("bench_store-" + std::to_string(::getpid()) + "-" + std::to_string(next_++)) {}
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;
  Place(Place&&) = delete;
  Place& operator=(Place&&) = delete;
  ~Place() {
    for (const char* suffix : {"", "-wal", "-shm", "-lock"}) {
      std::filesystem::remove(path_ + suffix);
    }
  }
  [[nodiscard]] const std::string& path() const noexcept { return path_; }
  [[nodiscard]] std::unique_ptr<Journal> open() const {
    Result<std::unique_ptr<Journal>> journal = open_sqlite_journal(path_, OpenMode::read_write);
    if (!journal) {
      std::fprintf(stderr, "bench_store: %s\n", journal.error().message.c_str());
      std::exit(1);
    }
    return std::move(*journal);
  }

 private:
  static inline int next_ = 0;
  std::string path_;
};

/// Decisions with eight features, as the engine hands them over: numbered and sealed.
class Records {
 public:
  explicit Records(std::size_t count) : bytes_(count), views_(count) {
    for (std::size_t i = 0; i < count; ++i) {
      DecisionRecord record;
      record.header.id = Uuid::v7(static_cast<Nanos>(i), 0, i + 1);
      record.header.time = static_cast<Nanos>(i);
      record.arm = to_arm(i % 10);
      record.propensity = 0.1;
      record.input.dense = features_;
      bytes_[i].resize(encoded_size(record));
      encode(record, bytes_[i]);
    }
  }
  /// The records as positions first, first + 1, ...
  std::span<const ByteView> from(std::uint64_t first) {
    for (std::size_t i = 0; i < bytes_.size(); ++i) {
      finish_record(bytes_[i], first + i);
      views_[i] = bytes_[i];
    }
    return views_;
  }
  [[nodiscard]] std::size_t size() const {
    return bytes_.empty() ? 0 : bytes_.size() * bytes_.front().size();
  }

 private:
  std::vector<double> features_ = std::vector<double>(8, 0.5);
  std::vector<Bytes> bytes_;
  std::vector<ByteView> views_;
};

void must(benchmark::State& state, const Result<void>& done) {
  if (!done) {
    state.SkipWithError(done.error().message.c_str());
  }
}

/// Rows a second, `range(0)` of them in each durable transaction.
void append_to_journal(benchmark::State& state) {
  const Place place;
  const std::unique_ptr<Journal> journal = place.open();
  Records records(static_cast<std::size_t>(state.range(0)));
  for (auto _ : state) {
    must(state, journal->append(records.from(journal->last_position() + 1)));
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}

/// The same bytes into space that is already the file's: what durability itself costs here.
void append_to_file(benchmark::State& state) {
  const Place place;
  Records records(static_cast<std::size_t>(state.range(0)));
  const int file = ::open(place.path().c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  const std::vector<char> zeros(64 * kMiB);
  if (file < 0 || ::pwrite(file, zeros.data(), zeros.size(), 0) != static_cast<ssize_t>(zeros.size()) ||
      ::fdatasync(file) != 0) {
    state.SkipWithError("the file could not be made");
    return;
  }
  const Bytes batch(records.size());
  std::size_t offset = 0;
  for (auto _ : state) {
    offset = offset + batch.size() > zeros.size() ? 0 : offset;
    const bool done = ::pwrite(file, batch.data(), batch.size(), static_cast<off_t>(offset)) ==
                          static_cast<ssize_t>(batch.size()) &&
                      ::fdatasync(file) == 0;
    if (!done) {
      state.SkipWithError("the file could not be written");
    }
    offset += batch.size();
  }
  ::close(file);
  state.SetItemsProcessed(state.iterations() * state.range(0));
}

/// Records a second, read back with checksum and chain checked, as recovery does.
void read_journal(benchmark::State& state) {
  const Place place;
  const std::unique_ptr<Journal> journal = place.open();
  Records records(1000);
  for (int i = 0; i < 100; ++i) {
    must(state, journal->append(records.from(journal->last_position() + 1)));
  }
  for (auto _ : state) {
    std::uint64_t count = 0;
    must(state, journal->read(1, [&](ByteView) {
      ++count;
      return true;
    }));
    benchmark::DoNotOptimize(count);
  }
  state.SetItemsProcessed(state.iterations() * 100'000);
}

/// Checkpoints of `range(0)` KiB that change from one to the next everywhere.
void checkpoint_to_journal(benchmark::State& state) {
  const Place place;
  const std::unique_ptr<Journal> journal = place.open();
  Records records(1);
  Bytes bytes(static_cast<std::size_t>(state.range(0)) * 1024);
  Rng rng(1);
  for (auto _ : state) {
    state.PauseTiming();
    for (std::size_t i = 0; i + 8 <= bytes.size(); i += 8) {
      const std::uint64_t word = rng();
      std::memcpy(&bytes[i], &word, sizeof word);
    }
    state.ResumeTiming();
    const Result<CheckpointInfo> info =
        journal->append(records.from(journal->last_position() + 1), bytes, 0, "config", 3);
    must(state, info ? Result<void>{} : tl::unexpected(info.error()));
    state.PauseTiming();
    journal->tidy();
    state.ResumeTiming();
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(bytes.size()));
}

/// The same bytes hashed, into space that is already the file's.
void checkpoint_to_file(benchmark::State& state) {
  const Place place;
  const Bytes bytes(static_cast<std::size_t>(state.range(0)) * 1024);
  const int file = ::open(place.path().c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  const auto write = [&] {
    return ::pwrite(file, bytes.data(), bytes.size(), 0) == static_cast<ssize_t>(bytes.size()) &&
           ::fdatasync(file) == 0;
  };
  if (file < 0 || !write()) {
    state.SkipWithError("the file could not be made");
    return;
  }
  for (auto _ : state) {
    benchmark::DoNotOptimize(sha256(bytes));
    if (!write()) {
      state.SkipWithError("the file could not be written");
    }
  }
  ::close(file);
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(bytes.size()));
}

BENCHMARK(append_to_journal)->Arg(1)->Arg(10)->Arg(100)->Arg(1000)->UseRealTime();
BENCHMARK(append_to_file)->Arg(1)->Arg(10)->Arg(100)->Arg(1000)->UseRealTime();
BENCHMARK(read_journal)->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK(checkpoint_to_journal)->Arg(64)->Arg(1024)->Arg(8192)->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK(checkpoint_to_file)->Arg(64)->Arg(1024)->Arg(8192)->UseRealTime()->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace attune::bench
