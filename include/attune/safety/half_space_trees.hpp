// SPDX-License-Identifier: Apache-2.0
/// @file
/// HalfSpaceTrees: vectors that lie where few of the last window did.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include <attune/safety/quantile_tracker.hpp>
#include <attune/safety/vector_anomaly.hpp>

namespace attune {

/// Options of HalfSpaceTrees.
struct HalfSpaceTreesConfig {
  std::uint32_t dimension = 1;
  std::uint32_t trees = 25;
  std::uint32_t height = 8;
  std::uint32_t window = 250;
  double level = 0.01;
  double step = 0.02;
  std::uint64_t seed = 1;

  template <class Self, class Visitor>
  static constexpr void fields(Self& self, Visitor&& visit) {
    visit("dimension", self.dimension, Bounds{1, 4096}, "numbers in a vector");
    visit("trees", self.trees, Bounds{1, 1000}, "trees; more are steadier");
    visit("height", self.height, Bounds{1, 15}, "halvings of a tree; 2^(height + 1) - 1 nodes each");
    visit("window", self.window, Bounds{20, 1e6}, "vectors whose masses the scores come from");
    visit("level", self.level, Bounds{1e-6, 0.5}, "share of vectors that are to be anomalies");
    visit("step", self.step, Bounds{0.0, 1.0}, "how fast the threshold goes to the level; 0: it stays");
    visit("seed", self.seed, Bounds{0, 9e15}, "of the trees");
  }
  bool operator==(const HalfSpaceTreesConfig&) const = default;
};

/// Half-space trees: random halvings of the space, in which the vectors of a window are counted.
///
/// Each tree halves a random feature's range at each inner node. The score of a vector comes from the window
/// before the one that is being counted: with r the count of the node at depth k in which the walk ends, a
/// leaf or the first with r <= window / 10, m = r 2^k / window is the density there against a uniform one,
/// and
///
///     score = 1 / (1 + mean over the trees of m),   in (0, 1]; 1: nothing was ever near.
///
/// The ranges are those of the first window, which is kept until it is full, widened as in the paper: with s
/// uniform in (0, 1) the unit range becomes s -+ 2 max(s, 1 - s). A feature that was constant in it takes any
/// other value for one far outside.
///
/// `is_anomaly` is score > threshold, which starts at the 1 - level quantile of the first window's own scores
/// and follows `level` from there (QuantileTracker).
///
/// Source: Tan, Ting, Liu (2011), "Fast Anomaly Detection for Streaming Data", IJCAI, 1511-1516, algorithms 1
/// to 3. Differences: ranges are learned; the score is a decreasing function of the paper's, which is
/// unbounded. River's HalfSpaceTrees adds the masses of all nodes of the walk instead of the last one's.
/// Cost: O(trees height) a vector, whatever the dimension; memory 20 bytes a node, and window x dimension
/// numbers. Nothing allocates after `make`. Limits: anomalies that fill a window are the next one's normal.
class HalfSpaceTrees {
 public:
  using Config = HalfSpaceTreesConfig;

  static constexpr std::string_view kName = "half_space_trees";
  static constexpr std::uint32_t kStateVersion = 1;

  /// Errors: invalid_config, naming the field; also more than 2^24 nodes or numbers in the window.
  [[nodiscard]] static Result<HalfSpaceTrees> make(const Config& config);

  [[nodiscard]] VectorAnomaly score(Features features) const noexcept;
  [[nodiscard]] VectorAnomaly update(Features features) noexcept;
  /// Forgets windows, ranges and threshold; not the trees, nor the counters.
  void reset() noexcept;
  [[nodiscard]] const AnomalyCount& count() const noexcept { return watch_.count(); }
  [[nodiscard]] std::size_t dimension() const noexcept { return config_.dimension; }

  /// An inner node's halving: vectors with (x - low) / range < cut of the feature go to its first child.
  struct Split {
    std::uint32_t feature = 0;
    double cut = 0.0;
  };
  /// Node i has the children 2 i + 1 and 2 i + 2; the first 2^height - 1 have a split.
  [[nodiscard]] const Split& split(std::size_t tree, std::size_t node) const noexcept {
    return splits_[tree * inner_ + node];
  }
  /// Vectors of the last full window in a node.
  [[nodiscard]] std::uint32_t mass(std::size_t tree, std::size_t node) const noexcept {
    return reference_[tree * (2 * inner_ + 1) + node];
  }

  void save(Writer& writer) const;
  /// Errors: corrupt_state; unchanged on error.
  [[nodiscard]] Result<void> load(Reader& reader);
  [[nodiscard]] Description describe() const;
  [[nodiscard]] bool operator==(const HalfSpaceTrees& other) const noexcept;

 private:
  explicit HalfSpaceTrees(const Config& config);
  void plant();
  [[nodiscard]] bool ready() const noexcept { return ranged_; }
  [[nodiscard]] double unit(Features features, std::uint32_t feature) const noexcept;
  void add_mass(Features features) noexcept;
  void learn(Features features) noexcept;
  void take_ranges() noexcept;
  void take_threshold() noexcept;
  void turn_window() noexcept;

  Config config_;
  std::size_t inner_;
  AnomalyWatch watch_;
  QuantileTracker tracker_;
  std::vector<Split> splits_;  // of the configuration alone
  std::vector<double> first_;  // the first window; zeros once it is full
  std::vector<double> low_;
  std::vector<double> inverse_;  // of the range; 0: constant
  std::vector<std::uint32_t> latest_;
  std::vector<std::uint32_t> reference_;
  std::uint64_t filled_ = 0;  // vectors in the window that is being filled
  bool ranged_ = false;
};

}  // namespace attune
