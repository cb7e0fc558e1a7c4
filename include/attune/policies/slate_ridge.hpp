// SPDX-License-Identifier: Apache-2.0
/// @file
/// SlateRidge: slates that are told one reward for the whole list, taken for a sum over positions and arms.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include <attune/core/arm_set.hpp>
#include <attune/core/slates.hpp>

namespace attune {

/// Options of SlateRidge.
struct SlateRidgeConfig {
  std::uint32_t positions = 4;
  double alpha = 1.0;
  double ridge = 1.0;
  double epsilon = 0.0;

  template <class Self, class Visitor>
  static constexpr void fields(Self& self, Visitor&& visit) {
    visit("positions", self.positions, Bounds{1, 16}, "positions of the longest slate");
    visit("alpha", self.alpha, Bounds{0, 1e6}, "width of the confidence bound, in standard deviations");
    visit("ridge", self.ridge, Bounds{1e-6, 1e6}, "regularisation of each value");
    visit("epsilon", self.epsilon, Bounds{0, 1}, "share of slates that are drawn uniformly");
  }
  bool operator==(const SlateRidgeConfig&) const = default;
};

/// Takes the reward of a slate for the sum of a value phi(a, j) of each arm a at its position j, keeps the
/// Gaussian posterior of all values under ridge regression over the indicators x of the pairs (a, j) that
/// were shown, and shows the best list for one draw of it,
///
///     argmax over ordered lists of  sum over j of  draw(a_j, j),   draw ~ N(phi, alpha^2 P),
///     P = (ridge I + sum of weight x x')^-1,   phi = P sum of weight reward x.
///
/// The best list is found exactly, as an assignment. With probability `epsilon` the list is a uniform draw of
/// all ordered lists instead; alpha = 0 with some epsilon is epsilon-greedy, whose propensities are known.
///
/// Source: the additive model and its indicators: Swaminathan, Krishnamurthy, Agarwal, Dudik, Langford, Jose,
/// Zitouni (2017), "Off-policy Evaluation for Slate Recommendation", NeurIPS, section 2, whose estimator is
/// the least-squares solution of the same model. Sampling: Wen, Kveton, Ashkan (2015), "Efficient Learning in
/// Large-Scale Combinatorial Semi-Bandits", ICML, algorithm 1 (CombLinTS), told the sum alone. (Bounds a
/// position would not do: repeated, a list's sum becomes known and its parts do not.) P is kept as a product
/// S S', which rounding cannot make indefinite: Potter's update, Bierman (1977), "Factorization Methods for
/// Discrete Sequential Estimation", section V.2.
///
/// Rewards: any finite number; alpha is in units of their noise. Propensities: exact where alpha is 0 (ties
/// go by a fixed order of the arms), else NaN. Cost: D = arms x positions; select_slate D^2 + k^5, update 2
/// D^2; neither allocates; reset_arm D^3, with room for D^2 numbers. Memory: 8 D^2 bytes. Limits: D at most
/// 1024; no context; no interaction between the arms of a slate.
class SlateRidge {
 public:
  using Config = SlateRidgeConfig;

  static constexpr std::string_view kName = "slate_ridge";
  static constexpr std::uint32_t kStateVersion = 1;
  /// Arms times positions.
  static constexpr std::size_t kMaxValues = 1024;

  /// Errors: invalid_config, naming the field, or too many arms for the positions.
  [[nodiscard]] static Result<SlateRidge> make(const Config& config, const Shape& shape);

  /// Errors: those of SlateBandit; invalid_argument also for more positions than configured.
  [[nodiscard]] SlateChoice select_slate(const Context& context, Rng& rng,
                                         const SlateOut& out) const noexcept;
  /// Errors: those of check_slate_feedback; unsupported (a signal other than `whole`); invalid_argument (more
  /// positions than configured); dimension_mismatch, non_finite (input, or a value that would overflow).
  [[nodiscard]] Errc update(const SlateFeedback& feedback) noexcept;
  [[nodiscard]] static constexpr bool takes(SlateSignal signal) noexcept {
    return signal == SlateSignal::whole;
  }

  [[nodiscard]] std::size_t arm_count() const noexcept { return arms_.count(); }
  [[nodiscard]] bool enabled(ArmIndex arm) const noexcept { return arms_.enabled(arm); }
  /// Errors: full, at kMaxValues.
  [[nodiscard]] Result<ArmIndex> add_arm();
  Errc set_enabled(ArmIndex arm, bool on) noexcept { return arms_.set_enabled(arm, on); }
  /// Errors: unknown_arm; full when there is no memory for it.
  Errc reset_arm(ArmIndex arm) noexcept;
  [[nodiscard]] std::uint64_t updates() const noexcept { return updates_; }

  /// phi(arm, position) and its standard deviation sqrt(P); both must exist.
  [[nodiscard]] double value(ArmIndex arm, std::size_t position) const noexcept {
    return value_[at(to_index(arm), position)];
  }
  [[nodiscard]] double deviation(ArmIndex arm, std::size_t position) const noexcept;

  void save(Writer& writer) const;
  /// Errors: corrupt_state; unchanged on error.
  [[nodiscard]] Result<void> load(Reader& reader);
  [[nodiscard]] Description describe() const;
  [[nodiscard]] bool operator==(const SlateRidge& other) const {
    return updates_ == other.updates_ && arms_ == other.arms_ && value_ == other.value_ &&
           root_ == other.root_;
  }

 private:
  using Values = std::array<double, kMaxValues>;
  using List = std::array<ArmIndex, kMaxSlate>;

  SlateRidge(const Config& config, const Shape& shape);
  [[nodiscard]] std::size_t at(std::size_t arm, std::size_t position) const noexcept {
    return arm * config_.positions + position;
  }
  void draw_values(Rng& rng, Values& draw) const noexcept;
  void find_best(const Context& context, std::size_t length, const Values& draw, List& best) const noexcept;
  [[nodiscard]] std::vector<double> covariance() const;

  Config config_;
  std::size_t features_;
  bool sparse_;
  ArmSet arms_;
  std::vector<double> value_;  // phi, an arm's positions together
  std::vector<double> root_;   // S, column-major
  std::uint64_t updates_ = 0;
  // Scratch of one update: S'x and S S'x.
  std::vector<double> projection_;
  std::vector<double> direction_;
};

}  // namespace attune
