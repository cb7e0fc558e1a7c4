// SPDX-License-Identifier: Apache-2.0
// The calls of the simulation's callers: each is said to the account as it was answered.
#include <algorithm>
#include <array>
#include <bit>
#include <utility>

#include "tests/faults/engine_sim.hpp"

namespace attune::test {
namespace {

bool same(const Decision& a, const Decision& b) {
  return a.id == b.id && a.arm.view() == b.arm.view() && a.arm_index == b.arm_index &&
         std::bit_cast<std::uint64_t>(a.propensity) == std::bit_cast<std::uint64_t>(b.propensity) &&
         a.version == b.version && a.sequence == b.sequence && a.rung == b.rung && a.greedy == b.greedy;
}

}  // namespace

void EngineSim::decide() {
  Call call{.point = static_cast<std::uint32_t>(rng_.below(plan_.points.size()))};
  const std::string& name = plan_.points[call.point];
  call.features = {rng_.uniform(), rng_.uniform(), 1.0};
  if (name == "lin") {
    call.size = 3;
  } else if (name == "walk") {
    call.features[0] = static_cast<double>(rng_.below(3));
    call.size = 1;
  }
  call.episode = name == "walk" || rng_.below(4) == 0 ? "episode " + std::to_string(rng_.below(3)) : "";
  if (plan_.keyed > 0.0 && rng_.uniform() < plan_.keyed) {
    call.key = "call " + std::to_string(++key_number_);
  }
  ask(call);
  if (!call.key.empty()) {
    calls_.push_back(std::move(call));
  }
}

// F17: a caller that does not know whether it was heard asks again, with the same key.
void EngineSim::retry() {
  if (calls_.empty()) {
    return;
  }
  const std::size_t recent = std::min<std::size_t>(calls_.size(), rng_.below(3) == 0 ? calls_.size() : 4);
  ask(calls_[calls_.size() - 1 - rng_.below(recent)]);
}

void EngineSim::ask(Call& call) {
  Decision out;
  const Errc verdict =
      engine_->decide(static_cast<PointId>(call.point), {.dense = Features(call.features).first(call.size)},
                      {.episode = call.episode, .client_key = call.key}, out);
  if (verdict == Errc::queue_full) {
    if (remembered(call)) {
      throw Violation("a decision that is remembered was made anew: client key '" + call.key + "'");
    }
    return;
  }
  if (verdict != Errc::ok && verdict != Errc::not_durable) {
    throw Violation("decide() refused: " + std::string(Engine::last_error()));  // I8: it always answers
  }
  if (!call.answers.empty()) {
    ++report_.retries;
    if (same(out, call.answers.back().decision)) {
      if (plan_.durable && verdict == Errc::ok && !disk_.dead()) {
        account_.acknowledge_decision(out.id);  // what was said after it need not be there
      }
      return;
    }
    if (out.id == call.answers.back().decision.id || remembered(call)) {
      throw Violation("a retry with client key '" + call.key + "' got another decision");
    }
  }
  ++report_.decisions;
  account_.say({.kind = RecordKind::decision,
                .id = out.id,
                .point = call.point,
                .arm = out.arm_index,
                .propensity = out.propensity,
                .version = out.version,
                .sequence = out.sequence});
  waiting_.push_back({.id = out.id, .point = call.point, .said = {}});
  if (!call.key.empty()) {
    call.answers.push_back({.order = ++keyed_decisions_, .decision = std::move(out)});
  }
  note_durable(verdict);
}

bool EngineSim::remembered(const Call& call) const {
  return !call.answers.empty() && keyed_decisions_ - call.answers.back().order < plan_.keep_keys;
}

// With acknowledgement "durable" a call that returns ok has everything before it on the disk.
void EngineSim::note_durable(Errc verdict) {
  if (plan_.durable && verdict == Errc::ok && !disk_.dead()) {
    account_.acknowledge(engine_->metrics().durable_position);
    report_.acknowledged = account_.acknowledged();
  }
}

// Their processes took decisions with them: asked again, they are new ones.
void EngineSim::forget_lost_calls(const std::vector<Uuid>& lost) {
  for (Call& call : calls_) {
    std::erase_if(call.answers, [&](const Call::Answer& answer) {
      return std::ranges::count(lost, answer.decision.id) > 0;
    });
  }
}

void EngineSim::outcome(const Waiting& about, bool other_values) {
  Waiting now = about;
  if (now.said.empty() || other_values) {
    const double value = static_cast<double>(rng_.below(5)) / 4.0;
    const bool two = plan_.points[now.point] == "ucb";
    now.said = two ? std::vector<Component>{{"quality", value}, {"cost", 3.0 * value}}
                   : std::vector<Component>{{"reward", value}};
    if (two && rng_.below(3) == 0) {
      now.said.pop_back();  // in parts
    }
  }
  const std::string key = rng_.below(5) == 0 ? "key " + std::to_string(rng_.below(3)) : "";
  OutcomeOptions options;
  options.key = key;
  options.terminal = rng_.below(6) == 0;
  options.truncated = !options.terminal && rng_.below(10) == 0;
  const Errc verdict = engine_->outcome(now.id, now.said, options);
  if (verdict != Errc::ok && verdict != Errc::not_durable) {
    return;  // the queue is full, or the id is plainly nobody's
  }
  ++report_.outcomes;
  account_.say({.kind = RecordKind::outcome, .id = now.id, .point = now.point, .components = now.said});
  std::erase_if(waiting_, [&](const Waiting& one) { return one.id == now.id && rng_.below(4) != 0; });
  answered_.push_back(std::move(now));
  note_durable(verdict);
}

void EngineSim::change_arm() {
  const auto point = static_cast<std::uint32_t>(rng_.below(plan_.points.size()));
  const auto id = static_cast<PointId>(point);
  std::vector<std::string>& added = added_arms_[point];
  EventKind kind = EventKind::arm_added;
  std::string arm;
  Result<void> done;
  if (rng_.below(8) == 0) {
    // The last configured one; the others stay, so that there is always something to decide.
    arm = plan_.last_arms[point];
    const bool there = std::ranges::count(engine_->metrics().points[point].arms, arm) > 0;
    kind = there ? EventKind::arm_removed : EventKind::arm_added;
    done = there ? engine_->remove_arm(id, arm) : engine_->add_arm(id, arm);
  } else if (added.empty() || (added.size() < 3 && rng_.below(3) == 0)) {
    arm = "arm " + std::to_string(++arm_number_);
    done = engine_->add_arm(id, arm);
  } else {
    arm = added[rng_.below(added.size())];
    const std::uint64_t what = rng_.below(3);
    kind = what == 0 ? EventKind::arm_removed : what == 1 ? EventKind::arm_disabled : EventKind::arm_enabled;
    done = what == 0 ? engine_->remove_arm(id, arm) : engine_->set_arm_enabled(id, arm, what == 2);
  }
  if (!done && done.error().code != Errc::io) {
    return;  // refused before anything was queued
  }
  // With an error of the store the change stands, and is not yet durable.
  account_.say({.kind = RecordKind::event, .point = point, .event = kind, .text = arm});
  if (kind == EventKind::arm_added && arm != plan_.last_arms[point]) {
    added.push_back(arm);
  } else if (kind == EventKind::arm_removed) {
    std::erase(added, arm);
  }
  if (done) {
    note_acknowledged();
  }
}

void EngineSim::end_episode() {
  const auto point = static_cast<std::uint32_t>(rng_.below(plan_.points.size()));
  const std::string episode = "episode " + std::to_string(rng_.below(3));
  if (engine_->end_episode(static_cast<PointId>(point), episode) == Errc::ok) {
    account_.say({.kind = RecordKind::event, .point = point, .event = EventKind::episode_ended});
  }
}

}  // namespace attune::test
