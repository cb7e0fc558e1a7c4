// SPDX-License-Identifier: Apache-2.0
// AutoBandit: how it is made, its arms, and what it says of itself.
#include <attune/policies/auto_bandit.hpp>

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "policies/bandit/choosing.hpp"

namespace attune {
namespace {

constexpr std::size_t kMaxKeptNumbers = std::size_t{1} << 22;
constexpr std::size_t kLeastCentres = 16;
constexpr double kMebibyte = 1024.0 * 1024.0;

}  // namespace

// The linear model gets half of the memory, what is left goes to the products and then to the centres.
AutoBandit::Sizes AutoBandit::affordable(const Config& config, const Shape& shape) {
  if (shape.features == 0) {
    return {};
  }
  const std::size_t arms = std::max<std::size_t>(1, shape.arms);
  const auto bytes = [&](ModelKind kind, std::size_t inputs, std::size_t centres) {
    return RewardModel::bytes(arms, RewardModel::length(kind, inputs, centres));
  };
  double left = config.memory_mb * kMebibyte;
  Sizes sizes{.inputs = std::min(shape.features, RewardModel::kMaxInputs)};
  while (sizes.inputs > 1 && bytes(ModelKind::linear, sizes.inputs, 0) > left / 2.0) {
    --sizes.inputs;
  }
  left -= bytes(ModelKind::linear, sizes.inputs, 0);
  if (sizes.inputs <= RewardModel::kMaxProductInputs &&
      bytes(ModelKind::products, sizes.inputs, 0) <= left / 2.0) {
    sizes.products = true;
    left -= bytes(ModelKind::products, sizes.inputs, 0);
  }
  sizes.centres = config.centres;
  while (sizes.centres > 0 && bytes(ModelKind::centres, sizes.inputs, sizes.centres) > left) {
    --sizes.centres;
  }
  sizes.centres = sizes.centres < std::min<std::size_t>(kLeastCentres, config.centres) ? 0 : sizes.centres;
  return sizes;
}

AutoBandit::AutoBandit(const Config& config, const Shape& shape)
    : config_(config),
      features_(shape.features),
      arms_(shape.arms),
      scaling_(shape.features),
      rewards_(shape.arms),
      priors_(shape.arms),
      errors_(shape.arms),
      counts_(shape.arms) {
  if (features_ > 0) {
    const std::size_t room = std::max<std::size_t>(kFirstReplay, kMaxKeptNumbers / features_);
    kept_.resize(std::min<std::size_t>(config.replay, room));
    contexts_.resize(kept_.size() * features_);
  }
}

Result<void> AutoBandit::build(const Sizes& sizes) {
  sizes_ = sizes;
  models_.clear();
  const auto append = [&](ModelKind kind) -> Result<void> {
    Result<RewardModel> model = RewardModel::make(kind, arms_.count(), sizes.inputs, sizes.centres);
    if (!model) {
      return tl::unexpected(std::move(model).error());
    }
    models_.push_back(*std::move(model));
    return {};
  };
  Result<void> verdict = features_ > 0 ? append(ModelKind::linear) : Result<void>{};
  if (verdict && sizes.products) {
    verdict = append(ModelKind::products);
  }
  if (verdict && sizes.centres > 0) {
    verdict = append(ModelKind::centres);
  }
  weights_.assign(models_.size() + 1, 0.0);
  z_.assign(sizes.inputs, 0.0);
  weigh();
  return verdict;
}

Result<AutoBandit> AutoBandit::make(const Config& config, const Shape& shape) {
  if (Result<void> verdict = detail::check_options(config, shape); !verdict) {
    return tl::unexpected(std::move(verdict).error());
  }
  if (shape.sparse) {
    return fail(Errc::unsupported,
                "auto needs a dense context; declare one, or hash the features to a few hundred");
  }
  AutoBandit policy(config, shape);
  if (Result<void> built = policy.build(affordable(config, shape)); !built) {
    return tl::unexpected(std::move(built).error());
  }
  return policy;
}

Result<ArmIndex> AutoBandit::add_arm() {
  if (arms_.count() >= ArmSet::kMaxArms) {
    return arms_.add();  // says why not
  }
  const std::size_t count = arms_.count() + 1;
  detail::make_room(rewards_, count);
  detail::make_room(priors_, count);
  detail::make_room(errors_, count);
  detail::make_room(counts_, count);
  for (RewardModel& model : models_) {
    if (Result<void> added = model.add(); !added) {
      return tl::unexpected(std::move(added).error());
    }
  }
  rewards_.emplace_back();
  priors_.emplace_back();
  errors_.push_back(0.0);
  counts_.push_back(0.0);
  return arms_.add();
}

Errc AutoBandit::reset_arm(ArmIndex arm) noexcept {
  if (!arms_.contains(arm)) {
    return Errc::unknown_arm;
  }
  const std::size_t slot = to_index(arm);
  for (RewardModel& model : models_) {
    model.reset(slot);
  }
  rewards_[slot] = {};
  priors_[slot] = {};
  errors_[slot] = 0.0;
  counts_[slot] = 0.0;
  for (std::size_t i = 0; i < kept_count_; ++i) {
    kept_[i].weight = kept_[i].arm == slot ? 0.0 : kept_[i].weight;
  }
  weigh();
  return Errc::ok;
}

Errc AutoBandit::forget(ArmIndex arm, double keep) noexcept {
  const bool everything = arm == kNoArm && keep == 0.0;
  base_ = everything ? 0.0 : base_;
  const Errc verdict = detail::forget_arms(arms_, arm, keep, [&](std::size_t slot) {
    for (RewardModel& model : models_) {
      model.forget(slot, keep);
      if (everything && slot == 0) {
        model.clear();  // the centres too
      }
      if (priors_[slot].weight > 0.0) {
        model.learn_prior(slot, priors_[slot].mean - base_, priors_[slot].weight * (1.0 - keep));
      }
    }
    Moments& own = rewards_[slot];
    // The prior stays: what is left is its pseudo-rewards and `keep` of the others.
    Moments left = priors_[slot];
    const double rest = std::max(0.0, own.weight - left.weight) * keep;
    if (rest > detail::kLeastWeight) {
      const double mean = ((own.mean * own.weight) - (left.mean * left.weight)) / (own.weight - left.weight);
      left.add(mean, rest);
      left.squares = std::max(left.squares, own.squares * keep);
    }
    own = left;
    errors_[slot] *= keep;
    counts_[slot] *= keep;
    for (std::size_t i = 0; i < kept_count_; ++i) {
      kept_[i].weight *= kept_[i].arm == slot ? keep : 1.0;
    }
  });
  if (verdict != Errc::ok) {
    return verdict;
  }
  if (arm == kNoArm) {
    all_.weight *= keep;
    all_.squares *= keep;
    if (everything) {
      all_ = {};
      kept_count_ = 0;
      next_ = kFirstReplay;
      scaling_.reset();
    }
  }
  weigh();
  return Errc::ok;
}

Result<void> AutoBandit::warm_start(ArmIndex arm, const ArmPrior& prior) {
  if (Result<void> verdict = detail::check_prior(arm, prior, arms_); !verdict) {
    return verdict;
  }
  if (prior.weight < detail::kLeastWeight) {
    return {};
  }
  if (std::abs(prior.mean) > RewardModel::kMaxError || prior.weight > RewardModel::kMaxError) {
    return fail(Errc::non_finite, "a prior of mean " + number_text(prior.mean) + " and weight " +
                                      number_text(prior.weight) + " is beyond what can be learned");
  }
  const std::size_t slot = to_index(arm);
  for (RewardModel& model : models_) {
    model.learn_prior(slot, prior.mean - base_, prior.weight);
  }
  rewards_[slot].add(prior.mean, prior.weight);
  priors_[slot].add(prior.mean, prior.weight);
  binary_ = binary_ && prior.mean >= 0.0 && prior.mean <= 1.0;
  return {};
}

Description AutoBandit::describe() const {
  const std::string of_arms =
      std::to_string(arm_count()) + " arms after " + std::to_string(updates_) + " rewards";
  Description text;
  text.values = {{"alpha", config_.alpha},
                 {"updates", static_cast<double>(updates_)},
                 {"features", static_cast<double>(features_)},
                 {"deviation", deviation_}};
  std::size_t leader = 0;
  for (std::size_t c = 0; c < weights_.size(); ++c) {
    leader = weights_[c] > weights_[leader] ? c : leader;
  }
  const auto name = [&](std::size_t c) {
    return c == 0 ? std::string("means")
                  : std::string(kEnumNames<ModelKind>[static_cast<std::size_t>(models_[c - 1].kind())]);
  };
  const double rewards = detail::sum_of(counts_);
  for (std::size_t c = 0; features_ > 0 && c < weights_.size(); ++c) {
    double error = 0.0;
    for (std::size_t arm = 0; arm < arm_count(); ++arm) {
      error += c == 0 ? errors_[arm] : models_[c - 1].error(arm);
    }
    text.values.emplace_back("weight_" + name(c), weights_[c]);
    text.values.emplace_back("mean_squared_error_" + name(c), rewards > 0.0 ? error / rewards : 0.0);
  }
  if (features_ == 0) {
    text.summary = std::string(binary_ ? "Beta" : "normal") + " Thompson sampling over " + of_arms;
  } else if (rewards == 0.0) {
    text.summary = "auto over " + of_arms + ": no model leads yet";
  } else {
    text.summary = "auto over " + of_arms + ": " + name(leader) + " predicts best and has " +
                   number_text(std::round(100.0 * weights_[leader])) + " % of the say";
  }
  text.columns = {"enabled", "rewards", "mean"};
  for (std::size_t arm = 0; arm < arm_count(); ++arm) {
    text.rows.push_back({arms_.enabled(to_arm(arm)) ? 1.0 : 0.0, rewards_[arm].weight, rewards_[arm].mean});
  }
  return text;
}

}  // namespace attune
