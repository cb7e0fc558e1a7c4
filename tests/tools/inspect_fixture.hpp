// SPDX-License-Identifier: Apache-2.0
/// @file
/// What the tests of attune-inspect share: running the program, and small stores.
#pragma once

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/store/store_fixture.hpp"

namespace attune::test {

inline constexpr const char* kInspect = ATTUNE_TEST_BINARY_DIR "/tools/attune-inspect";

/// What a run of attune-inspect left.
struct InspectRun {
  int code = -1;
  std::string out;
  std::string err;
};

/// Runs attune-inspect; standard input is empty, the output no terminal.
inline InspectRun inspect(std::vector<std::string> arguments) {
  const TestFolder folder;
  const std::string out = folder.file("out");
  const std::string err = folder.file("err");
  EXPECT_TRUE(std::filesystem::exists(kInspect)) << "build attune-inspect first";
  arguments.insert(arguments.begin(), "attune-inspect");
  std::vector<char*> argv;
  for (std::string& argument : arguments) {
    argv.push_back(argument.data());
  }
  argv.push_back(nullptr);
  posix_spawn_file_actions_t files{};
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, out.c_str(), O_WRONLY | O_CREAT, 0600);
  posix_spawn_file_actions_addopen(&files, STDERR_FILENO, err.c_str(), O_WRONLY | O_CREAT, 0600);
  pid_t process = 0;
  EXPECT_EQ(::posix_spawn(&process, kInspect, &files, nullptr, argv.data(), environ), 0);
  posix_spawn_file_actions_destroy(&files);
  int status = 0;
  EXPECT_EQ(::waitpid(process, &status, 0), process);
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, bytes_of_file(out), bytes_of_file(err)};
}

inline void expect_one_line(const InspectRun& answer, int code, std::string_view holds) {
  EXPECT_EQ(answer.code, code) << answer.err;
  EXPECT_EQ(std::ranges::count(answer.err, '\n'), 1) << answer.err;
  EXPECT_TRUE(answer.err.starts_with("attune-inspect: ")) << answer.err;
  EXPECT_NE(answer.err.find(holds), std::string::npos) << answer.err;
  EXPECT_EQ(answer.out, "");
}

/// A store with two points: "gateway" with arms small (3 decisions) and large (1), and number 1, without
/// names.
inline std::unique_ptr<Journal> make_traffic(const std::string& path) {
  std::unique_ptr<Journal> journal = open_or_die(path);
  journal->set_names(
      {.point =
           [](std::uint32_t point) { return point == 0 ? std::string_view("gateway") : std::string_view(); },
       .arm =
           [](std::uint32_t point, std::uint32_t arm, std::uint16_t) {
             return point != 0 ? std::string_view()
                    : arm == 0 ? std::string_view("small")
                               : std::string_view("large");
           }});
  RecordList list;
  list.decision(1, 0).outcome(1, 0.5, 1.0).decision(2, 0, 0, false).outcome(2, 1.0, 3.0).decision(3, 1);
  list.decision(4, 0).outcome(99, 1.0).decision(5, 9, 1).outcome(5, 0.25).outcome(2, 0.0);
  EXPECT_TRUE(journal->append(list.views(), state_of(6000, 1), RecordList::time_of(10), "abc", 3));
  RecordList more(11);
  more.event(EventKind::arm_added, "huge").event(EventKind::arm_disabled, "large");
  EXPECT_TRUE(journal->append(more.views()));
  return journal;
}

}  // namespace attune::test
