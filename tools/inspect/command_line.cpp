// SPDX-License-Identifier: Apache-2.0
#include "tools/inspect/command_line.hpp"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <iterator>
#include <limits>
#include <map>
#include <utility>

#include <CLI/CLI.hpp>

#include "tools/inspect/command_table.hpp"

namespace attune::tools {
namespace {

[[nodiscard]] tl::unexpected<Error> bad(std::string message) {
  return fail(Errc::invalid_argument, std::move(message));
}

[[nodiscard]] Result<std::uint64_t> parse_count(const OptionInfo& option, const std::string& text) {
  std::uint64_t value = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  constexpr std::uint64_t kMost = std::numeric_limits<std::int64_t>::max();
  if (code != std::errc{} || end != text.data() + text.size() || value == 0 || value > kMost) {
    return bad(std::string(option.name) + " = '" + text + "' is no whole number above 0");
  }
  return value;
}

/// Flags and texts as CLI11 found them.
struct Found {
  std::map<OptionKey, bool> flags;
  std::map<OptionKey, std::string> texts;
};

[[nodiscard]] Result<void> take_flag(OptionKey key, Options& options) {
  switch (key) {
    case OptionKey::json:
      options.json = true;
      break;
    case OptionKey::csv:
      options.csv = true;
      break;
    case OptionKey::propensities:
      options.propensities = true;
      break;
    case OptionKey::bars:
      options.bars = true;
      break;
    case OptionKey::yes:
      options.yes = true;
      break;
    case OptionKey::discard:
      options.discard = true;
      break;
    default:
      options.full = true;
      break;
  }
  return {};
}

[[nodiscard]] Result<void> take_count(const OptionInfo& option, const std::string& text, Options& options) {
  const Result<std::uint64_t> count = parse_count(option, text);
  if (!count) {
    return tl::unexpected(count.error());
  }
  switch (option.key) {
    case OptionKey::last:
      options.last = *count;
      break;
    case OptionKey::first:
      options.first = *count;
      break;
    case OptionKey::before:
      options.before = *count;
      break;
    case OptionKey::keep:
      options.keep = *count;
      break;
    case OptionKey::checkpoints:
      options.checkpoints = static_cast<std::uint32_t>(std::min<std::uint64_t>(*count, 1'000'000));
      break;
    default:
      if (*count > 1'000'000) {
        return bad("--limit = " + text + " is more than 1000000; use export for so many");
      }
      options.limit = *count;
      break;
  }
  return {};
}

[[nodiscard]] Result<void> take_text(const OptionInfo& option, const std::string& text, Options& options) {
  const auto moment = [&](std::optional<Moment>& out) -> Result<void> {
    Result<Moment> time = parse_moment(text);
    if (!time) {
      return bad(std::string(option.name) + ": " + time.error().message);
    }
    out = *time;
    return {};
  };
  switch (option.key) {
    case OptionKey::from:
      return moment(options.from);
    case OptionKey::to:
      return moment(options.to);
    case OptionKey::id: {
      const Result<Uuid> id = Uuid::parse(text);
      if (!id) {
        return bad("--id: " + id.error().message);
      }
      options.id = *id;
      return {};
    }
    case OptionKey::last:
    case OptionKey::first:
    case OptionKey::before:
    case OptionKey::limit:
    case OptionKey::keep:
    case OptionKey::checkpoints:
      return take_count(option, text, options);
    default:
      break;
  }
  if (text.empty()) {
    return bad(std::string(option.name) + " must not be empty");
  }
  const std::map<OptionKey, std::optional<std::string>*> places{
      {OptionKey::point, &options.point},     {OptionKey::arm, &options.arm},
      {OptionKey::episode, &options.episode}, {OptionKey::subject, &options.subject},
      {OptionKey::at, &options.at},           {OptionKey::with, &options.with},
      {OptionKey::out, &options.out},         {OptionKey::to_position, &options.to_position},
      {OptionKey::actor, &options.actor},     {OptionKey::key_file, &options.key_file}};
  *places.at(option.key) = text;
  return {};
}

/// Runs CLI11 over the words behind store and command.
[[nodiscard]] Result<Found> parse_words(const CommandInfo& info, std::vector<std::string> words,
                                        std::vector<std::string>& operands) {
  CLI::App app;
  app.set_help_flag();
  Found found;
  for (const OptionKey key : info.options) {
    const OptionInfo& option = info_of(key);
    if (option.value.empty()) {
      app.add_flag(std::string(option.name), found.flags[key]);
    } else {
      app.add_option(std::string(option.name), found.texts[key]);
    }
  }
  app.allow_extras();
  // "--from -1h": a value may begin with a dash, so it is tied to its option.
  std::vector<std::string> tied;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const auto takes_value = [&](OptionKey key) {
      return !info_of(key).value.empty() && info_of(key).name == words[i];
    };
    if (i + 1 < words.size() && std::ranges::any_of(info.options, takes_value)) {
      tied.push_back(words[i] + "=" + words[i + 1]);
      ++i;
    } else {
      tied.push_back(std::move(words[i]));
    }
  }
  std::ranges::reverse(tied);  // CLI11 takes words from the back
  try {
    app.parse(tied);
  } catch (const CLI::ParseError& error) {
    return bad(error.what());
  }
  operands = app.remaining();
  std::erase_if(found.flags, [](const auto& entry) { return !entry.second; });
  std::erase_if(found.texts, [&](const auto& entry) {
    return app.get_option(std::string(info_of(entry.first).name))->count() == 0;
  });
  return found;
}

[[nodiscard]] Result<void> check_operands(const CommandInfo& info, const std::vector<std::string>& operands) {
  const std::string help = "; see attune-inspect help " + std::string(info.name);
  for (const std::string& operand : operands) {
    if (operand.starts_with("--") || (operand.starts_with('-') && operand.size() > 1 && info.most == 0)) {
      return bad(std::string(info.name) + " has no option '" + operand + "'" + help);
    }
  }
  if (operands.size() > info.most) {
    return bad(std::string(info.name) + ": '" + operands[info.most] + "' is one word too many" + help);
  }
  if (operands.size() < info.least) {
    return bad(std::string(info.name) + " needs " + std::string(info.operands) + help);
  }
  return {};
}

/// Takes store and command from the front of the words.
[[nodiscard]] Result<const CommandInfo*> take_front(std::vector<std::string>& words, Options& options) {
  const auto take = [&] {
    std::string word = std::move(words.front());
    words.erase(words.begin());
    return word;
  };
  const CommandInfo* info = find_command(words.front());
  if (info != nullptr && info->command == Command::help) {
    take();
    return info;
  }
  std::error_code ignored;
  const bool command_first = info != nullptr && !std::filesystem::exists(words.front(), ignored);
  if (command_first) {
    take();
    if (words.empty() || words.front().starts_with("-")) {
      return bad("STORE is missing: attune-inspect STORE " + std::string(info->name));
    }
    options.store = take();
    return info;
  }
  options.store = take();
  if (words.empty() || words.front().starts_with("-")) {
    return &info_of(Command::summary);
  }
  info = find_command(words.front());
  if (info == nullptr) {
    const std::string_view near = nearest_command(words.front());
    return bad(
        "there is no command '" + words.front() + "'" +
        (near.empty() ? "; attune-inspect help lists them" : "; did you mean " + std::string(near) + "?"));
  }
  take();
  return info;
}

}  // namespace

Result<Options> parse_command_line(const std::vector<std::string>& given) {
  std::vector<std::string> words = given;
  Options options;
  if (words.empty()) {
    return bad("STORE is missing: attune-inspect STORE COMMAND; attune-inspect help lists the commands");
  }
  const auto asks_help = [](const std::string& word) { return word == "--help" || word == "-h"; };
  if (std::ranges::any_of(words, asks_help)) {
    options.command = Command::help;
    const auto named =
        std::ranges::find_if(words, [](const std::string& word) { return find_command(word) != nullptr; });
    if (named != words.end()) {
      options.operands = {*named};
    }
    return options;
  }
  Result<const CommandInfo*> info = take_front(words, options);
  if (!info) {
    return tl::unexpected(std::move(info).error());
  }
  options.command = (*info)->command;
  Result<Found> found = parse_words(**info, std::move(words), options.operands);
  if (!found) {
    return tl::unexpected(std::move(found).error());
  }
  if (Result<void> checked = check_operands(**info, options.operands); !checked) {
    return tl::unexpected(std::move(checked).error());
  }
  for (const auto& [key, on] : found->flags) {
    static_cast<void>(take_flag(key, options));
  }
  for (const auto& [key, text] : found->texts) {
    if (Result<void> taken = take_text(info_of(key), text, options); !taken) {
      return tl::unexpected(std::move(taken).error());
    }
  }
  if (options.json && options.csv) {
    return bad("--json and --csv exclude each other");
  }
  return options;
}

}  // namespace attune::tools
