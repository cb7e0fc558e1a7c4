// SPDX-License-Identifier: Apache-2.0
/// @file
/// Stepd: test of equal proportions of errors.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include <attune/safety/drift.hpp>

namespace attune {

/// Options of Stepd.
struct StepdConfig {
  std::uint32_t window_size = 30;
  double drift_alpha = 0.0003;
  double warning_alpha = 0.05;

  template <class Self, class Visitor>
  static constexpr void fields(Self& self, Visitor&& visit) {
    visit("window_size", self.window_size, Bounds{5, 4096},
          "newest values that are compared with all before");
    visit("drift_alpha", self.drift_alpha, Bounds{1e-300, 0.5}, "probability of a false drift in one test");
    visit("warning_alpha", self.warning_alpha, Bounds{1e-300, 0.5}, "the same of a warning");
  }
  bool operator==(const StepdConfig&) const = default;
};

/// Test of equal proportions, with continuity correction, of the errors among the newest window_size values
/// against those before; drift when the newest have more and the p-value is below drift_alpha. After a drift
/// all starts anew.
///
/// Values: above 0.5 an error. Source: Nishida, Yamauchi (2007), "Detecting Concept Drift Using Statistical
/// Testing", Discovery Science, 264-269. Difference: drift_alpha is a tenth of theirs.
class Stepd {
 public:
  using Config = StepdConfig;

  static constexpr std::string_view kName = "stepd";
  static constexpr std::uint32_t kStateVersion = 1;

  /// Errors: invalid_config, naming the field.
  [[nodiscard]] static Result<Stepd> make(const Config& config);

  [[nodiscard]] Signal update(double value) noexcept;
  void reset() noexcept;
  [[nodiscard]] const StreamCount& count() const noexcept { return count_; }

  void save(Writer& writer) const;
  /// Errors: corrupt_state; unchanged on error.
  [[nodiscard]] Result<void> load(Reader& reader);
  [[nodiscard]] Description describe() const;
  [[nodiscard]] bool operator==(const Stepd&) const = default;

 private:
  explicit Stepd(const Config& config);

  Config config_;
  StreamCount count_;
  std::uint64_t values_ = 0;
  std::uint64_t older_errors_ = 0;
  std::uint32_t newer_errors_ = 0;
  std::uint32_t next_ = 0;
  std::vector<std::uint8_t> window_;  // a ring
};

}  // namespace attune
