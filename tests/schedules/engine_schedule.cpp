// SPDX-License-Identifier: Apache-2.0
#include "tests/schedules/engine_schedule.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <set>
#include <thread>
#include <utility>

#include "tests/faults/sim_posix.hpp"

namespace attune::test {
namespace {

constexpr std::uint64_t kEnginePlanStream = name_stream("engine schedule plan");
constexpr std::uint64_t kEngineStream = name_stream("engine schedule");
constexpr std::string_view kStoreName = "store.db";

std::string replaced(std::string text, std::string_view from, std::string_view to) {
  const std::size_t at = text.find(from);
  return at == std::string::npos ? text : text.replace(at, from.size(), to);
}

template <std::size_t N>
double drawn(Rng& rng, const std::array<double, N>& values) {
  return values.at(rng.below(N));
}

}  // namespace

EnginePlan EnginePlan::draw(std::uint64_t seed) {
  Rng rng(seed, kEnginePlanStream);
  EnginePlan plan;
  plan.base = SimPlan::draw(seed);
  const std::string keys = R"("client_keys":{"keep":)";
  plan.base.config = replaced(plan.base.config, keys + std::to_string(plan.base.keep_keys), keys + "1000");
  plan.base.durable = rng.below(2) == 0;
  plan.base.faults.flush_time = 0;  // passes by the scheduler's time, below
  plan.base.faults.lie = 0.0;       // what may be lost then is no question of a schedule
  const bool block = rng.below(2) == 0;
  const double patience = drawn(rng, std::array{0.002, 0.1, 10.0});
  plan.config =
      replaced(plan.base.config, R"("node":"sim")",
               R"("node":"sim","mode":"threads","acknowledge_timeout_s":)" + std::to_string(patience));
  plan.config =
      replaced(plan.config, R"("on_full":"shed")", block ? R"("on_full":"block")" : R"("on_full":"shed")");
  plan.phases = 1 + rng.below(3);
  plan.callers = 2 + rng.below(3);
  plan.calls = 4 + rng.below(rng.below(4) == 0 ? 40 : 16);
  plan.wide = drawn(rng, std::array{0.0, 0.0, 0.1, 0.8});
  plan.trouble = drawn(rng, std::array{0.0, 0.3, 0.8});
  plan.ends = drawn(rng, std::array{0.0, 0.0, 0.3, 0.7});
  constexpr std::array<Nanos, 5> kFlushes{0, 0, 200'000, 5'000'000, kSecond / 8};
  plan.flush_time = kFlushes.at(rng.below(kFlushes.size()));
  constexpr std::array<Nanos, 3> kPauses{100'000, 2'000'000, kSecond};
  plan.pause = kPauses.at(rng.below(kPauses.size()));
  return plan;
}

EngineSchedule::EngineSchedule(std::uint64_t seed, Scheduler& scheduler)
    : scheduler_(scheduler),
      plan_(EnginePlan::draw(seed)),
      rng_(seed, kEngineStream),
      disk_(seed),
      clock_(std::make_shared<PlanClock>(scheduler)) {
  for (std::size_t i = 0; i < plan_.callers; ++i) {
    callers_.emplace_back(Rng(seed, kEngineStream, i + 1)).number = i;
  }
  disk_.on_call = [this](DiskCall call) {
    // The disk works beside the processor: others go on meanwhile.
    scheduler_.point(SwitchPoint::disk);
    if (call == DiskCall::flush && plan_.flush_time > 0) {
      const bool stands_still = rng_.below(12) == 0;
      scheduler_.sleep_until(scheduler_.now() + (stands_still ? 12 : 1) * plan_.flush_time);
    }
  };
}

EngineScheduleReport EngineSchedule::run() {
  try {
    open();
    for (std::size_t i = 0; i < plan_.phases && report_.violation.empty(); ++i) {
      phase();
      settle();
    }
    close();
    check_callbacks();
  } catch (const Violation& violation) {
    violate(violation.what());
  }
  disk_.end_now();  // what is still open is closed without a trace
  closing_ = true;
  engine_.reset();
  forget_descriptors();
  for (const Caller& caller : callers_) {
    report_.acknowledged += caller.acknowledged;
  }
  Bytes all;
  for (const auto& [path, content] : disk_.image()) {
    if (!path.ends_with("lock")) {  // it names the process
      all.insert(all.end(), content.begin(), content.end());
    }
  }
  report_.bytes = text_key({reinterpret_cast<const char*>(all.data()), all.size()});
  report_.points = scheduler_.report().points;
  report_.switches = scheduler_.report().switches;
  report_.trace = scheduler_.report().trace;
  return report_;
}

Result<Engine> EngineSchedule::open_engine(const std::string& config) {
  Result<std::unique_ptr<Journal>> journal =
      open_sqlite_journal(disk_.path(kStoreName), StoreOptions{.log_pages = plan_.base.log_pages});
  if (!journal) {
    return tl::unexpected(std::move(journal).error());
  }
  return Engine::open(config, {.clock = clock_,
                               .journal = std::move(*journal),
                               .credit_functions = {},
                               .log = {},
                               .durable = plan_.base.durable});
}

void EngineSchedule::open() {
  closing_ = false;
  Result<Engine> opened = open_engine(plan_.config);
  if (!opened) {
    throw Violation("the store cannot be opened though the disk is well: " + opened.error().message);
  }
  engine_.emplace(std::move(*opened));
}

void EngineSchedule::close() {
  closing_ = true;
  engine_.reset();
}

void EngineSchedule::phase() {
  faults_on_ = rng_.uniform() < plan_.trouble;
  const bool ends = rng_.uniform() < plan_.ends;
  if (ends) {
    disk_.end_at(1 + rng_.below(120), static_cast<SimDisk::Moment>(rng_.below(3)));
  }
  working_ = callers_.size();
  std::vector<std::thread> threads;
  for (Caller& caller : callers_) {
    threads.emplace_back([this, &caller] {
      for (std::size_t i = 0; i < plan_.calls && !disk_.dead() && report_.violation.empty(); ++i) {
        call(caller);
      }
      --working_;
    });
  }
  if (faults_on_) {
    threads.emplace_back([this, own = Rng(rng_())] { weather(own); });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
}

// The disk fails for a while, and works for a while, as long as somebody calls.
void EngineSchedule::weather(Rng rng) {
  const auto rest = [&] {
    std::this_thread::sleep_for(
        std::chrono::nanoseconds(1 + rng.below(rng.below(2) == 0 ? 200'000 : 20'000'000)));
  };
  while (working_ > 0 && !disk_.dead()) {
    disk_.faults = plan_.base.faults;
    rest();
    disk_.calm();
    rest();
  }
  disk_.calm();
}

void EngineSchedule::settle() {
  const bool ended = disk_.dead();
  if (ended) {
    ++report_.ends;
    close();
    forget_descriptors();
    disk_.restart(rng_.below(2) == 0 ? DiskEnd::power_lost : DiskEnd::process_killed);
  }
  disk_.end_at(0, SimDisk::Moment::before);
  disk_.calm();
  if (ended) {
    open();
  } else if (rng_.below(3) == 0) {
    close();  // what is queued is not lost by an orderly end, on a disk that works again
    open();
  }
  // Liveness: the disk works, so everything is acknowledged.
  const ScheduleOptions before = scheduler_.options();
  scheduler_.calm();
  constexpr int kPatience = 120;
  for (int attempt = 0; !engine_->drain(); ++attempt) {
    if (attempt == kPatience) {
      const EngineMetrics metrics = engine_->metrics();
      throw Violation("the disk works again, and of " + std::to_string(metrics.position) + " records " +
                      std::to_string(metrics.durable_position) + " are acknowledged: " + metrics.store_error);
    }
    std::this_thread::sleep_for(std::chrono::seconds(1));
  }
  scheduler_.rouse(before);
  check();
}

std::vector<Bytes> EngineSchedule::read_records() const {
  std::vector<Bytes> records = archive_;
  const Result<std::unique_ptr<Journal>> reader =
      open_sqlite_journal(disk_.path(kStoreName), OpenMode::read_only);
  const Result<void> read =
      !reader ? tl::unexpected(reader.error()) : (*reader)->read(archive_.size() + 1, [&](ByteView record) {
        records.emplace_back(record.begin(), record.end());
        return true;
      });
  if (!read) {
    throw Violation("the journal cannot be read: " + read.error().message);
  }
  return records;
}

void EngineSchedule::check() {
  clock_->frozen = clock_->now();  // no window ends, and no tick is written, from here on
  if (const Result<void> drained = engine_->drain(); !drained) {
    throw Violation("not everything is acknowledged: " + drained.error().message);
  }
  std::vector<Bytes> records = read_records();
  check_records(records, report_.ends > 0);
  check_keys(records, 1000);
  check_state(*engine_, plan_.base.config, records, clock_);
  const Bytes state = engine_->state();
  archive_ = std::move(records);
  close();
  {
    // I3: what an engine without threads makes of the same store.
    const Result<Engine> alone = open_engine(plan_.base.config);
    if (!alone) {
      throw Violation("the store cannot be opened in pump mode: " + alone.error().message);
    }
    if (sha256(alone->state()) != sha256(state)) {
      throw Violation("the state in thread mode is not that of pump mode over the same journal");
    }
  }
  clock_->frozen = 0;
  open();
}

void EngineSchedule::check_callbacks() const {
  for (const std::unique_ptr<Callback>& callback : callbacks_) {
    if (callback->calls != 1) {
      throw Violation("a callback was called " + std::to_string(callback->calls) + " times");
    }
  }
}

std::size_t EngineSchedule::caller_of(ByteView record) const {
  RecordHeader header;
  static_cast<void>(read_header(record, header));
  if (header.kind == RecordKind::decision) {
    const auto found = decided_by_.find(header.id);
    return found == decided_by_.end() ? callers_.size() : found->second;
  }
  if (header.kind == RecordKind::outcome) {
    OutcomeRecord outcome;
    static_cast<void>(decode(record, outcome));
    return static_cast<std::size_t>(std::llround(outcome.all()[0].value * (1U << 20U))) % kMostCallers;
  }
  EventRecord event;
  static_cast<void>(decode(record, event));
  for (const Caller& caller : callers_) {
    const std::string number = std::to_string(caller.number);
    bool is_mine = event.text.starts_with("arm " + number + " ");
    for (int i = 0; i < 3 && event.kind == EventKind::episode_ended; ++i) {
      is_mine = is_mine || event.number == text_key("episode " + number + " " + std::to_string(i));
    }
    if (is_mine) {
      return caller.number;
    }
  }
  return callers_.size();
}

// Each caller's records stand in the order of its calls, whole, once, without a gap, and reach at least as
// far as it was acknowledged.
void EngineSchedule::check_records(const std::vector<Bytes>& records, bool may_lose) {
  std::vector<std::size_t> found(callers_.size(), 0);
  std::set<Uuid> there;
  std::uint64_t position = 0;
  for (const Bytes& record : records) {
    const std::string where = "record " + std::to_string(++position) + " ";
    RecordHeader header;
    if (read_header(record, header) != Errc::ok || header.position != position || !verify_record(record)) {
      throw Violation(where + "is damaged or in another's place");
    }
    if (is_tick(record)) {
      continue;
    }
    if (header.kind == RecordKind::decision && !there.insert(header.id).second) {
      throw Violation(where + "is a duplicate: its decision was there before");
    }
    const auto keyed = std::ranges::find_if(
        keyed_, [&](const auto& entry) { return entry.second.decision.id == header.id; });
    if (header.kind == RecordKind::decision && keyed != keyed_.end()) {
      if (const std::string wrong = difference(record, keyed->second.said); !wrong.empty()) {
        throw Violation(where + wrong + ": of client key '" + keyed->first + "'");
      }
      continue;
    }
    const std::size_t caller = caller_of(record);
    if (caller >= callers_.size() || found[caller] == callers_[caller].said.size()) {
      throw Violation(where + "is a ghost: nobody said it");
    }
    if (const std::string wrong = difference(record, callers_[caller].said[found[caller]]); !wrong.empty()) {
      throw Violation(where + wrong + ": lost or out of order before it, of caller " +
                      std::to_string(caller));
    }
    ++found[caller];
  }
  for (Caller& caller : callers_) {
    const std::size_t have = found[caller.number];
    if (have < (may_lose ? caller.acknowledged : caller.said.size())) {
      throw Violation("lost: of " + std::to_string(caller.said.size()) + " calls of caller " +
                      std::to_string(caller.number) + ", of which " + std::to_string(caller.acknowledged) +
                      " were acknowledged, " + std::to_string(have) + " are there");
    }
    caller.said.resize(have);
    caller.tickets.assign(have, Ticket::none);  // those of an engine that is closed now
    caller.acknowledged = have;
  }
  for (const auto& [key, entry] : keyed_) {
    if (!there.contains(entry.decision.id) && (entry.acknowledged || !may_lose)) {
      throw Violation("lost: the decision of client key '" + key + "'");
    }
  }
  forget(std::vector<Uuid>(there.begin(), there.end()));
}

void EngineSchedule::forget(const std::vector<Uuid>& there) {
  const auto is_lost = [&](const Uuid& id) { return !std::ranges::binary_search(there, id); };
  std::erase_if(pool_, [&](const Known& one) { return is_lost(one.id); });
  std::erase_if(keyed_, [&](const auto& entry) { return is_lost(entry.second.decision.id); });
  for (auto& [key, entry] : keyed_) {
    entry.acknowledged = true;
  }
  for (Caller& caller : callers_) {
    std::erase_if(caller.answered, [&](const Issued& said) { return is_lost(said.id); });
    caller.arms.clear();
    // What the journal says of its arms is what it has.
    for (const Issued& said : caller.said) {
      if (said.kind == RecordKind::event && said.event == EventKind::arm_added) {
        caller.arms.emplace_back(said.point, said.text);
      } else if (said.kind == RecordKind::event && said.event == EventKind::arm_removed) {
        std::erase(caller.arms, std::pair{said.point, said.text});
      }
    }
  }
}

EngineScheduleReport run_engine_schedule(std::uint64_t seed, const Scheduler::Stuck& stuck) {
  Scheduler scheduler(ScheduleOptions::draw(seed), stuck);
  return EngineSchedule(seed, scheduler).run();
}

}  // namespace attune::test
