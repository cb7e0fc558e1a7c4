// SPDX-License-Identifier: Apache-2.0
/// @file
/// LinearArms: what the disjoint linear bandits share: arms with one ridge regression each.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <attune/core/arm_set.hpp>
#include <attune/core/ridge_bank.hpp>

namespace attune {

/// Options of the ridge regression behind an arm; the `fields` of its users name them.
struct LinearModelOptions {
  double ridge = 1.0;
  double forgetting = 1.0;
  bool intercept = false;

  bool operator==(const LinearModelOptions&) const = default;
};

/// Arms with one ridge regression each over the context x, to which a constant 1 is appended with
/// `intercept`. The members are those that the concept Bandit asks for; LinUcb and LinTs add how to choose.
class LinearArms {
 public:
  /// Errors: invalid_config; unsupported for sparse contexts.
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

  void save(Writer& writer) const;
  [[nodiscard]] Result<void> load(Reader& reader);
  /// One row an arm: enabled, rewards, norm of theta, mean variance (trace of P over d), and the first theta.
  [[nodiscard]] Description describe(std::string summary) const;

  [[nodiscard]] const ArmSet& arms() const noexcept { return arms_; }
  [[nodiscard]] ArmSet& arms() noexcept { return arms_; }
  [[nodiscard]] const RidgeBank& models() const noexcept { return models_; }
  [[nodiscard]] std::size_t features() const noexcept { return features_; }
  [[nodiscard]] bool intercept() const noexcept { return intercept_; }
  [[nodiscard]] std::uint64_t updates() const noexcept { return updates_; }

  [[nodiscard]] bool operator==(const LinearArms&) const = default;

 private:
  LinearArms(std::string_view policy, const LinearModelOptions& options, const Shape& shape,
             RidgeBank models);

  std::string_view policy_;  // a literal
  std::size_t features_;
  bool intercept_;
  ArmSet arms_;
  RidgeBank models_;
  std::uint64_t updates_ = 0;
};

}  // namespace attune
