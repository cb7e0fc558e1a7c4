// SPDX-License-Identifier: Apache-2.0
#include "engine/shown_names.hpp"

#include <algorithm>
#include <cstddef>

#include <attune/core/shown_arm.hpp>

namespace attune {

bool name_shown(const ArmTable& arms, std::span<const double> values, std::string& names) {
  names.clear();
  for (const double value : values) {
    const ShownArm shown = ShownArm::of(value);
    if (!arms.holds(shown.arm, shown.generation)) {
      names.clear();
      return false;
    }
    names += names.empty() ? "" : "\n";
    names += arms.id(shown.arm);
  }
  return true;
}

void split_shown(std::string_view names, std::vector<ShortText>& out) {
  out.clear();
  while (!names.empty()) {
    const std::size_t end = std::min(names.find('\n'), names.size());
    out.emplace_back().assign(names.substr(0, end));
    names.remove_prefix(std::min(end + 1, names.size()));
  }
}

}  // namespace attune
