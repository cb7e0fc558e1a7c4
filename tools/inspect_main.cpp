// SPDX-License-Identifier: Apache-2.0
// attune-inspect: looks into a store, live or dead, and changes nothing. See docs/inspect.md.
#include <algorithm>
#include <array>
#include <cstdio>
#include <exception>
#include <string>
#include <string_view>
#include <utility>

#include <CLI/CLI.hpp>

#include <attune/core/clock.hpp>

#include "tools/inspect.hpp"

namespace attune::tools {
namespace {

constexpr int kSound = 0;
constexpr int kProblem = 1;
constexpr int kUsage = 2;

/// One line on stderr, whatever the message holds.
int complain(std::string message, int code) {
  std::ranges::replace_if(message, [](char c) { return static_cast<unsigned char>(c) < 0x20; }, ' ');
  static_cast<void>(std::fprintf(stderr, "attune-inspect: %s\n", message.c_str()));
  return code;
}

int answer(const InspectArguments& arguments) {
#if ATTUNE_WITH_STORE
  const Result<InspectAnswer> found = inspect(arguments, SystemClock().now());
  if (!found) {
    const bool misnamed = found.error().code == Errc::unknown_point;
    return complain(found.error().message, misnamed ? kUsage : kProblem);
  }
  if (std::fwrite(found->text.data(), 1, found->text.size(), stdout) != found->text.size() ||
      std::fflush(stdout) != 0) {
    return complain("the answer could not be written", kProblem);
  }
  return found->sound ? kSound : kProblem;
#else
  return complain("this build of attune has no store; '" + arguments.store + "' cannot be read", kProblem);
#endif
}

struct CommandLine {
  CLI::App app{"Looks into a store of attune, also while an engine writes it. Changes nothing."};
  InspectArguments arguments;
  std::string id;

  CommandLine();

 private:
  CLI::App* command(const char* name, InspectCommand which, const char* help);
  void add_range(CLI::App* command);
};

CLI::App* CommandLine::command(const char* name, InspectCommand which, const char* help) {
  CLI::App* command = app.add_subcommand(name, help);
  command->callback([this, which] { arguments.command = which; });
  command->fallthrough();
  return command;
}

void CommandLine::add_range(CLI::App* command) {
  command->add_option("--point", arguments.point,
                      "Only this decision point (name, or number where it has no name)");
  command->add_option("--last", arguments.last, "Look at the newest N records only")
      ->check(CLI::PositiveNumber);
}

CommandLine::CommandLine() {
  app.add_option("STORE", arguments.store, "The store's file")->required();
  app.add_flag("--json", arguments.json, "One JSON object instead of a table");
  app.footer("Exit code: 0 all well, 1 a problem was found, 2 the command line is wrong.");
  command("summary", InspectCommand::summary, "Sizes, counts, last checkpoint, problems");
  add_range(command("points", InspectCommand::points, "Traffic of each decision point"));
  add_range(command("arms", InspectCommand::arms, "Decisions, rewards and share over time of each arm"));
  CLI::App* decisions =
      command("decisions", InspectCommand::decisions, "The newest decisions with their outcomes");
  decisions->add_option("--point", arguments.point, "Only this decision point");
  decisions->add_option("--arm", arguments.arm, "Only this arm");
  decisions->add_option("--id", id, "Only the decision of this id");
  decisions->add_option("--before", arguments.before, "Only records before this one")
      ->check(CLI::PositiveNumber);
  decisions->add_option("--limit", arguments.limit, "How many, at most")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();
  command("checkpoints", InspectCommand::checkpoints, "All checkpoints, each checked");
  command("verify", InspectCommand::verify, "Read and check every record and checkpoint");
}

int run(int argc, char** argv) {
  CommandLine line;
  try {
    line.app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    static_cast<void>(std::fputs(line.app.help().c_str(), stdout));
    return kSound;
  } catch (const CLI::ParseError& error) {
    return complain(std::string(error.what()) + " (--help shows what there is)", kUsage);
  }
  if (line.app.get_subcommands().empty()) {
    return complain("a command is required: summary, points, arms, decisions, checkpoints or verify", kUsage);
  }
  if (!line.id.empty()) {
    const Result<Uuid> id = Uuid::parse(line.id);
    if (!id) {
      return complain("--id: " + id.error().message, kUsage);
    }
    line.arguments.id = *id;
  }
  return answer(line.arguments);
}

}  // namespace
}  // namespace attune::tools

int main(int argc, char** argv) {
  try {
    return attune::tools::run(argc, argv);
  } catch (const std::exception& error) {
    return attune::tools::complain(error.what(), attune::tools::kProblem);
  }
}
