// SPDX-License-Identifier: Apache-2.0
/// @file
/// The best way to give each of a few positions a column of its own.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <limits>

namespace attune::detail {

/// At most kRows positions, and for each the kRows best columns: others are in no best assignment that these
/// could not take part in.
struct Assignment {
  static constexpr std::size_t kRows = 16;
  static constexpr std::size_t kColumns = kRows * kRows;
};

/// Writes to column_of[row] the assignment of the largest sum of `score(row, column)`; rows <= columns.
/// Scores must be finite.
///
/// Source: Kuhn (1955), "The Hungarian Method for the Assignment Problem", Naval Research Logistics 2, by
/// shortest augmenting paths (Jonker, Volgenant 1987). Cost: O(rows^2 columns).
template <class Score>
void best_assignment(std::size_t rows, std::size_t columns, const Score& score,
                     std::array<std::size_t, Assignment::kRows>& column_of) noexcept {
  constexpr std::size_t kFree = Assignment::kRows;
  constexpr double kFar = std::numeric_limits<double>::infinity();
  std::array<double, Assignment::kRows> row_price{};
  std::array<double, Assignment::kColumns> column_price{};
  std::array<std::size_t, Assignment::kColumns> row_of{};
  row_of.fill(kFree);
  for (std::size_t start = 0; start < rows; ++start) {
    std::array<double, Assignment::kColumns> distance{};
    distance.fill(kFar);
    std::array<std::size_t, Assignment::kColumns> before{};  // the column that a path comes from
    before.fill(columns);
    std::array<bool, Assignment::kColumns> reached{};
    std::size_t row = start;
    std::size_t from = columns;
    std::size_t next = columns;
    for (bool free = false; !free;) {
      double least = kFar;
      next = columns;
      for (std::size_t column = 0; column < columns; ++column) {
        if (reached[column]) {
          continue;
        }
        const double cost = -score(row, column) - row_price[row] - column_price[column];
        if (cost < distance[column]) {
          distance[column] = cost;
          before[column] = from;
        }
        if (next == columns || distance[column] < least) {
          least = distance[column];
          next = column;
        }
      }
      row_price[start] += least;
      for (std::size_t column = 0; column < columns; ++column) {
        if (reached[column]) {
          row_price[row_of[column]] += least;
          column_price[column] -= least;
        } else {
          distance[column] -= least;
        }
      }
      reached[next] = true;
      free = row_of[next] == kFree;
      row = row_of[next];
      from = next;
    }
    // Turn the path around: each column takes the row of the one before it.
    while (next != columns) {
      const std::size_t previous = before[next];
      row_of[next] = previous == columns ? start : row_of[previous];
      next = previous;
    }
  }
  for (std::size_t column = 0; column < columns; ++column) {
    if (row_of[column] != kFree) {
      column_of[row_of[column]] = column;
    }
  }
}

}  // namespace attune::detail
