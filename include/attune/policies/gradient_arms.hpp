// SPDX-License-Identifier: Apache-2.0
/// @file
/// GradientArms: one linear regression an arm by steps along the gradient, all arms scored at once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <attune/core/ridge_bank.hpp>
#include <attune/core/serial.hpp>
#include <attune/policies/linear_loss.hpp>

namespace attune {

/// Linear or logistic regressions of as many arms, each with a step size of its own for every weight. With
/// features z and score s = w.z of an arm,
///
///     tau = sum v_i z_i^2,   w_i <- w_i + step v_i z_i,   v_i <- v_i - shrink (v_i z_i)^2,
///
/// squared loss: step = weight (y - s) / (1 + weight tau), shrink = weight / (1 + weight tau); logistic loss:
/// the implicit step of link.hpp. v starts at kFirst. So the first steps are those of normalised gradient
/// descent, a weight's steps then shrink with what its feature has shown, and there is no rate to choose.
///
/// Source: Crammer, Kulesza, Dredze (2009), "Adaptive Regularization of Weight Vectors", NIPS, with a
/// diagonal covariance; as the diagonal of a Kalman filter it is older.
///
/// spread, how sure a score is: sqrt(kFirst / (1 + weight of the arm's targets)), the same in every context.
/// Cost: O(size) an arm to score, with one multiplication and addition a weight, and O(size) to learn; none
/// allocates. Memory: 16 bytes a weight. Weights of eight arms stand side by side (core/kernels.hpp): scoring
/// needs no horizontal sums, and gives the same bits on every instruction set.
class GradientArms {
 public:
  static constexpr double kFirst = 4.0;

  /// `size` features, the last of which is always 1; loss squared or logistic.
  GradientArms(std::size_t arms, std::size_t size, Loss loss);

  /// w.z and spread of the arms which[i]. `z`, here and below, is padded with zeros to a multiple of eight.
  void scores(std::span<const double> z, std::span<const std::uint32_t> which, double* mean,
              double* spread) const noexcept;
  /// Of all arms; returns their spreads. Both arrays have count() rounded up to a multiple of eight numbers.
  const double* all_scores(std::span<const double> z, double* mean) const noexcept;
  /// Returns the score before.
  double learn(std::size_t arm, std::span<const double> z, double target, double weight) noexcept;
  /// A pseudo-target of the constant alone.
  void learn_constant(std::size_t arm, double target, double weight) noexcept;

  void add();
  void reset(std::size_t arm) noexcept;
  void forget(std::size_t arm, double keep) noexcept;
  /// The features are stretch z + shift from now on, but for the last: scores of what was seen stay.
  void restate(std::span<const double> stretch, std::span<const double> shift) noexcept;

  [[nodiscard]] std::size_t count() const noexcept { return count_; }
  [[nodiscard]] double weight(std::size_t arm, std::size_t i) const noexcept { return weights_[at(arm, i)]; }

  void save(Writer& writer) const;
  /// As many `arms`; false or a failed reader otherwise, unchanged then.
  [[nodiscard]] bool load(Reader& reader, std::size_t arms);
  [[nodiscard]] bool operator==(const GradientArms& other) const {
    return size_ == other.size_ && loss_ == other.loss_ && count_ == other.count_ &&
           weights_ == other.weights_ && variances_ == other.variances_ && seen_ == other.seen_;
  }

 private:
  using Numbers = std::vector<double, detail::CacheAligned<double>>;

  [[nodiscard]] std::size_t at(std::size_t arm, std::size_t i) const noexcept;
  [[nodiscard]] double score(std::size_t arm, std::span<const double> z) const noexcept;
  void set_seen(std::size_t arm, double seen) noexcept;

  std::size_t size_;
  Loss loss_;
  std::size_t count_ = 0;
  std::size_t stride_;        // numbers of an arm's v: size_ in whole strips
  Numbers weights_;           // groups of eight arms x features x 8
  Numbers variances_;         // v, a row an arm, padded with zeros
  std::vector<double> seen_;  // weight of an arm's targets
  Numbers spreads_;           // derived; whole groups
  Numbers gain_;              // scratch of one example: v z
};

}  // namespace attune
