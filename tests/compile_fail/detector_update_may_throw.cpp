// SPDX-License-Identifier: Apache-2.0
// expect: DriftDetector: need `Signal update
#include "tests/support/archetypes.hpp"

namespace attune {

struct Subject : test::DetectorPart<Subject> {
  using DetectorPart::DetectorPart;
#ifdef ATTUNE_SHOULD_FAIL
  Signal update(double) { return Signal::none; }  // it runs where nobody catches
#endif
};
static_assert(check_drift_detector<Subject>());

}  // namespace attune
