// SPDX-License-Identifier: Apache-2.0
#include <attune/policies/linear_arms.hpp>

#include <algorithm>
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
      intercept_(options.intercept),
      arms_(shape.arms),
      models_(std::move(models)) {}

Result<LinearArms> LinearArms::make(std::string_view policy, const LinearModelOptions& options,
                                    const Shape& shape) {
  if (shape.sparse) {
    return fail(Errc::unsupported,
                std::string(policy) +
                    " keeps a dense matrix an arm and needs a dense context; declare one, or "
                    "hash the features to a few hundred");
  }
  const std::size_t dimension = shape.features + (options.intercept ? 1 : 0);
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
  const detail::StripVector x(feedback.input.dense, intercept_, 1.0);
  const Errc verdict = models_.learn(to_index(feedback.arm), x, feedback.reward, feedback.weight);
  if (verdict == Errc::ok) {
    ++updates_;
  }
  return verdict;
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
    sum += theta[i] * input.dense[i];
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
  updates_ = updates;
  arms_ = std::move(arms);
  models_ = std::move(models);
  return {};
}

Description LinearArms::describe(std::string summary) const {
  constexpr std::size_t kShown = 16;
  const std::size_t dimension = models_.dimension();
  Description text;
  text.summary = std::move(summary);
  text.values = {{"updates", static_cast<double>(updates_)},
                 {"features", static_cast<double>(features_)},
                 {"intercept", intercept_ ? 1.0 : 0.0}};
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
