// SPDX-License-Identifier: Apache-2.0
/// @file
/// SortedWindow: the newest values of a stream, in order of size.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include <attune/core/serial.hpp>

namespace attune {

/// The newest `capacity` values, with exact order statistics of them.
///
/// Cost: `push` finds its two places in O(log W) and moves what lies between them, O(W) at worst: some 20 ns
/// for a few hundred values; a tree would be slower up to thousands. Order statistics O(1), MAD O(log W).
/// Memory 16 bytes a value, allocated here.
class SortedWindow {
 public:
  explicit SortedWindow(std::size_t capacity);

  /// Takes a finite value that is not -0; the oldest goes when the window is full.
  void push(double value) noexcept;
  [[nodiscard]] std::size_t size() const noexcept { return held_; }
  /// The values in rising order.
  [[nodiscard]] std::span<const double> sorted() const noexcept { return std::span(sorted_).first(held_); }
  /// Quantile of a window with a value in it, between order statistics in straight lines: position
  /// p (size - 1) counted from 0. Source: Hyndman, Fan (1996), Am. Stat. 50, definition 7.
  [[nodiscard]] double quantile(double p) const noexcept;
  [[nodiscard]] double median() const noexcept { return quantile(0.5); }
  /// Median of |x - center|, center within the values.
  [[nodiscard]] double median_deviation(double center) const noexcept;
  /// Mean of |x - center|. O(W).
  [[nodiscard]] double mean_deviation(double center) const noexcept;
  void reset() noexcept;

  void save(Writer& writer) const;
  /// Fails the reader on what cannot be.
  void load(Reader& reader);
  [[nodiscard]] bool operator==(const SortedWindow& other) const noexcept;

 private:
  std::vector<double> ring_;    // the oldest at next_ when full, else at 0
  std::vector<double> sorted_;  // the first held_
  std::size_t held_ = 0;
  std::size_t next_ = 0;
};

}  // namespace attune
