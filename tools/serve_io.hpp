// SPDX-License-Identifier: Apache-2.0
/// @file
/// Lines from a file descriptor, answers to another, and signals that ask to stop.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>

namespace attune::tools {

/// Cuts what comes from a file descriptor into lines of a bounded length.
class LineReader {
 public:
  enum class Next : unsigned char {
    line,      ///< one line, without its newline
    too_long,  ///< a line was longer than the limit and passed over
    starved,   ///< no whole line is here: fill()
    end,       ///< the input has ended and everything in it was given
  };

  LineReader(int descriptor, std::size_t limit) noexcept : descriptor_(descriptor), limit_(limit) {}

  /// `line` stays valid until fill().
  [[nodiscard]] Next next(std::string_view& line);
  /// Reads what there is, waiting for at least one byte. An input that cannot be read has ended.
  void fill();

 private:
  int descriptor_;
  std::size_t limit_;
  std::string buffer_;
  std::size_t begin_ = 0;     ///< of what was not given yet
  std::size_t searched_ = 0;  ///< no newline before
  bool skipping_ = false;     ///< inside a line that is too long
  bool ended_ = false;
};

/// SIGTERM and SIGINT as something to wait for. One object a process.
class StopSignal {
 public:
  StopSignal();
  StopSignal(const StopSignal&) = delete;
  StopSignal& operator=(const StopSignal&) = delete;
  ~StopSignal();

  enum class Wake : unsigned char { readable, idle, stop };

  /// Waits until `descriptor` can be read, a signal came, or the time is over.
  [[nodiscard]] Wake wait(int descriptor, std::chrono::milliseconds limit) const;
  /// Writes all of `text`. After a signal a reader that takes nothing for so long (`grace`) is given up.
  /// False then, and when the reader is gone or the write was refused.
  [[nodiscard]] bool write_all(int descriptor, std::string_view text, std::chrono::milliseconds grace) const;

 private:
  [[nodiscard]] bool wait_for_room(int descriptor, std::chrono::milliseconds grace) const;

  int read_end_ = -1;
};

/// Writes all of `text`, however long that takes. False when the reader is gone or the write was refused.
[[nodiscard]] bool write_all(int descriptor, std::string_view text);

}  // namespace attune::tools
