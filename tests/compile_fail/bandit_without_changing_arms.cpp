// SPDX-License-Identifier: Apache-2.0
// expect: HasArms: arms must come and go
#include "tests/support/archetypes.hpp"

namespace attune {

struct Subject : test::BanditPart<Subject> {
  using BanditPart::BanditPart;
#ifdef ATTUNE_SHOULD_FAIL
  void add_arm() {}  // the new slot must be told, or why there is none
#endif
};
static_assert(check_bandit<Subject>());

}  // namespace attune
