// SPDX-License-Identifier: Apache-2.0
// outcome() and events: the rest of what producers put into the ring.
#include <algorithm>
#include <cmath>
#include <functional>

#include "engine/engine_impl.hpp"

namespace attune {

Errc Engine::Impl::read_outcome(std::span<const Component> components, const OutcomeOptions& given,
                                OutcomeRecord& record) const noexcept {
  if (components.size() > OutcomeRecord::kMaxComponents) {
    return refuse(Errc::invalid_argument, "an outcome has at most 16 components");
  }
  if (components.empty() && !given.terminal && !given.truncated) {
    return refuse(Errc::invalid_argument, "an outcome without components says nothing");
  }
  for (const Component& component : components) {
    if (!std::isfinite(component.value)) {
      return refuse(Errc::non_finite, "component '", component.name, "' is not a finite number");
    }
    if (!std::ranges::binary_search(component_names, component.name, std::less<>())) {
      return refuse(Errc::unknown_component, "no decision point has a component '", component.name, "'");
    }
    const std::span<const Component> before = record.all();
    if (std::ranges::find(before, component.name, &Component::name) != before.end()) {
      return refuse(Errc::invalid_argument, "component '", component.name, "' is given twice");
    }
    record.components[record.component_count++] = component;
  }
  return all_finite(given.next) ? Errc::ok : refuse(Errc::non_finite, "the next state holds NaN or infinity");
}

Errc Engine::Impl::outcome(const Uuid& decision, std::span<const Component> components,
                           const OutcomeOptions& given) noexcept {
  OutcomeRecord record;
  if (const Errc verdict = read_outcome(components, given, record); verdict != Errc::ok) {
    outcomes_refused.fetch_add(1, std::memory_order_relaxed);
    return verdict;
  }
  const std::uint32_t number = ids.point(decision);
  if (number >= points.size()) {
    outcomes_refused.fetch_add(1, std::memory_order_relaxed);
    outcomes_foreign.fetch_add(1, std::memory_order_relaxed);
    return refuse(Errc::unknown_decision, "this decision was not made by this engine");
  }
  record.header.time = clock->now();
  record.header.point = number;
  record.header.id = decision;
  record.header.flags = static_cast<std::uint16_t>((given.terminal ? OutcomeRecord::kTerminal : 0) |
                                                   (given.truncated ? OutcomeRecord::kTruncated : 0));
  record.key = text_key(given.key);
  record.source = text_key(given.source);
  record.next.dense = given.next;
  std::uint64_t behind = 0;
  const std::span<std::byte> room = claim(encoded_size(record), true, behind);
  if (room.empty()) {
    outcomes_refused.fetch_add(1, std::memory_order_relaxed);
    return refuse(Errc::queue_full, "the queue is full: the outcome was not taken; report it again");
  }
  encode(record, room);
  Ring::commit(room);
  if (given.ticket != nullptr) {
    *given.ticket = static_cast<Ticket>(behind);
  }
  return acknowledge(number, static_cast<Ticket>(behind), given.wait);
}

Errc Engine::Impl::push_event(const EventRecord& event, std::uint64_t* ticket) noexcept {
  std::uint64_t behind = 0;
  const std::span<std::byte> room = claim(encoded_size(event), true, behind);
  if (room.empty()) {
    return refuse(Errc::queue_full, "the queue is full");
  }
  encode(event, room);
  Ring::commit(room);
  if (ticket != nullptr) {
    *ticket = behind;
  }
  return Errc::ok;
}

}  // namespace attune
