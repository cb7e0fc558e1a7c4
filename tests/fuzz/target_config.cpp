// SPDX-License-Identifier: Apache-2.0
#include <string>
#include <string_view>

#include <attune/core/assert.hpp>

#include "engine/config.hpp"
#include "tests/fuzz/targets.hpp"

namespace attune::fuzz {

void config(Input input) {
  const std::string_view text(reinterpret_cast<const char*>(input.data()), input.size());
  const Result<EngineConfig> parsed = parse_config(text);
  if (!parsed) {
    ATTUNE_ASSERT(!parsed.error().message.empty(), "a refusal says why");
    return;
  }
  const Result<EngineConfig> again = parse_config(parsed->canonical_text);
  ATTUNE_ASSERT(again.has_value(), "the canonical text is a configuration");
  ATTUNE_ASSERT(again->canonical_text == parsed->canonical_text,
                "the canonical text is its own canonical text");
  ATTUNE_ASSERT(again->points.size() == parsed->points.size(), "and says the same");
}

}  // namespace attune::fuzz
