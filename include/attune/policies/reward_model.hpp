// SPDX-License-Identifier: Apache-2.0
/// @file
/// RewardModel: rewards of many arms as ridge regressions over features made of the scaled context.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include <attune/core/config.hpp>
#include <attune/core/ridge_bank.hpp>

namespace attune {

/// What a RewardModel makes of a scaled context z of p numbers.
enum class ModelKind : std::uint8_t {
  linear,    ///< 1, z
  products,  ///< 1, z, and all products of two of its numbers
  centres,   ///< 1, z, and how near z is to each of some contexts seen before
};
template <>
inline constexpr std::array<std::string_view, 3> kEnumNames<ModelKind>{"linear", "products", "centres"};

/// One ridge regression an arm (ridge 1) over features phi(z), with the squared errors of its predictions,
/// each made before the reward was learned:
///
///     linear:    phi = (1, 2 z / sqrt p)
///     products:  phi = (1, 2 z / sqrt p, 2 z_i z_j / p for i < j, 1.4 (z_i^2 - 1) / p)
///     centres:   phi = (1, 2 z / sqrt p, exp(-2 |z - c_j|^2 / p) for each centre c_j)
///
/// so that each part of phi has a length near 2, whatever p is. Centres are contexts given by set_centre().
///
/// Source: radial basis functions with a sample of the data as centres are the Nystroem method of Williams,
/// Seeger (2001), "Using the Nystroem Method to Speed Up Kernel Machines", NIPS, without its whitening.
class RewardModel {
 public:
  static constexpr std::size_t kMaxInputs = 256;
  static constexpr std::size_t kMaxCentres = 200;
  static constexpr std::size_t kMaxDimension = 1 + kMaxInputs + kMaxCentres;
  static constexpr std::size_t kMaxProductInputs = 16;
  /// Squared errors are cut at the square of this, so that their sums stay finite.
  static constexpr double kMaxError = 1e75;

  /// Length of phi.
  [[nodiscard]] static std::size_t length(ModelKind kind, std::size_t inputs, std::size_t centres) noexcept;
  /// Bytes that the regressions take.
  [[nodiscard]] static double bytes(std::size_t arms, std::size_t length) noexcept;

  /// `inputs` at most kMaxInputs, for products kMaxProductInputs; `centres` at most kMaxCentres. Errors: as
  /// RidgeBank::make.
  [[nodiscard]] static Result<RewardModel> make(ModelKind kind, std::size_t arms, std::size_t inputs,
                                                std::size_t centres);

  /// Writes phi(z), length() numbers.
  void map(std::span<const double> z, std::span<double> phi) const noexcept;
  /// mean[i] = theta'phi and variance[i] = phi'P phi of arm which[i].
  void scores(std::span<const double> phi, std::span<const std::uint32_t> which, double* mean,
              double* variance) const noexcept;
  [[nodiscard]] double predict(std::size_t arm, std::span<const double> phi) const noexcept;

  /// Looks at a reward, in context z. Errors: non_finite; nothing is changed.
  [[nodiscard]] Errc prepare(std::size_t arm, std::span<const double> z, double target,
                             double weight) noexcept;
  /// Counts the error of the prepared reward.
  void note_error() noexcept;
  /// Learns the prepared reward.
  void commit() noexcept { bank_.commit(step_); }
  /// A pseudo-reward of an arm wherever it is.
  void learn_prior(std::size_t arm, double target, double weight) noexcept;

  /// Forgets what was learned of all arms, but not the errors.
  void clear() noexcept;
  void set_centre(std::size_t index, std::span<const double> z) noexcept;

  /// An arm that has learned nothing. Errors: full.
  [[nodiscard]] Result<void> add();
  /// Also its errors.
  void reset(std::size_t arm) noexcept;
  void forget(std::size_t arm, double keep) noexcept;

  [[nodiscard]] ModelKind kind() const noexcept { return kind_; }
  [[nodiscard]] std::size_t length() const noexcept { return bank_.dimension(); }
  [[nodiscard]] std::size_t centres() const noexcept { return centres_; }
  /// Sum of weighted squared errors of an arm.
  [[nodiscard]] double error(std::size_t arm) const noexcept { return errors_[arm]; }

  void save(Writer& writer) const;
  /// A model of as many `arms` and the same features; false or a failed reader otherwise, unchanged then.
  [[nodiscard]] bool load(Reader& reader, std::size_t arms);
  [[nodiscard]] bool operator==(const RewardModel& other) const noexcept;

 private:
  RewardModel(ModelKind kind, std::size_t inputs, std::size_t centres, RidgeBank bank);

  ModelKind kind_;
  std::size_t inputs_;
  std::size_t centres_;
  RidgeBank bank_;
  std::vector<double> errors_;
  std::vector<double> centre_;  // centres x inputs
  std::size_t placed_ = 0;      // centres that are set; the features of the others are 0
  // Scratch of one reward, not part of the state.
  RidgeBank::Step step_;
  std::vector<double> phi_;
};

}  // namespace attune
