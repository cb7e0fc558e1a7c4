// SPDX-License-Identifier: Apache-2.0
// expect: OnlineLearner: need `Errc partial_fit
#include "tests/support/archetypes.hpp"

namespace attune {

struct Subject : test::LearnerPart<Subject> {
  using LearnerPart::LearnerPart;
#ifdef ATTUNE_SHOULD_FAIL
  Errc partial_fit(const Input&, double) noexcept { return Errc::ok; }  // weights are part of the interface
#endif
};
static_assert(check_online_learner<Subject>());

}  // namespace attune
