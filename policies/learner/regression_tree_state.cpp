// SPDX-License-Identifier: Apache-2.0
// RegressionTree: state and description.
#include <algorithm>
#include <span>
#include <string>
#include <utility>

#include <attune/policies/regression_tree.hpp>

#include "policies/bandit/choosing.hpp"

namespace attune {

Description RegressionTree::describe() const {
  constexpr std::size_t kShown = 64;
  Description text;
  text.summary =
      "tree of " + std::to_string(leaf_count_) + " leaves after " + std::to_string(updates_) + " examples";
  text.values = {{"updates", static_cast<double>(updates_)},
                 {"features", static_cast<double>(features_)},
                 {"leaves", static_cast<double>(leaf_count_)}};
  // A leaf has the feature -1, and its mean instead of a threshold.
  text.columns = {"feature", "threshold_or_mean", "left_child_or_weight"};
  for (std::size_t at = 0; at < std::min(node_count(), kShown); ++at) {
    const Node& node = nodes_[at];
    if (node.feature == kLeaf) {
      text.rows.push_back({-1.0, mean(leaves_[node.next]), leaves_[node.next].weight});
    } else {
      text.rows.push_back(
          {static_cast<double>(node.feature), node.threshold, static_cast<double>(node.next)});
    }
  }
  return text;
}

void RegressionTree::save(Writer& writer) const {
  writer.u64(updates_);
  writer.u64(leaf_count_);
  for (const Node& node : std::span(nodes_).first(node_count())) {
    writer.u32(node.feature);
    writer.u32(node.next);
    writer.f64(node.threshold);
  }
  for (const Leaf& leaf : std::span(leaves_).first(leaf_count_)) {
    for (const double number : {leaf.weight, leaf.sum, leaf.above, leaf.origin}) {
      writer.f64(number);
    }
    writer.u64(leaf.examples);
  }
  for (const Range& range : std::span(ranges_).first(leaf_count_ * features_)) {
    writer.f64(range.low);
    writer.f64(range.high);
  }
  const std::size_t used = leaf_count_ * features_ * static_cast<std::size_t>(config_.bins);
  for (const Bin& bin : std::span(bins_).first(used)) {
    writer.f64(bin.weight);
    writer.f64(bin.sum);
    writer.f64(bin.squares);
  }
}

// Every node but the root is the child of one before it, and every leaf of one node: then it is a tree.
bool RegressionTree::read_nodes(Reader& reader) {
  const std::uint64_t leaves = reader.u64();
  if (leaves < 1 || leaves > leaves_.size()) {
    return false;
  }
  leaf_count_ = static_cast<std::size_t>(leaves);
  std::vector<bool> has_parent(node_count());
  std::vector<bool> has_node(leaf_count_);
  for (std::size_t at = 0; at < node_count(); ++at) {
    Node& node = nodes_[at];
    node = {.feature = reader.u32(), .next = reader.u32(), .threshold = reader.finite()};
    if (!reader.ok()) {
      return false;
    }
    if (node.feature == kLeaf) {
      if (node.next >= leaves || has_node[node.next] || node.threshold != 0.0) {
        return false;
      }
      has_node[node.next] = true;
    } else {
      const std::size_t left = node.next;
      if (node.feature >= features_ || left <= at || left + 1 >= node_count() || has_parent[left] ||
          has_parent[left + 1] || !bounded(node.threshold, kMostNumber)) {
        return false;
      }
      has_parent[left] = true;
      has_parent[left + 1] = true;
    }
  }
  return std::ranges::count(has_parent, false) == 1;
}

bool RegressionTree::read_leaves(Reader& reader) {
  bool good = true;
  for (std::size_t at = 0; at < leaf_count_ && reader.ok(); ++at) {
    Leaf& leaf = leaves_[at];
    leaf = {.weight = reader.f64(), .sum = reader.f64(), .above = reader.f64(), .origin = reader.f64()};
    leaf.examples = reader.u64();
    good = good && leaf.weight >= 0.0 && bounded(leaf.weight, kMostWeight) && bounded(leaf.sum, kMostSum) &&
           bounded(leaf.above, kMostNumber) && bounded(leaf.origin, kMostNumber);
  }
  for (std::size_t at = 0; at < leaf_count_ * features_ && reader.ok(); ++at) {
    ranges_[at] = {.low = reader.f64(), .high = reader.f64()};
    good = good && bounded(ranges_[at].low, kMostNumber) && bounded(ranges_[at].high, kMostNumber);
  }
  const std::size_t used = leaf_count_ * features_ * static_cast<std::size_t>(config_.bins);
  for (std::size_t at = 0; at < used && reader.ok(); ++at) {
    bins_[at] = {.weight = reader.f64(), .sum = reader.f64(), .squares = reader.f64()};
    good = good && bins_[at].weight >= 0.0 && bounded(bins_[at].weight, kMostWeight) &&
           bounded(bins_[at].sum, kMostSum) && bins_[at].squares >= 0.0 &&
           bounded(bins_[at].squares, kMostSquares);
  }
  return good && reader.ok();
}

Result<void> RegressionTree::load(Reader& reader) {
  RegressionTree read(config_, Shape{.features = features_});
  read.updates_ = reader.u64();
  if (!read.read_nodes(reader) || !read.read_leaves(reader)) {
    return detail::corrupt(kName, "the state is cut short, of another shape, or no tree");
  }
  *this = std::move(read);
  return {};
}

}  // namespace attune
