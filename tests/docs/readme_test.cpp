// SPDX-License-Identifier: Apache-2.0
// The program that README.md shows is the one that is built and run as an example.
#include <fstream>
#include <iterator>
#include <string>

#include <gtest/gtest.h>

namespace {

std::string read(const std::string& path) {
  std::ifstream file(std::string(ATTUNE_TEST_SOURCE_DIR) + "/" + path);
  EXPECT_TRUE(file) << path;
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

TEST(Readme, ShowsTheQuickstartExample) {
  const std::string readme = read("README.md");
  const std::string fence = "```cpp\n";
  const std::size_t start = readme.find(fence);
  ASSERT_NE(start, std::string::npos);
  const std::size_t from = start + fence.size();
  EXPECT_EQ(readme.substr(from, readme.find("```", from) - from), read("examples/quickstart.cpp"));
}

}  // namespace
