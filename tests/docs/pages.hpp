// SPDX-License-Identifier: Apache-2.0
/// @file
/// Pages of the documentation, and the examples in them.
#pragma once

#include <fstream>
#include <iterator>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

namespace attune::test {

/// A file of the checkout.
inline std::string read_page(const std::string& path) {
  std::ifstream file(std::string(ATTUNE_TEST_SOURCE_DIR) + "/" + path);
  EXPECT_TRUE(file) << path;
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

/// The first block of code in a language; empty, and a failure, where there is none.
inline std::string first_block(const std::string& page, std::string_view language) {
  const std::string fence = "```" + std::string(language) + "\n";
  const std::size_t start = page.find(fence);
  EXPECT_NE(start, std::string::npos) << "no block of " << language;
  if (start == std::string::npos) {
    return "";
  }
  const std::size_t from = start + fence.size();
  return page.substr(from, page.find("```", from) - from);
}

}  // namespace attune::test
