// SPDX-License-Identifier: Apache-2.0
// The program attune-serve as its users meet it: a process behind two pipes.
#include <signal.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/tools/serve_process.hpp"

namespace attune::tools::serve_test {
namespace {

using test::Json;
using test::kDecide;
using test::outcome;
using test::ServeProcess;
using test::Server;

TEST_F(ServeProcess, AnswersEachLineBeforeItWaitsForMore) {
  Server server({"--stdio", "--config", config()});
  for (int i = 0; i < 5; ++i) {
    const Json decision = server.ask(kDecide);
    ASSERT_TRUE(decision.contains("id")) << decision;
    EXPECT_EQ(server.ask(outcome(decision, 1.0))["fate"], "learned");
  }
  EXPECT_EQ(server.ask({{"op", "end"}}), (Json{{"ok", true}}));
  EXPECT_EQ(server.receive(), nullptr);
  EXPECT_EQ(server.wait(), 0);
}

TEST_F(ServeProcess, AnswersManyLinesInTheirOrder) {
  Server server({"--stdio", "--config", config()});
  std::string lines;
  constexpr int kCount = 600;  // answers and requests both fit a pipe, so neither side can block for good
  for (int i = 0; i < kCount; ++i) {
    lines += R"({"op":"decide","point":"p","ref":)" + std::to_string(i) + "}\n";
    if (i % 100 == 0) {
      lines += "broken\n";
    }
  }
  server.send_raw(lines);
  server.close_input();
  for (int i = 0; i < kCount; ++i) {
    ASSERT_EQ(server.receive()["ref"], i);
    if (i % 100 == 0) {
      ASSERT_EQ(server.receive()["error"]["code"], "parse");
    }
  }
  EXPECT_EQ(server.receive(), nullptr);
  EXPECT_EQ(server.wait(), 0);
}

TEST_F(ServeProcess, LinesThatAreTooLongGetOneErrorAndItGoesOn) {
  Server server({"--stdio", "--config", config()});
  const std::string filler(1'000'000, ' ');
  server.send_raw("{\"op\":\"version\"");
  for (int i = 0; i < 5; ++i) {
    server.send_raw(filler);
  }
  server.send_raw("}\n{\"op\":\"version\",\"ref\":1}\n");
  EXPECT_EQ(server.receive()["error"]["code"], "parse");
  EXPECT_EQ(server.receive()["ref"], 1);
}

TEST_F(ServeProcess, ASignalEndsItWhileNobodyReadsItsAnswers) {
  int code = 0;
  {
    Server server({"--stdio", "--config", config(), "--store", store()}, error_file());
    std::string lines;
    // 40 KiB of requests, which fit a pipe; 200 KiB of answers do not.
    for (int i = 0; i < 1'500; ++i) {
      lines += "{\"op\":\"decide\",\"point\":\"p\"}\n";
    }
    server.send_raw(lines);
    const auto end = std::chrono::steady_clock::now() + std::chrono::minutes(1);
    while (server.unread() < 60'000 && std::chrono::steady_clock::now() < end) {
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    server.signal(SIGTERM);
    code = server.wait();
  }
  EXPECT_EQ(code, 1);
  EXPECT_NE(errors().find("nobody reads the answers"), std::string::npos) << errors();
  Server again({"--stdio", "--config", config(), "--store", store()});
  EXPECT_GT(again.ask({{"op", "metrics"}})["position"], 100) << "what was decided is stored";
}

TEST_F(ServeProcess, NotesWithAPathThatIsNoUtf8AreStillJson) {
  const std::string path = (folder_ / "caf\xE9.attune").string();
  {
    Server server({"--stdio", "--config", config(), "--store", path});
    server.ask(outcome(server.ask(kDecide), 0.5));
    server.ask({{"op", "end"}});
    EXPECT_EQ(server.wait(), 0);
  }
  std::ofstream(path + "-lock") << "damaged";  // a note names the file
  Server again({"--stdio", "--store", path});
  std::ifstream file(config());
  const Json opened = again.ask({{"op", "init"}, {"config", Json::parse(file)}});
  EXPECT_NE(opened.at("notes").dump().find("caf\xEF\xBF\xBD.attune-lock"), std::string::npos) << opened;
}

TEST_F(ServeProcess, EndOfInputAndSignalsLeaveEverythingStored) {
  for (const int number : {0, SIGTERM, SIGINT}) {
    const std::string path = store() + std::to_string(number);
    {
      Server server({"--stdio", "--config", config(), "--store", path});
      for (int i = 0; i < 3; ++i) {
        server.ask(outcome(server.ask(kDecide), 0.5));
      }
      if (number == 0) {
        server.close_input();
      } else {
        server.signal(number);
      }
      EXPECT_EQ(server.receive(), nullptr);
      EXPECT_EQ(server.wait(), 0) << number;
    }
    Server again({"--stdio", "--config", config(), "--store", path});
    const Json metrics = again.ask({{"op", "metrics"}});
    EXPECT_EQ(metrics["position"], 6) << metrics;
    EXPECT_EQ(metrics["points"][0]["rewards"]["learned"], 3);
    EXPECT_EQ(again.ask({{"op", "checkpoint"}})["ok"], true);
  }
}

TEST_F(ServeProcess, WhatWasAnsweredSurvivesKill) {
  Json waiting;
  {
    Server server({"--stdio", "--config", config(), "--store", store()});
    server.ask(outcome(server.ask(kDecide), 1.0));
    waiting = server.ask(kDecide);
    server.signal(SIGKILL);
    EXPECT_EQ(server.wait(), -SIGKILL);
  }
  Server again({"--stdio", "--config", config(), "--store", store()});
  EXPECT_EQ(again.ask({{"op", "metrics"}})["points"][0]["decisions"], 2);
  EXPECT_EQ(again.ask(outcome(waiting, 0.25))["fate"], "learned");
  EXPECT_EQ(again.ask(outcome(waiting, 0.25))["fate"], "duplicate");
  EXPECT_EQ(again.ask({{"op", "metrics"}})["points"][0]["rewards"]["reward_sum"], 1.25);
}

TEST_F(ServeProcess, InitThroughThePipe) {
  Server server({"--stdio"});
  EXPECT_EQ(server.ask(kDecide)["error"]["code"], "invalid_argument");
  EXPECT_EQ(server.ask({{"op", "init"}, {"config", {{"points", {{"p", 1}}}}}})["error"]["code"],
            "invalid_config");
  EXPECT_EQ(server.ask(
                {{"op", "init"},
                 {"config", {{"points", {{"p", {{"policy", {{"type", "ucb1"}}}, {"arms", {"a"}}}}}}}}})["ok"],
            true);
  EXPECT_EQ(server.ask(kDecide)["arm"], "a");
}

TEST_F(ServeProcess, ThreadsGiveTheSameAnswers) {
  std::ofstream(config()) << R"({"mode": "threads", "seed": 5,
                                 "points": {"p": {"policy": {"type": "ucb1"}, "arms": ["a", "b"]}}})";
  Server server({"--stdio", "--config", config()});
  const Json decision = server.ask(kDecide);
  EXPECT_EQ(server.ask(outcome(decision, 1.0))["fate"], "queued");
  EXPECT_EQ(server.ask({{"op", "end"}})["ok"], true);
  EXPECT_EQ(server.wait(), 0);
}

TEST_F(ServeProcess, RefusesToStartWithOneLineEach) {
  const auto run = [&](std::vector<std::string> arguments) {
    Server server(std::move(arguments), error_file());
    server.close_input();
    EXPECT_EQ(server.receive(), nullptr);
    return server.wait();
  };
  EXPECT_EQ(run({"--stdio", "--config", (folder_ / "missing.json").string()}), 1);
  EXPECT_NE(errors().find("missing.json"), std::string::npos) << errors();
  std::ofstream(config()) << R"({"points": {"p": {"policy": {"type": "ucb9"}}}})";
  EXPECT_EQ(run({"--stdio", "--config", config()}), 1);
  EXPECT_NE(errors().find("points.p.policy"), std::string::npos) << errors();
  EXPECT_EQ(errors().find('\n'), errors().size() - 1) << "one line: " << errors();
  EXPECT_EQ(run({}), 2);
  EXPECT_EQ(run({"--stdio", "--fly"}), 2);
}

TEST_F(ServeProcess, AStoreThatIsNoneIsRefusedAndLeftAlone) {
  const std::string text = "this is a letter to somebody, not a store of any kind";
  std::ofstream(store()) << text;
  Server server({"--stdio", "--config", config(), "--store", store()}, error_file());
  EXPECT_EQ(server.receive(), nullptr);
  EXPECT_EQ(server.wait(), 1);
  EXPECT_NE(errors().find("store.attune"), std::string::npos) << errors();
  std::ifstream file(store());
  EXPECT_EQ((std::string{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()}), text);
}

TEST_F(ServeProcess, ReaderThatGoesAwayEndsItWithEverythingStored) {
  Server server({"--stdio", "--config", config(), "--store", store()}, error_file());
  server.ask(outcome(server.ask(kDecide), 1.0));
  server.close_output();
  server.send(kDecide.dump());
  EXPECT_EQ(server.wait(), 1);
  Server again({"--stdio", "--config", config(), "--store", store()});
  EXPECT_EQ(again.ask({{"op", "metrics"}})["points"][0]["decisions"], 2);
}

TEST_F(ServeProcess, HelpAndVersionAreOnStandardOutput) {
  for (const char* option : {"--help", "--version"}) {
    Server server({option});
    server.close_input();
    EXPECT_EQ(server.wait(), 0) << option;
  }
}

}  // namespace
}  // namespace attune::tools::serve_test
