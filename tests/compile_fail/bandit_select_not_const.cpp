// SPDX-License-Identifier: Apache-2.0
// expect: Bandit: need `Choice select
#include "tests/support/archetypes.hpp"

namespace attune {

struct Subject : test::BanditPart<Subject> {
  using BanditPart::BanditPart;
#ifdef ATTUNE_SHOULD_FAIL
  Choice select(const Context&, Rng&) noexcept { return {}; }  // many threads select at once
#endif
};
static_assert(check_bandit<Subject>());

}  // namespace attune
