// SPDX-License-Identifier: Apache-2.0
// expect: Persistent: need `void save
#include "tests/support/archetypes.hpp"

namespace attune {

struct Subject : test::PersistentPart<Subject> {
  using PersistentPart::PersistentPart;
#ifdef ATTUNE_SHOULD_FAIL
  void save(Writer&) {}  // saving must not change the state
#endif
};
static_assert(check_persistent<Subject>());

}  // namespace attune
