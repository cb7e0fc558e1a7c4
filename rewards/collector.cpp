// SPDX-License-Identifier: Apache-2.0
#include <attune/rewards/collector.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "rewards/collector_impl.hpp"

namespace attune {

using detail::HeldDecision;
using detail::kNone;

namespace {

constexpr Nanos kForever = std::numeric_limits<Nanos>::max();

/// Room for unknown ids' hashes to differ from one collector and process to the next. State never depends on
/// it.
std::uint64_t seed_from(const void* place) noexcept {
  return detail::scramble(static_cast<std::uint64_t>(reinterpret_cast<std::uintptr_t>(place)) +
                          0x9E37'79B9'7F4A'7C15ULL);
}

template <class T>
void copy_into(std::vector<T>& to, std::span<const T> from) {
  to.assign(from.begin(), from.end());
}

}  // namespace

std::string_view to_string(Fate fate) noexcept {
  switch (fate) {
    case Fate::learned:
      return "learned";
    case Fate::waiting:
      return "waiting";
    case Fate::learned_late:
      return "learned_late";
    case Fate::duplicate:
      return "duplicate";
    case Fate::conflict:
      return "conflict";
    case Fate::late:
      return "late";
    case Fate::unknown_decision:
      return "unknown_decision";
    case Fate::unknown_component:
      return "unknown_component";
    case Fate::too_many:
      return "too_many";
    case Fate::invalid:
      return "invalid";
    case Fate::rejected:
      return "rejected";
    case Fate::capped:
      return "capped";
    case Fate::foreign:
      return "foreign";
    case Fate::early:
      return "early";
  }
  return "unknown";
}

// -------------------------------------------------------------------------------------------- construction

Collector::Impl::Impl(const RewardSpec& rules, CreditFunction function)
    : spec(rules),
      credit(std::move(function)),
      former(rules),
      window(std::max<Nanos>(1, static_cast<Nanos>(std::llround(rules.join_window_s * 1e9)))),
      seed(seed_from(this)),
      time(std::numeric_limits<Nanos>::min()),
      slab(rules.components.size()),
      chains(seed) {}

Result<Collector> Collector::make(const RewardSpec& spec, CreditFunction credit) {
  if (Result<void> checked = check(spec); !checked) {
    return tl::unexpected(std::move(checked).error());
  }
  if (spec.credit == Credit::custom && !credit) {
    return fail(Errc::invalid_config,
                "credit_function = '" + spec.credit_function + "' is not registered with the engine");
  }
  return Collector(std::make_unique<Impl>(spec, std::move(credit)));
}

Collector::Collector(std::unique_ptr<Impl> impl) noexcept : impl_(std::move(impl)) {}
Collector::Collector(Collector&&) noexcept = default;
Collector& Collector::operator=(Collector&&) noexcept = default;
Collector::~Collector() = default;

void Collector::reserve(const Sizes& sizes) {
  Sizes capped = sizes;
  capped.pending = static_cast<std::size_t>(std::min<std::uint64_t>(sizes.pending, impl_->spec.max_pending));
  capped.closed = static_cast<std::size_t>(std::min<std::uint64_t>(sizes.closed, impl_->spec.max_closed));
  const std::size_t known = capped.pending + capped.closed;
  if (impl_->spec.late == Lateness::learn) {
    capped.pending = known;  // closed decisions keep their slots
  }
  ++capped.pending;  // a new decision is copied before the oldest goes
  impl_->slab.reserve(capped);
  impl_->closed.reserve(capped.closed);
  impl_->ids.reserve(known + 1);
  impl_->signal_pool.reserve(known * capped.signals);
  if (impl_->spec.credit != Credit::own) {
    impl_->chains.reserve(capped.pending + 1);
    impl_->chain_rewards.reserve(capped.pending);
    impl_->chain_credits.reserve(capped.pending);
  }
}

// ----------------------------------------------------------------------------------------------- ids, time

Nanos Collector::Impl::deadline(std::uint32_t at) const noexcept {
  const Nanos start = slab[at].decision.time;
  return start > kForever - window ? kForever : start + window;
}

void Collector::Impl::advance(Nanos to, RewardSink& sink) noexcept {
  time = std::max(time, to);
  while (slab.due() != kNone && deadline(slab.due()) <= time) {
    close_due(sink);
  }
}

void Collector::Impl::close_due(RewardSink& sink) noexcept {
  const std::uint32_t at = slab.pass_due();
  const std::uint32_t chain = slab[at].chain;
  const bool newest = chain != kNone && chains[chain].last == at;
  if (!slab[at].resolved) {
    resolve(at, Cause::window, sink);
  }
  if (chain != kNone) {
    if (newest) {
      chains.end(chain);  // nobody joined it for a whole window
    }
    progress(chain, sink);
  }
}

// ----------------------------------------------------------------------------------------------- decisions

Errc Collector::Impl::check_numbers(const DecisionRecord& record) noexcept {
  if (record.input.sparse.index.size() != record.input.sparse.value.size()) {
    return Errc::dimension_mismatch;
  }
  const bool finite = all_finite(record.input.dense) && all_finite(record.input.sparse.value) &&
                      all_finite(record.values) && all_finite(record.action_features);
  return finite ? Errc::ok : Errc::non_finite;
}

void Collector::Impl::copy(const DecisionRecord& record, PendingDecision& to) const noexcept {
  to.id = record.header.id;
  to.sequence = record.sequence;
  to.position = record.header.position;
  to.time = time;
  to.version = record.version;
  to.propensity = record.propensity;
  to.episode = record.episode;
  to.arm = record.arm;
  copy_into(to.dense, record.input.dense);
  copy_into(to.sparse_index, record.input.sparse.index);
  copy_into(to.sparse_value, record.input.sparse.value);
  copy_into(to.action_features, record.action_features);
  copy_into(to.values, record.values);
}

Errc Collector::Impl::fold(const DecisionRecord& record, RewardSink& sink) noexcept {
  if (const Errc refused = check_numbers(record); refused != Errc::ok) {
    ++counters.invalid;
    return refused;
  }
  // Copied before the id is looked up: its place in the index is on its way from memory meanwhile.
  const std::uint32_t at = slab.take();
  copy(record, slab[at].decision);
  if (find(record.header.id) != kNone) {
    ++counters.duplicate_decisions;
    slab.give_back(at);
    return Errc::duplicate;
  }
  ++counters.decisions;
  if (slab.held() >= spec.max_pending && spec.overflow == Overflow::refuse) {
    ++counters.overflow_refused;
    slab.give_back(at);
    return Errc::full;
  }
  while (slab.held() >= spec.max_pending) {
    expire_oldest(sink);
  }
  hold(at, sink);
  return Errc::ok;
}

void Collector::Impl::hold(std::uint32_t at, RewardSink& sink) noexcept {
  HeldDecision& slot = slab[at];
  slab.link(at);
  ids.insert(hash(slot.decision.id), at);
  if (spec.credit == Credit::own || slot.decision.episode == 0) {
    return;
  }
  std::uint32_t chain = chains.find_open(slot.decision.episode);
  if (chain == kNone) {
    chain = chains.add(slot.decision.episode, false);
  }
  slot.step = chains[chain].next_step++;
  append_to_chain(chain, at);
  progress(chain, sink);  // the decision before it now has its next state
}

void Collector::Impl::expire_oldest(RewardSink& sink) noexcept {
  const std::uint32_t at = slab.oldest();
  const std::uint32_t chain = slab[at].chain;
  if (chain == kNone) {
    ++counters.overflow_expired;
    resolve(at, Cause::overflow, sink);
    return;
  }
  if (spec.credit == Credit::transition) {
    ++counters.overflow_expired;
    if (slab[at].resolved || resolve(at, Cause::overflow, sink)) {
      emit(chain, true, sink);
    }
    progress(chain, sink);
    return;
  }
  for (std::uint32_t member = chains[chain].first; member != kNone;) {
    const std::uint32_t after = slab[member].chain_after;
    ++counters.overflow_expired;
    if (!slab[member].resolved) {
      resolve(member, Cause::overflow, sink);
    }
    member = after;
  }
  chains.end(chain);
  progress(chain, sink);
}

// ------------------------------------------------------------------------------------------- public members

void Collector::prefetch(const Uuid& id) const noexcept { impl_->ids.prefetch(impl_->hash(id)); }

Errc Collector::on_decision(const DecisionRecord& record, RewardSink& sink) noexcept {
  prefetch(record.header.id);
  impl_->advance(record.header.time, sink);
  return impl_->fold(record, sink);
}

Fate Collector::on_outcome(const OutcomeRecord& record, RewardSink& sink) noexcept {
  impl_->advance(record.header.time, sink);
  ++impl_->counters.outcomes;
  impl_->joined = 0;
  const std::uint32_t handle = impl_->find(record.header.id);
  if (handle == kNone) {
    return impl_->count(Fate::unknown_decision);
  }
  if ((handle & Impl::kClosedBit) != 0) {
    return impl_->count(impl_->fold_closed(impl_->closed[handle & ~Impl::kClosedBit], record, sink));
  }
  return impl_->count(impl_->fold_held(handle, record, sink));
}

void Collector::on_time(Nanos time, RewardSink& sink) noexcept { impl_->advance(time, sink); }

void Collector::on_episode_end(std::uint64_t episode, Nanos time, RewardSink& sink) noexcept {
  impl_->advance(time, sink);
  const std::uint32_t chain = impl_->chains.find_open(episode);
  if (chain != kNone) {
    impl_->chains.end(chain);
    impl_->progress(chain, sink);
  }
}

bool Collector::next_deadline(Nanos& time) const noexcept {
  const std::uint32_t due = impl_->slab.due();
  if (due == kNone) {
    return false;
  }
  time = impl_->deadline(due);
  return true;
}

std::uint32_t Collector::joined() const noexcept { return impl_->joined; }

const PendingDecision* Collector::held(const Uuid& id) const noexcept {
  const std::uint32_t handle = impl_->find(id);
  return handle == kNone || (handle & Impl::kClosedBit) != 0 ? nullptr : &impl_->slab[handle].decision;
}

std::size_t Collector::pending() const noexcept { return impl_->slab.held(); }

void Collector::for_each_pending(const std::function<void(const PendingDecision&)>& visit) const {
  for (std::uint32_t at = impl_->slab.oldest(); at != kNone; at = impl_->slab[at].newer) {
    visit(impl_->slab[at].decision);
  }
}

const CollectorCounters& Collector::counters() const noexcept { return impl_->counters; }
const RewardSpec& Collector::spec() const noexcept { return impl_->spec; }

}  // namespace attune
