// SPDX-License-Identifier: Apache-2.0
/// @file
/// LinearArms: what the disjoint linear bandits share: arms with one ridge regression each.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <attune/core/arm_set.hpp>
#include <attune/core/ridge_bank.hpp>
#include <attune/policies/context_scaling.hpp>

namespace attune {

/// Options of the ridge regression behind an arm; the `fields` of its users name them.
struct LinearModelOptions {
  double ridge = 1.0;
  double forgetting = 1.0;
  bool intercept = false;
  bool standardise = false;

  bool operator==(const LinearModelOptions&) const = default;
};

/// Arms with one ridge regression each over the context x, to which a constant 1 is appended with
/// `intercept`. The members are those that the concept Bandit asks for; LinUcb and LinTs add how to choose.
///
/// With `standardise` x is first scaled by a ContextScaling, and the constant is always there. The scaling
/// takes in the context of every reward. What it goes by is brought up to date when that has happened 1, 2,
/// 4, 8, ... times; all models are then rewritten for the new scale (RidgeBank::rescale), so that they are
/// what they would be had the earlier contexts been scaled so, but for numbers that were cut.
class LinearArms {
 public:
  /// Errors: invalid_config (also standardise with forgetting < 1); unsupported for sparse contexts.
  [[nodiscard]] static Result<LinearArms> make(std::string_view policy, const LinearModelOptions& options,
                                               const Shape& shape);

  /// Errors: unknown_arm, dimension_mismatch, non_finite (input, or a result beyond the finite numbers),
  /// invalid_argument (weight < 0).
  [[nodiscard]] Errc update(const Feedback& feedback) noexcept;
  /// What update() would answer; nothing is learned. Cost: d^2 / 2.
  [[nodiscard]] Errc learnable(const Feedback& feedback) noexcept;

  [[nodiscard]] Result<ArmIndex> add();
  Errc reset(ArmIndex arm) noexcept;
  /// See Forgets.
  Errc forget(ArmIndex arm, double keep) noexcept;
  /// See Expects: theta'x.
  [[nodiscard]] double expectation(ArmIndex arm, const Input& input) const noexcept;
  /// `prior.weight` pseudo-rewards of `prior.mean`: with an intercept they come at the zero context; without,
  /// that many at each unit vector, which says the same of contexts whose entries sum to 1 (one-hot features,
  /// shares).
  [[nodiscard]] Result<void> warm_start(ArmIndex arm, const ArmPrior& prior);

  /// x as the models see it: itself, or scaled into `room`, which has features() numbers.
  [[nodiscard]] Features seen(Features x, double* room) const noexcept;

  void save(Writer& writer) const;
  [[nodiscard]] Result<void> load(Reader& reader);
  /// One row an arm: enabled, rewards, norm of theta, mean variance (trace of P over d), and the first theta.
  [[nodiscard]] Description describe(std::string summary) const;

  [[nodiscard]] const ArmSet& arms() const noexcept { return arms_; }
  [[nodiscard]] ArmSet& arms() noexcept { return arms_; }
  [[nodiscard]] const RidgeBank& models() const noexcept { return models_; }
  [[nodiscard]] std::size_t features() const noexcept { return features_; }
  [[nodiscard]] bool intercept() const noexcept { return intercept_; }
  [[nodiscard]] bool standardises() const noexcept { return standardise_; }
  [[nodiscard]] const ContextScaling& scaling() const noexcept { return scaling_; }
  [[nodiscard]] std::uint64_t updates() const noexcept { return updates_; }

  [[nodiscard]] bool operator==(const LinearArms& other) const;

 private:
  LinearArms(std::string_view policy, const LinearModelOptions& options, const Shape& shape,
             RidgeBank models);
  void take_in(Features x) noexcept;

  std::string_view policy_;  // a literal
  std::size_t features_;
  bool intercept_;
  bool standardise_;
  ArmSet arms_;
  RidgeBank models_;
  ContextScaling scaling_;  // of no features unless they are standardised
  std::uint64_t updates_ = 0;
  // Scratch of one observation, no part of the state.
  std::vector<double> point_;
  std::vector<double> factor_;
  std::vector<double> shift_;
};

}  // namespace attune
