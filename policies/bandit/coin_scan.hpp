// SPDX-License-Identifier: Apache-2.0
/// @file
/// What the rules for rewards in [0, 1] keep of an arm: the numbers that kl(mean, q) is made of.
#pragma once

#include <cstddef>

#include "policies/bandit/bernoulli_kl.hpp"
#include "policies/bandit/index_policy_body.hpp"

namespace attune::detail {

/// The four numbers of an arm, in the order of the cache.
struct CoinNumbers {
  double counted;  ///< n
  double mean;     ///< 1 where no reward came yet
  double entropy;  ///< p ln p + (1 - p) ln(1 - p) of the mean
  double log;      ///< ln n
};

template <class Rule>
struct CoinScan : IndexScanBase<Rule> {
  static_assert(Rule::kCached == 4);

  CoinScan(const typename Rule::Config& options, const ArmMeans& arms, const double* numbers) noexcept
      : IndexScanBase<Rule>{options, arms, numbers} {}

  static void refresh(const typename Rule::Config& /*options*/, const ArmMeans& arms, std::size_t arm,
                      double* out) noexcept {
    out[0] = arms.counted(arm);
    out[1] = arms.mean(arm);
    out[2] = negative_entropy(out[1]);
    out[3] = log_floored(out[0]);
  }
  [[nodiscard]] CoinNumbers coin(std::size_t arm) const noexcept {
    const double* of = this->cache(arm);
    return {.counted = of[0], .mean = of[1], .entropy = of[2], .log = of[3]};
  }
};

}  // namespace attune::detail
