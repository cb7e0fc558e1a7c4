// SPDX-License-Identifier: Apache-2.0
// expect: Bandit: need `Result<void> warm_start
#include "tests/support/archetypes.hpp"

namespace attune {

struct Subject : test::BanditPart<Subject> {
  using BanditPart::BanditPart;
#ifdef ATTUNE_SHOULD_FAIL
  Result<void> warm_start(ArmIndex) { return {}; }  // without a prior
#endif
};
static_assert(check_bandit<Subject>());

}  // namespace attune
