// SPDX-License-Identifier: Apache-2.0
#include "simulations/driver.hpp"

#include <algorithm>
#include <array>
#include <filesystem>
#include <string_view>
#include <system_error>
#include <utility>

#include <attune/core/record.hpp>
#include <attune/store/journal.hpp>

#include "simulations/op_schedule.hpp"

namespace attune::sim {
namespace {

Nanos pace_of(const Scenario& scenario) { return static_cast<Nanos>(scenario.seconds_per_step * 1e9); }

/// In the order of their ends, so that one that runs into the next is held on.
std::vector<Hold> holds_of(const Scenario& scenario) {
  std::vector<Hold> out;
  for (const Fault& fault : scenario.faults) {
    if (fault.held && fault.from < scenario.horizon) {
      out.push_back({.from = kStartOfTime + static_cast<Nanos>(fault.from) * pace_of(scenario),
                     .until = kStartOfTime + static_cast<Nanos>(std::min(fault.until, scenario.horizon)) *
                                                 pace_of(scenario)});
    }
  }
  std::sort(out.begin(), out.end(), [](const Hold& a, const Hold& b) { return a.until < b.until; });
  return out;
}

/// One run in progress.
class Run {
 public:
  Run(const Scenario& scenario, const PolicyEntry& policy, std::uint64_t seed, const World& world,
      const Hindsight& hindsight, DriveOptions options)
      : scenario_(scenario),
        policy_(policy),
        info_(scenario.environment->info()),
        world_(world),
        options_(std::move(options)),
        clock_(std::make_shared<ManualClock>(kStartOfTime)),
        schedule_(scenario.delivery, seed, scenario.horizon, scenario.valuation.used().size(), kStartOfTime,
                  pace_of(scenario), holds_of(scenario)),
        recorder_(scenario, hindsight, options_.keep_steps),
        seed_(seed) {
    result_.decisions = std::move(options_.resumption.decisions);
    result_.skipped = options_.resumption.operations;
    context_.resize(policy.features.size());
  }

  Result<DriveResult> go(std::unique_ptr<Journal> journal) {
    if (Result<void> done = skip(); !done) {
      return tl::unexpected(std::move(done).error());
    }
    EngineOptions engine_options;
    engine_options.clock = clock_;
    engine_options.journal = std::move(journal);
    engine_options.repeat_lost_ids = true;  // skip() has brought the world to where the journal ends
    Result<Engine> engine =
        Engine::open(engine_config(info_, scenario_.reward_json, policy_, seed_), std::move(engine_options));
    if (!engine) {
      return tl::unexpected(std::move(engine).error());
    }
    result_.recovery_notes = engine->recovery_notes();
    for (std::size_t i = 0; i < (policy_.per_category ? info_.categories.size() : 1); ++i) {
      Result<PointId> point = engine->point(point_name(info_, policy_, i));
      if (!point) {
        return tl::unexpected(std::move(point).error());
      }
      points_.push_back(*point);
    }
    Op op;
    while (schedule_.next(op)) {
      if (Result<void> done = perform(*engine, op); !done) {
        return tl::unexpected(std::move(done).error());
      }
    }
    return finish(*engine);
  }

 private:
  /// Goes through the operations that an earlier life recorded, without an engine: only the account is kept.
  Result<void> skip() {
    std::uint64_t decided = 0;
    Op op;
    while (operations_ < result_.skipped) {
      if (!schedule_.next(op)) {
        return fail(Errc::corrupt_state, "the store holds more operations than the scenario has");
      }
      clock_->set(op.time);
      ++operations_;
      if (op.decide) {
        if (decided >= result_.decisions.size() || result_.decisions[decided].arm >= info_.arms.size()) {
          return fail(Errc::corrupt_state, "the store's operations are not those of this scenario");
        }
        take_down(op.step, result_.decisions[decided].arm);
        ++decided;
      }
    }
    if (decided != result_.decisions.size()) {
      return fail(Errc::corrupt_state, "the store's operations are not those of this scenario");
    }
    return {};
  }

  Result<void> perform(Engine& engine, const Op& op) {
    clock_->set(op.time);
    if (op.decide && op.step % scenario_.learn_every == 0) {
      if (Result<void> learned = learn(engine); !learned) {
        return learned;
      }
    }
    const Errc code = op.decide ? decide(engine, op) : deliver(engine, op);
    if (code == Errc::unsupported) {
      return fail(code, "the policy does not choose one arm: a scenario has rewards of single arms");
    }
    if (code != Errc::ok) {
      return fail(code, std::string(op.decide ? "decision " : "outcome of decision ") +
                            std::to_string(op.step) + ": " + std::string(Engine::last_error()));
    }
    ++operations_;
    return {};
  }

  Errc decide(Engine& engine, const Op& op) {
    world_.step(op.step, step_);
    for (std::size_t i = 0; i < context_.size(); ++i) {
      context_[i] = step_.context[policy_.features[i]];
    }
    const PointId point = points_[policy_.per_category ? step_.category : 0];
    const Errc code = engine.decide(point, ContextView{.dense = context_}, {}, decision_);
    if (code != Errc::ok) {
      return code;
    }
    if (decision_.arm_index == kNoArm || !decision_.shown.empty()) {
      return Errc::unsupported;
    }
    const std::size_t arm = to_index(decision_.arm_index);
    result_.decisions.push_back({decision_.id, arm});
    values_.compute(scenario_, step_);
    recorder_.add(op.step, step_, values_, arm);
    return Errc::ok;
  }

  void take_down(std::uint64_t t, std::size_t arm) {
    world_.step(t, step_);
    values_.compute(scenario_, step_);
    recorder_.add(t, step_, values_, arm);
  }

  Errc deliver(Engine& engine, const Op& op) {
    // The outcome is a function of (seed, step, arm): nothing has to be kept until it is due.
    world_.step(op.step, step_);
    const KnownDecision& decision = result_.decisions[op.step];
    const std::span<const double> happened = step_.outcome_of(decision.arm, info_.components.size());
    reported_.assign(happened.begin(), happened.end());
    falsify(scenario_.faults, seed_, op.step, decision.arm, reported_);
    const std::vector<std::size_t>& used = scenario_.valuation.used();
    std::array<Component, OutcomeRecord::kMaxComponents> parts{};
    std::size_t count = 0;
    for (std::size_t i = 0; i < used.size() && count < parts.size(); ++i) {
      if (op.component == Op::kAllComponents || op.component == i) {
        parts.at(count++) = {info_.components[used[i]], reported_[used[i]]};
      }
    }
    return engine.outcome(decision.id, std::span(parts).first(count));
  }

  Result<void> learn(Engine& engine) {
    Result<std::size_t> folded = engine.pump();
    if (!folded) {
      return tl::unexpected(std::move(folded).error());
    }
    if (options_.on_learned && *folded > 0) {
      options_.on_learned(operations_);
    }
    return {};
  }

  Result<DriveResult> finish(Engine& engine) {
    if (Result<void> learned = learn(engine); !learned) {
      return tl::unexpected(std::move(learned).error());
    }
    // Let every join window end, so that each decision's fate is counted.
    clock_->advance(static_cast<Nanos>(scenario_.join_window_s * 1e9) + kSecond);
    if (Result<void> drained = engine.drain(); !drained) {
      return tl::unexpected(std::move(drained).error());
    }
    result_.course = recorder_.finish();
    result_.operations = operations_;
    result_.state = engine.state();
    result_.metrics = engine.metrics();
    for (const PointMetrics& point : result_.metrics.points) {
      add_counters(point);
    }
    return std::move(result_);
  }

  void add_counters(const PointMetrics& point) {
    CollectorCounters& sum = result_.course.counters;
    const CollectorCounters& part = point.rewards;
    sum.decisions += part.decisions;
    sum.outcomes += part.outcomes;
    sum.learned += part.learned;
    sum.learned_partial += part.learned_partial;
    sum.learned_default += part.learned_default;
    sum.learned_late += part.learned_late;
    sum.duplicate += part.duplicate;
    sum.conflict += part.conflict;
    sum.late += part.late;
    sum.unknown_decision += part.unknown_decision;
    sum.silent += part.silent;
    sum.censored += part.censored;
    sum.overflow_expired += part.overflow_expired;
    sum.overflow_refused += part.overflow_refused;
    sum.breaches += part.breaches;
    result_.course.explored += point.explored;
    result_.course.fallbacks += point.fallbacks;
  }

  const Scenario& scenario_;
  const PolicyEntry& policy_;
  const EnvironmentInfo& info_;
  const World& world_;
  DriveOptions options_;
  std::shared_ptr<ManualClock> clock_;
  OpSchedule schedule_;
  CourseRecorder recorder_;
  std::uint64_t seed_;
  std::vector<PointId> points_;
  std::uint64_t operations_ = 0;
  Step step_;
  StepValues values_;
  std::vector<double> context_;
  std::vector<double> reported_;
  Decision decision_;
  DriveResult result_;
};

}  // namespace

Result<DriveResult> drive(const Scenario& scenario, const PolicyEntry& policy, std::uint64_t seed,
                          const World& world, const Hindsight& hindsight, std::unique_ptr<Journal> journal,
                          DriveOptions options) {
  Run run(scenario, policy, seed, world, hindsight, std::move(options));
  return run.go(std::move(journal));
}

Result<Resumption> read_resumption(const std::string& store_path) {
  Resumption out;
  std::error_code ignored;
  if (!std::filesystem::exists(store_path, ignored)) {
    return out;
  }
  Result<std::unique_ptr<Journal>> journal = open_sqlite_journal(store_path, OpenMode::read_only);
  if (!journal) {
    return tl::unexpected(std::move(journal).error());
  }
  Errc code = Errc::ok;
  Result<void> read = (*journal)->read(1, [&](ByteView bytes) {
    RecordHeader header;
    code = read_header(bytes, header);
    if (code == Errc::ok && header.kind == RecordKind::decision) {
      DecisionRecord record;
      code = decode(bytes, record);
      out.decisions.push_back({record.header.id, to_index(record.arm)});
      ++out.operations;
    } else if (header.kind == RecordKind::outcome) {
      ++out.operations;
    }
    return code == Errc::ok;
  });
  if (!read) {
    return tl::unexpected(std::move(read).error());
  }
  if (code != Errc::ok) {
    return fail(code, store_path + ": a record cannot be read");
  }
  return out;
}

}  // namespace attune::sim
