// SPDX-License-Identifier: Apache-2.0
// expect: DuelingBandit: need `Errc update
#include "tests/support/archetypes.hpp"

namespace attune {

struct Subject : test::DuelingBanditPart<Subject> {
  using DuelingBanditPart::DuelingBanditPart;
#ifdef ATTUNE_SHOULD_FAIL
  Errc update(const DuelFeedback&) { return Errc::ok; }
#endif
};
static_assert(check_dueling_bandit<Subject>());

}  // namespace attune
