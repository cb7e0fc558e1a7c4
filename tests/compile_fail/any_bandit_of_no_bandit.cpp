// SPDX-License-Identifier: Apache-2.0
// expect: no matching (function for call to|conversion for functional-style cast)
#include <attune/engine/any_bandit.hpp>

#include "tests/support/archetypes.hpp"

namespace attune {

#ifdef ATTUNE_SHOULD_FAIL
using Subject = test::LearnerArchetype;
#else
using Subject = test::BanditArchetype;
#endif

AnyBandit hold(Subject subject) { return AnyBandit(subject); }

}  // namespace attune
