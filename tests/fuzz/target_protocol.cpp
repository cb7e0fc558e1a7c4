// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <memory>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include <attune/core/assert.hpp>

#include "tests/fuzz/seeds.hpp"
#include "tests/fuzz/targets.hpp"
#include "tools/serve_session.hpp"

namespace attune::fuzz {

void protocol(Input input) {
  tools::ServeSession session(
      {.store = {}, .queued = false, .clock = std::make_shared<ManualClock>(), .log = {}});
  const bool with_config = !input.empty() && (input[0] & 1U) != 0;  // else the lines have to send one
  if (with_config) {
    const Result<void> opened = session.open(kProtocolConfig);
    ATTUNE_ASSERT(opened.has_value(), "the configuration of this target opens");
  }
  std::string_view rest(reinterpret_cast<const char*>(input.data()), input.size());
  rest.remove_prefix(std::min<std::size_t>(1, rest.size()));
  for (int lines = 0; lines < 64 && !rest.empty(); ++lines) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    std::string out;
    const bool more = session.handle(line, out);
    if (!out.empty()) {
      ATTUNE_ASSERT(std::ranges::count(out, '\n') == 1 && out.back() == '\n', "one line, one answer");
      ATTUNE_ASSERT(nlohmann::json::parse(out, nullptr, false).is_object(), "an answer is an object");
    }
    if (!more) {
      return;
    }
  }
  session.settle();
}

}  // namespace attune::fuzz
