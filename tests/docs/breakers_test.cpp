// SPDX-License-Identifier: Apache-2.0
// What docs/breakers.md shows is what is built and run, and its defaults are those of the code.
#include <string>

#include <gtest/gtest.h>

#include <attune/safety/breaker_config.hpp>

#include "tests/docs/pages.hpp"

namespace attune::breakers_test {
namespace {

TEST(BreakersPage, ShowsTheExample) {
  const std::string page = test::read_page("docs/breakers.md");
  EXPECT_EQ(test::first_block(page, "cpp"), test::read_page("examples/breakers.cpp"));
}

TEST(BreakersPage, StatesTheDefaults) {
  const std::string page = test::read_page("docs/breakers.md");
  const BreakerConfig config;
  const auto says = [&page](const std::string& row) { EXPECT_NE(page.find(row), std::string::npos) << row; };
  says("| `window`, `window_calls` | count, " + std::to_string(config.window_calls) + " |");
  EXPECT_EQ(config.window, BreakerWindow::count);
  says("| 5 %, 1 %, 15 ms |");
  EXPECT_EQ(config.failure_rate, 0.05);
  EXPECT_EQ(config.slow_rate, 0.01);
  EXPECT_EQ(config.slow_call_s, 0.015);
  says("| `consecutive_failures` | " + std::to_string(config.consecutive_failures) + " |");
  says("| `minimum_calls` | " + std::to_string(config.minimum_calls) + ", not 100 |");
  says("| `confidence` | 0.95 |");
  EXPECT_EQ(config.confidence, 0.95);
  says("| 30 s, 2, 300 s |");
  EXPECT_EQ(config.open_s, 30.0);
  EXPECT_EQ(config.backoff_factor, 2.0);
  EXPECT_EQ(config.backoff_cap_s, 300.0);
  says("| `probes`, `probe_success_share` | " + std::to_string(config.probes) + ", 99 % |");
  EXPECT_EQ(config.probe_success_share, 0.99);
}

}  // namespace
}  // namespace attune::breakers_test
