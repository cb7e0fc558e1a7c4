// SPDX-License-Identifier: Apache-2.0
// Reading the collector's state: trusts nothing, and refuses what no fold would have left.
#include <bit>
#include <limits>
#include <memory>
#include <string>
#include <utility>
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

Uuid load_id(Reader& reader) {
  Uuid id;
  for (std::uint8_t& byte : id.bytes) {
    byte = reader.u8();
  }
  return id;
}

/// A rule of the format: what breaks it is not a state that a collector wrote.
void require(Reader& reader, bool rule) noexcept {
  if (!rule) {
    reader.fail_now();
  }
}

std::vector<double> load_finite(Reader& reader) {
  std::vector<double> values = reader.numbers<double>();
  require(reader, all_finite(values));
  return values;
}

void load_decision(Reader& reader, PendingDecision& decision) {
  decision.id = load_id(reader);
  decision.sequence = reader.u64();
  decision.position = reader.u64();
  decision.time = reader.i64();
  decision.version = reader.u64();
  decision.propensity = reader.f64();
  decision.episode = reader.u64();
  decision.arm = static_cast<ArmIndex>(reader.u32());
  decision.dense = load_finite(reader);
  decision.sparse_index = reader.numbers<std::uint32_t>();
  decision.sparse_value = load_finite(reader);
  decision.action_features = load_finite(reader);
  decision.values = load_finite(reader);
  require(reader, decision.sparse_index.size() == decision.sparse_value.size());
}

void load_parts(Reader& reader, std::span<detail::Accumulator> parts) {
  for (detail::Accumulator& part : parts) {
    part.value = reader.finite();
    part.count = reader.u32();
    require(reader, part.count > 0 || std::bit_cast<std::uint64_t>(part.value) == 0);
  }
}

/// `components`: how many the specification has.
SignalList load_signals(Reader& reader, detail::SignalPool& pool, std::size_t components) {
  const std::uint32_t count = reader.u32();
  require(reader, count <= RewardSpec::kMostSignals);
  std::vector<Signal> signals;
  for (std::uint32_t i = 0; i < count && reader.ok(); ++i) {
    Signal signal;
    signal.source = reader.u32();
    signal.key = reader.u64();
    signal.digest = reader.u64();
    require(reader, signal.source <= components && (signal.source == 0) == (signal.key != 0));
    signals.push_back(signal);
  }
  SignalList list;
  for (std::size_t i = signals.size(); i-- > 0;) {
    pool.add(list, signals[i]);
  }
  return list;
}

/// Reads the held decisions into an empty collector.
class HeldLoader {
 public:
  HeldLoader(Collector::Impl& to, Reader& reader) noexcept : to_(to), reader_(reader) {}

  void load() {
    const std::uint64_t count = reader_.u64();
    for (std::uint64_t i = 0; i < count && reader_.ok(); ++i) {
      load_one();
    }
    for (const std::uint32_t chain : chains_) {
      if (reader_.ok()) {
        check_chain(to_.chains[chain]);
      }
    }
  }

 private:
  void load_one() {
    const std::uint32_t at = to_.slab.take();
    HeldDecision& slot = to_.slab[at];
    load_decision(reader_, slot.decision);
    load_parts(reader_, to_.slab.parts(at));
    slot.signals = load_signals(reader_, to_.signal_pool, to_.former.size());
    load_progress(slot);
    require(reader_, slot.decision.time >= last_time_ && slot.decision.time <= to_.time &&
                         to_.find(slot.decision.id) == kNone && (!slot.past_due || past_due_));
    last_time_ = slot.decision.time;
    past_due_ = slot.past_due;
    to_.slab.link(at);
    to_.ids.insert(to_.hash(slot.decision.id), at);
    load_chain(at);
  }

  void load_progress(HeldDecision& slot) {
    const std::uint8_t flags = reader_.u8();
    const std::uint8_t origin = reader_.u8();
    slot.reward = reader_.finite();
    require(reader_,
            flags <= detail::kAllFlags && origin <= static_cast<std::uint8_t>(RewardOrigin::default_value));
    slot.origin = reader_.ok() ? static_cast<RewardOrigin>(origin) : RewardOrigin::observed;
    slot.resolved = (flags & detail::kResolved) != 0;
    slot.past_due = (flags & detail::kPastDue) != 0;
    slot.terminal = (flags & detail::kTerminal) != 0;
    slot.truncated = (flags & detail::kTruncated) != 0;
    slot.has_next = (flags & detail::kHasNext) != 0;
    const bool ends = slot.terminal || slot.truncated;
    require(reader_, !slot.past_due || slot.resolved);
    require(reader_, !ends || to_.spec.credit == Credit::transition);
    require(reader_, !(slot.terminal && slot.truncated) && (!slot.has_next || slot.truncated));
    require(reader_, slot.resolved || (std::bit_cast<std::uint64_t>(slot.reward) == 0 && origin == 0));
    if (slot.has_next) {
      slot.next_dense = load_finite(reader_);
      slot.next_index = reader_.numbers<std::uint32_t>();
      slot.next_value = load_finite(reader_);
      require(reader_, slot.next_index.size() == slot.next_value.size());
    }
  }

  void load_chain(std::uint32_t at) {
    HeldDecision& slot = to_.slab[at];
    const std::uint32_t number = reader_.u32();
    const bool single = to_.spec.credit == Credit::own || slot.decision.episode == 0;
    require(reader_, (number == kNoChain) == single && number <= chains_.size() + 1);
    require(reader_, !single || !slot.resolved);
    if (!reader_.ok() || single) {
      return;
    }
    slot.step = reader_.u64();
    if (number > chains_.size()) {
      const bool ended = reader_.boolean();
      const std::uint64_t next_step = reader_.u64();
      require(reader_, ended || to_.chains.find_open(slot.decision.episode) == kNone);
      if (!reader_.ok()) {
        return;
      }
      chains_.push_back(to_.chains.add(slot.decision.episode, ended));
      to_.chains[chains_.back()].next_step = next_step;
    }
    const std::uint32_t chain = chains_[number - 1];
    const std::uint32_t last = to_.chains[chain].last;
    require(reader_, to_.chains[chain].episode == slot.decision.episode &&
                         slot.step < to_.chains[chain].next_step &&
                         (last == kNone || to_.slab[last].step < slot.step) &&
                         (last == kNone || !(to_.slab[last].terminal || to_.slab[last].truncated)));
    if (reader_.ok()) {
      to_.append_to_chain(chain, at);
    }
  }

  /// Nothing may be left undone that a fold would have done at once.
  void check_chain(const detail::Chain& chain) {
    const HeldDecision& first = to_.slab[chain.first];
    const HeldDecision& last = to_.slab[chain.last];
    require(reader_, !chain.ended || chain.unresolved > 0);
    require(reader_, chain.ended || !(last.past_due || last.terminal || last.truncated));
    require(reader_, to_.spec.credit != Credit::transition || !first.resolved ||
                         (first.chain_after == kNone && !chain.ended));
  }

  Collector::Impl& to_;
  Reader& reader_;
  std::vector<std::uint32_t> chains_;
  Nanos last_time_ = std::numeric_limits<Nanos>::min();
  bool past_due_ = true;
};

void load_closed(Reader& reader, Collector::Impl& to) {
  const std::uint64_t count = reader.u64();
  for (std::uint64_t i = 0; i < count && reader.ok(); ++i) {
    Collector::Impl::Closed entry;
    entry.id = load_id(reader);
    entry.signals = load_signals(reader, to.signal_pool, to.former.size());
    const bool dormant = reader.boolean();
    require(reader, to.find(entry.id) == kNone && (!dormant || to.spec.late == Lateness::learn));
    if (!reader.ok()) {
      return;
    }
    if (dormant) {
      entry.dormant = to.slab.take();
      HeldDecision& slot = to.slab[entry.dormant];
      load_decision(reader, slot.decision);
      load_parts(reader, to.slab.parts(entry.dormant));
      require(reader, slot.decision.id == entry.id);
    }
    // As if it were held until now; a smaller max_closed than before forgets the oldest.
    constexpr std::uint32_t kJustNow = Collector::Impl::kClosedBit - 1;
    to.ids.insert(to.hash(entry.id), kJustNow);
    to.remember(entry, kJustNow);
  }
}

bool load_rules(Reader& reader, const RewardSpec& spec) {
  bool same = reader.u8() == static_cast<std::uint8_t>(spec.credit);
  same = reader.u8() == static_cast<std::uint8_t>(spec.late) && same;
  same = reader.u32() == spec.components.size() && same;
  for (std::size_t at = 0; at < spec.components.size() && same; ++at) {
    same = reader.text() == spec.components[at].name;
  }
  return same;
}

void load_totals(Reader& reader, Collector::Impl& to) {
  to.time = reader.i64();
  detail::for_each_counter(to.counters, [&](std::uint64_t& counter) { counter = reader.u64(); });
  to.counters.reward_sum = reader.finite();
  for (detail::Moments& moments : to.former.moments()) {
    moments.count = reader.u64();
    moments.mean = reader.finite();
    moments.squares = reader.finite();
    require(reader, moments.squares >= 0.0);
  }
}

}  // namespace

Result<void> Collector::load(Reader& reader) {
  const std::uint32_t format = reader.u32();
  if (reader.ok() && format != detail::kFormat) {
    return fail(Errc::corrupt_state, "collector: the state has format " + std::to_string(format) +
                                         ", this build reads " + std::to_string(detail::kFormat));
  }
  if (!load_rules(reader, impl_->spec) && reader.ok()) {
    return fail(Errc::invalid_config,
                "collector: the state was saved under other components, another credit or another late rule");
  }
  auto fresh = std::make_unique<Impl>(impl_->spec, impl_->credit);
  if (reader.ok()) {
    load_totals(reader, *fresh);
  }
  if (reader.ok()) {
    HeldLoader(*fresh, reader).load();
  }
  if (reader.ok()) {
    load_closed(reader, *fresh);
  }
  if (!reader.ok()) {
    return fail(Errc::corrupt_state,
                "collector: the state is cut short, damaged or breaks a rule of the format");
  }
  impl_ = std::move(fresh);
  return {};
}

}  // namespace attune
