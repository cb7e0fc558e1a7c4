// SPDX-License-Identifier: Apache-2.0
// expect: Persistent: need `Result<void> load
#include "tests/support/archetypes.hpp"

namespace attune {

struct Subject : test::PersistentPart<Subject> {
  using PersistentPart::PersistentPart;
#ifdef ATTUNE_SHOULD_FAIL
  bool load(Reader&) { return true; }  // a bool cannot say what is wrong
#endif
};
static_assert(check_persistent<Subject>());

}  // namespace attune
