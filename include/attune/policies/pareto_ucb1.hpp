// SPDX-License-Identifier: Apache-2.0
/// @file
/// ParetoUcb1: UCB1 for rewards of several components that are not to be weighed against each other.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include <attune/core/arm_set.hpp>
#include <attune/core/concepts.hpp>
#include <attune/policies/pareto.hpp>

namespace attune {

/// Options of ParetoUcb1.
struct ParetoUcb1Config {
  std::uint32_t components = 2;
  double c = 2.0;

  template <class Self, class Visitor>
  static constexpr void fields(Self& self, Visitor&& visit) {
    visit("components", self.components, Bounds{1, 64}, "numbers that a reward has");
    visit("c", self.c, Bounds{0, 1e6}, "exploration: factor of the logarithm; the proof is for 2");
  }
  bool operator==(const ParetoUcb1Config&) const = default;
};

/// Takes one of the arms, uniformly, whose index no other arm's dominates:
///
///     index_i(a) = mean_i(a) + sqrt( c ln( t (D K)^(1/4) ) / n(a) )     for the components i = 1, .., D,
///
/// an arm that was never tried first. So all arms of the Pareto front are played for ever, and the others
/// less and less; `front()` says which they are.
///
/// Source: Drugan, Nowe (2013), "Designing multi-objective multi-armed bandits algorithms: A study", IJCNN,
/// section III and Theorem 1: an arm at distance e from the front is taken at most 8 ln( T (D |front|)^(1/4)
/// ) / e^2 times, but for a constant. Difference: K, the number of arms that may be chosen, stands for the
/// size of the front, which is not known.
///
/// Rewards: every component in [0, 1], larger is better; others are refused. `propensity` and `probabilities`
/// are exact. Cost: select O(K^2 D), update O(D); none allocates. Memory: 8 D + 25 bytes an arm. Limits: the
/// context is checked but not used; choices repeat until rewards come where the front is one arm.
class ParetoUcb1 {
 public:
  using Config = ParetoUcb1Config;

  static constexpr std::string_view kName = "pareto_ucb1";
  static constexpr std::uint32_t kStateVersion = 1;

  /// Errors: invalid_config, naming the field.
  [[nodiscard]] static Result<ParetoUcb1> make(const Config& config, const Shape& shape);

  [[nodiscard]] Choice select(const Context& context, Rng& rng) const noexcept;
  [[nodiscard]] Errc probabilities(const Context& context, std::span<double> out) const noexcept;

  /// Errors: unknown_arm, dimension_mismatch, non_finite, invalid_argument (a component outside [0, 1]).
  [[nodiscard]] Errc update(ArmIndex arm, std::span<const double> reward) noexcept;

  [[nodiscard]] std::size_t arm_count() const noexcept { return arms_.count(); }
  [[nodiscard]] bool enabled(ArmIndex arm) const noexcept { return arms_.enabled(arm); }
  /// Errors: full.
  [[nodiscard]] Result<ArmIndex> add_arm();
  Errc set_enabled(ArmIndex arm, bool on) noexcept { return arms_.set_enabled(arm, on); }
  Errc reset_arm(ArmIndex arm) noexcept;

  /// By component; zeros before the first reward. The arm must exist.
  [[nodiscard]] std::span<const double> mean(ArmIndex arm) const noexcept {
    return std::span(mean_).subspan(to_index(arm) * config_.components, config_.components);
  }
  [[nodiscard]] std::uint64_t pulls(ArmIndex arm) const noexcept { return pulls_[to_index(arm)]; }
  /// Enabled arms that were tried and whose mean no other such arm's dominates. Allocates.
  [[nodiscard]] std::vector<ArmIndex> front() const;
  [[nodiscard]] std::uint64_t updates() const noexcept { return updates_; }

  void save(Writer& writer) const;
  /// Errors: corrupt_state; unchanged on error.
  [[nodiscard]] Result<void> load(Reader& reader);
  [[nodiscard]] Description describe() const;
  [[nodiscard]] bool operator==(const ParetoUcb1&) const = default;

 private:
  ParetoUcb1(const Config& config, const Shape& shape);
  template <class Visitor>
  void for_each_best(const Context& context, Visitor&& visit) const noexcept;
  [[nodiscard]] bool index_dominates(double level, std::size_t one, std::size_t other) const noexcept;

  Config config_;
  std::size_t features_;
  bool sparse_;
  ArmSet arms_;
  std::vector<double> mean_;  // arms x components
  std::vector<std::uint64_t> pulls_;
  std::vector<double> width_;  // derived: 1 / sqrt(n)
  std::uint64_t updates_ = 0;
};

}  // namespace attune
