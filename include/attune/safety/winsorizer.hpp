// SPDX-License-Identifier: Apache-2.0
/// @file
/// Winsorizer: clips values to quantiles of the newest ones.
#pragma once

#include <cstdint>
#include <string_view>

#include <attune/core/concepts.hpp>
#include <attune/safety/sorted_window.hpp>

namespace attune {

/// Options of Winsorizer.
struct WinsorizerConfig {
  double lower = 0.01;
  double upper = 0.99;
  std::uint32_t window = 1000;
  std::uint32_t warm_up = 100;

  template <class Self, class Visitor>
  static constexpr void fields(Self& self, Visitor&& visit) {
    visit("lower", self.lower, Bounds{0.0, 0.5}, "quantile that is the least that passes");
    visit("upper", self.upper, Bounds{0.5, 1.0}, "quantile that is the most that passes");
    visit("window", self.window, Bounds{2, 65536}, "newest values that are kept");
    visit("warm_up", self.warm_up, Bounds{2, 65536}, "values that pass as they are at first; at most window");
  }
  bool operator==(const WinsorizerConfig&) const = default;
};

/// Gives each value back, clipped to the quantiles `lower` and `upper` of the values before it.
///
/// What is kept is the value itself: were it the clipped one, the bounds could only ever come nearer. So less
/// than a share `lower` (1 - `upper`) of hostile values moves a bound by little, and more than that moves it
/// anywhere.
///
/// Source: Hastings et al. (1947), Ann. Math. Stat. 18, 413-426. Cost: that of SortedWindow; no allocation.
class Winsorizer {
 public:
  using Config = WinsorizerConfig;

  static constexpr std::string_view kName = "winsorizer";
  static constexpr std::uint32_t kStateVersion = 1;

  /// Errors: invalid_config, naming the field.
  [[nodiscard]] static Result<Winsorizer> make(const Config& config);

  /// NaN stays NaN; infinities are clipped once there are bounds.
  [[nodiscard]] double clip(double value) const noexcept;
  /// clip(value), and learns it; what is not finite is counted and not learned.
  [[nodiscard]] double update(double value) noexcept;
  /// Forgets the values, not the counters.
  void reset() noexcept { window_.reset(); }
  [[nodiscard]] std::uint64_t values() const noexcept { return values_; }
  [[nodiscard]] std::uint64_t clipped() const noexcept { return clipped_; }
  [[nodiscard]] std::uint64_t skipped() const noexcept { return skipped_; }

  void save(Writer& writer) const;
  /// Errors: corrupt_state; unchanged on error.
  [[nodiscard]] Result<void> load(Reader& reader);
  [[nodiscard]] Description describe() const;
  [[nodiscard]] bool operator==(const Winsorizer&) const = default;

 private:
  explicit Winsorizer(const Config& config) : config_(config), window_(config.window) {}

  Config config_;
  SortedWindow window_;
  std::uint64_t values_ = 0;
  std::uint64_t clipped_ = 0;
  std::uint64_t skipped_ = 0;
};

}  // namespace attune
