// SPDX-License-Identifier: Apache-2.0
// attune-serve: attune for any program that can write to a pipe. docs/protocol.md has every line.
#include <unistd.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>

#include "tools/serve_io.hpp"
#include "tools/serve_session.hpp"
#include "tools/serve_tokens.hpp"

namespace attune::tools {
namespace {

constexpr int kOk = 0;
constexpr int kFailed = 1;  // configuration, store, or the reader went away
constexpr int kUsage = 2;
constexpr std::size_t kLongestLine = std::size_t{4} << 20U;
constexpr std::chrono::milliseconds kIdle{1000};
constexpr std::chrono::milliseconds kGrace{1000};  // for a slow reader, once asked to stop
constexpr std::size_t kFlushAt = std::size_t{1} << 17U;

struct Arguments {
  bool stdio = false;
  bool queued = false;
  bool durable = false;
  bool verbose = false;
  std::string config;
  std::string store;
  std::string token_key;  ///< ID:FILE
  std::vector<std::string> former_token_keys;
  std::uint64_t token_ttl = ServeTokens::kDefaultSeconds;
};

void complain(std::string_view message) {
  static_cast<void>(
      std::fprintf(stderr, "attune-serve: %.*s\n", static_cast<int>(message.size()), message.data()));
}

Result<std::string> read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  if (!file.good() && !file.eof()) {
    return fail(Errc::io, "the configuration " + path + " cannot be read");
  }
  return text;
}

/// Shows what was answered, after it is in the store.
bool flush(ServeSession& session, std::string& out, const StopSignal& stop) {
  if (out.empty()) {
    return true;
  }
  session.settle(out);
  const bool written = stop.write_all(STDOUT_FILENO, out, kGrace);
  out.clear();
  return written;
}

/// Reads and answers until the input ends, `end`, a signal, or nobody reads the answers. False for the last.
bool serve(ServeSession& session) {
  const StopSignal stop;
  LineReader reader(STDIN_FILENO, kLongestLine);
  std::string out;
  std::string_view line;
  for (bool goes_on = true; goes_on;) {
    switch (reader.next(line)) {
      case LineReader::Next::line:
        goes_on = session.handle(line, out);
        break;
      case LineReader::Next::too_long:
        ServeSession::refuse_long_line(kLongestLine, out);
        break;
      case LineReader::Next::starved:
        if (!flush(session, out, stop)) {
          return false;
        }
        switch (stop.wait(STDIN_FILENO, kIdle)) {
          case StopSignal::Wake::readable:
            reader.fill();
            break;
          case StopSignal::Wake::idle:
            session.settle();  // join windows end and checkpoints fall due without requests too
            break;
          case StopSignal::Wake::stop:
            goes_on = false;
        }
        break;
      case LineReader::Next::end:
        goes_on = false;
        break;
    }
    if (out.size() >= kFlushAt && !flush(session, out, stop)) {
      return false;
    }
  }
  return flush(session, out, stop);
}

/// Null: no key is named, so that nothing is signed.
Result<std::shared_ptr<ServeTokens>> read_tokens(const Arguments& arguments) {
  if (arguments.token_key.empty()) {
    return std::shared_ptr<ServeTokens>();
  }
  std::vector<std::string> names{arguments.token_key};
  names.insert(names.end(), arguments.former_token_keys.begin(), arguments.former_token_keys.end());
  std::vector<SealKey> keys;
  for (const std::string& name : names) {
    Result<SealKey> key = read_token_key(name);
    if (!key) {
      return tl::unexpected(std::move(key).error());
    }
    keys.push_back(std::move(*key));
  }
  return ServeTokens::make(std::move(keys), arguments.token_ttl).map([](ServeTokens&& tokens) {
    return std::make_shared<ServeTokens>(std::move(tokens));
  });
}

int run(const Arguments& arguments) {
  Result<std::shared_ptr<ServeTokens>> tokens = read_tokens(arguments);
  if (!tokens) {
    complain(tokens.error().message);
    return kFailed;
  }
  ServeSession session({.store = arguments.store,
                        .queued = arguments.queued,
                        .durable = arguments.durable,
                        .clock = nullptr,
                        .log =
                            [&arguments](int level, std::string_view message) {
                              if (arguments.verbose || level >= 2) {
                                complain(message);
                              }
                            },
                        .tokens = std::move(*tokens)});
  if (!arguments.config.empty()) {
    const Result<void> opened =
        read_file(arguments.config).and_then([&](const std::string& text) { return session.open(text); });
    if (!opened) {
      complain(opened.error().message);
      return kFailed;
    }
  }
  const bool heard = serve(session);
  const Result<void> closed = session.close();
  if (!heard) {
    complain("nobody reads the answers any more");
  }
  if (!closed) {
    complain(closed.error().message);
  }
  return heard && closed ? kOk : kFailed;
}

int parse_and_run(int argc, char** argv) {
  Arguments arguments;
  CLI::App app{
      "Decides and learns for another program: one JSON request a line in, one JSON answer a line out.\n"
      "The protocol is described in docs/protocol.md."};
  app.name("attune-serve");
  app.set_version_flag("--version", std::string(version()));
  app.add_flag("--stdio", arguments.stdio, "Requests on standard input, answers on standard output")
      ->required();
  app.add_option("--config", arguments.config, "Configuration (JSON); without it, the first request is init")
      ->type_name("FILE");
  CLI::Option* const store =
      app.add_option("--store", arguments.store,
                     "Journal and checkpoints; without it, everything is forgotten at the end")
          ->type_name("FILE");
  app.add_flag("--queued", arguments.queued,
               "Answer outcomes before they are learned (fate \"queued\"): faster with a store");
  app.add_flag("--durable", arguments.durable,
               "Answer every decide after its commit, as at points with \"acknowledge\": \"durable\"")
      ->needs(store);
  CLI::Option* const token_key =
      app.add_option("--token-key", arguments.token_key,
                     "Sign every decision with the secret in FILE, and refuse outcomes without their token")
          ->type_name("ID:FILE");
  app.add_option("--former-token-key", arguments.former_token_keys,
                 "Also take tokens signed with this key, after a rotation; may be repeated")
      ->type_name("ID:FILE")
      ->needs(token_key);
  app.add_option("--token-ttl", arguments.token_ttl, "How long a token holds; a day when not given")
      ->type_name("SECONDS")
      ->check(CLI::Range(std::uint64_t{1}, ServeTokens::kMostSeconds))
      ->needs(token_key);
  app.add_flag("--verbose", arguments.verbose, "Say on standard error what the engine does");
  app.footer(
      "Exit status: 0 after end, end of input, SIGTERM or SIGINT, with everything stored; 1 when the\n"
      "configuration, a key or the store is refused, the last checkpoint cannot be written, or nobody reads "
      "the "
      "answers;\n"
      "2 for a wrong command line.");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kOk : kUsage;
  }
  return run(arguments);
}

}  // namespace
}  // namespace attune::tools

int main(int argc, char** argv) {
  try {
    return attune::tools::parse_and_run(argc, argv);
  } catch (const std::exception& error) {
    attune::tools::complain(error.what());
    return attune::tools::kFailed;
  }
}
