// SPDX-License-Identifier: Apache-2.0
/// @file
/// IdIndex: from an id's hash to a handle; eight bytes an entry, no allocation but for growth.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace attune::detail {

/// Means "nowhere" for handles and slots.
inline constexpr std::uint32_t kNone = 0xFFFF'FFFFU;

/// splitmix64's finaliser. Part of stored digests: it never changes.
[[nodiscard]] constexpr std::uint64_t scramble(std::uint64_t word) noexcept {
  word = (word ^ (word >> 30U)) * 0xBF58'476D'1CE4'E5B9ULL;
  word = (word ^ (word >> 27U)) * 0x94D0'49BB'1331'11EBULL;
  return word ^ (word >> 31U);
}

/// Folded 64 x 64 -> 128-bit product of two seeded words: spreads ids that an adversary chose without the
/// seed.
[[nodiscard]] inline std::uint32_t mix(std::uint64_t a, std::uint64_t b, std::uint64_t seed) noexcept {
  __extension__ using Wide = unsigned __int128;
  const Wide product =
      static_cast<Wide>(a ^ seed) * (b ^ (seed * 0x9E37'79B9'7F4A'7C15ULL) ^ 0xD6E8'FEB8'6659'FD93ULL);
  const std::uint64_t folded =
      static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64U);
  return static_cast<std::uint32_t>(folded ^ (folded >> 32U));
}

/// A multiset of (hash, handle) with linear probing and backward-shift deletion, so that it never fills up
/// with tombstones. Who uses it keeps the ids and compares them through the handle; handles are unique and
/// not kNone. Half of the cells at most are used: a lookup reads one cache line nearly always.
class IdIndex {
 public:
  /// First handle of that hash for which `same(handle)`, or kNone.
  template <class Same>
  [[nodiscard]] std::uint32_t find(std::uint32_t hash, Same&& same) const noexcept {
    if (cells_.empty()) {
      return kNone;
    }
    for (std::size_t at = hash & mask_; cells_[at].handle != kNone; at = (at + 1) & mask_) {
      if (cells_[at].hash == hash && same(cells_[at].handle)) {
        return cells_[at].handle;
      }
    }
    return kNone;
  }

  void insert(std::uint32_t hash, std::uint32_t handle) {
    if ((size_ + 1) * 2 > cells_.size()) {
      rehash(cells_.empty() ? kSmallest : cells_.size() * 2);
    }
    place({hash, handle});
    ++size_;
  }

  /// `handle` must be there.
  void replace(std::uint32_t hash, std::uint32_t handle, std::uint32_t by) noexcept {
    cells_[position(hash, handle)].handle = by;
  }

  /// `handle` must be there.
  void erase(std::uint32_t hash, std::uint32_t handle) noexcept {
    std::size_t hole = position(hash, handle);
    for (std::size_t at = (hole + 1) & mask_; cells_[at].handle != kNone; at = (at + 1) & mask_) {
      // A cell may move into the hole when its home is not between the hole (exclusive) and itself.
      if (((at - cells_[at].hash) & mask_) >= ((at - hole) & mask_)) {
        cells_[hole] = cells_[at];
        hole = at;
      }
    }
    cells_[hole] = {};
    --size_;
  }

  void reserve(std::size_t count) {
    std::size_t cells = kSmallest;
    while (cells < count * 2) {
      cells *= 2;
    }
    if (cells > cells_.size()) {
      rehash(cells);
    }
  }

  /// Starts loading what a call with that hash will read.
  void prefetch(std::uint32_t hash) const noexcept { __builtin_prefetch(cells_.data() + (hash & mask_), 1); }

  [[nodiscard]] std::size_t size() const noexcept { return size_; }

 private:
  struct Cell {
    std::uint32_t hash = 0;
    std::uint32_t handle = kNone;
  };
  static constexpr std::size_t kSmallest = 16;

  [[nodiscard]] std::size_t position(std::uint32_t hash, std::uint32_t handle) const noexcept {
    std::size_t at = hash & mask_;
    while (cells_[at].handle != handle) {
      at = (at + 1) & mask_;
    }
    return at;
  }
  void place(Cell cell) noexcept {
    std::size_t at = cell.hash & mask_;
    while (cells_[at].handle != kNone) {
      at = (at + 1) & mask_;
    }
    cells_[at] = cell;
  }
  void rehash(std::size_t cells) {
    std::vector<Cell> old(cells);
    old.swap(cells_);
    mask_ = cells - 1;
    for (const Cell cell : old) {
      if (cell.handle != kNone) {
        place(cell);
      }
    }
  }

  std::vector<Cell> cells_;
  std::size_t mask_ = 0;
  std::size_t size_ = 0;
};

}  // namespace attune::detail
