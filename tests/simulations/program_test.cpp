// SPDX-License-Identifier: Apache-2.0
// attune-sim as people start it: exit codes, one line per mistake, outputs, kill and resume.
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <attune/store/journal.hpp>

#include "simulations/gateway_proof.hpp"
#include "tests/simulations/sandbox.hpp"

namespace attune::sim::program_test {
namespace {

namespace fs = std::filesystem;
using test::expect_refused;
using test::Outcome;
using test::run_program;
using test::Sandbox;

constexpr const char* kSmall = R"({"name":"small","about":"a test","horizon":200,"seeds":2,
    "environment":{"type":"bernoulli","means":[0.2,0.7]},"policies":[{"type":"ucb1"},{"type":"thompson_beta"}]})";

TEST(Program, RunsAScenarioToTableJsonCsvAndReport) {
  const Sandbox box;
  const std::string file = box.write("small.json", kSmall);
  const Outcome table = run_program({"run", file});
  EXPECT_EQ(table.code, 0) << table.err;
  EXPECT_NE(table.out.find("thompson_beta"), std::string::npos);
  EXPECT_EQ(table.err, "") << "no progress line without a terminal";
  const Outcome json = run_program({"run", file, "--json", "--csv", box.path("s.csv"), "--report",
                                    box.path("r.html"), "--plot", box.path("r.svg")});
  EXPECT_EQ(json.code, 0) << json.err;
  EXPECT_EQ(nlohmann::json::parse(json.out).at("results").size(), 5U);
  EXPECT_NE(test::read_file(box.path("r.html")).find("</html>"), std::string::npos);
  EXPECT_NE(test::read_file(box.path("r.svg")).find("thompson_beta</title>"), std::string::npos);
  EXPECT_GT(test::read_file(box.path("s.csv")).size(), 800U);
  EXPECT_EQ(json.out, run_program({"run", file, "--json", "--jobs", "1"}).out);
  EXPECT_EQ(json.out, run_program({"run", file, "--json", "--jobs", "3"}).out);
}

TEST(Program, AnswersEachMistakeWithOneLineAndExitCodeTwo) {
  const Sandbox box;
  expect_refused(run_program({}), "subcommand");
  expect_refused(run_program({"fly"}), "");
  expect_refused(run_program({"run"}), "required");
  expect_refused(run_program({"run", "no-such-scenario"}), "there is no such file");
  expect_refused(run_program({"run", box.write("a.json", "{")}), "a.json");
  expect_refused(run_program({"run", box.write("b.json", R"({"name":"b"})")}), "environment is missing");
  expect_refused(run_program({"run", box.write("c.json", std::string(100, '['))}), "c.json");
  expect_refused(run_program({"run", box.write("d.json", kSmall), "--seeds", "x"}), "seeds");
  expect_refused(run_program({"run", box.write("d.json", kSmall), "--horizon", "0"}), "horizon = 0");
  expect_refused(run_program({"replay", box.path("none.csv")}), "none.csv");
  expect_refused(run_program({"replay", box.write("l.csv", "item_id,click,propensity_score\n1,0,0.5\n"),
                              "--policy", "{"}),
                 "--policy");
  expect_refused(run_program({"replay", box.write("l.csv", "item_id,click\n1,0\n")}), "propensity_score");
  expect_refused(run_program({"run", box.write("e.json", R"({"name":"e","policies":[{"type":"ucb1"}],
      "environment":{"type":"full_log","preset":"llmrouter-uiuc"}})")},
                             {"ATTUNE_DATA=/nowhere"}),
                 "ATTUNE_DATA = /nowhere has no llmrouter-uiuc/outcomes.csv.gz");
}

TEST(Program, SaysWhenAnOutputCannotBeWritten) {
  const Sandbox box;
  const Outcome outcome =
      run_program({"run", box.write("small.json", kSmall), "--report", box.path("no/such/folder/r.html")});
  EXPECT_EQ(outcome.code, 1);
  EXPECT_NE(outcome.err.find("cannot be written"), std::string::npos);
}

TEST(Program, ListsEnvironmentsPoliciesAndScenarios) {
  const Outcome outcome =
      run_program({"list", "--json"},
                  {"ATTUNE_SCENARIOS=" + std::string(ATTUNE_TEST_SOURCE_DIR) + "/examples/scenarios"});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  const nlohmann::json list = nlohmann::json::parse(outcome.out);
  EXPECT_GE(list.at("environments").size(), 10U);
  EXPECT_GE(list.at("policies").size(), 6U);
  EXPECT_GE(list.at("scenarios").size(), 12U);
  EXPECT_EQ(run_program({"list"}).code, 0);
  EXPECT_EQ(run_program({"--help"}).code, 0);
  EXPECT_EQ(run_program({"--version"}).code, 0);
}

TEST(Program, ReplaysAStoreThatTheGatewayLeft) {
  const Sandbox box;
  ASSERT_EQ(run_program({"gateway", "--data", "simulated", "--horizon", "300", "--seeds", "1", "--no-proof",
                         "--out", box.path("out"), "--quiet"})
                .code,
            0);
  const Outcome replay =
      run_program({"replay", box.path("out/epsilon-greedy.db"), "--policy", R"({"type":"ucb1"})", "--json"});
  ASSERT_EQ(replay.code, 0) << replay.err;
  const nlohmann::json document = nlohmann::json::parse(replay.out);
  EXPECT_GT(document.at("rows"), 280);
  EXPECT_EQ(document.at("policies").at(0).at("name"), "ucb1");
}

TEST(Program, ReplaysACsvWithItsFeaturesAndSaysHowFast) {
  const Sandbox box;
  std::string text = "arm,reward,chance,x0,x1,kind\n";
  for (int row = 0; row < 400; ++row) {  // arm "b" is right where x0 is 1
    const bool second = row % 4 >= 2;
    const int x = row / 4 % 2;
    text += std::string(second ? "b" : "a") + "," + (second == (x == 1) ? "1" : "0") + ",0.5," +
            std::to_string(x) + ",0.25,k" + std::to_string(row % 3) + "\n";
  }
  const std::string path = box.write("log.csv", text);
  const std::vector<std::string> words{
      "replay",  path,          "--arm",  "arm",           "--reward", "reward",   "--propensity",
      "chance",  "--embedding", "x*",     "--categorical", "kind",     "--policy", R"({"type":"lin_ucb"})",
      "--seeds", "2",           "--quiet"};
  std::vector<std::string> json_words = words;
  json_words.emplace_back("--json");
  const Outcome outcome = run_program(json_words);
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  const nlohmann::json document = nlohmann::json::parse(outcome.out);
  EXPECT_EQ(document.at("rows"), 400);
  EXPECT_GT(document.at("policies").at(0).at("snips").at("value"), 0.8) << "it needs x0 for that";
  EXPECT_GT(document.at("rows_per_second"), 0.0);
  EXPECT_GE(document.at("seconds").at("total"), document.at("seconds").at("read"));
  const Outcome shown = run_program(words);
  EXPECT_NE(shown.out.find(" rows/s over 2 replays"), std::string::npos) << shown.out;
  EXPECT_NE(shown.out.find("6 features"), std::string::npos) << shown.out;
}

TEST(Program, GatewaySurvivesBeingKilledAndEndsInTheSameState) {
  const Sandbox box;
  const Outcome outcome = run_program({"gateway", "--data", "simulated", "--horizon", "1500", "--seeds", "2",
                                       "--out", box.path("out"), "--json", "--quiet"});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  const nlohmann::json recovery = nlohmann::json::parse(outcome.out).at("recovery");
  EXPECT_TRUE(recovery.at("holds"));
  EXPECT_EQ(recovery.at("decisions"), 1500);
  EXPECT_EQ(recovery.at("equal_decisions"), 1500);
  EXPECT_EQ(recovery.at("uninterrupted_state_sha256"), recovery.at("resumed_state_sha256"));
  EXPECT_GE(recovery.at("killed_after").get<int>() * 2, recovery.at("operations").get<int>());
  EXPECT_LT(recovery.at("found").get<int>(), recovery.at("operations").get<int>());
  EXPECT_TRUE(fs::exists(box.path("out/report.html")));
  EXPECT_TRUE(fs::exists(box.path("out/lin-ucb.db")));
}

TEST(Program, TheChildOfTheProofEndsAfterItsParentWasKilled) {
  const Sandbox box;
  const std::string program = ATTUNE_TEST_BINARY_DIR "/simulations/attune-sim";
  const std::string out = box.path("out");
  const pid_t parent = ::fork();
  if (parent == 0) {
    ::execl(program.c_str(), "attune-sim", "gateway", "--data", "simulated", "--horizon", "3000", "--seeds",
            "1", "--out", out.c_str(), "--json", "--quiet", nullptr);
    ::_exit(127);
  }
  const std::string folder = "/proc/" + std::to_string(parent);
  const auto end = std::chrono::steady_clock::now() + std::chrono::minutes(2);
  pid_t child = 0;
  while (child == 0 && ::waitpid(parent, nullptr, WNOHANG) == 0 && std::chrono::steady_clock::now() < end) {
    std::ifstream(folder + "/task/" + std::to_string(parent) + "/children") >> child;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  ASSERT_GT(child, 0) << "the parent never had a child";
  ::kill(parent, SIGKILL);
  ::waitpid(parent, nullptr, 0);
  const auto is_there = [&] {  // and no zombie that nobody has taken down yet
    std::string words;
    std::getline(std::ifstream("/proc/" + std::to_string(child) + "/cmdline"), words);
    return words.find(out) != std::string::npos;
  };
  while (is_there() && std::chrono::steady_clock::now() < end) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  EXPECT_FALSE(is_there()) << "it waits for answers";
  if (is_there()) {
    ::kill(child, SIGKILL);
  }
}

TEST(GatewayProof, GivesUpOnAChildThatSaysNothing) {
  std::array<int, 2> ends{};
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    for (;;) {
      ::pause();
    }
  }
  const std::uint64_t report = 3;
  ASSERT_EQ(::send(ends[1], &report, sizeof report, 0), static_cast<ssize_t>(sizeof report));
  const Result<std::uint64_t> verdict = kill_at_half(child, ends[0], 10, std::chrono::milliseconds(20));
  ASSERT_FALSE(verdict);
  EXPECT_EQ(verdict.error().message,
            "the child process reported nothing for 1 s after operation 3 and was killed");
  EXPECT_EQ(::waitpid(child, nullptr, 0), -1) << "nothing of it is left";
  ::close(ends[0]);
  ::close(ends[1]);
}

TEST(Program, LeavesTheSharedDataAsItWas) {
  if (test::shared_data().empty()) {
    GTEST_SKIP() << "the recorded data is not on this machine";
  }
  const auto digest = [] {
    std::string all;
    std::vector<fs::path> files;
    for (const fs::directory_entry& entry : fs::recursive_directory_iterator(test::shared_data())) {
      files.push_back(entry.path());
    }
    std::sort(files.begin(), files.end());
    for (const fs::path& file : files) {
      const std::string content = fs::is_regular_file(file) ? test::read_file(file.string()) : "";
      all += file.string() + to_hex(sha256(std::as_bytes(std::span(content)))) +
             std::to_string(fs::last_write_time(file).time_since_epoch().count());
    }
    return all;
  };
  const std::string before = digest();
  const Sandbox box;
  const std::string data = "ATTUNE_DATA=" + test::shared_data();
  EXPECT_EQ(run_program({"gateway", "--data", "recorded", "--horizon", "200", "--seeds", "1", "--no-proof",
                         "--out", box.path("out"), "--quiet"},
                        {data})
                .code,
            0);
  EXPECT_EQ(run_program({"replay", "open-bandit/random/men", "--policy", R"({"type":"ucb1"})", "--seeds", "1",
                         "--quiet"},
                        {data})
                .code,
            0);
  EXPECT_EQ(digest(), before);
}

}  // namespace
}  // namespace attune::sim::program_test
