// SPDX-License-Identifier: Apache-2.0
// expect: Persistent: need `static constexpr std::uint32_t kStateVersion`
#include "tests/support/archetypes.hpp"

namespace attune {

struct Subject : test::PersistentPart<Subject> {
  using PersistentPart::PersistentPart;
#ifdef ATTUNE_SHOULD_FAIL
  struct kStateVersion {};  // a type is no version
#endif
};
static_assert(check_persistent<Subject>());

}  // namespace attune
