// SPDX-License-Identifier: Apache-2.0
#include <attune/safety/mahalanobis.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include <Eigen/Cholesky>
#include <Eigen/Core>
#include <boost/math/distributions/chi_squared.hpp>

#include "safety/detector_state.hpp"

namespace attune {

static_assert(VectorAnomalyDetector<Mahalanobis>);

namespace {

using Matrix = Eigen::Map<Eigen::MatrixXd>;
using ConstMatrix = Eigen::Map<const Eigen::MatrixXd>;
using Vector = Eigen::Map<Eigen::VectorXd>;

/// z of another value where all were equal.
constexpr double kOther = 1e4;
constexpr double kMostDeviations = 1e9;
constexpr double kLargest = 10.0 * AnomalyWatch::kLargest;

}  // namespace

Mahalanobis::Mahalanobis(const Config& config, double threshold)
    : config_(config),
      start_(threshold),
      watch_(config.rules),
      tracker_(threshold, config.level, config.step * threshold),
      mean_(config.dimension, 0.0),
      covariance_(std::size_t{config.dimension} * config.dimension, 0.0),
      center_(mean_),
      inverse_(mean_),
      factor_(covariance_) {}

Result<Mahalanobis> Mahalanobis::make(const Config& config) {
  if (Result<void> verdict = check_bounds(config); !verdict) {
    return tl::unexpected(std::move(verdict).error());
  }
  const boost::math::chi_squared distribution(config.dimension);
  return Mahalanobis(config, boost::math::quantile(boost::math::complement(distribution, config.level)));
}

double Mahalanobis::covariance(std::size_t row, std::size_t column) const noexcept {
  const std::size_t lower = std::max(row, column);
  const double biased = covariance_[std::min(row, column) * config_.dimension + lower];
  return squares_ < 1.0 ? biased / (1.0 - squares_) : 0.0;
}

VectorAnomaly Mahalanobis::score(Features features) const noexcept {
  VectorAnomaly verdict;
  verdict.status = check_features(features, config_.dimension);
  if (verdict.status != Errc::ok || !ready_) {
    return verdict;
  }
  std::array<double, kMaxDimension> z;  // NOLINT: as much as is used is written
  for (std::size_t i = 0; i < features.size(); ++i) {
    const double distance = features[i] - center_[i];
    z[i] = inverse_[i] == 0.0 ? (distance == 0.0 ? 0.0 : kOther)
                              : std::clamp(distance * inverse_[i], -kMostDeviations, kMostDeviations);
  }
  const auto size = static_cast<Eigen::Index>(features.size());
  Vector solved(z.data(), size);
  ConstMatrix(factor_.data(), size, size).triangularView<Eigen::Lower>().solveInPlace(solved);
  const double form = solved.squaredNorm() * inflation_;
  verdict.score = form <= Anomaly::kMaxScore ? form : Anomaly::kMaxScore;
  verdict.threshold = tracker_.threshold();
  verdict.is_anomaly = verdict.score > verdict.threshold;
  return verdict;
}

VectorAnomaly Mahalanobis::update(Features features) noexcept {
  const VectorAnomaly verdict = score(features);
  if (verdict.status != Errc::ok) [[unlikely]] {
    watch_.skip();
    return verdict;
  }
  if (ready_) {
    tracker_.add(verdict.score);
  }
  switch (watch_.note(verdict.is_anomaly)) {
    case LearnAnomalies::none:
      return verdict;
    case LearnAnomalies::clipped:
      learn(features, std::sqrt(std::max(verdict.threshold, 0.0) / verdict.score));
      break;
    case LearnAnomalies::all:
      learn(features, 1.0);
      break;
  }
  if (learned_ >= config_.warm_up && (!ready_ || learned_ % config_.refresh == 0)) {
    refresh();
  }
  return verdict;
}

/// Learns center + scale (x - center); x itself for scale 1.
void Mahalanobis::learn(Features features, double scale) noexcept {
  std::array<double, kMaxDimension> distance;  // NOLINT: as much as is used is written
  ++learned_;
  const double w = std::max(1.0 / static_cast<double>(learned_), config_.weight);
  for (std::size_t i = 0; i < features.size(); ++i) {
    double value = std::clamp(features[i], -AnomalyWatch::kLargest, AnomalyWatch::kLargest);
    value = scale == 1.0 ? value : center_[i] + scale * (value - center_[i]);
    distance[i] = value - mean_[i];
    mean_[i] += w * distance[i];
  }
  const auto size = static_cast<Eigen::Index>(features.size());
  const Vector apart(distance.data(), size);
  Matrix sums(covariance_.data(), size, size);
  for (Eigen::Index column = 0; column < size; ++column) {
    const Eigen::Index below = size - column;
    sums.col(column).tail(below) =
        (1.0 - w) * (sums.col(column).tail(below) + (w * apart[column]) * apart.tail(below));
  }
  squares_ = (1.0 - w) * (1.0 - w) * squares_ + w * w;
}

void Mahalanobis::refresh() noexcept {
  const std::size_t size = config_.dimension;
  std::array<double, kMaxDimension> inverse;  // NOLINT: as much as is used is written
  for (std::size_t i = 0; i < size; ++i) {
    const double spread = watch_.believed(std::sqrt(std::max(covariance(i, i), 0.0)));
    inverse[i] = spread > 0.0 ? 1.0 / std::max(spread, 1e-300) : 0.0;
  }
  for (std::size_t column = 0; column < size; ++column) {
    for (std::size_t row = column; row < size; ++row) {
      const double correlation = covariance(row, column) * inverse[row] * inverse[column];
      factor_[column * size + row] =
          row == column ? 1.0 : (1.0 - config_.shrink) * std::clamp(correlation, -1.0, 1.0);
    }
  }
  const auto index = static_cast<Eigen::Index>(size);
  Matrix matrix(factor_.data(), index, index);
  const Eigen::LLT<Eigen::Ref<Eigen::MatrixXd>> cholesky(matrix);  // in place
  if (cholesky.info() != Eigen::Success) [[unlikely]] {
    // Correlations of damaged numbers; the features for themselves are still of use.
    std::fill(factor_.begin(), factor_.end(), 0.0);
    for (std::size_t i = 0; i < size; ++i) {
      factor_[i * size + i] = 1.0;
    }
  }
  std::copy_n(inverse.begin(), size, inverse_.begin());
  center_ = mean_;  // of one size: nothing is allocated
  inflation_ = 1.0 / (1.0 + squares_);
  ready_ = true;
}

void Mahalanobis::reset() noexcept {
  watch_.reset();
  tracker_.restore(start_);
  learned_ = 0;
  squares_ = 1.0;
  ready_ = false;
  inflation_ = 1.0;
  for (std::vector<double>* numbers : {&mean_, &covariance_, &center_, &inverse_, &factor_}) {
    std::fill(numbers->begin(), numbers->end(), 0.0);
  }
}

void Mahalanobis::save(Writer& writer) const {
  watch_.save(writer);
  writer.f64(tracker_.threshold());
  writer.u64(learned_);
  writer.f64(squares_);
  writer.boolean(ready_);
  writer.f64(inflation_);
  for (const std::vector<double>* numbers : {&mean_, &covariance_, &center_, &inverse_, &factor_}) {
    writer.numbers(*numbers);
  }
}

bool Mahalanobis::sound() const noexcept {
  const auto within = [](double limit) { return [limit](double x) { return std::fabs(x) <= limit; }; };
  const std::size_t size = config_.dimension;
  bool good = squares_ >= 0.0 && squares_ <= 1.0 && inflation_ >= 0.5 && inflation_ <= 1.0 &&
              std::fabs(tracker_.threshold()) <= 2.0 * Anomaly::kMaxScore &&
              std::ranges::all_of(mean_, within(kLargest)) &&
              std::ranges::all_of(center_, within(kLargest)) &&
              std::ranges::all_of(covariance_, within(kLargest * kLargest)) &&
              std::ranges::all_of(inverse_, [](double x) { return x >= 0.0 && std::isfinite(x); }) &&
              std::ranges::all_of(factor_, within(1.0 + 1e-6));
  for (std::size_t i = 0; i < size; ++i) {
    good = good && covariance_[i * size + i] >= 0.0 && (!ready_ || factor_[i * size + i] > 0.0);
  }
  return good;
}

Result<void> Mahalanobis::load(Reader& reader) {
  Mahalanobis loaded(*this);
  loaded.watch_.load(reader);
  loaded.tracker_.restore(reader.finite());
  loaded.learned_ = reader.u64();
  loaded.squares_ = reader.finite();
  loaded.ready_ = reader.boolean();
  loaded.inflation_ = reader.finite();
  for (std::vector<double>* numbers :
       {&loaded.mean_, &loaded.covariance_, &loaded.center_, &loaded.inverse_, &loaded.factor_}) {
    *numbers = reader.exactly<double>(numbers->size());
  }
  const bool sound = loaded.sound();
  return detail::take_loaded(*this, std::move(loaded), reader, sound);
}

Description Mahalanobis::describe() const {
  Description text = watch_.describe("Mahalanobis distance");
  text.values.emplace_back("threshold", tracker_.threshold());
  text.values.emplace_back("learned", static_cast<double>(learned_));
  return text;
}

}  // namespace attune
