// SPDX-License-Identifier: Apache-2.0
/// @file
/// EngineSchedule: the real engine in thread mode, the real journal and the real SQLite on a simulated disk,
/// clock and scheduler: one seed decides which thread runs when.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <attune/core/clock.hpp>
#include <attune/engine/engine.hpp>

#include "tests/faults/sim_checker.hpp"
#include "tests/faults/sim_disk.hpp"
#include "tests/faults/sim_plan.hpp"
#include "tests/schedules/scheduler.hpp"

namespace attune::test {

/// What is drawn from a seed beside the schedule itself.
struct EnginePlan {
  static EnginePlan draw(std::uint64_t seed);

  SimPlan base;            ///< points, configuration in pump mode, faults of the disk
  std::string config;      ///< the same in thread mode
  std::size_t phases = 1;  ///< between them the engine rests, is checked, and may be closed and opened
  std::size_t callers = 2;
  std::size_t calls = 20;  ///< of one caller in one phase
  double wide = 0.0;       ///< share of the outcomes that fill the queue
  double trouble = 0.0;    ///< chance of a phase whose disk fails now and then
  double ends = 0.0;       ///< chance of a phase in which the process ends
  Nanos flush_time = 0;
  Nanos pause = 0;  ///< the longest of a caller
};

/// What happened in a run. Equal for equal seeds.
struct EngineScheduleReport {
  std::string violation;  ///< empty: every promise was kept
  std::uint64_t decisions = 0;
  std::uint64_t outcomes = 0;
  std::uint64_t acknowledged = 0;
  std::uint64_t full = 0;  ///< calls that found no room
  std::uint64_t late = 0;  ///< calls that were told "not durable"
  std::uint64_t ends = 0;
  std::uint64_t points = 0;
  std::uint64_t switches = 0;
  std::uint64_t trace = 0;
  std::uint64_t bytes = 0;  ///< digest of all files at the end
};

class EngineSchedule {
 public:
  EngineSchedule(std::uint64_t seed, Scheduler& scheduler);
  [[nodiscard]] EngineScheduleReport run();

 private:
  static constexpr std::uint64_t kMostCallers = 8;

  /// Simulated time, which a caller may move on, and which stands still during a check.
  class PlanClock final : public Clock {
   public:
    explicit PlanClock(const Scheduler& scheduler) : scheduler_(scheduler) {}
    [[nodiscard]] Nanos now() const noexcept override {
      return frozen != 0 ? frozen : Scheduler::kDayStart + scheduler_.now() + ahead;
    }
    Nanos ahead = 0;
    Nanos frozen = 0;

   private:
    const Scheduler& scheduler_;
  };

  struct Known {
    Uuid id{};
    std::uint32_t point = 0;
  };
  /// What one caller said and was told, in the order of its calls: its records stand in the journal in that
  /// order.
  struct Caller {
    explicit Caller(Rng own) : rng(own) {}
    Rng rng;
    std::size_t number = 0;
    std::uint64_t values = 0;  ///< of its outcomes so far, each another one
    std::vector<Issued> said{};
    std::size_t acknowledged = 0;    ///< so many of them
    std::vector<Ticket> tickets{};   ///< of the last call of each; none where it has none
    std::vector<Issued> answered{};  ///< outcomes, to be reported again
    std::vector<std::pair<std::uint32_t, std::string>> arms{};
  };
  struct Keyed {
    Decision decision{};
    Issued said{};
    bool acknowledged = false;
  };
  struct Callback {
    std::size_t caller = 0;
    std::size_t upto = 0;
    int calls = 0;
  };

  // ---- engine_schedule.cpp
  void open();
  [[nodiscard]] Result<Engine> open_engine(const std::string& config);
  void close();
  void phase();
  void weather(Rng rng);
  void settle();
  void check();
  [[nodiscard]] std::vector<Bytes> read_records() const;
  void check_callbacks() const;
  void check_records(const std::vector<Bytes>& records, bool may_lose);
  [[nodiscard]] std::size_t caller_of(ByteView record) const;
  void forget(const std::vector<Uuid>& there);

  // ---- engine_schedule_calls.cpp
  void call(Caller& caller);
  void decide(Caller& caller);
  void decide_with_key(Caller& caller);
  void outcome(Caller& caller);
  void again(Caller& caller);
  void report(Caller& caller, Issued said);
  void change_arm(Caller& caller);
  void end_episode(Caller& caller);
  void wait_durable(Caller& caller);
  void when_durable(Caller& caller);
  void future(Caller& caller);
  void checkpoint(Caller& caller);
  void compact(Caller& caller);
  void look();
  void pause(Caller& caller);
  /// `taken`: there is a record; `durable`: and the engine says that it is on the disk.
  void note(Caller& caller, Issued said, Ticket ticket, bool durable);
  void acknowledge(Caller& caller, std::size_t upto);
  void violate(const std::string& what);

  Scheduler& scheduler_;
  EnginePlan plan_;
  Rng rng_;
  SimDisk disk_;
  std::shared_ptr<PlanClock> clock_;
  EngineScheduleReport report_;
  std::optional<Engine> engine_;
  bool closing_ = false;
  bool faults_on_ = false;
  std::size_t working_ = 0;  ///< callers of this phase that are not done
  std::vector<Caller> callers_;
  std::vector<Known> pool_;  ///< decisions that any caller may report on
  std::map<Uuid, std::size_t> decided_by_;
  std::map<std::string, Keyed> keyed_;
  std::vector<std::unique_ptr<Callback>> callbacks_;
  std::vector<Bytes> archive_;  ///< records that were checked, and may be compacted away
};

/// Runs one seed on the calling thread. `stuck`: see Scheduler.
[[nodiscard]] EngineScheduleReport run_engine_schedule(std::uint64_t seed, const Scheduler::Stuck& stuck);

}  // namespace attune::test
