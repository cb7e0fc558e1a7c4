// SPDX-License-Identifier: Apache-2.0
// expect: Optimizer: need `Result<std::vector<double>> ask
#include "tests/support/archetypes.hpp"

namespace attune {

struct Subject : test::OptimizerPart<Subject> {
  using OptimizerPart::OptimizerPart;
#ifdef ATTUNE_SHOULD_FAIL
  Result<std::vector<double>> ask(Rng&) { return std::vector<double>{}; }  // asking promises nothing yet
#endif
};
static_assert(check_optimizer<Subject>());

}  // namespace attune
