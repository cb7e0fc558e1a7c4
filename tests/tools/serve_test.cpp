// SPDX-License-Identifier: Apache-2.0
// The program attune-serve as its users meet it: a process behind two pipes.
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tools/serve_io.hpp"

namespace attune::tools {
namespace {

using Json = nlohmann::json;

constexpr const char* kProgram = ATTUNE_TEST_BINARY_DIR "/tools/attune-serve";

/// A running attune-serve. Its standard error goes to a file.
class Server {
 public:
  explicit Server(std::vector<std::string> arguments, const std::string& error_file = "/dev/null") {
    EXPECT_TRUE(std::filesystem::exists(kProgram)) << "build attune-serve first";
    std::array<int, 2> in{};
    std::array<int, 2> out{};
    EXPECT_EQ(::pipe2(in.data(), O_CLOEXEC), 0);
    EXPECT_EQ(::pipe2(out.data(), O_CLOEXEC), 0);
    posix_spawn_file_actions_t files{};
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_adddup2(&files, in[0], STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&files, out[1], STDOUT_FILENO);
    posix_spawn_file_actions_addopen(&files, STDERR_FILENO, error_file.c_str(), O_WRONLY | O_CREAT | O_TRUNC,
                                     0600);
    arguments.insert(arguments.begin(), "attune-serve");
    std::vector<char*> argv;
    for (std::string& argument : arguments) {
      argv.push_back(argument.data());
    }
    argv.push_back(nullptr);
    EXPECT_EQ(::posix_spawn(&process_, kProgram, &files, nullptr, argv.data(), environ), 0);
    posix_spawn_file_actions_destroy(&files);
    ::close(in[0]);
    ::close(out[1]);
    in_ = in[1];
    out_ = out[0];
    reader_ = LineReader(out_, std::size_t{1} << 26U);
  }
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  ~Server() {
    close_input();
    ::close(out_);
    if (process_ > 0) {
      ::kill(process_, SIGKILL);
      ::waitpid(process_, nullptr, 0);
    }
  }

  void send(std::string_view line) { EXPECT_TRUE(write_all(in_, std::string(line) + "\n")); }
  void send_raw(std::string_view text) { EXPECT_TRUE(write_all(in_, text)); }
  /// The next answer; null at the end.
  Json receive() {
    for (std::string_view line;;) {
      switch (reader_.next(line)) {
        case LineReader::Next::line:
          return Json::parse(line);
        case LineReader::Next::starved:
          reader_.fill();
          break;
        default:
          return nullptr;
      }
    }
  }
  Json ask(const Json& request) {
    send(request.dump());
    return receive();
  }
  void close_input() {
    if (in_ >= 0) {
      ::close(std::exchange(in_, -1));
    }
  }
  void close_output() { ::close(std::exchange(out_, -1)); }
  void signal(int number) const { ::kill(process_, number); }
  /// Its exit status, or minus the signal that ended it.
  int wait() {
    int status = 0;
    EXPECT_EQ(::waitpid(std::exchange(process_, 0), &status, 0) > 0, true);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  }

 private:
  pid_t process_ = 0;
  int in_ = -1;
  int out_ = -1;
  LineReader reader_{-1, 0};
};

/// A folder that goes when the test ends.
class ServeProcess : public ::testing::Test {
 protected:
  ServeProcess() {
    std::string pattern = (std::filesystem::temp_directory_path() / "attune-serve-XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
    std::ofstream(config())
        << R"({"seed": 5, "points": {"p": {"policy": {"type": "ucb1"}, "arms": ["a", "b"]}}})";
  }
  ~ServeProcess() override { std::filesystem::remove_all(folder_); }

  [[nodiscard]] std::string config() const { return (folder_ / "config.json").string(); }
  [[nodiscard]] std::string store() const { return (folder_ / "store.attune").string(); }
  [[nodiscard]] std::string errors() const {
    std::ifstream file(folder_ / "stderr");
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  }
  [[nodiscard]] std::string error_file() const { return (folder_ / "stderr").string(); }

  std::filesystem::path folder_;
};

const Json kDecide{{"op", "decide"}, {"point", "p"}};

Json outcome(const Json& decision, double reward) {
  return {{"op", "outcome"}, {"id", decision.at("id")}, {"reward", reward}};
}

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
}  // namespace attune::tools
