// SPDX-License-Identifier: Apache-2.0
/// @file
/// The list of shipped detectors, from which the registry, the laws and the benchmarks follow.
#pragma once

#include <attune/safety/adwin.hpp>
#include <attune/safety/bocpd.hpp>
#include <attune/safety/control_charts.hpp>
#include <attune/safety/ddm.hpp>
#include <attune/safety/eddm.hpp>
#include <attune/safety/hddm.hpp>
#include <attune/safety/kswin.hpp>
#include <attune/safety/page_hinkley.hpp>
#include <attune/safety/river_adwin.hpp>
#include <attune/safety/river_page_hinkley.hpp>
#include <attune/safety/stepd.hpp>

namespace attune {

template <class... Detectors>
struct DetectorList {};

using BuiltinDetectors = DetectorList<Adwin, PageHinkley, Cusum, EwmaChart, Ddm, Eddm, HddmA, HddmW, Kswin,
                                      Stepd, Bocpd, RiverAdwin, RiverPageHinkley>;

}  // namespace attune
