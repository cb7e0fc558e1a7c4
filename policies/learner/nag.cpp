// SPDX-License-Identifier: Apache-2.0
#include <attune/policies/nag.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <utility>

#include "core/portable_math.hpp"
#include "policies/bandit/choosing.hpp"
#include "policies/learner/link.hpp"

namespace attune {

static_assert(check_online_learner<NagLearner>());

namespace {

constexpr double kLargestInput = 1e50;
constexpr double kHeaviestExample = 1e9;
constexpr double kLeastInput = 1e-50;  // what is that small has no square, and counts as 0
constexpr double kLargestCellWeight = 1e120;
constexpr double kLargestPart = 1e60;
constexpr double kLargestSum = 1e250;

/// 1 - e^-x for x >= 0.
double saturated(double x) noexcept {
  // Below, the difference from 1 would lose digits that three terms of the series have.
  return x < 1e-4 ? x * (1.0 - x * (0.5 - x * (1.0 / 6))) : 1.0 - detail::portable_exp(-x);
}

/// d > 0 with e^score (e^d - 1) + d = way: where the score goes when it follows the gradient of ln(1 + e^-s).
double logistic_way(double score, double way) noexcept {
  const double odds = detail::portable_exp(std::clamp(score, -700.0, 700.0));
  // The left side is convex and grows: Newton's steps from above come down to the root. Both bounds are
  // above.
  double d = std::min(way, detail::portable_log(1.0 + std::min(way / odds, 1e300)));
  for (int step = 0; step < 8; ++step) {
    const double power = detail::portable_exp(d);
    const double next = d - (odds * (power - 1.0) + d - way) / (odds * power + 1.0);
    if (!(next < d)) {
      break;
    }
    d = std::max(0.0, next);
  }
  return d;
}

/// u of the docstring, times q.
double way_of(Loss loss, double score, double target, double weight, double reach) noexcept {
  if (loss == Loss::squared) {
    return (target - score) * saturated(weight * reach);
  }
  if (target == 1.0) {
    return logistic_way(score, weight * reach);
  }
  if (target == 0.0) {
    return -logistic_way(-score, weight * reach);
  }
  return reach * detail::logistic_move(score, detail::logistic_of(score), reach, target, weight,
                                       [](double at) noexcept { return detail::logistic_of(at); })
                     .step;
}

}  // namespace

Result<NagLearner> NagLearner::make(const Config& config, const Shape& shape) {
  if (Result<void> verdict = check_bounds(config); !verdict) {
    return tl::unexpected(std::move(verdict).error());
  }
  if (Result<void> verdict = check_curved_loss(kName, config.loss); !verdict) {
    return tl::unexpected(std::move(verdict).error());
  }
  if (shape.features > kMaxFeatures) {
    return fail(Errc::invalid_config, "nag: features = " + std::to_string(shape.features) + " is above " +
                                          std::to_string(kMaxFeatures));
  }
  return NagLearner(config, shape);
}

template <class Visitor>
void NagLearner::visit_features(const Input& input, Visitor&& visit) const noexcept {
  if (sparse_) {
    for (std::size_t k = 0; k < input.sparse.index.size(); ++k) {
      visit(std::size_t{input.sparse.index[k]}, input.sparse.value[k]);
    }
  } else {
    for (std::size_t i = 0; i < input.dense.size(); ++i) {
      visit(i, input.dense[i]);
    }
  }
}

double NagLearner::score(const Input& input) const noexcept {
  double sum = 0.0;
  visit_features(input, [&](std::size_t i, double x) {
    // A larger value than ever shrinks the weight before it is used, as learning does.
    const Cell& cell = cells_[i];
    const double size = std::min(std::abs(x), kLargestInput);
    sum += cell.weight * std::copysign(size > cell.largest ? cell.largest : size, x);
  });
  return sum + constant_.weight;
}

double NagLearner::predict(const Input& input) const noexcept {
  if (check_input(input, cells_.size(), sparse_) != Errc::ok) {
    return std::numeric_limits<double>::quiet_NaN();
  }
  const double s = score(input);
  return config_.loss == Loss::logistic ? detail::logistic_of(s) : s;
}

Errc NagLearner::partial_fit(const Input& input, double target, double weight) noexcept {
  if (const Errc verdict = check_input(input, cells_.size(), sparse_); verdict != Errc::ok) {
    return verdict;
  }
  // Written so that NaN is refused.
  bool usual = std::abs(target) <= kLargestInput && std::abs(weight) <= kHeaviestExample;
  for (const double x : sparse_ ? Features(input.sparse.value) : input.dense) {
    usual = usual && std::abs(x) <= kLargestInput;
  }
  if (!usual) {
    return Errc::non_finite;
  }
  if (weight < 0.0 || (config_.loss == Loss::logistic && (target < 0.0 || target > 1.0))) {
    return Errc::invalid_argument;
  }
  ++updates_;
  if (weight == 0.0) {
    return Errc::ok;
  }
  const double before = score(input);
  const double derivative = (config_.loss == Loss::logistic ? detail::logistic_of(before) : before) - target;
  weights_ += weight;
  // First the scales, and how far the weights reach before the common factor rate sqrt(T / N).
  double reach = 0.0;
  const auto scale = [&](Cell& cell, double x) {
    const double size = std::abs(x);
    if (size < kLeastInput) {
      return;
    }
    if (size > cell.largest) {
      cell.weight *= cell.largest / size;
      cell.largest = size;
    }
    const double share = size / cell.largest;
    norms_ = std::min(norms_ + weight * (share * share), kLargestSum);
    const double gradient = derivative * x;
    cell.squares = std::min(cell.squares + weight * (gradient * gradient), kLargestSum);
    reach += cell.squares > 0.0 ? share * (size / std::sqrt(cell.squares)) : 0.0;
  };
  visit_features(input, [&](std::size_t i, double x) { scale(cells_[i], x); });
  if (config_.intercept) {
    scale(constant_, 1.0);
  }
  if (!(norms_ > 0.0) || !(reach > 0.0)) {
    return Errc::ok;  // nothing to learn with, or nothing left to learn
  }
  const double factor = config_.rate * std::sqrt(weights_ / norms_);
  const double way = way_of(config_.loss, before, target, weight, factor * reach);
  // u c_i x_i with u = way / (factor reach): the factor cancels.
  const double unit = way / reach;
  const auto move = [&](Cell& cell, double x) {
    if (std::abs(x) >= kLeastInput && cell.squares > 0.0) {
      cell.weight += unit * ((x / cell.largest) / std::sqrt(cell.squares));
    }
  };
  visit_features(input, [&](std::size_t i, double x) { move(cells_[i], x); });
  if (config_.intercept) {
    move(constant_, 1.0);
  }
  return Errc::ok;
}

void NagLearner::save(Writer& writer) const {
  writer.u64(updates_);
  writer.f64(norms_);
  writer.f64(weights_);
  const auto write = [&](const Cell& cell) {
    writer.f64(cell.weight);
    writer.f64(cell.squares);
    writer.f64(cell.largest);
  };
  std::ranges::for_each(cells_, write);
  write(constant_);
}

Result<void> NagLearner::load(Reader& reader) {
  NagLearner read = *this;
  read.updates_ = reader.u64();
  read.norms_ = reader.finite();
  read.weights_ = reader.finite();
  bool good = read.norms_ >= 0.0 && read.norms_ <= kLargestSum && read.weights_ >= 0.0 &&
              read.weights_ <= kLargestSum;
  const auto take = [&](Cell& cell) {
    cell.weight = reader.finite();
    cell.squares = reader.finite();
    cell.largest = reader.finite();
    // Written so that NaN fails. A weight times the largest feature is a part of a score.
    good = good && cell.squares >= 0.0 && cell.squares <= kLargestSum && cell.largest >= 0.0 &&
           cell.largest <= kLargestInput && std::abs(cell.weight) <= kLargestCellWeight / kLeastInput &&
           std::abs(cell.weight) * cell.largest <= kLargestPart &&
           (cell.largest == 0.0 || cell.largest >= kLeastInput) && (cell.largest > 0.0 || cell.weight == 0.0);
  };
  std::ranges::for_each(read.cells_, take);
  take(read.constant_);
  if (!reader.ok() || !good || (!config_.intercept && read.constant_ != Cell{})) {
    return detail::corrupt(kName, "the state is cut short, of another shape, or holds numbers out of range");
  }
  *this = std::move(read);
  return {};
}

Description NagLearner::describe() const {
  constexpr std::size_t kShown = 32;
  Description text;
  text.summary =
      "linear model by normalised adaptive gradients after " + std::to_string(updates_) + " examples";
  text.values = {{"updates", static_cast<double>(updates_)},
                 {"rate", config_.rate},
                 {"features", static_cast<double>(cells_.size())},
                 {"intercept", constant_.weight}};
  text.columns = {"feature", "weight", "largest_value"};
  for (std::size_t i = 0; i < std::min(cells_.size(), kShown); ++i) {
    text.rows.push_back({static_cast<double>(i), cells_[i].weight, cells_[i].largest});
  }
  return text;
}

}  // namespace attune
