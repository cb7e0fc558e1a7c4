// SPDX-License-Identifier: Apache-2.0
#include "engine/guard_cell.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

namespace attune {
namespace {

constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();
constexpr std::int64_t kMostTurns = 64;  // periods without spending after which what is carried is settled

[[nodiscard]] Nanos nanos(double seconds) noexcept {
  return static_cast<Nanos>(seconds * static_cast<double>(kSecond));
}

/// Floor of time / length, also before 1970.
[[nodiscard]] std::int64_t turn_of(Nanos time, Nanos length) noexcept {
  return time / length - (time % length < 0 ? 1 : 0);
}

[[nodiscard]] Nanos later(Nanos time, Nanos span) noexcept {
  return time > GuardCell::kNever - 1 - span ? GuardCell::kNever - 1 : time + span;
}

[[nodiscard]] double wilson_lower(double bad, double n, double z) noexcept {
  const double p = bad / n;
  const double zz = z * z / n;
  const double middle = p + zz / 2.0;
  const double spread = z * std::sqrt(p * (1.0 - p) / n + zz / (4.0 * n));
  return (middle - spread) / (1.0 + zz);
}

}  // namespace

void GuardCell::Half::add(const GuardConfig& rules, double value) {
  ++n;
  bad += value > rules.above ? 1 : 0;
  const double step = value - mean;
  mean += step / static_cast<double>(n);
  squares += step * (value - mean);
  if (rules.kind == GuardKind::latency) {
    static_cast<void>(sketch.add(value));  // outcomes are finite
  }
}

void GuardCell::Half::clear() noexcept {
  n = 0;
  bad = 0;
  mean = 0.0;
  squares = 0.0;
  sketch.clear();
}

void GuardCell::forget_samples() noexcept {
  now_.clear();
  before_.clear();
}

void GuardCell::turn() noexcept {
  std::swap(now_, before_);
  now_.clear();
}

int GuardCell::due_turns(const GuardConfig& rules, Nanos now) noexcept {
  if (rules.window > 0) {
    return now_.n >= rules.window / 2 ? 1 : 0;
  }
  const std::int64_t at = turn_of(now, std::max<Nanos>(1, nanos(rules.window_s / 2.0)));
  const int turns = at <= turn_ ? 0 : at == turn_ + 1 ? 1 : 2;
  turn_ = std::max(turn_, at);
  return turns;
}

double GuardCell::measure(const GuardConfig& rules) const noexcept {
  const double n = static_cast<double>(samples());
  switch (rules.kind) {
    case GuardKind::latency:
      return QuantileSketch::quantile(rules.quantile, now_.sketch, &before_.sketch);
    case GuardKind::rate:
      return n > 0.0 ? static_cast<double>(now_.bad + before_.bad) / n : kUnknown;
    case GuardKind::quality:
      return n > 0.0
                 ? (now_.mean * static_cast<double>(now_.n) + before_.mean * static_cast<double>(before_.n)) /
                       n
                 : kUnknown;
    case GuardKind::budget:
      return spent_;
    case GuardKind::share:
      return at_trip_;
  }
  return kUnknown;
}

bool GuardCell::breaks(const GuardConfig& rules) const noexcept {
  const double n = static_cast<double>(samples());
  if (samples() < rules.min_samples) {
    return false;
  }
  if (rules.kind == GuardKind::latency) {
    return measure(rules) > rules.limit;
  }
  if (rules.kind == GuardKind::rate) {
    return wilson_lower(static_cast<double>(now_.bad + before_.bad), n, rules.z) > rules.limit;
  }
  const double gap = now_.mean - before_.mean;
  const double squares = now_.squares + before_.squares +
                         gap * gap * static_cast<double>(now_.n) * static_cast<double>(before_.n) / n;
  const double error = n > 1.0 ? std::sqrt(squares / (n - 1.0) / n) : 0.0;
  return measure(rules) + rules.z * error < rules.limit;
}

bool GuardCell::recovered(const GuardConfig& rules) const noexcept {
  const double found = measure(rules);
  return rules.kind == GuardKind::quality ? found >= rules.recover : found <= rules.recover;
}

void GuardCell::trip(const GuardConfig& rules, Nanos now) noexcept {
  at_trip_ = measure(rules);
  // A return that did not last as long as the pause before it does not start from the beginning.
  const bool again = trips_ > 0 && (state_ == GuardState::probation || now - since_ <= cooldown_);
  const Nanos most = nanos(rules.cooldown_max_s);
  cooldown_ = again ? std::min(most, cooldown_ > most / 2 ? most : 2 * cooldown_) : nanos(rules.cooldown_s);
  ++trips_;
  state_ = GuardState::tripped;
  since_ = now;
  until_ = later(now, cooldown_);
  forget_samples();
}

bool GuardCell::add(const GuardConfig& rules, double value, Nanos decided, Nanos now) {
  if (rules.kind == GuardKind::budget) {
    return spend(rules, value, now);
  }
  if (state_ == GuardState::tripped || (state_ == GuardState::probation && decided < since_)) {
    return false;  // of a decision from before
  }
  if (state_ == GuardState::quiet) {
    for (int turns = due_turns(rules, now); turns > 0; --turns) {
      turn();
    }
  }
  now_.add(rules, value);
  if (state_ == GuardState::quiet) {
    if (!breaks(rules)) {
      return false;
    }
    trip(rules, now);
    return true;
  }
  if (now_.n < rules.probation_samples) {
    return false;
  }
  if (recovered(rules)) {
    state_ = GuardState::quiet;
    since_ = now;
  } else {
    trip(rules, now);
  }
  return true;
}

bool GuardCell::pass(const GuardConfig& rules, Nanos now) {
  if (rules.kind == GuardKind::budget) {
    return turn_period(rules, now);
  }
  if (rules.kind == GuardKind::share || state_ != GuardState::tripped || now < until_) {
    return false;
  }
  state_ = GuardState::probation;
  since_ = now;
  forget_samples();
  return true;
}

bool GuardCell::turn_period(const GuardConfig& rules, Nanos now) noexcept {
  const Nanos length = std::max<Nanos>(1, nanos(rules.period_s));
  const std::int64_t at = turn_of(now, length);
  if (at <= turn_) {
    return false;
  }
  if (now_.n == 0) {  // nothing was spent ever: this is the first period
    turn_ = at;
    return false;
  }
  for (std::int64_t i = std::min(at - turn_, kMostTurns); i > 0; --i) {
    const double left = std::clamp(rules.limit + carry_ - spent_, -rules.limit, rules.limit);
    carry_ = rules.carry_over * left;
    spent_ = 0.0;
  }
  turn_ = at;
  if (state_ != GuardState::tripped || carry_ <= -rules.limit) {
    until_ = later(turn_ * length, length);
    return false;
  }
  state_ = GuardState::quiet;
  since_ = now;
  return true;
}

bool GuardCell::spend(const GuardConfig& rules, double value, Nanos now) {
  const bool turned = turn_period(rules, now);
  spent_ += value;
  ++now_.n;
  if (state_ == GuardState::tripped || spent_ < rules.limit + carry_) {
    return turned;
  }
  at_trip_ = spent_;
  ++trips_;
  state_ = GuardState::tripped;
  since_ = now;
  const Nanos length = std::max<Nanos>(1, nanos(rules.period_s));
  until_ = later(turn_ * length, length);
  return !turned;  // back and out again within one record is no change
}

void GuardCell::set_tripped(bool on, double value, Nanos now) noexcept {
  state_ = on ? GuardState::tripped : GuardState::quiet;
  trips_ += on ? 1 : 0;
  at_trip_ = value;
  since_ = now;
  until_ = kNever;
}

// ---------------------------------------------------------------------------------------------------- state

void GuardCell::save(const GuardConfig& rules, Writer& writer) const {
  writer.u8(static_cast<std::uint8_t>(state_));
  writer.u64(trips_);
  for (const Nanos time : {since_, until_, cooldown_, turn_}) {
    writer.i64(time);
  }
  for (const double number : {at_trip_, spent_, carry_}) {
    writer.f64(number);
  }
  for (const Half* half : {&now_, &before_}) {
    writer.u64(half->n);
    writer.u64(half->bad);
    writer.f64(half->mean);
    writer.f64(half->squares);
    if (rules.kind == GuardKind::latency) {
      half->sketch.save(writer);
    }
  }
}

void GuardCell::load(const GuardConfig& rules, Reader& reader) {
  const std::uint8_t state = reader.u8();
  if (state > static_cast<std::uint8_t>(GuardState::probation)) {
    reader.fail_now();
    return;
  }
  state_ = static_cast<GuardState>(state);
  trips_ = reader.u64();
  for (Nanos* time : {&since_, &until_, &cooldown_, &turn_}) {
    *time = reader.i64();
  }
  at_trip_ = reader.f64();
  spent_ = reader.f64();
  carry_ = reader.finite();
  for (Half* half : {&now_, &before_}) {
    half->n = reader.u64();
    half->bad = reader.u64();
    half->mean = reader.f64();
    half->squares = reader.f64();
    if (rules.kind == GuardKind::latency && !half->sketch.load(reader)) {
      reader.fail_now();
    }
    if (half->bad > half->n) {
      reader.fail_now();
    }
  }
}

}  // namespace attune
