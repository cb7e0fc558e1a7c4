// SPDX-License-Identifier: Apache-2.0
// attune-sim anomalies: streams whose answer is known, and input that is not as it must be.
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <attune/safety/hampel.hpp>

#include "tests/simulations/sandbox.hpp"

namespace attune::sim::anomalies_test {
namespace {

using nlohmann::json;
using test::answer_of;
using test::expect_refused;
using test::Outcome;
using test::run_program;
using test::Sandbox;

std::vector<std::string> anomalies(const std::string& detector, const std::string& input,
                                   std::vector<std::string> more = {}) {
  more.insert(more.begin(), {"anomalies", "--detector", detector, "--input", input});
  return more;
}

const std::vector<std::string> kFive{"--param", "window=5", "--param", "warm_up=5"};

// Of 1, 2, 4, 7, 11 the median is 4 and the MAD 3: bounds 4 -+ 3 * 1.4826 * 3, score 16 / 4.4478.
TEST(Anomalies, FindsTheValueThatStandsOut) {
  const Sandbox box;
  const std::string file = box.write("stream", "7\n1\n11\n4\n2\n20\n");
  std::vector<std::string> words = anomalies("hampel", file, kFive);
  const Outcome text = run_program(words);
  EXPECT_EQ(text.code, 0);
  EXPECT_EQ(text.out, "hampel: 1 in 6 values\n  20 at 5, score 3.6, expected 4 in [-9.3434, 17.3434]\n");
  words.push_back("--json");
  const json found = answer_of(run_program(words));
  EXPECT_EQ(found.at("detector"), "hampel");
  EXPECT_EQ(found.at("n"), 6);
  ASSERT_EQ(found.at("anomalies").size(), 1U);
  const json& one = found.at("anomalies").at(0);
  EXPECT_EQ(one.at("at"), 5);
  EXPECT_EQ(one.at("value"), 20.0);
  EXPECT_EQ(one.at("expected"), 4.0);
  EXPECT_NEAR(one.at("score").get<double>(), 16.0 / 4.4478, 1e-12);
  EXPECT_NEAR(one.at("lower").get<double>(), 4.0 - 13.3434, 1e-12);
  EXPECT_NEAR(one.at("upper").get<double>(), 4.0 + 13.3434, 1e-12);
  EXPECT_FALSE(found.contains("state"));
}

TEST(Anomalies, SkipsNanAndInfinityAndCountsTheirPositions) {
  std::vector<std::string> words = anomalies("hampel", "-", kFive);
  words.insert(words.end(), {"--json", "--statistics"});
  const json found = answer_of(run_program(words, {}, "7\nnan\n1\n-inf\n11\n4\n2\n20\n"));
  EXPECT_EQ(found.at("n"), 8);
  EXPECT_EQ(found.at("anomalies").at(0).at("at"), 7);
  EXPECT_EQ(found.at("statistics").at("values"), 6);
  EXPECT_EQ(found.at("statistics").at("skipped"), 2);
  EXPECT_EQ(found.at("statistics").at("anomalies"), 1);
}

TEST(Anomalies, AnEmptyStreamIsNoMistake) {
  for (const char* content : {"", "\n"}) {
    const json found = answer_of(run_program(anomalies("z_score", "-", {"--json"}), {}, content));
    EXPECT_EQ(found, json::parse(R"({"detector":"z_score","n":0,"anomalies":[]})"));
  }
}

TEST(Anomalies, TheStateGoesOnWhereTheStreamEnded) {
  std::string stream;
  Hampel direct = Hampel::make({}).value();
  for (int i = 0; i < 200; ++i) {
    stream += std::to_string(i * i % 17) + "\n";
    (void)direct.update(i * i % 17);
  }
  const json state =
      answer_of(run_program(anomalies("hampel", "-", {"--json", "--state"}), {}, stream)).at("state");
  EXPECT_EQ(state.at("version"), Hampel::kStateVersion);
  const std::string hex = state.at("bytes");
  Bytes bytes;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
    bytes.push_back(static_cast<std::byte>(std::stoul(hex.substr(i, 2), nullptr, 16)));
  }
  Hampel restored = Hampel::make({}).value();
  Reader reader(bytes);
  ASSERT_TRUE(restored.load(reader));
  EXPECT_EQ(restored, direct);
}

TEST(Anomalies, RefusesWhatIsNotAsItMustBe) {
  const Sandbox box;
  const std::string file = box.write("stream", "1\n2\nthree\n");
  expect_refused(run_program(anomalies("z_score", file)), "stream line 3: \"three\" is not a number");
  expect_refused(run_program(anomalies("zscore", file)), "type = \"zscore\" is none of: z_score, robust_z");
  expect_refused(run_program(anomalies("z_score", file, {"--param", "threshold"})),
                 "--param threshold is not of the form name=value");
  expect_refused(run_program(anomalies("z_score", file, {"--param", "threshold=-1"})),
                 "threshold = -1 is outside");
  expect_refused(run_program(anomalies("z_score", file, {"--param", "learn=some"})), "learn");
  expect_refused(run_program(anomalies("z_score", box.path("none"))), "none cannot be read");
  expect_refused(run_program({"anomalies", "--detector", "z_score"}), "--input is required");
}

TEST(Anomalies, HelpNamesTheOptions) {
  const Outcome help = run_program({"anomalies", "--help"});
  EXPECT_EQ(help.code, 0);
  for (const char* option : {"--detector", "--param", "--input", "--json", "--statistics", "--state"}) {
    EXPECT_NE(help.out.find(option), std::string::npos) << option;
  }
}

}  // namespace
}  // namespace attune::sim::anomalies_test
