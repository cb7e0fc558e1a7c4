// SPDX-License-Identifier: Apache-2.0
#include <attune/policies/linear_loss.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <string>
#include <utility>

#include "core/kernels.hpp"
#include "core/portable_math.hpp"
#include "policies/learner/linear_state.hpp"

namespace attune {
namespace {

// Four sums in turn: additions need not wait for each other, and the order is the same everywhere.
double sparse_dot(const std::vector<double>& weights, const SparseFeatures& x) noexcept {
  double sum[4] = {0.0, 0.0, 0.0, 0.0};  // NOLINT(modernize-avoid-c-arrays)
  const std::size_t size = x.index.size();
  std::size_t k = 0;
  for (; k + 4 <= size; k += 4) {
    for (std::size_t lane = 0; lane < 4; ++lane) {
      sum[lane] += weights[x.index[k + lane]] * x.value[k + lane];
    }
  }
  for (; k < size; ++k) {
    sum[0] += weights[x.index[k]] * x.value[k];
  }
  return (sum[0] + sum[2]) + (sum[1] + sum[3]);
}

double logistic(double score) noexcept {
  // The exponential never overflows, and neither tail is a difference from 1.
  const double tail = detail::portable_exp(-std::abs(score));
  return score >= 0.0 ? 1.0 / (1.0 + tail) : tail / (1.0 + tail);
}

double clamped(double value, double bound) noexcept { return std::clamp(value, -bound, bound); }

double poisson_rate(double score) noexcept {
  return detail::portable_exp(std::clamp(score, -700.0, 700.0));  // finite
}

}  // namespace

bool target_fits(Loss loss, double target) noexcept {
  switch (loss) {
    case Loss::logistic:
    case Loss::hinge:
      return target >= 0.0 && target <= 1.0;
    case Loss::poisson:
      return target >= 0.0;
    case Loss::squared:
    case Loss::quantile:
      break;
  }
  return true;
}

Result<LinearModel> LinearModel::make(std::string_view learner, const Shape& shape, Loss loss, bool intercept,
                                      double quantile) {
  if (shape.features > kMaxFeatures) {
    return fail(Errc::invalid_config, std::string(learner) +
                                          ": features = " + std::to_string(shape.features) + " is above " +
                                          std::to_string(kMaxFeatures));
  }
  LinearModel model;
  model.features = shape.features;
  model.sparse = shape.sparse;
  model.loss = loss;
  model.intercept = intercept;
  model.quantile = quantile;
  model.weights.assign(shape.features, 0.0);
  return model;
}

Result<void> check_curved_loss(std::string_view learner, Loss loss) {
  if (loss == Loss::squared || loss == Loss::logistic) {
    return {};
  }
  return fail(Errc::invalid_config, std::string(learner) + ": loss = \"" +
                                        std::string(kEnumNames<Loss>[static_cast<std::size_t>(loss)]) +
                                        "\" is none of: squared, logistic");
}

double LinearModel::score(const Input& input, double scale) const noexcept {
  const double sum = sparse ? sparse_dot(weights, input.sparse)
                            : detail::kernels().dot(weights.data(), input.dense.data(), features);
  const double total = (scale * sum) + bias;
  if (std::isfinite(total)) [[likely]] {
    return total;
  }
  // Overflow somewhere: once more with features so small that it cannot be, then cut at the largest number.
  constexpr double kShrink = 0x1.0p-700;
  double small = 0.0;
  for_each_feature(input, [&](std::size_t i, double x) { small += weights[i] * (x * kShrink); });
  return clamped(((scale * small) + (bias * kShrink)) / kShrink, std::numeric_limits<double>::max());
}

double LinearModel::predict(const Input& input, double scale) const noexcept {
  if (check_input(input, features, sparse) != Errc::ok) {
    return std::numeric_limits<double>::quiet_NaN();
  }
  const double s = score(input, scale);
  switch (loss) {
    case Loss::logistic:
      return logistic(s);
    case Loss::hinge:
      return 0.5 * s + 0.5;
    case Loss::poisson:
      return poisson_rate(s);
    case Loss::squared:
    case Loss::quantile:
      break;
  }
  return s;
}

double LinearModel::slope(double score, double target) const noexcept {
  switch (loss) {
    case Loss::logistic:
      return logistic(score) - target;
    case Loss::hinge: {
      const double sign = 2.0 * target - 1.0;
      return sign * score < 1.0 ? -sign : 0.0;
    }
    case Loss::quantile:
      return score > target ? 1.0 - quantile : (score < target ? -quantile : 0.0);
    case Loss::poisson:
      return poisson_rate(score) - target;
    case Loss::squared:
      break;
  }
  return score - target;
}

Errc LinearModel::prepare(const Input& input, double target, double weight, double clip, double scale,
                          Example& example) const noexcept {
  if (const Errc verdict = check_input(input, features, sparse); verdict != Errc::ok) {
    return verdict;
  }
  if (!std::isfinite(target) || !std::isfinite(weight)) {
    return Errc::non_finite;
  }
  if (weight < 0.0 || !target_fits(loss, target)) {
    return Errc::invalid_argument;
  }
  double largest = intercept ? 1.0 : 0.0;
  for (const double x : sparse ? Features(input.sparse.value) : input.dense) {
    largest = std::max(largest, std::abs(x));
  }
  const double s = score(input, scale);
  double derivative = slope(s, target);
  if (clip > 0.0) {
    derivative = clamped(derivative, clip);
  }
  derivative *= weight;
  // Also false for NaN. The second bound is for features alone: x^2 is summed by some learners.
  if (!(std::abs(derivative) * largest <= kLargestGradient) || !(largest <= kLargestWeight)) {
    return Errc::non_finite;
  }
  example = {s, derivative, largest};
  return Errc::ok;
}

void LinearModel::describe(Description& text, double scale) const {
  constexpr std::size_t kShown = 32;
  double norm = 0.0;
  std::size_t used = 0;
  for (const double weight : weights) {
    norm = std::hypot(norm, scale * weight);
    used += weight != 0.0 ? 1 : 0;
  }
  text.values.emplace_back("features", static_cast<double>(features));
  text.values.emplace_back("weights_not_zero", static_cast<double>(used));
  text.values.emplace_back("weight_norm", norm);
  text.values.emplace_back("intercept", bias);
  std::vector<std::size_t> order(weights.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  const auto shown = static_cast<std::ptrdiff_t>(std::min(kShown, used));
  std::partial_sort(order.begin(), order.begin() + shown, order.end(), [&](std::size_t a, std::size_t b) {
    const double left = std::abs(weights[a]);
    const double right = std::abs(weights[b]);
    return left != right ? left > right : a < b;
  });
  text.columns = {"feature", "weight"};
  for (const std::size_t i : std::span(order).first(static_cast<std::size_t>(shown))) {
    text.rows.push_back({static_cast<double>(i), scale * weights[i]});
  }
}

namespace detail {

void save_numbers(Writer& writer, const LinearModel& model, std::uint64_t updates) {
  writer.u64(updates);
  writer.numbers(model.weights);
  writer.f64(model.bias);
}

void load_numbers(Reader& reader, LinearModel& model, std::uint64_t& updates) {
  updates = reader.u64();
  model.weights = reader.exactly<double>(model.features);
  model.bias = reader.finite();
  if (!all_within(model.weights, LinearModel::kLargestWeight) ||
      std::abs(model.bias) > LinearModel::kLargestWeight || (!model.intercept && model.bias != 0.0)) {
    reader.fail_now();
  }
}

bool all_within(std::span<const double> values, double bound) noexcept {
  return std::ranges::all_of(values, [bound](double value) { return std::abs(value) <= bound; });
}

}  // namespace detail
}  // namespace attune
