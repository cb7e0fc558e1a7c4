// SPDX-License-Identifier: Apache-2.0
// expect: RLAgent: need action_count
#include "tests/support/archetypes.hpp"

namespace attune {

struct Subject : test::AgentPart<Subject> {
  using AgentPart::AgentPart;
#ifdef ATTUNE_SHOULD_FAIL
  int action_count() const noexcept { return 1; }  // sizes are std::size_t
#endif
};
static_assert(check_rl_agent<Subject>());

}  // namespace attune
