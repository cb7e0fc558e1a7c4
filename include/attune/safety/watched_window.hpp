// SPDX-License-Identifier: Apache-2.0
/// @file
/// WatchedWindow: the state of a scalar anomaly detector that judges by its newest values.
#pragma once

#include <cstddef>
#include <string_view>

#include <attune/safety/anomaly.hpp>
#include <attune/safety/sorted_window.hpp>

namespace attune {

/// An AnomalyWatch and the newest values that were learned.
struct WatchedWindow {
  WatchedWindow(const AnomalyRules& rules, std::size_t window) : watch(rules), values(window) {}

  void reset() noexcept;
  void save(Writer& writer) const;
  /// Fails the reader on what cannot be.
  void load(Reader& reader);
  /// As AnomalyWatch::describe, and how many values are held.
  [[nodiscard]] Description describe(std::string_view what) const;
  [[nodiscard]] bool operator==(const WatchedWindow&) const = default;

  AnomalyWatch watch;
  SortedWindow values;
};

}  // namespace attune
