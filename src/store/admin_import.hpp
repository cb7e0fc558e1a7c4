// SPDX-License-Identifier: Apache-2.0
/// @file
/// Import of JSON Lines into an open store.
#pragma once

#include <string>

#include <attune/store/admin.hpp>

#include "store/store_file.hpp"

namespace attune::detail {

/// An act, as those in acts.hpp. Errors: parse, invalid_argument, conflict, io; the transaction is then
/// dropped.
[[nodiscard]] Result<ImportReport> import_lines(const StoreFile& store, Head& head, RowWriter& rows,
                                                const std::string& file, const Act& act);

}  // namespace attune::detail
