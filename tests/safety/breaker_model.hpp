// SPDX-License-Identifier: Apache-2.0
/// @file
/// A circuit breaker that is slow and plainly right: calls in lists, counted anew each time. One thread.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <deque>
#include <vector>

#include <attune/core/rng.hpp>
#include <attune/safety/breaker.hpp>
#include <boost/math/distributions/normal.hpp>

namespace attune::test {

class BreakerModel {
 public:
  struct Token {
    bool granted = false;
    Rejection rejection = Rejection::none;
    int generation = 0;
    int lease = 0;
  };

  explicit BreakerModel(const BreakerConfig& config) : config_(config) {
    const double share = config.probe_success_share * config.probes;
    const double whole = std::round(share);
    needed_ = std::max(1, static_cast<int>(std::abs(share - whole) < 1e-9 ? whole : std::ceil(share)));
    longest_ = std::max(nanos(config.backoff_cap_s * (1 + config.backoff_jitter)) + 1, lease_time());
  }

  Token acquire(Nanos now) {
    if (state == BreakerState::open) {
      if (now >= until) {
        change(BreakerState::half_open, BreakerReason::open_time_over, 0, 0, now);
      } else if (until - now > longest_) {
        until = now + open_for;
      }
    } else if (state == BreakerState::half_open && !(full() && quiet(now))) {
      expire(now);
    }
    if (state == BreakerState::open || state == BreakerState::forced_open ||
        (state == BreakerState::half_open && full())) {
      ++rejected;
      return {.rejection = static_cast<Rejection>(state)};
    }
    Token token{.granted = true, .generation = generation_};
    if (state == BreakerState::half_open) {
      token.lease = ++last_lease_;
      leases.push_back({token.lease, now + lease_time()});
    }
    return token;
  }

  void record(const Token& token, CallResult result, Nanos took, Nanos now) {
    if (!token.granted) {
      return;
    }
    if (token.generation == generation_ && state == BreakerState::half_open) {
      expire(now);
    }
    if (token.generation != generation_) {
      ++stale;
      return;
    }
    const bool slow = config_.slow_call_s > 0 && took > nanos(config_.slow_call_s);
    if (state == BreakerState::half_open) {
      record_probe(token, result, slow, now);
    } else if (result != CallResult::ignored && state != BreakerState::disabled) {
      count(result, slow, now);
      judge(now);
    }
  }

  void set_state(BreakerState next, Nanos now) {
    attempts_ = 0;
    if (next == BreakerState::open) {
      open_for = open_time();
    }
    change(next, BreakerReason::by_hand, 0, 0, now);
  }

  /// Saved at `now`, loaded where the clock is ahead by `shift`.
  void restart(Nanos now, Nanos shift) {
    roll(now);
    ++generation_;
    leases.clear();
    if (state == BreakerState::open) {
      until = std::clamp(until, now, now + open_for) + shift;
    }
    if (closed_at_ > now) {
      closed_at_ = now;
    }
    closed_at_ += shift;
    bucket_start_ = std::min(bucket_start_, now) + shift;
  }

  [[nodiscard]] double calls() const { return static_cast<double>(window_.size()); }
  [[nodiscard]] double failures() const {
    double sum = 0;
    for (const Call& call : window_) {
      sum += call.failure;
    }
    return sum;
  }
  [[nodiscard]] double slow_calls() const {
    return static_cast<double>(std::ranges::count(window_, true, &Call::slow));
  }

  struct Lease {
    int number;
    Nanos deadline;
  };
  BreakerState state = BreakerState::closed;
  Nanos until = 0;
  Nanos open_for = 0;
  std::vector<Lease> leases;
  int good = 0;
  int bad = 0;
  std::uint64_t in_row = 0;
  std::uint64_t trips = 0;
  std::uint64_t not_enforced = 0;
  std::uint64_t lost = 0;
  std::uint64_t rejected = 0;
  std::uint64_t stale = 0;
  std::vector<BreakerEvent> events;

 private:
  struct Call {
    double failure;
    bool slow;
    int bucket;
  };

  static Nanos nanos(double seconds) { return std::llround(seconds * 1e9); }
  [[nodiscard]] Nanos lease_time() const { return nanos(config_.probe_lease_s); }
  [[nodiscard]] Nanos width() const { return nanos(config_.window_s) / config_.buckets; }
  [[nodiscard]] bool full() const {
    return static_cast<int>(leases.size()) + good + bad >= static_cast<int>(config_.probes);
  }
  /// Is the next lease to run out still to come, by a clock that was not set back?
  [[nodiscard]] bool quiet(Nanos now) const {
    Nanos first = leases.front().deadline;
    for (const Lease& lease : leases) {
      first = std::min(first, lease.deadline);
    }
    return first > now && first - now <= longest_;
  }
  [[nodiscard]] double weight(CallResult result) const {
    switch (result) {
      case CallResult::failure:
        return std::round(100 * config_.weight_failure) / 100;
      case CallResult::timeout:
        return std::round(100 * config_.weight_timeout) / 100;
      case CallResult::non_finite:
        return std::round(100 * config_.weight_non_finite) / 100;
      case CallResult::breach:
        return std::round(100 * config_.weight_breach) / 100;
      default:
        return 0;
    }
  }

  void roll(Nanos now) {
    if (config_.window == BreakerWindow::count) {
      return;
    }
    const auto buckets = static_cast<Nanos>(config_.buckets);
    if (bucket_start_ - now > buckets * width()) {
      window_.clear();
      bucket_start_ = now;
    }
    while (now - bucket_start_ >= width()) {
      const Nanos steps = std::max<Nanos>(1, (now - bucket_start_) / width());
      bucket_ += static_cast<int>(std::min<Nanos>(steps, 10000));
      bucket_start_ += steps * width();
    }
    std::erase_if(window_, [&](const Call& call) { return call.bucket <= bucket_ - buckets; });
  }

  void count(CallResult result, bool slow, Nanos now) {
    roll(now);
    const double failure = weight(result);
    window_.push_back({failure, slow, bucket_});
    if (config_.window == BreakerWindow::count && window_.size() > config_.window_calls) {
      window_.pop_front();
    }
    in_row = failure > 0 ? in_row + 1 : 0;
  }

  /// Wilson's lower bound of hits of calls, as in the textbook: the middle less the half width.
  [[nodiscard]] bool reaches(double hits, double limit) const {
    if (limit == 0) {
      return false;
    }
    if (limit == 1) {
      return hits == calls();
    }
    const double n = calls();
    double share = hits / n;
    if (config_.confidence == 0) {
      return share >= limit - 1e-9;
    }
    const double z = boost::math::quantile(boost::math::normal(), config_.confidence);
    // Half a hit less is the continuity correction.
    share = z > 0 ? share - 0.5 / n : share;
    if (share < limit) {
      return false;
    }
    const double bound = (share + z * z / (2 * n) -
                          z * std::sqrt(std::max(0.0, share * (1 - share)) / n + z * z / (4 * n * n))) /
                         (1 + z * z / n);
    return bound >= limit;
  }

  void judge(Nanos now) {
    if (state == BreakerState::forced_closed) {
      return;
    }
    const bool enough = calls() >= config_.minimum_calls;
    if (config_.consecutive_failures > 0 && in_row >= config_.consecutive_failures) {
      trip(BreakerReason::consecutive, static_cast<double>(in_row), in_row, now);
    } else if (enough && reaches(failures(), config_.failure_rate)) {
      trip(BreakerReason::failure_rate, failures() / calls(), window_.size(), now);
    } else if (enough && reaches(slow_calls(), config_.slow_rate)) {
      trip(BreakerReason::slow_rate, slow_calls() / calls(), window_.size(), now);
    }
  }

  void trip(BreakerReason reason, double rate, std::uint64_t of, Nanos now) {
    ++trips;
    Rng rng(config_.seed, name_stream("circuit_breaker"), trips, 1);
    if (state == BreakerState::metrics_only ||
        (config_.enforced_share < 1 && rng.uniform() >= config_.enforced_share)) {
      ++not_enforced;
      const bool probed = probed_;
      const Nanos closed_at = closed_at_;
      change(state, reason, rate, of, now);
      probed_ = probed;
      closed_at_ = closed_at;
      return;
    }
    const bool soon = probed_ && now >= closed_at_ && now - closed_at_ < nanos(config_.backoff_memory_s);
    attempts_ = soon ? attempts_ + 1 : 0;
    open_for = open_time();
    change(BreakerState::open, reason, rate, of, now);
  }

  [[nodiscard]] Nanos open_time() const {
    const double seconds =
        std::min(config_.backoff_cap_s, config_.open_s * std::pow(config_.backoff_factor, attempts_));
    Rng rng(config_.seed, name_stream("circuit_breaker"), trips, 0);
    return nanos(seconds * (1 + config_.backoff_jitter * (2 * rng.uniform() - 1)));
  }

  void change(BreakerState next, BreakerReason reason, double rate, std::uint64_t of, Nanos now) {
    events.push_back(
        {events.size() + 1, now, state, next, reason, rate, of, next == BreakerState::open ? open_for : 0});
    state = next;
    ++generation_;
    window_.clear();
    leases.clear();
    good = bad = 0;
    in_row = 0;
    bucket_start_ = now;
    until = next == BreakerState::open ? now + open_for : 0;
    probed_ = reason == BreakerReason::probes_passed;
    closed_at_ = now;
  }

  void record_probe(const Token& token, CallResult result, bool slow, Nanos now) {
    if (std::erase_if(leases, [&](const Lease& lease) { return lease.number == token.lease; }) == 0) {
      ++stale;
      return;
    }
    if (result != CallResult::ignored) {
      ++(weight(result) > 0 || (slow && config_.slow_rate > 0) ? bad : good);
    }
    judge_probes(now);
  }

  void expire(Nanos now) {
    bool any = false;
    for (Lease& lease : leases) {
      if (lease.deadline - now > lease_time()) {
        lease.deadline = now + lease_time();
      } else if (lease.deadline <= now) {
        lease.number = 0;
        ++lost;
        bad += config_.lost_probe_fails ? 1 : 0;
        any = true;
      }
    }
    std::erase_if(leases, [](const Lease& lease) { return lease.number == 0; });
    if (any) {
      judge_probes(now);
    }
  }

  void judge_probes(Nanos now) {
    const int told = good + bad;
    if (good >= needed_) {
      change(BreakerState::closed, BreakerReason::probes_passed, static_cast<double>(good) / told,
             static_cast<std::uint64_t>(told), now);
    } else if (bad > static_cast<int>(config_.probes) - needed_) {
      ++trips;
      ++attempts_;
      open_for = open_time();
      change(BreakerState::open, BreakerReason::probes_failed, static_cast<double>(good) / told,
             static_cast<std::uint64_t>(told), now);
    }
  }

  BreakerConfig config_;
  int needed_ = 1;
  Nanos longest_ = 0;
  int generation_ = 1;
  int last_lease_ = 0;
  int attempts_ = 0;
  std::deque<Call> window_;
  Nanos bucket_start_ = 0;
  int bucket_ = 0;
  bool probed_ = false;
  Nanos closed_at_ = 0;
};

}  // namespace attune::test
