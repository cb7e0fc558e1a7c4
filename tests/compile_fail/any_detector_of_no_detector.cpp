// SPDX-License-Identifier: Apache-2.0
// expect: no matching (function for call to|conversion for functional-style cast)
#include <attune/safety/any_detector.hpp>

#include "tests/support/archetypes.hpp"

namespace attune {

#ifdef ATTUNE_SHOULD_FAIL
using Subject = test::LearnerArchetype;
#else
using Subject = test::DetectorArchetype;
#endif

AnyDetector hold(Subject subject) { return AnyDetector(subject); }

}  // namespace attune
