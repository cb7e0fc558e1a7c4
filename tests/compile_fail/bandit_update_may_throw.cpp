// SPDX-License-Identifier: Apache-2.0
// expect: Bandit: need `Errc update
#include "tests/support/archetypes.hpp"

namespace attune {

struct Subject : test::BanditPart<Subject> {
  using BanditPart::BanditPart;
#ifdef ATTUNE_SHOULD_FAIL
  Errc update(const Feedback&) { return Errc::ok; }  // it runs where nobody catches
#endif
};
static_assert(check_bandit<Subject>());

}  // namespace attune
