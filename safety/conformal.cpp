// SPDX-License-Identifier: Apache-2.0
#include <attune/safety/conformal.hpp>

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "safety/detector_state.hpp"

namespace attune {

static_assert(check_persistent<SplitConformal>());
static_assert(check_persistent<AdaptiveConformal>());

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
/// A residual that overflows is as good as the largest.
constexpr double kLargest = std::numeric_limits<double>::max();

/// The interval at a miscoverage in (0, 1).
[[nodiscard]] Interval interval_at(const SortedWindow& residuals, double miscoverage, double prediction,
                                   double spread) noexcept {
  const auto held = static_cast<double>(residuals.size());
  const double product = (held + 1.0) * (1.0 - miscoverage);
  // 10 * (1 - 0.1) may come out just above 9: what is a whole number but for rounding is that number.
  const double rank = std::ceil(product - 1e-9);
  if (!(rank <= held) || std::isnan(prediction) || !(spread > 0.0)) {
    return {};
  }
  const double radius = residuals.sorted()[static_cast<std::size_t>(std::max(rank, 1.0)) - 1] * spread;
  return {prediction - radius, prediction + radius};
}

[[nodiscard]] Errc check_outcome(double prediction, double outcome, double spread) noexcept {
  if (!std::isfinite(prediction) || !std::isfinite(outcome) || !std::isfinite(spread)) {
    return Errc::non_finite;
  }
  return spread > 0.0 ? Errc::ok : Errc::invalid_argument;
}

[[nodiscard]] double residual_of(double prediction, double outcome, double spread) noexcept {
  return std::min(std::fabs(outcome - prediction) / spread, kLargest);
}

void save_coverage(Writer& writer, const CoverageCount& count) {
  writer.u64(count.outcomes);
  writer.u64(count.covered);
  writer.u64(count.refused);
}

[[nodiscard]] CoverageCount load_coverage(Reader& reader) {
  CoverageCount count;
  count.outcomes = reader.u64();
  count.covered = reader.u64();
  count.refused = reader.u64();
  if (count.covered > count.outcomes) {
    reader.fail_now();
  }
  return count;
}

/// Residuals are not negative.
[[nodiscard]] bool are_residuals(const SortedWindow& window) noexcept {
  return window.size() == 0 || window.sorted().front() >= 0.0;
}

[[nodiscard]] Description describe_coverage(std::string_view what, const CoverageCount& count) {
  Description text;
  text.summary = std::string(what) + ": " + std::to_string(count.covered) + " of " +
                 std::to_string(count.outcomes) + " outcomes inside";
  text.values = {{"outcomes", static_cast<double>(count.outcomes)},
                 {"covered", static_cast<double>(count.covered)},
                 {"refused", static_cast<double>(count.refused)}};
  return text;
}

}  // namespace

Result<SplitConformal> SplitConformal::make(const Config& config) {
  if (Result<void> verdict = check_bounds(config); !verdict) {
    return tl::unexpected(std::move(verdict).error());
  }
  return SplitConformal(config);
}

Interval SplitConformal::interval(double prediction, double spread) const noexcept {
  return interval_at(residuals_, config_.miscoverage, prediction, spread);
}

Errc SplitConformal::update(double prediction, double outcome, double spread) noexcept {
  if (const Errc verdict = check_outcome(prediction, outcome, spread); verdict != Errc::ok) {
    ++count_.refused;
    return verdict;
  }
  ++count_.outcomes;
  count_.covered += interval(prediction, spread).holds(outcome) ? 1 : 0;
  residuals_.push(residual_of(prediction, outcome, spread));
  return Errc::ok;
}

void SplitConformal::save(Writer& writer) const {
  save_coverage(writer, count_);
  residuals_.save(writer);
}

Result<void> SplitConformal::load(Reader& reader) {
  SplitConformal loaded(config_);
  loaded.count_ = load_coverage(reader);
  loaded.residuals_.load(reader);
  const bool sound = are_residuals(loaded.residuals_);
  return detail::take_loaded(*this, std::move(loaded), reader, sound);
}

Description SplitConformal::describe() const {
  Description text = describe_coverage("split conformal", count_);
  text.values.emplace_back("held", static_cast<double>(residuals_.size()));
  return text;
}

Result<AdaptiveConformal> AdaptiveConformal::make(const Config& config) {
  if (Result<void> verdict = check_bounds(config); !verdict) {
    return tl::unexpected(std::move(verdict).error());
  }
  return AdaptiveConformal(config);
}

Interval AdaptiveConformal::interval(double prediction, double spread) const noexcept {
  if (level_ <= 0.0) {
    return {};
  }
  if (level_ >= 1.0) {
    return {kInfinity, -kInfinity};
  }
  return interval_at(residuals_, level_, prediction, spread);
}

Errc AdaptiveConformal::update(double prediction, double outcome, double spread) noexcept {
  if (const Errc verdict = check_outcome(prediction, outcome, spread); verdict != Errc::ok) {
    ++count_.refused;
    return verdict;
  }
  const bool covered = interval(prediction, spread).holds(outcome);
  ++count_.outcomes;
  count_.covered += covered ? 1 : 0;
  level_ += config_.step * (config_.miscoverage - (covered ? 0.0 : 1.0));
  residuals_.push(residual_of(prediction, outcome, spread));
  return Errc::ok;
}

void AdaptiveConformal::reset() noexcept {
  level_ = config_.miscoverage;
  residuals_.reset();
}

void AdaptiveConformal::save(Writer& writer) const {
  save_coverage(writer, count_);
  writer.f64(level_);
  residuals_.save(writer);
}

Result<void> AdaptiveConformal::load(Reader& reader) {
  AdaptiveConformal loaded(config_);
  loaded.count_ = load_coverage(reader);
  loaded.level_ = reader.finite();
  loaded.residuals_.load(reader);
  // The level leaves [0, 1] by one step at most.
  const bool sound = are_residuals(loaded.residuals_) && loaded.level_ >= -1.0 && loaded.level_ <= 2.0;
  return detail::take_loaded(*this, std::move(loaded), reader, sound);
}

Description AdaptiveConformal::describe() const {
  Description text = describe_coverage("adaptive conformal", count_);
  text.values.emplace_back("held", static_cast<double>(residuals_.size()));
  text.values.emplace_back("level", level_);
  return text;
}

}  // namespace attune
