// SPDX-License-Identifier: Apache-2.0
#include <attune/core/arm_set.hpp>

#include <algorithm>
#include <string>

namespace attune {

Result<ArmIndex> ArmSet::add() {
  if (enabled_.size() >= kMaxArms) {
    return fail(Errc::full, "a policy holds at most " + std::to_string(kMaxArms) + " arms");
  }
  enabled_.push_back(1);
  ++enabled_count_;
  return to_arm(enabled_.size() - 1);
}

Errc ArmSet::set_enabled(ArmIndex arm, bool on) noexcept {
  if (!contains(arm)) {
    return Errc::unknown_arm;
  }
  std::uint8_t& flag = enabled_[to_index(arm)];
  if ((flag != 0) != on) {
    flag = on ? 1 : 0;
    enabled_count_ = on ? enabled_count_ + 1 : enabled_count_ - 1;
  }
  return Errc::ok;
}

void ArmSet::load(Reader& reader) {
  std::vector<std::uint8_t> flags = reader.numbers<std::uint8_t>(kMaxArms);
  if (!reader.ok() || std::ranges::any_of(flags, [](std::uint8_t flag) { return flag > 1; })) {
    reader.fail_now();
    return;
  }
  enabled_ = std::move(flags);
  enabled_count_ = static_cast<std::size_t>(std::ranges::count(enabled_, std::uint8_t{1}));
}

std::size_t ArmSet::eligible(const Context& context) const noexcept {
  if (context.offered.empty()) {
    return enabled_count_;
  }
  return static_cast<std::size_t>(
      std::ranges::count_if(context.offered, [this](ArmIndex arm) { return enabled(arm); }));
}

}  // namespace attune
