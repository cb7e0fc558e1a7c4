// SPDX-License-Identifier: Apache-2.0
/// @file
/// RegressionTree: a small tree of thresholds that grows while examples come in.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include <attune/core/concepts.hpp>
#include <attune/policies/linear_loss.hpp>

namespace attune {

/// Options of RegressionTree.
struct RegressionTreeConfig {
  Loss loss = Loss::squared;
  std::uint64_t leaves = 32;
  std::uint64_t bins = 16;
  std::uint64_t grace = 25;
  double confidence = 0.01;
  double tie = 0.1;
  double shrink = 1.0;

  template <class Self, class Visitor>
  static constexpr void fields(Self& self, Visitor&& visit) {
    visit("loss", self.loss, Bounds{}, "squared error, or logistic loss for targets in [0, 1]");
    visit("leaves", self.leaves, Bounds{1, 1024}, "most leaves");
    visit("bins", self.bins, Bounds{2, 64}, "parts of a feature's range; a split lies between two of them");
    visit("grace", self.grace, Bounds{1, 1e6}, "examples of a leaf between two looks at its splits");
    visit("confidence", self.confidence, Bounds{1e-12, 0.5}, "chance that a split is not the best one");
    visit("tie", self.tie, Bounds{0, 1},
          "width of the bound at which equally good splits are not told apart");
    visit("shrink", self.shrink, Bounds{1e-6, 1e9},
          "examples that the mean of the leaf above counts for in a leaf");
  }
  bool operator==(const RegressionTreeConfig&) const = default;
};

/// Every leaf predicts the mean of its targets, shrunken towards the mean of the leaf that it came from:
///
///     m = (sum w y + shrink m_above) / (sum w + shrink),       m_above = 0 at the root (1/2, logistic loss).
///
/// For each feature a leaf keeps weight, sum and sum of squares of the targets in `bins` equal parts of the
/// feature's range: at the root that of the first 32 examples, below it the part that the splits leave. The
/// gain of a split is the variance that it takes away, S_l^2 / w_l + S_r^2 / w_r - S^2 / w. Every `grace`
/// examples, with n of them in the leaf, r the best gain of another feature over the best, and
///
///     eps = sqrt(ln(1 / confidence) / (2 n)),
///
/// the leaf splits at its best threshold where r < 1 - eps and the gain is above 2 ln(1 / confidence)
/// variances of a target (it is no accident), or where eps < tie: then waiting would not tell. A side must
/// hold a tenth of the leaf's weight. The two new leaves begin with the sums of their sides.
///
/// Sources: Ikonomovska, Gama, Dzeroski (2011), "Learning model trees from evolving data streams", Data
/// Mining and Knowledge Discovery 23 (FIMT); Domingos, Hulten (2000), "Mining High-Speed Data Streams", KDD,
/// for the bound. Bins instead of a search tree a feature, shrunken means instead of linear models, and the
/// test of the gain itself are our own; there is no drift detection.
///
/// Cost: O(features + depth) to learn, O(features bins) more every `grace` examples; O(depth) to predict.
/// Memory: 24 leaves bins features bytes, all in `make`. At most 2^22 bins in all.
/// Limits: dense contexts. Forgets nothing. One threshold at a time: slanted borders need many leaves.
class RegressionTree {
 public:
  using Config = RegressionTreeConfig;

  static constexpr std::string_view kName = "tree";
  static constexpr std::uint32_t kStateVersion = 1;
  static constexpr std::size_t kMaxBins = std::size_t{1} << 22;

  /// Errors: invalid_config, naming the field; unsupported for sparse contexts.
  [[nodiscard]] static Result<RegressionTree> make(const Config& config, const Shape& shape);

  /// Errors: dimension_mismatch, non_finite (also features or a target beyond 1e100, a weight beyond 1e9),
  /// invalid_argument (weight < 0, or a logistic target outside [0, 1]).
  [[nodiscard]] Errc partial_fit(const Input& input, double target, double weight) noexcept;
  /// The mean of the input's leaf.
  [[nodiscard]] double predict(const Input& input) const noexcept;

  [[nodiscard]] std::size_t leaf_count() const noexcept { return leaf_count_; }
  [[nodiscard]] std::uint64_t updates() const noexcept { return updates_; }

  void save(Writer& writer) const;
  /// Errors: corrupt_state; unchanged on error.
  [[nodiscard]] Result<void> load(Reader& reader);
  [[nodiscard]] Description describe() const;
  [[nodiscard]] bool operator==(const RegressionTree& other) const = default;

 private:
  static constexpr std::uint32_t kLeaf = 0xFFFFFFFFU;
  // No number of the state is larger, and what an example adds to one as large is lost in rounding.
  static constexpr double kMostNumber = 1e100;  // features, targets, means
  static constexpr double kMostWeight = 1e30;
  static constexpr double kMostSum = 1e140;
  static constexpr double kMostSquares = 1e250;

  struct Node {
    std::uint32_t feature = kLeaf;
    std::uint32_t next = 0;  // the left child, the right one behind it; of a leaf its place in leaves_
    double threshold = 0.0;  // up to it: left

    bool operator==(const Node&) const = default;
  };
  struct Leaf {
    double weight = 0.0;
    double sum = 0.0;
    double above = 0.0;          // the mean it is shrunken to
    double origin = 0.0;         // targets in bins are differences from it
    std::uint64_t examples = 0;  // since it is one

    bool operator==(const Leaf&) const = default;
  };
  struct Bin {
    double weight = 0.0;
    double sum = 0.0;
    double squares = 0.0;

    void add(const Bin& other) noexcept;
    bool operator==(const Bin&) const = default;
  };
  struct Range {
    double low = 0.0;
    double high = 0.0;

    bool operator==(const Range&) const = default;
  };
  struct Split {
    std::size_t feature = 0;
    std::size_t boundary = 0;  // bins before it go left
    double gain = 0.0;
    double second = 0.0;  // the best gain of another feature
    Bin left{};
    Bin all{};
  };

  RegressionTree(const Config& config, const Shape& shape);
  /// False of NaN.
  [[nodiscard]] static bool bounded(double value, double most) noexcept {
    return value >= -most && value <= most;
  }
  [[nodiscard]] std::size_t node_count() const noexcept { return 2 * leaf_count_ - 1; }
  [[nodiscard]] std::uint64_t examples_in_bins(const Leaf& leaf) const noexcept;
  [[nodiscard]] std::size_t node_of(Features x) const noexcept;
  [[nodiscard]] double mean(const Leaf& leaf) const noexcept;
  [[nodiscard]] std::span<Range> ranges(std::size_t leaf) noexcept;
  [[nodiscard]] std::span<Bin> bins(std::size_t leaf, std::size_t feature) noexcept;
  void settle(Leaf& root, Features x) noexcept;
  [[nodiscard]] Split best_split(std::size_t leaf) noexcept;
  [[nodiscard]] bool convincing(const Split& split, std::uint64_t examples) const noexcept;
  void divide(std::size_t node, const Split& split) noexcept;
  [[nodiscard]] bool read_nodes(Reader& reader);
  [[nodiscard]] bool read_leaves(Reader& reader);

  Config config_;
  std::size_t features_;
  std::uint64_t updates_ = 0;
  std::size_t leaf_count_ = 1;
  std::vector<Node> nodes_;   // the root first; children behind their parent
  std::vector<Leaf> leaves_;  // those not in use as they were made, here and below
  std::vector<Range> ranges_;
  std::vector<Bin> bins_;
};

}  // namespace attune
