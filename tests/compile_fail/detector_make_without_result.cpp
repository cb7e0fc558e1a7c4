// SPDX-License-Identifier: Apache-2.0
// expect: DriftDetector: need `static Result<D> make
#include "tests/support/archetypes.hpp"

namespace attune {

struct Subject : test::DetectorPart<Subject> {
  using DetectorPart::DetectorPart;
#ifdef ATTUNE_SHOULD_FAIL
  static Subject make(const Config&) { return Subject(0); }
#endif
};
static_assert(check_drift_detector<Subject>());

}  // namespace attune
