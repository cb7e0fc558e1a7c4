// SPDX-License-Identifier: Apache-2.0
/// @file
/// What the tests of the store share: a folder of their own, records, and a look at the file with plain
/// SQLite.
#pragma once

#include <unistd.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>
#include <sqlite3.h>

#include <attune/core/record.hpp>
#include <attune/store/journal.hpp>

namespace attune::test {

/// A folder that goes with the test.
class TestFolder {
 public:
  TestFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "attune-store-XXXXXX").string();
    path_ = ::mkdtemp(pattern.data());
  }
  ~TestFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TestFolder(const TestFolder&) = delete;
  TestFolder& operator=(const TestFolder&) = delete;
  TestFolder(TestFolder&&) = delete;
  TestFolder& operator=(TestFolder&&) = delete;
  [[nodiscard]] std::string file(std::string_view name) const { return (path_ / name).string(); }
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

/// Encoded records with the memory they live in.
class RecordList {
 public:
  explicit RecordList(std::uint64_t first = 1) : next_(first) {}

  RecordList& decision(std::uint64_t id, std::uint32_t arm, std::uint32_t point = 0, bool greedy = true) {
    static constexpr double kFeatures[] = {0.5, -1.25, 3.0};
    DecisionRecord record;
    record.header.id = uuid(id);
    record.header.point = point;
    record.header.flags = greedy ? DecisionRecord::kGreedy : 0;
    record.sequence = id;
    record.version = id;
    record.propensity = arm == 9 ? std::numeric_limits<double>::quiet_NaN() : 0.25;
    record.score = 0.75;
    record.arm = to_arm(arm);
    record.input.dense = kFeatures;
    return add(record);
  }
  /// A decision about somebody.
  RecordList& about(std::uint64_t subject, std::uint64_t id) {
    DecisionRecord record;
    record.header.id = uuid(id);
    record.sequence = id;
    record.propensity = 0.5;
    record.arm = to_arm(1);
    record.subject = subject;
    return add(record);
  }
  /// A decision that something else than the policy's wish made.
  RecordList& overruled(Rung rung, ChoiceReason reason, std::uint64_t id) {
    DecisionRecord record;
    record.header.id = uuid(id);
    record.sequence = id;
    record.propensity = 0.5;
    record.arm = to_arm(1);
    record.rung = rung;
    record.reason = reason;
    return add(record);
  }
  RecordList& outcome(std::uint64_t id, double quality, double cost = 0.5) {
    OutcomeRecord record;
    record.header.id = uuid(id);
    record.component_count = 2;
    record.components[0] = {"quality", quality};
    record.components[1] = {"cost", cost};
    return add(record);
  }
  RecordList& event(EventKind kind, std::string_view text = {}, std::uint32_t point = 0) {
    EventRecord record;
    record.header.point = point;
    record.kind = kind;
    record.text = text;
    return add(record);
  }
  /// Decision, outcome and every fifth record an event.
  RecordList& mixed(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      if (next_ % 5 == 0) {
        event(EventKind::tick);
      } else if (next_ % 2 == 1) {
        decision(next_, static_cast<std::uint32_t>(next_ % 3));
      } else {
        outcome(next_ - 1, 0.125 * static_cast<double>(next_ % 8));
      }
    }
    return *this;
  }

  [[nodiscard]] std::vector<ByteView> views() const {
    std::vector<ByteView> views;
    for (const std::vector<std::uint64_t>& record : records_) {
      views.push_back(std::as_bytes(std::span(record)));
    }
    return views;
  }
  [[nodiscard]] std::span<std::byte> bytes(std::size_t index) {
    return std::as_writable_bytes(std::span(records_[index]));
  }
  [[nodiscard]] std::size_t size() const { return records_.size(); }

  [[nodiscard]] static Uuid uuid(std::uint64_t id) {
    return Uuid::v7(static_cast<Nanos>(id) * 1'000'000, id * 0x9E3779B97F4A7C15ULL, id);
  }
  [[nodiscard]] static Nanos time_of(std::uint64_t position) {
    return 1'700'000'000 * kSecond + static_cast<Nanos>(position) * kSecond;
  }

 private:
  template <class Record>
  RecordList& add(Record& record) {
    record.header.time = time_of(next_);
    std::vector<std::uint64_t>& words = records_.emplace_back(encoded_size(record) / sizeof(std::uint64_t));
    const std::span<std::byte> out = std::as_writable_bytes(std::span(words));
    encode(record, out);
    finish_record(out, next_++);
    return *this;
  }
  std::vector<std::vector<std::uint64_t>> records_;
  std::uint64_t next_;
};

[[nodiscard]] inline Bytes copy_of(ByteView bytes) { return {bytes.begin(), bytes.end()}; }

[[nodiscard]] inline std::string hex_of(ByteView bytes) {
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string hex;
  for (const std::byte byte : bytes) {
    hex += {kHex[std::to_integer<std::size_t>(byte >> 4U)],
            kHex[std::to_integer<std::size_t>(byte & std::byte{15})]};
  }
  return hex;
}

[[nodiscard]] inline Bytes state_of(std::size_t size, unsigned seed) {
  Bytes state(size);
  for (std::byte& byte : state) {
    seed = seed * 1664525U + 1013904223U;
    byte = static_cast<std::byte>(seed >> 24U);
  }
  return state;
}

/// All records from `first`, or the error.
[[nodiscard]] inline Result<std::vector<Bytes>> read_all(Journal& journal, std::uint64_t first = 1) {
  std::vector<Bytes> records;
  return journal
      .read(first,
            [&](ByteView record) {
              records.push_back(copy_of(record));
              return true;
            })
      .map([&] { return std::move(records); });
}

[[nodiscard]] inline std::string bytes_of_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

inline void write_file(const std::string& path, std::string_view bytes) {
  std::ofstream(path, std::ios::binary | std::ios::trunc)
      .write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

/// Opens for writing; the test stops when that fails.
[[nodiscard]] inline std::unique_ptr<Journal> open_or_die(const std::string& path,
                                                          OpenMode mode = OpenMode::read_write) {
  Result<std::unique_ptr<Journal>> journal = open_sqlite_journal(path, mode);
  if (!journal) {
    ADD_FAILURE() << journal.error().message;
    std::abort();
  }
  return std::move(*journal);
}

/// Runs SQL with plain SQLite, as an operator with the sqlite3 shell would; first column of the first row as
/// text.
inline std::string run_sql(const std::string& path, const std::string& sql) {
  sqlite3* database = nullptr;
  EXPECT_EQ(sqlite3_open(path.c_str(), &database), SQLITE_OK);
  EXPECT_EQ(sqlite3_exec(database, "PRAGMA synchronous = OFF", nullptr, nullptr, nullptr), SQLITE_OK);
  std::string first;
  bool found = false;
  const auto take = [&](int columns, char** values) {
    if (!found && columns > 0) {
      first = values[0] != nullptr ? values[0] : "NULL";
      found = true;
    }
    return 0;
  };
  const auto call = [](void* taker, int columns, char** values, char** /*names*/) {
    return (*static_cast<decltype(take)*>(taker))(columns, values);
  };
  char* message = nullptr;
  EXPECT_EQ(
      sqlite3_exec(database, sql.c_str(), call, const_cast<void*>(static_cast<const void*>(&take)), &message),
      SQLITE_OK)
      << (message != nullptr ? message : "");
  sqlite3_free(message);
  sqlite3_close(database);
  return first;
}

}  // namespace attune::test
