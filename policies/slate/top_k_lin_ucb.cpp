// SPDX-License-Identifier: Apache-2.0
#include <attune/policies/top_k_lin_ucb.hpp>

#include "core/kernels.hpp"
#include "policies/bandit/linear_scores.hpp"
#include "policies/slate/top_k_policy_body.hpp"

namespace attune {

template <>
struct detail::TopKRule<TopKLinUcbRule> {
  static Result<LinearArms> make(const TopKLinUcbConfig& config, const Shape& shape) {
    return LinearArms::make(TopKLinUcbRule::kName, {config.ridge, config.forgetting, config.intercept},
                            shape);
  }
  static Errc check(const LinearArms& linear, const Context& context) noexcept {
    return check_input(context.input, linear.features(), false);
  }
  template <class Visit>
  static void scores(const TopKLinUcbConfig& config, const LinearArms& linear, std::uint64_t /*slates*/,
                     const Context& context, Rng& /*rng*/, const Visit& visit) noexcept {
    const StripVector x(context.input.dense, linear.intercept(), 1.0);
    for_each_linear_score(linear.arms(), linear.models(), context, x,
                          [&](std::size_t arm, double mean, double variance) {
                            visit(arm, comparable(mean + (config.alpha * std::sqrt(variance))));
                          });
  }
  static Errc learnable(LinearArms& linear, const Feedback& feedback, std::size_t /*shown*/) noexcept {
    return linear.learnable(feedback);
  }
  static Errc learn(LinearArms& linear, const Feedback& feedback) noexcept { return linear.update(feedback); }
  static Result<void> load(LinearArms& linear, Reader& reader) { return linear.load(reader); }
  static Description describe(const LinearArms& linear) { return linear.describe({}); }
};

template class TopKPolicy<TopKLinUcbRule>;
static_assert(check_slate_bandit<TopKLinUcb>());

}  // namespace attune
