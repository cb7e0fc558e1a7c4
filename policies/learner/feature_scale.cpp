// SPDX-License-Identifier: Apache-2.0
#include "policies/learner/feature_scale.hpp"

#include "core/target_clones.hpp"

namespace attune::detail {
namespace {

struct Counts {
  explicit Counts(std::uint64_t seen) noexcept
      : inverse_seen(seen > 0 ? 1.0 / static_cast<double>(seen) : 0.0),
        inverse_count(1.0 / static_cast<double>(seen + 1)),
        trusting(seen >= kTrusting) {}
  double inverse_seen;
  double inverse_count;
  bool trusting;
};

/// Welford's update by a distance from the mean.
inline FeatureMoments moved_by(const FeatureMoments& moments, double distance,
                               const Counts& counts) noexcept {
  const double step = distance * counts.inverse_count;
  return {moments.mean + step, moments.squares + distance * (distance - step)};
}

/// Welford's update, with the distance from the mean cut at ten deviations.
inline FeatureMoments moved(const FeatureMoments& moments, double x, const Counts& counts) noexcept {
  const double bound = kFarthest * std::sqrt(moments.squares * counts.inverse_seen);
  const double from = x - moments.mean;
  const double cut = std::clamp(from, -bound, bound);
  // A feature that has not moved yet has no deviation to be cut by.
  const double distance = counts.trusting && bound > 0.0 ? cut : from;
  return moved_by(moments, distance, counts);
}

/// Whether a value may be farther than ten deviations: rounding errs on the side of true.
inline std::uint64_t may_be_far(const FeatureMoments& moments, double x, const Counts& counts) noexcept {
  constexpr double kNearer = 0.9999 * kFarthest * kFarthest;
  constexpr double kLeast = 1e-280;  // squares of what is smaller may vanish
  const double from = x - moments.mean;
  const double variance = moments.squares * counts.inverse_seen;
  return static_cast<std::uint64_t>(from * from > kNearer * variance) |
         (static_cast<std::uint64_t>(variance < kLeast) & static_cast<std::uint64_t>(from != 0.0));
}

inline double standardised_by(const FeatureMoments& moments, double x, const Counts& counts) noexcept {
  const double deviation = std::sqrt(moments.squares * counts.inverse_count);
  // What differs from its mean by rounding only is constant.
  const bool varies = deviation > 1e-12 * std::abs(moments.mean);
  const double value = (x - moments.mean) / (varies ? deviation : 1.0);
  return varies ? std::clamp(value, -kFarthest, kFarthest) : 0.0;
}

}  // namespace

ATTUNE_TARGET_CLONES
void centred(std::span<const FeatureMoments> moments, std::span<const double> x, std::uint64_t seen,
             double* z) noexcept {
  const Counts counts(seen);
  for (std::size_t i = 0; i < moments.size(); ++i) {
    z[i] = standardised_by(moved(moments[i], x[i], counts), x[i], counts);
  }
}

ATTUNE_TARGET_CLONES
void absorb(std::span<FeatureMoments> moments, std::span<const double> x, std::uint64_t seen,
            double* z) noexcept {
  const Counts counts(seen);
  std::uint64_t far = 0;
  for (std::size_t i = 0; i < moments.size(); ++i) {
    far |= may_be_far(moments[i], x[i], counts);
  }
  if (far != 0) {
    for (std::size_t i = 0; i < moments.size(); ++i) {
      moments[i] = moved(moments[i], x[i], counts);
      z[i] = standardised_by(moments[i], x[i], counts);
    }
    return;
  }
  // The same without the root that the cut needs.
  for (std::size_t i = 0; i < moments.size(); ++i) {
    moments[i] = moved_by(moments[i], x[i] - moments[i].mean, counts);
    z[i] = standardised_by(moments[i], x[i], counts);
  }
}

}  // namespace attune::detail
