// SPDX-License-Identifier: Apache-2.0
// What attune-inspect says of drift watches.
#include <algorithm>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tools/inspect/state_text.hpp"
#include "tools/inspect/state_view.hpp"

namespace attune::inspect_drift_test {
namespace {

tools::PointView watched() {
  tools::PointView view;
  view.metrics.name = "model";
  DriftMetrics watch;
  watch.name = "answers";
  watch.watch = "reward_per_arm";
  watch.detector = "adwin";
  watch.values = 1200;
  watch.warnings = 3;
  watch.drifts = 1;
  watch.last_position = 2345;
  watch.last_of = "large";
  view.metrics.drift = {watch};
  return view;
}

TEST(InspectDrift, ShowHasALineForEachWatch) {
  const std::string text = tools::point_text(watched());
  EXPECT_NE(text.find("drift answers"), std::string::npos) << text;
  EXPECT_NE(
      text.find(
          "reward_per_arm, adwin: 1 drift, 3 warnings in 1,200 values; the last of large at record 2,345"),
      std::string::npos)
      << text;
}

TEST(InspectDrift, DiffKnowsItsNumbers) {
  tools::PointView later = watched();
  later.metrics.drift[0].drifts = 2;
  const std::vector<tools::Difference> found = tools::differences({watched()}, {later});
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].column, "drift answers drifts");
  EXPECT_EQ(found[0].left, 1.0);
  EXPECT_EQ(found[0].right, 2.0);
}

}  // namespace
}  // namespace attune::inspect_drift_test
