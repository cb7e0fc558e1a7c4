// SPDX-License-Identifier: Apache-2.0
/// @file
/// The table of commands and options. The command line is read by it and help is printed from it, so that the
/// two cannot drift apart.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tools/inspect/options.hpp"

namespace attune::tools {

enum class OptionKey : std::uint8_t {
  json,
  csv,
  bars,
  yes,
  discard,
  full,
  propensities,
  point,
  arm,
  id,
  episode,
  subject,
  from,
  to,
  last,
  first,
  before,
  limit,
  keep,
  checkpoints,
  at,
  with,
  out,
  to_position,
  actor,
  key_file,
};

struct OptionInfo {
  OptionKey key{};
  std::string_view name;   ///< "--point"
  std::string_view value;  ///< "POINT"; empty: a flag
  std::string_view doc;
};

struct Example {
  std::string_view line;  ///< behind "attune-inspect "
  std::string_view doc;
};

struct CommandInfo {
  Command command{};
  std::string_view name;
  std::string_view operands;  ///< "ID", "A [B]"; empty: none
  std::size_t least = 0;      ///< operands
  std::size_t most = 0;
  std::string_view brief;
  std::string_view text;  ///< paragraphs, separated by empty lines
  std::vector<OptionKey> options;
  std::vector<Example> examples;
  bool changes = false;  ///< may change a store, or make one
};

/// In the order of the overview.
[[nodiscard]] std::span<const CommandInfo> commands();
/// Null: there is none of that name.
[[nodiscard]] const CommandInfo* find_command(std::string_view name);
[[nodiscard]] const CommandInfo& info_of(Command command);
[[nodiscard]] const OptionInfo& info_of(OptionKey key);
/// The known name that is nearest to a misspelt one; empty when none is near.
[[nodiscard]] std::string_view nearest_command(std::string_view name);

/// The overview of all commands, and the page of one.
[[nodiscard]] std::string overview();
[[nodiscard]] std::string manual_page(const CommandInfo& info);

}  // namespace attune::tools
