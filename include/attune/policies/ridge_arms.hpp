// SPDX-License-Identifier: Apache-2.0
/// @file
/// RidgeArms: one ridge or Bayesian logistic regression an arm, with its whole covariance.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

#include <attune/core/ridge_bank.hpp>
#include <attune/policies/linear_loss.hpp>

namespace attune {

/// As many arms with a RidgeBank between them (ridge 1). Squared loss: ridge regression, exactly. Logistic
/// loss: Laplace's approximation after each target y of weight w, started from the last one,
///
///     minimise  (theta - m)'A (theta - m) / 2 + w loss(theta'z, y)  along A^-1 z,   A <- A + w p (1 - p) z
///     z',
///
/// with p at the solution: it is the ridge update for the target s + (y - p) / (p (1 - p)) of weight
/// w p (1 - p), s the score at the solution, and so takes the same path through the bank.
///
/// Sources: Chapelle, Li (2011), "An Empirical Evaluation of Thompson Sampling", NIPS, Algorithm 3, there
/// with a diagonal A and in batches; Spiegelhalter, Lauritzen (1990), "Sequential updating of conditional
/// probabilities on directed graphical structures", Networks 20.
///
/// spread: sqrt(z'A^-1 z). Cost and memory: as RidgeBank.
class RidgeArms {
 public:
  /// `size` features, the last of which is always 1; loss squared or logistic. Errors: as RidgeBank::make.
  [[nodiscard]] static Result<RidgeArms> make(std::size_t arms, std::size_t size, Loss loss);

  /// theta'z and spread of the arms which[i]. `z`, here and below, is padded with zeros to a multiple of
  /// eight.
  void scores(std::span<const double> z, std::span<const std::uint32_t> which, double* mean,
              double* spread) const noexcept;
  /// Returns the score before.
  double learn(std::size_t arm, std::span<const double> z, double target, double weight) noexcept;
  /// A pseudo-target of the constant alone.
  void learn_constant(std::size_t arm, double target, double weight) noexcept;

  [[nodiscard]] Result<void> add() { return bank_.add(); }
  void reset(std::size_t arm) noexcept { bank_.reset(arm); }
  void forget(std::size_t arm, double keep) noexcept { bank_.forget(arm, keep); }
  /// The features are stretch z + shift from now on, but for the last: what was learned is restated.
  void restate(std::span<const double> stretch, std::span<const double> shift) noexcept {
    for (std::size_t arm = 0; arm < bank_.count(); ++arm) {
      bank_.rescale(arm, stretch, shift);
    }
  }

  [[nodiscard]] const RidgeBank& bank() const noexcept { return bank_; }
  void save(Writer& writer) const { bank_.save(writer); }
  /// As many `arms`; false or a failed reader otherwise, unchanged then.
  [[nodiscard]] bool load(Reader& reader, std::size_t arms);
  [[nodiscard]] bool operator==(const RidgeArms& other) const = default;

 private:
  RidgeArms(Loss loss, RidgeBank bank) : loss_(loss), bank_(std::move(bank)) {}

  Loss loss_;
  RidgeBank bank_;
};

}  // namespace attune
