// SPDX-License-Identifier: Apache-2.0
/// @file
/// Engine::Impl: what the parts of the engine share. Producers (decide.cpp) write records into the ring; the
/// learner (learner.cpp) folds them and makes them durable; threads.cpp runs the learner when the caller does
/// not.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include <attune/engine/engine.hpp>
#include <attune/store/journal.hpp>

#include "engine/callbacks.hpp"
#include "engine/client_keys.hpp"
#include "engine/config.hpp"
#include "engine/config_history.hpp"
#include "engine/decision_id.hpp"
#include "engine/doorbell.hpp"
#include "engine/point.hpp"
#include "engine/ring.hpp"

namespace attune {

/// What a call that was refused leaves for last_error(): a sentence in thread-local memory.
void set_last_error(std::string_view before, std::string_view name = {},
                    std::string_view after = {}) noexcept;

/// Leaves the sentence and returns the code.
Errc refuse(Errc code, std::string_view before, std::string_view name = {},
            std::string_view after = {}) noexcept;

struct Answer;
struct Scratch;

struct Engine::Impl {
  Impl(EngineConfig engine_config, EngineOptions engine_options);
  ~Impl();
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
  Impl(Impl&&) = delete;
  Impl& operator=(Impl&&) = delete;

  // ---- opening (open.cpp, recover.cpp)
  [[nodiscard]] Result<void> build_points();
  [[nodiscard]] Result<void> check_acknowledgements() const;
  [[nodiscard]] Result<void> settle_identity();
  [[nodiscard]] Result<void> count_opening();
  void note_orderly_end() noexcept;
  void use_identity(std::uint64_t seed, std::string_view node);
  [[nodiscard]] Result<void> recover();
  /// What lies on the way from a checkpoint to the present: its state, and the position that it contains.
  struct Base {
    Bytes state;  ///< empty: the beginning of the journal
    std::uint64_t position = 0;
  };
  [[nodiscard]] Result<Base> take_checkpoint();
  /// Folds what was written under earlier configurations, each part under its own.
  [[nodiscard]] Result<void> replay_history(const ConfigHistory& history, Base& base);
  [[nodiscard]] Result<void> replay_part(const std::string& old_config, std::uint64_t last, Base& base);
  /// Folds the records `first` ... `last`.
  [[nodiscard]] Result<void> replay(const RecordReader& read, std::uint64_t first, std::uint64_t last);
  [[nodiscard]] Result<void> load_state(ByteView bytes);
  [[nodiscard]] Result<void> note_config(ConfigHistory& history);
  /// Digest of the configuration whose arms the store has been given.
  [[nodiscard]] Result<std::string> settled_arms(const ConfigHistory& history);
  [[nodiscard]] Result<void> add_configured_arms(const std::string& settled);
  [[nodiscard]] Result<void> add_configured_arm(const Point& point, const ArmConfig& arm);

  // ---- producers (decide.cpp, outcome.cpp); any thread in thread mode
  [[nodiscard]] Errc decide(PointId id, const ContextView& context, const DecideOptions& asked,
                            Decision& out) noexcept;
  [[nodiscard]] Errc decide_batch(PointId id, std::span<const ContextView> contexts,
                                  const DecideOptions& asked, std::span<Decision> out,
                                  std::size_t& made) noexcept;
  [[nodiscard]] Errc decide_with_key(Point& point, DecisionRecord& record, Scratch& mine,
                                     const DecideOptions& asked, Decision& out) noexcept;
  /// Chooses, and queues the record.
  [[nodiscard]] Errc make_decision(Point& point, DecisionRecord& record, Scratch& mine,
                                   const DecideOptions& asked, Decision& out) noexcept;
  static void note_action(ActionKind kind, const ArmTable& arms, const Answer& answer, DecisionRecord& record,
                          Scratch& mine, Decision& out) noexcept;
  /// See Engine::shown(); under learner_mutex.
  [[nodiscard]] Result<std::vector<std::string>> shown(const Uuid& decision) const;
  [[nodiscard]] Errc queue_decision(DecisionRecord& record, const Scratch& mine, Decision& out) noexcept;
  [[nodiscard]] Errc outcome(const Uuid& decision, std::span<const Component> components,
                             const OutcomeOptions& given) noexcept;
  [[nodiscard]] Errc read_outcome(std::span<const Component> components, const OutcomeOptions& given,
                                  OutcomeRecord& record) const noexcept;
  /// `ticket`: gets the ticket of the record; may be null.
  [[nodiscard]] Errc push_event(const EventRecord& event, std::uint64_t* ticket = nullptr) noexcept;
  [[nodiscard]] Result<void> check_new_arm(PointId id, std::string_view arm, Features features,
                                           const ArmPrior& prior) const;
  [[nodiscard]] Result<void> change_arm(PointId id, std::string_view arm, EventKind kind);
  /// Room for a record; waits by the queue's rule. Empty: refused, and counted.
  [[nodiscard]] std::span<std::byte> claim(std::size_t size, bool may_wait_long,
                                           std::uint64_t& behind) noexcept;
  [[nodiscard]] std::span<std::byte> wait_for_room(std::size_t size, bool may_wait_long,
                                                   std::uint64_t& behind) noexcept;
  void note_shed() noexcept;

  // ---- acknowledgement (acknowledge.cpp)
  enum class Waited : std::uint8_t { durable, failing, late, closing, inside_callback };
  using Deadline = std::optional<std::chrono::steady_clock::time_point>;
  /// Thread mode: rests until everything before `cursor` is committed.
  [[nodiscard]] Waited wait_committed(std::uint64_t cursor, const Deadline& deadline) noexcept;
  /// Waits as the point says.
  [[nodiscard]] Errc acknowledge(std::uint32_t point, Ticket ticket, bool wait) noexcept;
  [[nodiscard]] Result<void> wait_durable(Ticket ticket, std::chrono::nanoseconds timeout);
  [[nodiscard]] Result<void> when_durable(Ticket ticket, DurableCallback callback);
  /// Journal side: publishes what is durable, and wakes and calls who waits for it.
  void publish_committed();
  void wake_waiters();
  void run_callbacks();
  [[nodiscard]] bool somebody_waits() noexcept;

  // ---- learner (learner.cpp, state.cpp); under learner_mutex
  std::size_t fold_available(std::size_t limit) noexcept;
  void fold_record(ByteView bytes) noexcept;
  void fold_decision(Point& point, ByteView bytes) noexcept;
  void publish() noexcept;
  void publish_copies();
  void push_ticks(Nanos now) noexcept;
  [[nodiscard]] Bytes state() const;
  [[nodiscard]] bool checkpoint_due(Nanos now) const noexcept;
  Result<std::size_t> pump();
  std::size_t fold() noexcept;
  Result<void> drain();
  Result<std::uint64_t> checkpoint();

  // ---- durability (commit.cpp); the journal thread's, or the pumping thread's
  /// A state to be committed with the records before `cursor`.
  struct Snapshot {
    Bytes state;
    std::uint64_t cursor = 0;
    std::uint64_t position = 0;
    Nanos time = 0;
    std::uint64_t requests = 0;  ///< checkpoint requests that it answers
  };
  /// One transaction: the records that begin before `end`, and the state that contains exactly them (may be
  /// null). When the state cannot be stored, the records alone; its trouble is noted, and is no error.
  Result<void> commit(std::uint64_t end, const Snapshot* taken);
  Result<void> append(std::uint64_t end, const Snapshot* taken);
  /// Records that a failed attempt left in the journal after all are not written again.
  void skip_what_is_there(std::uint64_t end);
  void note_store(const Result<void>& result);
  void note_checkpoint(const Result<CheckpointInfo>& result);
  void say(int level, const std::string& message) const;
  /// Pump mode: commits what is folded.
  Result<void> commit_folded(bool with_checkpoint);
  /// What the journal has to do and nobody has to wait for.
  void tidy_journal();
  [[nodiscard]] bool may_try_store() const noexcept;

  // ---- administration (administration.cpp)
  /// Runs an errand where the journal belongs, and waits for it. Errors: invalid_argument (from a callback),
  /// io (closing); it was not run then.
  Result<void> on_journal(std::function<void()> errand);
  void run_errands(bool last);
  template <class Report>
  Result<Report> administer(const Act& act, const std::function<Result<Report>(Journal&, const Act&)>& body);
  Result<CompactReport> compact(const RetainRule& rule, const Act& act);
  Result<EraseReport> erase_subject(std::string_view subject, const Act& act, std::uint32_t checkpoints);

  // ---- switches and guards (switches.cpp)
  /// `was`: what it was before, where the caller has switched it already.
  Result<void> flip(EventKind kind, PointId id, bool on, const Act& act, std::string_view why,
                    std::optional<bool> was = std::nullopt);
  [[nodiscard]] static Result<void> check_not_frozen(const Point& point);
  [[nodiscard]] Result<void> check_frozen_points(const ConfigHistory& history);
  /// Keeps what a point's guards say for health(), and tells the log what is new, if `aloud`.
  void note_safety(Point& point, bool aloud);
  /// Makes deciders see the switches as they were folded.
  void settle_switches();

  // ---- drift (drift_events.cpp)
  /// Under learner_mutex: tells the log of drifts that were found, and notes those who want a retraining.
  void tell_drifts(Point& point);
  /// Without it: calls EngineOptions::retrain for those.
  void run_retrains();

  // ---- health (health.cpp)
  [[nodiscard]] EngineHealth health() const;

  // ---- threads (threads.cpp)
  void start_threads();
  void stop_threads();
  void learner_loop();
  void journal_loop();
  [[nodiscard]] bool has_unfolded() noexcept;
  void fold_for_waiters();
  void help_to_fold(const Deadline& deadline) noexcept;
  /// False: the store failed.
  [[nodiscard]] bool commit_round(std::uint64_t end, std::optional<Snapshot>& taken);
  void rest_after_failure();
  Result<void> wait_for(std::uint64_t tail);

  EngineConfig config;
  EngineOptions options;
  std::shared_ptr<const Clock> clock;
  std::vector<std::unique_ptr<Point>> points;
  std::unordered_map<std::string, std::uint32_t> point_numbers;
  std::vector<std::string> component_names;  ///< of all points, sorted
  DecisionIds ids;
  std::uint64_t opening = 0;  ///< openings of the store that may have left ids behind; in memory 0
  ClientKeys client_keys;
  std::string config_digest;
  std::vector<std::string> notes;

  Ring ring;
  std::atomic<std::uint64_t> queue_shed{0};
  std::atomic<std::uint64_t> queue_blocked{0};
  std::atomic<std::uint64_t> outcomes_refused{0};
  std::atomic<std::uint64_t> outcomes_foreign{0};
  std::atomic<std::uint64_t> not_durable{0};
  std::atomic<Nanos> shed_since{0};  ///< first record shed of the present trouble
  std::atomic<Nanos> shed_last{0};
  std::atomic<bool> ring_stalled{
      false};  ///< somebody waited for room in vain; nobody waits again until there was
  std::atomic<bool> store_failing{false};
  std::atomic<bool> stopping{false};

  mutable std::mutex learner_mutex;    ///< state below and the learner's side of points
  mutable std::size_t state_size = 0;  ///< of the last state that was taken
  OpLog log;
  std::string shown_names;        ///< of the fold, kept for its memory
  std::uint64_t fold_cursor = 0;  ///< ring cursor behind the last folded record
  std::uint64_t position = 0;     ///< of the last folded record
  Nanos earliest_deadline = 0;    ///< no window ends before; may be too early, never too late
  std::optional<Fate> last_fate;
  std::uint64_t last_checkpoint_position = 0;
  Nanos last_checkpoint_time = 0;
  std::atomic<std::uint64_t> folded{0};  ///< fold_cursor as other threads see it

  // The journal thread's, or the pumping thread's; nobody else touches them or the journal.
  std::uint64_t commit_cursor = 0;    ///< ring cursor behind the last durable record
  std::uint64_t commit_position = 0;  ///< position of that record
  std::vector<ByteView> batch;
  std::atomic<std::uint64_t> committed{0};  ///< commit_cursor as other threads see it
  std::atomic<Nanos> append_since{0};       ///< when the present append began; 0: none runs
  std::atomic<Nanos> retry_at{0};           ///< pump mode: the store is not tried before by decide()
  Nanos retry_pause = 0;

  // Who waits for commits.
  Doorbell learner_bell;
  Doorbell journal_bell;
  std::mutex wait_mutex;
  std::condition_variable wait_condition;
  std::atomic<std::uint32_t> waiters{0};
  DurableCallbacks callbacks;
  std::mutex errands_mutex;
  std::deque<std::packaged_task<void()>> errands;
  bool errands_closed = false;
  std::atomic<std::uint32_t> errands_waiting{0};

  /// What is known of the store. Its mutex is never held during I/O: health must not wait for a disk.
  struct StoreStatus {
    std::uint64_t durable_position = 0;
    std::uint64_t checkpoints = 0;
    std::uint64_t checkpoint_number = 0;
    std::uint64_t errors = 0;
    std::uint64_t checkpoint_errors = 0;
    Nanos failing_since = 0;
    Nanos checkpoint_failing_since = 0;
    Nanos damage_since = 0;
    std::string error;             ///< empty: it works
    std::string checkpoint_error;  ///< empty: the last one worked
    std::string damage;            ///< found on opening, not yet behind a new checkpoint
  };
  mutable std::mutex status_mutex;
  StoreStatus status;
  [[nodiscard]] StoreStatus store_status() const {
    const std::scoped_lock lock(status_mutex);
    return status;
  }

  std::mutex switch_mutex;
  mutable std::mutex safety_mutex;
  std::map<std::uint32_t, std::vector<SafetyNote>> safety_notes;  ///< by point

  struct Retrain {
    std::string point;
    std::string watch;
    std::uint64_t position = 0;
  };
  std::mutex retrain_mutex;
  std::vector<Retrain> retrains;  ///< to be called

  /// Names of the newest arms of each slot, for the journal thread: it must not look into the learner's
  /// tables, and is behind them.
  struct NameBook {
    struct Name {
      std::uint16_t generation = 0;
      std::shared_ptr<const std::string> text;
    };
    mutable std::mutex mutex;
    std::vector<std::vector<std::vector<Name>>> arms;  ///< by point and slot, oldest first
    void set(std::uint32_t point, const ArmTable& table, ArmIndex arm);
    /// Generation 0: the newest. Null: not known (any more).
    [[nodiscard]] std::shared_ptr<const std::string> get(std::uint32_t point, std::uint32_t arm,
                                                         std::uint16_t generation) const;
  };
  NameBook names;
  void publish_names();

  std::mutex snapshot_mutex;
  std::optional<Snapshot> snapshot;  ///< taken by the learner thread, for the journal thread
  std::atomic<std::uint64_t> checkpoint_requests{0};
  std::atomic<std::uint64_t> checkpoint_answers{0};

  std::thread learner_thread;
  std::thread journal_thread;
  std::atomic<std::thread::id> callback_thread{};  ///< who runs callbacks now
};

}  // namespace attune
