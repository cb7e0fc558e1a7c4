// SPDX-License-Identifier: Apache-2.0
// Outcomes: what they say, what becomes of them, and how a decision's wait ends.
#include <algorithm>
#include <bit>
#include <cmath>
#include <utility>

#include "rewards/collector_impl.hpp"

namespace attune {

using detail::HeldDecision;
using detail::kNone;
using detail::Signal;
using detail::SignalList;

namespace {

/// Bits that are equal for equal numbers: -0 is 0.
std::uint64_t value_bits(double value) noexcept {
  return std::bit_cast<std::uint64_t>(value == 0.0 ? 0.0 : value);
}

constexpr std::size_t kForgetAhead = 4;

std::span<double> parts_of(Collector::Impl::Reading& reading, const OutcomeRecord& record) noexcept {
  return std::span(reading.value).first(record.component_count);
}

}  // namespace

// ------------------------------------------------------------------------------------------------ outcomes

Fate Collector::Impl::count(Fate fate) noexcept {
  switch (fate) {
    case Fate::duplicate:
      ++counters.duplicate;
      break;
    case Fate::conflict:
      ++counters.conflict;
      break;
    case Fate::late:
      ++counters.late;
      break;
    case Fate::unknown_decision:
    case Fate::foreign:
    case Fate::early:
      ++counters.unknown_decision;
      break;
    case Fate::unknown_component:
      ++counters.unknown_component;
      break;
    case Fate::too_many:
      ++counters.too_many;
      break;
    case Fate::invalid:
      ++counters.invalid;
      break;
    case Fate::learned:
    case Fate::waiting:
    case Fate::learned_late:
    case Fate::rejected:
    case Fate::capped:
      break;  // counted where they are learned, or refused
  }
  return fate;
}

Fate Collector::Impl::read(const OutcomeRecord& record, Reading& out) const noexcept {
  if (record.component_count > OutcomeRecord::kMaxComponents) {
    return Fate::invalid;
  }
  for (std::size_t i = 0; i < record.component_count; ++i) {
    const Component& part = record.components[i];
    const std::uint32_t component = former.component(part.name);
    if (component == kNone) {
      return Fate::unknown_component;
    }
    if (!std::isfinite(part.value)) {
      return Fate::invalid;
    }
    out.component[i] = component;
    out.value[i] = part.value;
  }
  const bool next_is_sound = record.next.sparse.index.size() == record.next.sparse.value.size() &&
                             all_finite(record.next.dense) && all_finite(record.next.sparse.value);
  return next_is_sound ? Fate::waiting : Fate::invalid;
}

Fate Collector::Impl::match(const SignalList& signals, const OutcomeRecord& record,
                            Reading& reading) const noexcept {
  const std::span<const Component> parts = record.all();
  if (record.key != 0) {
    for (std::size_t i = 0; i < parts.size(); ++i) {
      reading.digest +=
          detail::scramble(value_bits(parts[i].value) + detail::scramble(reading.component[i] + 1ULL));
      reading.fresh |= 1U << i;
    }
    reading.added = 1;
    const Signal* seen = signal_pool.find(signals, 0, record.key);
    if (seen == nullptr) {
      return Fate::waiting;
    }
    return seen->digest == reading.digest ? Fate::duplicate : Fate::conflict;
  }
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const std::uint64_t bits = value_bits(parts[i].value);
    const Signal* seen = signal_pool.find(signals, reading.component[i] + 1, 0);
    bool known = seen != nullptr;
    if (known && seen->digest != bits) {
      return Fate::conflict;
    }
    for (std::size_t before = 0; before < i; ++before) {  // the same component twice in one outcome
      if (reading.component[before] == reading.component[i]) {
        known = true;
        if (value_bits(parts[before].value) != bits) {
          return Fate::conflict;
        }
      }
    }
    if (!known) {
      reading.fresh |= 1U << i;
      ++reading.added;
    }
  }
  return parts.empty() || reading.fresh != 0 ? Fate::waiting : Fate::duplicate;
}

bool Collector::Impl::has_room(const SignalList& signals, const Reading& reading) const noexcept {
  return signals.count + reading.added <= spec.max_signals;
}

void Collector::Impl::join(SignalList& signals, std::uint32_t at, const OutcomeRecord& record,
                           const Reading& reading) {
  if (record.key != 0) {
    signal_pool.add(signals, {.key = record.key, .digest = reading.digest, .source = 0});
  }
  const std::span<detail::Accumulator> parts = slab.parts(at);
  for (std::size_t i = 0; i < record.component_count; ++i) {
    if ((reading.fresh >> i & 1U) == 0) {
      continue;
    }
    const std::uint32_t component = reading.component[i];
    former.add(component, parts[component], reading.value[i]);
    if (record.key == 0) {
      const std::uint64_t digest = value_bits(record.components[i].value);
      signal_pool.add(signals, {.key = 0, .digest = digest, .source = component + 1});
    }
  }
}

Fate Collector::Impl::fold_held(std::uint32_t at, const OutcomeRecord& record, RewardSink& sink) noexcept {
  HeldDecision& slot = slab[at];
  Reading reading;
  Fate fate = read(record, reading);
  if (fate != Fate::waiting) {
    return fate;
  }
  fate = match(slot.signals, record, reading);
  const bool joins = fate == Fate::waiting && !slot.resolved;
  if (fate == Fate::conflict) {
    return fate;
  }
  if (joins && !has_room(slot.signals, reading)) {
    return Fate::too_many;
  }
  if (joins && reading.fresh != 0) {
    const Fate screened = sink.screen(slot.decision, record, reading.fresh, parts_of(reading, record));
    if (screened != Fate::waiting) {
      return screened;
    }
  }
  const std::uint32_t chain = slot.chain;
  std::uint32_t cut_off = kNone;
  if (spec.credit != Credit::own) {
    cut_off = mark_end(at, record);
  }
  if (joins) {
    joined = reading.fresh;
    join(slot.signals, at, record, reading);
    if (spec.closing == Closing::complete && former.satisfied(slab.parts(at))) {
      resolve(at, Cause::complete, sink);
      fate = Fate::learned;
    }
  } else if (fate == Fate::waiting && reading.fresh != 0) {
    fate = Fate::late;
  }
  if (chain != kNone) {
    progress(chain, sink);
  }
  if (cut_off != kNone) {
    progress(cut_off, sink);
  }
  return fate;
}

Fate Collector::Impl::fold_closed(Closed& entry, const OutcomeRecord& record, RewardSink& sink) noexcept {
  Reading reading;
  Fate fate = read(record, reading);
  if (fate != Fate::waiting) {
    return fate;
  }
  fate = match(entry.signals, record, reading);
  if (fate != Fate::waiting) {
    return fate;
  }
  if (entry.dormant == kNone) {
    return Fate::late;
  }
  if (!has_room(entry.signals, reading)) {
    return Fate::too_many;
  }
  const std::uint32_t at = entry.dormant;
  if (reading.fresh != 0) {
    const Fate screened = sink.screen(slab[at].decision, record, reading.fresh, parts_of(reading, record));
    if (screened != Fate::waiting) {
      return screened;
    }
  }
  join(entry.signals, at, record, reading);
  if (!former.satisfied(slab.parts(at))) {
    return Fate::waiting;
  }
  const detail::Formed formed = former.form(slab.parts(at));
  counters.breaches += formed.breach ? 1 : 0;
  ++counters.learned_late;
  counters.reward_sum = detail::saturate(counters.reward_sum + formed.reward);
  sink.parts(former.terms());
  sink.learn(slab[at].decision, formed.reward, RewardOrigin::late);
  entry.dormant = kNone;
  slab.give_back(at);
  return Fate::learned_late;
}

// ----------------------------------------------------------------------------------------- ends of waiting

bool Collector::Impl::resolve(std::uint32_t at, Cause cause, RewardSink& sink) noexcept {
  HeldDecision& slot = slab[at];
  const detail::Formed formed = former.form(slab.parts(at));
  if (!formed.has_reward) {
    const LossReason by_rule = spec.silence == Silence::censor ? LossReason::censored : LossReason::silent;
    lose(at, cause == Cause::overflow ? LossReason::overflow : by_rule, spec.late == Lateness::learn, sink);
    return false;
  }
  counters.breaches += formed.breach ? 1 : 0;
  slot.reward = formed.reward;
  slot.origin = formed.origin;
  if (slot.chain != kNone) {
    slot.resolved = true;
    --chains[slot.chain].unresolved;
    return true;
  }
  if (spec.credit == Credit::transition) {
    deliver_single_step(at, sink);
  } else {
    sink.parts(former.terms());
    deliver(at, formed.reward, sink);
  }
  return false;
}

void Collector::Impl::lose(std::uint32_t at, LossReason reason, bool may_come_late,
                           RewardSink& sink) noexcept {
  switch (reason) {
    case LossReason::silent:
      ++counters.silent;
      break;
    case LossReason::censored:
      ++counters.censored;
      break;
    case LossReason::overflow:
      ++counters.overflow_lost;
      break;
    case LossReason::credited_elsewhere:
      ++counters.credited_elsewhere;
      break;
    case LossReason::no_next_state:
      ++counters.no_next_state;
      break;
  }
  sink.lost(slab[at].decision, reason);
  close(at, may_come_late);
}

void Collector::Impl::count_learned(double reward, RewardOrigin origin) noexcept {
  ++counters.learned;
  counters.learned_partial += origin == RewardOrigin::partial ? 1 : 0;
  counters.learned_default += origin == RewardOrigin::default_value ? 1 : 0;
  counters.reward_sum = detail::saturate(counters.reward_sum + reward);
}

void Collector::Impl::deliver(std::uint32_t at, double reward, RewardSink& sink) noexcept {
  const HeldDecision& slot = slab[at];
  count_learned(reward, slot.origin);
  sink.learn(slot.decision, reward, slot.origin);
  close(at, false);
}

void Collector::Impl::close(std::uint32_t at, bool keep) noexcept {
  detach(at);
  slab.unlink(at);
  remember({slab[at].decision.id, slab[at].signals, keep ? at : kNone}, at);
  if (!keep) {
    slab.give_back(at);
  }
}

void Collector::Impl::remember(const Closed& entry, std::uint32_t handle) {
  if (spec.max_closed == 0) {
    Closed gone = entry;
    forget(gone, handle);
    return;
  }
  if (closed.size() < spec.max_closed) {
    ids.replace(hash(entry.id), handle, static_cast<std::uint32_t>(closed.size()) | kClosedBit);
    closed.push_back(entry);
    return;
  }
  const auto place = static_cast<std::uint32_t>(closed_next);
  closed_next = closed_next + 1 == closed.size() ? 0 : closed_next + 1;
  forget(closed[place], place | kClosedBit);
  ids.replace(hash(entry.id), handle, place | kClosedBit);
  closed[place] = entry;
  // Their cells are anywhere in a table larger than the cache; which ones go next is known.
  const std::size_t ahead = closed_next + kForgetAhead;
  ids.prefetch(hash(closed[ahead < closed.size() ? ahead : closed_next].id));
}

void Collector::Impl::forget(Closed& entry, std::uint32_t handle) noexcept {
  ids.erase(hash(entry.id), handle);
  signal_pool.release(entry.signals);
  if (entry.dormant != kNone) {
    slab.give_back(entry.dormant);
  }
}

}  // namespace attune
