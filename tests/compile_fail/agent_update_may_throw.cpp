// SPDX-License-Identifier: Apache-2.0
// expect: RLAgent: need `Errc update
#include "tests/support/archetypes.hpp"

namespace attune {

struct Subject : test::AgentPart<Subject> {
  using AgentPart::AgentPart;
#ifdef ATTUNE_SHOULD_FAIL
  Errc update(const Experience<State, Action>&) { return Errc::ok; }  // it runs where nobody catches
#endif
};
static_assert(check_rl_agent<Subject>());

}  // namespace attune
