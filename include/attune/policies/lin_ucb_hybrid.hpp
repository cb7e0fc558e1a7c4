// SPDX-License-Identifier: Apache-2.0
/// @file
/// LinUcbHybrid: LinUCB with a model shared by all arms over their own features.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include <attune/core/arm_set.hpp>
#include <attune/core/concepts.hpp>
#include <attune/core/ridge_bank.hpp>

namespace attune {

/// What the shared model sees of an arm with features a in context x.
enum class SharedFeatures : std::uint8_t {
  outer,   ///< all products a_i x_j; a itself where there is no context
  action,  ///< a
};
template <>
inline constexpr std::array<std::string_view, 2> kEnumNames<SharedFeatures>{"outer", "action"};

/// Options of LinUcbHybrid.
struct LinUcbHybridConfig {
  double alpha = 1.0;
  double ridge = 1.0;
  bool intercept = false;
  SharedFeatures shared = SharedFeatures::outer;
  bool disjoint = true;

  template <class Self, class Visitor>
  static constexpr void fields(Self& self, Visitor&& visit) {
    visit("alpha", self.alpha, Bounds{0, 1e6}, "width of the confidence bound, in standard deviations");
    visit("ridge", self.ridge, Bounds{1e-9, 1e9},
          "regularisation: matrices start as ridge times the identity");
    visit("intercept", self.intercept, Bounds{0, 1}, "append a constant 1 to the context");
    visit("shared", self.shared, Bounds{},
          "features of the shared model: action features times context, or alone");
    visit("disjoint", self.disjoint, Bounds{0, 1}, "a model of its own for each arm beside the shared one");
  }
  bool operator==(const LinUcbHybridConfig&) const = default;
};

/// Chooses the arm with the largest upper confidence bound on a reward that has a part shared by all arms,
///
///     E[reward] = z' beta + x' theta_a,     z = a x' (all products), or a
///
/// where x is the context and a the arm's own features, given with each context. An arm that was never tried
/// is judged by what its features promise. With p = z - C_a' x,
///
///     score(a) = p' beta + x' g_a + alpha sqrt(p' A0^-1 p + x' A_a^-1 x).
///
/// Here A_a = ridge I + sum w x x', g_a = A_a^-1 sum w reward x and C_a = A_a^-1 sum w x z' over the rewards
/// of arm a: what its own model makes of the reward and of z. A0 = ridge I + sum w rho p p' and beta = A0^-1
/// sum w rho p (reward - x' g_a), with p, g and rho = 1/(1 + w x'A_a^-1 x) as they were before each reward.
///
/// Source: Li, Chu, Langford, Schapire (2010), "A Contextual-Bandit Approach to Personalized News Article
/// Recommendation", WWW, Algorithm 2. The formulas above are theirs, rearranged: their four terms of s are
/// one square, and their two corrections of A0 and b0 are one rank-one update
/// (docs/algorithms/lin_ucb_hybrid.md shows the steps; a test holds both against their own form).
/// Differences: ridge, intercept, weights, and each part of the model are options.
///
/// Rewards, `greedy`, `propensity`: as LinUcb.
/// Warm start: pseudo-rewards at z = 0, in the arm's own model; unsupported with disjoint = false or without
/// context and intercept. A reset forgets the arm's own model; what it taught the shared one stays.
/// Cost, with k = length of z and d of x: select d^2/2 + d k + k^2/2 multiply-adds an arm, update 2 d^2 + d k
/// + 2 k^2; none allocates; select uses 32 KiB of stack. Memory: 8 (d^2 + d k) bytes an arm, 8 k^2 once.
/// Limits: d and k at most 4096; dense contexts.
class LinUcbHybrid {
 public:
  using Config = LinUcbHybridConfig;

  static constexpr std::string_view kName = "lin_ucb_hybrid";
  static constexpr std::uint32_t kStateVersion = 1;

  /// Errors: invalid_config, naming the field; unsupported for sparse contexts.
  [[nodiscard]] static Result<LinUcbHybrid> make(const Config& config, const Shape& shape);

  /// `context.actions` has a row for each arm; only those of arms that may be chosen are read.
  /// Status dimension_mismatch or non_finite also for action features.
  [[nodiscard]] Choice select(const Context& context, Rng& rng) const noexcept;
  [[nodiscard]] Errc probabilities(const Context& context, std::span<double> out) const noexcept;

  /// Errors: unknown_arm, dimension_mismatch, non_finite, invalid_argument (weight < 0).
  [[nodiscard]] Errc update(const Feedback& feedback) noexcept;

  [[nodiscard]] std::size_t arm_count() const noexcept { return arms_.count(); }
  [[nodiscard]] bool enabled(ArmIndex arm) const noexcept { return arms_.enabled(arm); }
  /// Errors: full.
  [[nodiscard]] Result<ArmIndex> add_arm();
  Errc set_enabled(ArmIndex arm, bool on) noexcept { return arms_.set_enabled(arm, on); }
  Errc reset_arm(ArmIndex arm) noexcept;
  /// Errors: unknown_arm, non_finite, invalid_argument, unsupported.
  [[nodiscard]] Result<void> warm_start(ArmIndex arm, const ArmPrior& prior);

  /// Coefficients beta of the shared model.
  [[nodiscard]] std::span<const double> shared_coefficients() const noexcept {
    return shared_.coefficients(0);
  }
  [[nodiscard]] std::uint64_t updates() const noexcept { return updates_; }

  void save(Writer& writer) const;
  /// Errors: corrupt_state; unchanged on error.
  [[nodiscard]] Result<void> load(Reader& reader);
  [[nodiscard]] Description describe() const;
  [[nodiscard]] bool operator==(const LinUcbHybrid& other) const noexcept;

 private:
  using Numbers = std::vector<double, detail::CacheAligned<double>>;

  LinUcbHybrid(const Config& config, const Shape& shape, RidgeBank own, RidgeBank shared);
  [[nodiscard]] Errc check(const Context& context) const noexcept;
  template <class Visitor>
  void for_each_score(const Context& context, Visitor&& visit) const noexcept;
  void shared_features(Features context, Features action, std::span<double> out) const noexcept;
  void subtract_explained(std::size_t arm, const detail::StripVector& x,
                          std::span<double> out) const noexcept;
  [[nodiscard]] Errc learn(std::size_t arm, const detail::StripVector& x, double reward,
                           double weight) noexcept;

  Config config_;
  std::size_t features_;
  std::size_t action_features_;
  std::size_t length_;  // of a row of C_a: the shared dimension, padded
  ArmSet arms_;
  RidgeBank own_;     // A_a, g_a; dimension 0 without
  RidgeBank shared_;  // A0, beta: one model
  Numbers cross_;     // C_a: arms x own dimension x length_
  std::uint64_t updates_ = 0;
  Numbers scratch_;  // p of one update; not part of the state
};

}  // namespace attune
