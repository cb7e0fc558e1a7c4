// SPDX-License-Identifier: Apache-2.0
#include <attune/safety/drift.hpp>

namespace attune {

std::string_view to_string(Signal signal) noexcept {
  switch (signal) {
    case Signal::none:
      return "none";
    case Signal::warning:
      return "warning";
    case Signal::drift:
      return "drift";
  }
  return "unknown";
}

}  // namespace attune
