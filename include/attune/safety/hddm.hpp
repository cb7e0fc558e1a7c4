// SPDX-License-Identifier: Apache-2.0
/// @file
/// HddmA and HddmW: drift by Hoeffding's and McDiarmid's inequalities.
#pragma once

#include <cstdint>
#include <string_view>
#include <tuple>

#include <attune/safety/drift.hpp>

namespace attune {

/// Options of HddmA.
struct HddmAConfig {
  double drift_confidence = 0.001;
  double warning_confidence = 0.005;
  bool two_sided_test = false;

  template <class Self, class Visitor>
  static constexpr void fields(Self& self, Visitor&& visit) {
    visit("drift_confidence", self.drift_confidence, Bounds{1e-300, 1.0},
          "probability of a false drift in one test");
    visit("warning_confidence", self.warning_confidence, Bounds{1e-300, 1.0}, "the same of a warning");
    visit("two_sided_test", self.two_sided_test, Bounds{}, "also watch for a falling mean");
  }
  bool operator==(const HddmAConfig&) const = default;
};

/// Compares the mean of all values with its lowest stretch from the start by Hoeffding's inequality:
/// drift when mean - cut >= sqrt(m / 2 ln(2 / confidence)), m = (n - n_cut) / (n_cut n). With two_sided_test
/// also downwards. After a drift all starts anew at the next value.
///
/// Values in [0, 1]; others are clipped. Signals are those of River's HDDM_A.
/// Source: Frias-Blanco et al. (2014), "Online and Non-Parametric Drift Detection Methods Based on
/// Hoeffding's Bounds", IEEE TKDE 27(3), 810-823.
class HddmA {
 public:
  using Config = HddmAConfig;

  static constexpr std::string_view kName = "hddm_a";
  static constexpr std::uint32_t kStateVersion = 1;

  /// Errors: invalid_config, naming the field.
  [[nodiscard]] static Result<HddmA> make(const Config& config);

  [[nodiscard]] Signal update(double value) noexcept;
  void reset() noexcept;
  [[nodiscard]] const StreamCount& count() const noexcept { return count_; }

  void save(Writer& writer) const;
  /// Errors: corrupt_state; unchanged on error.
  [[nodiscard]] Result<void> load(Reader& reader);
  [[nodiscard]] Description describe() const;
  [[nodiscard]] bool operator==(const HddmA&) const = default;

 private:
  struct State {
    double values = 0.0;
    double mean = 0.0;
    double low_values = 0.0;
    double low_mean = 0.0;
    double high_values = 0.0;
    double high_mean = 0.0;
    bool restart = false;

    static auto tie(auto& s) {
      return std::tie(s.values, s.mean, s.low_values, s.low_mean, s.high_values, s.high_mean, s.restart);
    }
    bool operator==(const State&) const = default;
  };
  [[nodiscard]] bool rose(double confidence) const noexcept;
  [[nodiscard]] bool fell(double confidence) const noexcept;

  explicit HddmA(const Config& config) : config_(config) {}

  Config config_;
  StreamCount count_;
  State state_;
};

/// Options of HddmW.
struct HddmWConfig {
  double drift_confidence = 0.001;
  double warning_confidence = 0.005;
  double lambda_val = 0.05;
  bool two_sided_test = false;

  template <class Self, class Visitor>
  static constexpr void fields(Self& self, Visitor&& visit) {
    visit("drift_confidence", self.drift_confidence, Bounds{1e-300, 1.0},
          "probability of a false drift in one test");
    visit("warning_confidence", self.warning_confidence, Bounds{1e-300, 1.0}, "the same of a warning");
    visit("lambda_val", self.lambda_val, Bounds{1e-6, 1.0}, "weight of the newest value");
    visit("two_sided_test", self.two_sided_test, Bounds{}, "also watch for a falling mean");
  }
  bool operator==(const HddmWConfig&) const = default;
};

/// As HddmA with exponentially weighted means and McDiarmid's inequality: quicker on abrupt changes. The
/// stretch up to the lowest upper bound is compared with what came after it.
///
/// Values in [0, 1]; others are clipped. Signals are those of River's HDDM_W. Source: as HddmA.
class HddmW {
 public:
  using Config = HddmWConfig;

  static constexpr std::string_view kName = "hddm_w";
  static constexpr std::uint32_t kStateVersion = 1;

  /// Errors: invalid_config, naming the field.
  [[nodiscard]] static Result<HddmW> make(const Config& config);

  [[nodiscard]] Signal update(double value) noexcept;
  void reset() noexcept;
  [[nodiscard]] const StreamCount& count() const noexcept { return count_; }

  void save(Writer& writer) const;
  /// Errors: corrupt_state; unchanged on error.
  [[nodiscard]] Result<void> load(Reader& reader);
  [[nodiscard]] Description describe() const;
  [[nodiscard]] bool operator==(const HddmW&) const = default;

 private:
  /// An exponentially weighted mean and the sum of its squared weights.
  struct Sample {
    double mean = 0.0;
    double bound = 1.0;
    bool any = false;

    void add(double value, double weight) noexcept;
    bool operator==(const Sample&) const = default;
  };
  struct State {
    Sample total;
    Sample before_rise;
    Sample after_rise;
    Sample before_fall;
    Sample after_fall;
    double rise_cut = 0.0;  // valid once a value has come
    double fall_cut = 0.0;
    bool restart = false;

    bool operator==(const State&) const = default;
  };
  [[nodiscard]] double bound(double squares, double confidence) const noexcept;
  [[nodiscard]] bool above(const Sample& first, const Sample& second, double confidence) const noexcept;

  explicit HddmW(const Config& config) : config_(config) {}

  Config config_;
  StreamCount count_;
  State state_;
};

}  // namespace attune
