// SPDX-License-Identifier: Apache-2.0
#include <attune/policies/explore_then_commit.hpp>

#include <cmath>

#include "core/portable_math.hpp"
#include "policies/bandit/index_policy_body.hpp"

namespace attune {

template <>
struct detail::IndexScan<ExploreThenCommitRule> : IndexScanBase<ExploreThenCommitRule> {
  IndexScan(const ExploreThenCommitConfig& options, const ArmMeans& arms, const double* numbers,
            const Context&) noexcept
      : IndexScanBase{options, arms, numbers} {}
  [[nodiscard]] double index(std::size_t arm) const noexcept { return means.mean(arm); }
};

template class IndexPolicy<ExploreThenCommitRule>;
static_assert(check_bandit<ExploreThenCommit>() && ExplicitBandit<ExploreThenCommit> &&
              Forgets<ExploreThenCommit>);

}  // namespace attune
