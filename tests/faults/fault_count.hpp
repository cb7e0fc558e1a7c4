// SPDX-License-Identifier: Apache-2.0
/// @file
/// FaultCount: one line `Fnn: N passed, N failed (what)` for each fault that a test looked at.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

#include <gtest/gtest.h>

namespace attune::test {

/// How much more than the share of continuous integration: ATTUNE_FAULT_SCALE, at least 1.
[[nodiscard]] inline std::uint64_t fault_scale() {
  const char* text = std::getenv("ATTUNE_FAULT_SCALE");
  const long long scale = text == nullptr ? 1 : std::atoll(text);
  return scale < 1 ? 1 : static_cast<std::uint64_t>(scale);
}

/// Counts cases and prints the line when it goes. A failed case fails the test; the first few say why.
class FaultCount {
 public:
  FaultCount(std::string fault, std::string what) : fault_(std::move(fault)), what_(std::move(what)) {}
  ~FaultCount() {
    std::printf("%s: %llu passed, %llu failed (%s)\n", fault_.c_str(),
                static_cast<unsigned long long>(passed_), static_cast<unsigned long long>(failed_),
                what_.c_str());
    std::fflush(stdout);
  }
  FaultCount(const FaultCount&) = delete;
  FaultCount& operator=(const FaultCount&) = delete;
  FaultCount(FaultCount&&) = delete;
  FaultCount& operator=(FaultCount&&) = delete;

  void pass(std::uint64_t cases = 1) noexcept { passed_ += cases; }
  void fail(const std::string& why) {
    constexpr std::uint64_t kShown = 10;
    if (++failed_ <= kShown) {
      ADD_FAILURE() << fault_ << ": " << why;
    } else {
      ::testing::Test::RecordProperty("further failures", static_cast<int>(failed_ - kShown));
    }
  }
  /// Empty: passed.
  void note(const std::string& why) { why.empty() ? pass() : fail(why); }
  [[nodiscard]] std::uint64_t failed() const noexcept { return failed_; }
  [[nodiscard]] std::uint64_t passed() const noexcept { return passed_; }

 private:
  std::string fault_;
  std::string what_;
  std::uint64_t passed_ = 0;
  std::uint64_t failed_ = 0;
};

}  // namespace attune::test
