// SPDX-License-Identifier: Apache-2.0
// Random decisions and outcomes (out of order, twice, late, unknown) into the collector and into a model of
// it.
#include <array>
#include <cmath>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <attune/rewards/collector.hpp>

#include "tests/rewards/collector_model.hpp"
#include "tests/rewards/reward_fixture.hpp"

namespace attune::collector_model_test {
namespace {

using test::Call;
using test::CollectorModel;

constexpr std::array<std::string_view, 4> kNames{"a", "b", "c", "nobody's"};

/// One step of a random history; small numbers, so that ids, keys, episodes and times meet.
struct Move {
  enum class Kind : std::uint8_t { decide, outcome, time, end, restart };

  Kind kind{};
  std::uint64_t decision = 0;
  int seconds = 0;
  std::uint64_t episode = 0;
  CollectorModel::Outcome said;
};

std::ostream& operator<<(std::ostream& out, const Move& move) {
  constexpr std::array<std::string_view, 5> kKinds{"decide", "outcome", "time", "end", "restart"};
  out << '\n'
      << kKinds.at(static_cast<std::size_t>(move.kind)) << " decision " << move.decision << " +"
      << move.seconds << "s episode " << move.episode << " key " << move.said.key
      << (move.said.terminal ? " terminal" : "") << (move.said.truncated ? " truncated" : "") << " next "
      << move.said.next.size() << " parts";
  for (const CollectorModel::Part& part : move.said.parts) {
    out << ' ' << part.component << '=' << part.value;
  }
  return out;
}

double quarter(int n) { return 0.25 * n; }

rc::Gen<CollectorModel::Outcome> outcomes() {
  const auto parts =
      rc::gen::container<std::vector<CollectorModel::Part>>(rc::gen::construct<CollectorModel::Part>(
          rc::gen::weightedElement<std::uint32_t>({{20, 0}, {20, 1}, {20, 2}, {1, 3}}),
          rc::gen::map(rc::gen::inRange(-3, 4), quarter)));
  return rc::gen::build<CollectorModel::Outcome>(
      rc::gen::set(&CollectorModel::Outcome::parts,
                   rc::gen::mapcat(rc::gen::inRange(0, 4),
                                   [parts](int size) {
                                     return rc::gen::map(
                                         parts, [size](std::vector<CollectorModel::Part> all) {
                                           all.resize(std::min(all.size(), static_cast<std::size_t>(size)));
                                           return all;
                                         });
                                   })),
      rc::gen::set(&CollectorModel::Outcome::key,
                   rc::gen::weightedElement<std::uint64_t>({{6, 0}, {1, 1}, {1, 2}})),
      rc::gen::set(&CollectorModel::Outcome::terminal,
                   rc::gen::weightedElement<bool>({{5, false}, {1, true}})),
      rc::gen::set(&CollectorModel::Outcome::truncated,
                   rc::gen::weightedElement<bool>({{5, false}, {1, true}})),
      rc::gen::set(&CollectorModel::Outcome::next,
                   rc::gen::weightedElement<std::vector<double>>({{1, {}}, {1, {9.0}}})));
}

rc::Gen<Move> moves() {
  using Kind = Move::Kind;
  return rc::gen::build<Move>(
      rc::gen::set(&Move::kind, rc::gen::weightedElement<Kind>({{12, Kind::decide},
                                                                {24, Kind::outcome},
                                                                {2, Kind::time},
                                                                {1, Kind::end},
                                                                {1, Kind::restart}})),
      rc::gen::set(&Move::decision, rc::gen::inRange<std::uint64_t>(0, 24)),
      rc::gen::set(&Move::seconds, rc::gen::weightedElement<int>({{8, 0}, {8, 1}, {2, 4}, {1, 15}, {1, -3}})),
      rc::gen::set(&Move::episode, rc::gen::weightedElement<std::uint64_t>({{1, 0}, {3, 1}, {2, 2}})),
      rc::gen::set(&Move::said, outcomes()));
}

template <class E>
E any_of(int count) {
  return static_cast<E>(*rc::gen::inRange(0, count));
}

ComponentSpec any_component(std::size_t number) {
  ComponentSpec component;
  component.name = kNames.at(number);
  component.weight = quarter(*rc::gen::inRange(-4, 5));
  component.aggregate = any_of<Aggregation>(5);
  component.normalise = any_of<Normalisation>(3);
  component.range_min = -0.5;
  component.required = *rc::gen::weightedElement<bool>({{2, true}, {1, false}});
  component.has_default = *rc::gen::weightedElement<bool>({{1, true}, {2, false}});
  component.default_value = 0.5;
  component.has_limit_max = *rc::gen::weightedElement<bool>({{1, true}, {4, false}});
  component.limit_max = 0.5;
  component.has_limit_min = *rc::gen::weightedElement<bool>({{1, true}, {4, false}});
  component.limit_min = -0.5;
  return component;
}

RewardSpec any_spec(Credit credit) {
  RewardSpec spec;
  spec.components.clear();
  const auto components = static_cast<std::size_t>(*rc::gen::inRange(1, 4));
  for (std::size_t i = 0; i < components; ++i) {
    spec.components.push_back(any_component(i));
  }
  spec.join_window_s = 12;
  spec.closing = any_of<Closing>(2);
  spec.silence = any_of<Silence>(3);
  spec.default_reward = 0.125;
  spec.breach_reward = -7.0;
  spec.reward_min = -1.5;
  spec.reward_max = 1.5;
  spec.credit = credit;
  spec.credit_function = credit == Credit::custom ? "own plus first" : "";
  spec.lambda = 0.5;
  spec.max_pending = *rc::gen::element<std::uint64_t>(1, 2, 4, 100);
  spec.max_closed = *rc::gen::element<std::uint64_t>(0, 1, 3, 100);
  spec.max_signals = *rc::gen::element<std::uint64_t>(1, 3, 256);
  spec.overflow = *rc::gen::weightedElement<Overflow>({{3, Overflow::expire_oldest}, {1, Overflow::refuse}});
  if (credit == Credit::own && spec.silence != Silence::default_value && spec.max_closed > 0) {
    spec.late = any_of<Lateness>(2);
  }
  return spec;
}

void own_plus_first(std::span<const double> rewards, std::span<double> credits) {
  for (std::size_t i = 0; i < rewards.size(); ++i) {
    credits[i] = rewards[i] + rewards[0];
  }
}

Collector make_collector(const RewardSpec& spec) {
  Result<Collector> made =
      Collector::make(spec, spec.credit == Credit::custom ? own_plus_first : CreditFunction{});
  RC_ASSERT(made.has_value());
  return std::move(*made);
}

Bytes state_of(const Collector& collector) {
  Writer writer;
  collector.save(writer);
  return std::move(writer).take();
}

/// The collector, and what is fed to it.
class Subject {
 public:
  explicit Subject(const RewardSpec& spec) : collector(make_collector(spec)) {}

  Errc decide(const Move& move, Nanos time) {
    const std::array<double, 1> state{static_cast<double>(move.decision)};
    DecisionRecord record;
    record.header.id = test::id_of(move.decision);
    record.header.time = time;
    record.episode = move.episode;
    record.propensity = std::nan("");
    record.input.dense = state;
    return collector.on_decision(record, sink);
  }
  Fate outcome(const Move& move, Nanos time) {
    OutcomeRecord record;
    record.header.id = test::id_of(move.decision);
    record.header.time = time;
    record.header.flags = static_cast<std::uint16_t>((move.said.terminal ? OutcomeRecord::kTerminal : 0) |
                                                     (move.said.truncated ? OutcomeRecord::kTruncated : 0));
    record.key = move.said.key;
    for (const CollectorModel::Part& part : move.said.parts) {
      // The model's unknown component is the one after the last.
      record.components.at(record.component_count++) = {
          part.component < collector.spec().components.size() ? kNames.at(part.component) : "nobody's",
          part.value};
    }
    record.next.dense = move.said.next;
    return collector.on_outcome(record, sink);
  }
  /// Saves, loads into a new collector and goes on with that one.
  void restart(const RewardSpec& spec) {
    const Bytes saved = state_of(collector);
    Collector loaded = make_collector(spec);
    Reader reader(saved);
    const Result<void> verdict = loaded.load(reader);
    RC_ASSERT(verdict.has_value());
    RC_ASSERT(reader.at_end());
    RC_ASSERT(loaded == collector);
    RC_ASSERT(state_of(loaded) == saved);
    collector = std::move(loaded);
  }

  Collector collector;
  test::RecordingSink sink{true};
};

void same_calls(std::vector<Call> ours, std::vector<Call> models) {
  RC_ASSERT(ours.size() == models.size());
  for (std::size_t i = 0; i < ours.size(); ++i) {
    RC_ASSERT(std::abs(ours[i].reward - models[i].reward) <= 1e-9);  // the model adds in another order
    models[i].reward = ours[i].reward;
    RC_ASSERT(ours[i] == models[i]);
  }
}

void compare(const Subject& subject, CollectorModel& model) {
  RC_ASSERT(subject.collector.pending() == model.pending());
  Nanos due = 0;
  const std::optional<Nanos> expected = model.next_deadline();
  RC_ASSERT(subject.collector.next_deadline(due) == expected.has_value());
  RC_ASSERT(expected.value_or(due) == due);
  CollectorCounters counters = model.counters;
  RC_ASSERT(std::abs(counters.reward_sum - subject.collector.counters().reward_sum) <= 1e-6);
  counters.reward_sum = subject.collector.counters().reward_sum;
  RC_ASSERT(counters == subject.collector.counters());
  RC_ASSERT(test::accounted(subject.collector) == counters.decisions);
}

void run(const RewardSpec& spec, const std::vector<Move>& history) {
  Subject subject(spec);
  CollectorModel model(spec);
  Nanos time = 1'000 * kSecond;
  for (const Move& move : history) {
    time += move.seconds * kSecond;
    CollectorModel::Outcome said = move.said;
    said.decision = move.decision;
    said.time = time;
    switch (move.kind) {
      case Move::Kind::decide: {
        const Errc expected =
            model.decide(move.decision, time, move.episode, {static_cast<double>(move.decision)});
        RC_ASSERT(subject.decide(move, time) == expected);
        break;
      }
      case Move::Kind::outcome:
        RC_ASSERT(subject.outcome(move, time) == model.outcome(said));
        break;
      case Move::Kind::time:
        subject.collector.on_time(time, subject.sink);
        model.wait_until(time);
        break;
      case Move::Kind::end:
        subject.collector.on_episode_end(move.episode, time, subject.sink);
        model.end(move.episode, time);
        break;
      case Move::Kind::restart:
        subject.restart(spec);
        break;
    }
    same_calls(subject.sink.calls, model.calls);
    compare(subject, model);
  }
}

void property(Credit credit) {
  const RewardSpec spec = any_spec(credit);
  const auto history = *rc::gen::scale(3.0, rc::gen::container<std::vector<Move>>(moves()));
  run(spec, history);
}

RC_GTEST_PROP(CollectorModel, AgreesOnOwnCredit, ()) { property(Credit::own); }
RC_GTEST_PROP(CollectorModel, AgreesOnTheLast, ()) { property(Credit::last); }
RC_GTEST_PROP(CollectorModel, AgreesOnUniformCredit, ()) { property(Credit::uniform); }
RC_GTEST_PROP(CollectorModel, AgreesOnDiscountedCredit, ()) { property(Credit::discounted); }
RC_GTEST_PROP(CollectorModel, AgreesOnCustomCredit, ()) { property(Credit::custom); }
RC_GTEST_PROP(CollectorModel, AgreesOnTransitions, ()) { property(Credit::transition); }

/// The same records give the same calls and the same bytes, from whatever slots and with whatever hash seed.
RC_GTEST_PROP(CollectorReplay, GivesTheSameStateBitForBit, ()) {
  const RewardSpec spec = any_spec(any_of<Credit>(6));
  const auto history = *rc::gen::scale(3.0, rc::gen::container<std::vector<Move>>(moves()));
  Subject once(spec);
  Subject again(spec);  // this one is saved and loaded on the way, and has had its memory beforehand
  again.collector.reserve({.pending = 7, .closed = 2, .signals = 1, .dense = 3});
  Nanos time = 0;
  for (const Move& move : history) {
    time += move.seconds * kSecond;
    for (Subject* subject : {&once, &again}) {
      if (move.kind == Move::Kind::decide) {
        subject->decide(move, time);
      } else if (move.kind == Move::Kind::outcome) {
        subject->outcome(move, time);
      } else if (move.kind == Move::Kind::end) {
        subject->collector.on_episode_end(move.episode, time, subject->sink);
      }
    }
    if (move.kind == Move::Kind::restart) {
      again.restart(spec);
    }
  }
  RC_ASSERT(once.sink.calls == again.sink.calls);
  RC_ASSERT(state_of(once.collector) == state_of(again.collector));
  RC_ASSERT(once.collector == again.collector);
}

}  // namespace
}  // namespace attune::collector_model_test
