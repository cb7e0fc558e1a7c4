// SPDX-License-Identifier: Apache-2.0
// The program that README.md shows is the one that is built and run as an example.
#include <string>

#include <gtest/gtest.h>

#include "tests/docs/pages.hpp"

namespace attune::readme_test {
namespace {

TEST(Readme, ShowsTheQuickstartExample) {
  const std::string readme = test::read_page("README.md");
  EXPECT_EQ(test::first_block(readme, "cpp"), test::read_page("examples/quickstart.cpp"));
}

}  // namespace
}  // namespace attune::readme_test
