// SPDX-License-Identifier: Apache-2.0
/// @file
/// Engine: named decision points that decide now and learn from what comes back later.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <future>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <attune/core/clock.hpp>
#include <attune/core/error.hpp>
#include <attune/core/record.hpp>
#include <attune/core/short_text.hpp>
#include <attune/core/uuid.hpp>
#include <attune/core/vocabulary.hpp>
#include <attune/rewards/collector.hpp>
#include <attune/store/journal.hpp>

namespace attune {

/// One named feature of a context: exactly one of the three is used, as the point's feature specification
/// says.
struct NamedFeature {
  std::string_view name{};
  double number = 0.0;      ///< number features; boolean features: 0 or 1
  std::string_view text{};  ///< category and text features
  bool is_text = false;     ///< which of the two was given
};

/// What the caller knows: dense numbers, sparse numbers or named features. At most one of them.
struct ContextView {
  Features dense{};
  SparseFeatures sparse{};
  std::span<const NamedFeature> named{};
};

class Replay;

/// Place of a record in an engine's queue: everything up to durable_ticket() is on disk. Later records have
/// larger tickets. Valid as long as the engine is open.
enum class Ticket : std::uint64_t { none = 0 };

struct DecideOptions {
  std::span<const std::string_view> arms{};  ///< offer only these arms; empty: all enabled ones
  std::string_view episode{};                ///< chain this decision to others of the same name
  /// Asking again with the same key, point and context gives the same decision (see client_keys in
  /// docs/configuration.md); empty: every call is a new decision.
  std::string_view client_key{};
  std::string_view subject{};  ///< who it is about: its hash is noted, for deletion by subject
  bool wait = true;            ///< at a durable point: return after the commit; false: at once, with a ticket
};

/// The answer to decide(). Make one and reuse it: nothing in it points into the engine.
struct Decision {
  Uuid id{};
  ShortText arm;  ///< external id; empty at points that tune parameters or choose numbers
  ArmIndex arm_index = kNoArm;
  double propensity = 0.0;     ///< of an action of numbers its density; NaN: deferred
  std::uint64_t version = 0;   ///< of the policy that chose
  std::uint64_t sequence = 0;  ///< number of this decision at its point, from 0
  Rung rung = Rung::policy;
  ChoiceReason reason = ChoiceReason::usual;  ///< why that rung answered, and not the policy as it likes
  bool greedy = true;
  /// Points that tune parameters: the proposed values; points that choose numbers: the action; else empty.
  std::vector<double> parameters;
  /// Points that show several arms: their ids, in order; `arm` is the first. Empty elsewhere. A pair of one
  /// is to be shown alone: there is nothing to compare.
  std::vector<ShortText> shown;
  Ticket ticket = Ticket::none;  ///< of its record; none: durable since before this engine was opened
};

struct OutcomeOptions {
  std::string_view key{};  ///< idempotency key; empty: decision id and component names
  /// Who says so (an account, a tenant, an address), for points that cap sources; only its hash is kept.
  std::string_view source{};
  bool terminal = false;   ///< the episode ended with this decision
  bool truncated = false;  ///< the episode was cut off after it; `next` is the state then, where known
  Features next{};
  bool wait = true;          ///< at a durable point: return after the commit; false: at once, with a ticket
  Ticket* ticket = nullptr;  ///< gets the ticket of the outcome's record
};

/// Called once with ok, or with why the record will not become durable in this engine's lifetime.
using DurableCallback = std::function<void(const Result<void>&)>;

/// Handle of a decision point, cheap to copy, valid as long as the engine. Look it up once.
enum class PointId : std::uint32_t {};

/// One guard on one arm, or on a whole point.
struct GuardMetrics {
  std::string name;
  std::string kind;       ///< latency, rate, quality, budget, share
  std::string component;  ///< empty for shares
  std::string arm;        ///< external id; empty: the whole point
  std::string state;      ///< quiet, tripped, probation
  std::string action;     ///< mask, snapshot, static, watch
  Nanos since = 0;        ///< of that state; 0: from the beginning
  std::uint64_t trips = 0;
  double value = 0.0;  ///< that is compared with the limit; NaN without samples
  double limit = 0.0;
};

/// Guards, switches and the ladder of one point. Counted since the point has them.
struct SafetyMetrics {
  bool killed = false;
  bool frozen = false;
  std::string killed_by;  ///< who, a newline, why; of the last switch
  std::string frozen_by;
  Nanos killed_since = 0;
  Nanos frozen_since = 0;
  std::array<std::uint64_t, kRungs> rungs{};            ///< decisions by Rung
  std::array<std::uint64_t, kChoiceReasons> reasons{};  ///< decisions by ChoiceReason
  std::uint64_t trips = 0;                              ///< of all guards
  std::uint64_t frozen_rewards = 0;                     ///< rewards that a freeze kept from the policy
  std::uint64_t restored = 0;                           ///< times a guard put the snapshot back
  std::uint64_t held_back = 0;                          ///< arms that are out or on probation
  double explored_share = 0.0;  ///< of the exploration window; NaN until half of it has been seen
  double explored_alarm = 0.0;  ///< below this health complains; 0: never
  bool greedy_only = false;     ///< exploration is at its cap
  bool baseline_only = false;   ///< exploring cannot be paid for
  bool snapshot = false;        ///< there is a good one
  std::vector<GuardMetrics> guards;
};

/// One drift watch of a point. Counted since the point has it, and equal after a replay.
struct DriftMetrics {
  std::string name;
  std::string watch;     ///< reward, reward_per_arm, residual, component, feature, features
  std::string detector;  ///< its type
  std::uint64_t values = 0;
  std::uint64_t skipped = 0;  ///< beyond the finite numbers
  std::uint64_t warnings = 0;
  std::uint64_t drifts = 0;
  std::uint64_t silenced = 0;       ///< of the drifts, those inside a cool-down: nothing was done
  std::uint64_t withheld = 0;       ///< actions that could not be taken: frozen, or no snapshot yet
  std::uint64_t last_position = 0;  ///< of the record at which something was last done; 0: never
  Nanos last_time = 0;
  std::string last_of;  ///< arm, component or feature; empty: the whole point
  bool alert = false;   ///< health says so now
  std::vector<std::pair<std::string, std::uint64_t>> actions;  ///< how often each was taken
};

/// One screen of outcomes or rewards. Counted since the point has it, and equal after a replay.
struct ScreenMetrics {
  std::string name;
  std::string watch;      ///< component, reward
  std::string component;  ///< empty: the reward
  std::string detector;   ///< its type
  std::string action;     ///< log, clip, reject
  std::uint64_t values = 0;
  std::uint64_t anomalies = 0;
  std::uint64_t clipped = 0;
  std::uint64_t rejected = 0;  ///< outcomes, or rewards
  double share = 0.0;          ///< anomalies among the newest values; NaN at first
  bool alarm = false;          ///< health says so now
};

/// What a point screens of its input. Counted since the point does, and equal after a replay.
struct ScreeningMetrics {
  bool contexts = false;          ///< they are watched
  std::string context_action;     ///< log, fall_back
  std::uint64_t familiar = 0;     ///< decided contexts, by what was known before each
  std::uint64_t unfamiliar = 0;   ///< of decided contexts
  double threshold = 0.0;         ///< of the score; infinite while warming up
  double unfamiliar_share = 0.0;  ///< among the newest contexts; NaN at first
  bool alarm = false;             ///< health says so now
  bool sources = false;           ///< they are capped
  std::uint64_t admitted = 0;     ///< outcomes whose source had not had its share
  std::uint64_t capped = 0;       ///< outcomes that were refused because it had
  std::vector<ScreenMetrics> screens;
};

/// Everything counted at one point. Counters are exact after pump() or drain().
struct PointMetrics {
  std::string name;
  std::string policy;
  std::uint64_t decisions = 0;  ///< answered by decide(), learned of or not yet
  std::uint64_t version = 0;
  std::uint64_t explored = 0;  ///< choices that differed from the greedy one
  /// What always choosing the arm with the largest mean reward, as the policy sees it now, would have earned
  /// more: the sum of selections times (largest mean - mean). NaN with a context, for policies that expect
  /// no reward, and before the first reward. Of points whose rewards drift it is an opinion of the present.
  double regret_estimated = std::numeric_limits<double>::quiet_NaN();
  std::uint64_t fallbacks = 0;        ///< answers not given by the live policy
  std::uint64_t refused = 0;          ///< decide() calls refused for their input
  std::uint64_t refused_rewards = 0;  ///< rewards that the policy refused, as outside its range
  std::uint64_t arm_gone = 0;         ///< rewards of arms that were removed meanwhile
  std::uint64_t foreign = 0;          ///< of rewards.unknown_decision: ids that another engine made
  std::uint64_t early = 0;  ///< of rewards.unknown_decision: ids of decisions not in the journal yet
  std::size_t pending = 0;
  CollectorCounters rewards;
  std::vector<std::string> arms;                ///< external ids, by slot; empty text: free slot
  std::vector<std::uint64_t> selections;        ///< by slot
  std::optional<SafetyMetrics> safety;          ///< of points with "safety", and once a switch was touched
  std::vector<DriftMetrics> drift;              ///< as the point's "drift"
  std::optional<ScreeningMetrics> screening{};  ///< of points with "screening"
};

/// What is known of client keys.
struct ClientKeyMetrics {
  std::uint64_t remembered = 0;  ///< keys that a retry would find
  std::uint64_t retried = 0;     ///< decide() calls answered with an earlier decision
  std::uint64_t conflicts = 0;   ///< decide() calls refused: the key belongs to another point or context
  std::uint64_t forgotten = 0;   ///< keys dropped for newer ones, ever
};

struct EngineMetrics {
  std::uint64_t position = 0;           ///< last record folded into the state
  std::uint64_t durable_position = 0;   ///< last record known to be on disk; 0 without a store
  std::uint64_t queue_shed = 0;         ///< records refused because the queue was full
  std::uint64_t queue_blocked = 0;      ///< times a caller had to wait for the queue
  std::uint64_t outcomes_refused = 0;   ///< outcome() calls refused for their input
  std::uint64_t outcomes_foreign = 0;   ///< of those, for an id that names no point of this engine
  std::uint64_t not_durable = 0;        ///< calls at durable points that returned not_durable
  std::uint64_t callbacks_waiting = 0;  ///< of when_durable()
  ClientKeyMetrics client_keys;
  std::uint64_t checkpoints = 0;
  std::uint64_t checkpoint_errors = 0;
  std::uint64_t store_errors = 0;
  std::string store_error;  ///< the last one; empty: healthy
  std::vector<PointMetrics> points;
};

/// How an engine is, for people on call and for load balancers.
struct EngineHealth {
  enum class Level : std::uint8_t {
    ok,
    degraded,  ///< something is lost or late that should not be; it decides and learns
    failing,   ///< nothing becomes durable
  };
  struct Reason {
    Level level = Level::degraded;
    std::string sentence;
    Nanos since = 0;
  };

  Level level = Level::ok;
  Nanos since = 0;  ///< of the oldest reason at that level; 0 when ok
  std::vector<Reason> reasons;
};
[[nodiscard]] std::string_view to_string(EngineHealth::Level level) noexcept;

struct EngineOptions {
  std::shared_ptr<const Clock> clock;  ///< null: the system's
  std::unique_ptr<Journal> journal;    ///< null: nothing is durable (level L1)
  std::vector<std::pair<std::string, CreditFunction>> credit_functions;
  /// Called from the engine's threads with one line per life-cycle event: level (0 debug ... 3 error),
  /// message. May be empty.
  std::function<void(int level, std::string_view message)> log;
  /// Called for each drift whose watch has the action "retrain": point, watch, position of the record at
  /// which it was found. From the learner's thread (pump mode: at the end of pump()), after deciders see what
  /// else followed from it, without any lock; never for records that are replayed. It may call this engine,
  /// but not pump(), drain() or checkpoint(). What it throws is ignored.
  std::function<void(std::string_view point, std::string_view watch, std::uint64_t position)> retrain{};
  bool durable = false;  ///< every point acknowledges as with "acknowledge": "durable"
  /// For simulations that ask again what was lost when they were killed: they get the same ids, and end in
  /// the same state as if they had not been. Others must never get an id twice.
  bool repeat_lost_ids = false;
};

/// The decision engine.
///
/// Configuration: one JSON text, see docs/configuration.md and config_schema(). Modes:
/// - `"mode": "pump"` (default): no threads; decide() and outcome() queue records, and the caller runs
/// pump(), which
///   folds them into the state and, with a journal, makes them durable. One thread at a time.
/// - `"mode": "threads"`: decide() and outcome() may be called from any thread; a learner thread folds and a
///   journal thread commits in groups. Destruction drains both.
/// Both give the same state, bit for bit, for the same sequence of records.
class Engine {
  friend class Replay;  // folds the same records with the same code

 public:
  /// Builds an engine, restores it from the journal's newest valid checkpoint and replays what follows.
  /// Errors: invalid_config (path and rule named), corrupt_state, unsupported_version, io.
  [[nodiscard]] static Result<Engine> open(std::string_view config_json, EngineOptions options = {});

  Engine(Engine&&) noexcept;
  Engine& operator=(Engine&&) noexcept;
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;
  ~Engine();

  /// Errors: unknown_point.
  [[nodiscard]] Result<PointId> point(std::string_view name) const;

  /// Decides now. At points with "acknowledge": "async" it never waits for learning or disk; at durable ones
  /// it returns after the commit that contains the decision. No allocation after warm-up (but optimizer
  /// points). Errors: dimension_mismatch, non_finite, unknown_arm (in options.arms), no_arm,
  /// invalid_argument, conflict (client key used for something else); on error nothing is recorded and `out`
  /// is unspecified; last_error() has the sentence. Two cases are both: with queue_full (on_full = shed, or a
  /// disk that stalls) `out` is a valid answer that was not recorded: its id is nil, its outcome is lost.
  /// With not_durable (durable points) `out` is a valid answer that waits for its commit: asking again with
  /// the same client key is safe.
  [[nodiscard]] Errc decide(PointId point, const ContextView& context, const DecideOptions& options,
                            Decision& out) noexcept;
  /// Decides for each context in turn, as decide() does, into `out` of the same length; a durable point waits
  /// once, for the commit that holds the last of them. Returns the error of the first that is refused; `made`
  /// decisions stand before it and wait for their commit (Decision::ticket). Errors: as decide();
  /// dimension_mismatch (lengths); a client key in `options` is for one decision.
  [[nodiscard]] Errc decide_batch(PointId point, std::span<const ContextView> contexts,
                                  const DecideOptions& options, std::span<Decision> out,
                                  std::size_t& made) noexcept;

  /// Reports what came back. Errors: non_finite, unknown_component (no point has it), unknown_decision (no
  /// point of this engine made that id), invalid_argument, queue_full; not_durable (durable points): it was
  /// taken and waits for its commit, reporting it again is safe. What became of it is counted per Fate when
  /// it is folded.
  [[nodiscard]] Errc outcome(const Uuid& decision, std::span<const Component> components,
                             const OutcomeOptions& options = {}) noexcept;
  /// The common case: one component named "reward".
  [[nodiscard]] Errc outcome(const Uuid& decision, double reward) noexcept;

  /// Ends an episode at a point (see RewardSpec::credit).
  [[nodiscard]] Errc end_episode(PointId point, std::string_view episode) noexcept;

  /// Sentence for the last error returned by decide(), outcome() or end_episode() on this thread.
  [[nodiscard]] static std::string_view last_error() noexcept;

  /// Everything up to this ticket is durable. Cost: one load.
  [[nodiscard]] Ticket durable_ticket() const noexcept;
  /// Waits until a record is durable. Pump mode: pumps. Not from a callback. Errors: not_durable (time is
  /// over, the store fails, or the engine closes: the record stays queued); unsupported without a journal.
  [[nodiscard]] Result<void> wait_durable(Ticket ticket,
                                          std::chrono::nanoseconds timeout = std::chrono::seconds(10));
  /// Calls back after the commit: on the journal thread (pump mode: inside pump()), in the order of tickets,
  /// and at the latest, with an error, when the engine closes. Callbacks must be quick and may not wait for
  /// this engine. Errors: full (kMaxCallbacks wait already); unsupported without a journal; then it is not
  /// called.
  [[nodiscard]] Result<void> when_durable(Ticket ticket, DurableCallback callback);
  static constexpr std::size_t kMaxCallbacks = std::size_t{1} << 16U;
  /// The same as a future, which is ready with the error where when_durable() would fail.
  [[nodiscard]] std::future<Result<void>> durable(Ticket ticket);
  /// Whether decide() and outcome() of a point return after the commit.
  [[nodiscard]] bool acknowledges_durably(PointId point) const noexcept;

  /// Arms come and go; each is a record like any other. Errors: unknown_point, unknown_arm, duplicate,
  /// invalid_argument, full; conflict (the point is frozen).
  [[nodiscard]] Result<void> add_arm(PointId point, std::string_view id, Features features = {},
                                     const ArmPrior& prior = {});
  [[nodiscard]] Result<void> set_arm_enabled(PointId point, std::string_view id, bool on);
  [[nodiscard]] Result<void> remove_arm(PointId point, std::string_view id);

  /// The kill switch of a point: from the next decide() on, static shares or the fallback arm answer instead
  /// of the policy (tuners: the best parameters known). Learning goes on. It is a record and an audit entry,
  /// and holds over restarts. Where the store cannot take it (not_durable), it is in force all the same,
  /// until the process ends. `act.actor` says who; its time is not used. Errors: unknown_point,
  /// invalid_argument (text longer than kMaxSwitchText), queue_full (in force, not recorded), not_durable.
  Result<void> kill(PointId point, bool on, const Act& act, std::string_view why = {});
  /// The same at every point. Errors: the first one; the others are switched all the same.
  Result<void> kill_all(bool on, const Act& act, std::string_view why = {});
  /// The change freeze of a point: decisions, outcomes and guards go on, but rewards do not reach the policy
  /// (they count as lost, and are counted), and its arms and its configuration cannot be changed. From the
  /// record on; holds over restarts. Errors: as kill().
  Result<void> freeze(PointId point, bool on, const Act& act, std::string_view why = {});
  static constexpr std::size_t kMaxSwitchText = 1024;

  /// Pump mode: closes windows that ended, folds what is queued, writes it to the journal (one transaction),
  /// takes a checkpoint when one is due. Returns the number of records folded. Thread mode: does nothing.
  /// Errors: io; the records stay queued for the next attempt, and decisions go on.
  Result<std::size_t> pump();
  /// Pump mode: folds what is queued without making it durable, so that what became of it is known before the
  /// commit. Returns the number of records. Thread mode: does nothing.
  std::size_t fold() noexcept;
  /// Waits until everything queued so far, and what is due by now, is folded and, with a journal, durable.
  /// Both modes.
  Result<void> drain();
  /// What became of the last outcome folded by pump() or fold(); no value when none was. Pump mode only.
  [[nodiscard]] std::optional<Fate> last_fate() const noexcept;

  /// Drains and takes a checkpoint now. Errors: io; unsupported without a journal.
  Result<std::uint64_t> checkpoint();

  /// Removes old records from the journal, as the rule says; what was learned from them stays. Between two
  /// commits: decisions go on, acknowledgements wait. `act` goes into the audit trail; its time 0 means now.
  /// Errors: invalid_argument (fewer verified checkpoints than the rule asks for), io; unsupported without a
  /// journal.
  Result<CompactReport> compact(const RetainRule& rule, const Act& act);
  /// Takes so many checkpoints, then blanks the decisions about a subject (DecideOptions::subject) and their
  /// outcomes in the journal, and removes older checkpoints that would need them. What was learned stays;
  /// decisions that still wait for their reward stay in the state until they have it. Errors: as compact();
  /// invalid_argument (no subject, or decisions about it are being made meanwhile: nothing was erased then).
  Result<EraseReport> erase_subject(std::string_view subject, const Act& act, std::uint32_t checkpoints = 1);

  [[nodiscard]] EngineMetrics metrics() const;
  /// Never waits for the disk.
  [[nodiscard]] EngineHealth health() const;
  /// The policy of a point in words and numbers.
  [[nodiscard]] Result<Description> describe(PointId point) const;
  /// Names of Decision::parameters ("x0", "x1", ... where the policy has none); empty at points over arms.
  [[nodiscard]] std::vector<std::string> parameter_names(PointId point) const;
  /// Decisions still waiting for their reward, oldest first (ids). Call after drain().
  [[nodiscard]] std::vector<Uuid> pending(PointId point) const;
  /// Ids of the arms that a decision showed, in order; an empty text stands for one that is gone; none at
  /// points that do not show several. Call after fold() or drain(). Errors: unknown_decision (it does not
  /// wait for an outcome).
  [[nodiscard]] Result<std::vector<std::string>> shown(const Uuid& decision) const;
  /// Canonical bytes of everything learned and awaited: equal bytes, equal state. Call after drain().
  [[nodiscard]] Bytes state() const;
  /// Sentences about what was found on opening: checkpoint used, records replayed, damage passed over.
  [[nodiscard]] const std::vector<std::string>& recovery_notes() const noexcept;

 private:
  struct Impl;
  explicit Engine(std::unique_ptr<Impl> impl) noexcept;
  std::unique_ptr<Impl> impl_;
};

/// JSON Schema (draft 2020-12) of the configuration, with every shipped algorithm's options.
[[nodiscard]] std::string config_schema();

/// Version of the library, "major.minor.patch".
[[nodiscard]] std::string_view version() noexcept;

}  // namespace attune
