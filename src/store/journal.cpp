// SPDX-License-Identifier: Apache-2.0
#include <attune/store/journal.hpp>

namespace attune {

Result<CompactReport> Journal::compact(const RetainRule& /*rule*/, const Act& /*act*/) {
  return fail(Errc::unsupported, describe() + " has no retention");
}

Result<EraseReport> Journal::erase_subject(std::uint64_t /*subject*/, std::uint32_t /*checkpoints*/,
                                           const Act& /*act*/) {
  return fail(Errc::unsupported, describe() + " cannot erase records");
}

Result<void> Journal::record_act(const ActNote& /*note*/, const Act& /*act*/) { return {}; }

}  // namespace attune
