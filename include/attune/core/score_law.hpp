// SPDX-License-Identifier: Apache-2.0
/// @file
/// ScoreLaw: the distribution that the score of an arm is drawn from.
#pragma once

#include <concepts>
#include <cstdint>

#include <attune/core/concepts.hpp>

namespace attune {

/// Distribution of one number.
struct ScoreLaw {
  enum class Kind : std::uint8_t {
    unknown,    ///< no such arm, or a context of another form
    fixed,      ///< `location` for certain; infinite: before all others, or never
    normal,     ///< location + scale Z
    student_t,  ///< location + scale T, T with `shape` degrees of freedom
    beta,       ///< Beta(location, scale)
    gamma,      ///< scale times a gamma variate of `shape`
    gumbel,     ///< location + scale G, G = -log of an exponential variate
  };
  Kind kind = Kind::unknown;
  double location = 0.0;
  double scale = 0.0;
  double shape = 0.0;

  [[nodiscard]] static ScoreLaw fixed(double value) noexcept {
    return {.kind = Kind::fixed, .location = value};
  }
  /// Fixed where the deviation is 0.
  [[nodiscard]] static ScoreLaw normal(double mean, double deviation) noexcept {
    return deviation > 0.0 ? ScoreLaw{.kind = Kind::normal, .location = mean, .scale = deviation}
                           : fixed(mean);
  }
  [[nodiscard]] static ScoreLaw student_t(double center, double scale, double degrees) noexcept {
    return {.kind = Kind::student_t, .location = center, .scale = scale, .shape = degrees};
  }
  [[nodiscard]] static ScoreLaw beta(double a, double b) noexcept {
    return {.kind = Kind::beta, .location = a, .scale = b};
  }
  [[nodiscard]] static ScoreLaw gumbel(double location, double scale) noexcept {
    return {.kind = Kind::gumbel, .location = location, .scale = scale};
  }
  [[nodiscard]] static ScoreLaw gamma(double shape, double scale) noexcept {
    return {.kind = Kind::gamma, .scale = scale, .shape = shape};
  }
};

/// A Bandit that draws a score for each arm that may be chosen, independently given the context, and takes
/// the largest: Thompson sampling with a posterior for each arm. What it chooses has a probability that
/// propensities() finds by quadrature.
///
/// `score_law(arm, input, action)` is of kind unknown for unknown arms and for inputs that select refuses.
template <class B>
concept DrawsScores =
    Bandit<B> && requires(const B& seen, ArmIndex arm, const Input& input, Features action) {
      { seen.score_law(arm, input, action) } noexcept -> std::same_as<ScoreLaw>;
    };

}  // namespace attune
