// SPDX-License-Identifier: Apache-2.0
/// @file
/// GuardCell: one guard's judgement of one arm, or of a whole point.
#pragma once

#include <cstdint>
#include <limits>

#include <attune/core/clock.hpp>
#include <attune/core/serial.hpp>
#include <attune/safety/quantile_sketch.hpp>

#include "engine/safety_config.hpp"

namespace attune {

enum class GuardState : std::uint8_t { quiet, tripped, probation };

/// Watches samples over two half-windows. When their statistic breaks the limit it trips; after a cool-down
/// it is on probation until so many new samples say that it is sound, or it trips again with the cool-down
/// doubled. Budgets come back when their period ends instead. Time is that of records.
///
/// Rates are judged by Wilson's lower bound and means by their upper bound, so that few samples do not trip
/// it. Source: Wilson (1927), "Probable Inference, the Law of Succession, and Statistical Inference",
/// JASA 22(158).
class GuardCell {
 public:
  static constexpr Nanos kNever = std::numeric_limits<Nanos>::max();

  /// A sample for a decision made at `decided`. True when the state is another one now.
  bool add(const GuardConfig& rules, double value, Nanos decided, Nanos now);
  /// Cool-downs and periods that ended. True when the state is another one now.
  bool pass(const GuardConfig& rules, Nanos now);
  /// Next time at which pass() does something; kNever: none.
  [[nodiscard]] Nanos deadline() const noexcept { return state_ == GuardState::tripped ? until_ : kNever; }

  // Shares of traffic are judged by who knows all arms.
  void count() noexcept { ++now_.n; }
  void turn() noexcept;
  /// Half-windows that have ended, at most 2; they count as turned then.
  [[nodiscard]] int due_turns(const GuardConfig& rules, Nanos now) noexcept;
  [[nodiscard]] std::uint64_t samples() const noexcept { return now_.n + before_.n; }
  void set_tripped(bool on, double value, Nanos now) noexcept;

  [[nodiscard]] GuardState state() const noexcept { return state_; }
  [[nodiscard]] std::uint64_t trips() const noexcept { return trips_; }
  [[nodiscard]] Nanos since() const noexcept { return since_; }
  /// What is compared with the limit; NaN without samples.
  [[nodiscard]] double measure(const GuardConfig& rules) const noexcept;

  void save(const GuardConfig& rules, Writer& writer) const;
  /// Fails the reader on what cannot be.
  void load(const GuardConfig& rules, Reader& reader);

 private:
  struct Half {
    std::uint64_t n = 0;
    std::uint64_t bad = 0;
    double mean = 0.0;
    double squares = 0.0;  ///< sum of squared distances from the mean
    QuantileSketch sketch;

    void add(const GuardConfig& rules, double value);
    void clear() noexcept;
  };

  bool spend(const GuardConfig& rules, double value, Nanos now);
  bool turn_period(const GuardConfig& rules, Nanos now) noexcept;
  [[nodiscard]] bool breaks(const GuardConfig& rules) const noexcept;
  [[nodiscard]] bool recovered(const GuardConfig& rules) const noexcept;
  void trip(const GuardConfig& rules, Nanos now) noexcept;
  void forget_samples() noexcept;

  GuardState state_ = GuardState::quiet;
  std::uint64_t trips_ = 0;
  Nanos since_ = 0;     // of the present state
  Nanos until_ = 0;     // end of the cool-down, or of the period
  Nanos cooldown_ = 0;  // of the last trip
  double at_trip_ = 0.0;
  std::int64_t turn_ = 0;  // number of the present half-window or period, where time counts
  Half now_;
  Half before_;
  double spent_ = 0.0;  // budgets: in this period
  double carry_ = 0.0;
};

}  // namespace attune
