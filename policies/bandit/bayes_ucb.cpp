// SPDX-License-Identifier: Apache-2.0
#include <attune/policies/bayes_ucb.hpp>

#include "policies/bandit/beta_tail.hpp"
#include "policies/bandit/coin_scan.hpp"

namespace attune {

template <>
struct detail::IndexScan<BayesUcbRule> : IndexScanBase<BayesUcbRule> {
  IndexScan(const BayesUcbConfig& options, const ArmMeans& arms, const double* numbers,
            const Context&) noexcept
      : IndexScanBase{options, arms, numbers} {
    const double log = portable_log(std::max(arms.total(), 2.0));  // a quantile above the median
    level_ = -(log + (options.c > 0.0 ? options.c * portable_log(std::max(log, 1.0)) : 0.0));
  }
  /// a, b, the mean of the posterior and its negative entropy.
  static void refresh(const BayesUcbConfig& options, const ArmMeans& arms, std::size_t arm,
                      double* out) noexcept {
    // Where no reward came yet, pending pulls are taken for failures: as successes they would draw others.
    const double mean = arms.weight(arm) > 0.0 ? arms.mean(arm) : 0.0;
    out[0] = options.alpha + arms.counted(arm) * mean;
    out[1] = options.beta + arms.counted(arm) * (1.0 - mean);
    out[2] = out[0] / (out[0] + out[1]);
    out[3] = negative_entropy(out[2]);
  }
  [[nodiscard]] double index(std::size_t arm) const noexcept {
    const double* of = cache(arm);
    const double sum = of[0] + of[1];
    // So much evidence would make the continued fraction long; its bound by Chernoff is as good there.
    return sum > kMuch ? kl_upper_bound(of[2], of[3], -level_ / sum)
                       : beta_upper_quantile(of[0], of[1], level_);
  }
  void raise(double best) noexcept { bar_.raise(best); }
  /// By Chernoff's bound on the tail of a Beta variable (see beta_upper_quantile), else by the tail itself,
  /// which is an eighth of a quantile's work. The margin is wider than a quantile's error.
  [[nodiscard]] bool below(std::size_t arm) const noexcept {
    const double* of = cache(arm);
    const double sum = of[0] + of[1];
    return bar_.beyond(of[2], of[3], -level_ / sum) ||
           (sum <= kMuch && bar_.at() > of[2] && bar_.at() < 1.0 &&
            log_beta_tail(of[0], of[1], bar_.at(), log_beta(of[0], of[1])) < level_ - kMargin);
  }

 private:
  static constexpr double kMuch = 1e6;
  static constexpr double kMargin = 1e-6;

  double level_;  // ln of the tail's probability
  KlBar bar_;
};

template class IndexPolicy<BayesUcbRule>;
static_assert(check_bandit<BayesUcb>() && ExplicitBandit<BayesUcb> && CountsPending<BayesUcb>);

}  // namespace attune
