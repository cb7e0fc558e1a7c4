// SPDX-License-Identifier: Apache-2.0
// attune-sim detect: streams whose answer is known, and input that is not as it must be.
#include <sys/wait.h>

#include <cmath>
#include <cstdlib>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <attune/safety/page_hinkley.hpp>

#include "tests/simulations/sandbox.hpp"

namespace attune::sim::detect_test {
namespace {

using nlohmann::json;
using test::answer_of;
using test::expect_refused;
using test::Outcome;
using test::run_program;
using test::Sandbox;

/// A line each: `count` times one value, then the next.
std::string lines(std::initializer_list<std::pair<int, const char*>> parts) {
  std::string text;
  for (const auto& [count, value] : parts) {
    for (int i = 0; i < count; ++i) {
      text += std::string(value) + "\n";
    }
  }
  return text;
}

std::vector<std::string> detect(const std::string& detector, const std::string& input,
                                std::vector<std::string> more = {}) {
  more.insert(more.begin(), {"detect", "--detector", detector, "--input", input});
  return more;
}

// The error rate is 0 with deviation 0 for 40 values, past the warm start of 30; at the first error it is
// above 0 + 3 * 0.
TEST(Detect, FindsTheFirstErrorAfterNone) {
  const Sandbox box;
  const std::string file = box.write("errors", lines({{40, "0"}, {5, "1"}}));
  EXPECT_EQ(answer_of(run_program(detect("ddm", file, {"--json"}))),
            json::parse(R"({"detector":"ddm","n":45,"detections":[40]})"));
  const Outcome text = run_program(detect("ddm", file));
  EXPECT_EQ(text.code, 0);
  EXPECT_EQ(text.out, "ddm: 1 in 45 values\n  drift at 40\n");
}

// After 100 zeros the k-th one adds 1 - k / (100 + k) - 0.005 to the sum, of which the old ones fade by 1e-4
// each: 4.83 after five, 5.77 after six. Then it starts anew, and 14 values are too few.
TEST(Detect, TakesOptionsAndStandardInput) {
  const std::string stream = lines({{100, "0"}, {20, "1"}});
  const std::vector<std::string> words =
      detect("page_hinkley", "-",
             {"--param", "compat=river", "--param", "threshold=5", "--param", "mode=up", "--json"});
  EXPECT_EQ(answer_of(run_program(words, {}, stream)),
            json::parse(R"({"detector":"river_page_hinkley","n":120,"detections":[105]})"));
}

TEST(Detect, WholeNumbersMayHaveADot) {
  const std::string stream = lines({{41, "0"}, {1, "1"}});
  for (const char* warm_start : {"warm_start=40", "warm_start=40.0", "warm_start=4e1"}) {
    EXPECT_EQ(answer_of(run_program(detect("ddm", "-", {"--json", "--param", warm_start}), {}, stream))
                  .at("detections"),
              json::parse("[41]"))
        << warm_start;
  }
}

TEST(Detect, ReadsEveryFormOfANumber) {
  const std::string stream = "1\r\n\t+1.5 \n-2e3\n.5\n1e999\n-inf\nNaN\n5e-400\n0";
  const json found = answer_of(run_program(detect("adwin", "-", {"--json", "--statistics"}), {}, stream));
  EXPECT_EQ(found.at("n"), 9) << "positions count what is skipped, too";
  EXPECT_EQ(found.at("statistics").at("values"), 6);
  EXPECT_EQ(found.at("statistics").at("skipped"), 3);
  EXPECT_EQ(found.at("warnings"), json::array());
}

TEST(Detect, AnEmptyStreamIsNoMistake) {
  const Sandbox box;
  for (const char* content : {"", "\n"}) {
    const std::string file = box.write("empty", content);
    EXPECT_EQ(answer_of(run_program(detect("adwin", file, {"--json"}))).at("n"), 0);
    EXPECT_EQ(answer_of(run_program(detect("adwin", "-", {"--json"}), {}, content)).at("n"), 0);
  }
  EXPECT_EQ(answer_of(run_program(detect("adwin", "/dev/null", {"--json"}))).at("n"), 0);
}

TEST(Detect, TheStateGoesOnWhereTheStreamEnded) {
  std::string stream;
  PageHinkley direct = PageHinkley::make({}).value();
  for (int i = 0; i < 300; ++i) {
    const int value = i * i % 17;
    stream += std::to_string(value) + "\n";
    (void)direct.update(value);
  }
  const json state =
      answer_of(run_program(detect("page_hinkley", "-", {"--json", "--state"}), {}, stream)).at("state");
  EXPECT_EQ(state.at("version"), PageHinkley::kStateVersion);
  const std::string hex = state.at("bytes");
  Bytes bytes;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
    bytes.push_back(static_cast<std::byte>(std::stoul(hex.substr(i, 2), nullptr, 16)));
  }
  PageHinkley restored = PageHinkley::make({}).value();
  Reader reader(bytes);
  ASSERT_TRUE(restored.load(reader));
  EXPECT_EQ(restored, direct);
}

TEST(Detect, NamesTheLineThatIsNoNumber) {
  const Sandbox box;
  const auto refuse = [&](const std::string& content, const std::string& expected) {
    const std::string file = box.write("stream.txt", content);
    expect_refused(run_program(detect("adwin", file, {"--json"})), "stream.txt line " + expected);
    expect_refused(run_program(detect("adwin", "-"), {}, content), "stdin line " + expected);
  };
  refuse("1\n2\nthree\n4\n", "3: \"three\" is not a number");
  refuse("1\n\n2\n", "2: \"\" is not a number");
  refuse("1,5\n", "1: \"1,5\" is not a number");
  refuse("1 2\n", "1: \"1 2\" is not a number");
  refuse("+-1\n", "1: \"+-1\" is not a number");
  refuse("0x10\n", "1: \"0x10\" is not a number");
  refuse("\x1b[31m\n", "1: \"?[31m\" is not a number");
  refuse(std::string(4096, 'a'), "1: \"" + std::string(40, 'a') + "\" is not a number");
  refuse("1\n" + std::string(4096, 'a') + "\n", "2: \"" + std::string(40, 'a') + "\" is not a number");
  for (const std::string end : {"", "\n", "a\n"}) {
    refuse("1\n" + std::string(4097, 'a') + end, "2 is longer than 4096 bytes");
  }
  // A stream without end and without lines.
  expect_refused(run_program(detect("adwin", "/dev/zero")), "/dev/zero line 1 is longer than 4096 bytes");
}

TEST(Detect, RefusesDetectorsOptionsAndFilesThatAreNotThere) {
  const Sandbox box;
  const std::string file = box.write("stream", "1\n2\n");
  const auto with = [&](const std::string& parameter) {
    return run_program(detect("adwin", file, {"--param", parameter}));
  };
  expect_refused(run_program(detect("adwn", file)), "type = \"adwn\" is none of: adwin, page_hinkley");
  expect_refused(with("delta"), "--param delta is not of the form name=value");
  expect_refused(with("=1"), "--param =1 is not of the form name=value");
  expect_refused(with("type=ddm"), "--param type is --detector");
  expect_refused(run_program(detect("adwin", file, {"--param", "delta=0.1", "--param", "delta=0.2"})),
                 "--param delta is given twice");
  expect_refused(with("delta=2"), "delta = 2 is outside");
  expect_refused(with("delta=nan"), "delta should be a number, not a string");
  expect_refused(with("delta=1e400"), "delta should be a number, not a string");
  expect_refused(with("clock=-1"), "clock = -1 is outside");
  expect_refused(with("clock=1.5"), "clock = 1.5");
  expect_refused(with("colour=red"), "colour is no known key");
  expect_refused(with("compat=moa"), "compat = \"moa\" is none of: attune, river");
  expect_refused(run_program(detect("kswin", file, {"--param", "compat=river"})), "not for kswin");
  expect_refused(run_program(detect("adwin", box.path("none"))), "none cannot be read");
  expect_refused(run_program(detect("adwin", box.path(""))), "it is no file");
  expect_refused(run_program({"detect", "--detector", "adwin"}), "--input is required");
  expect_refused(run_program({"detect", "--input", file}), "--detector is required");
}

TEST(Detect, AStandardInputThatCannotBeReadIsNotAnEmptyOne) {
  const Sandbox box;
  const std::string err = box.path("err");
  const int status = std::system((std::string("'") + ATTUNE_TEST_BINARY_DIR +
                                  "/simulations/attune-sim' detect --detector adwin --input - </ 2>" + err)
                                     .c_str());
  EXPECT_EQ(WEXITSTATUS(status), 2);
  EXPECT_EQ(test::read_file(err), "attune-sim: stdin could not be read to its end\n");
}

}  // namespace
}  // namespace attune::sim::detect_test
