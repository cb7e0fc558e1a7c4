// SPDX-License-Identifier: Apache-2.0
#include <attune/policies/expert_mixer.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>

#include "core/portable_math.hpp"
#include "policies/learner/lane_kernels.hpp"
#include "policies/learner/link.hpp"

namespace attune {
namespace {

constexpr double kShare = 1e-4;
constexpr double kKeepError = 0.999;
constexpr double kLeastProbability = 1e-12;
constexpr double kLargestScore = 1e110;
constexpr double kFarthestShift = 3.0;
constexpr double kFarthestError = 10.0;  // deviations
constexpr double kGentle = 0.5;          // inputs with a smaller prior are written smaller
constexpr double kLargestCoefficient = 1e20;

// What the corrections believe of each coefficient, and how fast it may move.
constexpr detail::LaneConstants kCorrections{.prior = {0.01, 0.03, 0.1, 0.03, 0.1, 0.1, 0.3, 0.3},
                                             .drift = {0.0, 0.0, 0.0, 1e-5, 1e-5, 1e-4, 3e-4, 3e-3}};

double inside(double probability) noexcept {
  return std::clamp(probability, kLeastProbability, 1.0 - kLeastProbability);
}

using Likelihoods = std::array<double, ExpertMixer::kExperts + 1>;

/// Likelihood of a target under probabilities, relative to the largest where it takes logarithms.
void likelihoods(std::span<const double> probability, double target, double weight,
                 std::span<double> result) noexcept {
  if (weight == 1.0 && (target == 0.0 || target == 1.0)) {
    for (std::size_t i = 0; i < probability.size(); ++i) {
      const double p = inside(probability[i]);
      result[i] = target == 1.0 ? p : 1.0 - p;
    }
    return;
  }
  for (std::size_t i = 0; i < probability.size(); ++i) {
    const double p = inside(probability[i]);
    result[i] = weight * (target * detail::portable_log(p) + (1.0 - target) * detail::portable_log(1.0 - p));
  }
  const double best = *std::ranges::max_element(result);
  for (double& value : result) {
    value = detail::portable_exp(value - best);
  }
}

/// exp(-weight error^2 / 2 noise), relative to the largest.
void likelihoods_of_errors(std::span<const double> prediction, double target, double weight, double noise,
                           std::span<double> result) noexcept {
  double best = std::numeric_limits<double>::infinity();
  for (std::size_t i = 0; i < prediction.size(); ++i) {
    const double error = target - prediction[i];
    result[i] = error * error;
    best = std::min(best, result[i]);
  }
  for (double& value : result) {
    value = noise > 0.0 ? detail::portable_exp(std::max(-700.0, 0.5 * weight * (best - value) / noise)) : 1.0;
  }
}

/// Multiplies shares by likelihoods and spreads a part of them evenly.
void reweigh(std::span<double> shares, std::span<const double> likelihood) noexcept {
  double total = 0.0;
  for (std::size_t i = 0; i < shares.size(); ++i) {
    shares[i] *= likelihood[i];
    total += shares[i];
  }
  // All likelihoods may be 0 where an example is heavy: then nothing has been told apart.
  const auto size = static_cast<double>(shares.size());
  const double part = total > 0.0 ? (1.0 - kShare) / total : 0.0;
  const double even = total > 0.0 ? kShare / size : 1.0 / size;
  for (double& share : shares) {
    share = share * part + even;
  }
}

}  // namespace

ExpertMixer::ExpertMixer(Loss loss) : loss_(loss), average_share_(1.0 / (kExperts + 1)) {
  shares_.fill(1.0 / kExperts);
  correction_shares_.fill(1.0 / (kExperts + 1));
  for (detail::LaneWeights& coefficient : corrections_) {
    coefficient.variance = kCorrections.prior;
  }
}

ExpertMixer::Blend ExpertMixer::blend(const ExpertArray& scores) const noexcept {
  Blend result;
  const bool logistic = loss_ == Loss::logistic;
  for (std::size_t i = 0; i < kExperts; ++i) {
    result.scores[i] = std::clamp(scores[i], -kLargestScore, kLargestScore);
  }
  if (logistic) {
    detail::lane_kernels().probabilities(result.scores, result.experts);
  } else {
    result.experts = result.scores;
  }
  for (std::size_t i = 0; i < kExperts; ++i) {
    result.average += shares_[i] * result.experts[i];
  }
  if (logistic) {
    const double p = inside(result.average);
    result.centre = detail::portable_log(p / (1.0 - p));
  } else {
    result.centre = result.average;
    const double noise = error_count_ > 0.0 ? error_squares_ / error_count_ : 0.0;
    result.spread = noise > 0.0 ? std::sqrt(noise) : 1.0;
  }
  const double unit = 1.0 / result.spread;
  for (std::size_t i = 0; i < kExperts; ++i) {
    result.inputs[i] = std::clamp((result.scores[i] - result.centre) * unit, -kFarthestShift, kFarthestShift);
  }
  // A target has no natural zero: only a logit may be stretched.
  result.inputs[kExperts] = logistic ? kGentle * result.centre : 0.0;
  result.inputs[kExperts + 1] = kGentle;
  ExpertArray moves{};
  detail::lane_kernels().add_scores(corrections_.data(), {nullptr, result.inputs.data(), kInputs}, moves);
  for (std::size_t i = 0; i < kExperts; ++i) {
    result.corrected[i] = std::clamp(result.centre + result.spread * moves[i], -kLargestScore, kLargestScore);
  }
  if (logistic) {
    detail::lane_kernels().probabilities(result.corrected, result.corrections);
  } else {
    result.corrections = result.corrected;
  }
  result.prediction = average_share_ * result.average;
  for (std::size_t i = 0; i < kExperts; ++i) {
    result.prediction += correction_shares_[i] * result.corrections[i];
  }
  // A sum of shares may pass 1 by rounding.
  result.prediction = logistic ? std::min(result.prediction, 1.0) : result.prediction;
  return result;
}

void ExpertMixer::learn(const Blend& blend, double target, double weight) noexcept {
  const bool logistic = loss_ == Loss::logistic;
  const detail::LaneInput inputs{nullptr, blend.inputs.data(), kInputs};
  ExpertArray scores{};
  ExpertArray spreads{};
  detail::lane_kernels().prepare(corrections_.data(), inputs, nullptr, kCorrections, scores, spreads);
  ExpertArray steps{};
  ExpertArray shrinks{};
  if (logistic) {
    // Linearised at the prediction: spreads are small here, and an implicit step gains nothing.
    for (std::size_t i = 0; i < kExperts; ++i) {
      const double p = blend.corrections[i];
      const double curvature = weight * p * (1.0 - p);
      const double part = 1.0 / (1.0 + curvature * spreads[i]);
      steps[i] = weight * (target - p) * part;
      shrinks[i] = curvature * part;
    }
  } else {
    for (std::size_t i = 0; i < kExperts; ++i) {
      const double error =
          std::clamp((target - blend.corrected[i]) / blend.spread, -kFarthestError, kFarthestError);
      const detail::Move move = detail::squared_move(0.0, spreads[i], error, weight);
      steps[i] = move.step;
      shrinks[i] = move.shrink;
    }
  }
  detail::lane_kernels().learn(corrections_.data(), inputs, steps, shrinks);
  std::array<double, kExperts + 1> answers{};
  std::ranges::copy(blend.corrections, answers.begin());
  answers.back() = blend.average;
  Likelihoods likelihood{};
  Likelihoods of_answers{};
  const std::span<double> of_experts = std::span(likelihood).first(kExperts);
  if (logistic) {
    likelihoods(blend.experts, target, weight, of_experts);
    likelihoods(answers, target, weight, of_answers);
  } else {
    const double error = target - blend.average;
    error_squares_ = kKeepError * error_squares_ + weight * error * error;
    error_count_ = kKeepError * error_count_ + weight;
    const double noise = error_squares_ / error_count_;
    likelihoods_of_errors(blend.experts, target, weight, noise, of_experts);
    likelihoods_of_errors(answers, target, weight, noise, of_answers);
  }
  reweigh(shares_, of_experts);
  std::array<double, kExperts + 1> shares{};
  std::ranges::copy(correction_shares_, shares.begin());
  shares.back() = average_share_;
  reweigh(shares, of_answers);
  std::copy_n(shares.begin(), kExperts, correction_shares_.begin());
  average_share_ = shares.back();
}

void ExpertMixer::save(Writer& writer) const {
  writer.raw(shares_.data(), sizeof shares_);
  writer.raw(correction_shares_.data(), sizeof correction_shares_);
  writer.f64(average_share_);
  writer.f64(error_squares_);
  writer.f64(error_count_);
  for (const detail::LaneWeights& coefficient : corrections_) {
    writer.raw(coefficient.mean.data(), sizeof coefficient.mean);
    writer.raw(coefficient.variance.data(), sizeof coefficient.variance);
  }
}

void ExpertMixer::load(Reader& reader) {
  bool good = true;
  const auto read = [&](ExpertArray& values) {
    double total = 0.0;
    for (double& value : values) {
      value = reader.finite();
      good = good && value >= 0.0;
      total += value;
    }
    return total;
  };
  good = std::abs(read(shares_) - 1.0) < 1e-6 && good;
  const double others = read(correction_shares_);
  average_share_ = reader.finite();
  good = good && average_share_ >= 0.0 && std::abs(others + average_share_ - 1.0) < 1e-6;
  error_squares_ = reader.finite();
  error_count_ = reader.finite();
  // Written so that NaN fails.
  good = good && error_squares_ >= 0.0 && error_squares_ <= 1e250 && error_count_ >= 0.0 &&
         error_count_ <= 1e25 && (error_count_ > 0.0 || error_squares_ == 0.0);
  for (detail::LaneWeights& coefficient : corrections_) {
    for (double& mean : coefficient.mean) {
      mean = reader.finite();
      good = good && std::abs(mean) <= kLargestCoefficient;
    }
    for (std::size_t i = 0; i < kExperts; ++i) {
      coefficient.variance[i] = reader.finite();
      good = good && coefficient.variance[i] >= 0.0 && coefficient.variance[i] <= kCorrections.prior[i];
    }
  }
  if (!good) {
    reader.fail_now();
  }
}

}  // namespace attune
