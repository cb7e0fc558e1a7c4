// SPDX-License-Identifier: Apache-2.0
// expect: Persistent: need `static constexpr std::string_view kName`
#include "tests/support/archetypes.hpp"

namespace attune {

struct Subject : test::PersistentPart<Subject> {
  using PersistentPart::PersistentPart;
#ifdef ATTUNE_SHOULD_FAIL
  static constexpr int kName = 7;  // a number is no name
#endif
};
static_assert(check_persistent<Subject>());

}  // namespace attune
