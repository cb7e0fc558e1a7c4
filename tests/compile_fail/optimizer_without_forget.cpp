// SPDX-License-Identifier: Apache-2.0
// expect: Optimizer: need `Errc begin
#include "tests/support/archetypes.hpp"

namespace attune {

struct Subject : test::OptimizerPart<Subject> {
  using OptimizerPart::OptimizerPart;
#ifdef ATTUNE_SHOULD_FAIL
  void forget(std::uint64_t) {}  // an unknown id must be reported
#endif
};
static_assert(check_optimizer<Subject>());

}  // namespace attune
