// SPDX-License-Identifier: Apache-2.0
/// @file
/// ExplorationWatch: how much is explored, and whether what was earned pays for more.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include <attune/core/serial.hpp>
#include <attune/core/vocabulary.hpp>

#include "engine/safety_config.hpp"

namespace attune {

/// Counts decisions over two half-windows, and bounds from below what was earned compared with always having
/// played the baseline.
///
/// Source of the second: Wu, Shariff, Lattimore, Szepesvari (2016), "Conservative Bandits", ICML, section 4
/// (unknown baseline reward). Rewards are mapped to [0, 1] and clamped; bounds are Hoeffding's, at confidence
/// delta over all arms and times: each slot and number of rewards has its share of delta, so that arms may
/// come. The arm to be explored counts with reward 0 and decisions without a reward with 0, so that the
/// verdict does not depend on the draw.
class ExplorationWatch {
 public:
  void decided(const ExplorationConfig& rules, ArmIndex arm, bool explored);
  void rewarded(const ConservativeConfig& rules, ArmIndex arm, double reward);
  /// The slot has another arm now; what the old one earned still counts.
  void forget(ArmIndex arm) noexcept;

  [[nodiscard]] bool capped(const ExplorationConfig& rules) const noexcept;
  /// Exploring once more keeps the promise of at most alpha below the baseline.
  [[nodiscard]] bool affordable(const ConservativeConfig& rules, ArmIndex baseline) const noexcept;
  /// Of the window; NaN until half of it has been seen.
  [[nodiscard]] double share(const ExplorationConfig& rules) const noexcept;

  void save(Writer& writer) const;
  void load(Reader& reader);

 private:
  struct Earned {
    std::uint64_t decisions = 0;
    std::uint64_t rewards = 0;
    double mean = 0.0;
  };
  /// Sure value of an arm's rewards: n x lower bound of the mean.
  [[nodiscard]] static double sure(const ConservativeConfig& rules, const Earned& arm,
                                   std::size_t slot) noexcept;
  [[nodiscard]] static double radius(const ConservativeConfig& rules, const Earned& arm,
                                     std::size_t slot) noexcept;

  std::uint64_t n_ = 0;  // this half-window
  std::uint64_t explored_ = 0;
  std::uint64_t n_before_ = 0;
  std::uint64_t explored_before_ = 0;
  std::uint64_t decisions_ = 0;  // since the beginning, where a baseline is kept to
  double sure_ = 0.0;            // of all arms
  std::vector<Earned> arms_;     // by slot
};

}  // namespace attune
