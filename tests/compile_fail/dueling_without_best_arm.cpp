// SPDX-License-Identifier: Apache-2.0
// expect: DuelingBandit: need `ArmIndex best_arm
#include "tests/support/archetypes.hpp"

namespace attune {

struct Subject : test::DuelingBanditPart<Subject> {
  using DuelingBanditPart::DuelingBanditPart;
#ifdef ATTUNE_SHOULD_FAIL
  void best_arm() const noexcept {}
#endif
};
static_assert(check_dueling_bandit<Subject>());

}  // namespace attune
