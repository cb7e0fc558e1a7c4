// SPDX-License-Identifier: Apache-2.0
// expect: ContinuousBandit: need `double density
#include "tests/support/archetypes.hpp"

namespace attune {

struct Subject : test::ContinuousBanditPart<Subject> {
  using ContinuousBanditPart::ContinuousBanditPart;
#ifdef ATTUNE_SHOULD_FAIL
  void density(const Context&, Features) const noexcept {}
#endif
};
static_assert(check_continuous_bandit<Subject>());

}  // namespace attune
