// SPDX-License-Identifier: Apache-2.0
#include <attune/policies/ridge_arms.hpp>

#include <algorithm>
#include <array>
#include <cmath>

#include "core/kernels.hpp"
#include "policies/learner/link.hpp"

namespace attune {

using detail::StripVector;

namespace {

constexpr double kSurest = 1e-9;  // no probability is taken for nearer to 0 or 1 where it divides

}  // namespace

Result<RidgeArms> RidgeArms::make(std::size_t arms, std::size_t size, Loss loss) {
  return RidgeBank::make(arms, size, 1.0, 1.0).map([loss](RidgeBank bank) {
    return RidgeArms(loss, std::move(bank));
  });
}

void RidgeArms::scores(std::span<const double> z, std::span<const std::uint32_t> which, double* mean,
                       double* spread) const noexcept {
  bank_.scores(StripVector(z, false, 0.0), which, mean, spread);
  for (std::size_t i = 0; i < which.size(); ++i) {
    spread[i] = std::sqrt(spread[i]);
  }
}

double RidgeArms::learn(std::size_t arm, std::span<const double> z, double target, double weight) noexcept {
  const StripVector x(z, false, 0.0);
  RidgeBank::Step step;
  // Numbers that would not stay finite come from damaged states only: nothing is learned then.
  const Errc verdict = bank_.prepare(arm, x, target, weight, step);
  const double score = target - step.residual;
  if (verdict != Errc::ok) {
    return score;
  }
  if (loss_ == Loss::logistic) {
    const auto probability = [](double s) noexcept { return detail::logistic_of(s); };
    const detail::Move move =
        detail::logistic_move(score, probability(score), step.variance, target, weight, probability);
    const double solved = score + step.variance * move.step;
    const double p = std::clamp(probability(solved), kSurest, 1.0 - kSurest);
    const double curvature = p * (1.0 - p);
    const double response = solved + (target - p) / curvature;
    if (bank_.prepare(arm, x, response, weight * curvature, step) != Errc::ok) {
      return score;
    }
  }
  bank_.commit(step);
  return score;
}

void RidgeArms::learn_constant(std::size_t arm, double target, double weight) noexcept {
  if (loss_ == Loss::squared) {
    static_cast<void>(bank_.learn_units(arm, bank_.dimension() - 1, target, weight));
    return;
  }
  std::array<double, RidgeBank::kMaxDimension> z{};
  z[bank_.dimension() - 1] = 1.0;
  learn(arm, std::span(z).first(detail::padded_size(bank_.dimension())), target, weight);
}

bool RidgeArms::load(Reader& reader, std::size_t arms) {
  RidgeBank next = bank_;
  next.load(reader);
  if (!reader.ok() || next.count() != arms) {
    return false;
  }
  bank_ = std::move(next);
  return true;
}

}  // namespace attune
