// SPDX-License-Identifier: Apache-2.0
/// @file
/// WriterLock: at most one writer per store, known by its process; and a second witness of what was
/// acknowledged.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <attune/core/error.hpp>

namespace attune::detail {

/// The file "<store>-lock": an advisory lock that the kernel drops when its process ends, however it ends,
/// and one line of text that tells other programs who holds it and up to which position the store was
/// committed.
///
/// SQLite's own locks would not do: in WAL mode they let a second writer in between two transactions, and
/// with locking_mode=EXCLUSIVE they keep readers out.
class WriterLock {
 public:
  struct Content {
    std::string store_id;
    std::int64_t process = 0;
    std::uint64_t position = 0;
  };

  enum class LineState : std::uint8_t {
    none,       ///< there is no lock file, or it is empty
    good,       ///< its checksum fits
    unchecked,  ///< as format 1 wrote it, without a checksum
    damaged,    ///< anything else
  };
  struct Line {
    LineState state = LineState::none;
    Content content;  ///< only where it is good or unchecked
  };

  /// Takes the lock without waiting. Errors: io, naming the process that has it.
  [[nodiscard]] static Result<WriterLock> take(const std::string& store_path);
  /// What the file says.
  [[nodiscard]] static Line peek(const std::string& store_path);
  /// The process that has the lock now; no value: nobody.
  [[nodiscard]] static std::optional<std::int64_t> holder(const std::string& store_path);

  WriterLock(WriterLock&& other) noexcept;
  WriterLock& operator=(WriterLock&& other) noexcept;
  WriterLock(const WriterLock&) = delete;
  WriterLock& operator=(const WriterLock&) = delete;
  ~WriterLock();

  /// Writes the whole line. Errors: io.
  [[nodiscard]] Result<void> write(std::string_view store_id, std::uint64_t position);
  /// Writes a higher position and its checksum: one small system call, no flush. A failure is no harm: the
  /// old, lower position holds.
  void note_position(std::uint64_t position) noexcept;
  /// Writes a lower position, and returns when it is on the disk: what is committed next takes acknowledged
  /// records back, and a higher one would call them lost. Errors: io.
  [[nodiscard]] Result<void> lower_position(std::uint64_t position);
  /// False in a forked child: it must not use its parent's connection.
  [[nodiscard]] bool owned_by_this_process() const noexcept;

 private:
  static constexpr std::size_t kLineSize = 116;
  explicit WriterLock(int descriptor) noexcept;
  void set_position(std::uint64_t position) noexcept;
  int descriptor_ = -1;
  std::int64_t process_ = 0;
  std::array<char, kLineSize> line_{};
};

}  // namespace attune::detail
