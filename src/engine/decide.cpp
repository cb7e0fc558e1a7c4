// SPDX-License-Identifier: Apache-2.0
// The producers' side of the engine: everything here may run on many threads at once and never waits for
// learning.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <thread>
#include <variant>

#include "engine/choose.hpp"
#include "engine/choose_action.hpp"
#include "engine/engine_impl.hpp"
#include "engine/scratch.hpp"

namespace attune {
namespace {

constexpr std::chrono::microseconds kQueuePause{50};
constexpr std::chrono::milliseconds kLongestWait{10};  // as long as decide() ever waits for room in the queue

Scratch& scratch() noexcept {
  thread_local Scratch mine;
  return mine;
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

}  // namespace

void Engine::Impl::note_shed() noexcept {
  constexpr Nanos kSameTrouble = 60 * kSecond;
  const Nanos now = clock->now();
  if (shed_last.exchange(now, std::memory_order_relaxed) < now - kSameTrouble ||
      queue_shed.load(std::memory_order_relaxed) == 0) {
    shed_since.store(now, std::memory_order_relaxed);
  }
  queue_shed.fetch_add(1, std::memory_order_relaxed);
}

std::span<std::byte> Engine::Impl::claim(std::size_t size, bool may_wait_long,
                                         std::uint64_t& behind) noexcept {
  std::span<std::byte> room = ring.claim(size, behind);
  if (!room.empty()) [[likely]] {
    return room;
  }
  if (size <= ring.max_record()) {
    if (config.threads) {
      room = wait_for_room(size, may_wait_long, behind);
    } else if (may_try_store()) {
      // No other thread will make room: fold and commit what is there.
      queue_blocked.fetch_add(1, std::memory_order_relaxed);
      static_cast<void>(pump());
      room = ring.claim(size, behind);
    }
  }
  if (room.empty()) {
    note_shed();
  }
  return room;
}

std::span<std::byte> Engine::Impl::wait_for_room(std::size_t size, bool may_wait_long,
                                                 std::uint64_t& behind) noexcept {
  const bool patient = may_wait_long && !store_failing.load(std::memory_order_relaxed);
  if (!config.queue.block || (!patient && ring_stalled.load(std::memory_order_acquire))) {
    return {};
  }
  queue_blocked.fetch_add(1, std::memory_order_relaxed);
  const auto start = std::chrono::steady_clock::now();
  while (!stopping.load(std::memory_order_relaxed)) {
    std::this_thread::sleep_for(kQueuePause);
    const std::span<std::byte> room = ring.claim(size, behind);
    if (!room.empty()) {
      return room;
    }
    const bool waits_on = may_wait_long && !store_failing.load(std::memory_order_relaxed);
    if (!waits_on && std::chrono::steady_clock::now() - start >= kLongestWait) {
      ring_stalled.store(true, std::memory_order_release);  // nobody waits again until something was released
      break;
    }
  }
  return {};
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
  record.episode = text_key(asked.episode);
  record.client_key = text_key(asked.client_key);
  record.subject = text_key(asked.subject);
  const bool keyed = record.client_key != 0 && client_keys.active();
  const Errc verdict = keyed ? decide_with_key(point, record, mine, asked, out)
                             : make_decision(point, record, mine, asked, out);
  return verdict == Errc::ok ? acknowledge(number, out.ticket, asked.wait) : verdict;
}

Errc Engine::Impl::decide_batch(PointId id, std::span<const ContextView> contexts, const DecideOptions& asked,
                                std::span<Decision> out, std::size_t& made) noexcept {
  made = 0;
  if (contexts.size() != out.size()) {
    return refuse(Errc::dimension_mismatch, "a batch needs as much room for decisions as it has contexts");
  }
  if (!asked.client_key.empty() && contexts.size() > 1) {
    return refuse(Errc::invalid_argument, "a client key is for one decision, not for a batch");
  }
  DecideOptions each = asked;
  each.wait = false;
  for (; made < contexts.size(); ++made) {
    if (const Errc verdict = decide(id, contexts[made], each, out[made]); verdict != Errc::ok) {
      return verdict;
    }
  }
  return made == 0 ? Errc::ok : acknowledge(static_cast<std::uint32_t>(id), out[made - 1].ticket, asked.wait);
}

Errc Engine::Impl::decide_with_key(Point& point, DecisionRecord& record, Scratch& mine,
                                   const DecideOptions& asked, Decision& out) noexcept {
  const std::scoped_lock one_of_them(client_keys.gate(record.client_key));
  std::uint32_t used_at = 0;
  switch (client_keys.recall(record.client_key, record.header.point, context_digest(record.input), out,
                             used_at)) {
    case ClientKeys::Recall::unknown:
      return make_decision(point, record, mine, asked, out);
    case ClientKeys::Recall::found:
      return Errc::ok;
    case ClientKeys::Recall::other_point: {
      point.refused.fetch_add(1, std::memory_order_relaxed);
      const bool known = used_at < points.size();
      return refuse(Errc::conflict, "client key '", asked.client_key,
                    known ? "' was used for a decision at another decision point"
                          : "' was used for a decision at a point that is gone");
    }
    case ClientKeys::Recall::arm_gone:
      point.refused.fetch_add(1, std::memory_order_relaxed);
      return refuse(Errc::unknown_arm, "the decision of client key '", asked.client_key,
                    "' chose an arm that was removed at once, and whose name is not known since the restart");
    case ClientKeys::Recall::no_memory:
      point.refused.fetch_add(1, std::memory_order_relaxed);
      return refuse(Errc::full, "there is no memory to repeat the decision of this client key; ask again");
    case ClientKeys::Recall::other_context:
      break;
  }
  point.refused.fetch_add(1, std::memory_order_relaxed);
  return refuse(Errc::conflict, "client key '", asked.client_key,
                "' was used at this decision point for another context");
}

Errc Engine::Impl::make_decision(Point& point, DecisionRecord& record, Scratch& mine,
                                 const DecideOptions& asked, Decision& out) noexcept {
  out.greedy = true;
  const Errc verdict = point.published().read([&](const PointState& state) -> Errc {
    record.version = state.version;
    if (const auto* optimizer = std::get_if<AnyOptimizer>(&state.policy)) {
      record.sequence = point.next_sequence.fetch_add(1, std::memory_order_relaxed);
      if (point.killed.load(std::memory_order_relaxed)) {
        out.parameters = optimizer->best().values;
        if (out.parameters.empty()) {
          return refuse(Errc::no_arm,
                        "the point is killed, and no parameters have been tried that it could fall back on");
        }
        record.rung = Rung::fallback;
        record.reason = ChoiceReason::killed;
      } else {
        Rng rng(config.seed, point.stream(), record.sequence);
        Result<std::vector<double>> proposal = optimizer->ask(rng);
        if (!proposal) {
          return refuse(proposal.error().code, proposal.error().message);
        }
        out.parameters = std::move(*proposal);
      }
      record.values = out.parameters;
      out.shown.clear();
      record.propensity = std::numeric_limits<double>::quiet_NaN();
      out.arm.assign({});
      return Errc::ok;
    }
    if (const Errc resolved = resolve(state.arms, asked.arms, mine.offered); resolved != Errc::ok) {
      return resolved;
    }
    const std::size_t eligible = count_eligible(state.arms, mine.offered);
    if (eligible == 0 && point.has_arms()) {
      return refuse(Errc::no_arm, "no arm can be chosen: none exists, or none of those offered is enabled");
    }
    record.sequence = point.next_sequence.fetch_add(1, std::memory_order_relaxed);
    Answer answer;
    const Question question{
        .state = state,
        .config = point.config(),
        .key = {.seed = config.seed, .stream = point.stream(), .sequence = record.sequence},
        .input = record.input,
        .offered = mine.offered,
        .eligible = eligible,
        .killed = point.killed.load(std::memory_order_relaxed)};
    if (point.action() != ActionKind::arm) {
      choose_action(question, mine.values, answer);
      note_action(point.action(), state.arms, answer, record, mine, out);
      return Errc::ok;
    }
    if (const Errc chosen = choose_arm(question, mine.shares, answer); chosen != Errc::ok) {
      return refuse(chosen, "the context is not a state of this agent");
    }
    const Choice& choice = answer.choice;
    record.rung = answer.rung;
    record.reason = answer.reason;
    record.arm = choice.arm;
    record.arm_generation = state.arms.generation(choice.arm);
    record.propensity = choice.propensity;
    record.score = choice.score;
    out.greedy = choice.greedy;
    out.arm.assign(state.arms.id(choice.arm));
    out.parameters.clear();
    out.shown.clear();
    record.offered = mine.offered;
    const Features action = state.arms.features(choice.arm);
    mine.action_size = action.size();
    mine.action.assign(action.begin(), action.end());
    return Errc::ok;
  });
  if (verdict != Errc::ok) {
    point.refused.fetch_add(1, std::memory_order_relaxed);
    return verdict;
  }
  // The record is written outside the read above: waiting for room in there would hold up the learner that
  // makes it.
  return queue_decision(record, mine, out);
}

Errc Engine::Impl::queue_decision(DecisionRecord& record, const Scratch& mine, Decision& out) noexcept {
  record.action_features = std::span<const double>(mine.action).first(mine.action_size);
  record.header.flags = out.greedy ? DecisionRecord::kGreedy : 0;
  record.header.id = ids.make(record.header.point, record.sequence, record.header.time);
  if (!config.threads) {  // it is folded soon, and on this core
    points[record.header.point]->collector().prefetch(record.header.id);
  }
  out.id = record.header.id;
  out.arm_index = record.arm;
  out.propensity = record.propensity;
  out.version = record.version;
  out.sequence = record.sequence;
  out.rung = record.rung;
  out.reason = record.reason;
  // Before there is room in the ring: what was claimed there has to be filled.
  const bool keyed = record.client_key != 0 && client_keys.active();
  if (keyed && !client_keys.note(record, out.shown.empty() ? std::string_view(out.arm) : mine.names)) {
    out.id = Uuid{};
    out.ticket = Ticket::none;
    return refuse(Errc::full, "there is no memory to remember the client key: no decision was taken down");
  }
  std::uint64_t behind = 0;
  const std::span<std::byte> room = claim(encoded_size(record), false, behind);
  out.ticket = room.empty() ? Ticket::none : static_cast<Ticket>(behind);
  if (keyed) {
    client_keys.settle(record.client_key, out.ticket);
  }
  if (room.empty()) {
    out.id = Uuid{};
    return refuse(Errc::queue_full, "the queue is full: the decision stands, but cannot be learned from");
  }
  encode(record, room);
  Ring::commit(room);
  return Errc::ok;
}

}  // namespace attune
