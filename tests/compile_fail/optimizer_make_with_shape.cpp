// SPDX-License-Identifier: Apache-2.0
// expect: Optimizer: need `static Result<O> make
#include "tests/support/archetypes.hpp"

namespace attune {

struct Subject : test::OptimizerPart<Subject> {
  using OptimizerPart::OptimizerPart;
#ifdef ATTUNE_SHOULD_FAIL
  static Result<Subject> make(const Config&, const Shape&) { return Subject(0); }  // an optimizer has no arms
#endif
};
static_assert(check_optimizer<Subject>());

}  // namespace attune
