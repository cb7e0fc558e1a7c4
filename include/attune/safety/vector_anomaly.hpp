// SPDX-License-Identifier: Apache-2.0
/// @file
/// VectorAnomalyDetector: what says of a vector of features that it is not like those before it.
#pragma once

#include <concepts>
#include <cstddef>

#include <attune/core/concepts.hpp>
#include <attune/safety/anomaly.hpp>

namespace attune {

/// What a detector says of one vector, by what it knew before it.
struct VectorAnomaly {
  /// dimension_mismatch or non_finite: the vector was not judged, and nothing but a counter has changed.
  Errc status = Errc::ok;
  double score = 0.0;  ///< in the detector's measure; 0 while warming up
  /// `score` beyond it is an anomaly; infinite while warming up.
  double threshold = std::numeric_limits<double>::infinity();
  bool is_anomaly = false;
};

/// Watches a stream of vectors. As AnomalyDetector, of which see the promises, for `dimension()` numbers at
/// once: `update` judges as `score` does and then learns; neither allocates, locks or throws.
template <class D>
concept VectorAnomalyDetector =
    Persistent<D> &&
    requires(D& detector, const D& seen, const typename D::Config& config, Features features) {
      { D::make(config) } -> std::same_as<Result<D>>;
      { seen.score(features) } noexcept -> std::same_as<VectorAnomaly>;
      { detector.update(features) } noexcept -> std::same_as<VectorAnomaly>;
      { detector.reset() } noexcept -> std::same_as<void>;
      { seen.count() } noexcept -> std::same_as<const AnomalyCount&>;
      { seen.dimension() } noexcept -> std::same_as<std::size_t>;
    };

/// Ok, dimension_mismatch or non_finite.
[[nodiscard]] Errc check_features(Features features, std::size_t dimension) noexcept;

}  // namespace attune
