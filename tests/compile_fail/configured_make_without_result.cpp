// SPDX-License-Identifier: Apache-2.0
// expect: Configured: need `static Result<P> make
#include "tests/support/archetypes.hpp"

namespace attune {

struct Subject : test::BanditPart<Subject> {
  using BanditPart::BanditPart;
#ifdef ATTUNE_SHOULD_FAIL
  static Subject make(const Config&, const Shape&) { return Subject(0); }  // bad options must be reported
#endif
};
static_assert(check_bandit<Subject>());

}  // namespace attune
