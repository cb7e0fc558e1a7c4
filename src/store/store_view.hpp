// SPDX-License-Identifier: Apache-2.0
/// @file
/// What the parts of StoreView share.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include <attune/store/inspect.hpp>

#include "store/record_cursor.hpp"
#include "store/store_file.hpp"

namespace attune {

struct StoreView::Impl {
  detail::StoreFile store;

  /// Names of points by number.
  [[nodiscard]] Result<std::map<std::uint32_t, std::string>> point_names() const;
};

namespace detail {

/// Names of points by number, as the writer knew them.
[[nodiscard]] Result<std::map<std::uint32_t, std::string>> read_point_names(const Database& database);

/// The number of a point given by name or, where no name fits, by number; no value when none is wanted.
/// Errors: unknown_point, listing the names there are.
[[nodiscard]] Result<std::optional<std::uint32_t>> find_point(
    const std::map<std::uint32_t, std::string>& names, const std::optional<std::string>& wanted);

}  // namespace detail
}  // namespace attune
