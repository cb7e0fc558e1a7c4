// SPDX-License-Identifier: Apache-2.0
// expect: RLAgent: need `ActionChoice<Action> select_action
#include "tests/support/archetypes.hpp"

namespace attune {

struct Subject : test::AgentPart<Subject> {
  using AgentPart::AgentPart;
#ifdef ATTUNE_SHOULD_FAIL
  Action select_action(const State&, Rng&) const noexcept { return {}; }  // the action alone is not enough
#endif
};
static_assert(check_rl_agent<Subject>());

}  // namespace attune
