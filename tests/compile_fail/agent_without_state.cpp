// SPDX-License-Identifier: Apache-2.0
// expect: RLAgent: nested State and Action are missing
#include "tests/support/archetypes.hpp"

namespace attune {

struct Subject : test::AgentPart<Subject> {
  using AgentPart::AgentPart;
#ifdef ATTUNE_SHOULD_FAIL
 private:
  struct State {};  // nobody outside can name it
#endif
};
static_assert(check_rl_agent<Subject>());

}  // namespace attune
