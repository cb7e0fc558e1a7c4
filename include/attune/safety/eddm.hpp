// SPDX-License-Identifier: Apache-2.0
/// @file
/// Eddm: drift of the distance between errors below its largest.
#pragma once

#include <cstdint>
#include <string_view>
#include <tuple>

#include <attune/safety/drift.hpp>

namespace attune {

/// Options of Eddm.
struct EddmConfig {
  std::uint64_t warm_start = 30;
  double alpha = 0.95;
  double beta = 0.9;

  template <class Self, class Visitor>
  static constexpr void fields(Self& self, Visitor&& visit) {
    visit("warm_start", self.warm_start, Bounds{0, 1e15}, "values, and errors, before the first test");
    visit("alpha", self.alpha, Bounds{0.0, 1.0}, "share of the largest distance below which is a warning");
    visit("beta", self.beta, Bounds{0.0, 1.0},
          "share of the largest distance below which is a drift; at most alpha");
  }
  bool operator==(const EddmConfig&) const = default;
};

/// With d and s mean and standard deviation of the distance between two errors: drift when
/// (d + 2 s) / max(d + 2 s) < beta, a warning below alpha, which stays until an error clears it. After a
/// drift all starts anew at the next value.
///
/// Values: 1 is an error, anything else is none. Signals are those of River's EDDM.
/// Source: Baena-Garcia et al. (2006), "Early Drift Detection Method", IWKDDS.
/// Limits: one-sided; many false alarms (docs/drift.md).
class Eddm {
 public:
  using Config = EddmConfig;

  static constexpr std::string_view kName = "eddm";
  static constexpr std::uint32_t kStateVersion = 1;

  /// Errors: invalid_config, naming the field.
  [[nodiscard]] static Result<Eddm> make(const Config& config);

  [[nodiscard]] Signal update(double value) noexcept;
  void reset() noexcept;
  [[nodiscard]] const StreamCount& count() const noexcept { return count_; }

  void save(Writer& writer) const;
  /// Errors: corrupt_state; unchanged on error.
  [[nodiscard]] Result<void> load(Reader& reader);
  [[nodiscard]] Description describe() const;
  [[nodiscard]] bool operator==(const Eddm&) const = default;

 private:
  struct State {
    std::uint64_t values = 0;
    std::uint64_t last_error = 0;
    std::uint64_t errors = 0;
    double mean = 0.0;
    double squares = 0.0;
    double largest = -1.0;
    bool warning = false;
    bool restart = false;

    static auto tie(auto& s) {
      return std::tie(s.values, s.last_error, s.errors, s.mean, s.squares, s.largest, s.warning, s.restart);
    }
    bool operator==(const State&) const = default;
  };

  explicit Eddm(const Config& config) : config_(config) {}

  Config config_;
  StreamCount count_;
  State state_;
};

}  // namespace attune
