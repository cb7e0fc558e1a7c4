// SPDX-License-Identifier: Apache-2.0
// expect: Persistent: need `bool operator==
#include "tests/support/archetypes.hpp"

namespace attune {

struct Subject : test::PersistentPart<Subject> {
  using PersistentPart::PersistentPart;
#ifdef ATTUNE_SHOULD_FAIL
  bool operator==(const Subject&) const = delete;  // laws and recovery compare states
#endif
};
static_assert(check_persistent<Subject>());

}  // namespace attune
