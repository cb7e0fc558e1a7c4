// SPDX-License-Identifier: Apache-2.0
// What must hold for the lists of shipped types themselves: names of their own, and a page each.
#include <attune/policies/builtin.hpp>
#include <attune/policies/builtin_sets.hpp>

#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace attune::builtin_test {
namespace {

template <class... Types>
void append_names(std::vector<std::string>& names, TypeList<Types...> /*list*/) {
  (names.emplace_back(Types::kName), ...);
}

std::vector<std::string> shipped_names() {
  std::vector<std::string> names;
  append_names(names, BuiltinBandits{});
  append_names(names, BuiltinLearners{});
  append_names(names, BuiltinAgents{});
  append_names(names, BuiltinOptimizers{});
  append_names(names, BuiltinSlateBandits{});
  append_names(names, BuiltinDuelingBandits{});
  append_names(names, BuiltinContinuousBandits{});
  return names;
}

TEST(Builtin, NamesAreUniqueAndSpeltAsIdentifiers) {
  const std::vector<std::string> names = shipped_names();
  EXPECT_EQ(std::set<std::string>(names.begin(), names.end()).size(), names.size());
  for (const std::string& name : names) {
    EXPECT_EQ(name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_"), std::string::npos) << name;
  }
}

TEST(Builtin, EveryAlgorithmHasAPageAndALineInTheIndex) {
  const std::filesystem::path folder = std::filesystem::path(ATTUNE_TEST_SOURCE_DIR) / "docs" / "algorithms";
  std::ifstream file(folder / "README.md");
  ASSERT_TRUE(file.is_open()) << folder;
  std::stringstream index;
  index << file.rdbuf();
  for (const std::string& name : shipped_names()) {
    EXPECT_TRUE(std::filesystem::exists(folder / (name + ".md"))) << name;
    EXPECT_NE(index.str().find("[`" + name + "`](" + name + ".md)"), std::string::npos) << name;
  }
}

}  // namespace
}  // namespace attune::builtin_test
