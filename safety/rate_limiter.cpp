// SPDX-License-Identifier: Apache-2.0
#include <attune/safety/rate_limiter.hpp>

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

namespace attune {

static_assert(check_persistent<RateLimiter>());
static_assert(check_persistent<TokenBucket>());

namespace detail {

Result<RateRule> RateRule::make(const RateLimitConfig& config, double debt) {
  if (Result<void> verdict = check_bounds(config); !verdict) {
    return tl::unexpected(std::move(verdict).error());
  }
  RateRule rule;
  rule.nanos_per_unit_ = static_cast<double>(kSecond) / config.rate;
  const double burst = config.burst * rule.nanos_per_unit_;
  if (burst < 1.0 || burst + debt * rule.nanos_per_unit_ > kBound) {
    return fail(Errc::invalid_config, "burst = " + number_text(config.burst) + " takes " +
                                          number_text(burst * 1e-9) +
                                          " s to come free at rate = " + number_text(config.rate) +
                                          "; allowed are 1e-9 to 1e9 s, with the debt");
  }
  rule.one_ = std::max<Nanos>(1, std::llround(rule.nanos_per_unit_));
  rule.burst_ = std::llround(burst);
  rule.horizon_ = rule.burst_ + std::llround(debt * rule.nanos_per_unit_);
  return rule;
}

Admission PaidAt::take(const RateRule& rule, Nanos now, Nanos duration) noexcept {
  Nanos seen = paid_at_.load();
  for (;;) {
    const RateRule::Step step = rule.take(anchored(seen, now), now, duration);
    // A refusal leaves the time as it is, unless the clock was set back: then it would never come.
    const bool keep = step.wait != 0 && seen != kUnknown && seen <= RateRule::after(now, rule.horizon());
    if (keep) {
      return {step.wait};
    }
    if (paid_at_.replace(seen, step.paid_at)) {
      seen_.store(now);
      return {step.wait};
    }
  }
}

void PaidAt::move(const RateRule& rule, Nanos now, Nanos by) noexcept {
  Nanos seen = paid_at_.load();
  for (;;) {
    const Nanos ahead = rule.ahead(anchored(seen, now), now);
    const Nanos moved = std::clamp<Nanos>(ahead + by, 0, rule.horizon());
    if (paid_at_.replace(seen, RateRule::after(now, moved))) {
      seen_.store(now);
      return;
    }
  }
}

namespace {

void save_owed(Writer& writer, const RateRule& rule, const PaidAt& state) { writer.i64(state.owed(rule)); }

[[nodiscard]] Result<void> load_owed(Reader& reader, const RateRule& rule, PaidAt& state,
                                     std::string_view name) {
  const Nanos owed = reader.i64();
  if (!reader.ok() || owed < 0 || owed > rule.horizon()) {
    return fail(Errc::corrupt_state,
                std::string(name) + ": the state is cut short, or owes more than the limit allows");
  }
  state.restore(owed);
  return {};
}

}  // namespace
}  // namespace detail

Result<RateLimiter> RateLimiter::make(const Config& config) {
  return detail::RateRule::make(config).map([](const detail::RateRule& rule) { return RateLimiter(rule); });
}

void RateLimiter::give_back(Nanos now, double cost) noexcept {
  state_.move(rule_, now, -std::max<Nanos>(0, rule_.duration(cost)));
}

void RateLimiter::save(Writer& writer) const { detail::save_owed(writer, rule_, state_); }

Result<void> RateLimiter::load(Reader& reader) { return detail::load_owed(reader, rule_, state_, kName); }

Description RateLimiter::describe() const {
  Description text;
  const double left = rule_.units(rule_.burst() - state_.owed(rule_));
  text.summary = "rate limiter: " + number_text(left) + " may be spent at once";
  text.values = {{"left", left}};
  return text;
}

Result<TokenBucket> TokenBucket::make(const Config& config) {
  if (Result<void> verdict = check_bounds(config); !verdict) {
    return tl::unexpected(std::move(verdict).error());
  }
  return detail::RateRule::make({config.rate, config.burst}, config.debt)
      .map([](const detail::RateRule& rule) { return TokenBucket(rule); });
}

void TokenBucket::charge(Nanos now, double cost) noexcept {
  state_.move(rule_, now, std::max<Nanos>(0, rule_.duration(cost)));
}

void TokenBucket::give_back(Nanos now, double cost) noexcept {
  state_.move(rule_, now, -std::max<Nanos>(0, rule_.duration(cost)));
}

double TokenBucket::available(Nanos now) const noexcept {
  return rule_.units(rule_.burst() - state_.ahead(rule_, now));
}

void TokenBucket::save(Writer& writer) const { detail::save_owed(writer, rule_, state_); }

Result<void> TokenBucket::load(Reader& reader) { return detail::load_owed(reader, rule_, state_, kName); }

Description TokenBucket::describe() const {
  Description text;
  const double left = rule_.units(rule_.burst() - state_.owed(rule_));
  text.summary = "token bucket: " + number_text(left) + " tokens";
  text.values = {{"tokens", left}};
  return text;
}

}  // namespace attune
