// SPDX-License-Identifier: Apache-2.0
// expect: Persistent: the type must be copyable
#include "tests/support/archetypes.hpp"

namespace attune {

struct Subject : test::PersistentPart<Subject> {
  using PersistentPart::PersistentPart;
#ifdef ATTUNE_SHOULD_FAIL
  Subject(const Subject&) = delete;
  Subject(Subject&&) = default;  // two copies of each policy are kept
#endif
};
static_assert(check_persistent<Subject>());

}  // namespace attune
