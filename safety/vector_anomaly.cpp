// SPDX-License-Identifier: Apache-2.0
#include <attune/safety/vector_anomaly.hpp>

#include <algorithm>
#include <cmath>

namespace attune {

Errc check_features(Features features, std::size_t dimension) noexcept {
  if (features.size() != dimension) {
    return Errc::dimension_mismatch;
  }
  return std::ranges::all_of(features, [](double x) { return std::isfinite(x); }) ? Errc::ok
                                                                                  : Errc::non_finite;
}

}  // namespace attune
