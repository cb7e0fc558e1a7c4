// SPDX-License-Identifier: Apache-2.0
// The producers' side of the engine: everything here may run on many threads at once and never waits for
// learning.
#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstring>
#include <limits>
#include <thread>
#include <variant>

#include "core/hash.hpp"
#include "engine/engine_impl.hpp"

namespace attune {
namespace {

constexpr std::uint32_t kIdPurpose = 0x1D;
constexpr std::uint32_t kFallbackPurpose = 1;
constexpr std::uint64_t kPointMask = 0x0FFF;
constexpr std::uint64_t kRandomBits = 0x3FFFFFFFFFFFFFFFULL;
constexpr std::chrono::microseconds kQueuePause{50};
constexpr int kShortWaits = 200;  // 10 ms: as long as decide() ever waits for room in the queue

/// Buffers of one calling thread; they grow to the largest decision point once.
struct Scratch {
  std::vector<double> dense;
  std::vector<std::uint32_t> index;
  std::vector<double> value;
  std::vector<double> action;
  std::vector<ArmIndex> offered;
  std::array<char, 192> reason{};

  void fit(const FeatureSpec& spec) {
    dense.resize(std::max(dense.size(), spec.dense_size()));
    index.resize(std::max(index.size(), spec.sparse_size()));
    value.resize(std::max(value.size(), spec.sparse_size()));
    reason[0] = '\0';
  }
};

Scratch& scratch() noexcept {
  thread_local Scratch mine;
  return mine;
}

std::uint64_t key_of(std::string_view text) noexcept {
  return text.empty() ? 0 : std::max<std::uint64_t>(1, hash64(text));
}

Errc refuse(Errc code, std::string_view before, std::string_view name = {},
            std::string_view after = {}) noexcept {
  set_last_error(before, name, after);
  return code;
}

/// Slots of the offered ids. Errors: unknown_arm, invalid_argument (offered twice).
Errc resolve(const ArmTable& arms, std::span<const std::string_view> ids,
             std::vector<ArmIndex>& out) noexcept {
  out.clear();
  for (const std::string_view id : ids) {
    const ArmIndex arm = arms.find(id);
    if (arm == kNoArm) {
      return refuse(Errc::unknown_arm, "offered arm '", id, "' does not exist at this decision point");
    }
    out.push_back(arm);
  }
  // Twice the same arm would be chosen twice as often, at a propensity that is not its own.
  constexpr std::size_t kFew = 16;
  bool twice = false;
  if (out.size() <= kFew) {
    for (std::size_t i = 1; i < out.size(); ++i) {
      twice = twice || std::find(out.begin(), out.begin() + static_cast<std::ptrdiff_t>(i), out[i]) !=
                           out.begin() + static_cast<std::ptrdiff_t>(i);
    }
  } else {
    std::vector<ArmIndex> sorted = out;
    std::ranges::sort(sorted);
    twice = std::ranges::adjacent_find(sorted) != sorted.end();
  }
  return twice ? refuse(Errc::invalid_argument, "an arm is offered twice") : Errc::ok;
}

[[nodiscard]] std::size_t count_eligible(const ArmTable& arms, std::span<const ArmIndex> offered) noexcept {
  if (offered.empty()) {
    return arms.enabled_count();
  }
  return static_cast<std::size_t>(
      std::ranges::count_if(offered, [&](ArmIndex arm) { return arms.enabled(arm); }));
}

[[nodiscard]] ArmIndex nth_eligible(const ArmTable& arms, std::span<const ArmIndex> offered,
                                    std::uint64_t n) noexcept {
  const std::size_t slots = offered.empty() ? arms.slot_count() : offered.size();
  for (std::size_t i = 0; i < slots; ++i) {
    const ArmIndex arm = offered.empty() ? to_arm(i) : offered[i];
    if (arms.enabled(arm) && n-- == 0) {
      return arm;
    }
  }
  return kNoArm;
}

/// The rungs below the live policy: the configured arm where it may be chosen, else any arm, uniformly.
Choice fall_back(const PointState& state, const std::string& fallback, std::span<const ArmIndex> offered,
                 std::size_t eligible, Rng rng, Rung& rung) noexcept {
  const ArmIndex arm = fallback.empty() ? kNoArm : state.arms.find(fallback);
  if (state.arms.enabled(arm) && (offered.empty() || std::ranges::find(offered, arm) != offered.end())) {
    rung = Rung::fallback;
    return {.arm = arm, .propensity = 1.0, .status = Errc::ok};
  }
  rung = Rung::uniform;
  return {.arm = nth_eligible(state.arms, offered, rng.below(eligible)),
          .propensity = 1.0 / static_cast<double>(eligible),
          .greedy = false,
          .status = Errc::ok};
}

}  // namespace

std::uint64_t episode_hash(std::string_view episode) noexcept { return key_of(episode); }

Uuid Engine::Impl::make_id(std::uint32_t point, std::uint64_t sequence, Nanos time) const noexcept {
  const std::array<std::uint32_t, 4> words = philox4x32_10(
      {point, kIdPurpose, static_cast<std::uint32_t>(sequence), static_cast<std::uint32_t>(sequence >> 32U)},
      {static_cast<std::uint32_t>(id_key), static_cast<std::uint32_t>(id_key >> 32U)});
  const std::uint64_t random = (words[0] | (std::uint64_t{words[1]} << 32U)) & kRandomBits;
  // Twelve bits carry the point, hidden by the other random bits and the key, so that outcome() needs no
  // lookup.
  return Uuid::v7(time, (point ^ mix64(random ^ id_key)) & kPointMask, random);
}

std::uint32_t Engine::Impl::point_of(const Uuid& id) const noexcept {
  const std::uint64_t random = id.low() & kRandomBits;
  return static_cast<std::uint32_t>((id.high() ^ mix64(random ^ id_key)) & kPointMask);
}

std::span<std::byte> Engine::Impl::claim(std::size_t size, bool may_wait_long) noexcept {
  std::span<std::byte> room = ring.claim(size);
  if (!room.empty() || size > ring.max_record()) {
    return room;
  }
  if (!config.threads) {
    // No other thread will make room: fold and commit what is there.
    queue_blocked.fetch_add(1, std::memory_order_relaxed);
    static_cast<void>(pump());
    room = ring.claim(size);
  } else if (config.queue.block) {
    queue_blocked.fetch_add(1, std::memory_order_relaxed);
    for (int waits = 0; room.empty() && !stopping.load(std::memory_order_relaxed); ++waits) {
      if (waits >= kShortWaits && (!may_wait_long || store_failing.load(std::memory_order_relaxed))) {
        break;
      }
      std::this_thread::sleep_for(kQueuePause);
      room = ring.claim(size);
    }
  }
  if (room.empty()) {
    queue_shed.fetch_add(1, std::memory_order_relaxed);
  }
  return room;
}

Errc Engine::Impl::decide(PointId id, const ContextView& context, const DecideOptions& asked,
                          Decision& out) noexcept {
  const auto number = static_cast<std::uint32_t>(id);
  if (number >= points.size()) {
    return refuse(Errc::unknown_point, "no decision point has this number");
  }
  Point& point = *points[number];
  Scratch& mine = scratch();
  mine.fit(point.config().features);
  DecisionRecord record;
  if (const Errc verdict = point.config().features.encode(
          context, {.dense = mine.dense, .index = mine.index, .value = mine.value, .reason = mine.reason},
          record.input);
      verdict != Errc::ok) {
    point.refused.fetch_add(1, std::memory_order_relaxed);
    return refuse(verdict, mine.reason.data());
  }
  record.header.time = clock->now();
  record.header.point = number;
  record.episode = key_of(asked.episode);
  record.client_key = key_of(asked.client_key);
  record.subject = key_of(asked.subject);
  bool greedy = true;
  std::size_t action_size = 0;

  const Errc verdict = point.published().read([&](const PointState& state) -> Errc {
    record.version = state.version;
    if (const auto* optimizer = std::get_if<AnyOptimizer>(&state.policy)) {
      record.sequence = point.next_sequence.fetch_add(1, std::memory_order_relaxed);
      Rng rng(config.seed, point.stream(), record.sequence);
      Result<std::vector<double>> proposal = optimizer->ask(rng);
      if (!proposal) {
        return refuse(proposal.error().code, proposal.error().message);
      }
      out.parameters = std::move(*proposal);
      record.values = out.parameters;
      record.propensity = std::numeric_limits<double>::quiet_NaN();
      out.arm.assign({});
      return Errc::ok;
    }
    if (const Errc resolved = resolve(state.arms, asked.arms, mine.offered); resolved != Errc::ok) {
      return resolved;
    }
    const std::size_t eligible = count_eligible(state.arms, mine.offered);
    if (eligible == 0) {
      return refuse(Errc::no_arm, "no arm can be chosen: none exists, or none of those offered is enabled");
    }
    record.sequence = point.next_sequence.fetch_add(1, std::memory_order_relaxed);
    Rng rng(config.seed, point.stream(), record.sequence);
    const Context seen{.input = record.input, .actions = state.arms.features(), .offered = mine.offered};
    Choice choice = std::holds_alternative<AnyBandit>(state.policy)
                        ? std::get<AnyBandit>(state.policy).select(seen, rng)
                        : std::get<AnyAgent>(state.policy).select(seen, rng);
    if (choice.status == Errc::invalid_argument || choice.status == Errc::dimension_mismatch) {
      // Only agents can still refuse a context here: their states are a subset of the numbers.
      return refuse(choice.status, "the context is not a state of this agent");
    }
    if (!state.arms.enabled(choice.arm)) {
      choice = fall_back(state, point.config().fallback, mine.offered, eligible,
                         Rng(config.seed, point.stream(), record.sequence, kFallbackPurpose), record.rung);
    }
    record.arm = choice.arm;
    record.propensity = choice.propensity;
    record.score = choice.score;
    greedy = choice.greedy;
    out.arm.assign(state.arms.id(choice.arm));
    const Features action = state.arms.features(choice.arm);
    action_size = action.size();
    mine.action.assign(action.begin(), action.end());
    return Errc::ok;
  });
  if (verdict != Errc::ok) {
    point.refused.fetch_add(1, std::memory_order_relaxed);
    return verdict;
  }

  // The record is written outside the read above: waiting for room in there would hold up the learner that
  // makes it.
  record.offered = mine.offered;
  if (point.is_optimizer()) {
    record.offered = {};
  }
  record.action_features = std::span<const double>(mine.action).first(action_size);
  record.header.flags = greedy ? DecisionRecord::kGreedy : 0;
  record.header.id = make_id(number, record.sequence, record.header.time);
  out.id = record.header.id;
  out.arm_index = record.arm;
  out.propensity = record.propensity;
  out.version = record.version;
  out.sequence = record.sequence;
  out.rung = record.rung;
  out.greedy = greedy;
  if (!point.is_optimizer()) {
    out.parameters.clear();
  }
  const std::span<std::byte> room = claim(encoded_size(record), false);
  if (room.empty()) {
    out.id = Uuid{};
    return refuse(Errc::queue_full, "the queue is full: the decision stands, but cannot be learned from");
  }
  encode(record, room);
  Ring::commit(room);
  return Errc::ok;
}

Errc Engine::Impl::outcome(const Uuid& decision, std::span<const Component> components,
                           const OutcomeOptions& given) noexcept {
  const auto refused = [&](Errc code, std::string_view before, std::string_view name = {},
                           std::string_view after = {}) {
    outcomes_refused.fetch_add(1, std::memory_order_relaxed);
    return refuse(code, before, name, after);
  };
  if (components.size() > OutcomeRecord::kMaxComponents) {
    return refused(Errc::invalid_argument, "an outcome has at most 16 components");
  }
  if (components.empty() && !given.terminal && !given.truncated) {
    return refused(Errc::invalid_argument, "an outcome without components says nothing");
  }
  OutcomeRecord record;
  for (const Component& component : components) {
    if (!std::isfinite(component.value)) {
      return refused(Errc::non_finite, "component '", component.name, "' is not a finite number");
    }
    if (!std::ranges::binary_search(component_names, component.name, std::less<>())) {
      return refused(Errc::unknown_component, "no decision point has a component '", component.name, "'");
    }
    const std::span<const Component> before = record.all();
    if (std::ranges::find(before, component.name, &Component::name) != before.end()) {
      return refused(Errc::invalid_argument, "component '", component.name, "' is given twice");
    }
    record.components[record.component_count++] = component;
  }
  if (!all_finite(given.next)) {
    return refused(Errc::non_finite, "the next state holds NaN or infinity");
  }
  const std::uint32_t number = point_of(decision);
  if (number >= points.size()) {
    return refused(Errc::unknown_decision, "this decision was not made by this engine");
  }
  record.header.time = clock->now();
  record.header.point = number;
  record.header.id = decision;
  record.header.flags = static_cast<std::uint16_t>((given.terminal ? OutcomeRecord::kTerminal : 0) |
                                                   (given.truncated ? OutcomeRecord::kTruncated : 0));
  record.key = key_of(given.key);
  record.next.dense = given.next;
  const std::span<std::byte> room = claim(encoded_size(record), true);
  if (room.empty()) {
    return refused(Errc::queue_full, "the queue is full: the outcome was not taken; report it again");
  }
  encode(record, room);
  Ring::commit(room);
  return Errc::ok;
}

Errc Engine::Impl::push_event(const EventRecord& event) noexcept {
  const std::span<std::byte> room = claim(encoded_size(event), true);
  if (room.empty()) {
    return refuse(Errc::queue_full, "the queue is full");
  }
  encode(event, room);
  Ring::commit(room);
  return Errc::ok;
}

}  // namespace attune
