// SPDX-License-Identifier: Apache-2.0
// How a circuit breaker is made, copied, saved and loaded.
#include <algorithm>
#include <cmath>
#include <numbers>
#include <string>
#include <utility>

#include <boost/math/special_functions/erf.hpp>

#include <attune/safety/breaker.hpp>

namespace attune {
namespace {

[[nodiscard]] Nanos nanos(double seconds) noexcept {
  return std::llround(seconds * static_cast<double>(kSecond));
}
[[nodiscard]] std::uint64_t hundredths(double weight) noexcept {
  return static_cast<std::uint64_t>(std::llround(weight * detail::kWholeCall));
}
/// z of the one-sided bound.
[[nodiscard]] double normal_quantile(double confidence) {
  return confidence == 0.0 ? 0.0 : std::numbers::sqrt2 * boost::math::erf_inv(2.0 * confidence - 1.0);
}

[[nodiscard]] Result<void> check_together(const BreakerConfig& config) {
  const auto refuse = [](std::string message) -> Result<void> {
    return fail(Errc::invalid_config, std::move(message));
  };
  if (config.failure_rate == 0.0 && config.slow_rate == 0.0 && config.consecutive_failures == 0) {
    return refuse(
        "failure_rate = 0, slow_rate = 0 and consecutive_failures = 0: at least one rule must be above 0");
  }
  if (config.slow_rate > 0.0 && config.slow_call_s == 0.0) {
    return refuse("slow_call_s = 0 must be above 0 while slow_rate is " + number_text(config.slow_rate));
  }
  if (config.confidence > 0.0 && config.confidence < 0.5) {
    return refuse("confidence = " + number_text(config.confidence) + " is neither 0 nor in [0.5, 0.999999]");
  }
  if (config.backoff_cap_s < config.open_s) {
    return refuse("backoff_cap_s = " + number_text(config.backoff_cap_s) +
                  " is below open_s = " + number_text(config.open_s));
  }
  if (config.window == BreakerWindow::time && nanos(config.window_s) / config.buckets < 1000) {
    return refuse("buckets = " + std::to_string(config.buckets) +
                  ": a bucket of window_s = " + number_text(config.window_s) + " is shorter than 1e-6 s");
  }
  if (config.window == BreakerWindow::count && (config.failure_rate > 0.0 || config.slow_rate > 0.0)) {
    if (config.minimum_calls > config.window_calls) {
      return refuse("minimum_calls = " + std::to_string(config.minimum_calls) +
                    " is above window_calls = " + std::to_string(config.window_calls));
    }
    const double z = normal_quantile(config.confidence);
    for (const auto& [name, limit] :
         {std::pair{"failure_rate", config.failure_rate}, {"slow_rate", config.slow_rate}}) {
      const double excess = config.window_calls * (1.0 - limit) - (z > 0.0 ? 0.5 : 0.0);
      if (limit < 1.0 && excess < z * std::sqrt(config.window_calls * limit * (1.0 - limit))) {
        return refuse("window_calls = " + std::to_string(config.window_calls) + " is too small for " + name +
                      " = " + number_text(limit) + " at confidence = " + number_text(config.confidence) +
                      ": not even failures only would trip");
      }
    }
  }
  return {};
}

}  // namespace

std::string_view to_string(BreakerState state) noexcept {
  switch (state) {
    case BreakerState::closed:
      return "closed";
    case BreakerState::open:
      return "open";
    case BreakerState::half_open:
      return "half_open";
    case BreakerState::forced_open:
      return "forced_open";
    case BreakerState::forced_closed:
      return "forced_closed";
    case BreakerState::disabled:
      return "disabled";
    case BreakerState::metrics_only:
      return "metrics_only";
  }
  return "unknown";
}

std::string_view to_string(BreakerReason reason) noexcept {
  switch (reason) {
    case BreakerReason::failure_rate:
      return "failure_rate";
    case BreakerReason::slow_rate:
      return "slow_rate";
    case BreakerReason::consecutive:
      return "consecutive";
    case BreakerReason::open_time_over:
      return "open_time_over";
    case BreakerReason::probes_passed:
      return "probes_passed";
    case BreakerReason::probes_failed:
      return "probes_failed";
    case BreakerReason::by_hand:
      return "by_hand";
  }
  return "unknown";
}

Result<CircuitBreaker> CircuitBreaker::make(const Config& config) {
  if (Result<void> verdict = check_bounds(config); !verdict) {
    return tl::unexpected(std::move(verdict).error());
  }
  if (Result<void> verdict = check_together(config); !verdict) {
    return tl::unexpected(std::move(verdict).error());
  }
  return CircuitBreaker(config);
}

CircuitBreaker::CircuitBreaker(const Config& config)
    : slow_after_(nanos(config.slow_call_s)),
      lease_(nanos(config.probe_lease_s)),
      by_time_(config.window == BreakerWindow::time),
      minimum_calls_(config.minimum_calls),
      in_row_limit_(config.consecutive_failures),
      weights_{0,
               0,
               hundredths(config.weight_failure),
               hundredths(config.weight_timeout),
               hundredths(config.weight_non_finite),
               hundredths(config.weight_breach)},
      by_count_(by_time_ ? 1 : config.window_calls, weights_),
      by_clock_(by_time_ ? config.buckets : 1, nanos(config.window_s) / (by_time_ ? config.buckets : 1)),
      config_(config) {
  const double z = normal_quantile(config.confidence);
  // The limit just below, so that 7 of 100 reach 0.07: a product with it may round up.
  const auto rule = [z](double limit) {
    return Rule{limit * (1.0 - 1e-12), z * z * limit * (1.0 - limit), z > 0.0 && limit < 1.0 ? 0.5 : 0.0};
  };
  failure_rule_ = rule(config.failure_rate);
  slow_rule_ = rule(config.slow_rate);
  // The same here.
  needed_probes_ = static_cast<std::uint32_t>(
      std::clamp(std::ceil(config.probe_success_share * config.probes * (1.0 - 1e-12)), 1.0,
                 static_cast<double>(config.probes)));
  longest_ = static_cast<std::uint64_t>(
      std::max(nanos(config.backoff_cap_s * (1.0 + config.backoff_jitter)) + 1, lease_));
  cold_.leases.resize(config.probes);
  // A refused permit has epoch 0.
  word_.store(std::uint64_t{1} << kEpochShift | kPasses);
  by_count_.reset(1);
  by_clock_.reset(1, 0);
  in_row_.start(1);
}

CircuitBreaker::CircuitBreaker(const CircuitBreaker& other) : CircuitBreaker(other.config_) {
  const std::lock_guard lock(other.mutex_);
  assign(other);
}

CircuitBreaker& CircuitBreaker::operator=(const CircuitBreaker& other) {
  if (this != &other) {
    const std::scoped_lock lock(mutex_, other.mutex_);
    assign(other);
  }
  return *this;
}

void CircuitBreaker::assign(const CircuitBreaker& other) {
  until_.store(other.until_.load());
  longest_ = other.longest_;
  slow_after_ = other.slow_after_;
  lease_ = other.lease_;
  by_time_ = other.by_time_;
  minimum_calls_ = other.minimum_calls_;
  in_row_limit_ = other.in_row_limit_;
  needed_probes_ = other.needed_probes_;
  failure_rule_ = other.failure_rule_;
  slow_rule_ = other.slow_rule_;
  std::ranges::copy(other.weights_, weights_);
  by_count_ = other.by_count_;
  by_clock_ = other.by_clock_;
  in_row_.copy(other.in_row_);
  rejected_.store(other.rejected_.load());
  stale_.store(other.stale_.load());
  cold_ = other.cold_;
  config_ = other.config_;
  word_.store(other.word_.load());
}

void CircuitBreaker::save(Writer& writer) const {
  const std::lock_guard lock(mutex_);
  const BreakerState state = this->state();
  const auto past = [&](Nanos time, Nanos most) {
    return std::clamp<Nanos>(
        static_cast<Nanos>(static_cast<std::uint64_t>(cold_.seen) - static_cast<std::uint64_t>(time)), 0,
        most);
  };
  const Nanos left =
      static_cast<Nanos>(static_cast<std::uint64_t>(until_.load()) - static_cast<std::uint64_t>(cold_.seen));
  writer.u8(static_cast<std::uint8_t>(state));
  writer.u32(cold_.attempts);
  writer.u32(cold_.good);
  writer.u32(cold_.bad);
  writer.i64(state == BreakerState::open ? std::clamp<Nanos>(left, 0, cold_.open_for) : 0);
  writer.i64(state == BreakerState::open ? cold_.open_for : 0);
  writer.boolean(cold_.recovering);
  writer.i64(cold_.recovering ? past(cold_.closed_at, nanos(config_.backoff_memory_s)) : 0);
  for (const std::uint64_t counter :
       {cold_.trips, cold_.not_enforced, cold_.lost_probes, rejected_.load(), stale_.load()}) {
    writer.u64(counter);
  }
  writer.u64(in_row_.count());
  writer.boolean(by_time_);
  if (by_time_) {
    by_clock_.save(writer, cold_.seen);
  } else {
    by_count_.save(writer, epoch());
  }
}

void CircuitBreaker::read_state(Reader& reader) {
  const std::uint8_t code = reader.u8();
  cold_.attempts = reader.u32();
  cold_.good = reader.u32();
  cold_.bad = reader.u32();
  const Nanos left = reader.i64();
  cold_.open_for = reader.i64();
  cold_.recovering = reader.boolean();
  const Nanos closed_for = reader.i64();
  cold_.trips = reader.u64();
  cold_.not_enforced = reader.u64();
  cold_.lost_probes = reader.u64();
  rejected_.store(reader.u64());
  stale_.store(reader.u64());
  const std::uint64_t in_row = reader.u64();
  if (reader.boolean() != by_time_ || code > static_cast<std::uint8_t>(BreakerState::metrics_only)) {
    reader.fail_now();
    return;
  }
  const auto state = static_cast<BreakerState>(code);
  if (by_time_) {
    by_clock_.load(reader, epoch());
  } else {
    by_count_.load(reader, epoch());
  }
  const bool is_open = state == BreakerState::open;
  const bool probing = state == BreakerState::half_open;
  const bool sound = cold_.attempts <= 1000 && left >= 0 && left <= cold_.open_for &&
                     static_cast<std::uint64_t>(cold_.open_for) <= (is_open ? longest_ : 0) &&
                     cold_.good < (probing ? needed_probes_ : 1) &&
                     cold_.bad <= (probing ? config_.probes - needed_probes_ : 0) &&
                     (!cold_.recovering || state == BreakerState::closed) && closed_for >= 0 &&
                     closed_for <= (cold_.recovering ? nanos(config_.backoff_memory_s) : 0) &&
                     cold_.not_enforced <= cold_.trips && in_row < detail::TaggedCount::kLimit;
  if (!reader.ok() || !sound) {
    reader.fail_now();
    return;
  }
  until_.store(left);
  cold_.closed_at = -closed_for;
  in_row_.start(epoch(), in_row);
  const bool pass = state == BreakerState::closed || state >= BreakerState::forced_closed;
  word_.store(epoch() << kEpochShift | static_cast<std::uint64_t>(state) << kStateShift | kUnanchored |
              (pass ? kPasses : 0U) | (state == BreakerState::forced_open ? kShut : 0U));
}

Result<void> CircuitBreaker::load(Reader& reader) {
  CircuitBreaker loaded(config_);
  const std::lock_guard lock(mutex_);
  // A new epoch: permits from before are stale. Events stay with whoever is to take them.
  loaded.word_.store((epoch() + 1) << kEpochShift);
  loaded.read_state(reader);
  if (!reader.ok()) {
    return fail(Errc::corrupt_state,
                std::string(kName) + ": the state is cut short, damaged, or of another configuration");
  }
  loaded.cold_.ring = cold_.ring;
  loaded.cold_.events = cold_.events;
  loaded.cold_.event_number = cold_.event_number;
  loaded.cold_.events_lost = cold_.events_lost;
  loaded.cold_.serial = cold_.serial;
  assign(loaded);
  return {};
}

bool CircuitBreaker::operator==(const CircuitBreaker& other) const {
  Writer mine;
  Writer others;
  save(mine);
  other.save(others);
  return config_ == other.config_ && std::ranges::equal(mine.view(), others.view());
}

Description CircuitBreaker::describe() const {
  const BreakerStatus now = status();
  Description text;
  text.summary = "circuit breaker: " + std::string(to_string(now.state)) + ", " + std::to_string(now.trips) +
                 (now.trips == 1 ? " trip" : " trips");
  text.values = {{"state", static_cast<double>(now.state)},
                 {"calls", static_cast<double>(now.calls)},
                 {"failure_rate", now.failure_rate},
                 {"slow_rate", now.slow_rate},
                 {"failures_in_a_row", static_cast<double>(now.in_row)},
                 {"probes_good", static_cast<double>(now.probes_good)},
                 {"probes_bad", static_cast<double>(now.probes_bad)},
                 {"rejected", static_cast<double>(now.rejected)},
                 {"stale", static_cast<double>(now.stale)},
                 {"lost_probes", static_cast<double>(now.lost_probes)},
                 {"trips", static_cast<double>(now.trips)},
                 {"not_enforced", static_cast<double>(now.not_enforced)}};
  return text;
}

}  // namespace attune
