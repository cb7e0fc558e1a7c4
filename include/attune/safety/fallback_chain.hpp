// SPDX-License-Identifier: Apache-2.0
/// @file
/// FallbackChain: asks one after the other until somebody answers in time.
#pragma once

#include <array>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <ranges>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <attune/safety/breaker.hpp>
#include <attune/safety/deadline.hpp>

namespace attune {

/// How one member of a chain fared.
enum class AttemptOutcome : std::uint8_t {
  not_asked = 0,  ///< somebody before it answered
  answered = 1,
  rejected = 2,     ///< its breaker let no call through
  failed = 3,       ///< it returned an error
  not_finite = 4,   ///< it returned NaN or infinity
  late = 5,         ///< it answered after the deadline
  out_of_time = 6,  ///< the deadline was over before its turn
};
[[nodiscard]] std::string_view to_string(AttemptOutcome outcome) noexcept;

struct Attempt {
  AttemptOutcome outcome = AttemptOutcome::not_asked;
  Rejection rejection = Rejection::none;  ///< outcome == rejected
  Errc error = Errc::ok;                  ///< outcome == failed
  Nanos took = 0;
};

/// What the members of a chain are called and how their breakers are set.
struct FallbackMember {
  std::string name;
  BreakerConfig breaker;
};

/// Options of FallbackChain.
struct FallbackConfig {
  std::vector<FallbackMember> members;  ///< 1 to kMost, in the order in which they are asked
  double cache_s = 0.0;  ///< age up to which the last good answer is given when nobody answers; 0: never

  static constexpr std::size_t kMost = 8;
};

namespace detail {

/// False for NaN and infinity, alone or within a range.
template <class T>
[[nodiscard]] bool is_finite_answer(const T& value) {
  if constexpr (std::floating_point<T>) {
    return std::isfinite(value);
  } else if constexpr (std::ranges::input_range<const T>) {
    if constexpr (std::floating_point<std::ranges::range_value_t<const T>>) {
      for (const auto each : value) {
        if (!std::isfinite(each)) {
          return false;
        }
      }
    }
  }
  return true;
}

/// What an error says about the callee.
[[nodiscard]] CallResult result_of(Errc error) noexcept;
[[nodiscard]] Result<std::vector<CircuitBreaker>> make_breakers(const FallbackConfig& config);
[[nodiscard]] std::string explain_attempts(const std::vector<std::string>& names, const Attempt* attempts);

/// Reports a permit as failed unless somebody else did: a callable that throws keeps no probe's place.
class PermitGuard {
 public:
  PermitGuard(CircuitBreaker& breaker, const Permit& permit, const Clock& clock) noexcept
      : breaker_(breaker), permit_(permit), clock_(clock), start_(clock.now()) {}
  PermitGuard(const PermitGuard&) = delete;
  PermitGuard& operator=(const PermitGuard&) = delete;
  PermitGuard(PermitGuard&&) = delete;
  PermitGuard& operator=(PermitGuard&&) = delete;
  ~PermitGuard() {
    if (open_) {
      const Nanos now = clock_.now();
      breaker_.record(permit_, CallResult::failure, now - start_, now);
    }
  }
  /// Gives how long the call took.
  Nanos report(CallResult result, Nanos now) noexcept {
    open_ = false;
    breaker_.record(permit_, result, now - start_, now);
    return now - start_;
  }

 private:
  CircuitBreaker& breaker_;
  Permit permit_;
  const Clock& clock_;
  Nanos start_;
  bool open_ = true;
};

}  // namespace detail

/// Asks callables in order until one answers in time, each behind a breaker of its own, all under one
/// deadline.
///
///     auto answer = chain.run(clock, Deadline::after(clock.now(), budget),
///                             [&](Deadline by) { return model.score(request, by); },
///                             [&] { return Result<double>(baseline(request)); });
///
/// A callable takes the deadline or nothing and returns Result<T>. What is an error, not finite or late
/// counts against its breaker, and the next one is asked; invalid_argument and dimension_mismatch are the
/// caller's mistake and count against nobody. When the deadline is over nobody else is asked. Then comes the
/// last good answer of any member, if it is not older than `cache_s`: also one that was just late.
///
/// Cost: two
/// clock readings and a breaker's permit and record a member asked; with a cache, one lock and one copy of
/// the answer.
///
/// Threads: run may be called at once.
template <class T>
class FallbackChain {
 public:
  struct Answer {
    static constexpr std::size_t kCached = FallbackConfig::kMost;
    static constexpr std::size_t kNobody = FallbackConfig::kMost + 1;

    std::optional<T> value;
    std::size_t from = kNobody;  ///< index of the member that answered
    Nanos age = 0;               ///< of a cached answer
    std::array<Attempt, FallbackConfig::kMost> attempts{};

    [[nodiscard]] explicit operator bool() const noexcept { return value.has_value(); }
  };

  /// Errors: invalid_config, naming the member and the field.
  [[nodiscard]] static Result<FallbackChain> make(const FallbackConfig& config) {
    return detail::make_breakers(config).map(
        [&](std::vector<CircuitBreaker>&& breakers) { return FallbackChain(config, std::move(breakers)); });
  }

  /// One callable a member, in their order; a member without one, and one without a member, is not asked.
  /// What a callable throws passes through, as a failure of its member.
  template <class... Calls>
  [[nodiscard]] Answer run(const Clock& clock, [[maybe_unused]] Deadline deadline, Calls&&... calls) {
    static_assert(sizeof...(Calls) <= FallbackConfig::kMost, "FallbackChain: at most kMost members");
    Answer answer;
    std::size_t index = 0;
    (ask(clock, deadline, index++, std::forward<Calls>(calls), answer), ...);
    if (!answer.value && cache_ != nullptr) {
      use_cache(clock.now(), answer);
    }
    return answer;
  }

  [[nodiscard]] std::size_t size() const noexcept { return breakers_.size(); }
  [[nodiscard]] const std::string& name(std::size_t member) const { return names_.at(member); }
  /// To look at, to force, to save. Throws std::out_of_range.
  [[nodiscard]] CircuitBreaker& breaker(std::size_t member) { return breakers_.at(member); }
  /// Why those that did not answer did not: "model: rejected (open); baseline: answered". Allocates.
  [[nodiscard]] std::string explain(const Answer& answer) const {
    return detail::explain_attempts(names_, answer.attempts.data());
  }

 private:
  struct Cache {
    std::mutex mutex;
    std::optional<T> value;
    Nanos time = 0;
  };

  FallbackChain(const FallbackConfig& config, std::vector<CircuitBreaker>&& breakers)
      : breakers_(std::move(breakers)),
        cache_age_(std::llround(config.cache_s * static_cast<double>(kSecond))),
        cache_(config.cache_s > 0.0 ? std::make_unique<Cache>() : nullptr) {
    for (const FallbackMember& member : config.members) {
      names_.push_back(member.name);
    }
  }

  template <class Call>
  void ask(const Clock& clock, Deadline deadline, std::size_t index, Call&& call, Answer& answer) {
    if (answer.value || index >= breakers_.size()) {
      return;
    }
    Attempt& attempt = answer.attempts[index];
    const Nanos start = clock.now();
    if (deadline.over(start)) {
      attempt.outcome = AttemptOutcome::out_of_time;
      return;
    }
    const Permit permit = breakers_[index].try_acquire(start);
    if (!permit) {
      attempt.outcome = AttemptOutcome::rejected;
      attempt.rejection = permit.rejection();
      return;
    }
    detail::PermitGuard guard(breakers_[index], permit, clock);
    Result<T> result = [&]() -> Result<T> {
      if constexpr (std::is_invocable_v<Call, Deadline>) {
        return std::forward<Call>(call)(deadline);
      } else {
        return std::forward<Call>(call)();
      }
    }();
    const Nanos now = clock.now();
    CallResult told = CallResult::success;
    if (!result) {
      attempt.outcome = AttemptOutcome::failed;
      attempt.error = result.error().code;
      told = detail::result_of(attempt.error);
    } else if (!detail::is_finite_answer(*result)) {
      attempt.outcome = AttemptOutcome::not_finite;
      told = CallResult::non_finite;
    } else {
      attempt.outcome = deadline.over(now) ? AttemptOutcome::late : AttemptOutcome::answered;
      told = deadline.over(now) ? CallResult::timeout : CallResult::success;
      keep(*result, now);
    }
    attempt.took = guard.report(told, now);
    if (attempt.outcome == AttemptOutcome::answered) {
      answer.value.emplace(std::move(*result));
      answer.from = index;
    }
  }

  void keep(const T& value, Nanos now) {
    if (cache_ != nullptr) {
      const std::lock_guard lock(cache_->mutex);
      cache_->value = value;
      cache_->time = now;
    }
  }
  void use_cache(Nanos now, Answer& answer) {
    const std::lock_guard lock(cache_->mutex);
    const Nanos age = now < cache_->time ? 0 : now - cache_->time;
    if (cache_->value && age <= cache_age_) {
      answer.value = cache_->value;
      answer.from = Answer::kCached;
      answer.age = age;
    }
  }

  std::vector<std::string> names_;
  std::vector<CircuitBreaker> breakers_;
  Nanos cache_age_;
  std::unique_ptr<Cache> cache_;
};

}  // namespace attune
