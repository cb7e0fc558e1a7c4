// SPDX-License-Identifier: Apache-2.0
#include <attune/engine/log.hpp>

#include <string>

#include <gtest/gtest.h>

namespace attune::log_test {
namespace {

TEST(StderrLog, WritesLinesFromTheLeastLevelOn) {
  testing::internal::CaptureStderr();
  const LogSink log = make_stderr_log(LogLevel::warn);
  log(1, "quiet");
  log(2, "the store is slow {}");  // braces are text, not a format
  log(99, "worst");
  const std::string lines = testing::internal::GetCapturedStderr();
  EXPECT_EQ(lines.find("quiet"), std::string::npos);
  EXPECT_NE(lines.find("Z warning the store is slow {}\n"), std::string::npos) << lines;
  EXPECT_NE(lines.find("Z error worst\n"), std::string::npos) << lines;
}

}  // namespace
}  // namespace attune::log_test
