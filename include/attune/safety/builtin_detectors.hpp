// SPDX-License-Identifier: Apache-2.0
/// @file
/// The list of shipped detectors, from which the registry, the laws and the benchmarks follow.
#pragma once

#include <attune/safety/adwin.hpp>
#include <attune/safety/page_hinkley.hpp>
#include <attune/safety/river_adwin.hpp>
#include <attune/safety/river_page_hinkley.hpp>

namespace attune {

template <class... Detectors>
struct DetectorList {};

using BuiltinDetectors = DetectorList<Adwin, PageHinkley, RiverAdwin, RiverPageHinkley>;

}  // namespace attune
