// SPDX-License-Identifier: Apache-2.0
/// @file
/// RestartMeans: ArmMeans that begin anew when the rewards of an arm have changed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <attune/policies/arm_means.hpp>

namespace attune {

/// ArmMeans of rewards in [0, 1], with a test of every arm for a change of its mean: the generalised
/// likelihood ratio of coins,
///
///     max over s of  W1 kl(mean1, mean) + W2 kl(mean2, mean)  >=  ln(3 W^(3/2) / delta),
///
/// W1 and mean1 of the rewards of decisions before s, W2 and mean2 of those from s on, W and mean of both. s
/// goes over the edges of at most `points` blocks, single rewards at first and the wider the older they are.
/// A reward goes into the block of its decision, however late it comes; one of a decision before the change
/// that was found is not learned.
///
/// Cost: update O(points). Memory: that of ArmMeans and 24 bytes a block of an arm.
class RestartMeans : private ArmMeans {
 public:
  /// `local`: only the arm that has changed begins anew.
  RestartMeans(const Shape& shape, std::size_t points, double delta, bool local);

  /// Errors: as ArmMeans::update.
  [[nodiscard]] Errc update(const Feedback& feedback) noexcept;
  [[nodiscard]] Result<ArmIndex> add_arm();
  Errc reset_arm(ArmIndex arm) noexcept;
  Errc forget(ArmIndex arm, double keep) noexcept;

  using ArmMeans::arms;
  using ArmMeans::check;
  using ArmMeans::count;
  using ArmMeans::counted;
  using ArmMeans::expectation;
  using ArmMeans::mean;
  using ArmMeans::note_lost;
  using ArmMeans::note_pull;
  using ArmMeans::pending;
  using ArmMeans::pending_total;
  using ArmMeans::set_enabled;
  using ArmMeans::total;
  using ArmMeans::updates;
  using ArmMeans::variance;
  using ArmMeans::warm_start;  ///< forgotten at the next restart
  using ArmMeans::weight;

  [[nodiscard]] std::uint64_t restarts() const noexcept { return restarts_; }

  void save(Writer& writer) const;
  /// As ArmMeans::load.
  [[nodiscard]] bool load(Reader& reader, const char*& problem);
  bool operator==(const RestartMeans&) const = default;

 private:
  /// Rewards of successive decisions.
  struct Block {
    std::uint64_t first = 0;  ///< number of its first decision
    double weight = 0.0;
    double sum = 0.0;  ///< of weight * reward

    bool operator==(const Block&) const = default;
  };

  [[nodiscard]] std::span<Block> blocks(std::size_t arm) noexcept;
  void insert(std::size_t arm, std::uint64_t sequence, double reward, double weight) noexcept;
  void merge(std::size_t arm) noexcept;
  [[nodiscard]] std::size_t changed_at(std::size_t arm) const noexcept;
  void restart(std::size_t arm, std::uint64_t since) noexcept;
  [[nodiscard]] bool sound(std::size_t arm) const noexcept;

  std::size_t points_;
  double log_delta_;
  bool local_;
  std::vector<Block> blocks_;         // arms x points, in the order of decisions; those not used are empty
  std::vector<std::uint32_t> used_;   // by arm
  std::vector<std::uint64_t> since_;  // by arm: rewards of earlier decisions are not learned
  std::uint64_t next_ = 0;            // the decision after the latest that a reward came for
  std::uint64_t restarts_ = 0;
};

}  // namespace attune
