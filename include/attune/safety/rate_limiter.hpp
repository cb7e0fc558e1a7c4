// SPDX-License-Identifier: Apache-2.0
/// @file
/// RateLimiter and TokenBucket: how much may be done per second, and how much of it at once.
#pragma once

#include <cmath>
#include <cstdint>
#include <limits>
#include <string_view>

#include <attune/core/clock.hpp>
#include <attune/core/concepts.hpp>
#include <attune/safety/relaxed_atomic.hpp>

namespace attune {

/// Options of RateLimiter and TokenBucket.
struct RateLimitConfig {
  double rate = 100.0;
  double burst = 10.0;

  template <class Self, class Visitor>
  static constexpr void fields(Self& self, Visitor&& visit) {
    visit("rate", self.rate, Bounds{1e-6, 1e7}, "cost that comes free per second");
    visit("burst", self.burst, Bounds{1e-6, 1e9}, "cost that may be spent at once");
  }
  bool operator==(const RateLimitConfig&) const = default;
};

/// Whether something may be done now, and if not, when.
struct Admission {
  static constexpr Nanos kNever = std::numeric_limits<Nanos>::max();

  Nanos wait = 0;  ///< until it would be allowed, if nobody else asks; kNever: it costs more than the burst

  [[nodiscard]] explicit operator bool() const noexcept { return wait == 0; }
};

namespace detail {

/// What limiters share: a limit as durations, and what one request does to the time at which all is paid.
///
/// A cost of c takes c / rate to come free. `paid_at` is when all that was spent will have come free; more
/// may be spent while that is no more than the burst ahead.
class RateRule {
 public:
  struct Step {
    Nanos paid_at = 0;  ///< to be kept, also where it is refused
    Nanos wait = 0;
  };

  /// `debt`: how far a forced charge may go beyond the burst. Errors: invalid_config.
  [[nodiscard]] static Result<RateRule> make(const RateLimitConfig& config, double debt = 0.0);

  /// Duration of a cost; below zero for a cost that is negative, not finite, or beyond all bounds.
  [[nodiscard]] Nanos duration(double cost) const noexcept {
    if (cost == 1.0) [[likely]] {
      return one_;
    }
    const double nanos = cost * nanos_per_unit_;
    return nanos >= 0.0 && nanos < kBound ? std::llround(nanos) : -1;
  }
  /// How far ahead of `now` payment is. A clock that was set back leaves it at the most that can be.
  [[nodiscard]] Nanos ahead(Nanos paid_at, Nanos now) const noexcept {
    const auto by = static_cast<Nanos>(static_cast<std::uint64_t>(paid_at) - static_cast<std::uint64_t>(now));
    return by < 0 ? 0 : (by > horizon_ ? horizon_ : by);
  }
  [[nodiscard]] Step take(Nanos paid_at, Nanos now, Nanos duration) const noexcept {
    const Nanos before = ahead(paid_at, now);
    if (duration < 0 || duration > burst_) {
      return {after(now, before), Admission::kNever};
    }
    if (before + duration > burst_) {
      return {after(now, before), before + duration - burst_};
    }
    return {after(now, before + duration), 0};
  }
  [[nodiscard]] static Nanos after(Nanos now, Nanos by) noexcept {
    return static_cast<Nanos>(static_cast<std::uint64_t>(now) + static_cast<std::uint64_t>(by));
  }
  [[nodiscard]] Nanos burst() const noexcept { return burst_; }
  [[nodiscard]] Nanos horizon() const noexcept { return horizon_; }
  [[nodiscard]] double units(Nanos duration) const noexcept {
    return static_cast<double>(duration) / nanos_per_unit_;
  }
  bool operator==(const RateRule&) const = default;

 private:
  static constexpr double kBound = 1e18;

  RateRule() = default;

  double nanos_per_unit_ = 1.0;
  Nanos one_ = 1;
  Nanos burst_ = 1;
  Nanos horizon_ = 1;
};

/// One limit's state: when all is paid, and the last time known.
class PaidAt {
 public:
  /// Until the first request, and after load, the time is relative to an instant 0.
  static constexpr Nanos kUnknown = std::numeric_limits<Nanos>::min();

  [[nodiscard]] Admission take(const RateRule& rule, Nanos now, Nanos duration) noexcept;
  /// Changes what is ahead by `by`, whatever the limit, to within [0, horizon].
  void move(const RateRule& rule, Nanos now, Nanos by) noexcept;
  [[nodiscard]] Nanos ahead(const RateRule& rule, Nanos now) const noexcept {
    const Nanos paid_at = paid_at_.load();
    return paid_at == kUnknown ? owed_.load() : rule.ahead(paid_at, now);
  }
  /// What is ahead, as of the last time known.
  [[nodiscard]] Nanos owed(const RateRule& rule) const noexcept { return ahead(rule, seen_.load()); }
  void restore(Nanos owed) noexcept {
    paid_at_.store(kUnknown);
    owed_.store(owed);
  }
  void observe(Nanos now) noexcept { seen_.store(now); }

 private:
  [[nodiscard]] Nanos anchored(Nanos paid_at, Nanos now) const noexcept {
    return paid_at == kUnknown ? RateRule::after(now, owed_.load()) : paid_at;
  }

  RelaxedAtomic<Nanos> paid_at_{kUnknown};
  RelaxedAtomic<Nanos> seen_{0};
  RelaxedAtomic<Nanos> owed_{0};
};

}  // namespace detail

/// Lets `rate` of cost pass per second, and `burst` of it at once, by the generic cell rate algorithm: one
/// number, no timer, exact at any time.
///
/// Any interval of t seconds passes at most burst + rate t. After `burst` at once, single requests pass
/// evenly spaced. Times are the caller's, of a monotonic clock with any zero; a clock set back delays by no
/// more than burst / rate.
///
/// Source: ITU-T Recommendation I.371 (2004), annex A, the virtual scheduling algorithm.
/// Cost: one compare-and-swap; nothing is allocated or locked. Durations are whole nanoseconds: at the
/// highest rate, 10^7 a second, costs that are no whole number are off by up to half of a hundredth of one,
/// and those below that are free. Threads: all members may be called at once.
class RateLimiter {
 public:
  using Config = RateLimitConfig;

  static constexpr std::string_view kName = "rate_limiter";
  static constexpr std::uint32_t kStateVersion = 1;

  /// Errors: invalid_config, naming the field.
  [[nodiscard]] static Result<RateLimiter> make(const Config& config);

  /// Spends `cost`, or says how long to wait. A cost that is negative, not finite or above the burst never
  /// passes; zero spends nothing, and passes unless there is a debt.
  [[nodiscard]] Admission try_acquire(Nanos now, double cost = 1.0) noexcept {
    return state_.take(rule_, now, rule_.duration(cost));
  }
  /// Takes a cost back that was spent for nothing.
  void give_back(Nanos now, double cost = 1.0) noexcept;
  /// Tells the time, so that what is saved is as of now and not as of the last request that passed.
  void observe(Nanos now) noexcept { state_.observe(now); }

  void save(Writer& writer) const;
  /// Errors: corrupt_state; unchanged on error.
  [[nodiscard]] Result<void> load(Reader& reader);
  [[nodiscard]] Description describe() const;
  [[nodiscard]] bool operator==(const RateLimiter& other) const noexcept {
    return rule_ == other.rule_ && state_.owed(rule_) == other.state_.owed(other.rule_);
  }

 private:
  explicit RateLimiter(const detail::RateRule& rule) : rule_(rule) {}

  detail::RateRule rule_;
  detail::PaidAt state_;
};

/// Options of TokenBucket.
struct TokenBucketConfig {
  double rate = 100.0;
  double burst = 10.0;
  double debt = 0.0;

  template <class Self, class Visitor>
  static constexpr void fields(Self& self, Visitor&& visit) {
    visit("rate", self.rate, Bounds{1e-6, 1e7}, "tokens that come in per second");
    visit("burst", self.burst, Bounds{1e-6, 1e9}, "tokens that the bucket holds");
    visit("debt", self.debt, Bounds{0.0, 1e9}, "tokens that charge() may take beyond those that are there");
  }
  bool operator==(const TokenBucketConfig&) const = default;
};

/// The same limit as a bucket of tokens that fills at `rate` up to `burst`: for costs that are known only
/// afterwards. charge() takes them even into debt, which is paid before anything passes again.
///
/// Passes exactly what a RateLimiter passes as long as nothing is charged: the bucket holds burst less what
/// is still to be paid. It starts full. Cost and threads as for RateLimiter.
class TokenBucket {
 public:
  using Config = TokenBucketConfig;

  static constexpr std::string_view kName = "token_bucket";
  static constexpr std::uint32_t kStateVersion = 1;

  /// Errors: invalid_config, naming the field.
  [[nodiscard]] static Result<TokenBucket> make(const Config& config);

  /// Takes `cost` tokens, or says how long to wait for them; else as RateLimiter::try_acquire.
  [[nodiscard]] Admission try_acquire(Nanos now, double cost = 1.0) noexcept {
    return state_.take(rule_, now, rule_.duration(cost));
  }
  /// Takes `cost` tokens whether they are there or not, to no less than -debt.
  void charge(Nanos now, double cost) noexcept;
  /// Puts tokens back, to no more than burst.
  void give_back(Nanos now, double cost = 1.0) noexcept;
  /// Tokens that are there; below zero: owed.
  [[nodiscard]] double available(Nanos now) const noexcept;
  void observe(Nanos now) noexcept { state_.observe(now); }

  void save(Writer& writer) const;
  /// Errors: corrupt_state; unchanged on error.
  [[nodiscard]] Result<void> load(Reader& reader);
  [[nodiscard]] Description describe() const;
  [[nodiscard]] bool operator==(const TokenBucket& other) const noexcept {
    return rule_ == other.rule_ && state_.owed(rule_) == other.state_.owed(other.rule_);
  }

 private:
  explicit TokenBucket(const detail::RateRule& rule) : rule_(rule) {}

  detail::RateRule rule_;
  detail::PaidAt state_;
};

}  // namespace attune
