// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <span>
#include <vector>

#include "rewards/collector_impl.hpp"
#include "rewards/collector_state.hpp"

namespace attune {

using detail::HeldDecision;
using detail::kNoChain;
using detail::kNone;
using detail::Signal;
using detail::SignalList;

namespace {

void save_id(Writer& writer, const Uuid& id) { writer.raw(id.bytes.data(), id.bytes.size()); }

void save_decision(Writer& writer, const PendingDecision& decision) {
  save_id(writer, decision.id);
  writer.u64(decision.sequence);
  writer.u64(decision.position);
  writer.i64(decision.time);
  writer.u64(decision.version);
  writer.f64(decision.propensity);
  writer.u64(decision.episode);
  writer.u32(static_cast<std::uint32_t>(decision.arm));
  writer.numbers(decision.dense);
  writer.numbers(decision.sparse_index);
  writer.numbers(decision.sparse_value);
  writer.numbers(decision.action_features);
  writer.numbers(decision.values);
}

void save_parts(Writer& writer, std::span<const detail::Accumulator> parts) {
  for (const detail::Accumulator& part : parts) {
    writer.f64(part.value);
    writer.u32(part.count);
  }
}

void save_signals(Writer& writer, const detail::SignalPool& pool, const SignalList& list) {
  writer.u32(list.count);
  pool.for_each(list, [&](const Signal& signal) {
    writer.u32(signal.source);
    writer.u64(signal.key);
    writer.u64(signal.digest);
  });
}

std::uint8_t flags_of(const HeldDecision& slot) noexcept {
  return static_cast<std::uint8_t>(
      (slot.resolved ? detail::kResolved : 0) | (slot.past_due ? detail::kPastDue : 0) |
      (slot.terminal ? detail::kTerminal : 0) | (slot.truncated ? detail::kTruncated : 0) |
      (slot.has_next ? detail::kHasNext : 0));
}

void save_held(Writer& writer, const Collector::Impl& from, std::uint32_t at,
               std::vector<std::uint32_t>& numbers, std::uint32_t& chain_count) {
  const HeldDecision& slot = from.slab[at];
  save_decision(writer, slot.decision);
  save_parts(writer, from.slab.parts(at));
  save_signals(writer, from.signal_pool, slot.signals);
  writer.u8(flags_of(slot));
  writer.u8(static_cast<std::uint8_t>(slot.origin));
  writer.f64(slot.reward);
  if (slot.has_next) {
    writer.numbers(slot.next_dense);
    writer.numbers(slot.next_index);
    writer.numbers(slot.next_value);
  }
  if (slot.chain == kNone) {
    writer.u32(kNoChain);
    return;
  }
  std::uint32_t& number = numbers[slot.chain];
  const bool first = number == kNoChain;
  if (first) {
    number = ++chain_count;  // by order of first members: places in the table do not show
  }
  writer.u32(number);
  writer.u64(slot.step);
  if (first) {
    writer.boolean(from.chains[slot.chain].ended);
    writer.u64(from.chains[slot.chain].next_step);
  }
}

void save_rules(Writer& writer, const RewardSpec& spec) {
  writer.u32(detail::kFormat);
  writer.u8(static_cast<std::uint8_t>(spec.credit));
  writer.u8(static_cast<std::uint8_t>(spec.late));
  writer.u32(static_cast<std::uint32_t>(spec.components.size()));
  for (const ComponentSpec& component : spec.components) {
    writer.text(component.name);
  }
}

}  // namespace

void Collector::save(Writer& writer) const {
  save_rules(writer, impl_->spec);
  writer.i64(impl_->time);
  detail::for_each_counter(impl_->counters, [&](std::uint64_t counter) { writer.u64(counter); });
  writer.f64(impl_->counters.reward_sum);
  for (const detail::Moments& moments : impl_->former.moments()) {
    writer.u64(moments.count);
    writer.f64(moments.mean);
    writer.f64(moments.squares);
  }
  writer.u64(impl_->slab.held());
  std::vector<std::uint32_t> numbers(impl_->chains.places(), kNoChain);
  std::uint32_t chain_count = 0;
  for (std::uint32_t at = impl_->slab.oldest(); at != kNone; at = impl_->slab[at].newer) {
    save_held(writer, *impl_, at, numbers, chain_count);
  }
  writer.u64(impl_->closed.size());
  impl_->for_each_closed([&](const Impl::Closed& entry) {
    save_id(writer, entry.id);
    save_signals(writer, impl_->signal_pool, entry.signals);
    writer.boolean(entry.dormant != kNone);
    if (entry.dormant != kNone) {
      save_decision(writer, impl_->slab[entry.dormant].decision);
      save_parts(writer, impl_->slab.parts(entry.dormant));
    }
  });
}

bool Collector::operator==(const Collector& other) const {
  if (!(impl_->spec == other.impl_->spec)) {
    return false;
  }
  Writer mine;
  Writer theirs;
  save(mine);
  other.save(theirs);
  return std::ranges::equal(mine.view(), theirs.view());
}

}  // namespace attune
