// SPDX-License-Identifier: Apache-2.0
#include <attune/policies/spline_square_cb.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include "core/kernels.hpp"
#include "policies/bandit/choosing.hpp"
#include "policies/continuous/action_range.hpp"

namespace attune {
namespace {

/// Part number of `count` that a share of the range in [0, 1] lies in.
std::size_t part_of(double share, std::size_t count) noexcept {
  const auto part = static_cast<std::size_t>(std::max(share, 0.0) * static_cast<double>(count));
  return std::min(part, count - 1);
}

/// Sums of finite numbers may overflow; gaps are compared and must be numbers.
double comparable_value(double value) noexcept {
  return std::isnan(value) ? 0.0 : std::clamp(value, -1e300, 1e300);
}

}  // namespace

static_assert(check_continuous_bandit<SplineSquareCb>());

SplineSquareCb::SplineSquareCb(const Config& config, const Shape& shape, RidgeBank model)
    : config_(config), features_(shape.features), model_(std::move(model)), point_(model_.dimension(), 0.0) {
  at_cell_.reserve(config.cells);
  for (std::size_t cell = 0; cell < config.cells; ++cell) {
    at_cell_.push_back(basis_at((static_cast<double>(cell) + 0.5) / static_cast<double>(config.cells)));
  }
}

Result<SplineSquareCb> SplineSquareCb::make(const Config& config, const Shape& shape) {
  if (Result<void> verdict = check_bounds(config); !verdict) {
    return tl::unexpected(std::move(verdict).error());
  }
  if (!detail::wide_enough(config.low, config.high)) {
    return fail(Errc::invalid_config,
                "high = " + number_text(config.high) + " is not well above low = " + number_text(config.low));
  }
  if (config.cells < config.basis) {
    return fail(Errc::invalid_config, "cells = " + std::to_string(config.cells) +
                                          " is below basis = " + std::to_string(config.basis));
  }
  if (shape.sparse) {
    return fail(Errc::unsupported, "spline_square_cb needs a dense context");
  }
  Result<RidgeBank> model =
      RidgeBank::make(1, config.basis * (shape.features + 1), config.ridge, config.forgetting);
  if (!model) {
    return tl::unexpected(std::move(model).error());
  }
  return SplineSquareCb(config, shape, *std::move(model));
}

// Uniform cubic B-splines over basis - 3 intervals.
SplineSquareCb::Basis SplineSquareCb::basis_at(double share) const noexcept {
  const std::size_t intervals = config_.basis - 3;
  const std::size_t first = part_of(share, intervals);
  const double t = std::clamp(share * static_cast<double>(intervals) - static_cast<double>(first), 0.0, 1.0);
  const double s = 1.0 - t;
  return {.first = first,
          .value = {s * s * s / 6.0, (3.0 * t * t * t - 6.0 * t * t + 4.0) / 6.0,
                    (3.0 * s * s * s - 6.0 * s * s + 4.0) / 6.0, t * t * t / 6.0}};
}

SplineSquareCb::Coefficients SplineSquareCb::coefficients(Features input) const noexcept {
  Coefficients sums{};
  const std::span<const double> theta = model_.coefficients(0);
  for (std::size_t i = 0; i < config_.basis; ++i) {
    const std::span<const double> part = theta.subspan(i * (features_ + 1), features_ + 1);
    double sum = part[features_];
    for (std::size_t k = 0; k < features_; ++k) {
      sum += part[k] * input[k];
    }
    sums.at(i) = comparable_value(sum);
  }
  return sums;
}

SplineSquareCb::Spread SplineSquareCb::spread(Features input) const noexcept {
  const Coefficients sums = coefficients(input);
  const std::size_t segments = config_.basis;
  Spread spread;
  std::array<double, kMaxBasis> counts{};
  double best = -std::numeric_limits<double>::infinity();
  for (std::size_t cell = 0; cell < config_.cells; ++cell) {
    const Basis& basis = at_cell_[cell];
    double value = 0.0;
    for (std::size_t k = 0; k < basis.value.size(); ++k) {
      value += basis.value.at(k) * sums.at(basis.first + k);
    }
    // A cell that two segments share counts for that of its middle.
    const double middle = (static_cast<double>(cell) + 0.5) / static_cast<double>(config_.cells);
    const std::size_t segment = part_of(middle, segments);
    counts.at(segment) += 1.0;
    spread.segment.at(segment) += (value - spread.segment.at(segment)) / counts.at(segment);
    if (value > best) {
      best = value;
      spread.cell = cell;
    }
  }
  const double gamma = config_.gamma * std::sqrt(static_cast<double>(updates_));
  for (std::size_t i = 0; i < segments; ++i) {
    const double gap = std::max(best - spread.segment.at(i), 0.0);
    spread.segment.at(i) = 1.0 / (static_cast<double>(segments) + 1.0 + gamma * gap);
    spread.best -= spread.segment.at(i);
  }
  return spread;
}

double SplineSquareCb::density_of(const Spread& spread, double action) const noexcept {
  const double at = share(action);
  const double segment = spread.segment.at(part_of(at, config_.basis)) * static_cast<double>(config_.basis);
  const bool best = part_of(at, config_.cells) == spread.cell;
  return (segment + (best ? spread.best * static_cast<double>(config_.cells) : 0.0)) /
         (config_.high - config_.low);
}

ActionDensity SplineSquareCb::select_action(const Context& context, Rng& rng,
                                            std::span<double> out) const noexcept {
  if (out.size() != 1) {
    return ActionDensity::refused(Errc::dimension_mismatch);
  }
  if (const Errc verdict = check_input(context.input, features_, false); verdict != Errc::ok) {
    return ActionDensity::refused(verdict);
  }
  const Spread from = spread(context.input.dense);
  double left = rng.uniform();
  const double inside = rng.uniform();
  double at = (static_cast<double>(from.cell) + inside) / static_cast<double>(config_.cells);
  for (std::size_t i = 0; i < config_.basis; ++i) {
    if (left < from.segment.at(i)) {
      at = (static_cast<double>(i) + inside) / static_cast<double>(config_.basis);
      break;
    }
    left -= from.segment.at(i);
  }
  out[0] = std::clamp(config_.low + at * (config_.high - config_.low), config_.low, config_.high);
  return {.density = density_of(from, out[0]), .status = Errc::ok};
}

double SplineSquareCb::density(const Context& context, Features action) const noexcept {
  if (action.size() != 1 || !all_finite(action) || check_input(context.input, features_, false) != Errc::ok) {
    return std::numeric_limits<double>::quiet_NaN();
  }
  const bool inside = action[0] >= config_.low && action[0] <= config_.high;
  return inside ? density_of(spread(context.input.dense), action[0]) : 0.0;
}

Errc SplineSquareCb::update(const ActionFeedback& feedback) noexcept {
  const Errc checked = check_action_feedback(feedback, dimension(),
                                             [this](std::size_t coordinate) { return range(coordinate); });
  if (checked != Errc::ok) {
    return checked;
  }
  if (const Errc verdict = check_input(feedback.input, features_, false); verdict != Errc::ok) {
    return verdict;
  }
  const Basis basis = basis_at(share(feedback.action[0]));
  std::ranges::fill(point_, 0.0);
  for (std::size_t k = 0; k < basis.value.size(); ++k) {
    double* part = point_.data() + (basis.first + k) * (features_ + 1);
    for (std::size_t i = 0; i < features_; ++i) {
      part[i] = basis.value.at(k) * feedback.input.dense[i];
    }
    part[features_] = basis.value.at(k);
  }
  const Errc verdict = model_.learn(0, {point_, false, 0.0}, feedback.reward, feedback.weight);
  updates_ += verdict == Errc::ok ? 1U : 0U;
  return verdict;
}

double SplineSquareCb::expectation(const Input& input, double action) const noexcept {
  const bool inside = action >= config_.low && action <= config_.high;  // not NaN
  if (!inside || check_input(input, features_, false) != Errc::ok) {
    return std::numeric_limits<double>::quiet_NaN();
  }
  const Coefficients sums = coefficients(input.dense);
  const Basis basis = basis_at(share(action));
  double value = 0.0;
  for (std::size_t k = 0; k < basis.value.size(); ++k) {
    value += basis.value.at(k) * sums.at(basis.first + k);
  }
  return value;
}

void SplineSquareCb::save(Writer& writer) const {
  writer.u64(updates_);
  model_.save(writer);
}

Result<void> SplineSquareCb::load(Reader& reader) {
  const std::uint64_t updates = reader.u64();
  RidgeBank model = model_;
  model.load(reader);
  if (!reader.ok() || model.count() != 1) {
    return detail::corrupt(kName,
                           "the matrices are damaged, or belong to another number of features or basis "
                           "functions");
  }
  updates_ = updates;
  model_ = std::move(model);
  return {};
}

Description SplineSquareCb::describe() const {
  Description text;
  text.summary = "Spline SquareCB over [" + number_text(config_.low) + ", " + number_text(config_.high) +
                 "] after " + std::to_string(updates_) + " rewards";
  text.values = {{"basis", static_cast<double>(config_.basis)},
                 {"cells", static_cast<double>(config_.cells)},
                 {"gamma", config_.gamma},
                 {"ridge", config_.ridge},
                 {"updates", static_cast<double>(updates_)}};
  // What the spline says where all features are zero.
  text.columns = {"action", "reward_at_zero_context"};
  const std::vector<double> zero(features_, 0.0);
  for (std::size_t i = 0; i < config_.basis; ++i) {
    const double at = (static_cast<double>(i) + 0.5) / static_cast<double>(config_.basis);
    const double action = config_.low + at * (config_.high - config_.low);
    text.rows.push_back({action, expectation({.dense = zero}, action)});
  }
  return text;
}

}  // namespace attune
