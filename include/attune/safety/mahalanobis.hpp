// SPDX-License-Identifier: Apache-2.0
/// @file
/// Mahalanobis: contexts that are not like those that a policy or model has learned from.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string_view>
#include <vector>

#include <attune/safety/quantile_tracker.hpp>
#include <attune/safety/vector_anomaly.hpp>

namespace attune {

/// Options of Mahalanobis.
struct MahalanobisConfig {
  std::uint32_t dimension = 1;
  double level = 0.001;
  std::uint32_t warm_up = 100;
  double shrink = 0.01;
  double weight = 0.0;
  std::uint32_t refresh = 32;
  double step = 0.05;
  AnomalyRules rules{};

  template <class Self, class Visitor>
  static constexpr void fields(Self& self, Visitor&& visit) {
    visit("dimension", self.dimension, Bounds{1, 512}, "numbers in a vector");
    visit("level", self.level, Bounds{1e-6, 0.5}, "share of vectors that are to be anomalies");
    visit("warm_up", self.warm_up, Bounds{3, 4e9}, "vectors before the first verdict");
    visit("shrink", self.shrink, Bounds{1e-6, 1.0}, "by how much correlations are drawn towards 0");
    visit("weight", self.weight, Bounds{0.0, 0.5},
          "least weight of the newest vector; 0: all weigh the same");
    visit("refresh", self.refresh, Bounds{1, 1e6}, "vectors between two factorizations");
    visit("step", self.step, Bounds{0.0, 1.0},
          "how fast the threshold goes to the level, in parts of its start; 0: it stays");
    AnomalyRules::fields(self.rules, visit);
  }
  bool operator==(const MahalanobisConfig&) const = default;
};

/// Squared Mahalanobis distance of a vector from the running mean.
///
/// With m and C mean and covariance by Welford's update, s_i = sqrt(C_ii), z_i = (x_i - m_i) / s_i and
/// correlations R = (1 - shrink) corr(C) + shrink I:
///
///     score = z' R^-1 z / (1 + q),    q the sum of the squared weights (1/n where all weigh the same);
///
/// the last factor is for the error of the mean. m, s and the Cholesky factor of R are those of the last
/// refresh. A feature that was constant has z = 0 for its value and 10^4 for any other, unless `min_spread`
/// is its s.
///
/// The threshold starts at the 1 - level quantile of chi-squared with `dimension` degrees of freedom, right
/// for normal vectors and n much larger than dimension, and goes from there to where `level` of the vectors
/// exceed it, whatever they are (QuantileTracker). Without steps, shrinkage and weights the score of normal
/// vectors is Hotelling's: (n - d) n / (d (n^2 - 1)) score is F-distributed with d and n - d degrees of
/// freedom.
///
/// learn = clipped: an anomaly is learned as the point towards the mean whose score is the threshold.
///
/// Source: Mahalanobis (1936); Hotelling (1931), Ann. Math. Stat. 2, 360-378; Welford (1962); Ledoit, Wolf
/// (2004), J. Multivar. Anal. 88, 365-411, for shrinkage (theirs is estimated, this one is given). Cost:
/// O(dimension^2) a vector, O(dimension^3) every `refresh`; 16 dimension^2 bytes, allocated in `make`.
/// Limits: one hump; for several, or what is no vector of numbers, HalfSpaceTrees.
class Mahalanobis {
 public:
  using Config = MahalanobisConfig;

  static constexpr std::string_view kName = "mahalanobis";
  static constexpr std::uint32_t kStateVersion = 1;
  static constexpr std::size_t kMaxDimension = 512;

  /// Errors: invalid_config, naming the field.
  [[nodiscard]] static Result<Mahalanobis> make(const Config& config);

  [[nodiscard]] VectorAnomaly score(Features features) const noexcept;
  [[nodiscard]] VectorAnomaly update(Features features) noexcept;
  /// Forgets the stream, not the counters.
  void reset() noexcept;
  [[nodiscard]] const AnomalyCount& count() const noexcept { return watch_.count(); }
  [[nodiscard]] std::size_t dimension() const noexcept { return config_.dimension; }
  /// Of the score; infinite while warming up.
  [[nodiscard]] double threshold() const noexcept {
    return ready_ ? tracker_.threshold() : std::numeric_limits<double>::infinity();
  }
  [[nodiscard]] Features mean() const noexcept { return mean_; }
  /// Unbiased covariance of two features; 0 of fewer than two vectors.
  [[nodiscard]] double covariance(std::size_t row, std::size_t column) const noexcept;

  void save(Writer& writer) const;
  /// Errors: corrupt_state; unchanged on error.
  [[nodiscard]] Result<void> load(Reader& reader);
  [[nodiscard]] Description describe() const;
  [[nodiscard]] bool operator==(const Mahalanobis&) const = default;

 private:
  explicit Mahalanobis(const Config& config, double threshold);
  void learn(Features features, double scale) noexcept;
  void refresh() noexcept;
  [[nodiscard]] bool sound() const noexcept;

  Config config_;
  double start_;  // of the threshold
  AnomalyWatch watch_;
  QuantileTracker tracker_;
  std::uint64_t learned_ = 0;
  double squares_ = 1.0;
  std::vector<double> mean_;
  std::vector<double> covariance_;  // biased; column-major, lower triangle
  // Of the last refresh:
  bool ready_ = false;
  double inflation_ = 1.0;  // 1 / (1 + q)
  std::vector<double> center_;
  std::vector<double> inverse_;  // 1 / s; 0: constant
  std::vector<double> factor_;   // of R; column-major, lower triangle
};

}  // namespace attune
