// SPDX-License-Identifier: Apache-2.0
// expect: Configured: the nested type Config is missing
#include "tests/support/archetypes.hpp"

namespace attune {

struct Subject : test::BanditPart<Subject> {
  using BanditPart::BanditPart;
#ifdef ATTUNE_SHOULD_FAIL
 private:
  struct Config {};  // nobody outside can name it
#endif
};
static_assert(check_bandit<Subject>());

}  // namespace attune
