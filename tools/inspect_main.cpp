// SPDX-License-Identifier: Apache-2.0
// attune-inspect: looks into a store, live or dead, and repairs one when told to. See docs/inspect.md.
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <exception>
#include <string>
#include <string_view>
#include <vector>

#include "tools/inspect/command_line.hpp"
#include "tools/inspect/commands.hpp"

namespace attune::tools {
namespace {

/// One line on stderr, whatever the message holds.
int complain(std::string message, ExitCode code) {
  std::ranges::replace_if(message, [](char c) { return static_cast<unsigned char>(c) < 0x20; }, ' ');
  static_cast<void>(std::fprintf(stderr, "attune-inspect: %s\n", message.c_str()));
  return static_cast<int>(code);
}

bool write_out(std::string_view text) {
  return std::fwrite(text.data(), 1, text.size(), stdout) == text.size();
}

void tell(std::string_view sentence) {
  static_cast<void>(std::fprintf(stderr, "%.*s\n", static_cast<int>(sentence.size()), sentence.data()));
}

bool ask(std::string_view question) {
  static_cast<void>(std::fprintf(stderr, "%.*s [y/N] ", static_cast<int>(question.size()), question.data()));
  static_cast<void>(std::fflush(stderr));
  std::array<char, 64> line{};
  return std::fgets(line.data(), static_cast<int>(line.size()), stdin) != nullptr &&
         (std::string_view(line.data()).starts_with("y\n") ||
          std::string_view(line.data()).starts_with("yes\n"));
}

int run(const std::vector<std::string>& words) {
  const Result<Options> options = parse_command_line(words);
  if (!options) {
    return complain(options.error().message, ExitCode::refused);
  }
#if ATTUNE_WITH_STORE
  const Surroundings around{.now = SystemClock().now(),
                            .terminal = ::isatty(STDOUT_FILENO) == 1,
                            .asks = ::isatty(STDIN_FILENO) == 1 && ::isatty(STDERR_FILENO) == 1,
                            .write = write_out,
                            .tell = tell,
                            .confirm = ask};
  const Result<Answer> answer = run_command(*options, around);
  if (!answer) {
    static_cast<void>(std::fflush(stdout));
    return complain(answer.error().message, exit_code_of(answer.error()));
  }
  if (!write_out(answer->text) || std::fflush(stdout) != 0) {
    return complain("the answer could not be written", ExitCode::refused);
  }
  return static_cast<int>(answer->sound ? ExitCode::sound : ExitCode::problem);
#else
  return complain("this build of attune has no store; '" + options->store + "' cannot be read",
                  ExitCode::refused);
#endif
}

}  // namespace
}  // namespace attune::tools

int main(int argc, char** argv) {
  try {
    return attune::tools::run({argv + std::min(argc, 1), argv + argc});
  } catch (const std::exception& error) {
    return attune::tools::complain(error.what(), attune::tools::ExitCode::problem);
  }
}
