// SPDX-License-Identifier: Apache-2.0
// Episodes: chains of decisions that share their rewards, or become experience.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "rewards/collector_impl.hpp"

namespace attune {

using detail::Chain;
using detail::HeldDecision;
using detail::kNone;

namespace {

/// base^exponent by squaring: the same bits everywhere, which std::pow does not promise.
double power(double base, std::uint64_t exponent) noexcept {
  double result = 1.0;
  for (; exponent > 0; exponent >>= 1U) {
    if ((exponent & 1U) != 0) {
      result *= base;
    }
    base *= base;
  }
  return result;
}

}  // namespace

// ------------------------------------------------------------------------------------------------- members

void Collector::Impl::append_to_chain(std::uint32_t chain, std::uint32_t at) noexcept {
  Chain& to = chains[chain];
  HeldDecision& slot = slab[at];
  slot.chain = chain;
  slot.chain_before = to.last;
  slot.chain_after = kNone;
  if (to.last == kNone) {
    to.first = at;
  } else {
    slab[to.last].chain_after = at;
  }
  to.last = at;
  ++to.count;
  to.unresolved += slot.resolved ? 0U : 1U;
}

void Collector::Impl::detach(std::uint32_t at) noexcept {
  HeldDecision& slot = slab[at];
  if (slot.chain == kNone) {
    return;
  }
  Chain& from = chains[slot.chain];
  if (slot.chain_before == kNone) {
    from.first = slot.chain_after;
  } else {
    slab[slot.chain_before].chain_after = slot.chain_after;
  }
  if (slot.chain_after == kNone) {
    from.last = slot.chain_before;
  } else {
    slab[slot.chain_after].chain_before = slot.chain_before;
  }
  --from.count;
  from.unresolved -= slot.resolved ? 0U : 1U;
  slot.chain = kNone;
}

// ---------------------------------------------------------------------------------------------------- ends

std::uint32_t Collector::Impl::mark_end(std::uint32_t at, const OutcomeRecord& record) {
  const bool terminal = (record.header.flags & OutcomeRecord::kTerminal) != 0;
  const bool truncated = (record.header.flags & OutcomeRecord::kTruncated) != 0;
  if (!terminal && !truncated) {
    return kNone;
  }
  HeldDecision& slot = slab[at];
  if (spec.credit == Credit::transition) {
    slot.terminal = slot.terminal || terminal;
    slot.truncated = !slot.terminal;
    const bool given = !record.next.dense.empty() || !record.next.sparse.empty();
    slot.has_next = slot.truncated && (slot.has_next || given);
    if (slot.truncated && given) {
      slot.next_dense.assign(record.next.dense.begin(), record.next.dense.end());
      slot.next_index.assign(record.next.sparse.index.begin(), record.next.sparse.index.end());
      slot.next_value.assign(record.next.sparse.value.begin(), record.next.sparse.value.end());
    }
  }
  if (slot.chain == kNone) {
    return kNone;
  }
  if (slot.chain_after != kNone) {
    return split_after(at);
  }
  chains.end(slot.chain);
  return kNone;
}

std::uint32_t Collector::Impl::split_after(std::uint32_t at) {
  // The name was used again for a new episode before the end of this one was reported.
  const std::uint32_t chain = slab[at].chain;
  const std::uint32_t rest = chains.split(chain);
  for (std::uint32_t member = slab[at].chain_after; member != kNone;) {
    const std::uint32_t after = slab[member].chain_after;
    detach(member);
    append_to_chain(rest, member);
    member = after;
  }
  return rest;
}

void Collector::Impl::progress(std::uint32_t chain, RewardSink& sink) noexcept {
  if (spec.credit == Credit::transition) {
    emit(chain, false, sink);
  } else if (chains[chain].ended && chains[chain].unresolved == 0) {
    settle(chain, sink);
  }
  if (chains[chain].count == 0) {
    chains.remove(chain);
  }
}

// ------------------------------------------------------------------------------------------------- credits

void Collector::Impl::settle(std::uint32_t chain, RewardSink& sink) noexcept {
  form_credits(chain);
  std::size_t i = 0;
  for (std::uint32_t member = chains[chain].first; member != kNone; ++i) {
    const std::uint32_t after = slab[member].chain_after;
    if (spec.credit == Credit::last && after != kNone) {
      lose(member, LossReason::credited_elsewhere, false, sink);
    } else {
      deliver(member, chain_credits[i], sink);
    }
    member = after;
  }
}

void Collector::Impl::form_credits(std::uint32_t chain) noexcept {
  chain_rewards.clear();
  for (std::uint32_t member = chains[chain].first; member != kNone; member = slab[member].chain_after) {
    chain_rewards.push_back(slab[member].reward);
  }
  chain_credits.assign(chain_rewards.begin(), chain_rewards.end());
  if (chain_credits.empty()) {
    return;
  }
  switch (spec.credit) {
    case Credit::own:
    case Credit::transition:
      break;
    case Credit::last:
      chain_credits.back() =
          detail::saturate(std::accumulate(chain_rewards.begin(), chain_rewards.end(), 0.0));
      break;
    case Credit::uniform: {
      const double sum = std::accumulate(chain_rewards.begin(), chain_rewards.end(), 0.0);
      std::ranges::fill(chain_credits, detail::saturate(sum) / static_cast<double>(chain_rewards.size()));
      break;
    }
    case Credit::discounted:
      discount(chain);
      break;
    case Credit::custom:
      apply_custom();
      break;
  }
}

void Collector::Impl::discount(std::uint32_t chain) noexcept {
  double later = 0.0;
  std::uint64_t later_step = slab[chains[chain].last].step;
  std::size_t i = chain_credits.size();
  for (std::uint32_t member = chains[chain].last; member != kNone; member = slab[member].chain_before) {
    --i;
    // A silent step in between is gone but still counts as a step.
    later = detail::saturate(chain_rewards[i] + power(spec.lambda, later_step - slab[member].step) * later);
    later_step = slab[member].step;
    chain_credits[i] = later;
  }
}

void Collector::Impl::apply_custom() noexcept {
  try {
    credit(chain_rewards, chain_credits);
  } catch (...) {
    counters.bad_credit += chain_credits.size();
    chain_credits.assign(chain_rewards.begin(), chain_rewards.end());
    return;
  }
  for (std::size_t i = 0; i < chain_credits.size(); ++i) {
    if (!std::isfinite(chain_credits[i])) {
      ++counters.bad_credit;
      chain_credits[i] = chain_rewards[i];
    }
  }
}

// ---------------------------------------------------------------------------------------------- experience

void Collector::Impl::emit(std::uint32_t chain, bool forced, RewardSink& sink) noexcept {
  while (chains[chain].first != kNone && slab[chains[chain].first].resolved) {
    const std::uint32_t at = chains[chain].first;
    const HeldDecision& slot = slab[at];
    if (slot.terminal) {
      hand_over(at, {}, true, false, sink);
    } else if (slot.chain_after != kNone) {
      hand_over(at, slab[slot.chain_after].decision.input(), false, false, sink);
    } else if (slot.has_next) {
      hand_over(at, slot.next(), false, true, sink);
    } else if (chains[chain].ended || forced) {
      lose(at, LossReason::no_next_state, false, sink);
    } else {
      return;  // its next state is the decision to come
    }
    forced = false;
  }
}

void Collector::Impl::hand_over(std::uint32_t at, const Input& next, bool terminal, bool truncated,
                                RewardSink& sink) noexcept {
  const HeldDecision& slot = slab[at];
  count_learned(slot.reward, slot.origin);
  sink.experience(slot.decision, slot.reward, next, terminal, truncated);
  close(at, false);
}

void Collector::Impl::deliver_single_step(std::uint32_t at, RewardSink& sink) noexcept {
  const HeldDecision& slot = slab[at];
  if (!slot.truncated) {
    hand_over(at, {}, true, false, sink);
  } else if (slot.has_next) {
    hand_over(at, slot.next(), false, true, sink);
  } else {
    lose(at, LossReason::no_next_state, false, sink);
  }
}

}  // namespace attune
