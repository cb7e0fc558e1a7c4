// SPDX-License-Identifier: Apache-2.0
// expect: OnlineLearner: need `std::uint64_t updates
#include "tests/support/archetypes.hpp"

namespace attune {

struct Subject : test::LearnerPart<Subject> {
  using LearnerPart::LearnerPart;
#ifdef ATTUNE_SHOULD_FAIL
  std::uint64_t updates() noexcept { return 0; }  // a query must not change the state
#endif
};
static_assert(check_online_learner<Subject>());

}  // namespace attune
