// SPDX-License-Identifier: Apache-2.0
#include <attune/safety/breaker.hpp>

#include <algorithm>
#include <cmath>

#include <attune/core/rng.hpp>

namespace attune {

static_assert(check_persistent<CircuitBreaker>());

namespace {

constexpr std::uint32_t kMostAttempts = 1000;
constexpr std::uint32_t kClassMask = 7;
enum Purpose : std::uint32_t { kJitter = 0, kEnforce = 1 };

/// Wraps instead of overflowing: differences stay right.
[[nodiscard]] Nanos later(Nanos time, std::uint64_t by) noexcept {
  return static_cast<Nanos>(static_cast<std::uint64_t>(time) + by);
}
[[nodiscard]] std::uint64_t between(Nanos from, Nanos to) noexcept {
  return static_cast<std::uint64_t>(to) - static_cast<std::uint64_t>(from);
}
[[nodiscard]] bool passes(BreakerState state) noexcept {
  return state == BreakerState::closed || state >= BreakerState::forced_closed;
}

}  // namespace

void CircuitBreaker::record(const Permit& permit, CallResult result, Nanos took, Nanos now) noexcept {
  std::uint32_t kind = 0;
  if (result < CallResult::ignored) [[likely]] {
    const bool slow = slow_after_ > 0 && took > slow_after_;
    kind = static_cast<std::uint32_t>(result) + 1 + (slow ? detail::kSlowBit : 0U);
  }
  const std::uint64_t word = word_.load(std::memory_order_acquire);
  if (permit.epoch_ == word >> kEpochShift && (word & (kPasses | kUnanchored)) == kPasses) [[likely]] {
    count(word, kind, now);
  } else {
    record_slow(permit, kind, now);
  }
}

void CircuitBreaker::count(std::uint64_t word, std::uint32_t kind, Nanos now) noexcept {
  const BreakerState state = state_of(word);
  if (kind == 0 || state == BreakerState::disabled) {
    return;
  }
  const std::uint64_t epoch = word >> kEpochShift;
  const std::uint64_t weight = weights_[kind & kClassMask];
  WindowCounts counts;
  bool counted = false;
  if (by_time_) {
    if (!by_clock_.covers(now)) [[unlikely]] {
      roll(epoch, now);
    }
    counted = by_clock_.add(epoch, weight, (kind & detail::kSlowBit) != 0);
    counts = by_clock_.counts();
  } else {
    counted = by_count_.add(epoch, kind);
    counts = by_count_.counts();
  }
  if (!counted) [[unlikely]] {
    stale_.fetch_add(1, std::memory_order_relaxed);
    return;
  }
  if (weight != 0) {
    (void)in_row_.add(epoch, 1);
  } else {
    in_row_.clear(epoch);
  }
  if (state != BreakerState::forced_closed && suspicious(counts)) [[unlikely]] {
    trip_if_due(epoch, now);
  }
}

bool CircuitBreaker::suspicious(const WindowCounts& counts) const noexcept {
  if (in_row_limit_ != 0 && in_row_.count() >= in_row_limit_) {
    return true;
  }
  if (counts.calls < minimum_calls_ || (counts.failures | counts.slow) == 0) {
    return false;
  }
  const auto calls = static_cast<double>(counts.calls);
  return failure_rule_.trips(static_cast<double>(counts.failures) / detail::kWholeCall, calls) ||
         slow_rule_.trips(static_cast<double>(counts.slow), calls);
}

std::optional<CircuitBreaker::Trip> CircuitBreaker::verdict(const WindowCounts& counts) const noexcept {
  const std::uint64_t in_row = in_row_.count();
  if (in_row_limit_ != 0 && in_row >= in_row_limit_) {
    return Trip{BreakerReason::consecutive, static_cast<double>(in_row), in_row};
  }
  if (counts.calls < minimum_calls_) {
    return std::nullopt;
  }
  const auto calls = static_cast<double>(counts.calls);
  const double failures = static_cast<double>(counts.failures) / detail::kWholeCall;
  if (failure_rule_.trips(failures, calls)) {
    return Trip{BreakerReason::failure_rate, failures / calls, counts.calls};
  }
  const auto slow = static_cast<double>(counts.slow);
  if (slow_rule_.trips(slow, calls)) {
    return Trip{BreakerReason::slow_rate, slow / calls, counts.calls};
  }
  return std::nullopt;
}

void CircuitBreaker::roll(std::uint64_t epoch, Nanos now) noexcept {
  // Somebody else at it: this call counts into the bucket before, a moment too early.
  const std::unique_lock lock(mutex_, std::try_to_lock);
  if (lock && epoch == this->epoch()) {
    by_clock_.roll(epoch, now);
    cold_.seen = now;
  }
}

void CircuitBreaker::trip_if_due(std::uint64_t epoch, Nanos now) noexcept {
  const std::lock_guard lock(mutex_);
  if (epoch != this->epoch()) {
    return;
  }
  // What was read without the lock may have been of two moments.
  const std::optional<Trip> why = verdict(by_time_ ? by_clock_.counts() : by_count_.scan(epoch));
  if (!why) {
    return;
  }
  ++cold_.trips;
  const BreakerState state = this->state();
  bool enforced = state == BreakerState::closed;
  if (enforced && config_.enforced_share < 1.0) {
    Rng rng(config_.seed, name_stream(kName), cold_.trips, kEnforce);
    enforced = rng.uniform() < config_.enforced_share;
  }
  if (enforced) {
    open(now, *why, false);
  } else {
    ++cold_.not_enforced;
    const Nanos closed_at = cold_.closed_at;
    const bool recovering = cold_.recovering;
    enter(state, now, *why);
    cold_.closed_at = closed_at;
    cold_.recovering = recovering;
  }
}

Nanos CircuitBreaker::open_time() const noexcept {
  double seconds = config_.open_s;
  for (std::uint32_t i = 0; i < cold_.attempts && seconds < config_.backoff_cap_s; ++i) {
    seconds *= config_.backoff_factor;
  }
  Rng rng(config_.seed, name_stream(kName), cold_.trips, kJitter);
  seconds =
      std::min(seconds, config_.backoff_cap_s) * (1.0 + config_.backoff_jitter * (2.0 * rng.uniform() - 1.0));
  return std::max<Nanos>(1, std::llround(seconds * static_cast<double>(kSecond)));
}

void CircuitBreaker::open(Nanos now, const Trip& why, bool again) noexcept {
  const auto memory = static_cast<std::uint64_t>(config_.backoff_memory_s * static_cast<double>(kSecond));
  const bool soon = again || (cold_.recovering && between(cold_.closed_at, now) < memory);
  cold_.attempts = soon ? std::min(cold_.attempts + 1, kMostAttempts) : 0;
  cold_.open_for = open_time();
  enter(BreakerState::open, now, why);
}

void CircuitBreaker::enter(BreakerState state, Nanos now, const Trip& why) noexcept {
  const BreakerState from = this->state();
  const std::uint64_t next = epoch() + 1;
  if (by_time_) {
    by_clock_.reset(next, now);
  } else {
    by_count_.reset(next);
  }
  in_row_.start(next);
  std::ranges::fill(cold_.leases, Lease{});
  cold_.good = cold_.bad = cold_.out = 0;
  cold_.recovering = state == BreakerState::closed && why.reason == BreakerReason::probes_passed;
  cold_.closed_at = now;
  cold_.seen = now;
  until_.store(state == BreakerState::open ? later(now, static_cast<std::uint64_t>(cold_.open_for)) : 0,
               std::memory_order_relaxed);
  const bool shut = state == BreakerState::open || state == BreakerState::forced_open;
  word_.store(next << kEpochShift | static_cast<std::uint64_t>(state) << kStateShift |
                  (passes(state) ? kPasses : 0U) | (shut ? kShut : 0U),
              std::memory_order_release);
  note(from, state, now, why);
}

void CircuitBreaker::note(BreakerState from, BreakerState to, Nanos now, const Trip& why) noexcept {
  BreakerEvent& event = cold_.ring[cold_.event_number % kEvents];
  ++cold_.event_number;
  event = {cold_.event_number, now,      from,      to,
           why.reason,         why.rate, why.calls, to == BreakerState::open ? cold_.open_for : 0};
  if (cold_.events < kEvents) {
    ++cold_.events;
  } else {
    ++cold_.events_lost;
  }
}

// ------------------------------------------------------------------------------------------- half open

Permit CircuitBreaker::acquire_slow(Nanos now) noexcept {
  const std::lock_guard lock(mutex_);
  anchor(now);
  cold_.seen = now;
  if (state() == BreakerState::open) {
    const std::uint64_t left = between(now, until_.load(std::memory_order_relaxed));
    if (static_cast<Nanos>(left) <= 0) {
      enter(BreakerState::half_open, now, {BreakerReason::open_time_over, 0.0, 0});
    } else if (left > longest_) {  // the clock was set back
      until_.store(later(now, static_cast<std::uint64_t>(cold_.open_for)), std::memory_order_relaxed);
    }
  } else if (state() == BreakerState::half_open) {
    sweep(now);
  }
  const BreakerState state = this->state();
  if (passes(state)) {
    return {epoch(), 0, 0};
  }
  if (state != BreakerState::half_open || cold_.out + cold_.good + cold_.bad >= config_.probes) {
    rejected_.fetch_add(1, std::memory_order_relaxed);
    return Permit(static_cast<Rejection>(state));
  }
  const auto free = std::ranges::find(cold_.leases, 0U, &Lease::serial);
  cold_.serial = std::max(cold_.serial + 1, 1U);
  *free = {cold_.serial, later(now, static_cast<std::uint64_t>(lease_))};
  ++cold_.out;
  set_gate();
  return {epoch(), cold_.serial, static_cast<std::uint16_t>(free - cold_.leases.begin())};
}

void CircuitBreaker::record_slow(const Permit& permit, std::uint32_t kind, Nanos now) noexcept {
  if (!permit) {
    return;
  }
  std::unique_lock lock(mutex_);
  anchor(now);
  cold_.seen = now;
  if (state() == BreakerState::half_open && permit.epoch_ == epoch()) {
    sweep(now);
  }
  if (permit.epoch_ != epoch()) {
    stale_.fetch_add(1, std::memory_order_relaxed);
    return;
  }
  if (state() != BreakerState::half_open) {
    const std::uint64_t word = word_.load(std::memory_order_relaxed);
    lock.unlock();
    count(word, kind, now);
    return;
  }
  if (permit.slot_ >= cold_.leases.size() || permit.serial_ == 0 ||
      cold_.leases[permit.slot_].serial != permit.serial_) {
    stale_.fetch_add(1, std::memory_order_relaxed);
    return;
  }
  cold_.leases[permit.slot_] = {};
  --cold_.out;
  if (kind != 0) {
    const bool slow = (kind & detail::kSlowBit) != 0 && slow_rule_.limit > 0.0;
    ++(weights_[kind & kClassMask] != 0 || slow ? cold_.bad : cold_.good);
  }
  judge_probes(now);
}

void CircuitBreaker::sweep(Nanos now) noexcept {
  bool lost = false;
  for (Lease& lease : cold_.leases) {
    if (lease.serial == 0) {
      continue;
    }
    const auto left = static_cast<Nanos>(between(now, lease.deadline));
    if (left > lease_) {  // the clock was set back
      lease.deadline = later(now, static_cast<std::uint64_t>(lease_));
    } else if (left <= 0) {
      lease = {};
      --cold_.out;
      ++cold_.lost_probes;
      cold_.bad += config_.lost_probe_fails ? 1 : 0;
      lost = true;
    }
  }
  if (lost) {
    judge_probes(now);
  } else {
    set_gate();
  }
}

void CircuitBreaker::judge_probes(Nanos now) noexcept {
  const std::uint32_t told = cold_.good + cold_.bad;
  const double share = told == 0 ? 0.0 : static_cast<double>(cold_.good) / told;
  if (cold_.good >= needed_probes_) {
    enter(BreakerState::closed, now, {BreakerReason::probes_passed, share, told});
  } else if (cold_.bad > config_.probes - needed_probes_) {
    ++cold_.trips;
    open(now, {BreakerReason::probes_failed, share, told}, true);
  } else {
    set_gate();
  }
}

void CircuitBreaker::set_gate() noexcept {
  const std::uint64_t word = word_.load(std::memory_order_relaxed);
  if (cold_.out + cold_.good + cold_.bad < config_.probes) {
    word_.store(word & ~kShut, std::memory_order_release);
    return;
  }
  std::uint64_t left = static_cast<std::uint64_t>(lease_);
  for (const Lease& lease : cold_.leases) {
    if (lease.serial != 0) {
      left = std::min(left, between(cold_.seen, lease.deadline));
    }
  }
  until_.store(later(cold_.seen, left), std::memory_order_relaxed);
  word_.store(word | kShut, std::memory_order_release);
}

// --------------------------------------------------------------------------------------------- by hand

Errc CircuitBreaker::set_state(BreakerState state, Nanos now) noexcept {
  if (state > BreakerState::metrics_only) {
    return Errc::invalid_argument;
  }
  const std::lock_guard lock(mutex_);
  anchor(now);
  cold_.attempts = 0;
  if (state == BreakerState::open) {
    cold_.open_for = open_time();
  }
  enter(state, now, {});
  return Errc::ok;
}

void CircuitBreaker::anchor(Nanos now) noexcept {
  const std::uint64_t word = word_.load(std::memory_order_relaxed);
  if ((word & kUnanchored) == 0) {
    return;
  }
  const auto by = static_cast<std::uint64_t>(now);
  until_.store(later(until_.load(std::memory_order_relaxed), by), std::memory_order_relaxed);
  cold_.closed_at = later(cold_.closed_at, by);
  by_clock_.anchor(now);
  const bool shut = state_of(word) == BreakerState::open;
  word_.store((word & ~kUnanchored) | (shut ? kShut : 0U), std::memory_order_release);
}

void CircuitBreaker::observe(Nanos now) noexcept {
  const std::lock_guard lock(mutex_);
  anchor(now);
  cold_.seen = now;
  if (by_time_) {
    by_clock_.roll(epoch(), now);
  }
}

BreakerStatus CircuitBreaker::status() const noexcept {
  const std::lock_guard lock(mutex_);
  const WindowCounts counts = by_time_ ? by_clock_.counts() : by_count_.scan(epoch());
  BreakerStatus status;
  status.state = state();
  status.calls = counts.calls;
  if (counts.calls > 0) {
    const auto calls = static_cast<double>(counts.calls);
    status.failure_rate = static_cast<double>(counts.failures) / detail::kWholeCall / calls;
    status.slow_rate = static_cast<double>(counts.slow) / calls;
  }
  status.in_row = in_row_.count();
  status.open_until = status.state == BreakerState::open ? until_.load(std::memory_order_relaxed) : 0;
  status.probes_out = cold_.out;
  status.probes_good = cold_.good;
  status.probes_bad = cold_.bad;
  status.rejected = rejected_.load(std::memory_order_relaxed);
  status.stale = stale_.load(std::memory_order_relaxed);
  status.lost_probes = cold_.lost_probes;
  status.trips = cold_.trips;
  status.not_enforced = cold_.not_enforced;
  status.events_lost = cold_.events_lost;
  return status;
}

std::size_t CircuitBreaker::take_events(std::span<BreakerEvent> out) noexcept {
  const std::lock_guard lock(mutex_);
  const std::size_t taken = std::min(out.size(), cold_.events);
  for (std::size_t i = 0; i < taken; ++i) {
    out[i] = cold_.ring[(cold_.event_number - cold_.events) % kEvents];
    --cold_.events;
  }
  return taken;
}

}  // namespace attune
