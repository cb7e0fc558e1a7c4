// SPDX-License-Identifier: Apache-2.0
/// @file
/// InteractionMap: features and the products of their pairs, hashed into a fixed number of places.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include <attune/core/config.hpp>
#include <attune/core/vocabulary.hpp>

namespace attune {

/// Of which pairs the products are taken.
enum class PairKind : std::uint8_t {
  all,     ///< every pair
  across,  ///< pairs of features of different groups
  none,    ///< no products: hashing alone
};
template <>
inline constexpr std::array<std::string_view, 3> kEnumNames<PairKind>{"all", "across", "none"};

/// Options of InteractionMap.
struct InteractionOptions {
  std::uint32_t bits = 18;
  PairKind pairs = PairKind::all;
  std::vector<double> groups{};
  bool squares = false;
  bool signs = false;
  std::uint32_t most = 1024;

  template <class Self, class Visitor>
  static constexpr void fields(Self& self, Visitor&& visit) {
    visit("bits", self.bits, Bounds{1, 28}, "places are numbers of so many bits");
    visit("pairs", self.pairs, Bounds{}, "of which pairs of features the products are taken");
    visit("groups", self.groups, Bounds{1, 4294967295.0},
          "first feature of the second, third, .. group, ascending; for pairs = across");
    visit("squares", self.squares, Bounds{0, 1}, "products of a feature with itself too");
    visit("signs", self.signs, Bounds{0, 1},
          "half of all places count negatively: features that share one do not add up");
    visit("most", self.most, Bounds{1, 2048},
          "features and products of one example; products beyond are left out");
  }
  bool operator==(const InteractionOptions&) const = default;
};

/// Sparse features x with indices i become values at places of 0, .., 2^bits - 1:
///
///     x_i at h(i),    x_i x_j at h(i, j) for the pairs i < j,
///
/// and values at the same place are added. h is the finalizer of MurmurHash3 on 64 bits, the same on every
/// machine. Nothing is stored: a product costs what it takes to hash two numbers.
///
/// Source: Weinberger, Dasgupta, Langford, Smola, Attenberg (2009), "Feature Hashing for Large Scale
/// Multitask Learning", ICML, equations 1 and 2 (with `signs`); Shi, Petterson, Dror, Langford, Smola,
/// Vishwanathan (2009), "Hash Kernels for Structured Data", JMLR 10.
///
/// Cost: for an example of k entries and p products O((k + p) log(k + p)); no allocation. Limits: at most
/// kMost entries an example.
class InteractionMap {
 public:
  static constexpr std::size_t kMost = 2048;

  /// What an example becomes; 56 KiB, made once and used again. The arrays are written before they are read.
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-member-init)
  class Expanded {
   public:
    [[nodiscard]] SparseFeatures features() const noexcept {
      return {.index = std::span(index_).first(size_), .value = std::span(value_).first(size_)};
    }

   private:
    friend class InteractionMap;
    std::size_t size_ = 0;
    std::array<std::uint64_t, kMost> key_;
    std::array<double, kMost> raw_;
    std::array<std::uint32_t, kMost> index_;
    std::array<double, kMost> value_;
  };

  /// For inputs of the shape. Errors: invalid_config, naming the field (groups that do not ascend, dense
  /// shapes of more than `most` features).
  [[nodiscard]] static Result<InteractionMap> make(const InteractionOptions& options, const Shape& shape);

  /// Errors: as check_input; dimension_mismatch too for more than `most` entries that are not zero.
  [[nodiscard]] Errc expand(const Input& input, Expanded& out) const noexcept;

  /// 2^bits.
  [[nodiscard]] std::size_t places() const noexcept { return std::size_t{1} << options_.bits; }
  /// The place of a feature, and of a product; i <= j. What the top bit of the hash says is its sign.
  [[nodiscard]] std::uint32_t place(std::uint32_t i) const noexcept;
  [[nodiscard]] std::uint32_t place(std::uint32_t i, std::uint32_t j) const noexcept;
  [[nodiscard]] const InteractionOptions& options() const noexcept { return options_; }

 private:
  InteractionMap(InteractionOptions options, const Shape& shape);
  [[nodiscard]] std::uint32_t group(std::uint32_t feature) const noexcept;
  void put(Expanded& out, std::uint64_t hash, double value) const noexcept;
  [[nodiscard]] bool put_features(const Input& input, Expanded& out) const noexcept;
  void put_products(std::size_t features, Expanded& out) const noexcept;
  static void sort_and_add(Expanded& out) noexcept;

  InteractionOptions options_;
  std::size_t features_;
  bool sparse_;
  std::vector<std::uint32_t> groups_;
};

}  // namespace attune
