// SPDX-License-Identifier: Apache-2.0
#include <attune/policies/optimistic_tree.hpp>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <string>
#include <utility>

#include "core/portable_math.hpp"
#include "policies/bandit/choosing.hpp"
#include "policies/continuous/action_range.hpp"

namespace attune {

static_assert(check_continuous_bandit<OptimisticTree>());

OptimisticTree::OptimisticTree(const Config& config, const Shape& shape)
    : config_(config), features_(shape.features), sparse_(shape.sparse) {
  double width = config.nu;
  for (double& at_depth : width_) {
    at_depth = width;
    width *= config.rho;
  }
  nodes_.resize(config.max_nodes);
  refresh_level();
  refresh_all();
}

Result<OptimisticTree> OptimisticTree::make(const Config& config, const Shape& shape) {
  if (Result<void> verdict = check_bounds(config); !verdict) {
    return tl::unexpected(std::move(verdict).error());
  }
  const std::size_t dimension = config.low.size();
  if (dimension == 0 || dimension > kMaxDimension || config.high.size() != dimension) {
    return fail(Errc::invalid_config, "low and high need as many numbers, one to " +
                                          std::to_string(kMaxDimension) + "; they have " +
                                          std::to_string(dimension) + " and " +
                                          std::to_string(config.high.size()));
  }
  for (std::size_t i = 0; i < dimension; ++i) {
    if (!detail::wide_enough(config.low[i], config.high[i])) {
      return fail(Errc::invalid_config, "high[" + std::to_string(i) + "] = " + number_text(config.high[i]) +
                                            " is not well above low[" + std::to_string(i) +
                                            "] = " + number_text(config.low[i]));
    }
  }
  return OptimisticTree(config, shape);
}

OptimisticTree::Cell OptimisticTree::box() const noexcept {
  Cell cell;
  std::ranges::copy(config_.low, cell.low.begin());
  std::ranges::copy(config_.high, cell.high.begin());
  return cell;
}

double OptimisticTree::density_in(const Cell& cell) const noexcept {
  double density = cell.chance;
  for (std::size_t i = 0; i < dimension(); ++i) {
    density /= cell.high.at(i) - cell.low.at(i);
  }
  return density;
}

ActionDensity OptimisticTree::select_action(const Context& context, Rng& rng,
                                            std::span<double> out) const noexcept {
  if (out.size() != dimension()) {
    return ActionDensity::refused(Errc::dimension_mismatch);
  }
  if (const Errc verdict = detail::check_context(context, features_, sparse_); verdict != Errc::ok) {
    return ActionDensity::refused(verdict);
  }
  Cell cell = box();
  const Node* node = nodes_.data();
  while (node->child != 0) {
    const Node* const lower = &nodes_[node->child];
    const Node* const upper = lower + 1;
    const std::size_t coordinate = node->depth % dimension();
    bool up = upper->bound > lower->bound;
    if (upper->bound == lower->bound) {
      up = rng.below(2) == 1;
      cell.chance *= 0.5;
    }
    (up ? cell.low : cell.high).at(coordinate) = middle(cell, coordinate);
    node = up ? upper : lower;
  }
  for (std::size_t i = 0; i < dimension(); ++i) {
    // Below the upper edge, which belongs to the next cell.
    const double edge = cell.high.at(i) == config_.high[i] ? cell.high.at(i)
                                                           : std::nextafter(cell.high.at(i), cell.low.at(i));
    out[i] =
        std::clamp(cell.low.at(i) + rng.uniform() * (cell.high.at(i) - cell.low.at(i)), cell.low.at(i), edge);
  }
  return {.density = density_in(cell), .status = Errc::ok};
}

double OptimisticTree::density(const Context& context, Features action) const noexcept {
  if (action.size() != dimension() || !all_finite(action) ||
      detail::check_context(context, features_, sparse_) != Errc::ok) {
    return std::numeric_limits<double>::quiet_NaN();
  }
  Cell cell = box();
  for (std::size_t i = 0; i < dimension(); ++i) {
    if (action[i] < config_.low[i] || action[i] > config_.high[i]) {
      return 0.0;
    }
  }
  const Node* node = nodes_.data();
  while (node->child != 0) {
    const Node* const lower = &nodes_[node->child];
    const Node* const upper = lower + 1;
    const std::size_t coordinate = node->depth % dimension();
    const bool up = action[coordinate] >= middle(cell, coordinate);
    const double taken = (up ? upper : lower)->bound;
    const double other = (up ? lower : upper)->bound;
    if (taken < other) {
      return 0.0;
    }
    cell.chance *= taken == other ? 0.5 : 1.0;
    (up ? cell.low : cell.high).at(coordinate) = middle(cell, coordinate);
    node = up ? upper : lower;
  }
  return density_in(cell);
}

std::size_t OptimisticTree::path_to(Features action, Path& path) const noexcept {
  Cell cell = box();
  std::uint32_t at = 0;
  std::size_t length = 0;
  path.at(length++) = at;
  while (nodes_[at].child != 0) {
    const std::size_t coordinate = nodes_[at].depth % dimension();
    const bool up = action[coordinate] >= middle(cell, coordinate);
    (up ? cell.low : cell.high).at(coordinate) = middle(cell, coordinate);
    at = nodes_[at].child + (up ? 1U : 0U);
    path.at(length++) = at;
  }
  return length;
}

Errc OptimisticTree::update(const ActionFeedback& feedback) noexcept {
  const Errc checked = check_action_feedback(feedback, dimension(),
                                             [this](std::size_t coordinate) { return range(coordinate); });
  if (checked != Errc::ok) {
    return checked;
  }
  if (const Errc verdict = detail::check_context({.input = feedback.input}, features_, sparse_);
      verdict != Errc::ok) {
    return verdict;
  }
  Path path;  // NOLINT(cppcoreguidelines-pro-type-member-init): written by the call
  const std::size_t length = path_to(feedback.action, path);
  if (feedback.weight > 0.0) {
    for (std::size_t i = 0; i < length; ++i) {
      Node probe = nodes_[path.at(i)];
      if (!detail::add_to_mean(probe.mean, probe.weight, feedback.reward, feedback.weight)) {
        return Errc::non_finite;
      }
    }
    for (std::size_t i = 0; i < length; ++i) {
      Node& node = nodes_[path.at(i)];
      (void)detail::add_to_mean(node.mean, node.weight, feedback.reward, feedback.weight);
    }
  }
  ++updates_;
  const bool doubled = std::has_single_bit(updates_ - 1);
  if (doubled) {
    refresh_level();
  }
  Node& leaf = nodes_[path.at(length - 1)];
  const double width = width_at(leaf.depth);
  if (leaf.depth < std::min(kMaxDepth, kMaxHalvings * dimension()) && used_ + 2 <= nodes_.size() &&
      leaf.weight > 0.0 && level_ <= leaf.weight * width * width) {
    leaf.child = static_cast<std::uint32_t>(used_);
    for (std::size_t half = 0; half < 2; ++half) {
      nodes_[used_++] = {.depth = leaf.depth + 1, .bound = detail::kInfinity};
    }
  }
  if (doubled) {
    refresh_all();
  } else {
    for (std::size_t i = length; i > 0; --i) {
      refresh(nodes_[path.at(i - 1)]);
    }
  }
  return Errc::ok;
}

void OptimisticTree::refresh(Node& node) const noexcept {
  const double own = node.weight < detail::kLeastWeight
                         ? detail::kInfinity
                         : node.mean + std::sqrt(level_ / node.weight) + width_at(node.depth);
  node.bound =
      node.child == 0 ? own : std::min(own, std::max(nodes_[node.child].bound, nodes_[node.child + 1].bound));
}

void OptimisticTree::refresh_all() noexcept {
  for (std::size_t i = used_; i > 0; --i) {
    refresh(nodes_[i - 1]);
  }
}

void OptimisticTree::refresh_level() noexcept {
  // ln of t rounded up to a power of two, at least 2.
  const int doublings = updates_ < 2 ? 1 : static_cast<int>(std::bit_width(updates_ - 1));
  level_ = config_.confidence * detail::portable_log(2.0) * doublings;
}

void OptimisticTree::save(Writer& writer) const {
  writer.u64(updates_);
  writer.u32(static_cast<std::uint32_t>(dimension()));
  writer.u64(used_);
  for (const Node& node : std::span(nodes_).first(used_)) {
    writer.f64(node.weight);
    writer.f64(node.mean);
    writer.u32(node.child);
  }
}

Result<void> OptimisticTree::load(Reader& reader) {
  constexpr std::size_t kNodeBytes = 20;
  OptimisticTree loaded(config_, {.features = features_, .sparse = sparse_});
  loaded.updates_ = reader.u64();
  const std::uint32_t stored = reader.u32();
  const std::uint64_t count = reader.u64();
  if (!reader.ok() || stored != dimension() || count == 0 || count > config_.max_nodes ||
      count > reader.left() / kNodeBytes) {
    return detail::corrupt(kName,
                           "the state is cut short, of another dimension, or has more cells than max_nodes");
  }
  loaded.used_ = static_cast<std::size_t>(count);
  std::size_t known = 1;  // cells that are the box or halves of those before
  bool sound = true;
  for (std::size_t i = 0; i < loaded.used_ && sound; ++i) {
    Node& node = loaded.nodes_[i];
    node.weight = reader.finite();
    node.mean = reader.finite();
    node.child = reader.u32();
    sound = i < known && node.weight >= 0.0;
    if (sound && node.child != 0) {
      // Any order of splitting, each pair the halves of one cell that stands before it.
      const bool fits = node.child > i && node.child % 2 == 1 && node.child + std::size_t{1} < count &&
                        node.depth < std::min(kMaxDepth, kMaxHalvings * dimension()) &&
                        loaded.nodes_[node.child].depth == 0;
      sound = fits;
      for (std::size_t half = 0; fits && half < 2; ++half) {
        loaded.nodes_[node.child + half].depth = node.depth + 1;
      }
      known += fits ? 2U : 0U;
    }
    // A cell that is no half of any would have kept depth 0.
    sound = sound && (i == 0 || node.depth > 0);
  }
  if (!reader.ok() || !sound || known != count) {
    return detail::corrupt(kName, "the cells are no tree, or a mean or weight is none");
  }
  loaded.refresh_level();
  loaded.refresh_all();
  *this = std::move(loaded);
  return {};
}

Description OptimisticTree::describe() const {
  constexpr std::size_t kRows = 16;
  Description text;
  text.summary = "Optimistic tree over a box of " + std::to_string(dimension()) + " dimension" +
                 (dimension() == 1 ? "" : "s") + " with " + std::to_string(used_) + " cells after " +
                 std::to_string(updates_) + " rewards";
  text.values = {{"nu", config_.nu},
                 {"rho", config_.rho},
                 {"confidence", config_.confidence},
                 {"cells", static_cast<double>(used_)},
                 {"updates", static_cast<double>(updates_)}};
  text.columns = {"depth", "weight", "mean", "bound", "leaf"};
  for (std::size_t i = 0; i < std::min(kRows, used_); ++i) {
    const Node& node = nodes_[i];
    text.rows.push_back(
        {static_cast<double>(node.depth), node.weight, node.mean, node.bound, node.child == 0 ? 1.0 : 0.0});
  }
  return text;
}

}  // namespace attune
