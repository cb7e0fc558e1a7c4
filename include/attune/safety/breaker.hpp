// SPDX-License-Identifier: Apache-2.0
/// @file
/// CircuitBreaker: stops calling what fails or stalls, and tries again by and by.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include <attune/core/concepts.hpp>
#include <attune/safety/breaker_config.hpp>
#include <attune/safety/breaker_window.hpp>

namespace attune {

/// Leave to make one call, or why not. To be given back once, with the result, by CircuitBreaker::record.
class Permit {
 public:
  [[nodiscard]] explicit operator bool() const noexcept { return rejection_ == Rejection::none; }
  [[nodiscard]] Rejection rejection() const noexcept { return rejection_; }

 private:
  friend class CircuitBreaker;
  Permit(std::uint64_t epoch, std::uint32_t serial, std::uint16_t slot) noexcept
      : epoch_(epoch), serial_(serial), slot_(slot) {}
  explicit Permit(Rejection rejection) noexcept : rejection_(rejection) {}

  std::uint64_t epoch_ = 0;
  std::uint32_t serial_ = 0;  // of the lease, half open
  std::uint16_t slot_ = 0;
  Rejection rejection_ = Rejection::none;
};

/// A circuit breaker around one callee: a model, a store, a callback.
///
///     const Permit permit = breaker.try_acquire(now);
///     if (permit) { ...; breaker.record(permit, result, took, now); }
///
/// Closed, it counts calls in a window and opens when, with at least `minimum_calls` in it, the lower
/// confidence bound of the share of failures or of slow calls reaches its limit, or when so many fail in a
/// row. The bound is Wilson's with continuity correction: with k of n calls and limit p < 1 it is reached
/// when k - 1/2 >= n p + z sqrt(n p (1 - p)), z the normal quantile of `confidence`; 3 of 20 are no proof of
/// 5 %, 4 are. (Without the correction one slow call of 20 would be taken for proof of 1 %.)
///
/// Open, it rejects for open_s x factor^reopenings, at most the cap, times 1 + jitter x U(-1, 1), U drawn
/// from (seed, number of the trip). Half open, `probes` calls get a permit with a lease; a lease that runs
/// out is free again, so that a caller who never reports blocks nobody. It closes or opens again as soon as
/// the probes have decided it.
///
/// A result counts only while the state that its permit was given in lasts: one from before a change is
/// counted as stale and changes nothing else. Every change is an event in a ring of kEvents; what is
/// overwritten before it is taken is counted. Times are the caller's, in nanoseconds of a monotonic clock
/// with any zero; a time before an earlier one does no harm, and a clock set back delays by no more than the
/// longest open time. Equality and state leave out events and leases: after load no probe is out.
///
/// Source: Nygard (2007), "Release It!", ch. 5; Wilson (1927), "Probable Inference, the Law of Succession,
/// and Statistical Inference", JASA 22, 209-212; Newcombe (1998), "Two-Sided Confidence Intervals for the
/// Single Proportion", Statistics in Medicine 17, 857-872, method 4.
///
/// Cost: see docs/breakers.md; nothing allocates after make, but save, load, describe and copies.
///
/// Threads: all members but load and assignment may be called at once; try_acquire and record lock only to
/// change the state, to close a time bucket, and half open.
// Moving is copying: atomics stay where they are.
// NOLINTNEXTLINE(cppcoreguidelines-special-member-functions)
class CircuitBreaker {
 public:
  using Config = BreakerConfig;

  static constexpr std::string_view kName = "circuit_breaker";
  static constexpr std::uint32_t kStateVersion = 1;
  static constexpr std::size_t kEvents = 32;

  /// Errors: invalid_config, naming the field.
  [[nodiscard]] static Result<CircuitBreaker> make(const Config& config);

  CircuitBreaker(const CircuitBreaker& other);
  CircuitBreaker& operator=(const CircuitBreaker& other);
  ~CircuitBreaker() = default;

  /// Leave to make a call, or why not.
  [[nodiscard]] Permit try_acquire(Nanos now) noexcept {
    const std::uint64_t word = word_.load(std::memory_order_acquire);
    if ((word & kPasses) != 0) [[likely]] {
      return {word >> kEpochShift, 0, 0};
    }
    if ((word & kShut) != 0) {
      // One comparison for both: the time has not come, and it is no further away than it can be.
      const std::uint64_t left = static_cast<std::uint64_t>(until_.load(std::memory_order_relaxed)) -
                                 static_cast<std::uint64_t>(now);
      if (left - 1 < longest_ || state_of(word) == BreakerState::forced_open) {
        rejected_.fetch_add(1, std::memory_order_relaxed);
        return Permit(static_cast<Rejection>(state_of(word)));
      }
    }
    return acquire_slow(now);
  }

  /// Says how a permitted call went. `took` below zero counts as zero; a permit that was refused, or of which
  /// a probe's result was told already, changes nothing.
  void record(const Permit& permit, CallResult result, Nanos took, Nanos now) noexcept;

  /// Puts the breaker into a state by hand, with an empty window. Errors: invalid_argument for no state.
  Errc set_state(BreakerState state, Nanos now) noexcept;

  [[nodiscard]] BreakerState state() const noexcept {
    return state_of(word_.load(std::memory_order_acquire));
  }
  [[nodiscard]] BreakerStatus status() const noexcept;
  /// Moves the oldest events out; how many. What does not fit stays.
  std::size_t take_events(std::span<BreakerEvent> out) noexcept;
  /// Tells the time. Call it before save, since what is saved is as of the last time known, and try_acquire
  /// and record keep that only when they change something; and after load, from when on time counts again
  /// (else from the first record, or the first try_acquire that does not pass).
  void observe(Nanos now) noexcept;

  [[nodiscard]] const Config& config() const noexcept { return config_; }

  /// Durations, not times: a monotonic clock starts anew with its machine. What was left of the open time at
  /// save is left after load.
  void save(Writer& writer) const;
  /// Errors: corrupt_state; unchanged on error.
  [[nodiscard]] Result<void> load(Reader& reader);
  [[nodiscard]] Description describe() const;
  [[nodiscard]] bool operator==(const CircuitBreaker& other) const;

 private:
  // The state word: flags, state, and the epoch, which each change of state counts up.
  static constexpr std::uint64_t kPasses = 1;      // closed and like it
  static constexpr std::uint64_t kShut = 2;        // nothing passes before until_
  static constexpr std::uint64_t kUnanchored = 4;  // loaded: times are relative to an instant 0
  static constexpr unsigned kStateShift = 3;
  static constexpr unsigned kEpochShift = 6;

  struct Lease {
    std::uint32_t serial = 0;  // 0: free
    Nanos deadline = 0;
  };
  struct Rule {
    double limit = 0.0;  // 0: none
    double spread = 0.0;
    double correction = 0.0;

    [[nodiscard]] bool trips(double hits, double calls) const noexcept {
      const double excess = hits - correction - calls * limit;
      return limit > 0.0 && excess >= 0.0 && excess * excess >= spread * calls;
    }
  };
  struct Trip {
    BreakerReason reason = BreakerReason::by_hand;
    double rate = 0.0;
    std::uint64_t calls = 0;
  };
  /// What only the lock's holder touches.
  struct Cold {
    Nanos seen = 0;  // the latest time known
    Nanos closed_at = 0;
    Nanos open_for = 0;
    bool recovering = false;     // closed by its probes, at closed_at
    std::uint32_t attempts = 0;  // openings one after the other, without the first
    std::uint32_t good = 0;
    std::uint32_t bad = 0;
    std::uint32_t serial = 0;
    std::uint32_t out = 0;
    std::uint64_t trips = 0;
    std::uint64_t not_enforced = 0;
    std::uint64_t lost_probes = 0;
    std::uint64_t event_number = 0;
    std::uint64_t events_lost = 0;
    std::size_t events = 0;
    std::array<BreakerEvent, kEvents> ring{};
    std::vector<Lease> leases;
  };

  explicit CircuitBreaker(const Config& config);
  static BreakerState state_of(std::uint64_t word) noexcept {
    return static_cast<BreakerState>(word >> kStateShift & 7U);
  }
  [[nodiscard]] std::uint64_t epoch() const noexcept {
    return word_.load(std::memory_order_relaxed) >> kEpochShift;
  }

  Permit acquire_slow(Nanos now) noexcept;
  void record_slow(const Permit& permit, std::uint32_t kind, Nanos now) noexcept;
  void count(std::uint64_t word, std::uint32_t kind, Nanos now) noexcept;
  void roll(std::uint64_t epoch, Nanos now) noexcept;
  void trip_if_due(std::uint64_t epoch, Nanos now) noexcept;
  [[nodiscard]] Nanos open_time() const noexcept;
  [[nodiscard]] bool suspicious(const WindowCounts& counts) const noexcept;
  [[nodiscard]] std::optional<Trip> verdict(const WindowCounts& counts) const noexcept;
  // These hold the lock.
  void anchor(Nanos now) noexcept;
  void enter(BreakerState state, Nanos now, const Trip& why) noexcept;
  void open(Nanos now, const Trip& why, bool again) noexcept;
  void sweep(Nanos now) noexcept;
  void judge_probes(Nanos now) noexcept;
  void set_gate() noexcept;
  void note(BreakerState from, BreakerState to, Nanos now, const Trip& why) noexcept;
  void assign(const CircuitBreaker& other);
  void read_state(Reader& reader);

  // Read by every call, written by transitions.
  alignas(64) std::atomic<std::uint64_t> word_{kPasses};
  std::atomic<Nanos> until_{0};
  std::uint64_t longest_ = 0;  // that until_ can be away
  Nanos slow_after_ = 0;       // 0: no call is slow
  Nanos lease_ = 0;
  bool by_time_ = false;
  std::uint32_t minimum_calls_ = 0;
  std::uint32_t in_row_limit_ = 0;
  std::uint32_t needed_probes_ = 0;
  Rule failure_rule_;
  Rule slow_rule_;
  std::uint64_t weights_[detail::kCallClasses] = {};
  // Written by every call.
  alignas(64) detail::CountWindow by_count_;
  alignas(64) detail::TimeWindow by_clock_;
  detail::TaggedCount in_row_;
  alignas(64) std::atomic<std::uint64_t> rejected_{0};
  std::atomic<std::uint64_t> stale_{0};
  mutable std::mutex mutex_;
  Cold cold_;
  Config config_;
};

}  // namespace attune
