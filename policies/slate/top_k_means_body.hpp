// SPDX-License-Identifier: Apache-2.0
/// @file
/// What the sources of the rules share whose model is TopKMeans; each adds `scores`.
#pragma once

#include <limits>

#include <attune/policies/top_k_means.hpp>

#include "policies/slate/top_k_policy_body.hpp"

namespace attune::detail {

template <class Rule>
struct TopKMeansRule {
  static Result<ArmMeans> make(const typename Rule::Config& /*config*/, const Shape& shape) {
    return ArmMeans(shape, Rule::kDomain, 1.0);
  }
  static Errc check(const ArmMeans& means, const Context& context) noexcept { return means.check(context); }

  /// Rewards in [0, 1] change a mean to one in [0, 1] and squares by at most the weight.
  static Errc learnable(const ArmMeans& means, const Feedback& feedback, std::size_t shown) noexcept {
    if (feedback.reward < 0.0 || feedback.reward > 1.0) {
      return Errc::invalid_argument;
    }
    const std::size_t arm = to_index(feedback.arm);
    const double squares = means.variance(arm) * means.weight(arm);
    const double bound = 2.0 * squares + means.total() + static_cast<double>(shown) * feedback.weight;
    return bound <= std::numeric_limits<double>::max() / 2.0 ? Errc::ok : Errc::non_finite;
  }
  static Errc learn(ArmMeans& means, const Feedback& feedback) noexcept { return means.update(feedback); }

  static Result<void> load(ArmMeans& means, Reader& reader) {
    const char* problem = "";
    if (!means.load(reader, problem)) {
      return corrupt(Rule::kName, problem);
    }
    return {};
  }
  static Description describe(const ArmMeans& means) {
    Description text;
    text.columns = {"enabled", "mean", "variance", "weight"};
    text.rows.reserve(means.count());
    for (std::size_t arm = 0; arm < means.count(); ++arm) {
      text.rows.push_back({means.arms().enabled(to_arm(arm)) ? 1.0 : 0.0, means.mean(arm),
                           means.variance(arm), means.weight(arm)});
    }
    return text;
  }
};

/// Calls `visit(arm, bound)` with +infinity for arms of no reward, else `bound_of(arm)`.
template <class BoundOf, class Visit>
void for_each_bound(const ArmMeans& means, const Context& context, const BoundOf& bound_of,
                    const Visit& visit) noexcept {
  means.arms().for_each(context, [&](std::size_t arm) {
    visit(arm, means.weight(arm) < kLeastWeight ? kInfinity : bound_of(arm));
  });
}

}  // namespace attune::detail
