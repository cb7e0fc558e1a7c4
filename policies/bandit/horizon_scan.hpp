// SPDX-License-Identifier: Apache-2.0
/// @file
/// The scan of the rules that count against a horizon (HorizonRule).
#pragma once

#include <attune/policies/horizon_rule.hpp>

#include "policies/bandit/coin_scan.hpp"

namespace attune::detail {

/// index(a) = max { q : n(a) kl(mean(a), q) <= Level::of(ln+( T / (K n(a)) )) }. `Level::bound` is no smaller
/// than `of`, and may be had for less.
template <class Rule, class Level>
struct HorizonScan : CoinScan<Rule> {
  HorizonScan(const HorizonConfig& options, const ArmMeans& arms, const double* numbers,
              const Context& context) noexcept
      : CoinScan<Rule>(options, arms, numbers),
        log_share_(log_floored(std::max(static_cast<double>(options.horizon), arms.total()) /
                               static_cast<double>(arms.arms().eligible(context)))) {}
  [[nodiscard]] double index(std::size_t arm) const noexcept {
    const CoinNumbers of = this->coin(arm);
    return kl_upper_bound(of.mean, of.entropy, Level::of(log_of(of)) / of.counted);
  }
  void raise(double best) noexcept { bar_.raise(best); }
  [[nodiscard]] bool below(std::size_t arm) const noexcept {
    const CoinNumbers of = this->coin(arm);
    const double log = log_of(of);
    return bar_.beyond(of.mean, of.entropy, Level::bound(log) / of.counted) ||
           (!Level::kTight && bar_.beyond(of.mean, of.entropy, Level::of(log) / of.counted));
  }

 private:
  [[nodiscard]] double log_of(const CoinNumbers& coin) const noexcept {
    return std::max(log_share_ - coin.log, 0.0);
  }

  double log_share_;  // ln(T / K)
  KlBar bar_;
};

}  // namespace attune::detail
