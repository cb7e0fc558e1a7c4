// SPDX-License-Identifier: Apache-2.0
// expect: SlateBandit: need `Errc update
#include "tests/support/archetypes.hpp"

namespace attune {

struct Subject : test::SlateBanditPart<Subject> {
  using SlateBanditPart::SlateBanditPart;
#ifdef ATTUNE_SHOULD_FAIL
  void takes(SlateSignal) const noexcept {}  // says nothing
#endif
};
static_assert(check_slate_bandit<Subject>());

}  // namespace attune
