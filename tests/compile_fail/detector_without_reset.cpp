// SPDX-License-Identifier: Apache-2.0
// expect: DriftDetector: need `void reset
#include "tests/support/archetypes.hpp"

namespace attune {

struct Subject : test::DetectorPart<Subject> {
  using DetectorPart::DetectorPart;
#ifdef ATTUNE_SHOULD_FAIL
  void reset() = delete;
#endif
};
static_assert(check_drift_detector<Subject>());

}  // namespace attune
