// SPDX-License-Identifier: Apache-2.0
#include <attune/policies/regression_tree.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <utility>

#include "core/portable_math.hpp"
#include "policies/bandit/choosing.hpp"

namespace attune {

static_assert(check_online_learner<RegressionTree>());

namespace {

constexpr double kLargestTreeWeight = 1e9;
constexpr std::uint64_t kRangeExamples = 32;  // of the root, before it has bins
constexpr double kLeastSide = 0.1;            // of a leaf's weight, in either side of a split

std::size_t bin_of(double x, double low, double high, std::size_t count) noexcept {
  const double position = (x - low) / (high - low) * static_cast<double>(count);
  // Written so that a range of one point, which gives NaN, is one bin.
  if (!(position > 0.0) || !(high > low)) {
    return 0;
  }
  return position < static_cast<double>(count) ? static_cast<std::size_t>(position) : count - 1;
}

}  // namespace

void RegressionTree::Bin::add(const Bin& other) noexcept {
  weight += other.weight;
  sum += other.sum;
  squares += other.squares;
}

RegressionTree::RegressionTree(const Config& config, const Shape& shape)
    : config_(config),
      features_(shape.features),
      nodes_(2 * static_cast<std::size_t>(config.leaves) - 1),
      leaves_(static_cast<std::size_t>(config.leaves)),
      ranges_(leaves_.size() * features_),
      bins_(ranges_.size() * static_cast<std::size_t>(config.bins)) {
  leaves_.front().above = config.loss == Loss::logistic ? 0.5 : 0.0;
}

Result<RegressionTree> RegressionTree::make(const Config& config, const Shape& shape) {
  if (Result<void> verdict = check_bounds(config); !verdict) {
    return tl::unexpected(std::move(verdict).error());
  }
  if (Result<void> verdict = check_curved_loss(kName, config.loss); !verdict) {
    return tl::unexpected(std::move(verdict).error());
  }
  if (shape.sparse) {
    return fail(Errc::unsupported, "tree: needs a dense context; \"hashed_interactions\" takes sparse ones");
  }
  const auto each = static_cast<std::size_t>(config.leaves * config.bins);
  if (shape.features > kMaxBins / each) {
    return fail(Errc::invalid_config, "tree: leaves x bins x features = " + std::to_string(each) + " x " +
                                          std::to_string(shape.features) + " is above " +
                                          std::to_string(kMaxBins));
  }
  return RegressionTree(config, shape);
}

std::span<RegressionTree::Range> RegressionTree::ranges(std::size_t leaf) noexcept {
  return std::span(ranges_).subspan(leaf * features_, features_);
}

std::span<RegressionTree::Bin> RegressionTree::bins(std::size_t leaf, std::size_t feature) noexcept {
  const auto count = static_cast<std::size_t>(config_.bins);
  return std::span(bins_).subspan((leaf * features_ + feature) * count, count);
}

std::size_t RegressionTree::node_of(Features x) const noexcept {
  std::size_t at = 0;
  while (nodes_[at].feature != kLeaf) {
    at = nodes_[at].next + (x[nodes_[at].feature] <= nodes_[at].threshold ? 0U : 1U);
  }
  return at;
}

double RegressionTree::mean(const Leaf& leaf) const noexcept {
  return (leaf.sum + config_.shrink * leaf.above) / (leaf.weight + config_.shrink);
}

std::uint64_t RegressionTree::examples_in_bins(const Leaf& leaf) const noexcept {
  const std::uint64_t without = leaf_count_ == 1 ? kRangeExamples : 0;
  return leaf.examples > without ? leaf.examples - without : 0;
}

// The root's first examples say where its bins are to be.
void RegressionTree::settle(Leaf& root, Features x) noexcept {
  const std::span<Range> own = ranges(0);
  for (std::size_t i = 0; i < features_; ++i) {
    own[i].low = root.examples == 0 ? x[i] : std::min(own[i].low, x[i]);
    own[i].high = root.examples == 0 ? x[i] : std::max(own[i].high, x[i]);
  }
  root.origin = std::clamp(mean(root), -kMostNumber, kMostNumber);
}

RegressionTree::Split RegressionTree::best_split(std::size_t leaf) noexcept {
  Split best;
  for (std::size_t feature = 0; feature < features_; ++feature) {
    const std::span<const Bin> own = bins(leaf, feature);
    Bin all;
    for (const Bin& bin : own) {
      all.add(bin);
    }
    Split mine{.feature = feature, .all = all};
    Bin left;
    std::size_t first = 1;  // of the boundaries that are as good as the best
    for (std::size_t boundary = 1; boundary < own.size(); ++boundary) {
      left.add(own[boundary - 1]);
      const double right = all.weight - left.weight;
      if (!(left.weight > kLeastSide * all.weight) || !(right > kLeastSide * all.weight)) {
        continue;
      }
      const double rest = all.sum - left.sum;
      const double gain =
          left.sum * left.sum / left.weight + rest * rest / right - all.sum * all.sum / all.weight;
      if (gain > mine.gain && std::isfinite(gain)) {
        mine.gain = gain;
        first = boundary;
        mine.boundary = boundary;
        mine.left = left;
      } else if (gain == mine.gain && left.weight == mine.left.weight) {
        // Empty bins: the middle of the gap.
        mine.boundary = (first + boundary) / 2;
      }
    }
    if (mine.gain > best.gain) {
      mine.second = best.gain;
      best = mine;
    } else {
      best.second = std::max(best.second, mine.gain);
    }
  }
  return best;
}

bool RegressionTree::convincing(const Split& split, std::uint64_t examples) const noexcept {
  if (!(split.gain > 0.0)) {
    return false;
  }
  const double surprise = -detail::portable_log(config_.confidence);
  const double width = std::sqrt(surprise / (2.0 * static_cast<double>(examples)));
  const double spread = split.all.squares - split.all.sum * split.all.sum / split.all.weight;
  // Of one target, after the split.
  const double variance = std::max(0.0, spread - split.gain) / split.all.weight;
  const bool best = split.second < (1.0 - width) * split.gain && split.gain > 2.0 * surprise * variance;
  return best || width < config_.tie;
}

void RegressionTree::divide(std::size_t node, const Split& split) noexcept {
  const std::size_t left = nodes_[node].next;
  const std::size_t right = leaf_count_;
  const std::size_t children = node_count();
  const Range cut = ranges(left)[split.feature];
  const double threshold = cut.low + (cut.high - cut.low) * (static_cast<double>(split.boundary) /
                                                             static_cast<double>(config_.bins));
  nodes_[children] = {.next = static_cast<std::uint32_t>(left)};
  nodes_[children + 1] = {.next = static_cast<std::uint32_t>(right)};
  nodes_[node] = {.feature = static_cast<std::uint32_t>(split.feature),
                  .next = static_cast<std::uint32_t>(children),
                  .threshold = threshold};
  ++leaf_count_;

  const auto shrunken = [this](const Leaf& leaf) {
    return std::clamp(mean(leaf), -kMostNumber, kMostNumber);
  };
  const double above = shrunken(leaves_[left]);
  const double origin = leaves_[left].origin;
  const auto begun = [&](double weight, double sum) {
    Leaf leaf{.weight = std::min(weight, kMostWeight),
              .sum = std::clamp(sum + weight * origin, -kMostSum, kMostSum),
              .above = above};
    leaf.origin = shrunken(leaf);
    return leaf;
  };
  leaves_[left] = begun(split.left.weight, split.left.sum);
  leaves_[right] = begun(split.all.weight - split.left.weight, split.all.sum - split.left.sum);
  std::ranges::copy(ranges(left), ranges(right).begin());
  ranges(left)[split.feature].high = threshold;
  ranges(right)[split.feature].low = threshold;
  for (std::size_t feature = 0; feature < features_; ++feature) {
    std::ranges::fill(bins(left, feature), Bin{});
  }
}

Errc RegressionTree::partial_fit(const Input& input, double target, double weight) noexcept {
  if (const Errc verdict = check_input(input, features_, false); verdict != Errc::ok) {
    return verdict;
  }
  // Written so that NaN is refused.
  if (!bounded(target, kMostNumber) || !bounded(weight, kLargestTreeWeight)) {
    return Errc::non_finite;
  }
  if (weight < 0.0 || (config_.loss == Loss::logistic && (target < 0.0 || target > 1.0))) {
    return Errc::invalid_argument;
  }
  if (!std::ranges::all_of(input.dense, [](double x) { return bounded(x, kMostNumber); })) {
    return Errc::non_finite;
  }
  const std::size_t node = node_of(input.dense);
  const std::size_t place = nodes_[node].next;
  Leaf& leaf = leaves_[place];
  ++updates_;
  if (weight == 0.0) {
    return Errc::ok;
  }
  leaf.weight += weight;
  leaf.sum += weight * target;
  const bool settling = leaf_count_ == 1 && leaf.examples < kRangeExamples;
  if (settling) {
    settle(leaf, input.dense);
  } else {
    const double difference = target - leaf.origin;
    const Bin more{weight, weight * difference, weight * difference * difference};
    const std::span<const Range> own = ranges(place);
    for (std::size_t i = 0; i < features_; ++i) {
      const std::span<Bin> all = bins(place, i);
      all[bin_of(input.dense[i], own[i].low, own[i].high, all.size())].add(more);
    }
  }
  ++leaf.examples;
  const std::uint64_t counted = examples_in_bins(leaf);
  if (counted > 0 && counted % config_.grace == 0 && leaf_count_ < leaves_.size()) {
    const Split split = best_split(place);
    if (convincing(split, counted)) {
      divide(node, split);
    }
  }
  return Errc::ok;
}

double RegressionTree::predict(const Input& input) const noexcept {
  if (check_input(input, features_, false) != Errc::ok) {
    return std::numeric_limits<double>::quiet_NaN();
  }
  return mean(leaves_[nodes_[node_of(input.dense)].next]);
}

}  // namespace attune
