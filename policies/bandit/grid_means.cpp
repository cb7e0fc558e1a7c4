// SPDX-License-Identifier: Apache-2.0
#include <attune/policies/grid_means.hpp>

#include <algorithm>
#include <cmath>
#include <utility>

#include "policies/bandit/choosing.hpp"

namespace attune {

void GridMeans::add(std::size_t arm, double reward, double weight) noexcept {
  if (weight == 0.0) {
    return;
  }
  const double place = reward * static_cast<double>(points_ - 1);
  const std::size_t below = std::min(static_cast<std::size_t>(place), points_ - 2);
  const double above = weight * (place - static_cast<double>(below));
  counts_[arm * points_ + below] += weight - above;
  counts_[arm * points_ + below + 1] += above;
}

void GridMeans::clear(std::size_t arm) noexcept {
  std::fill_n(counts_.begin() + static_cast<std::ptrdiff_t>(arm * points_), points_, 0.0);
}

Errc GridMeans::update(const Feedback& feedback) noexcept {
  const Errc verdict = ArmMeans::update(feedback);
  if (verdict == Errc::ok) {
    add(to_index(feedback.arm), feedback.reward, feedback.weight);
  }
  return verdict;
}

Result<ArmIndex> GridMeans::add_arm() {
  detail::make_room(counts_, (count() + 1) * points_);
  Result<ArmIndex> added = ArmMeans::add_arm();
  if (added) {
    counts_.resize(count() * points_, 0.0);
  }
  return added;
}

Errc GridMeans::reset_arm(ArmIndex arm) noexcept {
  const Errc verdict = ArmMeans::reset_arm(arm);
  if (verdict == Errc::ok) {
    clear(to_index(arm));
  }
  return verdict;
}

Result<void> GridMeans::warm_start(ArmIndex arm, const ArmPrior& prior) {
  Result<void> verdict = ArmMeans::warm_start(arm, prior);
  if (verdict) {
    add(to_index(arm), prior.mean, prior.weight);
  }
  return verdict;
}

Errc GridMeans::forget(ArmIndex arm, double keep) noexcept {
  const Errc verdict = ArmMeans::forget(arm, keep);
  if (verdict == Errc::ok) {
    const std::size_t first = arm == kNoArm ? 0 : to_index(arm);
    const std::size_t end = arm == kNoArm ? count() : first + 1;
    for (std::size_t slot = first; slot < end; ++slot) {
      if (weight(slot) == 0.0) {
        clear(slot);
      } else {
        std::ranges::for_each(std::span(counts_).subspan(slot * points_, points_),
                              [keep](double& of) { of *= keep; });
      }
    }
  }
  return verdict;
}

void GridMeans::save(Writer& writer) const {
  ArmMeans::save(writer);
  writer.numbers(counts_);
}

bool GridMeans::load(Reader& reader, const char*& problem) {
  GridMeans loaded = *this;
  if (!loaded.ArmMeans::load(reader, problem)) {
    return false;
  }
  loaded.counts_ = reader.exactly<double>(loaded.count() * points_);
  if (!reader.ok()) {
    problem = "the state is cut short, or its support has another size";
    return false;
  }
  for (std::size_t arm = 0; arm < loaded.count(); ++arm) {
    if (!detail::all_weights(loaded.counts(arm)) ||
        !detail::plausible_sum(loaded.weight(arm), loaded.counts(arm))) {
      problem = "the weights at the support points are not those of the arm's rewards";
      return false;
    }
  }
  *this = std::move(loaded);
  return true;
}

}  // namespace attune
