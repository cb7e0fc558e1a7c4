// SPDX-License-Identifier: Apache-2.0
/// @file
/// attune-serve as a process behind two pipes.
#pragma once

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
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

namespace attune::tools::test {

using Json = nlohmann::json;

inline constexpr const char* kServeProgram = ATTUNE_TEST_BINARY_DIR "/tools/attune-serve";

/// A running attune-serve. Its standard error goes to a file.
class Server {
 public:
  explicit Server(std::vector<std::string> arguments, const std::string& error_file = "/dev/null") {
    EXPECT_TRUE(std::filesystem::exists(kServeProgram)) << "build attune-serve first";
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
    EXPECT_EQ(::posix_spawn(&process_, kServeProgram, &files, nullptr, argv.data(), environ), 0);
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
  /// Bytes of answers that wait in the pipe.
  [[nodiscard]] int unread() const {
    int bytes = 0;
    EXPECT_EQ(::ioctl(out_, FIONREAD, &bytes), 0);
    return bytes;
  }
  [[nodiscard]] pid_t process() const { return process_; }
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

inline const Json kDecide{{"op", "decide"}, {"point", "p"}};

inline Json outcome(const Json& decision, double reward) {
  return {{"op", "outcome"}, {"id", decision.at("id")}, {"reward", reward}};
}

}  // namespace attune::tools::test
