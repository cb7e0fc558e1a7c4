// SPDX-License-Identifier: Apache-2.0
/// @file
/// LinUcb: upper confidence bounds for rewards that are linear in the context, one model an arm.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>

#include <attune/core/concepts.hpp>
#include <attune/policies/linear_arms.hpp>

namespace attune {

/// Options of LinUcb.
struct LinUcbConfig {
  double alpha = 1.0;
  double ridge = 1.0;
  double forgetting = 1.0;
  bool intercept = false;
  bool standardise = false;

  template <class Self, class Visitor>
  static constexpr void fields(Self& self, Visitor&& visit) {
    visit("alpha", self.alpha, Bounds{0, 1e6}, "width of the confidence bound, in standard deviations");
    visit("ridge", self.ridge, Bounds{1e-9, 1e9}, "regularisation: A starts as ridge times the identity");
    visit("forgetting", self.forgetting, Bounds{0.01, 1}, "weight of an arm's past at each of its rewards");
    visit("intercept", self.intercept, Bounds{0, 1}, "append a constant 1 to the context");
    visit("standardise", self.standardise, Bounds{0, 1},
          "bring each feature to mean 0 and deviation 1 as they come; brings its own intercept");
  }
  bool operator==(const LinUcbConfig&) const = default;
};

/// Chooses the arm with the largest upper confidence bound on its linear reward,
///
///     score(a) = theta_a' x + alpha sqrt(x' A_a^-1 x),
///     A_a = ridge I + sum of weight x x',   theta_a = A_a^-1 sum of weight reward x,
///
/// sums over the rewards of arm a. Ties are broken uniformly.
///
/// Source: Li, Chu, Langford, Schapire (2010), "A Contextual-Bandit Approach to Personalized News Article
/// Recommendation", WWW, Algorithm 1 (disjoint models; ridge = 1 there). Differences: ridge, forgetting,
/// weights and an intercept are options; A^-1 and theta are updated by the Sherman-Morrison identity
/// (RidgeBank, which gives the formula with forgetting and bounds the rounding errors).
///
/// Rewards: any finite number; alpha is in units of their standard deviation given x, so scale one to the
/// other. Contexts of length about 1 suit ridge = 1; with `standardise` they may be of any size (LinearArms).
/// `greedy` of a choice: no arm that could be chosen has a larger theta'x. `propensity`: 1, or 1/k in a tie
/// of k; an arm that is offered twice counts twice. Warm start: see LinearArms::warm_start; an arm that is
/// added starts from ridge and theta = 0. Cost: select d^2/2 multiply-adds an arm, update about 2 d^2 and
/// every 1024 or 8 d updates of an arm d^3/2; none allocates. Memory: 8 d^2 bytes an arm (d rounded up to a
/// multiple of 8), d^2 more where the copy for screening is kept. Limits: dense contexts of at most 4096
/// numbers; late rewards make it repeat its choice in the same context.
class LinUcb {
 public:
  using Config = LinUcbConfig;

  static constexpr std::string_view kName = "lin_ucb";
  static constexpr std::uint32_t kStateVersion = 1;

  /// Errors: invalid_config, naming the field; unsupported for sparse contexts.
  [[nodiscard]] static Result<LinUcb> make(const Config& config, const Shape& shape);

  [[nodiscard]] Choice select(const Context& context, Rng& rng) const noexcept;
  [[nodiscard]] Errc probabilities(const Context& context, std::span<double> out) const noexcept;

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
  [[nodiscard]] bool operator==(const LinUcb&) const = default;

 private:
  LinUcb(const Config& config, LinearArms linear) : config_(config), linear_(std::move(linear)) {}

  Config config_;
  LinearArms linear_;
};

}  // namespace attune
