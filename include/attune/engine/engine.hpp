// SPDX-License-Identifier: Apache-2.0
/// @file
/// Engine: named decision points that decide now and learn from what comes back later.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
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

struct DecideOptions {
  std::span<const std::string_view> arms{};  ///< offer only these arms; empty: all enabled ones
  std::string_view episode{};                ///< chain this decision to others of the same name
  std::string_view client_key{};             ///< noted in the record
  std::string_view subject{};                ///< who it is about: its hash is noted, for deletion by subject
};

/// The answer to decide(). Make one and reuse it: nothing in it points into the engine.
struct Decision {
  Uuid id{};
  ShortText arm;  ///< external id; empty for optimizer points
  ArmIndex arm_index = kNoArm;
  double propensity = 0.0;     ///< NaN: deferred
  std::uint64_t version = 0;   ///< of the policy that chose
  std::uint64_t sequence = 0;  ///< number of this decision at its point, from 0
  Rung rung = Rung::policy;
  bool greedy = true;
  std::vector<double> parameters;  ///< optimizer points: the proposed values, else empty
};

struct OutcomeOptions {
  std::string_view key{};  ///< idempotency key; empty: decision id and component names
  bool terminal = false;   ///< the episode ended with this decision
  bool truncated = false;  ///< the episode was cut off after it; `next` is the state then, where known
  Features next{};
};

/// Handle of a decision point, cheap to copy, valid as long as the engine. Look it up once.
enum class PointId : std::uint32_t {};

/// Everything counted at one point. Counters are exact after pump() or drain().
struct PointMetrics {
  std::string name;
  std::string policy;
  std::uint64_t decisions = 0;  ///< answered by decide(), learned of or not yet
  std::uint64_t version = 0;
  std::uint64_t explored = 0;         ///< choices that differed from the greedy one
  std::uint64_t fallbacks = 0;        ///< answers not given by the live policy
  std::uint64_t refused = 0;          ///< decide() calls refused for their input
  std::uint64_t refused_rewards = 0;  ///< rewards that the policy refused, as outside its range
  std::uint64_t arm_gone = 0;         ///< rewards of arms that were removed meanwhile
  std::size_t pending = 0;
  CollectorCounters rewards;
  std::vector<std::string> arms;          ///< external ids, by slot; empty text: free slot
  std::vector<std::uint64_t> selections;  ///< by slot
};

struct EngineMetrics {
  std::uint64_t position = 0;          ///< last record folded into the state
  std::uint64_t durable_position = 0;  ///< last record known to be on disk; 0 without a store
  std::uint64_t queue_shed = 0;        ///< records refused because the queue was full
  std::uint64_t queue_blocked = 0;     ///< times a caller had to wait for the queue
  std::uint64_t outcomes_refused = 0;  ///< outcome() calls refused for their input
  std::uint64_t checkpoints = 0;
  std::uint64_t store_errors = 0;
  std::string store_error;  ///< the last one; empty: healthy
  std::vector<PointMetrics> points;
};

struct EngineOptions {
  std::shared_ptr<const Clock> clock;  ///< null: the system's
  std::unique_ptr<Journal> journal;    ///< null: nothing is durable (level L1)
  std::vector<std::pair<std::string, CreditFunction>> credit_functions;
  /// Called from the learner with one line per life-cycle event: level (0 debug ... 3 error), message. May be
  /// empty.
  std::function<void(int level, std::string_view message)> log;
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

  /// Decides now. Never waits for learning or disk; no allocation after warm-up (but optimizer points).
  /// Errors: dimension_mismatch, non_finite, unknown_arm (in options.arms), no_arm, invalid_argument; on
  /// error nothing is recorded and `out` is unspecified; last_error() has the sentence. One case is both:
  /// with queue_full (on_full = shed) `out` is a valid answer that was not recorded; its id is nil, its
  /// outcome is lost.
  [[nodiscard]] Errc decide(PointId point, const ContextView& context, const DecideOptions& options,
                            Decision& out) noexcept;

  /// Reports what came back. Errors: non_finite, unknown_component (no point has it), invalid_argument,
  /// queue_full. What became of it is counted per Fate when it is folded.
  [[nodiscard]] Errc outcome(const Uuid& decision, std::span<const Component> components,
                             const OutcomeOptions& options = {}) noexcept;
  /// The common case: one component named "reward".
  [[nodiscard]] Errc outcome(const Uuid& decision, double reward) noexcept;

  /// Ends an episode at a point (see RewardSpec::credit).
  [[nodiscard]] Errc end_episode(PointId point, std::string_view episode) noexcept;

  /// Sentence for the last error returned by decide(), outcome() or end_episode() on this thread.
  [[nodiscard]] static std::string_view last_error() noexcept;

  /// Arms come and go; each is a record like any other. Errors: unknown_point, unknown_arm, duplicate,
  /// invalid_argument, full.
  [[nodiscard]] Result<void> add_arm(PointId point, std::string_view id, Features features = {},
                                     const ArmPrior& prior = {});
  [[nodiscard]] Result<void> set_arm_enabled(PointId point, std::string_view id, bool on);
  [[nodiscard]] Result<void> remove_arm(PointId point, std::string_view id);

  /// Pump mode: closes windows that ended, folds what is queued, writes it to the journal (one transaction),
  /// takes a checkpoint when one is due. Returns the number of records folded. Thread mode: does nothing.
  /// Errors: io; the records stay queued for the next attempt, and decisions go on.
  Result<std::size_t> pump();
  /// Waits until everything queued so far is folded and, with a journal, durable. Both modes.
  Result<void> drain();
  /// What became of the last outcome folded by pump(); no value when none was. Pump mode only.
  [[nodiscard]] std::optional<Fate> last_fate() const noexcept;

  /// Drains and takes a checkpoint now. Errors: io; unsupported without a journal.
  Result<std::uint64_t> checkpoint();

  [[nodiscard]] EngineMetrics metrics() const;
  /// The policy of a point in words and numbers.
  [[nodiscard]] Result<Description> describe(PointId point) const;
  /// Names of the parameters that an optimizer point proposes; empty at other points.
  [[nodiscard]] std::vector<std::string> parameter_names(PointId point) const;
  /// Decisions still waiting for their reward, oldest first (ids). Call after drain().
  [[nodiscard]] std::vector<Uuid> pending(PointId point) const;
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
