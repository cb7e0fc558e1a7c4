// SPDX-License-Identifier: Apache-2.0
/// @file
/// Short ways to feed a Collector and to write down what it says.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <ostream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <attune/rewards/collector.hpp>

namespace attune {

inline void PrintTo(Credit credit, std::ostream* out) {
  *out << kEnumNames<Credit>.at(static_cast<std::size_t>(credit));
}

}  // namespace attune

namespace attune::test {

/// Decision number `n` as an id, and back.
inline Uuid id_of(std::uint64_t n) { return Uuid::v7(kSecond, n >> 62U, n); }
inline std::uint64_t number_of(const Uuid& id) { return id.low() & 0x3FFF'FFFF'FFFF'FFFFULL; }

/// One call on the sink. Numbers of decisions instead of ids; the state is the first feature.
struct Call {
  enum class Kind : std::uint8_t { learn, experience, lost };

  Kind kind{};
  std::uint64_t decision = 0;
  double state = 0.0;
  double reward = 0.0;
  RewardOrigin origin{};
  LossReason reason{};
  std::vector<double> next{};
  bool terminal = false;
  bool truncated = false;

  bool operator==(const Call&) const = default;
};

inline Call learnt(std::uint64_t decision, double reward, RewardOrigin origin = RewardOrigin::observed) {
  return {.kind = Call::Kind::learn, .decision = decision, .reward = reward, .origin = origin};
}
inline Call lost(std::uint64_t decision, LossReason reason) {
  return {.kind = Call::Kind::lost, .decision = decision, .reason = reason};
}
inline Call step(std::uint64_t decision, double reward, std::vector<double> next, bool terminal = false,
                 bool truncated = false) {
  return {.kind = Call::Kind::experience,
          .decision = decision,
          .reward = reward,
          .next = std::move(next),
          .terminal = terminal,
          .truncated = truncated};
}

inline std::ostream& operator<<(std::ostream& out, const Call& call) {
  constexpr std::array<std::string_view, 3> kKinds{"learn ", "experience ", "lost "};
  out << kKinds.at(static_cast<std::size_t>(call.kind)) << call.decision << " state " << call.state
      << " reward " << call.reward << " origin " << static_cast<int>(call.origin) << " reason "
      << static_cast<int>(call.reason) << " next";
  for (const double value : call.next) {
    out << ' ' << value;
  }
  return out << (call.terminal ? " terminal" : "") << (call.truncated ? " truncated" : "");
}

/// Writes the calls down.
class RecordingSink final : public RewardSink {
 public:
  explicit RecordingSink(bool with_state = false) : with_state_(with_state) {}

  void learn(const PendingDecision& decision, double reward, RewardOrigin origin) noexcept override {
    calls.push_back(learnt(number_of(decision.id), reward, origin));
    note_state(decision);
  }
  void experience(const PendingDecision& decision, double reward, const Input& next, bool terminal,
                  bool truncated) noexcept override {
    calls.push_back(
        step(number_of(decision.id), reward, {next.dense.begin(), next.dense.end()}, terminal, truncated));
    note_state(decision);
  }
  void lost(const PendingDecision& decision, LossReason reason) noexcept override {
    calls.push_back(test::lost(number_of(decision.id), reason));
    note_state(decision);
  }

  std::vector<Call> calls;

 private:
  void note_state(const PendingDecision& decision) {
    if (with_state_ && !decision.dense.empty()) {
      calls.back().state = decision.dense.front();
    }
  }
  bool with_state_;
};

/// What to say about a decision, beyond its components.
struct Said {
  std::uint64_t key = 0;
  bool terminal = false;
  bool truncated = false;
  std::vector<double> next{};
};

/// A collector with a sink; times in seconds.
class Bench {
 public:
  explicit Bench(const RewardSpec& spec, CreditFunction credit = {})
      : collector(Collector::make(spec, std::move(credit)).value()) {}

  Errc decide(std::uint64_t n, double seconds, std::uint64_t episode = 0, std::vector<double> state = {}) {
    DecisionRecord record;
    record.header.id = id_of(n);
    record.header.time = at(seconds);
    record.sequence = n;
    record.propensity = 0.5;
    record.episode = episode;
    record.arm = to_arm(n % 10);
    record.input.dense = state;
    return collector.on_decision(record, sink);
  }
  Fate say(std::uint64_t n, double seconds, const std::vector<Component>& parts, const Said& said = {}) {
    OutcomeRecord record;
    record.header.id = id_of(n);
    record.header.time = at(seconds);
    record.header.flags = static_cast<std::uint16_t>((said.terminal ? OutcomeRecord::kTerminal : 0) |
                                                     (said.truncated ? OutcomeRecord::kTruncated : 0));
    record.key = said.key;
    record.component_count = static_cast<std::uint32_t>(parts.size());
    for (std::size_t i = 0; i < parts.size(); ++i) {
      record.components.at(i) = parts[i];
    }
    record.next.dense = said.next;
    return collector.on_outcome(record, sink);
  }
  Fate reward(std::uint64_t n, double seconds, double value, const Said& said = {}) {
    return say(n, seconds, {{"reward", value}}, said);
  }
  void wait_until(double seconds) { collector.on_time(at(seconds), sink); }
  void end(std::uint64_t episode, double seconds) { collector.on_episode_end(episode, at(seconds), sink); }
  /// The calls since the last time.
  std::vector<Call> calls() { return std::exchange(sink.calls, {}); }
  [[nodiscard]] const CollectorCounters& counters() const { return collector.counters(); }
  [[nodiscard]] Bytes state() const {
    Writer writer;
    collector.save(writer);
    return std::move(writer).take();
  }

  static Nanos at(double seconds) { return 1'000 * kSecond + static_cast<Nanos>(seconds * 1e9); }

  Collector collector;
  RecordingSink sink;
};

/// Every decision is accounted for; see CollectorCounters.
inline std::uint64_t accounted(const Collector& collector) {
  const CollectorCounters& c = collector.counters();
  return collector.pending() + c.learned + c.silent + c.censored + c.overflow_lost + c.overflow_refused +
         c.credited_elsewhere + c.no_next_state;
}

using Calls = std::vector<Call>;

}  // namespace attune::test
