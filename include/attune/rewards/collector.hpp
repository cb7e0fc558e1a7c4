// SPDX-License-Identifier: Apache-2.0
/// @file
/// Collector: joins decisions with what comes back for them, and says what is to be learned.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include <attune/core/record.hpp>
#include <attune/core/serial.hpp>
#include <attune/core/vocabulary.hpp>
#include <attune/rewards/reward_spec.hpp>

namespace attune {

/// A decision as the collector keeps it until its reward is formed.
struct PendingDecision {
  Uuid id{};
  std::uint64_t sequence = 0;
  std::uint64_t position = 0;
  Nanos time = 0;  ///< fold time: never before an earlier record's
  std::uint64_t version = 0;
  double propensity = 0.0;
  std::uint64_t episode = 0;
  ArmIndex arm = kNoArm;
  std::vector<double> dense;
  std::vector<std::uint32_t> sparse_index;
  std::vector<double> sparse_value;
  std::vector<double> action_features;
  std::vector<double> values;

  [[nodiscard]] Input input() const noexcept { return {dense, {sparse_index, sparse_value}}; }
};

/// Where a reward came from.
enum class RewardOrigin : std::uint8_t {
  observed,       ///< every component came
  partial,        ///< some came; the others are their defaults, or are optional and left out
  default_value,  ///< by default values alone
  late,           ///< after the window, by Lateness::learn
};

/// Why a decision was closed without learning.
enum class LossReason : std::uint8_t {
  silent,              ///< its window ended; Silence::discard
  censored,            ///< its window ended; Silence::censor
  overflow,            ///< closed early because of max_pending, with too little to form a reward
  credited_elsewhere,  ///< its reward went to the last decision of its episode (Credit::last)
  no_next_state,       ///< its reward is known, the state after it never will be (Credit::transition)
};

/// What became of an outcome.
enum class Fate : std::uint8_t {
  learned,            ///< it completed its decision: the reward went to the policy (or to its episode)
  waiting,            ///< joined; more is awaited
  learned_late,       ///< after the window, learned by the lateness rule
  duplicate,          ///< same key and same values seen before: ignored
  conflict,           ///< same key, other values: ignored, the first stands
  late,               ///< after the decision was closed: discarded
  unknown_decision,   ///< never seen, or forgotten
  unknown_component,  ///< a component that the specification does not name: the whole outcome is refused
  too_many,           ///< more than max_signals for one decision: the whole outcome is refused
  invalid,            ///< a number that is not finite: the whole outcome is refused
  rejected,           ///< RewardSink::screen: not like those before it: the whole outcome is refused
  capped,             ///< RewardSink::screen: its source has had its share: the whole outcome is refused
  // Kinds of unknown_decision that an engine can tell apart; collectors never return them.
  foreign,  ///< the id was made by another engine (another seed or node)
  early,    ///< the decision is not in the journal: lost with a crash before its commit, or made by a copy
};
[[nodiscard]] std::string_view to_string(Fate fate) noexcept;

/// Receives what the collector decides. Called in the order of the fold; arguments live until the call
/// returns.
class RewardSink {
 public:
  RewardSink() = default;
  RewardSink(const RewardSink&) = default;
  RewardSink& operator=(const RewardSink&) = default;
  RewardSink(RewardSink&&) = default;
  RewardSink& operator=(RewardSink&&) = default;
  virtual ~RewardSink() = default;

  /// Called just before learn() of a reward that is its decision's own, whatever Credit says of others: what
  /// each component of the specification added to it; 0 where it did not come and has no default, and where a
  /// default or a breach stands for the whole.
  virtual void parts(std::span<const double> /*terms*/) noexcept {}
  /// The reward of one decision. It ends the wait for that decision unless `origin` is late.
  virtual void learn(const PendingDecision& decision, double reward, RewardOrigin origin) noexcept = 0;
  /// One experience of an episode, in order (Credit::transition only). `next` is empty when terminal.
  virtual void experience(const PendingDecision& decision, double reward, const Input& next, bool terminal,
                          bool truncated) noexcept = 0;
  /// Asked before an outcome that is new and welcome is joined; of its components, those whose bit is set in
  /// `fresh`. `values`: its components' numbers; what is put in their place (finite) is joined instead, while
  /// duplicates are told by what came. Fate::waiting: it is joined; else it is refused as a whole with that
  /// fate, and the decision goes on waiting.
  [[nodiscard]] virtual Fate screen(const PendingDecision& /*decision*/, const OutcomeRecord& /*record*/,
                                    std::uint32_t /*fresh*/, std::span<double> /*values*/) noexcept {
    return Fate::waiting;
  }
  /// No reward will come for this decision.
  virtual void lost(const PendingDecision& decision, LossReason reason) noexcept = 0;
};

/// Credits of an episode: maps its decisions' own rewards, in order, to what each is to learn. Must be a pure
/// function: replay calls it again. When it throws, each decision keeps its own reward (see bad_credit).
using CreditFunction = std::function<void(std::span<const double> rewards, std::span<double> credits)>;

/// Everything the collector has counted; nothing it drops goes uncounted. At any time
///
///     decisions = pending + learned + silent + censored + overflow_lost + overflow_refused
///                 + credited_elsewhere + no_next_state
struct CollectorCounters {
  std::uint64_t decisions = 0;        ///< all but duplicate and invalid ones
  std::uint64_t outcomes = 0;         ///< outcome records seen, whatever their fate
  std::uint64_t learned = 0;          ///< rewards handed to the policy (observed, partial and default)
  std::uint64_t learned_partial = 0;  ///< of those, with some component missing
  std::uint64_t learned_default = 0;  ///< of those, by default values alone
  std::uint64_t learned_late = 0;
  std::uint64_t duplicate = 0;
  std::uint64_t conflict = 0;
  std::uint64_t late = 0;
  std::uint64_t unknown_decision = 0;
  std::uint64_t unknown_component = 0;
  std::uint64_t silent = 0;  ///< windows that ended without a reward, discarded
  std::uint64_t censored = 0;
  std::uint64_t overflow_expired = 0;
  std::uint64_t overflow_refused = 0;
  std::uint64_t no_next_state = 0;       ///< truncated episodes whose last state was not given
  std::uint64_t breaches = 0;            ///< rewards replaced because of a hard limit
  double reward_sum = 0.0;               ///< of all rewards learned, late ones too
  std::uint64_t overflow_lost = 0;       ///< of overflow_expired, those that taught nothing
  std::uint64_t credited_elsewhere = 0;  ///< see LossReason
  std::uint64_t too_many = 0;            ///< outcomes refused, see Fate
  std::uint64_t invalid = 0;  ///< outcomes and decisions refused: not finite, or lengths that differ
  std::uint64_t duplicate_decisions = 0;  ///< decisions whose id was already known
  std::uint64_t bad_credit = 0;  ///< credits of a custom function that were not finite: own reward instead

  bool operator==(const CollectorCounters&) const = default;
};

/// The delayed-reward collector of one decision point: a deterministic fold over records.
///
/// Feed it decisions and outcomes in journal order. Time moves only by the records' times (never backwards: a
/// smaller time counts as the largest seen), so a replay of the same records gives the same calls on the
/// sink, bit for bit. Windows that ended at or before a record's time are closed before that record is looked
/// at, oldest decision first.
///
/// What arrives twice is recognised by its key. An outcome with a key is one signal: the same key with the
/// same values is a duplicate, with others a conflict. In one without a key each component is a signal of its
/// own, once per decision: so repeated signals under sum, mean, max or last need keys that differ.
///
/// Cost: O(1) amortised a record plus the features copied, and O(k) for the k-th signal of a decision; no
/// allocation once max_pending decisions of the largest size have been seen, nor before when `reserve` was
/// called. Memory: bounded by max_pending, max_closed and max_signals. When the system has no memory left the
/// process ends.
class Collector {
 public:
  /// `credit` is needed for Credit::custom only. Errors: invalid_config.
  [[nodiscard]] static Result<Collector> make(const RewardSpec& spec, CreditFunction credit = {});

  Collector(Collector&&) noexcept;
  Collector& operator=(Collector&&) noexcept;
  Collector(const Collector&) = delete;
  Collector& operator=(const Collector&) = delete;
  ~Collector();

  /// Room for so many at once, each with so many numbers; see reserve().
  struct Sizes {
    std::size_t pending = 0;  ///< decisions waiting; at most max_pending is used
    std::size_t closed = 0;   ///< closed decisions remembered; at most max_closed is used
    std::size_t signals = 0;  ///< per decision, as a mean
    std::size_t dense = 0;    ///< numbers per decision:
    std::size_t sparse = 0;
    std::size_t action_features = 0;
    std::size_t values = 0;
  };
  /// Allocates now what would be allocated while warming up. Changes no state.
  void reserve(const Sizes& sizes);

  /// Starts loading what on_decision() of this id will read. Changes nothing.
  void prefetch(const Uuid& id) const noexcept;
  /// Starts waiting for a decision's reward. Errors: duplicate (id already known), full (Overflow::refuse),
  /// non_finite (features or values), dimension_mismatch (sparse index and value).
  Errc on_decision(const DecisionRecord& record, RewardSink& sink) noexcept;
  Fate on_outcome(const OutcomeRecord& record, RewardSink& sink) noexcept;
  /// Closes what ended at or before `time`.
  void on_time(Nanos time, RewardSink& sink) noexcept;
  /// Ends an episode: forms its credits as soon as its rewards are in.
  void on_episode_end(std::uint64_t episode, Nanos time, RewardSink& sink) noexcept;

  /// Earliest time at which on_time would close something; no value: never.
  [[nodiscard]] bool next_deadline(Nanos& time) const noexcept;
  /// Decisions held: waiting for a reward, or with one that waits for the rest of its episode.
  [[nodiscard]] std::size_t pending() const noexcept;
  /// A decision that is held; null when it is closed, or unknown. Valid until the next record is folded.
  [[nodiscard]] const PendingDecision* held(const Uuid& id) const noexcept;
  /// Bit i: component i of the last outcome was joined to a held decision, and not seen before.
  [[nodiscard]] std::uint32_t joined() const noexcept;
  /// Visits them, oldest first.
  void for_each_pending(const std::function<void(const PendingDecision&)>& visit) const;
  [[nodiscard]] const CollectorCounters& counters() const noexcept;
  [[nodiscard]] const RewardSpec& spec() const noexcept;

  void save(Writer& writer) const;
  /// Into a collector of the same specification; windows and bounds may differ and hold from now on.
  /// Errors: corrupt_state; invalid_config (other components, credit or lateness); unchanged on error.
  [[nodiscard]] Result<void> load(Reader& reader);
  /// Same specification and same state: no later call can tell them apart. Cost: two saves.
  [[nodiscard]] bool operator==(const Collector& other) const;

  struct Impl;  ///< defined inside the library only

 private:
  explicit Collector(std::unique_ptr<Impl> impl) noexcept;
  std::unique_ptr<Impl> impl_;
};

}  // namespace attune
