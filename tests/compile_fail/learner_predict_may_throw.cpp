// SPDX-License-Identifier: Apache-2.0
// expect: OnlineLearner: need `double predict
#include "tests/support/archetypes.hpp"

namespace attune {

struct Subject : test::LearnerPart<Subject> {
  using LearnerPart::LearnerPart;
#ifdef ATTUNE_SHOULD_FAIL
  double predict(const Input&) const { return 0.0; }  // it runs on the decision path
#endif
};
static_assert(check_online_learner<Subject>());

}  // namespace attune
