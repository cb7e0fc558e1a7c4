// SPDX-License-Identifier: Apache-2.0
// expect: HasArms: need `std::uint64_t updates
#include "tests/support/archetypes.hpp"

namespace attune {

struct Subject : test::BanditPart<Subject> {
  using BanditPart::BanditPart;
#ifdef ATTUNE_SHOULD_FAIL
  double updates() const noexcept { return 0.0; }  // counts are whole
#endif
};
static_assert(check_bandit<Subject>());

}  // namespace attune
