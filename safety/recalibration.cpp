// SPDX-License-Identifier: Apache-2.0
#include <attune/safety/recalibration.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <string>
#include <utility>

#include "core/portable_math.hpp"
#include "safety/detector_state.hpp"

namespace attune {

static_assert(check_persistent<PlattScaling>());
static_assert(check_persistent<IsotonicRegression>());

namespace {

using detail::portable_exp;
using detail::portable_log;

[[nodiscard]] Result<void> check_pairs(std::span<const double> scores, std::size_t outcomes) {
  if (scores.size() != outcomes) {
    return fail(Errc::dimension_mismatch,
                std::to_string(scores.size()) + " scores have " + std::to_string(outcomes) + " outcomes");
  }
  if (scores.empty()) {
    return fail(Errc::invalid_argument, "no score is given to fit to");
  }
  for (std::size_t i = 0; i < scores.size(); ++i) {
    if (!std::isfinite(scores[i])) {
      return fail(Errc::non_finite, "score " + std::to_string(i) + " = " + number_text(scores[i]));
    }
  }
  return {};
}

/// The likelihood of Platt's model over standardised scores.
class PlattFit {
 public:
  PlattFit(std::span<const double> scores, std::span<const std::uint8_t> happened, double center,
           double scale)
      : scores_(scores), happened_(happened), center_(center), scale_(scale) {
    double yes = 0.0;
    for (const std::uint8_t one : happened) {
      yes += one != 0 ? 1.0 : 0.0;
    }
    const double no = static_cast<double>(happened.size()) - yes;
    target_yes_ = (yes + 1.0) / (yes + 2.0);
    target_no_ = 1.0 / (no + 2.0);
    b_ = portable_log((no + 1.0) / (yes + 1.0));
  }

  void run() {
    constexpr int kMostSteps = 100;
    double value = loss(a_, b_);
    for (int step = 0; step < kMostSteps && improve(value); ++step) {
    }
  }
  [[nodiscard]] double slope() const noexcept { return a_ / scale_; }
  [[nodiscard]] double offset() const noexcept { return b_ - a_ * center_ / scale_; }

 private:
  [[nodiscard]] double at(std::size_t i) const noexcept { return (scores_[i] - center_) / scale_; }
  [[nodiscard]] double target(std::size_t i) const noexcept {
    return happened_[i] != 0 ? target_yes_ : target_no_;
  }
  /// Negative log likelihood, without overflow for either sign of the exponent.
  [[nodiscard]] double loss(double a, double b) const noexcept {
    double sum = 0.0;
    for (std::size_t i = 0; i < scores_.size(); ++i) {
      const double x = at(i) * a + b;
      const double shifted = x >= 0.0 ? target(i) * x : (target(i) - 1.0) * x;
      sum += shifted + portable_log(1.0 + portable_exp(-std::fabs(x)));
    }
    return sum;
  }
  /// One Newton step with backtracking; false at the end.
  bool improve(double& value) {
    double aa = kRidge;
    double bb = kRidge;
    double ab = 0.0;
    double ga = 0.0;
    double gb = 0.0;
    for (std::size_t i = 0; i < scores_.size(); ++i) {
      const double x = at(i) * a_ + b_;
      const double small = portable_exp(-std::fabs(x));
      const double p = x >= 0.0 ? small / (1.0 + small) : 1.0 / (1.0 + small);
      const double weight = p * (1.0 - p);
      const double error = target(i) - p;
      aa += at(i) * at(i) * weight;
      bb += weight;
      ab += at(i) * weight;
      ga += at(i) * error;
      gb += error;
    }
    if (std::fabs(ga) < kFlat && std::fabs(gb) < kFlat) {
      return false;
    }
    const double determinant = aa * bb - ab * ab;
    const double da = -(bb * ga - ab * gb) / determinant;
    const double db = -(aa * gb - ab * ga) / determinant;
    const double descent = ga * da + gb * db;
    for (double length = 1.0; length >= 1e-10; length *= 0.5) {
      const double next = loss(a_ + length * da, b_ + length * db);
      // Near the end the loss no longer tells steps apart that the gradient does.
      if (next < value + 1e-4 * length * descent + 1e-14 * std::fabs(value)) {
        a_ += length * da;
        b_ += length * db;
        value = next;
        return true;
      }
    }
    return false;  // no better than rounding allows
  }

  static constexpr double kRidge = 1e-12;
  static constexpr double kFlat = 1e-9;

  std::span<const double> scores_;
  std::span<const std::uint8_t> happened_;
  double center_;
  double scale_;
  double target_yes_ = 0.0;
  double target_no_ = 0.0;
  double a_ = 0.0;
  double b_ = 0.0;
};

}  // namespace

Result<PlattScaling> PlattScaling::fit(std::span<const double> scores,
                                       std::span<const std::uint8_t> happened) {
  if (Result<void> good = check_pairs(scores, happened.size()); !good) {
    return tl::unexpected(std::move(good).error());
  }
  const auto count = static_cast<double>(scores.size());
  double center = 0.0;
  for (const double score : scores) {
    if (std::fabs(score) > 1e150) {
      return fail(Errc::invalid_argument, "score = " + number_text(score) + " is outside [-1e150, 1e150]");
    }
    center += score / count;
  }
  double variance = 0.0;
  for (const double score : scores) {
    variance += (score - center) * (score - center) / count;
  }
  const double scale = variance > 0.0 ? std::sqrt(variance) : 1.0;
  PlattFit likelihood(scores, happened, center, scale);
  likelihood.run();
  PlattScaling made;
  made.slope_ = likelihood.slope();
  made.offset_ = likelihood.offset();
  return made;
}

double PlattScaling::probability(double score) const noexcept {
  if (!std::isfinite(score)) {
    return std::numeric_limits<double>::quiet_NaN();
  }
  const double x = slope_ * score + offset_;
  const double small = portable_exp(-std::fabs(x));
  return x >= 0.0 ? small / (1.0 + small) : 1.0 / (1.0 + small);
}

void PlattScaling::save(Writer& writer) const {
  writer.f64(slope_);
  writer.f64(offset_);
}

Result<void> PlattScaling::load(Reader& reader) {
  PlattScaling loaded;
  loaded.slope_ = reader.finite();
  loaded.offset_ = reader.finite();
  return detail::take_loaded(*this, loaded, reader, true);
}

Description PlattScaling::describe() const {
  Description text;
  text.summary =
      "Platt scaling: 1 / (1 + exp(" + number_text(slope_) + " score + " + number_text(offset_) + "))";
  text.values = {{"slope", slope_}, {"offset", offset_}};
  return text;
}

Result<IsotonicRegression> IsotonicRegression::fit(std::span<const double> scores,
                                                   std::span<const double> outcomes,
                                                   std::span<const double> weights) {
  if (Result<void> good = check_pairs(scores, outcomes.size()); !good) {
    return tl::unexpected(std::move(good).error());
  }
  if (!weights.empty() && weights.size() != scores.size()) {
    return fail(Errc::dimension_mismatch, std::to_string(scores.size()) + " scores have " +
                                              std::to_string(weights.size()) + " weights");
  }
  for (std::size_t i = 0; i < scores.size(); ++i) {
    if (!std::isfinite(outcomes[i])) {
      return fail(Errc::non_finite, "outcome " + std::to_string(i) + " = " + number_text(outcomes[i]));
    }
    if (!weights.empty() && !(weights[i] > 0.0 && std::isfinite(weights[i]))) {
      return fail(Errc::invalid_argument,
                  "weight " + std::to_string(i) + " = " + number_text(weights[i]) + " is not positive");
    }
  }
  std::vector<std::size_t> order(scores.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::sort(order, {}, [&](std::size_t i) { return std::pair(scores[i], i); });

  struct Block {
    double low, high, mean, weight;
  };
  std::vector<Block> blocks;
  const auto pool = [&blocks] {
    const Block last = blocks.back();
    blocks.pop_back();
    Block& into = blocks.back();
    const double weight = into.weight + last.weight;
    into.mean += (last.weight / weight) * (last.mean - into.mean);
    into.weight = weight;
    into.high = last.high;
  };
  for (std::size_t k = 0; k < order.size(); ++k) {
    const std::size_t i = order[k];
    blocks.push_back({scores[i], scores[i], outcomes[i], weights.empty() ? 1.0 : weights[i]});
    const bool more = k + 1 < order.size() && scores[order[k + 1]] == scores[i];
    while (blocks.size() > 1 && blocks[blocks.size() - 2].high == blocks.back().low &&
           blocks[blocks.size() - 2].low == blocks.back().low) {
      pool();  // equal scores
    }
    while (!more && blocks.size() > 1 && blocks[blocks.size() - 2].mean >= blocks.back().mean) {
      pool();
    }
  }
  IsotonicRegression made;
  for (const Block& block : blocks) {
    made.score_.push_back(block.low);
    made.value_.push_back(block.mean);
    if (block.high > block.low) {
      made.score_.push_back(block.high);
      made.value_.push_back(block.mean);
    }
  }
  return made;
}

double IsotonicRegression::value(double score) const noexcept {
  if (std::isnan(score)) {
    return score;
  }
  if (score_.empty()) {
    return 0.0;
  }
  const auto above = static_cast<std::size_t>(std::ranges::lower_bound(score_, score) - score_.begin());
  if (above == score_.size()) {
    return value_.back();
  }
  if (above == 0 || score_[above] == score) {
    return value_[above];
  }
  // Halves first: the difference of two finite scores may overflow.
  const double share =
      (0.5 * score - 0.5 * score_[above - 1]) / (0.5 * score_[above] - 0.5 * score_[above - 1]);
  return (1.0 - share) * value_[above - 1] + share * value_[above];
}

void IsotonicRegression::save(Writer& writer) const {
  writer.numbers(score_);
  writer.numbers(value_);
}

Result<void> IsotonicRegression::load(Reader& reader) {
  IsotonicRegression loaded;
  loaded.score_ = reader.numbers<double>();
  loaded.value_ = reader.exactly<double>(loaded.score_.size());
  const auto finite = [](double x) { return std::isfinite(x); };
  const bool sound =
      std::ranges::all_of(loaded.score_, finite) && std::ranges::all_of(loaded.value_, finite) &&
      std::ranges::is_sorted(loaded.value_) &&
      std::ranges::adjacent_find(loaded.score_, std::ranges::greater_equal{}) == loaded.score_.end();
  return detail::take_loaded(*this, std::move(loaded), reader, sound);
}

Description IsotonicRegression::describe() const {
  Description text;
  text.summary = "isotonic regression: " + std::to_string(score_.size()) + " knots";
  text.values = {{"knots", static_cast<double>(score_.size())}};
  return text;
}

}  // namespace attune
