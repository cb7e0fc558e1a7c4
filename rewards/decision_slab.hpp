// SPDX-License-Identifier: Apache-2.0
/// @file
/// DecisionSlab: the decisions that a collector holds, in reused slots, oldest first.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <attune/rewards/collector.hpp>

#include "core/id_index.hpp"
#include "rewards/reward_former.hpp"
#include "rewards/signal_pool.hpp"

namespace attune::detail {

/// A decision with what is known of its reward.
struct HeldDecision {
  PendingDecision decision;
  SignalList signals;
  double reward = 0.0;  ///< when resolved
  RewardOrigin origin = RewardOrigin::observed;
  bool resolved = false;  ///< its own reward is formed; it waits for its episode
  bool past_due = false;  ///< its window ended; it waits for its episode
  bool terminal = false;
  bool truncated = false;
  bool has_next = false;  ///< the state after a truncated episode was given:
  std::vector<double> next_dense;
  std::vector<std::uint32_t> next_index;
  std::vector<double> next_value;

  std::uint64_t step = 0;  ///< number in its episode
  std::uint32_t chain = kNone;
  std::uint32_t chain_before = kNone;  ///< neighbours in its episode
  std::uint32_t chain_after = kNone;
  std::uint32_t older = kNone;  ///< neighbours in the list of all
  std::uint32_t newer = kNone;

  [[nodiscard]] Input next() const noexcept { return {next_dense, {next_index, next_value}}; }
};

/// Slots with vectors that keep their capacity, and a list through those in use. As the fold's time never
/// goes back and the window is one for all, order of age is order of deadlines: `due` is the oldest that
/// still has one.
class DecisionSlab {
 public:
  explicit DecisionSlab(std::size_t components) : components_(components) {}

  [[nodiscard]] HeldDecision& operator[](std::uint32_t at) noexcept { return slots_[at]; }
  [[nodiscard]] const HeldDecision& operator[](std::uint32_t at) const noexcept { return slots_[at]; }
  [[nodiscard]] std::span<Accumulator> parts(std::uint32_t at) noexcept {
    return std::span(parts_).subspan(at * components_, components_);
  }
  [[nodiscard]] std::span<const Accumulator> parts(std::uint32_t at) const noexcept {
    return std::span(parts_).subspan(at * components_, components_);
  }

  /// A cleared slot outside the list; its vectors keep their old contents.
  [[nodiscard]] std::uint32_t take();
  /// Gives back a slot that is outside the list.
  void give_back(std::uint32_t at) noexcept {
    slots_[at].newer = free_;
    free_ = at;
  }

  /// Appends as the newest, with a deadline to come unless it is marked past_due.
  void link(std::uint32_t at) noexcept;
  void unlink(std::uint32_t at) noexcept;
  /// Passes the deadline of the oldest that has one.
  std::uint32_t pass_due() noexcept {
    const std::uint32_t at = due_;
    slots_[at].past_due = true;
    due_ = slots_[at].newer;
    return at;
  }

  [[nodiscard]] std::uint32_t oldest() const noexcept { return oldest_; }
  [[nodiscard]] std::uint32_t newest() const noexcept { return newest_; }
  [[nodiscard]] std::uint32_t due() const noexcept { return due_; }
  [[nodiscard]] std::size_t held() const noexcept { return held_; }

  void reserve(const Collector::Sizes& sizes);

 private:
  std::size_t components_;
  std::vector<HeldDecision> slots_;
  std::vector<Accumulator> parts_;  ///< slots x components
  std::uint32_t free_ = kNone;
  std::uint32_t oldest_ = kNone;
  std::uint32_t newest_ = kNone;
  std::uint32_t due_ = kNone;
  std::size_t held_ = 0;
};

}  // namespace attune::detail
