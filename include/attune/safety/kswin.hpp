// SPDX-License-Identifier: Apache-2.0
/// @file
/// Kswin: Kolmogorov-Smirnov test over a sliding window.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include <attune/safety/drift.hpp>

namespace attune {

/// Options of Kswin.
struct KswinConfig {
  double alpha = 1e-6;
  std::uint32_t window_size = 300;
  std::uint32_t stat_size = 100;
  std::uint32_t stride = 10;

  template <class Self, class Visitor>
  static constexpr void fields(Self& self, Visitor&& visit) {
    visit("alpha", self.alpha, Bounds{1e-300, 0.5}, "probability of a false drift in one test");
    visit("window_size", self.window_size, Bounds{20, 4096}, "values kept");
    visit("stat_size", self.stat_size, Bounds{5, 2048},
          "newest of them that are compared with the others; at most half");
    visit("stride", self.stride, Bounds{1, 4096}, "values between two tests");
  }
  bool operator==(const KswinConfig&) const = default;
};

/// Every `stride` values: two-sample Kolmogorov-Smirnov test of the newest stat_size values against the
/// others of the window. Drift when its p-value is below alpha, a warning below its square root; the newest
/// stat_size values stay. Sees any change of distribution, not of the mean alone, if it is large.
///
/// Source: Raab, Heusinger, Schleif (2020), "Reactive Soft Prototype Computing for Concept Drift Streams",
/// Neurocomputing. Difference: all older values take part instead of a random sample of them, so that the
/// detector needs no randomness.
/// Cost: O(window_size log window_size) every `stride` values; memory for two windows, reserved in `make`.
class Kswin {
 public:
  using Config = KswinConfig;

  static constexpr std::string_view kName = "kswin";
  static constexpr std::uint32_t kStateVersion = 1;

  /// Errors: invalid_config, naming the field.
  [[nodiscard]] static Result<Kswin> make(const Config& config);

  [[nodiscard]] Signal update(double value) noexcept;
  void reset() noexcept;
  [[nodiscard]] const StreamCount& count() const noexcept { return count_; }

  void save(Writer& writer) const;
  /// Errors: corrupt_state; unchanged on error.
  [[nodiscard]] Result<void> load(Reader& reader);
  [[nodiscard]] Description describe() const;
  [[nodiscard]] bool operator==(const Kswin&) const = default;

 private:
  explicit Kswin(const Config& config);
  [[nodiscard]] Signal test() noexcept;

  Config config_;
  StreamCount count_;
  std::uint64_t since_ = 0;     // values since the last test
  std::size_t held_ = 0;        // values in the window
  std::size_t next_ = 0;        // where the next one goes
  std::vector<double> window_;  // a ring; 0 where nothing was put yet

  // Scratch of a test; always as long as the window, and cleared after it.
  std::vector<double> sorted_;
};

}  // namespace attune
