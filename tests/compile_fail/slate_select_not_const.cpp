// SPDX-License-Identifier: Apache-2.0
// expect: SlateBandit: need `SlateChoice select_slate
#include "tests/support/archetypes.hpp"

namespace attune {

struct Subject : test::SlateBanditPart<Subject> {
  using SlateBanditPart::SlateBanditPart;
#ifdef ATTUNE_SHOULD_FAIL
  SlateChoice select_slate(const Context&, Rng&, const SlateOut&) noexcept { return {}; }
#endif
};
static_assert(check_slate_bandit<Subject>());

}  // namespace attune
