// SPDX-License-Identifier: Apache-2.0
#include "tests/faults/engine_sim.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <utility>

#include "store/writer_lock.hpp"
#include "tests/faults/sim_posix.hpp"

namespace attune::test {
namespace {

constexpr std::uint64_t kScheduleStream = name_stream("simulation schedule");
constexpr std::string_view kStore = "store.db";
constexpr Nanos kTenYears = 3650 * Nanos{86'400} * kSecond;

bool tracing() {
  static const bool on = std::getenv("ATTUNE_SEED") != nullptr;
  return on;
}

constexpr std::array<const char*, static_cast<std::size_t>(Step::count_)> kStepNames{
    "decide", "retry", "outcome",    "again",  "unknown", "arm", "end_episode", "time",
    "jump",   "pump",  "checkpoint", "faults", "arm_end", "end", "reopen",      "damage"};

}  // namespace

EngineSim::EngineSim(std::uint64_t seed)
    : plan_(SimPlan::draw(seed)),
      rng_(seed, kScheduleStream),
      clock_(std::make_shared<ManualClock>()),
      disk_(seed),
      added_arms_(plan_.points.size()) {
  report_.seed = seed;
  disk_.clock = clock_;
}

void EngineSim::trace(const std::string& line) const {
  if (tracing()) {
    std::fprintf(stderr, "%6llu %s\n", static_cast<unsigned long long>(disk_.calls()), line.c_str());
  }
}

SimReport EngineSim::run() {
  try {
    trace(plan_.config);
    open();
    for (std::size_t i = 0; i < plan_.steps && !finished_; ++i) {
      const Step next = plan_.draw_step(rng_);
      trace(kStepNames.at(static_cast<std::size_t>(next)));
      step(next);
      settle();
    }
    if (!finished_) {
      live_on();
    }
  } catch (const Violation& violation) {
    report_.violation = violation.what();
  }
  disk_.end_now();  // what is still open is closed without a trace
  engine_.reset();
  forget_descriptors();
  return report_;
}

void EngineSim::step(Step step) {
  switch (step) {
    case Step::decide:
      return decide();
    case Step::retry:
      return retry();
    case Step::outcome:
      if (!waiting_.empty()) {
        const std::size_t which = rng_.below(waiting_.size());
        outcome(waiting_[which], false);
      }
      return;
    case Step::again:
      if (!answered_.empty()) {
        const Waiting about = answered_[rng_.below(answered_.size())];
        for (std::uint64_t times = 1 + rng_.below(3); times > 0 && !disk_.dead(); --times) {
          outcome(about, rng_.below(3) == 0);
        }
      }
      return;
    case Step::unknown:
      if (lost_.empty()) {
        const Uuid id = Uuid::v7(clock_->now(), rng_(), rng_());
        const std::array<Component, 1> one{Component{.name = "reward", .value = 1.0}};
        const Errc verdict = engine_->outcome(id, one);
        if (verdict == Errc::ok || verdict == Errc::not_durable) {
          account_.say({.kind = RecordKind::outcome, .id = id, .anywhere = true, .components = {one[0]}});
          note_durable(verdict);
        }
        return;
      }
      return outcome(lost_[rng_.below(lost_.size())], false);
    case Step::arm:
      return change_arm();
    case Step::end_episode:
      return end_episode();
    case Step::time:
      return clock_->advance(static_cast<Nanos>(rng_.below(static_cast<std::uint64_t>(plan_.longest_pause))));
    case Step::jump:
      return clock_->advance(rng_.below(2) == 0 ? -3600 * kSecond : kTenYears);
    case Step::pump:
      return pump();
    case Step::checkpoint:
      if (engine_->checkpoint()) {
        note_acknowledged();
      }
      return;
    case Step::faults:
      faults_on_ = !faults_on_;
      disk_.calm();
      if (faults_on_) {
        disk_.faults = plan_.faults;
      }
      return;
    case Step::arm_end:
      return disk_.end_at(1 + rng_.below(60), static_cast<SimDisk::Moment>(rng_.below(3)));
    case Step::end:
      return disk_.end_now();
    case Step::reopen:
      engine_.reset();
      if (!disk_.dead()) {
        open();
      }
      return;
    case Step::damage:
      return damage();
    case Step::count_:
      return;
  }
}

void EngineSim::pump() {
  if (engine_->pump()) {
    note_acknowledged();
  } else {
    ++report_.failed_pumps;
    trace("  the pump failed: " + engine_->metrics().store_error);
  }
}

void EngineSim::note_acknowledged() {
  const EngineMetrics metrics = engine_->metrics();
  if (disk_.dead()) {
    return;  // nobody heard it
  }
  if (metrics.durable_position != metrics.position) {
    throw Violation("a pump says it is done, and record " + std::to_string(metrics.position) +
                    " is not durable");
  }
  account_.acknowledge(metrics.durable_position);
  report_.acknowledged = account_.acknowledged();
}

Result<Engine> EngineSim::open_engine() {
  Result<std::unique_ptr<Journal>> journal =
      open_sqlite_journal(disk_.path(kStore), StoreOptions{.log_pages = plan_.log_pages});
  if (!journal) {
    return tl::unexpected(std::move(journal).error());
  }
  return Engine::open(plan_.config, {.clock = clock_,
                                     .journal = std::move(*journal),
                                     .credit_functions = {},
                                     .log = {},
                                     .durable = plan_.durable});
}

bool EngineSim::open_once(bool faults_on) {
  const detail::WriterLock::Line witness = detail::WriterLock::peek(disk_.path(kStore));
  witness_ = witness.state == detail::WriterLock::LineState::good ? witness.content.position : 0;
  Result<Engine> opened = open_engine();
  if (opened) {
    engine_.emplace(std::move(*opened));
    return true;
  }
  ++report_.failed_opens;
  trace("  opening failed: " + opened.error().message);
  if (disk_.dead() || faults_on) {
    return false;
  }
  if (disk_.lied()) {
    ++report_.lies_reported;
    finished_ = true;
    return false;
  }
  throw Violation("the store cannot be opened though the disk is well: " + opened.error().message);
}

void EngineSim::open() {
  // F11: faults and ends during recovery too, a few times; then the disk is calm.
  for (int attempt = 0; !finished_; ++attempt) {
    const bool faults_on = faults_on_ && attempt < 4;
    if (!faults_on) {
      disk_.calm();
      faults_on_ = false;
    }
    if (attempt < 4 && attempt > 0 && rng_.below(3) == 0) {
      disk_.end_at(1 + rng_.below(40), static_cast<SimDisk::Moment>(rng_.below(3)));
    }
    const bool good = open_once(faults_on);
    if (good && !disk_.dead()) {
      verify_recovered();
      return;
    }
    engine_.reset();
    if (disk_.dead()) {
      end(rng_.uniform() < plan_.power ? DiskEnd::power_lost : DiskEnd::process_killed);
    }
  }
}

void EngineSim::verify_recovered() {
  const DiskFaults faults = disk_.faults;
  disk_.calm();  // the check itself is not what is tested
  disk_.end_at(0, SimDisk::Moment::before);
  Result<std::unique_ptr<Journal>> reader = open_sqlite_journal(disk_.path(kStore), OpenMode::read_only);
  const Result<std::vector<Bytes>> records =
      reader ? records_of(**reader) : Result<std::vector<Bytes>>(tl::unexpected(reader.error()));
  if (!records) {
    if (disk_.lied()) {
      ++report_.lies_reported;
      finished_ = true;
      return;
    }
    throw Violation("the recovered journal cannot be read: " + records.error().message);
  }
  const Account::Verdict verdict = account_.check(*records, disk_.lied());
  if (verdict.found < account_.acknowledged()) {
    ++report_.lies_unnoticed;
    if (witness_ > verdict.records) {
      throw Violation("record " + std::to_string(witness_) +
                      " was acknowledged, as the lock file says, and " + std::to_string(verdict.records) +
                      " records were taken for all of them");
    }
  }
  account_.accept(verdict);
  const auto is_lost = [&](const Waiting& one) { return std::ranges::count(verdict.lost, one.id) > 0; };
  std::ranges::copy_if(waiting_, std::back_inserter(lost_), is_lost);
  std::erase_if(waiting_, is_lost);
  std::erase_if(answered_, is_lost);
  forget_lost_calls(verdict.lost);
  check_keys(*records, plan_.keep_keys);
  check_state(*engine_, plan_.config, *records, clock_);
  const EngineMetrics metrics = engine_->metrics();
  for (std::size_t i = 0; i < added_arms_.size(); ++i) {
    std::vector<std::string>& added = added_arms_[i];
    added.clear();
    std::ranges::copy_if(metrics.points[i].arms, std::back_inserter(added),
                         [](const std::string& arm) { return arm.starts_with("arm "); });
  }
  ++report_.recoveries;
  disk_.faults = faults;
}

void EngineSim::end(DiskEnd how) {
  disk_.end_now();
  engine_.reset();
  forget_descriptors();
  ++(how == DiskEnd::power_lost ? report_.power_losses : report_.kills);
  trace(how == DiskEnd::power_lost ? "  power lost" : "  killed");
  disk_.restart(how);
}

void EngineSim::settle() {
  if (disk_.dead() && !finished_) {
    end(rng_.uniform() < plan_.power ? DiskEnd::power_lost : DiskEnd::process_killed);
    open();
  }
}

void EngineSim::live_on() {
  disk_.calm();
  disk_.end_at(0, SimDisk::Moment::before);
  faults_on_ = false;
  constexpr int kPatience = 5;
  int attempts = 0;
  while (!engine_->pump()) {
    if (disk_.lied()) {
      ++report_.lies_reported;  // its damage came to light only now
      return;
    }
    if (++attempts == kPatience) {
      throw Violation("the disk works again, and nothing is acknowledged: " + engine_->metrics().store_error);
    }
    clock_->advance(kSecond);
  }
  note_acknowledged();
  engine_.reset();
  clock_->advance(kSecond);
  open();
  if (finished_) {
    return;
  }
  clock_->advance(kTenYears);  // every window ends
  if (!engine_->pump()) {
    throw Violation("the last pump failed on a disk that is well");
  }
  note_acknowledged();
}

SimReport simulate(std::uint64_t seed) { return EngineSim(seed).run(); }

}  // namespace attune::test
