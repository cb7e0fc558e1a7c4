// SPDX-License-Identifier: Apache-2.0
#include "tools/inspect/command_table.hpp"

#include <algorithm>
#include <array>
#include <iterator>
#include <numeric>

#include "tools/inspect/command_pages.hpp"

namespace attune::tools {
namespace {

constexpr std::array<OptionInfo, 26> kOptions{{
    {OptionKey::json, "--json", "", "Print one JSON object instead of text."},
    {OptionKey::csv, "--csv", "", "Print comma-separated values, with a line of names."},
    {OptionKey::bars, "--bars", "", "Draw bars also where the output is no terminal."},
    {OptionKey::yes, "--yes", "", "Do it without asking. Needed where there is no terminal to ask on."},
    {OptionKey::discard, "--discard", "",
     "Drop the records that are cut off, instead of keeping them in a file."},
    {OptionKey::full, "--full", "", "Also what takes a replay of the whole journal."},
    {OptionKey::propensities, "--propensities", "",
     "Find the propensities that were left open (deferred): by a replay, quadrature or repeated choices."},
    {OptionKey::point, "--point", "POINT",
     "Only this decision point: its name, or its number where it has no name."},
    {OptionKey::arm, "--arm", "ARM", "Only this arm, by its id."},
    {OptionKey::id, "--id", "ID", "Only the decision of this id (UUID)."},
    {OptionKey::episode, "--episode", "NAME", "Only decisions of the episode of this name."},
    {OptionKey::subject, "--subject", "NAME", "The person or thing that the records are about."},
    {OptionKey::from, "--from", "TIME",
     "Only from this time on: RFC 3339 (2026-01-31T12:00:00Z), or -15m, -1h, -7d before the last record."},
    {OptionKey::to, "--to", "TIME", "Only before this time; written like --from."},
    {OptionKey::last, "--last", "N", "Only the newest N records of the journal."},
    {OptionKey::first, "--first", "N", "Only from record N on."},
    {OptionKey::before, "--before", "N", "Only records before position N."},
    {OptionKey::limit, "--limit", "N", "Show so many, the newest (default 20)."},
    {OptionKey::keep, "--keep", "N", "The newest N records stay, whatever else is said."},
    {OptionKey::checkpoints, "--checkpoints", "N",
     "So many sound checkpoints, the newest, must stay able to recover an engine (default 2)."},
    {OptionKey::at, "--at", "WHERE",
     "The state after this record: a position, or cN for checkpoint N. Default: the end of the journal."},
    {OptionKey::with, "--with", "FILE", "A configuration to use in place of the store's own."},
    {OptionKey::out, "--out", "PATH", "Write here instead of to standard output. Nothing is overwritten."},
    {OptionKey::to_position, "--to", "WHERE", "A position, or cN for checkpoint N."},
    {OptionKey::actor, "--by", "WHO", "Who does this, for the audit trail (default: the user's name)."},
    {OptionKey::key_file, "--key-file", "FILE",
     "The key that seals this store's checkpoints: a file with its id and its secret, ID:SECRET in one "
     "line."},
}};

[[nodiscard]] std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t above = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, diagonal + (a[i - 1] == b[j - 1] ? 0U : 1U)});
      diagonal = above;
    }
  }
  return row.back();
}

[[nodiscard]] std::vector<CommandInfo> all_commands() {
  std::vector<CommandInfo> all = looking_commands();
  for (std::vector<CommandInfo> more : {deriving_commands(), changing_commands()}) {
    std::ranges::move(more, std::back_inserter(all));
  }
  for (CommandInfo& info : all) {
    if (info.command != Command::help) {
      info.options.push_back(OptionKey::key_file);
    }
  }
  return all;
}

/// Words of a paragraph in lines of at most `width` columns, each after `indent` spaces.
[[nodiscard]] std::string wrapped(std::string_view text, std::size_t indent, std::size_t width = 96) {
  std::string out;
  std::string line;
  const auto flush = [&] {
    out += line.empty() ? "\n" : std::string(indent, ' ') + line + "\n";
    line.clear();
  };
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(' '), text.size());
    const std::string_view word = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (!line.empty() && indent + line.size() + 1 + word.size() > width) {
      flush();
    }
    line += line.empty() ? "" : " ";
    line += word;
  }
  if (!line.empty()) {
    flush();
  }
  return out;
}

[[nodiscard]] std::string paragraphs(std::string_view text, std::size_t indent) {
  std::string out;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find("\n\n"), text.size());
    out += out.empty() ? "" : "\n";
    out += wrapped(text.substr(0, end), indent);
    text.remove_prefix(std::min(end + 2, text.size()));
  }
  return out;
}

[[nodiscard]] std::string synopsis(const CommandInfo& info) {
  std::string out = "attune-inspect STORE " + std::string(info.name);
  if (info.command == Command::help) {
    return "attune-inspect help [COMMAND]";
  }
  if (!info.operands.empty()) {
    out += " " + std::string(info.operands);
  }
  for (const OptionKey key : info.options) {
    const OptionInfo& option = info_of(key);
    out +=
        " [" + std::string(option.name) + (option.value.empty() ? "" : " ") + std::string(option.value) + "]";
  }
  return out;
}

}  // namespace

std::span<const CommandInfo> commands() {
  static const std::vector<CommandInfo> kCommands = all_commands();
  return kCommands;
}

const CommandInfo* find_command(std::string_view name) {
  const auto found = std::ranges::find(commands(), name, &CommandInfo::name);
  return found == commands().end() ? nullptr : &*found;
}

const CommandInfo& info_of(Command command) {
  return *std::ranges::find(commands(), command, &CommandInfo::command);
}

const OptionInfo& info_of(OptionKey key) { return *std::ranges::find(kOptions, key, &OptionInfo::key); }

std::string_view nearest_command(std::string_view name) {
  std::string_view best;
  std::size_t least = name.size() / 3 + 2;  // further away is another word
  for (const CommandInfo& info : commands()) {
    const std::size_t distance = edit_distance(name, info.name);
    if (distance < least) {
      least = distance;
      best = info.name;
    }
  }
  return best;
}

std::string overview() {
  std::string out =
      "attune-inspect - looks into a store of attune, also while an engine writes it\n\n"
      "usage: attune-inspect STORE COMMAND [options]     (COMMAND STORE is understood, too)\n"
      "       attune-inspect help COMMAND\n";
  const auto list = [&](std::string_view title, auto&& fits) {
    out += "\n" + std::string(title) + "\n";
    for (const CommandInfo& info : commands()) {
      if (fits(info)) {
        out += "  " + std::string(info.name) + std::string(13 - info.name.size(), ' ') +
               std::string(info.brief) + "\n";
      }
    }
  };
  list("Commands that only look:", [](const CommandInfo& info) { return !info.changes; });
  list("Commands that change a store or make one; each says what it will do, and asks:",
       [](const CommandInfo& info) { return info.changes; });
  out +=
      "\nWithout a command: summary. Every command takes --json.\n"
      "Exit code: 0 all is well; 1 something is wrong with the store; 2 bad input, or refused.\n";
  return out;
}

std::string manual_page(const CommandInfo& info) {
  std::string out =
      "NAME\n  attune-inspect " + std::string(info.name) + " - " + std::string(info.brief) + "\n\n";
  out += "SYNOPSIS\n" + wrapped(synopsis(info), 2) + "\nDESCRIPTION\n" + paragraphs(info.text, 2);
  if (!info.options.empty()) {
    out += "\nOPTIONS\n";
    for (const OptionKey key : info.options) {
      const OptionInfo& option = info_of(key);
      out += "  " + std::string(option.name) + (option.value.empty() ? "" : " ") + std::string(option.value) +
             "\n" + wrapped(option.doc, 6);
    }
  }
  out += "\nEXIT CODE\n";
  out +=
      "  0  all is well\n  1  something is wrong with the store: said in the answer, or on stderr where "
      "there is none\n"
      "  2  bad input, or the request was refused; one line on stderr says why\n";
  if (!info.examples.empty()) {
    out += "\nEXAMPLES\n";
    for (const Example& example : info.examples) {
      out += "  attune-inspect " + std::string(example.line) + "\n" + wrapped(example.doc, 6);
    }
  }
  return out;
}

}  // namespace attune::tools
