// SPDX-License-Identifier: Apache-2.0
// The calls of the simulated callers. Each is noted when it returns, with what it was told.
#include <algorithm>
#include <array>
#include <bit>
#include <chrono>
#include <future>
#include <span>
#include <thread>
#include <utility>

#include "tests/schedules/engine_schedule.hpp"

namespace attune::test {
namespace {

constexpr std::size_t kKeys = 12;

/// Empty, or in what the answers differ.
std::string difference_of(const Decision& a, const Decision& b) {
  const bool same =
      a.id == b.id && a.arm_index == b.arm_index &&
      std::bit_cast<std::uint64_t>(a.propensity) == std::bit_cast<std::uint64_t>(b.propensity) &&
      a.version == b.version && a.sequence == b.sequence;
  if (same && a.arm.view() == b.arm.view()) {
    return "";
  }
  return a.id != b.id ? "two decisions" : same ? "two names of an arm" : "two answers";
}

struct Asked {
  std::array<double, 3> features{};
  std::size_t size = 0;
  [[nodiscard]] ContextView context() const { return {.dense = Features(features).first(size)}; }
};

Asked context_for(const std::string& point, Rng& rng) {
  Asked asked;
  if (point == "lin") {
    asked.features = {rng.uniform(), rng.uniform(), 1.0};
    asked.size = 3;
  } else if (point == "walk") {
    asked.features[0] = static_cast<double>(rng.below(3));
    asked.size = 1;
  }
  return asked;
}

Issued issued_of(const Decision& decision, std::uint32_t point) {
  return {.kind = RecordKind::decision,
          .id = decision.id,
          .point = point,
          .arm = decision.arm_index,
          .propensity = decision.propensity,
          .version = decision.version,
          .sequence = decision.sequence};
}

}  // namespace

void EngineSchedule::violate(const std::string& what) {
  if (report_.violation.empty()) {
    report_.violation = what;
  }
}

void EngineSchedule::acknowledge(Caller& caller, std::size_t upto) {
  if (!disk_.dead()) {  // else nobody heard it
    caller.acknowledged = std::max(caller.acknowledged, upto);
  }
}

void EngineSchedule::note(Caller& caller, Issued said, Ticket ticket, bool durable) {
  caller.said.push_back(std::move(said));
  caller.tickets.push_back(ticket);
  if (durable) {
    acknowledge(caller, caller.said.size());
  }
}

void EngineSchedule::call(Caller& caller) {
  const std::uint64_t what = caller.rng.below(100);
  if (what < 34) {
    decide(caller);
  } else if (what < 42) {
    decide_with_key(caller);
  } else if (what < 62) {
    outcome(caller);
  } else if (what < 66) {
    again(caller);
  } else if (what < 74) {
    wait_durable(caller);
  } else if (what < 78) {
    when_durable(caller);
  } else if (what < 80) {
    future(caller);
  } else if (what < 84) {
    change_arm(caller);
  } else if (what < 87) {
    checkpoint(caller);
  } else if (what < 89) {
    compact(caller);
  } else if (what < 91) {
    end_episode(caller);
  } else if (what < 94) {
    look();
  } else {
    pause(caller);
  }
}

void EngineSchedule::decide(Caller& caller) {
  const auto point = static_cast<std::uint32_t>(caller.rng.below(plan_.base.points.size()));
  const std::string& name = plan_.base.points[point];
  const Asked asked = context_for(name, caller.rng);
  const bool chained = name == "walk" || caller.rng.below(4) == 0;
  const std::string episode =
      chained ? "episode " + std::to_string(caller.number) + " " + std::to_string(caller.rng.below(3)) : "";
  const bool wait = caller.rng.below(2) == 0;
  Decision out;
  const Errc verdict =
      engine_->decide(static_cast<PointId>(point), asked.context(), {.episode = episode, .wait = wait}, out);
  if (verdict == Errc::queue_full) {
    ++report_.full;
    if (out.arm.view().empty()) {
      violate("a decision that found no room has no answer");
    }
    return;
  }
  if (verdict != Errc::ok && verdict != Errc::not_durable) {
    violate("decide() refused: " + std::string(Engine::last_error()));  // I8: it always answers
    return;
  }
  ++report_.decisions;
  report_.late += verdict == Errc::not_durable ? 1 : 0;
  decided_by_[out.id] = caller.number;
  pool_.push_back({.id = out.id, .point = point});
  note(caller, issued_of(out, point), out.ticket, plan_.base.durable && wait && verdict == Errc::ok);
}

// Several callers ask with one key: they get one decision.
void EngineSchedule::decide_with_key(Caller& caller) {
  const std::string key = "key " + std::to_string(caller.rng.below(kKeys));
  const auto point = static_cast<std::uint32_t>(text_key(key) % plan_.base.points.size());
  Rng fixed(text_key(key));
  const Asked asked = context_for(plan_.base.points[point], fixed);
  const bool known = keyed_.contains(key);
  Decision out;
  const Errc verdict =
      engine_->decide(static_cast<PointId>(point), asked.context(), {.client_key = key}, out);
  if (verdict == Errc::queue_full) {
    ++report_.full;
    if (known) {
      violate("a decision that is remembered was made anew: client key '" + key + "'");
    }
    return;
  }
  if (verdict != Errc::ok && verdict != Errc::not_durable) {
    violate("decide() with a client key refused: " + std::string(Engine::last_error()));
    return;
  }
  const auto [entry, first] = keyed_.try_emplace(key, Keyed{.decision = out, .said = issued_of(out, point)});
  if (!first) {
    const std::string wrong = difference_of(entry->second.decision, out);
    if (!wrong.empty()) {
      violate("two callers with client key '" + key + "' got " + wrong);
    }
  }
  const bool durable = plan_.base.durable && verdict == Errc::ok && !disk_.dead();
  entry->second.acknowledged = entry->second.acknowledged || durable;
  if (first) {
    pool_.push_back({.id = out.id, .point = point});
  }
}

void EngineSchedule::outcome(Caller& caller) {
  if (pool_.empty()) {
    return;
  }
  // Mostly of what was decided lately.
  const std::size_t recent = caller.rng.below(3) == 0 ? pool_.size() : std::min<std::size_t>(pool_.size(), 6);
  const Known about = pool_[pool_.size() - 1 - caller.rng.below(recent)];
  // Every value tells who said it: each caller counts in a residue class of its own.
  const double value =
      static_cast<double>(++caller.values * kMostCallers + caller.number) / static_cast<double>(1U << 20U);
  const bool two = plan_.base.points[about.point] == "ucb";
  Issued said{.kind = RecordKind::outcome, .id = about.id, .point = about.point};
  said.components = {{.name = two ? "quality" : "reward", .value = value}};
  if (two && caller.rng.below(3) == 0) {
    said.components.push_back({.name = "cost", .value = 0.25});
  }
  report(caller, std::move(said));
}

void EngineSchedule::again(Caller& caller) {
  if (!caller.answered.empty()) {
    report(caller, caller.answered[caller.rng.below(caller.answered.size())]);
  }
}

void EngineSchedule::report(Caller& caller, Issued said) {
  static const std::vector<double> kWide(600, 0.5);
  const bool wide =
      plan_.base.points[said.point] != "walk" && plan_.wide > 0.0 && caller.rng.uniform() < plan_.wide;
  Ticket ticket = Ticket::none;
  OutcomeOptions options{.wait = caller.rng.below(2) == 0, .ticket = &ticket};
  options.next = wide ? Features(kWide) : Features{};
  options.terminal = caller.rng.below(6) == 0;
  const Errc verdict = engine_->outcome(said.id, said.components, options);
  if (verdict == Errc::queue_full) {
    ++report_.full;
    return;
  }
  if (verdict != Errc::ok && verdict != Errc::not_durable) {
    violate("outcome() refused: " + std::string(Engine::last_error()));
    return;
  }
  ++report_.outcomes;
  report_.late += verdict == Errc::not_durable ? 1 : 0;
  caller.answered.push_back(said);
  note(caller, std::move(said), ticket, plan_.base.durable && options.wait && verdict == Errc::ok);
}

void EngineSchedule::change_arm(Caller& caller) {
  const auto point = static_cast<std::uint32_t>(caller.rng.below(plan_.base.points.size()));
  std::string arm = "arm " + std::to_string(caller.number) + " " + std::to_string(caller.rng.below(4));
  const std::pair here{point, arm};
  const bool there = std::ranges::count(caller.arms, here) > 0;
  const std::uint64_t what = caller.rng.below(3);
  const EventKind kind = !there      ? EventKind::arm_added
                         : what == 0 ? EventKind::arm_removed
                         : what == 1 ? EventKind::arm_disabled
                                     : EventKind::arm_enabled;
  const auto id = static_cast<PointId>(point);
  const Result<void> done = !there      ? engine_->add_arm(id, arm)
                            : what == 0 ? engine_->remove_arm(id, arm)
                                        : engine_->set_arm_enabled(id, arm, what == 2);
  if (!done && done.error().code != Errc::io) {
    return;  // refused before anything was queued
  }
  if (!there) {
    caller.arms.push_back(here);
  } else if (what == 0) {
    std::erase(caller.arms, here);
  }
  note(caller, {.kind = RecordKind::event, .point = point, .event = kind, .text = std::move(arm)},
       Ticket::none, done.has_value());
}

void EngineSchedule::end_episode(Caller& caller) {
  const auto point = static_cast<std::uint32_t>(caller.rng.below(plan_.base.points.size()));
  const std::string episode =
      "episode " + std::to_string(caller.number) + " " + std::to_string(caller.rng.below(3));
  if (engine_->end_episode(static_cast<PointId>(point), episode) == Errc::ok) {
    note(caller, {.kind = RecordKind::event, .point = point, .event = EventKind::episode_ended}, Ticket::none,
         false);
  }
}

void EngineSchedule::wait_durable(Caller& caller) {
  if (caller.said.empty()) {
    return;
  }
  const std::size_t recent = std::min<std::size_t>(caller.said.size(), 4);
  const std::size_t which = caller.said.size() - 1 - caller.rng.below(recent);
  const bool patient = caller.rng.below(3) != 0;
  const Nanos patience = patient ? 100 * kSecond : static_cast<Nanos>(caller.rng.below(20'000'000));
  if (caller.tickets[which] == Ticket::none) {
    return;
  }
  if (engine_->wait_durable(caller.tickets[which], std::chrono::nanoseconds(patience))) {
    acknowledge(caller, which + 1);
  } else {
    ++report_.late;
  }
}

void EngineSchedule::when_durable(Caller& caller) {
  if (caller.said.empty() || caller.tickets.back() == Ticket::none) {
    return;
  }
  const Ticket ticket = caller.tickets.back();
  const std::size_t upto = caller.said.size();
  const bool asks_for_more = caller.rng.below(4) == 0;
  Callback& noted = *callbacks_.emplace_back(std::make_unique<Callback>());
  noted.caller = caller.number;
  noted.upto = upto;
  const Result<void> taken =
      engine_->when_durable(ticket, [this, &noted, asks_for_more](const Result<void>& verdict) {
        ++noted.calls;
        if (verdict) {
          acknowledge(callers_[noted.caller], noted.upto);
        }
        // It may not wait for its own engine, and is told so instead of hanging.
        constexpr auto kNever = static_cast<Ticket>(std::uint64_t{1} << 60U);
        if (asks_for_more && !closing_ && engine_->wait_durable(kNever, std::chrono::hours(1))) {
          violate("a callback was told that what nobody wrote is durable");
        }
      });
  if (!taken) {
    violate("when_durable() refused: " + taken.error().message);
  }
}

void EngineSchedule::future(Caller& caller) {
  if (caller.said.empty() || caller.tickets.back() == Ticket::none) {
    return;
  }
  const std::size_t upto = caller.said.size();
  std::future<Result<void>> durable = engine_->durable(caller.tickets.back());
  if (durable.wait_for(std::chrono::seconds(5)) == std::future_status::ready && durable.get()) {
    acknowledge(caller, upto);
  }
}

void EngineSchedule::checkpoint(Caller& caller) {
  const std::size_t upto = caller.said.size();
  if (engine_->checkpoint()) {
    acknowledge(caller, upto);
  }
}

// Only what was checked before may go.
void EngineSchedule::compact(Caller& caller) {
  const RetainRule rule{.through = archive_.size(), .keep_records = 0, .checkpoints = 1};
  static_cast<void>(engine_->compact(rule, {.actor = "caller " + std::to_string(caller.number)}));
}

void EngineSchedule::look() {
  const EngineMetrics metrics = engine_->metrics();
  if (metrics.durable_position > metrics.position) {
    violate("more is durable than was folded");
  }
  static_cast<void>(engine_->health());
  static_cast<void>(engine_->describe(PointId{0}));
  static_cast<void>(engine_->pending(PointId{0}));
}

void EngineSchedule::pause(Caller& caller) {
  std::this_thread::sleep_for(
      std::chrono::nanoseconds(1 + caller.rng.below(static_cast<std::uint64_t>(plan_.pause))));
  if (caller.rng.below(3) == 0) {
    clock_->ahead += static_cast<Nanos>(caller.rng.below(static_cast<std::uint64_t>(20 * kSecond)));
  }
}

}  // namespace attune::test
