// SPDX-License-Identifier: Apache-2.0
/// @file
/// Bocpd: Bayesian online changepoint detection.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include <attune/safety/drift.hpp>
#include <attune/safety/robust_scale.hpp>

namespace attune {

/// Options of Bocpd.
struct BocpdConfig {
  double hazard = 1e-4;
  std::uint32_t max_run = 256;
  std::uint32_t recent = 128;
  double confidence = 0.99;

  template <class Self, class Visitor>
  static constexpr void fields(Self& self, Visitor&& visit) {
    visit("hazard", self.hazard, Bounds{1e-9, 0.5}, "probability of a change at each value");
    visit("max_run", self.max_run, Bounds{32, 4096}, "run lengths kept apart; longer ones are one");
    visit("recent", self.recent, Bounds{4, 1024}, "a run not longer than this is a change; below max_run");
    visit("confidence", self.confidence, Bounds{0.5, 1.0}, "probability of a recent change that is a drift");
  }
  bool operator==(const BocpdConfig&) const = default;
};

/// Posterior of the length of the current run under a normal model with unknown mean and variance (prior
/// normal-inverse-gamma: mean 0, weight 0.1, shape 1, rate 1, of scores). Drift when the runs of at most
/// `recent` values have together more than `confidence`, and the detector has seen more than twice as many; a
/// warning at half of that. After a drift the posterior starts anew; the scale of the scores stays unless
/// they left it.
///
/// Source: Adams, MacKay (2007), "Bayesian Online Changepoint Detection", arXiv:0710.3742. Difference: runs
/// beyond max_run are kept as one, the longest.
/// Cost: O(max_run) time and memory. Limits: normal values; outliers look like short runs.
class Bocpd {
 public:
  using Config = BocpdConfig;

  static constexpr std::string_view kName = "bocpd";
  static constexpr std::uint32_t kStateVersion = 1;

  /// Errors: invalid_config, naming the field.
  [[nodiscard]] static Result<Bocpd> make(const Config& config);

  [[nodiscard]] Signal update(double value) noexcept;
  void reset() noexcept;
  [[nodiscard]] const StreamCount& count() const noexcept { return count_; }

  void save(Writer& writer) const;
  /// Errors: corrupt_state; unchanged on error.
  [[nodiscard]] Result<void> load(Reader& reader);
  [[nodiscard]] Description describe() const;
  [[nodiscard]] bool operator==(const Bocpd&) const = default;

 private:
  struct Run {
    double weight = 0.0;  // posterior probability
    double mean = 0.0;
    double rate = 0.0;
    bool operator==(const Run&) const = default;
  };

  explicit Bocpd(const Config& config);
  void restart() noexcept;
  [[nodiscard]] double predictive(std::size_t length, const Run& run, double score) const noexcept;

  Config config_;
  StreamCount count_;
  RobustScale scale_;
  std::uint64_t scores_ = 0;  // since the posterior began
  std::size_t used_ = 0;      // run lengths in use
  std::vector<Run> runs_;     // by length; 0 beyond what is used

  // Derived.
  std::vector<double> norm_;  // of the predictive density, by length
};

}  // namespace attune
