// SPDX-License-Identifier: Apache-2.0
#include <attune/policies/reward_model.hpp>

#include <algorithm>
#include <cmath>
#include <utility>

#include "core/kernels.hpp"
#include "core/portable_math.hpp"
#include "policies/bandit/choosing.hpp"

namespace attune {
namespace {

constexpr double kLength = 2.0;  // of each part of phi

detail::StripVector strips(std::span<const double> phi) noexcept { return {phi, false, 0.0}; }

}  // namespace

std::size_t RewardModel::length(ModelKind kind, std::size_t inputs, std::size_t centres) noexcept {
  switch (kind) {
    case ModelKind::products:
      return 1 + inputs + (inputs * (inputs + 1) / 2);
    case ModelKind::centres:
      return 1 + inputs + centres;
    default:
      return 1 + inputs;
  }
}

double RewardModel::bytes(std::size_t arms, std::size_t length) noexcept {
  // Two packed matrices in doubles, and room for a coarse one. Saved states depend on this number.
  const auto matrix = static_cast<double>(detail::packed_size(detail::strip_count(length)));
  return static_cast<double>(arms) * matrix * (2 * sizeof(double) + sizeof(float));
}

Result<RewardModel> RewardModel::make(ModelKind kind, std::size_t arms, std::size_t inputs,
                                      std::size_t centres) {
  Result<RidgeBank> bank = RidgeBank::make(arms, length(kind, inputs, centres), 1.0, 1.0);
  if (!bank) {
    return tl::unexpected(std::move(bank).error());
  }
  return RewardModel(kind, inputs, kind == ModelKind::centres ? centres : 0, *std::move(bank));
}

RewardModel::RewardModel(ModelKind kind, std::size_t inputs, std::size_t centres, RidgeBank bank)
    : kind_(kind),
      inputs_(inputs),
      centres_(centres),
      bank_(std::move(bank)),
      errors_(bank_.count()),
      centre_(centres * inputs),
      phi_(bank_.dimension()) {}

void RewardModel::map(std::span<const double> z, std::span<double> phi) const noexcept {
  const auto count = static_cast<double>(std::max<std::size_t>(1, inputs_));
  std::size_t at = 0;
  phi[at++] = 1.0;
  const double alone = kLength / std::sqrt(count);
  for (const double value : z) {
    phi[at++] = alone * value;
  }
  if (kind_ == ModelKind::products) {
    const double pair = kLength / count;
    for (std::size_t i = 0; i < inputs_; ++i) {
      phi[at++] = 0.7 * pair * (z[i] * z[i] - 1.0);
      for (std::size_t j = i + 1; j < inputs_; ++j) {
        phi[at++] = pair * z[i] * z[j];
      }
    }
  }
  const double* centre = centre_.data();
  for (std::size_t c = 0; c < centres_; ++c) {
    double distance = 0.0;
    for (std::size_t i = 0; i < inputs_; ++i) {
      const double apart = z[i] - centre[i];
      distance += apart * apart;
    }
    centre += inputs_;
    phi[at++] = c < placed_ ? detail::portable_exp(-2.0 * distance / count) : 0.0;
  }
}

void RewardModel::scores(std::span<const double> phi, std::span<const std::uint32_t> which, double* mean,
                         double* variance) const noexcept {
  bank_.scores(strips(phi), which, mean, variance);
}

double RewardModel::predict(std::size_t arm, std::span<const double> phi) const noexcept {
  const std::span<const double> theta = bank_.coefficients(arm);
  double sum = 0.0;
  for (std::size_t i = 0; i < phi.size(); ++i) {
    sum += theta[i] * phi[i];
  }
  return sum;
}

Errc RewardModel::prepare(std::size_t arm, std::span<const double> z, double target, double weight) noexcept {
  map(z, phi_);
  return bank_.prepare(arm, strips(phi_), target, weight, step_);
}

void RewardModel::note_error() noexcept {
  const double error = std::clamp(step_.residual, -kMaxError, kMaxError);
  errors_[step_.model] += step_.weight * error * error;
}

void RewardModel::learn_prior(std::size_t arm, double target, double weight) noexcept {
  std::ranges::fill(phi_, 0.0);
  phi_[0] = 1.0;
  // A prior that does not fit into finite numbers was refused when it came.
  (void)bank_.learn(arm, strips(phi_), target, weight);
}

void RewardModel::clear() noexcept {
  for (std::size_t arm = 0; arm < bank_.count(); ++arm) {
    bank_.reset(arm);
  }
  placed_ = 0;
  std::ranges::fill(centre_, 0.0);
}

void RewardModel::set_centre(std::size_t index, std::span<const double> z) noexcept {
  std::ranges::copy(z, centre_.begin() + static_cast<std::ptrdiff_t>(index * inputs_));
  placed_ = std::max(placed_, index + 1);
}

Result<void> RewardModel::add() {
  detail::make_room(errors_, errors_.size() + 1);
  if (Result<void> added = bank_.add(); !added) {
    return added;
  }
  errors_.push_back(0.0);
  return {};
}

void RewardModel::reset(std::size_t arm) noexcept {
  bank_.reset(arm);
  errors_[arm] = 0.0;
}

void RewardModel::forget(std::size_t arm, double keep) noexcept {
  bank_.forget(arm, keep);
  errors_[arm] *= keep;
}

void RewardModel::save(Writer& writer) const {
  writer.u64(placed_);
  writer.numbers(centre_);
  writer.numbers(errors_);
  bank_.save(writer);
}

bool RewardModel::load(Reader& reader, std::size_t arms) {
  const std::uint64_t placed = reader.u64();
  std::vector<double> centre = reader.numbers<double>(centre_.size());
  std::vector<double> errors = reader.numbers<double>(arms);
  RidgeBank bank = bank_;
  bank.load(reader);
  const auto no_error = [](double error) { return !(error >= 0.0) || !std::isfinite(error); };
  if (!reader.ok() || placed > centres_ || centre.size() != centre_.size() || !all_finite(centre) ||
      errors.size() != arms || std::ranges::any_of(errors, no_error) || bank.count() != arms) {
    return false;
  }
  placed_ = static_cast<std::size_t>(placed);
  centre_ = std::move(centre);
  errors_ = std::move(errors);
  bank_ = std::move(bank);
  return true;
}

bool RewardModel::operator==(const RewardModel& other) const noexcept {
  return kind_ == other.kind_ && inputs_ == other.inputs_ && centres_ == other.centres_ &&
         bank_ == other.bank_ && errors_ == other.errors_ && centre_ == other.centre_ &&
         placed_ == other.placed_;
}

}  // namespace attune
