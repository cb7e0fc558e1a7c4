// SPDX-License-Identifier: Apache-2.0
// expect: Optimizer: need dimension
#include "tests/support/archetypes.hpp"

namespace attune {

struct Subject : test::OptimizerPart<Subject> {
  using OptimizerPart::OptimizerPart;
#ifdef ATTUNE_SHOULD_FAIL
  std::vector<double> best() const { return {}; }  // the trial has an id too
#endif
};
static_assert(check_optimizer<Subject>());

}  // namespace attune
