// SPDX-License-Identifier: Apache-2.0
/// @file
/// LinTs: Thompson sampling for rewards that are linear in the context, one model an arm.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

#include <attune/core/concepts.hpp>
#include <attune/core/score_law.hpp>
#include <attune/policies/linear_arms.hpp>

namespace attune {

/// Options of LinTs.
struct LinTsConfig {
  double scale = 0.5;
  double ridge = 1.0;
  double forgetting = 1.0;
  bool intercept = false;
  bool standardise = false;

  template <class Self, class Visitor>
  static constexpr void fields(Self& self, Visitor&& visit) {
    visit("scale", self.scale, Bounds{0, 1e6}, "v: the posterior's standard deviation is v sqrt(x' A^-1 x)");
    visit("ridge", self.ridge, Bounds{1e-9, 1e9}, "regularisation: A starts as ridge times the identity");
    visit("forgetting", self.forgetting, Bounds{0.01, 1}, "weight of an arm's past at each of its rewards");
    visit("intercept", self.intercept, Bounds{0, 1}, "append a constant 1 to the context");
    visit("standardise", self.standardise, Bounds{0, 1},
          "bring each feature to mean 0 and deviation 1 as they come; brings its own intercept");
  }
  bool operator==(const LinTsConfig&) const = default;
};

/// Draws each arm's coefficients from their posterior and chooses the arm whose draw promises most,
///
///     theta~_a ~ Normal(theta_a, scale^2 A_a^-1),   score(a) = theta~_a' x,
///
/// with A_a and theta_a as in LinUcb. For one context the score of an arm is itself a normal variate,
/// Normal(theta_a' x, scale^2 x' A_a^-1 x), independent of the other arms because their models are disjoint:
/// so one number an arm is drawn instead of d, with the same distribution of choices.
///
/// Source: Agrawal, Goyal (2013), "Thompson Sampling for Contextual Bandits with Linear Payoffs", ICML,
/// Algorithm 1 (one model for all arms there; one an arm here; v in their notation is `scale`, constant
/// here).
///
/// Rewards, `standardise`, warm start, cost and memory: as LinUcb, plus a normal draw an arm in select.
/// `greedy` of a choice: no arm that could be chosen has a larger theta'x.
/// `propensity`: NaN, deferred: it is the chance that one of several unequal normals is the largest, which
/// has no closed form for more than two arms. Limits: dense contexts of at most 4096 numbers.
class LinTs {
 public:
  using Config = LinTsConfig;

  static constexpr std::string_view kName = "lin_ts";
  static constexpr std::uint32_t kStateVersion = 1;

  /// Errors: invalid_config, naming the field; unsupported for sparse contexts.
  [[nodiscard]] static Result<LinTs> make(const Config& config, const Shape& shape);

  [[nodiscard]] Choice select(const Context& context, Rng& rng) const noexcept;

  /// Errors: unknown_arm, dimension_mismatch, non_finite (the input, or a result beyond the finite numbers),
  /// invalid_argument (weight < 0).
  [[nodiscard]] Errc update(const Feedback& feedback) noexcept { return linear_.update(feedback); }

  [[nodiscard]] std::size_t arm_count() const noexcept { return linear_.arms().count(); }
  [[nodiscard]] bool enabled(ArmIndex arm) const noexcept { return linear_.arms().enabled(arm); }
  /// Errors: full.
  [[nodiscard]] Result<ArmIndex> add_arm() { return linear_.add(); }
  Errc set_enabled(ArmIndex arm, bool on) noexcept { return linear_.arms().set_enabled(arm, on); }
  Errc reset_arm(ArmIndex arm) noexcept { return linear_.reset(arm); }
  /// See Forgets. Errors: unknown_arm, invalid_argument.
  Errc forget(ArmIndex arm, double keep) noexcept { return linear_.forget(arm, keep); }
  /// See Expects: theta'x.
  [[nodiscard]] double expectation(ArmIndex arm, const Input& input, Features /*action*/) const noexcept {
    return linear_.expectation(arm, input);
  }
  /// See DrawsScores: Normal(theta'x, scale^2 x'P x).
  [[nodiscard]] ScoreLaw score_law(ArmIndex arm, const Input& input, Features action) const noexcept;
  /// Errors: unknown_arm, non_finite, invalid_argument.
  [[nodiscard]] Result<void> warm_start(ArmIndex arm, const ArmPrior& prior) {
    return linear_.warm_start(arm, prior);
  }

  /// The regressions, one an arm: coefficients, A, A^-1.
  [[nodiscard]] const RidgeBank& models() const noexcept { return linear_.models(); }
  /// With `standardise`: how contexts become what the regressions see; of no features without.
  [[nodiscard]] const ContextScaling& scaling() const noexcept { return linear_.scaling(); }
  [[nodiscard]] std::uint64_t updates() const noexcept { return linear_.updates(); }

  void save(Writer& writer) const { linear_.save(writer); }
  /// Errors: corrupt_state; unchanged on error.
  [[nodiscard]] Result<void> load(Reader& reader) { return linear_.load(reader); }
  [[nodiscard]] Description describe() const;
  [[nodiscard]] bool operator==(const LinTs&) const = default;

 private:
  LinTs(const Config& config, LinearArms linear) : config_(config), linear_(std::move(linear)) {}

  Config config_;
  LinearArms linear_;
};

}  // namespace attune
