// SPDX-License-Identifier: Apache-2.0
#include "simulations/arm_names.hpp"

namespace attune::sim {

std::vector<std::string> read_arm_names(JsonReader& reader, std::size_t count) {
  std::vector<std::string> names = reader.texts("arms", false);
  if (!reader.good()) {
    return names;
  }
  if (names.empty()) {
    for (std::size_t arm = 0; arm < count; ++arm) {
      names.push_back("arm-" + std::to_string(arm));
    }
  } else if (names.size() != count) {
    reader.fail_with(reader.path_of("arms") + " has " + std::to_string(names.size()) + " names for " +
                     std::to_string(count) + " arms");
  }
  return names;
}

}  // namespace attune::sim
