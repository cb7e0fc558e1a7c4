// SPDX-License-Identifier: Apache-2.0
#include "rewards/decision_slab.hpp"

#include <algorithm>

namespace attune::detail {

std::uint32_t DecisionSlab::take() {
  if (free_ == kNone) {
    slots_.emplace_back();
    parts_.resize(slots_.size() * components_);
    return static_cast<std::uint32_t>(slots_.size() - 1);
  }
  const std::uint32_t at = free_;
  HeldDecision& slot = slots_[at];
  free_ = slot.newer;
  slot.signals = {};
  slot.reward = 0.0;
  slot.origin = RewardOrigin::observed;
  slot.resolved = false;
  slot.past_due = false;
  slot.terminal = false;
  slot.truncated = false;
  slot.has_next = false;
  slot.step = 0;
  slot.chain = kNone;
  slot.chain_before = kNone;
  slot.chain_after = kNone;
  slot.older = kNone;
  slot.newer = kNone;
  std::ranges::fill(parts(at), Accumulator{});
  return at;
}

void DecisionSlab::link(std::uint32_t at) noexcept {
  HeldDecision& slot = slots_[at];
  slot.older = newest_;
  slot.newer = kNone;
  if (newest_ == kNone) {
    oldest_ = at;
  } else {
    slots_[newest_].newer = at;
  }
  newest_ = at;
  if (due_ == kNone && !slot.past_due) {
    due_ = at;
  }
  ++held_;
}

void DecisionSlab::unlink(std::uint32_t at) noexcept {
  HeldDecision& slot = slots_[at];
  if (due_ == at) {
    due_ = slot.newer;
  }
  if (slot.older == kNone) {
    oldest_ = slot.newer;
  } else {
    slots_[slot.older].newer = slot.newer;
  }
  if (slot.newer == kNone) {
    newest_ = slot.older;
  } else {
    slots_[slot.newer].older = slot.older;
  }
  --held_;
}

void DecisionSlab::reserve(const Collector::Sizes& sizes) {
  slots_.reserve(sizes.pending);
  parts_.reserve(sizes.pending * components_);
  while (slots_.size() < sizes.pending) {
    slots_.emplace_back();
    parts_.resize(slots_.size() * components_);
    give_back(static_cast<std::uint32_t>(slots_.size() - 1));
  }
  for (std::uint32_t at = free_; at != kNone; at = slots_[at].newer) {
    PendingDecision& decision = slots_[at].decision;
    decision.dense.reserve(sizes.dense);
    decision.sparse_index.reserve(sizes.sparse);
    decision.sparse_value.reserve(sizes.sparse);
    decision.action_features.reserve(sizes.action_features);
    decision.values.reserve(sizes.values);
    slots_[at].next_dense.reserve(sizes.dense);
    slots_[at].next_index.reserve(sizes.sparse);
    slots_[at].next_value.reserve(sizes.sparse);
  }
}

}  // namespace attune::detail
