// SPDX-License-Identifier: Apache-2.0
#include "simulations/gateway_proof.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>

#include <attune/core/config.hpp>

#include "simulations/baselines.hpp"

namespace attune::sim {
namespace {

/// Commits that the child may be ahead of its parent's answers.
constexpr std::uint64_t kAhead = 4;

/// What a commit on a slow disk never takes.
constexpr std::chrono::milliseconds kPatience{60'000};

/// A socket that is closed when it goes out of scope.
class Socket {
 public:
  explicit Socket(int descriptor) noexcept : descriptor_(descriptor) {}
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  Socket(Socket&&) = delete;
  Socket& operator=(Socket&&) = delete;
  ~Socket() { close(); }

  void close() noexcept {
    if (descriptor_ >= 0) {
      ::close(descriptor_);
      descriptor_ = -1;
    }
  }
  [[nodiscard]] int get() const noexcept { return descriptor_; }

 private:
  int descriptor_;
};

bool send_all(int channel, const void* data, std::size_t size) {
  const char* at = static_cast<const char*>(data);
  while (size > 0) {
    const ssize_t sent = send(channel, at, size, MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) {
      continue;
    }
    if (sent <= 0) {
      return false;
    }
    at += sent;
    size -= static_cast<std::size_t>(sent);
  }
  return true;
}

bool receive_all(int channel, void* data, std::size_t size) {
  char* at = static_cast<char*>(data);
  while (size > 0) {
    const ssize_t got = recv(channel, at, size, 0);
    if (got < 0 && errno == EINTR) {
      continue;
    }
    if (got <= 0) {
      return false;
    }
    at += got;
    size -= static_cast<std::size_t>(got);
  }
  return true;
}

Error system_error(const std::string& what) {
  return {Errc::io, what + ": " + std::string(std::strerror(errno))};
}

/// Starts this program as the child. Only what fork() allows happens between it and exec.
Result<pid_t> start_child(const GatewaySettings& settings, const std::string& store, int channel) {
  std::vector<std::string> words{"attune-sim",      "gateway",
                                 "--child-store",   store,
                                 "--child-channel", std::to_string(channel),
                                 "--data",          settings.recorded ? "recorded" : "simulated",
                                 "--seeds",         "1",
                                 "--horizon",       std::to_string(settings.horizon)};
  if (settings.cost_weight >= 0.0) {
    words.insert(words.end(), {"--cost-weight", number_text(settings.cost_weight)});
  }
  std::vector<char*> arguments;
  arguments.reserve(words.size() + 1);
  for (std::string& word : words) {
    arguments.push_back(word.data());
  }
  arguments.push_back(nullptr);
  const pid_t child = fork();
  if (child < 0) {
    return tl::unexpected<Error>(system_error("no child process could be started"));
  }
  if (child == 0) {
    fcntl(channel, F_SETFD, 0);  // this end only: with both, the child would not see its parent go
    execv("/proc/self/exe", arguments.data());
    _exit(127);
  }
  return child;
}

/// Something can be read, or the other end is closed, before the time is over.
bool is_heard(int channel, std::chrono::milliseconds patience) {
  pollfd one{.fd = channel, .events = POLLIN, .revents = 0};
  int ready = 0;
  do {
    ready = poll(&one, 1, static_cast<int>(patience.count()));
  } while (ready < 0 && errno == EINTR);
  return ready > 0;
}

}  // namespace

Result<std::uint64_t> kill_at_half(pid_t child, int channel, std::uint64_t operations,
                                   std::chrono::milliseconds patience) {
  std::uint64_t reported = 0;
  bool heard = is_heard(channel, patience);
  while (heard && receive_all(channel, &reported, sizeof reported)) {
    if (2 * reported >= operations) {
      break;
    }
    const char go_on = 1;
    if (!send_all(channel, &go_on, 1)) {
      break;
    }
    heard = is_heard(channel, patience);
  }
  kill(child, SIGKILL);
  int status = 0;
  while (waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) {
      return tl::unexpected<Error>(system_error("the child process was lost"));
    }
  }
  if (!heard) {
    return fail(Errc::io, "the child process reported nothing for " +
                              std::to_string(std::chrono::ceil<std::chrono::seconds>(patience).count()) +
                              " s after operation " + std::to_string(reported) + " and was killed");
  }
  if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL || 2 * reported < operations) {
    return fail(Errc::io, "the child process ended by itself before it could be killed");
  }
  return reported;
}

RunWitness witness_of(const DriveResult& result) {
  return {result.operations, result.decisions, sha256(result.state)};
}

void remove_store(const std::string& store) {
  std::error_code ignored;
  for (const char* suffix : {"", "-wal", "-shm", "-journal", "-lock"}) {
    std::filesystem::remove(store + suffix, ignored);
  }
}

Result<void> run_proof_child(const Scenario& scenario, std::size_t policy, const std::string& store,
                             int channel) {
  const std::unique_ptr<World> world = scenario.environment->start(scenario.seeds.front(), scenario.horizon);
  Result<std::unique_ptr<Journal>> journal = open_sqlite_journal(store, OpenMode::read_write);
  if (!journal) {
    return tl::unexpected(std::move(journal).error());
  }
  DriveOptions options;
  std::uint64_t unanswered = 0;
  options.on_learned = [&](std::uint64_t operations) {
    if (!send_all(channel, &operations, sizeof operations)) {
      return;
    }
    char answer = 0;
    if (++unanswered > kAhead && receive_all(channel, &answer, 1)) {
      --unanswered;
    }
  };
  const Result<DriveResult> result =
      drive(scenario, scenario.policies[policy], scenario.seeds.front(), *world, look_back(scenario, *world),
            std::move(*journal), std::move(options));
  return result ? Result<void>() : tl::unexpected(result.error());
}

Result<ProofResult> prove_recovery(const Scenario& scenario, std::size_t policy,
                                   const GatewaySettings& settings, const std::string& store,
                                   const RunWitness& uninterrupted) {
  ProofResult out;
  out.operations = uninterrupted.operations;
  out.uninterrupted_digest = to_hex(uninterrupted.state);
  std::array<int, 2> pair{};
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair.data()) != 0) {
    return tl::unexpected<Error>(system_error("no socket could be made"));
  }
  {
    const Socket mine(pair[0]);
    Socket theirs(pair[1]);
    const Result<pid_t> child = start_child(settings, store, theirs.get());
    if (!child) {
      return tl::unexpected(child.error());
    }
    theirs.close();
    const Result<std::uint64_t> reported = kill_at_half(*child, mine.get(), out.operations, kPatience);
    if (!reported) {
      return tl::unexpected(reported.error());
    }
    out.reported = *reported;
  }

  Result<Resumption> resumption = read_resumption(store);
  if (!resumption) {
    return tl::unexpected(std::move(resumption).error());
  }
  out.found = resumption->operations;
  Result<std::unique_ptr<Journal>> journal = open_sqlite_journal(store, OpenMode::read_write);
  if (!journal) {
    return tl::unexpected(std::move(journal).error());
  }
  const std::unique_ptr<World> world = scenario.environment->start(scenario.seeds.front(), scenario.horizon);
  DriveOptions options;
  options.resumption = std::move(*resumption);
  const Result<DriveResult> result =
      drive(scenario, scenario.policies[policy], scenario.seeds.front(), *world, look_back(scenario, *world),
            std::move(*journal), std::move(options));
  if (!result) {
    return tl::unexpected(result.error());
  }
  out.resumed_digest = to_hex(sha256(result->state));
  out.notes = result->recovery_notes;
  out.decisions = std::max(result->decisions.size(), uninterrupted.decisions.size());
  for (std::size_t i = 0; i < std::min(result->decisions.size(), uninterrupted.decisions.size()); ++i) {
    const bool same = result->decisions[i].id == uninterrupted.decisions[i].id &&
                      result->decisions[i].arm == uninterrupted.decisions[i].arm;
    out.same_decisions += same ? 1 : 0;
  }
  return out;
}

}  // namespace attune::sim
