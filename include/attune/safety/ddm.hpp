// SPDX-License-Identifier: Apache-2.0
/// @file
/// Ddm: drift of an error rate above its lowest.
#pragma once

#include <cstdint>
#include <string_view>
#include <tuple>

#include <attune/safety/drift.hpp>

namespace attune {

/// Options of Ddm.
struct DdmConfig {
  std::uint64_t warm_start = 30;
  double warning_threshold = 2.0;
  double drift_threshold = 3.0;

  template <class Self, class Visitor>
  static constexpr void fields(Self& self, Visitor&& visit) {
    visit("warm_start", self.warm_start, Bounds{0, 1e15}, "values before the first test");
    visit("warning_threshold", self.warning_threshold, Bounds{0.0, 1e6},
          "deviations above the minimum that are a warning");
    visit("drift_threshold", self.drift_threshold, Bounds{0.0, 1e6},
          "deviations above the minimum that are a drift");
  }
  bool operator==(const DdmConfig&) const = default;
};

/// With p the error rate and s = sqrt(p (1 - p) / n): drift when p + s > p_min + drift_threshold s_min, where
/// the minimum is that of p + s from n > warm_start on. After a drift all starts anew at the next value.
///
/// Values: 1 an error, 0 none; others are taken as the nearest of [0, 1]. Signals are those of River's DDM.
/// Source: Gama, Medas, Castillo, Rodrigues (2004), "Learning with Drift Detection", SBIA, 286-295.
/// Limits: one-sided; no bound on false alarms; slow changes pass unseen (docs/drift.md).
class Ddm {
 public:
  using Config = DdmConfig;

  static constexpr std::string_view kName = "ddm";
  static constexpr std::uint32_t kStateVersion = 1;

  /// Errors: invalid_config, naming the field.
  [[nodiscard]] static Result<Ddm> make(const Config& config);

  [[nodiscard]] Signal update(double value) noexcept;
  void reset() noexcept;
  [[nodiscard]] const StreamCount& count() const noexcept { return count_; }

  void save(Writer& writer) const;
  /// Errors: corrupt_state; unchanged on error.
  [[nodiscard]] Result<void> load(Reader& reader);
  [[nodiscard]] Description describe() const;
  [[nodiscard]] bool operator==(const Ddm&) const = default;

 private:
  struct State {
    std::uint64_t values = 0;
    double rate = 0.0;
    double least_rate = 0.0;
    double least_deviation = 0.0;
    bool has_least = false;
    bool restart = false;

    static auto tie(auto& s) {
      return std::tie(s.values, s.rate, s.least_rate, s.least_deviation, s.has_least, s.restart);
    }
    bool operator==(const State&) const = default;
  };

  explicit Ddm(const Config& config) : config_(config) {}

  Config config_;
  StreamCount count_;
  State state_;
};

}  // namespace attune
