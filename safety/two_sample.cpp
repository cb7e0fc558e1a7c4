// SPDX-License-Identifier: Apache-2.0
#include <attune/safety/two_sample.hpp>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>

#include <boost/math/special_functions/gamma.hpp>

#include <attune/core/config.hpp>

namespace attune {
namespace {

// Errors come back as values, not as exceptions: the arguments below are in range.
using Quiet = boost::math::policies::policy<
    boost::math::policies::domain_error<boost::math::policies::ignore_error>,
    boost::math::policies::overflow_error<boost::math::policies::ignore_error>,
    boost::math::policies::evaluation_error<boost::math::policies::ignore_error>>;

[[nodiscard]] double chi_squared_tail(double statistic, double degrees) {
  return statistic <= 0.0 ? 1.0 : boost::math::gamma_q(0.5 * degrees, 0.5 * statistic, Quiet());
}
[[nodiscard]] double chi_squared_quantile(double level, double degrees) {
  return 2.0 * boost::math::gamma_q_inv(0.5 * degrees, level, Quiet());
}

struct Totals {
  double reference = 0.0;
  double current = 0.0;
  double bins = 0.0;  // that have counts
};

[[nodiscard]] Result<void> check_level(double level) {
  if (!(level > 0.0 && level < 1.0)) {
    return fail(Errc::invalid_argument, "level = " + number_text(level) + " is outside (0, 1)");
  }
  return {};
}

[[nodiscard]] Result<Totals> check(const BinnedSamples& samples, double level) {
  if (samples.reference.size() != samples.current.size()) {
    return fail(Errc::dimension_mismatch, "the reference has " + std::to_string(samples.reference.size()) +
                                              " bins, the current sample " +
                                              std::to_string(samples.current.size()));
  }
  if (Result<void> verdict = check_level(level); !verdict) {
    return tl::unexpected(std::move(verdict).error());
  }
  Totals totals;
  for (std::size_t i = 0; i < samples.reference.size(); ++i) {
    totals.reference += static_cast<double>(samples.reference[i]);
    totals.current += static_cast<double>(samples.current[i]);
    totals.bins += samples.reference[i] + samples.current[i] > 0 ? 1.0 : 0.0;
  }
  if (totals.reference == 0.0 || totals.current == 0.0) {
    return fail(Errc::invalid_argument, "a sample without values cannot be tested");
  }
  if (totals.bins < 2.0) {
    return fail(Errc::invalid_argument, "a test needs two bins with counts at least");
  }
  return totals;
}

/// The test of a statistic that times `factor` is about chi-squared.
[[nodiscard]] TestResult against_chi_squared(double statistic, double factor, double bins, double level) {
  return {.statistic = statistic,
          .threshold = chi_squared_quantile(level, bins - 1.0) / factor,
          .p_value = chi_squared_tail(statistic * factor, bins - 1.0)};
}

[[nodiscard]] double x_log_x_over(double x, double y) { return x > 0.0 ? x * std::log(x / y) : 0.0; }

}  // namespace

Result<TestResult> psi_test(const BinnedSamples& samples, double level) {
  const Result<Totals> totals = check(samples, level);
  if (!totals) {
    return tl::unexpected(totals.error());
  }
  const double half = 0.5 * totals->bins;
  const double n = totals->reference + half;
  const double m = totals->current + half;
  double psi = 0.0;
  for (std::size_t i = 0; i < samples.reference.size(); ++i) {
    if (samples.reference[i] + samples.current[i] > 0) {
      const double p = (static_cast<double>(samples.reference[i]) + 0.5) / n;
      const double q = (static_cast<double>(samples.current[i]) + 0.5) / m;
      psi += (p - q) * std::log(p / q);
    }
  }
  // What 1/2 adds to a count draws p and q together; sizes with it included undo that to first order.
  const double factor = 1.0 / (totals->reference / (n * n) + totals->current / (m * m));
  // With few counts a bin PSI has a longer tail than chi-squared; fitted to simulations of 5 to 200 counts a
  // bin, equal and unequal sizes, 5 to 50 bins: false alarms at 1 % are 0.6 to 1.4 %.
  const double scarcity = totals->bins * (1.0 / totals->reference + 1.0 / totals->current);
  const double unevenness = totals->bins * std::fabs(1.0 / totals->reference - 1.0 / totals->current);
  const double tail = 1.0 + 0.4 * scarcity / (1.0 + 0.6 * scarcity) + 0.3 * unevenness;
  return against_chi_squared(psi, factor / tail, totals->bins, level);
}

Result<TestResult> chi_squared_test(const BinnedSamples& samples, double level) {
  const Result<Totals> totals = check(samples, level);
  if (!totals) {
    return tl::unexpected(totals.error());
  }
  const double all = totals->reference + totals->current;
  double statistic = 0.0;
  for (std::size_t i = 0; i < samples.reference.size(); ++i) {
    const double here = static_cast<double>(samples.reference[i] + samples.current[i]);
    if (here > 0.0) {
      // Of a table with two columns: both cells of a row deviate by the same number.
      const double deviation = static_cast<double>(samples.current[i]) - here * totals->current / all;
      statistic += deviation * deviation * all * all / (here * totals->current * totals->reference);
    }
  }
  return against_chi_squared(statistic, 1.0, totals->bins, level);
}

Result<TestResult> jensen_shannon_test(const BinnedSamples& samples, double level) {
  const Result<Totals> totals = check(samples, level);
  if (!totals) {
    return tl::unexpected(totals.error());
  }
  const double all = totals->reference + totals->current;
  double divergence = 0.0;
  for (std::size_t i = 0; i < samples.reference.size(); ++i) {
    const double first = static_cast<double>(samples.reference[i]);
    const double second = static_cast<double>(samples.current[i]);
    const double share = (first + second) / all;
    divergence += x_log_x_over(first / all, share * totals->reference / all) +
                  x_log_x_over(second / all, share * totals->current / all);
  }
  return against_chi_squared(std::max(divergence, 0.0), 2.0 * all, totals->bins, level);
}

double ks_distance(std::span<const double> first, std::span<const double> second) noexcept {
  std::size_t i = 0;
  std::size_t j = 0;
  double largest = 0.0;
  const double n = static_cast<double>(first.size());
  const double m = static_cast<double>(second.size());
  while (i < first.size() && j < second.size()) {
    const double at = std::min(first[i], second[j]);
    while (i < first.size() && first[i] == at) {
      ++i;
    }
    while (j < second.size() && second[j] == at) {
      ++j;
    }
    largest = std::max(largest, std::fabs(static_cast<double>(i) / n - static_cast<double>(j) / m));
  }
  return largest;
}

double ks_p_value(double distance, std::size_t first, std::size_t second) noexcept {
  const double n = static_cast<double>(first);
  const double m = static_cast<double>(second);
  const double root = std::sqrt(n * m / (n + m));
  const double lambda = (root + 0.12 + 0.11 / root) * distance;
  if (lambda < 0.2) {
    return 1.0;  // the series converges slowly, to 1 - 1e-13
  }
  double sum = 0.0;
  double sign = 1.0;
  for (int k = 1; k <= 100; ++k) {
    const double term = std::exp(-2.0 * k * k * lambda * lambda);
    sum += sign * term;
    sign = -sign;
    if (term < 1e-18 * sum) {
      break;
    }
  }
  return std::clamp(2.0 * sum, 0.0, 1.0);
}

Result<TestResult> ks_test(std::span<const double> reference, std::span<const double> current, double level) {
  if (Result<void> verdict = check_level(level); !verdict) {
    return tl::unexpected(std::move(verdict).error());
  }
  if (reference.empty() || current.empty()) {
    return fail(Errc::invalid_argument, "a sample without values cannot be tested");
  }
  std::vector<double> first(reference.begin(), reference.end());
  std::vector<double> second(current.begin(), current.end());
  const auto finite = [](double x) { return std::isfinite(x); };
  if (!std::all_of(first.begin(), first.end(), finite) ||
      !std::all_of(second.begin(), second.end(), finite)) {
    return fail(Errc::non_finite, "a sample holds NaN or infinity");
  }
  std::sort(first.begin(), first.end());
  std::sort(second.begin(), second.end());
  TestResult result{.statistic = ks_distance(first, second)};
  result.p_value = ks_p_value(result.statistic, first.size(), second.size());
  double low = 0.0;
  double high = 1.0;
  for (int step = 0; step < 60; ++step) {
    const double middle = 0.5 * (low + high);
    (ks_p_value(middle, first.size(), second.size()) > level ? low : high) = middle;
  }
  result.threshold = high;
  return result;
}

namespace {

[[nodiscard]] std::vector<std::size_t> by_p_value(std::span<const double> p_values) {
  std::vector<std::size_t> order(p_values.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t left, std::size_t right) { return p_values[left] < p_values[right]; });
  return order;
}

}  // namespace

std::vector<bool> reject_holm(std::span<const double> p_values, double level) {
  std::vector<bool> rejected(p_values.size(), false);
  const std::vector<std::size_t> order = by_p_value(p_values);
  for (std::size_t i = 0; i < order.size(); ++i) {
    if (!(p_values[order[i]] <= level / static_cast<double>(order.size() - i))) {
      break;
    }
    rejected[order[i]] = true;
  }
  return rejected;
}

std::vector<bool> reject_benjamini_hochberg(std::span<const double> p_values, double level) {
  std::vector<bool> rejected(p_values.size(), false);
  const std::vector<std::size_t> order = by_p_value(p_values);
  std::size_t count = 0;
  for (std::size_t i = 0; i < order.size(); ++i) {
    if (p_values[order[i]] <= level * static_cast<double>(i + 1) / static_cast<double>(order.size())) {
      count = i + 1;
    }
  }
  for (std::size_t i = 0; i < count; ++i) {
    rejected[order[i]] = true;
  }
  return rejected;
}

Result<BinnedFeature> BinnedFeature::make(std::span<const double> reference, std::size_t bins) {
  if (reference.empty() || bins < 2 || bins > 1024) {
    return fail(Errc::invalid_argument, "bins = " + std::to_string(bins) + " of " +
                                            std::to_string(reference.size()) +
                                            " values: there must be 2 to 1024 bins and a value");
  }
  std::vector<double> sorted(reference.begin(), reference.end());
  if (!std::all_of(sorted.begin(), sorted.end(), [](double x) { return std::isfinite(x); })) {
    return fail(Errc::non_finite, "the reference holds NaN or infinity");
  }
  std::sort(sorted.begin(), sorted.end());
  BinnedFeature feature;
  for (std::size_t i = 1; i < bins; ++i) {
    const double edge = sorted[std::min(i * sorted.size() / bins, sorted.size() - 1)];
    if (edge < sorted.back() && (feature.edges_.empty() || edge > feature.edges_.back())) {
      feature.edges_.push_back(edge);
    }
  }
  feature.reference_.assign(feature.edges_.size() + 1, 0);
  feature.current_.assign(feature.edges_.size() + 1, 0);
  for (const double value : sorted) {
    feature.add(value);
  }
  feature.reference_.swap(feature.current_);
  return feature;
}

void BinnedFeature::add(double value) noexcept {
  if (!std::isfinite(value)) {
    ++skipped_;
    return;
  }
  const auto bin = std::lower_bound(edges_.begin(), edges_.end(), value) - edges_.begin();
  ++current_[static_cast<std::size_t>(bin)];
}

Result<void> BinnedFeature::merge(const BinnedFeature& other) {
  if (edges_ != other.edges_ || reference_ != other.reference_) {
    return fail(Errc::dimension_mismatch, "the two have different bins");
  }
  for (std::size_t i = 0; i < current_.size(); ++i) {
    current_[i] += other.current_[i];
  }
  skipped_ += other.skipped_;
  return {};
}

void BinnedFeature::clear() noexcept {
  std::fill(current_.begin(), current_.end(), std::uint64_t{0});
  skipped_ = 0;
}

}  // namespace attune
