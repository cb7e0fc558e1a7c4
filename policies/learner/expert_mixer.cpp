// SPDX-License-Identifier: Apache-2.0
#include <attune/policies/expert_mixer.hpp>

#include <cmath>

#include "policies/learner/lane_kernels.hpp"

namespace attune {
namespace {

constexpr double kLargestCoefficient = 1e20;

}  // namespace

ExpertMixer::ExpertMixer(Loss loss) : loss_(loss) {
  state_.average_share = 1.0 / (kExperts + 1);
  state_.shares.fill(1.0 / kExperts);
  state_.correction_shares.fill(1.0 / (kExperts + 1));
  for (detail::LaneWeights& coefficient : state_.corrections) {
    coefficient.variance = detail::kCorrections.prior;
  }
}

ExpertMixer::Blend ExpertMixer::blend(const ExpertArray& scores) const noexcept {
  Blend result;
  detail::lane_kernels().blend(state_, loss_, scores, result);
  return result;
}

void ExpertMixer::learn(const Blend& blend, double target, double weight) noexcept {
  detail::lane_kernels().reweigh(state_, loss_, blend, target, weight);
}

void ExpertMixer::save(Writer& writer) const {
  writer.raw(state_.shares.data(), sizeof state_.shares);
  writer.raw(state_.correction_shares.data(), sizeof state_.correction_shares);
  writer.f64(state_.average_share);
  writer.f64(state_.error_squares);
  writer.f64(state_.error_count);
  for (const detail::LaneWeights& coefficient : state_.corrections) {
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
  good = std::abs(read(state_.shares) - 1.0) < 1e-6 && good;
  const double others = read(state_.correction_shares);
  state_.average_share = reader.finite();
  good = good && state_.average_share >= 0.0 && std::abs(others + state_.average_share - 1.0) < 1e-6;
  state_.error_squares = reader.finite();
  state_.error_count = reader.finite();
  // Written so that NaN fails.
  good = good && state_.error_squares >= 0.0 && state_.error_squares <= 1e250 && state_.error_count >= 0.0 &&
         state_.error_count <= 1e25 && (state_.error_count > 0.0 || state_.error_squares == 0.0);
  for (detail::LaneWeights& coefficient : state_.corrections) {
    for (double& mean : coefficient.mean) {
      mean = reader.finite();
      good = good && std::abs(mean) <= kLargestCoefficient;
    }
    for (std::size_t i = 0; i < kExperts; ++i) {
      coefficient.variance[i] = reader.finite();
      good =
          good && coefficient.variance[i] >= 0.0 && coefficient.variance[i] <= detail::kCorrections.prior[i];
    }
  }
  if (!good) {
    reader.fail_now();
  }
}

}  // namespace attune
