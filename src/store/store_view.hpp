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

}  // namespace detail
}  // namespace attune
