// SPDX-License-Identifier: Apache-2.0
/// @file
/// The list of shipped anomaly detectors, from which the registry, the laws and the benchmarks follow.
#pragma once

#include <attune/safety/cusum_anomaly.hpp>
#include <attune/safety/ewma_residual.hpp>
#include <attune/safety/hampel.hpp>
#include <attune/safety/iqr_fences.hpp>
#include <attune/safety/robust_z.hpp>
#include <attune/safety/seasonal_residual.hpp>
#include <attune/safety/z_score.hpp>

namespace attune {

template <class... Detectors>
struct AnomalyDetectorList {};

using BuiltinAnomalyDetectors =
    AnomalyDetectorList<ZScore, RobustZ, IqrFences, Hampel, EwmaResidual, SeasonalResidual, CusumAnomaly>;

}  // namespace attune
