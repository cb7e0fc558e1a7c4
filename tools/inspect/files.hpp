// SPDX-License-Identifier: Apache-2.0
/// @file
/// Files that answers are written to; none is ever overwritten.
#pragma once

#include <string>
#include <string_view>

#include <attune/core/error.hpp>

namespace attune::tools {

/// Errors: invalid_argument (it exists already, cannot be made).
[[nodiscard]] Result<void> write_new_file(const std::string& path, std::string_view text);
/// The folder, made where it is missing. Errors: invalid_argument.
[[nodiscard]] Result<void> make_folder(const std::string& path);
/// The whole text of a file of at most 16 MiB. Errors: invalid_argument.
[[nodiscard]] Result<std::string> read_text_file(const std::string& path);

}  // namespace attune::tools
