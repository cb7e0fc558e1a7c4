// SPDX-License-Identifier: Apache-2.0
// expect: Persistent: need `Description describe
#include "tests/support/archetypes.hpp"

namespace attune {

struct Subject : test::PersistentPart<Subject> {
  using PersistentPart::PersistentPart;
#ifdef ATTUNE_SHOULD_FAIL
  std::string_view describe() const { return {}; }  // tools need the numbers
#endif
};
static_assert(check_persistent<Subject>());

}  // namespace attune
