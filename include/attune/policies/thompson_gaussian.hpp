// SPDX-License-Identifier: Apache-2.0
/// @file
/// ThompsonGaussian: Thompson sampling for real rewards of unknown mean and variance.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include <attune/core/arm_set.hpp>
#include <attune/core/concepts.hpp>
#include <attune/core/score_law.hpp>

namespace attune {

/// Options of ThompsonGaussian: one normal-inverse-gamma prior for all arms. The defaults suit rewards of the
/// order of 1; for others scale prior_mean by the unit of reward and prior_scale by its square.
struct ThompsonGaussianConfig {
  double prior_mean = 0.0;
  double prior_weight = 1.0;
  double prior_shape = 1.0;
  double prior_scale = 1.0;

  template <class Self, class Visitor>
  static constexpr void fields(Self& self, Visitor&& visit) {
    visit("prior_mean", self.prior_mean, Bounds{-1e12, 1e12}, "expected mean of an arm, in units of reward");
    visit("prior_weight", self.prior_weight, Bounds{1e-6, 1e9}, "rewards that prior_mean is worth");
    visit("prior_shape", self.prior_shape, Bounds{0.1, 1e9},
          "shape of the inverse gamma prior of the variance; twice it is the rewards that prior_scale is "
          "worth");
    visit("prior_scale", self.prior_scale, Bounds{1e-24, 1e24},
          "scale of the inverse gamma prior of the variance, in squared units of reward");
  }
  bool operator==(const ThompsonGaussianConfig&) const = default;
};

/// Models the rewards of each arm as normal with unknown mean and variance, draws a mean from each arm's
/// posterior, and takes the arm with the largest draw. The prior, and so the posterior, is
/// normal-inverse-gamma:
///
///     variance ~ InverseGamma(shape, scale),   mean | variance ~ Normal(m, variance / k),
///
/// so that the mean alone is m + sqrt(scale / (shape k)) times a Student t variate of 2 shape degrees of
/// freedom. A reward r of weight w turns (m, k, shape, scale) into
///
///     m + w (r - m) / (k + w),   k + w,   shape + w / 2,   scale + k w (r - m)^2 / (2 (k + w)).
///
/// Source: the conjugate update is Murphy (2007), "Conjugate Bayesian analysis of the Gaussian distribution",
/// section 6; the policy Honda, Takemura (2014), "Optimality of Thompson Sampling for Gaussian Bandits
/// Depends on Priors", AISTATS. Difference: they study improper priors and begin with forced draws; a proper
/// prior needs none.
///
/// Rewards: any finite number. `score` of a choice is the largest draw; `greedy`: no arm that could be chosen
/// has a larger posterior mean. `propensity`: NaN, computed later; 1 where a single arm could be chosen.
/// Cost: select O(arms) time, one normal and one gamma variate an arm; update O(1). Neither allocates.
/// Memory: 33 bytes an arm. Limits: the context is checked but not used; stationary rewards are assumed;
/// heavy-tailed rewards widen the posterior but are still averaged.
class ThompsonGaussian {
 public:
  using Config = ThompsonGaussianConfig;

  static constexpr std::string_view kName = "thompson_gaussian";
  static constexpr std::uint32_t kStateVersion = 1;

  /// What is believed of one arm, in the symbols of the class.
  struct Posterior {
    double mean = 0.0;
    double weight = 0.0;  ///< k
    double shape = 0.0;
    double scale = 0.0;

    bool operator==(const Posterior&) const = default;
  };

  /// Errors: invalid_config, naming the field.
  [[nodiscard]] static Result<ThompsonGaussian> make(const Config& config, const Shape& shape);

  [[nodiscard]] Choice select(const Context& context, Rng& rng) const noexcept;

  /// Errors: unknown_arm, non_finite (an argument, or a number that would overflow), invalid_argument
  /// (weight < 0).
  [[nodiscard]] Errc update(const Feedback& feedback) noexcept;

  [[nodiscard]] std::size_t arm_count() const noexcept { return arms_.count(); }
  [[nodiscard]] bool enabled(ArmIndex arm) const noexcept { return arms_.enabled(arm); }
  /// Errors: full.
  [[nodiscard]] Result<ArmIndex> add_arm();
  Errc set_enabled(ArmIndex arm, bool on) noexcept { return arms_.set_enabled(arm, on); }
  /// Errors: unknown_arm.
  Errc reset_arm(ArmIndex arm) noexcept;
  /// Moves the mean as so many rewards would and makes it as certain; says nothing of the variance. Errors:
  /// unknown_arm, non_finite, invalid_argument.
  [[nodiscard]] Result<void> warm_start(ArmIndex arm, const ArmPrior& prior);
  /// See Forgets. Errors: unknown_arm, invalid_argument.
  Errc forget(ArmIndex arm, double keep) noexcept;
  /// See Expects: the mean of the arm's posterior.
  [[nodiscard]] double expectation(ArmIndex arm, const Input& input, Features action) const noexcept;
  /// See DrawsScores: the posterior.
  [[nodiscard]] ScoreLaw score_law(ArmIndex arm, const Input& input, Features action) const noexcept;

  /// The arm must exist.
  [[nodiscard]] Posterior posterior(ArmIndex arm) const noexcept { return posterior_[to_index(arm)]; }
  [[nodiscard]] std::uint64_t updates() const noexcept { return updates_; }

  void save(Writer& writer) const;
  /// Errors: corrupt_state; unchanged on error.
  [[nodiscard]] Result<void> load(Reader& reader);
  [[nodiscard]] Description describe() const;
  [[nodiscard]] bool operator==(const ThompsonGaussian&) const = default;

 private:
  ThompsonGaussian(const Config& config, const Shape& shape);
  [[nodiscard]] Posterior prior() const noexcept;
  [[nodiscard]] bool valid(const Posterior& posterior) const noexcept;

  Config config_;
  std::size_t features_;
  bool sparse_;
  ArmSet arms_;
  std::vector<Posterior> posterior_;
  std::uint64_t updates_ = 0;
};

}  // namespace attune
