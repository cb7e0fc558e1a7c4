// SPDX-License-Identifier: Apache-2.0
#include "tests/schedules/child.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string_view>

namespace attune::test {
namespace {

constexpr int kStuck = 3;

void write_all(int descriptor, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(descriptor, text.data(), text.size());
    if (written < 0 && errno != EINTR) {
      return;
    }
    text.remove_prefix(written < 0 ? 0 : static_cast<std::size_t>(written));
  }
}

std::string read_all(int descriptor) {
  std::string text;
  std::array<char, 4096> part{};
  for (;;) {
    const ssize_t got = ::read(descriptor, part.data(), part.size());
    if (got == 0 || (got < 0 && errno != EINTR)) {
      return text;
    }
    text.append(part.data(), got < 0 ? 0 : static_cast<std::size_t>(got));
  }
}

}  // namespace

ChildEnd in_child(
    const std::function<std::string(const std::function<void(const std::string&)>& stuck)>& body) {
  std::array<int, 2> ends{};
  if (::pipe(ends.data()) != 0) {
    return {.text = "", .trouble = "there is no pipe"};
  }
  const pid_t child = ::fork();
  if (child == 0) {
    ::close(ends[0]);
    write_all(ends[1], body([&](const std::string& why) {
                write_all(ends[1], why);
                ::_exit(kStuck);
              }));
    ::_exit(0);
  }
  ::close(ends[1]);
  ChildEnd end{.text = read_all(ends[0]), .trouble = ""};
  ::close(ends[0]);
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (WIFEXITED(status) && WEXITSTATUS(status) == kStuck) {
    end.trouble.swap(end.text);
  } else if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    end.trouble = WIFSIGNALED(status) ? "the process ended by signal " + std::to_string(WTERMSIG(status))
                                      : "the process ended with " + std::to_string(WEXITSTATUS(status));
  }
  return end;
}

}  // namespace attune::test
