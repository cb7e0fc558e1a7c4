// SPDX-License-Identifier: Apache-2.0
/// @file
/// ProgressLine: one line on the terminal that says how far a long run is; silent everywhere else.
#pragma once

#include <chrono>
#include <cstddef>
#include <mutex>
#include <string>

namespace attune::sim {

/// Writes to stderr, only when it is a terminal, at most ten times a second, and wipes the line at the end.
/// With NO_COLOR set (or TERM=dumb) it stays plain text.
///
/// Threads: advance() may be called from any.
class ProgressLine {
 public:
  /// `label` says what is counted. `total` may be 0: then nothing is shown.
  ProgressLine(std::string label, std::size_t total);
  /// As above, shown or not as told; for tests.
  ProgressLine(std::string label, std::size_t total, bool shown);
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;
  ProgressLine(ProgressLine&&) = delete;
  ProgressLine& operator=(ProgressLine&&) = delete;
  ~ProgressLine();

  void advance(std::size_t by = 1);

  /// The line for a state of things, without control characters.
  [[nodiscard]] static std::string line(const std::string& label, std::size_t done, std::size_t total,
                                        std::chrono::duration<double> elapsed);

 private:
  using Clock = std::chrono::steady_clock;

  std::string label_;
  std::size_t total_;
  bool shown_;
  bool colour_;
  std::mutex mutex_;
  std::size_t done_ = 0;
  bool drawn_ = false;
  Clock::time_point start_ = Clock::now();
  Clock::time_point last_{};
};

}  // namespace attune::sim
