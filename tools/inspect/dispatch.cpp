// SPDX-License-Identifier: Apache-2.0
#include <string>

#include "tools/inspect/command_table.hpp"
#include "tools/inspect/commands.hpp"

namespace attune::tools {

Result<Answer> run_help(const Options& options, const Surroundings& /*around*/) {
  if (options.operands.empty()) {
    return Answer{.text = overview()};
  }
  const CommandInfo* info = find_command(options.operands.front());
  if (info == nullptr) {
    const std::string_view near = nearest_command(options.operands.front());
    return fail(Errc::invalid_argument,
                "there is no command '" + options.operands.front() + "'" +
                    (near.empty() ? "" : "; did you mean " + std::string(near) + "?"));
  }
  return Answer{.text = manual_page(*info)};
}

Result<Answer> run_command(const Options& options, const Surroundings& around) {
  switch (options.command) {
    case Command::summary:
      return run_summary(options, around);
    case Command::points:
      return run_points(options, around);
    case Command::arms:
      return run_arms(options, around);
    case Command::decisions:
      return run_decisions(options, around);
    case Command::outcomes:
      return run_outcomes(options, around);
    case Command::checkpoints:
      return run_checkpoints(options, around);
    case Command::guards:
      return run_guards(options, around);
    case Command::doctor:
      return run_doctor(options, around);
    case Command::verify:
      return run_verify(options, around);
    case Command::show:
      return run_show(options, around);
    case Command::diff:
      return run_diff(options, around);
    case Command::explain:
      return run_explain(options, around);
    case Command::replay:
      return run_replay(options, around);
    case Command::plot:
      return run_plot(options, around);
    case Command::export_records:
      return run_export(options, around);
    case Command::import_records:
      return run_import(options, around);
    case Command::audit:
      return run_audit(options, around);
    case Command::rollback:
      return run_rollback(options, around);
    case Command::compact:
      return run_compact(options, around);
    case Command::erase:
      return run_erase(options, around);
    case Command::repair:
      return run_repair(options, around);
    case Command::help:
      return run_help(options, around);
  }
  return fail(Errc::unsupported, "there is no such command");
}

}  // namespace attune::tools
