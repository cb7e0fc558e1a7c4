// SPDX-License-Identifier: Apache-2.0
/// @file
/// Tests of one sample against another: PSI, Jensen-Shannon, chi-squared, Kolmogorov-Smirnov; corrections for
/// testing many features at once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <attune/core/error.hpp>

namespace attune {

/// What a test says.
struct TestResult {
  double statistic = 0.0;
  double threshold = 0.0;  ///< of the statistic, at the level that was asked for
  double p_value = 1.0;
  [[nodiscard]] bool drift() const noexcept { return statistic > threshold; }
};

/// Counts of two samples over the same bins, and the level of a test: the share of false alarms.
struct BinnedSamples {
  std::span<const std::uint64_t> reference;
  std::span<const std::uint64_t> current;
};

/// Population stability index, sum (p - q) ln(p / q) over the bins, each count raised by 1/2 so that empty
/// bins do not make it infinite. The threshold is not 0.1 or 0.2 but follows from the sizes: without drift
/// PSI is about (1/n + 1/m) chi-squared with (bins - 1) degrees of freedom.
///
/// Errors of all four: dimension_mismatch (unequal numbers of bins), invalid_argument (fewer than two bins
/// that have counts, an empty sample, level outside (0, 1)).
[[nodiscard]] Result<TestResult> psi_test(const BinnedSamples& samples, double level = 0.01);
/// Pearson's chi-squared test of homogeneity. Bins without counts are left out.
[[nodiscard]] Result<TestResult> chi_squared_test(const BinnedSamples& samples, double level = 0.01);
/// Jensen-Shannon divergence in nats, in [0, ln 2], of the samples weighted by size: times 2 (n + m) it is
/// the G statistic, about chi-squared with (bins - 1) degrees of freedom without drift.
[[nodiscard]] Result<TestResult> jensen_shannon_test(const BinnedSamples& samples, double level = 0.01);
/// Two-sample Kolmogorov-Smirnov test; the samples need not be sorted. Errors: invalid_argument (an empty
/// sample, level), non_finite.
[[nodiscard]] Result<TestResult> ks_test(std::span<const double> reference, std::span<const double> current,
                                         double level = 0.01);

/// Largest distance of the distribution functions of two sorted samples.
[[nodiscard]] double ks_distance(std::span<const double> first, std::span<const double> second) noexcept;
/// Its p-value by Kolmogorov's series with Stephens' correction: conservative with ties.
[[nodiscard]] double ks_p_value(double distance, std::size_t first, std::size_t second) noexcept;

/// Which hypotheses are rejected, one entry each.
/// Holm (1979): at most `level` probability of one false rejection or more, whatever the dependence.
[[nodiscard]] std::vector<bool> reject_holm(std::span<const double> p_values, double level);
/// Benjamini, Hochberg (1995): at most `level` expected share of false ones among the rejected, if the tests
/// are independent or positively dependent.
[[nodiscard]] std::vector<bool> reject_benjamini_hochberg(std::span<const double> p_values, double level);

/// Bins of one feature, made from a reference sample: equal shares of it, by its quantiles. Current values
/// are counted one at a time; counts of two histograms over the same edges can be added.
class BinnedFeature {
 public:
  /// Equal quantiles fall together, so that there may be fewer bins. Errors: invalid_argument (no value,
  /// fewer than 2 or more than 1024 bins), non_finite.
  [[nodiscard]] static Result<BinnedFeature> make(std::span<const double> reference, std::size_t bins = 10);

  /// Counts a value; NaN and infinities are counted apart.
  void add(double value) noexcept;
  /// Errors: dimension_mismatch, when the edges differ; unchanged then.
  [[nodiscard]] Result<void> merge(const BinnedFeature& other);
  void clear() noexcept;

  [[nodiscard]] BinnedSamples samples() const noexcept { return {reference_, current_}; }
  [[nodiscard]] std::span<const double> edges() const noexcept { return edges_; }
  [[nodiscard]] std::uint64_t skipped() const noexcept { return skipped_; }
  [[nodiscard]] bool operator==(const BinnedFeature&) const = default;

 private:
  BinnedFeature() = default;

  std::vector<double> edges_;  // inner ones, rising; bin i holds values in (edge i - 1, edge i]
  std::vector<std::uint64_t> reference_;
  std::vector<std::uint64_t> current_;
  std::uint64_t skipped_ = 0;
};

}  // namespace attune
