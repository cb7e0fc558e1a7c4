// SPDX-License-Identifier: Apache-2.0
/// @file
/// Engine::Impl: what the parts of the engine share. Producers (decide.cpp) write records into the ring; the
/// learner (learner.cpp) folds them and makes them durable; threads.cpp runs the learner when the caller does
/// not.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include <attune/engine/engine.hpp>
#include <attune/store/journal.hpp>

#include "engine/config.hpp"
#include "engine/point.hpp"
#include "engine/ring.hpp"

namespace attune {

/// What a call that was refused leaves for last_error(): a sentence in thread-local memory.
void set_last_error(std::string_view before, std::string_view name = {},
                    std::string_view after = {}) noexcept;

/// The number that stands for an episode in records; never 0, which means none.
[[nodiscard]] std::uint64_t episode_hash(std::string_view episode) noexcept;

struct Engine::Impl {
  Impl(EngineConfig engine_config, EngineOptions engine_options);
  ~Impl();
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
  Impl(Impl&&) = delete;
  Impl& operator=(Impl&&) = delete;

  // ---- opening (open.cpp)
  [[nodiscard]] Result<void> build_points();
  [[nodiscard]] Result<void> settle_identity();
  [[nodiscard]] Result<void> recover();
  [[nodiscard]] Result<void> replay(std::uint64_t first);
  [[nodiscard]] Result<void> load_state(ByteView bytes);
  [[nodiscard]] Result<void> add_configured_arms();

  // ---- producers (decide.cpp); any thread in thread mode
  [[nodiscard]] Errc decide(PointId id, const ContextView& context, const DecideOptions& asked,
                            Decision& out) noexcept;
  [[nodiscard]] Errc outcome(const Uuid& decision, std::span<const Component> components,
                             const OutcomeOptions& given) noexcept;
  [[nodiscard]] Errc push_event(const EventRecord& event) noexcept;
  [[nodiscard]] Result<void> check_new_arm(PointId id, std::string_view arm, Features features,
                                           const ArmPrior& prior) const;
  [[nodiscard]] Result<void> change_arm(PointId id, std::string_view arm, EventKind kind);
  [[nodiscard]] Uuid make_id(std::uint32_t point, std::uint64_t sequence, Nanos time) const noexcept;
  /// The point a decision id was made at, if it was made here; any number otherwise.
  [[nodiscard]] std::uint32_t point_of(const Uuid& id) const noexcept;
  /// Room for a record; waits by the queue's rule. Empty: refused, and counted.
  [[nodiscard]] std::span<std::byte> claim(std::size_t size, bool may_wait_long) noexcept;

  // ---- learner (learner.cpp); under learner_mutex
  std::size_t fold_available(std::size_t limit) noexcept;
  void fold_record(std::span<std::byte> bytes) noexcept;
  void publish() noexcept;
  void push_ticks(Nanos now) noexcept;
  [[nodiscard]] Bytes state() const;
  [[nodiscard]] bool checkpoint_due(Nanos now) const noexcept;
  Result<void> commit(bool with_checkpoint);
  /// Appends records (with a state: and a checkpoint over them), and notes how it went.
  Result<void> append(std::span<const ByteView> records, const Bytes* state, Nanos time,
                      std::uint64_t last_position);
  Result<std::size_t> pump();
  Result<void> drain();
  Result<std::uint64_t> checkpoint();
  void note_store(const Result<void>& result);
  void say(int level, const std::string& message) const;

  // ---- threads (threads.cpp)
  void start_threads();
  void stop_threads();
  void learner_loop();
  void journal_loop();
  Result<void> wait_for(std::uint64_t tail);

  EngineConfig config;
  EngineOptions options;
  std::shared_ptr<const Clock> clock;
  std::vector<std::unique_ptr<Point>> points;
  std::unordered_map<std::string, std::uint32_t> point_numbers;
  std::vector<std::string> component_names;  ///< of all points, sorted
  std::uint64_t id_key = 0;
  std::string config_digest;
  std::vector<std::string> notes;

  Ring ring;
  std::atomic<std::uint64_t> queue_shed{0};
  std::atomic<std::uint64_t> queue_blocked{0};
  std::atomic<std::uint64_t> outcomes_refused{0};
  std::atomic<bool> store_failing{false};
  std::atomic<bool> stopping{false};

  mutable std::mutex learner_mutex;  ///< state below and the learner's side of points
  OpLog log;
  std::uint64_t fold_cursor = 0;  ///< ring cursor behind the last folded record
  std::uint64_t position = 0;     ///< of the last folded record
  Nanos earliest_deadline = 0;    ///< no window ends before; may be too early, never too late
  std::optional<Fate> last_fate;
  std::uint64_t last_checkpoint_position = 0;
  Nanos last_checkpoint_time = 0;
  std::atomic<std::uint64_t> folded{0};  ///< fold_cursor as other threads see it

  // The journal thread's, or the pumping thread's; nobody else touches them or the journal.
  std::uint64_t commit_cursor = 0;  ///< ring cursor behind the last durable record
  std::vector<ByteView> batch;
  std::atomic<std::uint64_t> committed{0};  ///< commit_cursor as other threads see it

  /// What is known of the store. Its mutex is never held during I/O: health must not wait for a disk.
  struct StoreStatus {
    std::uint64_t durable_position = 0;
    std::uint64_t checkpoints = 0;
    std::uint64_t checkpoint_number = 0;
    std::uint64_t errors = 0;
    std::string error;
  };
  mutable std::mutex status_mutex;
  StoreStatus status;
  [[nodiscard]] StoreStatus store_status() const {
    const std::scoped_lock lock(status_mutex);
    return status;
  }

  /// Names of arms by slot, for the journal thread, which must not look into the learner's tables.
  struct NameBook {
    mutable std::mutex mutex;
    std::vector<std::vector<std::shared_ptr<const std::string>>> arms;
    void set(std::uint32_t point, ArmIndex arm, std::string_view name);
    [[nodiscard]] std::shared_ptr<const std::string> get(std::uint32_t point, std::uint32_t arm) const;
  };
  NameBook names;
  void publish_names();

  /// A state taken by the learner thread, to be committed with the records before `cursor`.
  struct Snapshot {
    Bytes state;
    std::uint64_t cursor = 0;
    std::uint64_t position = 0;
    Nanos time = 0;
    std::uint64_t requests = 0;  ///< checkpoint requests that it answers
  };
  bool commit_until(std::uint64_t end, const Snapshot* taken, std::uint64_t& last_position);
  std::mutex snapshot_mutex;
  std::optional<Snapshot> snapshot;
  std::atomic<std::uint64_t> checkpoint_requests{0};
  std::atomic<std::uint64_t> checkpoint_answers{0};

  std::thread learner_thread;
  std::thread journal_thread;
};

}  // namespace attune
