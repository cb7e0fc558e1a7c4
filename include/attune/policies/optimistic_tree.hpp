// SPDX-License-Identifier: Apache-2.0
/// @file
/// OptimisticTree: a continuous action in a small box by optimistic search of a growing tree of cells.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include <attune/core/continuous.hpp>

namespace attune {

/// Options of OptimisticTree.
struct OptimisticTreeConfig {
  std::vector<double> low{0.0};
  std::vector<double> high{1.0};
  double nu = 1.0;
  double rho = 0.5;
  double confidence = 0.25;
  std::uint32_t max_nodes = 8191;

  template <class Self, class Visitor>
  static constexpr void fields(Self& self, Visitor&& visit) {
    visit("low", self.low, Bounds{-1e9, 1e9}, "smallest action, a number a coordinate; one to four");
    visit("high", self.high, Bounds{-1e9, 1e9}, "largest action, as many numbers; above low");
    visit("nu", self.nu, Bounds{1e-6, 1e6}, "how much rewards differ at most over the whole box");
    visit("rho", self.rho, Bounds{0.01, 0.99}, "factor on that at each halving of a cell");
    visit("confidence", self.confidence, Bounds{1e-6, 1e6}, "factor of ln t / n under the root");
    visit("max_nodes", self.max_nodes, Bounds{3, 1'048'575},
          "cells kept; none is split when there are as many");
  }
  bool operator==(const OptimisticTreeConfig&) const = default;
};

/// Keeps a tree of cells, each the half of the one above along one coordinate in turn, and knows of a cell at
/// depth h the mean and weight n of the rewards in it:
///
///     U = mean + sqrt(confidence ln t / n) + nu rho^h,   B = min(U, largest B of the halves),   B = U in a
///     leaf,
///
/// +infinity without rewards; t: rewards learned, rounded up to a power of two. From the top the half with
/// the larger B is taken (a fair coin in a tie) down to a leaf, and the action drawn uniformly from it: its
/// density is 1 / volume, halved for each tie. A leaf is split when its mean is known better than its size is
/// small: confidence ln t / n <= (nu rho^h)^2.
///
/// Source: Azar, Lazaric, Brunskill (2014), "Online Stochastic Optimization under Correlated Bandit
/// Feedback", ICML (HCT); Bubeck, Munos, Stoltz, Szepesvari (2011), "X-Armed Bandits", JMLR 12 (HOO), Theorem
/// 6: regret of order T^((d+1)/(d+2)), d the near-optimality dimension, 0 for a maximum that nu and rho
/// describe: sqrt(T ln T). Differences: the whole leaf is played, not one point of it; rewards of any action
/// in the box are learned, in every cell that holds it.
///
/// Rewards: any finite number, with the range of [0, 1] for the defaults. Cost: select O(depth), update
/// O(depth), and O(nodes) each time t doubles; neither allocates. Memory: 48 bytes for each of max_nodes.
/// Limits: the context is checked but not used; at most four dimensions, as a finer cell takes as many
/// halvings in each.
class OptimisticTree {
 public:
  using Config = OptimisticTreeConfig;

  static constexpr std::string_view kName = "optimistic_tree";
  static constexpr std::uint32_t kStateVersion = 1;
  static constexpr std::size_t kMaxDimension = 4;
  static constexpr std::size_t kMaxDepth = 48;
  /// Halvings of one coordinate.
  static constexpr std::size_t kMaxHalvings = 24;

  /// Errors: invalid_config, naming the field.
  [[nodiscard]] static Result<OptimisticTree> make(const Config& config, const Shape& shape);

  [[nodiscard]] ActionDensity select_action(const Context& context, Rng& rng,
                                            std::span<double> out) const noexcept;
  [[nodiscard]] double density(const Context& context, Features action) const noexcept;
  /// Errors: dimension_mismatch, non_finite (also: a mean that would overflow), invalid_argument (weight,
  /// action outside the box).
  [[nodiscard]] Errc update(const ActionFeedback& feedback) noexcept;

  [[nodiscard]] std::size_t dimension() const noexcept { return config_.low.size(); }
  [[nodiscard]] Bounds range(std::size_t coordinate) const noexcept {
    return {config_.low[coordinate], config_.high[coordinate]};
  }
  [[nodiscard]] std::uint64_t updates() const noexcept { return updates_; }
  [[nodiscard]] std::size_t nodes() const noexcept { return used_; }

  void save(Writer& writer) const;
  /// Errors: corrupt_state; unchanged on error.
  [[nodiscard]] Result<void> load(Reader& reader);
  [[nodiscard]] Description describe() const;
  [[nodiscard]] bool operator==(const OptimisticTree& other) const {
    return updates_ == other.updates_ && used_ == other.used_ && nodes_ == other.nodes_;
  }

 private:
  struct Node {
    double weight = 0.0;
    double mean = 0.0;
    std::uint32_t child = 0;  // the lower half; the upper one follows; 0: a leaf
    std::uint32_t depth = 0;
    double bound = 0.0;  // derived: B
    bool operator==(const Node& other) const {
      return weight == other.weight && mean == other.mean && child == other.child && depth == other.depth;
    }
  };
  /// A cell on the way down.
  struct Cell {
    std::array<double, kMaxDimension> low{};
    std::array<double, kMaxDimension> high{};
    double chance = 1.0;  // of coming here
  };
  using Path = std::array<std::uint32_t, kMaxDepth + 1>;

  OptimisticTree(const Config& config, const Shape& shape);
  [[nodiscard]] Cell box() const noexcept;
  [[nodiscard]] double middle(const Cell& cell, std::size_t coordinate) const noexcept {
    return 0.5 * (cell.low.at(coordinate) + cell.high.at(coordinate));
  }
  [[nodiscard]] double density_in(const Cell& cell) const noexcept;
  [[nodiscard]] std::size_t path_to(Features action, Path& path) const noexcept;
  [[nodiscard]] double width_at(std::uint32_t depth) const noexcept { return width_.at(depth); }
  void refresh(Node& node) const noexcept;
  void refresh_all() noexcept;
  void refresh_level() noexcept;

  Config config_;
  std::size_t features_;
  bool sparse_;
  std::array<double, kMaxDepth + 1> width_{};  // nu rho^h
  std::vector<Node> nodes_;                    // max_nodes; halves come after what they are halves of
  std::size_t used_ = 1;
  std::uint64_t updates_ = 0;
  double level_ = 0.0;  // derived: confidence ln t
};

}  // namespace attune
