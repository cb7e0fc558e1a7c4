// SPDX-License-Identifier: Apache-2.0
/// @file
/// ExpertMixer: one prediction out of those of eight experts.
#pragma once

#include <array>
#include <cstddef>
#include <span>

#include <attune/core/error.hpp>
#include <attune/core/serial.hpp>
#include <attune/policies/linear_loss.hpp>

namespace attune {

/// One number for each expert.
using ExpertArray = std::array<double, 8>;

namespace detail {

/// The weights of one feature in eight models, and how uncertain each is.
struct alignas(64) LaneWeights {
  ExpertArray mean{};
  ExpertArray variance{};

  bool operator==(const LaneWeights&) const = default;
};

/// What the eight models believe before the first example, and how fast it comes back.
struct LaneConstants {
  ExpertArray prior{};  ///< variance of a weight
  ExpertArray drift{};  ///< by which a variance grows an example, up to the prior
};

/// What an ExpertMixer has learned.
struct alignas(64) MixerState {
  static constexpr std::size_t kInputs = 10;

  ExpertArray shares{};
  ExpertArray correction_shares{};
  std::array<LaneWeights, kInputs> corrections{};
  double average_share = 0.0;
  double error_squares = 0.0;  ///< of the average, fading; squared loss only
  double error_count = 0.0;

  bool operator==(const MixerState&) const = default;
};

}  // namespace detail

/// Weighs experts by how well each has predicted, in two steps.
///
/// 1. The experts' predictions are averaged with weights that are multiplied by the likelihood of what came
///    (logistic loss) or by exp(-error^2 / 2 noise) (squared), and of which a share is spread evenly after
///    each example. Source: Herbster, Warmuth (1998), "Tracking the Best Expert", fixed share. With logistic
///    loss the total loss exceeds that of the best expert by at most ln 8 plus 1e-4 an example, and that of a
///    sequence of experts by about ln(8 / 1e-4) for each change.
/// 2. Eight online regressions correct that average: inputs are how far each expert's score is from it, the
///    average itself, and a constant; they differ in how far they go and in whether they believe that their
///    coefficients move (logistic mixing: Mattern 2013, "Linear and Geometric Mixtures", DCC). The average
///    and its corrections are weighed as in step 1.
///
/// Cost: constant, about a tenth of a microsecond; nothing allocates after construction.
class ExpertMixer {
 public:
  static constexpr std::size_t kExperts = 8;

  explicit ExpertMixer(Loss loss);

  /// All that the experts' scores lead to.
  // The arrays have no initial values: filling them would cost as much as the sums.
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-member-init)
  struct alignas(64) Blend {
    ExpertArray scores;                                      ///< bounded
    ExpertArray experts;                                     ///< predictions
    ExpertArray corrected;                                   ///< scores of the corrections
    ExpertArray corrections;                                 ///< their predictions
    std::array<double, detail::MixerState::kInputs> inputs;  ///< of the corrections
    double centre = 0.0;                                     ///< score of the average
    double spread = 1.0;                                     ///< unit of scores
    double average = 0.0;
    double prediction = 0.0;
  };
  [[nodiscard]] Blend blend(const ExpertArray& scores) const noexcept;
  /// `target` in [0, 1] with logistic loss; weight > 0.
  void learn(const Blend& blend, double target, double weight) noexcept;

  [[nodiscard]] const ExpertArray& shares() const noexcept { return state_.shares; }

  void save(Writer& writer) const;
  /// The reader fails where the numbers are no mixer's.
  void load(Reader& reader);
  [[nodiscard]] bool operator==(const ExpertMixer&) const = default;

 private:
  Loss loss_;
  detail::MixerState state_;
};

}  // namespace attune
