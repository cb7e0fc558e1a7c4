// SPDX-License-Identifier: Apache-2.0
// attune-sim learn: losses that are known, files that are not as they must be, and the example of its page.
#include <cmath>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "simulations/svm_file.hpp"
#include "tests/simulations/sandbox.hpp"

namespace attune::sim::learn_test {
namespace {

using nlohmann::json;
using test::answer_of;
using test::expect_refused;
using test::Outcome;
using test::run_program;
using test::Sandbox;

std::vector<std::string> learn(const std::string& input, std::vector<std::string> more = {}) {
  more.insert(more.begin(), {"learn", "--input", input});
  return more;
}

// A label that is feature 1, with a second one that says nothing.
std::string told_rows(int rows) {
  std::string text;
  unsigned state = 7;
  for (int i = 0; i < rows; ++i) {
    state = state * 1664525U + 1013904223U;
    const unsigned bits = state >> 16U;
    const bool yes = (bits & 1U) != 0;
    text +=
        std::string(yes ? "+1 1:" : "-1 1:") + (yes ? "2" : "-2") + " 2:" + std::to_string(bits % 7) + "\n";
  }
  return text;
}

TEST(Learn, SgdByHand) {
  const Sandbox box;
  const std::string file = box.write("rows.svm", "1 1:2\n0 1:1 # comment\n");
  const json found = answer_of(
      run_program(learn(file, {"--learner", "sgd", "--param", "rate=0.5", "--param", "schedule=constant",
                               "--param", "l2=0", "--param", "intercept=false", "--json"})));
  // p = 1/2; w = 0.5 * 0.5 * 2 = 0.5; then p = 1 / (1 + e^-0.5).
  const double second = 1.0 / (1.0 + std::exp(-0.5));
  EXPECT_NEAR(found.at("log_loss").get<double>(), 0.5 * (std::log(2.0) - std::log(1.0 - second)), 1e-12);
  EXPECT_NEAR(found.at("squared_loss").get<double>(), 0.5 * (0.25 + second * second), 1e-12);
  EXPECT_NEAR(found.at("absolute_loss").get<double>(), 0.5 * (0.5 + second), 1e-12);
  EXPECT_EQ(found.at("accuracy"), 0.0);
  EXPECT_EQ(found.at("rows"), 2);
  EXPECT_EQ(found.at("nonzeros"), 2);
  EXPECT_EQ(found.at("features"), 1);
  EXPECT_EQ(found.at("task"), "binary");
  EXPECT_EQ(found.at("learner").at("loss"), "logistic");
  // The running mean, half a row of either kind before the first: 1/2, then 1.5 / 2.
  EXPECT_NEAR(found.at("base_loss").get<double>(), 0.5 * (std::log(2.0) - std::log(0.25)), 1e-12);
  EXPECT_GE(found.at("seconds").at("total").get<double>(), found.at("seconds").at("learn").get<double>());
}

TEST(Learn, TheDefaultLearnerLearns) {
  const Sandbox box;
  const std::string plain = box.write("rows.svm", told_rows(2000));
  const json found = answer_of(run_program(learn(plain, {"--json"})));
  EXPECT_EQ(found.at("learner").at("type"), "auto_linear");
  EXPECT_LT(found.at("log_loss").get<double>(), 0.02);
  EXPECT_GT(found.at("accuracy").get<double>(), 0.99);
  EXPECT_NEAR(found.at("base_loss").get<double>(), std::log(2.0), 0.01);
  // The same rows in any guise are the same stream.
  json packed = answer_of(run_program(learn(box.write("rows.svm.gz", told_rows(2000)), {"--json"})));
  EXPECT_EQ(packed.at("log_loss"), found.at("log_loss"));
}

TEST(Learn, IndicesFromZeroOrder_QidAndLabels) {
  const Sandbox box;
  const json one =
      answer_of(run_program(learn(box.write("a", "1 1:1 2:3\n-1 2:1\n1 1:2 2:0.5\n"), {"--json"})));
  const json zero = answer_of(run_program(
      learn(box.write("b", "# rows\n2 qid:3 1:3.0 0:1\r\n1\t1:1e0   # no\n2 0:+2 1:.5"), {"--json"})));
  EXPECT_EQ(one.at("features"), 2);
  EXPECT_EQ(zero.at("features"), 2);
  EXPECT_EQ(one.at("log_loss"), zero.at("log_loss"));
}

// Learners that take dense contexts only get the rows written out; the label is an exclusive or.
TEST(Learn, DenseLearnersTakeSparseRows) {
  const Sandbox box;
  std::string text;
  unsigned state = 5;
  for (int i = 0; i < 4000; ++i) {
    state = state * 1664525U + 1013904223U;
    const bool first = (state >> 20U) % 2 != 0;
    const bool second = (state >> 24U) % 2 != 0;
    text +=
        std::string(first != second ? "+1" : "-1") + (first ? " 1:1" : "") + (second ? " 3:1" : "") + "\n";
  }
  const std::string file = box.write("rows.svm", text);
  for (const std::string learner : {"random_features", "tree", "neural_linear"}) {
    const json found = answer_of(run_program(learn(file, {"--learner", learner, "--json"})));
    EXPECT_GT(found.at("accuracy").get<double>(), 0.9) << learner;
  }
  const json linear = answer_of(run_program(learn(file, {"--json"})));
  EXPECT_LT(linear.at("accuracy").get<double>(), 0.8);
}

TEST(Learn, RealLabels) {
  const Sandbox box;
  std::string text;
  for (int i = 0; i < 500; ++i) {
    text += std::to_string(1000 + 3 * (i * 7919 % 101)) + " 1:" + std::to_string(i * 7919 % 101) + "\n";
  }
  const json found = answer_of(run_program(learn(box.write("rows", text), {"--json"})));
  EXPECT_EQ(found.at("task"), "real");
  EXPECT_TRUE(found.at("log_loss").is_null());
  EXPECT_TRUE(found.at("accuracy").is_null());
  // The curve ends far below where it starts: the relation is exact.
  EXPECT_LT(found.at("curve").back().at("squared_loss").get<double>(),
            1e-3 * found.at("base_loss").get<double>());
}

TEST(Learn, GoesOnToASecondFile) {
  const Sandbox box;
  const std::string first = box.write("first", told_rows(1000));
  const std::string second = box.write("second", told_rows(200));
  const json warm = answer_of(run_program(learn(first, {"--to", second, "--json"})));
  const json cold = answer_of(run_program(learn(second, {"--json"})));
  EXPECT_LT(warm.at("to").at("log_loss").get<double>(), 0.2 * cold.at("log_loss").get<double>());
  // Saved, loaded and gone on with is the same as gone on with.
  const std::string state = box.path("state");
  const std::string said = box.path("said");
  ASSERT_EQ(run_program(learn(first, {"--save", state, "--quiet"})).code, 0);
  const json loaded =
      answer_of(run_program(learn(second, {"--load", state, "--predictions", said, "--json"})));
  EXPECT_EQ(loaded.at("log_loss"), warm.at("to").at("log_loss"));
  const std::string lines = test::read_file(said);
  EXPECT_EQ(std::count(lines.begin(), lines.end(), '\n'), 200);
  const json frozen = answer_of(run_program(learn(first, {"--to", second, "--freeze", "--json"})));
  EXPECT_NE(frozen.at("to").at("log_loss"), warm.at("to").at("log_loss"));
  expect_refused(run_program(learn(box.write("wide", "1 9:1\n0 1:1\n"), {"--load", state})), "state:");
  expect_refused(run_program(learn(second, {"--load", second})), "second:");
}

TEST(Learn, NamesTheLineAndTheRule) {
  const Sandbox box;
  const auto refuse = [&](const std::string& content, const std::string& expected) {
    expect_refused(run_program(learn(box.write("rows.svm", content))), "rows.svm line " + expected);
    expect_refused(run_program(learn(box.write("rows.svm.gz", content))), "rows.svm.gz line " + expected);
  };
  refuse("1 1:1\nyes 1:1\n", "2: the label \"yes\" is not a finite number");
  refuse("nan 1:1\n", "1: the label \"nan\" is not a finite number");
  refuse("1 1:1\n\n", "2: is empty; a label is expected");
  refuse("1 1:inf\n", "1: the value of \"1:inf\" is not a finite number");
  refuse("1 1:1e999\n", "1: the value of \"1:1e999\" is not a finite number");
  refuse("1 1:\n", "1: the value of \"1:\" is not a finite number");
  refuse("1 1:0x1\n", "1: the value of \"1:0x1\" is not a finite number");
  refuse("1 1\n", "1: \"1\" is not of the form index:value");
  refuse("1 a:1\n", "1: \"a:1\" is not of the form index:value");
  refuse("1 -1:1\n", "1: \"-1:1\" is not of the form index:value");
  refuse("1 1:1 qid:1\n", "1: \"qid:1\" is not of the form index:value");
  refuse("1 qid:x 1:1\n", "1: \"qid:x\" has no number after qid:");
  refuse("1 3:1 1:1 3:2\n", "1: index 3 stands twice");
  refuse("1 268435456:1\n", "1: the index of \"268435456:1\" is above 268435455");
  refuse("1 99999999999:1\n", "1: the index of \"99999999999:1\" is above 268435455");
  refuse("1 \x1b[31m:1\n", "1: \"?[31m:1\" is not of the form index:value");
}

TEST(Learn, RefusesFilesAndOptionsThatAreNotAsTheyMustBe) {
  const Sandbox box;
  const std::string file = box.write("rows", "1 1:1\n0 1:2\n");
  expect_refused(run_program(learn(box.path("none"))), "none cannot be read");
  expect_refused(run_program(learn(box.path(""))), "it is no file");
  expect_refused(run_program(learn(file, {"--learner", "nobody"})), "type = \"nobody\" is none of");
  expect_refused(run_program(learn(file, {"--learner", "ucb1"})), "ucb1");
  expect_refused(run_program(learn(file, {"--param", "rate=1"})), "rate is no known key");
  expect_refused(run_program(learn(file, {"--param", "type=sgd"})), "--param type is --learner");
  expect_refused(run_program(learn(file, {"--base", "2"})), "--base");
  expect_refused(run_program(learn(file, {"--features", "0", "--freeze"})), "--to");
  expect_refused(run_program(learn(box.write("zero", "1 0:1\n"), {"--base", "1"})), "an index is 0");
  expect_refused(run_program(learn(box.write("wide", "1 7:1\n"), {"--features", "3"})), "index 7 is beyond");
  expect_refused(run_program(learn(box.write("three", "1 1:1\n2 1:1\n3 1:1\n"), {"--task", "binary"})),
                 "--task binary needs two different labels");
  std::string packed = test::read_file(box.write("rows.gz", told_rows(5000)));
  packed.resize(packed.size() / 2);
  expect_refused(run_program(learn(box.write("half", packed))), "half");
}

TEST(Learn, AnEmptyFileIsNoMistake) {
  const Sandbox box;
  const json found = answer_of(run_program(learn(box.write("rows", ""), {"--json"})));
  EXPECT_EQ(found.at("rows"), 0);
  EXPECT_TRUE(found.at("log_loss").is_null());
  EXPECT_EQ(run_program(learn(box.write("comments", "# nothing\n"), {"--quiet"})).code, 0);
}

TEST(Learn, TheExampleOfThePage) {
  const Sandbox box;
  const std::string file =
      box.write("shop.svm", "1 1:1 3:2.5\n-1 2:1 3:0.5\n1 1:1 3:1.5\n-1 2:1 3:2\n1 1:1 3:1\n1 2:1 3:3\n");
  const Outcome outcome = run_program(learn(file, {"--quiet"}));
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  const std::string page = test::read_file(std::string(ATTUNE_TEST_SOURCE_DIR) + "/docs/simulation.md");
  std::string text = outcome.out;
  text.erase(0, text.find('\n') + 1);
  text.erase(0, text.find('\n') + 1);
  text.resize(text.find("us a row") == std::string::npos ? text.size()
                                                         : text.rfind("\n", text.find("us a row")));
  EXPECT_NE(page.find(text), std::string::npos) << outcome.out;
}

TEST(SvmFile, NumbersAreThoseOfTheStandardLibrary) {
  const Sandbox box;
  const std::vector<std::string> words{"0",
                                       "-0",
                                       "1",
                                       "0.1",
                                       "123456789012345678",
                                       "9007199254740993",
                                       "0.30",
                                       "-7.25",
                                       "1e5",
                                       "2.5E-3",
                                       "0.000000000000000001",
                                       "4.9e-324",
                                       "1e-400",
                                       "1.7976931348623157e308",
                                       "3.",
                                       ".5"};
  std::string text = "0";
  for (std::size_t i = 0; i < words.size(); ++i) {
    text += " " + std::to_string(i) + ":" + words[i];
  }
  const Result<SvmFile> file = SvmFile::read(box.write("numbers", text));
  ASSERT_TRUE(file) << file.error().message;
  for (std::size_t i = 0; i < words.size(); ++i) {
    EXPECT_EQ(file->features(0).value[i], std::strtod(words[i].c_str(), nullptr)) << words[i];
  }
}

TEST(SvmFile, LinesLongerThanABlockAndLimits) {
  const Sandbox box;
  std::string text = "1";
  for (int i = 1; i <= 200'000; ++i) {
    text += " " + std::to_string(i) + ":1";
  }
  const std::string path = box.write("long", "0 1:1\n" + text + "\n0 5:1\n");
  const Result<SvmFile> file = SvmFile::read(path);
  ASSERT_TRUE(file) << file.error().message;
  EXPECT_EQ(file->rows(), 3U);
  EXPECT_EQ(file->features(1).index.size(), 200'000U);
  EXPECT_EQ(file->largest_index(), 200'000U);
  EXPECT_EQ(SvmFile::read(path, {.rows = 2}).error().code, Errc::full);
  EXPECT_EQ(SvmFile::read(path, {.entries = 1000}).error().code, Errc::full);
  EXPECT_EQ(SvmFile::read(path, {.line = 1000}).error().code, Errc::full);
  EXPECT_EQ(SvmFile::read("/dev/zero", {.line = 100'000}).error().code, Errc::full);
}

}  // namespace
}  // namespace attune::sim::learn_test
