// SPDX-License-Identifier: Apache-2.0
/// @file
/// What was asked for on the command line of attune-inspect.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <attune/core/clock.hpp>
#include <attune/core/error.hpp>
#include <attune/core/uuid.hpp>

#include "tools/inspect/moment.hpp"

namespace attune::tools {

enum class Command : std::uint8_t {
  summary,
  points,
  arms,
  decisions,
  outcomes,
  checkpoints,
  guards,
  doctor,
  explain,
  verify,
  show,
  diff,
  replay,
  plot,
  export_records,
  import_records,
  rollback,
  compact,
  erase,
  audit,
  repair,
  help,
};

struct Options {
  Command command = Command::summary;
  std::string store;
  std::vector<std::string> operands;  ///< what follows the command
  bool json = false;
  bool csv = false;
  bool bars = false;  ///< bars even where the output is no terminal
  bool yes = false;
  bool full = false;
  bool discard = false;
  bool propensities = false;         ///< those that were left open are found
  std::optional<std::string> point;  ///< name, or number where the name is unknown
  std::optional<std::string> arm;
  std::optional<Uuid> id;
  std::optional<std::string> episode;
  std::optional<std::string> subject;
  std::optional<Moment> from;
  std::optional<Moment> to;
  std::uint64_t last = 0;         ///< records looked at; 0: all
  std::uint64_t before = 0;       ///< position; 0: no limit
  std::uint64_t first = 0;        ///< position; 0: from the start
  std::uint64_t limit = 20;       ///< rows shown
  std::uint64_t keep = 0;         ///< of compact: the newest so many records stay
  std::uint32_t checkpoints = 2;  ///< of compact and erase: so many stay usable
  std::optional<std::string> at;
  std::optional<std::string> with;
  std::optional<std::string> out;
  std::optional<std::string> to_position;  ///< of rollback
  std::optional<std::string> actor;
  std::optional<std::string> key_file;
};

/// Where an answer goes.
struct Surroundings {
  Nanos now = 0;
  bool terminal = false;  ///< standard output is one
  bool asks = false;      ///< standard input is a terminal: questions can be asked
  /// Writes to standard output; false when that fails.
  std::function<bool(std::string_view)> write;
  /// Says something beside the answer.
  std::function<void(std::string_view)> tell;
  /// Asks the person at the terminal; false: no.
  std::function<bool(std::string_view question)> confirm;
};

/// What is printed, and whether something is wrong with the store.
struct Answer {
  std::string text;
  bool sound = true;
};

/// 0 all is well, 1 something is wrong with the store, 2 the request cannot be carried out.
enum class ExitCode : std::uint8_t { sound = 0, problem = 1, refused = 2 };

/// The code for an answer that never was.
[[nodiscard]] ExitCode exit_code_of(const Error& error) noexcept;

}  // namespace attune::tools
