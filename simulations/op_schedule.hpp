// SPDX-License-Identifier: Apache-2.0
/// @file
/// OpSchedule: what a service would do in which order: decide, and report outcomes as they come in.
#pragma once

#include <cstddef>
#include <cstdint>
#include <queue>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include <attune/core/clock.hpp>
#include <attune/core/error.hpp>

namespace attune::sim {

/// How outcomes find their way back. Wraps any environment.
struct Delivery {
  enum class Delay : std::uint8_t { none, fixed, exponential };

  Delay delay = Delay::none;
  double seconds = 0.0;    ///< the fixed delay, or the mean of the exponential one
  double missing = 0.0;    ///< probability that an outcome never comes
  double duplicate = 0.0;  ///< probability that it comes a second time, after a delay of its own
  bool apart = false;      ///< each component comes by itself, with its own delay and luck
};

/// Reads {"delay": {"type": "none" | "fixed" | "exponential", "seconds": s}, "missing": p, "duplicate": p,
/// "apart": false}. Errors: invalid_config.
[[nodiscard]] Result<Delivery> read_delivery(const nlohmann::json& object);

/// A time in which outcomes do not get through: those due in it come at its end.
struct Hold {
  Nanos from = 0;
  Nanos until = 0;
};

/// One operation on an engine.
struct Op {
  static constexpr std::size_t kAllComponents = static_cast<std::size_t>(-1);

  bool decide = false;  ///< else: deliver
  Nanos time = 0;
  std::uint64_t step = 0;                  ///< the decision, by number
  std::size_t component = kAllComponents;  ///< index among the components that are reported
};

/// The operations of one run in order of time, a pure function of (delivery, holds, seed, horizon, pace): it
/// does not depend on what is decided, so that a run that was interrupted is carried on by skipping as many
/// operations as were recorded.
///
/// Decision t is made at start + t * pace. An outcome due at the time of a decision comes before it; outcomes
/// due at one time come in the order of their decisions.
class OpSchedule {
 public:
  OpSchedule(const Delivery& delivery, std::uint64_t seed, std::uint64_t horizon, std::size_t components,
             Nanos start, Nanos pace, std::vector<Hold> holds = {});

  /// False: there are no more.
  [[nodiscard]] bool next(Op& out);

 private:
  struct Arrival {
    Nanos time;
    std::uint64_t step;
    std::size_t component;
    std::uint32_t copy;
    bool operator>(const Arrival& other) const noexcept;
  };

  [[nodiscard]] Nanos arrival(Nanos due) const noexcept;
  void send(std::uint64_t step, std::size_t component, std::uint64_t part, Nanos decided);

  Delivery delivery_;
  std::uint64_t seed_;
  std::uint64_t horizon_;
  std::size_t parts_;  ///< outcomes a decision is reported in
  Nanos start_;
  Nanos pace_;
  std::vector<Hold> holds_;
  std::uint64_t next_step_ = 0;
  std::priority_queue<Arrival, std::vector<Arrival>, std::greater<>> arrivals_;
};

}  // namespace attune::sim
