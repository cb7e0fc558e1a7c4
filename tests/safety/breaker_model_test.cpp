// SPDX-License-Identifier: Apache-2.0
// CircuitBreaker against a plain model of it: random configurations, a million random steps, everything
// equal.
#include <algorithm>
#include <array>
#include <vector>

#include <gtest/gtest.h>

#include <attune/safety/breaker.hpp>

#include "tests/safety/breaker_model.hpp"

namespace attune::breaker_model_test {
namespace {

using test::BreakerModel;

double pick(Rng& rng, std::initializer_list<double> values) {
  return values.begin()[rng.below(values.size())];
}

BreakerConfig random_config(Rng& rng) {
  for (;;) {
    BreakerConfig config;
    config.window = rng.below(2) == 0 ? BreakerWindow::count : BreakerWindow::time;
    config.window_calls = static_cast<std::uint32_t>(1 + rng.below(25));
    config.window_s = pick(rng, {0.5, 1, 7});
    config.buckets = static_cast<std::uint32_t>(1 + rng.below(6));
    config.minimum_calls = static_cast<std::uint32_t>(1 + rng.below(12));
    config.confidence = pick(rng, {0, 0, 0.5, 0.8, 0.95});
    config.failure_rate = pick(rng, {0, 0.07, 0.3, 0.5, 1});
    config.slow_rate = pick(rng, {0, 0.1, 0.5, 1});
    config.slow_call_s = pick(rng, {0, 0.01});
    config.consecutive_failures = static_cast<std::uint32_t>(rng.below(9));
    config.weight_failure = pick(rng, {1, 1, 0.25});
    config.weight_timeout = pick(rng, {1, 0.5, 0});
    config.weight_breach = pick(rng, {1, 0.01});
    config.open_s = pick(rng, {0.1, 1, 3});
    config.backoff_factor = pick(rng, {1, 2, 3.5});
    config.backoff_cap_s = config.open_s * pick(rng, {1, 5, 20});
    config.backoff_jitter = pick(rng, {0, 0.1, 0.5});
    config.backoff_memory_s = pick(rng, {0, 1, 10});
    config.probes = static_cast<std::uint32_t>(1 + rng.below(6));
    config.probe_success_share = pick(rng, {0.01, 0.5, 0.7, 0.99, 1});
    config.probe_lease_s = pick(rng, {0.2, 1, 30});
    config.lost_probe_fails = rng.below(2) == 0;
    config.enforced_share = pick(rng, {1, 1, 1, 0.5, 0});
    config.seed = rng();
    if (CircuitBreaker::make(config)) {
      return config;
    }
  }
}

/// A breaker, its model, and what was granted by both.
class Pair {
 public:
  explicit Pair(const BreakerConfig& config)
      : config_(config), breaker_(CircuitBreaker::make(config).value()), model_(config) {}

  void acquire() {
    const Permit permit = breaker_.try_acquire(now);
    const BreakerModel::Token token = model_.acquire(now);
    ASSERT_EQ(static_cast<bool>(permit), token.granted);
    ASSERT_EQ(permit.rejection(), token.rejection);
    if (token.granted) {
      granted_.push_back({permit, token});
      ASSERT_TRUE(model_.state != BreakerState::half_open || model_.leases.size() <= config_.probes);
    }
  }
  void record(std::size_t which, CallResult result, Nanos took, bool again) {
    const Grant grant = granted_[which];
    if (!again) {
      granted_.erase(granted_.begin() + static_cast<std::ptrdiff_t>(which));
    }
    // In the closed state nobody can tell a second report of one call from a report of a second call.
    breaker_.record(grant.permit, result, took, now);
    model_.record(grant.token, result, took, now);
  }
  void set_state(BreakerState state) {
    ASSERT_EQ(breaker_.set_state(state, now), Errc::ok);
    model_.set_state(state, now);
  }
  void restart(Nanos shift) {
    breaker_.observe(now);
    const Bytes bytes = save_state(breaker_);
    CircuitBreaker fresh = CircuitBreaker::make(config_).value();
    std::vector<BreakerEvent> untold(CircuitBreaker::kEvents);
    ASSERT_EQ(breaker_.take_events(untold), 0U);
    if (shift % 2 == 0) {  // into the same object: permits from before must be stale there too
      ASSERT_TRUE(load_state(breaker_, bytes));
    } else {
      ASSERT_TRUE(load_state(fresh, bytes));
      breaker_ = fresh;
      granted_.clear();  // they are another object's
      event_offset_ = model_.events.size();
    }
    model_.restart(now, shift);
    now += shift;
    breaker_.observe(now);
  }

  void expect_equal() {
    const BreakerStatus status = breaker_.status();
    ASSERT_EQ(status.state, model_.state);
    ASSERT_EQ(breaker_.state(), model_.state);
    ASSERT_EQ(static_cast<double>(status.calls), model_.calls());
    if (status.calls > 0) {
      ASSERT_NEAR(status.failure_rate, model_.failures() / model_.calls(), 1e-12);
      ASSERT_NEAR(status.slow_rate, model_.slow_calls() / model_.calls(), 1e-12);
    }
    ASSERT_EQ(status.in_row, model_.in_row);
    ASSERT_EQ(status.probes_out, model_.leases.size());
    ASSERT_EQ(static_cast<int>(status.probes_good), model_.good);
    ASSERT_EQ(static_cast<int>(status.probes_bad), model_.bad);
    ASSERT_EQ(status.trips, model_.trips);
    ASSERT_EQ(status.not_enforced, model_.not_enforced);
    ASSERT_EQ(status.lost_probes, model_.lost);
    ASSERT_EQ(status.rejected, model_.rejected);
    ASSERT_EQ(status.stale, model_.stale);
    std::array<BreakerEvent, CircuitBreaker::kEvents> events;
    const std::size_t taken = breaker_.take_events(events);
    ASSERT_EQ(taken, model_.events.size() - told_);
    for (std::size_t i = 0; i < taken; ++i, ++told_) {
      BreakerEvent expected = model_.events[told_];
      expected.number -= event_offset_;
      ASSERT_NEAR(events[i].rate, expected.rate, 1e-12);
      expected.rate = events[i].rate;
      ASSERT_NEAR(static_cast<double>(events[i].open_for), static_cast<double>(expected.open_for), 1.0);
      // pow and repeated products may differ in the last bit.
      model_.until += events[i].open_for - expected.open_for;
      model_.open_for = events[i].open_for;
      expected.open_for = events[i].open_for;
      ASSERT_EQ(events[i], expected);
    }
  }

  /// Left to successes and time, it closes: within one open time and one lease, and then one round of probes.
  void expect_recovers() {
    if (model_.state == BreakerState::open) {
      now = std::max(now, model_.until);
    } else if (model_.state == BreakerState::half_open) {
      now += std::llround(config_.probe_lease_s * 1e9);
    }
    for (std::uint32_t i = 0; i < 3 * config_.probes && breaker_.state() != BreakerState::closed; ++i) {
      granted_.clear();
      ASSERT_NO_FATAL_FAILURE(acquire());
      if (granted_.empty()) {  // lost probes opened it again
        ASSERT_NO_FATAL_FAILURE(expect_equal());
        now = std::max(now, model_.until);
      } else {
        record(0, CallResult::success, 0, false);
      }
      ASSERT_NO_FATAL_FAILURE(expect_equal());
    }
    ASSERT_EQ(breaker_.state(), BreakerState::closed);
  }

  [[nodiscard]] std::size_t granted() const { return granted_.size(); }
  [[nodiscard]] BreakerState state() const { return model_.state; }
  [[nodiscard]] std::size_t transitions() const { return model_.events.size(); }

  Nanos now = 0;

 private:
  struct Grant {
    Permit permit;
    BreakerModel::Token token;
  };

  BreakerConfig config_;
  CircuitBreaker breaker_;
  BreakerModel model_;
  std::vector<Grant> granted_;
  std::size_t told_ = 0;
  std::size_t event_offset_ = 0;
};

CallResult random_result(Rng& rng, double failing) {
  if (rng.uniform() >= failing) {
    return rng.below(30) == 0 ? CallResult::ignored : CallResult::success;
  }
  return static_cast<CallResult>(1 + rng.below(4));
}

void random_step(Pair& pair, Rng& rng, double failing) {
  const std::uint64_t what = rng.below(1000);
  if (what < 400) {
    pair.acquire();
  } else if (what < 850) {
    if (pair.granted() > 0) {
      // Mostly the newest; the older, the likelier from before a change.
      const std::size_t which = rng.below(4) == 0 ? rng.below(pair.granted()) : pair.granted() - 1;
      const CallResult result = random_result(rng, failing);
      const Nanos took = rng.uniform() < failing / 2 ? kSecond : 1000;
      pair.record(which, result, took, rng.below(50) == 0);
    }
  } else if (what < 980) {
    const double seconds = pick(rng, {1e-6, 1e-3, 0.05, 0.3, 1, 5, 100});
    pair.now += static_cast<Nanos>(rng.uniform() * seconds * 1e9);
  } else if (what < 988) {
    pair.now -= static_cast<Nanos>(rng.uniform() * pick(rng, {1e-3, 1, 60, 1e5}) * 1e9);
  } else if (what < 992) {
    pair.restart(static_cast<Nanos>(rng.below(1U << 30U)) - (Nanos{1} << 29U));
  } else if (what < 994) {
    pair.set_state(static_cast<BreakerState>(rng.below(7)));
  } else if (what < 998) {
    pair.set_state(BreakerState::closed);
  }
}

TEST(BreakerModel, AMillionRandomStepsAreEqualAndNoneLeavesItStuck) {
  constexpr int kSequences = 2500;
  constexpr int kSteps = 400;
  std::size_t transitions = 0;
  for (int sequence = 0; sequence < kSequences; ++sequence) {
    Rng rng(20261121, 1, static_cast<std::uint64_t>(sequence));
    Pair pair(random_config(rng));
    pair.now = static_cast<Nanos>(rng.below(1U << 31U)) - (Nanos{1} << 30U);
    double failing = 0.2;
    for (int step = 0; step < kSteps; ++step) {
      if (rng.below(40) == 0) {
        failing = pick(rng, {0, 0.05, 0.3, 0.6, 1});
      }
      random_step(pair, rng, failing);
      pair.expect_equal();
      ASSERT_FALSE(HasFatalFailure()) << "sequence " << sequence << ", step " << step;
    }
    if (pair.state() == BreakerState::open || pair.state() == BreakerState::half_open) {
      pair.expect_recovers();
      ASSERT_FALSE(HasFatalFailure()) << "sequence " << sequence << ", recovering";
    }
    transitions += pair.transitions();
  }
  // The sequences are worth something only if they change states often.
  EXPECT_GT(transitions, 30000U);
}

}  // namespace
}  // namespace attune::breaker_model_test
