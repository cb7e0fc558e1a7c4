// SPDX-License-Identifier: Apache-2.0
#include "policies/learner/feature_scale.hpp"

#include "core/target_clones.hpp"

namespace attune::detail {
namespace {

/// Welford's update, with the distance from the mean cut at ten deviations.
inline FeatureMoments moved(const FeatureMoments& scale, double x, double inverse_seen, double inverse_count,
                            bool trusting) noexcept {
  const double bound = kFarthest * std::sqrt(scale.squares * inverse_seen);
  const double from = x - scale.mean;
  const double cut = std::clamp(from, -bound, bound);
  // A feature that has not moved yet has no deviation to be cut by.
  const double distance = trusting && bound > 0.0 ? cut : from;
  const double step = distance * inverse_count;
  return {scale.mean + step, scale.squares + distance * (distance - step)};
}

}  // namespace

ATTUNE_TARGET_CLONES
void centred(std::span<const FeatureMoments> moments, std::span<const double> x, std::uint64_t seen,
             double* z) noexcept {
  const double inverse_seen = seen > 0 ? 1.0 / static_cast<double>(seen) : 0.0;
  const double inverse_count = 1.0 / static_cast<double>(seen + 1);
  const bool trusting = seen >= kTrusting;
  for (std::size_t i = 0; i < moments.size(); ++i) {
    const FeatureMoments now = moved(moments[i], x[i], inverse_seen, inverse_count, trusting);
    const double deviation = std::sqrt(now.squares * inverse_count);
    // What differs from its mean by rounding only is constant.
    const bool varies = deviation > 1e-12 * std::abs(now.mean);
    const double value = (x[i] - now.mean) / (varies ? deviation : 1.0);
    z[i] = varies ? std::clamp(value, -kFarthest, kFarthest) : 0.0;
  }
}

ATTUNE_TARGET_CLONES
void absorb(std::span<FeatureMoments> moments, std::span<const double> x, std::uint64_t seen) noexcept {
  const double inverse_seen = seen > 0 ? 1.0 / static_cast<double>(seen) : 0.0;
  const double inverse_count = 1.0 / static_cast<double>(seen + 1);
  const bool trusting = seen >= kTrusting;
  for (std::size_t i = 0; i < moments.size(); ++i) {
    const FeatureMoments now = moved(moments[i], x[i], inverse_seen, inverse_count, trusting);
    moments[i] = now;
  }
}

}  // namespace attune::detail
