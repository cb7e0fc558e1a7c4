// SPDX-License-Identifier: Apache-2.0
#include <attune/policies/budgeted_lin_ucb.hpp>

#include <algorithm>
#include <cmath>
#include <string>

#include "policies/bandit/choosing.hpp"
#include "policies/bandit/linear_scores.hpp"

namespace attune {
namespace {

// Within these what one regression can learn the other can too.
constexpr double kLargestReward = 1e12;
constexpr double kLargestSpendWeight = 1e9;

}  // namespace

static_assert(check_bandit<BudgetedLinUcb>() && ExplicitBandit<BudgetedLinUcb> && CostAware<BudgetedLinUcb>);

Result<BudgetedLinUcb> BudgetedLinUcb::make(const Config& config, const Shape& shape) {
  if (Result<void> verdict = detail::check_options(config, shape); !verdict) {
    return tl::unexpected(std::move(verdict).error());
  }
  Result<SpendPacer> pacer = SpendPacer::make(config.spend);
  if (!pacer) {
    return tl::unexpected(std::move(pacer).error());
  }
  Result<LinearArms> arms =
      LinearArms::make(kName, {.ridge = config.ridge, .intercept = config.intercept}, shape);
  if (!arms) {
    return tl::unexpected(std::move(arms).error());
  }
  return BudgetedLinUcb(config, *arms, *arms, *pacer);
}

/// Calls visit(arm, score, expected reward less priced cost) for every arm that may be chosen, in order.
template <class Visitor>
void BudgetedLinUcb::for_each_score(const Context& context, Visitor&& visit) const noexcept {
  const detail::StripVector x(context.input.dense, reward_.intercept(), 1.0);
  const double price = pacer_.price();
  const bool spent = pacer_.exhausted();
  detail::for_each_linear_score(
      reward_.arms(), reward_.models(), context, x, [&](std::size_t arm, double mean, double variance) {
        const auto one = static_cast<std::uint32_t>(arm);
        double cost = 0.0;
        double same = 0.0;  // of reward and cost: they have learned from the same contexts
        cost_.models().scores(x, std::span(&one, 1), &cost, &same);
        if (spent) {
          visit(arm, -cost, -cost);
          return;
        }
        const double width = config_.alpha * std::sqrt(variance);
        visit(arm, mean + width - price * std::max(cost - width * largest_cost_, 0.0),
              mean - price * std::max(cost, 0.0));
      });
}

Choice BudgetedLinUcb::select(const Context& context, Rng& rng) const noexcept {
  if (const Errc verdict = check_input(context.input, reward_.features(), false); verdict != Errc::ok) {
    return Choice::refused(verdict);
  }
  detail::LinearArgMax best(rng);
  std::size_t place = 0;
  for_each_score(context,
                 [&](std::size_t arm, double score, double mean) { best.offer(place++, arm, score, mean); });
  return detail::with_times_offered(best.choice(), context);
}

Errc BudgetedLinUcb::probabilities(const Context& context, std::span<double> out) const noexcept {
  if (out.size() != arm_count()) {
    return Errc::dimension_mismatch;
  }
  if (const Errc verdict = check_input(context.input, reward_.features(), false); verdict != Errc::ok) {
    return verdict;
  }
  return detail::tie_probabilities(out, [&](const auto& visit) {
    for_each_score(context, [&](std::size_t arm, double score, double /*mean*/) {
      visit(arm, detail::comparable(score));
    });
  });
}

Errc BudgetedLinUcb::update(const Feedback& feedback, double cost) noexcept {
  if (const Errc verdict = detail::check_feedback(feedback, reward_.arms()); verdict != Errc::ok) {
    return verdict;
  }
  if (!std::isfinite(cost) || cost > SpendPacer::kLargestCost || std::abs(feedback.reward) > kLargestReward ||
      feedback.weight > kLargestSpendWeight) {
    return Errc::non_finite;
  }
  if (cost < 0.0) {
    return Errc::invalid_argument;
  }
  Feedback of_cost = feedback;
  of_cost.reward = cost;
  if (const Errc verdict = reward_.update(feedback); verdict != Errc::ok) {
    return verdict;
  }
  static_cast<void>(cost_.update(of_cost));
  static_cast<void>(pacer_.charge(cost));
  largest_cost_ = std::max(largest_cost_, cost);
  return Errc::ok;
}

Result<ArmIndex> BudgetedLinUcb::add_arm() {
  LinearArms cost = cost_;
  if (Result<ArmIndex> added = cost.add(); !added) {
    return added;
  }
  Result<ArmIndex> added = reward_.add();
  if (added) {
    cost_ = std::move(cost);
  }
  return added;
}

Errc BudgetedLinUcb::set_enabled(ArmIndex arm, bool on) noexcept {
  static_cast<void>(cost_.arms().set_enabled(arm, on));
  return reward_.arms().set_enabled(arm, on);
}

Errc BudgetedLinUcb::reset_arm(ArmIndex arm) noexcept {
  static_cast<void>(cost_.reset(arm));
  return reward_.reset(arm);
}

void BudgetedLinUcb::save(Writer& writer) const {
  reward_.save(writer);
  cost_.save(writer);
  pacer_.save(writer);
  writer.f64(largest_cost_);
}

Result<void> BudgetedLinUcb::load(Reader& reader) {
  BudgetedLinUcb loaded = *this;
  if (Result<void> read = loaded.reward_.load(reader); !read) {
    return read;
  }
  if (Result<void> read = loaded.cost_.load(reader); !read) {
    return read;
  }
  const bool paced = loaded.pacer_.load(reader);
  loaded.largest_cost_ = reader.finite();
  if (!reader.ok() || !paced || loaded.largest_cost_ < 0.0 ||
      loaded.largest_cost_ > SpendPacer::kLargestCost) {
    return detail::corrupt(kName, "the state is cut short, or what was spent cannot have been");
  }
  if (!(loaded.reward_.arms() == loaded.cost_.arms())) {
    return detail::corrupt(kName, "rewards and costs are of different arms");
  }
  *this = std::move(loaded);
  return {};
}

Description BudgetedLinUcb::describe() const {
  Description text = reward_.describe("LinUCB under a budget over " + std::to_string(arm_count()) +
                                      " arms after " + std::to_string(updates()) + " rewards");
  text.values.insert(text.values.begin(), {{"alpha", config_.alpha},
                                           {"price", pacer_.price()},
                                           {"spent", pacer_.spent()},
                                           {"allowed", pacer_.allowed()}});
  return text;
}

}  // namespace attune
