// SPDX-License-Identifier: Apache-2.0
#include <attune/policies/glr_kl_ucb.hpp>

#include "policies/bandit/bernoulli_kl.hpp"
#include "policies/bandit/index_policy_body.hpp"

namespace attune {

template <>
struct detail::IndexScan<GlrKlUcbRule> : IndexScanBase<GlrKlUcbRule> {
  IndexScan(const GlrKlUcbConfig& options, const RestartMeans& arms, const double* numbers,
            const Context& context) noexcept
      : IndexScanBase{options, arms, numbers},
        level_(portable_log(std::max(arms.total(), 1.0))),
        share_(options.exploration * arms.total() / static_cast<double>(arms.arms().eligible(context))) {}
  [[nodiscard]] double index(std::size_t arm) const noexcept {
    const double mean = means.mean(arm);
    return owed(arm) ? kOwed : kl_upper_bound(mean, negative_entropy(mean), level_ / means.counted(arm));
  }
  void raise(double best) noexcept { bar_.raise(best); }
  [[nodiscard]] bool below(std::size_t arm) const noexcept {
    const double mean = means.mean(arm);
    return !owed(arm) && bar_.beyond(mean, negative_entropy(mean), level_ / means.counted(arm));
  }

 private:
  static constexpr double kOwed = 2.0;  // above every bound

  [[nodiscard]] bool owed(std::size_t arm) const noexcept { return means.counted(arm) < share_; }

  double level_;
  double share_;
  KlBar bar_;
};

template class IndexPolicy<GlrKlUcbRule>;
static_assert(check_bandit<GlrKlUcb>() && ExplicitBandit<GlrKlUcb> && CountsPending<GlrKlUcb> &&
              Forgets<GlrKlUcb>);

}  // namespace attune
