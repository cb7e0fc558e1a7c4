// SPDX-License-Identifier: Apache-2.0
#include <attune/policies/restart_means.hpp>

#include <algorithm>
#include <cmath>
#include <type_traits>
#include <utility>

#include "policies/bandit/bernoulli_kl.hpp"
#include "policies/bandit/decision_order.hpp"

namespace attune {

RestartMeans::RestartMeans(const Shape& shape, std::size_t points, double delta, bool local)
    : ArmMeans(shape, RewardDomain::unit, 1.0),
      points_(points),
      log_delta_(detail::portable_log(delta)),
      local_(local),
      blocks_(shape.arms * points),
      used_(shape.arms, 0),
      since_(shape.arms, 0) {}

std::span<RestartMeans::Block> RestartMeans::blocks(std::size_t arm) noexcept {
  return std::span(blocks_).subspan(arm * points_, points_);
}

Errc RestartMeans::update(const Feedback& feedback) noexcept {
  if (const Errc verdict = detail::check_unit(feedback, arms(), total()); verdict != Errc::ok) {
    return verdict;
  }
  const std::size_t arm = to_index(feedback.arm);
  const std::uint64_t sequence = detail::sequence_of(feedback, next_);
  Feedback learned = feedback;
  if (sequence < since_[arm] || feedback.weight < detail::kLeastWeight) {
    learned.weight = 0.0;
  }
  if (const Errc verdict = ArmMeans::update(learned); verdict != Errc::ok) {
    return verdict;
  }
  next_ = std::max(next_, sequence + 1);
  if (learned.weight > 0.0) {
    insert(arm, sequence, learned.reward, learned.weight);
    if (const std::size_t at = changed_at(arm); at > 0) {
      restart(arm, blocks(arm)[at].first);
    }
  }
  return Errc::ok;
}

void RestartMeans::insert(std::size_t arm, std::uint64_t sequence, double reward, double weight) noexcept {
  const std::span<Block> all = blocks(arm);
  if (used_[arm] == 0 || sequence > all[used_[arm] - 1].first) {
    if (used_[arm] == points_) {
      merge(arm);
    }
    all[used_[arm]++] = {.first = sequence, .weight = weight, .sum = weight * reward};
    return;
  }
  // The last block that began no later; the first one where the reward is older than all.
  const auto later = std::ranges::upper_bound(all.first(used_[arm]), sequence, std::less<>(), &Block::first);
  Block& block = later == all.begin() ? all.front() : *(later - 1);
  block.first = std::min(block.first, sequence);
  block.weight += weight;
  block.sum += weight * reward;
}

/// Joins the two neighbours that are smallest for their age, so that blocks widen by a factor from the newest
/// to the oldest.
void RestartMeans::merge(std::size_t arm) noexcept {
  const std::span<Block> all = blocks(arm);
  std::size_t least = 0;
  double smallest = detail::kInfinity;
  double newer = 0.0;
  for (std::size_t i = points_ - 1; i > 0; --i) {
    const double size = (all[i - 1].weight + all[i].weight) / (newer + 1.0);
    if (size < smallest) {
      smallest = size;
      least = i;
    }
    newer += all[i].weight;
  }
  all[least - 1].weight += all[least].weight;
  all[least - 1].sum += all[least].sum;
  std::shift_left(all.begin() + static_cast<std::ptrdiff_t>(least), all.end(), 1);
  all.back() = {};
  --used_[arm];
}

/// Place of the block that the change is before; 0 where there is none.
std::size_t RestartMeans::changed_at(std::size_t arm) const noexcept {
  const std::span<const Block> all = std::span(blocks_).subspan(arm * points_, used_[arm]);
  double weight = 0.0;
  double sum = 0.0;
  for (const Block& block : all) {
    weight += block.weight;
    sum += block.sum;
  }
  const double mean = sum / weight;
  if (!(mean > 0.0 && mean < 1.0)) {
    return 0;
  }
  const double level =
      detail::portable_log(3.0) + 1.5 * detail::portable_log(std::max(weight, 1.0)) - log_delta_;
  // No divergence is larger than the chi-squared distance: no logarithm where even that is too small.
  const double least = level * mean * (1.0 - mean) * (1.0 - 1e-9);
  double best = level;
  double own = 0.0;
  bool known = false;
  std::size_t at = 0;
  double before = 0.0;
  double sum_before = 0.0;
  for (std::size_t i = 1; i < all.size(); ++i) {
    before += all[i - 1].weight;
    sum_before += all[i - 1].sum;
    const double after = weight - before;
    if (!(after > 0.0)) {
      break;
    }
    const double mean1 = std::min(sum_before / before, 1.0);
    const double mean2 = std::clamp((sum - sum_before) / after, 0.0, 1.0);
    if (before * (after / weight) * (mean1 - mean2) * (mean1 - mean2) < least) {
      continue;
    }
    own = known ? own : weight * detail::negative_entropy(mean);
    known = true;
    const double ratio =
        before * detail::negative_entropy(mean1) + after * detail::negative_entropy(mean2) - own;
    if (ratio >= best) {
      best = ratio;
      at = i;
    }
  }
  return at;
}

void RestartMeans::restart(std::size_t arm, std::uint64_t since) noexcept {
  // Pending pulls stay: their rewards come yet.
  static_cast<void>(RestartMeans::forget(local_ ? to_arm(arm) : kNoArm, 0.0));
  for (std::size_t slot = local_ ? arm : 0; slot < (local_ ? arm + 1 : count()); ++slot) {
    since_[slot] = std::max(since_[slot], since);
  }
  ++restarts_;
}

Result<ArmIndex> RestartMeans::add_arm() {
  detail::make_room(blocks_, (count() + 1) * points_);
  detail::make_room(used_, count() + 1);
  detail::make_room(since_, count() + 1);
  Result<ArmIndex> added = ArmMeans::add_arm();
  if (added) {
    blocks_.resize(count() * points_);
    used_.push_back(0);
    since_.push_back(0);
  }
  return added;
}

Errc RestartMeans::reset_arm(ArmIndex arm) noexcept {
  const Errc verdict = ArmMeans::reset_arm(arm);
  if (verdict == Errc::ok) {
    std::ranges::fill(blocks(to_index(arm)), Block{});
    used_[to_index(arm)] = 0;
    since_[to_index(arm)] = 0;
  }
  return verdict;
}

Errc RestartMeans::forget(ArmIndex arm, double keep) noexcept {
  const Errc verdict = ArmMeans::forget(arm, keep);
  if (verdict != Errc::ok) {
    return verdict;
  }
  return detail::forget_arms(arms(), arm, keep, [&](std::size_t slot) {
    bool tiny = false;
    for (Block& block : blocks(slot).first(used_[slot])) {
      block.weight *= keep;
      block.sum *= keep;
      tiny = tiny || block.weight < detail::kLeastWeight;
    }
    if (tiny || weight(slot) == 0.0) {
      std::ranges::fill(blocks(slot), Block{});
      used_[slot] = 0;
    }
  });
}

void RestartMeans::save(Writer& writer) const {
  static_assert(std::is_trivially_copyable_v<Block> && sizeof(Block) == 24, "it is stored as it lies");
  ArmMeans::save(writer);
  writer.u64(next_);
  writer.u64(restarts_);
  writer.numbers(since_);
  writer.numbers(used_);
  writer.numbers(blocks_);
}

bool RestartMeans::sound(std::size_t arm) const noexcept {
  if (used_[arm] > points_) {
    return false;
  }
  const std::span<const Block> all = std::span(blocks_).subspan(arm * points_, points_);
  double sum = 0.0;
  for (std::size_t i = 0; i < all.size(); ++i) {
    const Block& block = all[i];
    if (i >= used_[arm]) {
      if (block != Block{}) {
        return false;
      }
      continue;
    }
    sum += block.weight;
    if (!(block.weight >= detail::kLeastWeight && std::isfinite(sum)) ||
        !(block.sum >= 0.0 && block.sum <= block.weight * (1.0 + 1e-6)) || block.first >= next_ ||
        (i > 0 && block.first <= all[i - 1].first)) {
      return false;
    }
  }
  return true;
}

bool RestartMeans::load(Reader& reader, const char*& problem) {
  RestartMeans loaded = *this;
  if (!loaded.ArmMeans::load(reader, problem)) {
    return false;
  }
  loaded.next_ = reader.u64();
  loaded.restarts_ = reader.u64();
  loaded.since_ = reader.exactly<std::uint64_t>(loaded.count());
  loaded.used_ = reader.exactly<std::uint32_t>(loaded.count());
  loaded.blocks_ = reader.exactly<Block>(loaded.count() * points_);
  if (!reader.ok()) {
    problem = "the state is cut short, or its blocks have another number";
    return false;
  }
  for (std::size_t arm = 0; arm < loaded.count(); ++arm) {
    if (!loaded.sound(arm)) {
      problem = "a block of rewards cannot be one";
      return false;
    }
  }
  *this = std::move(loaded);
  return true;
}

}  // namespace attune
