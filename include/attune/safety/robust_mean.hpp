// SPDX-License-Identifier: Apache-2.0
/// @file
/// Means that a few hostile values cannot move far: trimmed_mean, winsorized_mean, MedianOfMeans.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include <attune/core/concepts.hpp>

namespace attune {

/// Mean of what is left of rising values (SortedWindow::sorted()) when floor(share n) are taken away at each
/// end; share in [0, 0.5). NaN of none, or of a share outside that. Up to that many values of any size at
/// either end move it no further than the others reach.
///
/// Source: Tukey, McLaughlin (1963), Sankhya A 25, 331-352.
[[nodiscard]] double trimmed_mean(std::span<const double> sorted, double share) noexcept;
/// The same, but floor(share n) values at each end count as the nearest that is left.
[[nodiscard]] double winsorized_mean(std::span<const double> sorted, double share) noexcept;

/// Options of MedianOfMeans.
struct MedianOfMeansConfig {
  std::uint32_t blocks = 15;
  std::uint64_t seed = 1;

  template <class Self, class Visitor>
  static constexpr void fields(Self& self, Visitor&& visit) {
    visit("blocks", self.blocks, Bounds{1, 1023}, "blocks; fewer than half of them may be hostile");
    visit("seed", self.seed, Bounds{0, 9e15}, "of the assignment of sources to blocks; keep it from them");
  }
  bool operator==(const MedianOfMeansConfig&) const = default;
};

/// The median of the means of `blocks` blocks.
///
/// Values go to the blocks in turn, or, with a source, all of a source's to one block, so that a source of
/// any number of values spoils one block. With k blocks of independent values of standard deviation s,
/// |estimate - mean| <= s sqrt(4 k / n) with a probability of at least 1 - exp(-k / 8), whatever the tails.
///
/// Source: Nemirovsky, Yudin (1983); Lugosi, Mendelson (2019), Found. Comput. Math. 19, 1145-1190, theorem 2.
/// Cost: O(1) an update, O(blocks) an estimate, no allocation; 16 bytes a block.
class MedianOfMeans {
 public:
  using Config = MedianOfMeansConfig;

  static constexpr std::string_view kName = "median_of_means";
  static constexpr std::uint32_t kStateVersion = 1;

  /// Errors: invalid_config, naming the field.
  [[nodiscard]] static Result<MedianOfMeans> make(const Config& config);

  /// Errors: non_finite; nothing but a counter changes.
  [[nodiscard]] Errc add(double value) noexcept;
  [[nodiscard]] Errc add(double value, std::uint64_t source) noexcept;
  /// Median of the blocks that hold something; NaN while none does.
  [[nodiscard]] double estimate() const noexcept;
  void reset() noexcept;
  [[nodiscard]] std::uint64_t values() const noexcept { return values_; }
  [[nodiscard]] std::uint64_t skipped() const noexcept { return skipped_; }

  void save(Writer& writer) const;
  /// Errors: corrupt_state; unchanged on error.
  [[nodiscard]] Result<void> load(Reader& reader);
  [[nodiscard]] Description describe() const;
  [[nodiscard]] bool operator==(const MedianOfMeans&) const = default;

 private:
  struct Block {
    std::uint64_t count = 0;
    double mean = 0.0;

    bool operator==(const Block&) const = default;
  };

  explicit MedianOfMeans(const Config& config) : config_(config), blocks_(config.blocks) {}
  [[nodiscard]] Errc add_to(std::uint64_t block, double value) noexcept;

  Config config_;
  std::vector<Block> blocks_;
  std::uint64_t values_ = 0;
  std::uint64_t skipped_ = 0;
};

}  // namespace attune
