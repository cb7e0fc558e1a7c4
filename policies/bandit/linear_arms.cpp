// SPDX-License-Identifier: Apache-2.0
#include <attune/policies/linear_arms.hpp>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <string>
#include <utility>

#include "core/kernels.hpp"
#include "policies/bandit/choosing.hpp"

namespace attune {

LinearArms::LinearArms(std::string_view policy, const LinearModelOptions& options, const Shape& shape,
                       RidgeBank models)
    : policy_(policy),
      features_(shape.features),
      intercept_(options.intercept || options.standardise),
      standardise_(options.standardise),
      arms_(shape.arms),
      models_(std::move(models)),
      scaling_(options.standardise ? shape.features : 0),
      point_(scaling_.features()),
      factor_(scaling_.features()),
      shift_(scaling_.features()) {}

Result<LinearArms> LinearArms::make(std::string_view policy, const LinearModelOptions& options,
                                    const Shape& shape) {
  if (shape.sparse) {
    return fail(Errc::unsupported,
                std::string(policy) +
                    " keeps a dense matrix an arm and needs a dense context; declare one, or "
                    "hash the features to a few hundred");
  }
  if (options.standardise && options.forgetting < 1.0) {
    return fail(Errc::invalid_config, std::string(policy) + ": standardise needs forgetting = 1, not " +
                                          number_text(options.forgetting) +
                                          ": what was forgotten cannot be brought to a new scale");
  }
  const std::size_t dimension = shape.features + (options.intercept || options.standardise ? 1 : 0);
  if (dimension == 0) {
    return fail(Errc::invalid_config,
                std::string(policy) + " needs a context of at least one feature, or intercept = true");
  }
  Result<RidgeBank> models = RidgeBank::make(shape.arms, dimension, options.ridge, options.forgetting);
  if (!models) {
    return tl::unexpected(std::move(models).error());
  }
  return LinearArms(policy, options, shape, *std::move(models));
}

Errc LinearArms::learnable(const Feedback& feedback) noexcept {
  if (const Errc verdict = detail::check_feedback(feedback, arms_); verdict != Errc::ok) {
    return verdict;
  }
  if (const Errc verdict = check_input(feedback.input, features_, false); verdict != Errc::ok) {
    return verdict;
  }
  RidgeBank::Step step;
  const detail::StripVector x(feedback.input.dense, intercept_, 1.0);
  return models_.prepare(to_index(feedback.arm), x, feedback.reward, feedback.weight, step);
}

Errc LinearArms::update(const Feedback& feedback) noexcept {
  if (const Errc verdict = detail::check_feedback(feedback, arms_); verdict != Errc::ok) {
    return verdict;
  }
  if (const Errc verdict = check_input(feedback.input, features_, false); verdict != Errc::ok) {
    return verdict;
  }
  const Features context = feedback.input.dense;
  if (standardise_) {
    if (!scaling_.can_note(context)) {
      return Errc::non_finite;
    }
    for (std::size_t i = 0; i < features_; ++i) {
      point_[i] = scaling_.widened(context, i);
    }
  }
  const detail::StripVector x(standardise_ ? Features(point_) : context, intercept_, 1.0);
  const Errc verdict = models_.learn(to_index(feedback.arm), x, feedback.reward, feedback.weight);
  if (verdict == Errc::ok) {
    ++updates_;
    if (standardise_ && feedback.weight > 0.0) {
      take_in(context);
    }
  }
  return verdict;
}

void LinearArms::take_in(Features x) noexcept {
  scaling_.widen(x);
  scaling_.note(x);
  if (!std::has_single_bit(scaling_.noted())) {
    return;
  }
  scaling_.adopt(factor_, shift_);
  for (std::size_t arm = 0; arm < models_.count(); ++arm) {
    if (models_.learned(arm) > 0) {
      models_.rescale(arm, factor_, shift_);
    }
  }
}

Features LinearArms::seen(Features x, double* room) const noexcept {
  if (!standardise_) {
    return x;
  }
  for (std::size_t i = 0; i < features_; ++i) {
    room[i] = scaling_.scaled(x, i);
  }
  return {room, features_};
}

Result<ArmIndex> LinearArms::add() {
  if (arms_.count() >= ArmSet::kMaxArms) {
    return arms_.add();  // says why not
  }
  if (Result<void> added = models_.add(); !added) {
    return tl::unexpected(std::move(added).error());
  }
  return arms_.add();
}

Errc LinearArms::reset(ArmIndex arm) noexcept {
  if (!arms_.contains(arm)) {
    return Errc::unknown_arm;
  }
  models_.reset(to_index(arm));
  return Errc::ok;
}

Errc LinearArms::forget(ArmIndex arm, double keep) noexcept {
  return detail::forget_arms(arms_, arm, keep, [&](std::size_t slot) { models_.forget(slot, keep); });
}

double LinearArms::expectation(ArmIndex arm, const Input& input) const noexcept {
  if (!arms_.contains(arm) || input.dense.size() != features_ || !input.sparse.index.empty()) {
    return std::numeric_limits<double>::quiet_NaN();
  }
  const std::span<const double> theta = models_.coefficients(to_index(arm));
  double sum = intercept_ ? theta[features_] : 0.0;
  for (std::size_t i = 0; i < features_; ++i) {
    sum += theta[i] * (standardise_ ? scaling_.scaled(input.dense, i) : input.dense[i]);
  }
  return sum;
}

Result<void> LinearArms::warm_start(ArmIndex arm, const ArmPrior& prior) {
  if (Result<void> verdict = detail::check_prior(arm, prior, arms_); !verdict) {
    return verdict;
  }
  if (prior.weight == 0.0) {
    return {};
  }
  const std::size_t first = intercept_ ? features_ : 0;
  if (models_.learn_units(to_index(arm), first, prior.mean, prior.weight) != Errc::ok) {
    return fail(Errc::non_finite, "a prior of mean " + number_text(prior.mean) + " and weight " +
                                      number_text(prior.weight) + " is beyond what can be learned");
  }
  return {};
}

void LinearArms::save(Writer& writer) const {
  writer.u64(updates_);
  arms_.save(writer);
  models_.save(writer);
  if (standardise_) {
    scaling_.save(writer);
  }
}

Result<void> LinearArms::load(Reader& reader) {
  const std::uint64_t updates = reader.u64();
  ArmSet arms(0);
  arms.load(reader);
  if (!reader.ok()) {
    return detail::corrupt(policy_, "the state is cut short or its list of arms is damaged");
  }
  RidgeBank models = models_;
  models.load(reader);
  if (!reader.ok() || models.count() != arms.count()) {
    return detail::corrupt(policy_,
                           "the matrices are damaged, or belong to another number of features or arms");
  }
  ContextScaling scaling = scaling_;
  if (standardise_ && !scaling.load(reader)) {
    return detail::corrupt(policy_, "the scales of the features are damaged");
  }
  scaling_ = std::move(scaling);
  updates_ = updates;
  arms_ = std::move(arms);
  models_ = std::move(models);
  return {};
}

bool LinearArms::operator==(const LinearArms& other) const {
  return features_ == other.features_ && intercept_ == other.intercept_ &&
         standardise_ == other.standardise_ && arms_ == other.arms_ && models_ == other.models_ &&
         scaling_ == other.scaling_ && updates_ == other.updates_;
}

Description LinearArms::describe(std::string summary) const {
  constexpr std::size_t kShown = 16;
  const std::size_t dimension = models_.dimension();
  Description text;
  text.summary = std::move(summary);
  text.values = {{"updates", static_cast<double>(updates_)},
                 {"features", static_cast<double>(features_)},
                 {"intercept", intercept_ ? 1.0 : 0.0},
                 {"standardise", standardise_ ? 1.0 : 0.0}};
  text.columns = {"enabled", "rewards", "theta_norm", "mean_variance"};
  for (std::size_t i = 0; i < std::min(dimension, kShown); ++i) {
    text.columns.push_back("theta_" + std::to_string(i));
  }
  text.rows.reserve(arms_.count());
  for (std::size_t arm = 0; arm < arms_.count(); ++arm) {
    const std::span<const double> theta = models_.coefficients(arm);
    double norm = 0.0;
    double trace = 0.0;
    for (std::size_t i = 0; i < dimension; ++i) {
      norm = std::hypot(norm, theta[i]);
      trace += models_.covariance(arm, i, i);
    }
    std::vector<double> row{arms_.enabled(to_arm(arm)) ? 1.0 : 0.0, static_cast<double>(models_.learned(arm)),
                            norm, trace / static_cast<double>(dimension)};
    row.insert(row.end(), theta.begin(),
               theta.begin() + static_cast<std::ptrdiff_t>(std::min(dimension, kShown)));
    text.rows.push_back(std::move(row));
  }
  return text;
}

}  // namespace attune
