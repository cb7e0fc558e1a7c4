// SPDX-License-Identifier: Apache-2.0
#include "tools/serve_io.hpp"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstdint>

namespace attune::tools {
namespace {

constexpr std::size_t kChunk = std::size_t{1} << 18U;

/// Where the handler writes; a signal handler can be given nothing else.
std::atomic<int> stop_pipe{-1};

extern "C" void note_stop(int /*signal*/) {
  const int saved = errno;
  const char byte = 1;
  // A full pipe is as good: somebody will wake up.
  [[maybe_unused]] const ssize_t written = ::write(stop_pipe.load(std::memory_order_relaxed), &byte, 1);
  errno = saved;
}

void handle(int signal, void (*handler)(int)) {
  struct sigaction action{};
  action.sa_handler = handler;
  action.sa_flags = SA_RESTART;
  ::sigaction(signal, &action, nullptr);
}

}  // namespace

LineReader::Next LineReader::next(std::string_view& line) {
  const std::size_t newline = buffer_.find('\n', searched_);
  if (newline != std::string::npos) {
    const std::size_t start = begin_;
    begin_ = searched_ = newline + 1;
    if (skipping_ || newline - start > limit_) {
      skipping_ = false;
      return Next::too_long;
    }
    line = std::string_view(buffer_).substr(start, newline - start);
    return Next::line;
  }
  searched_ = buffer_.size();
  if (buffer_.size() - begin_ > limit_) {
    skipping_ = true;  // what is here of it is of no use any more
    begin_ = buffer_.size();
  }
  if (!ended_) {
    return Next::starved;
  }
  if (skipping_) {
    skipping_ = false;
    return Next::too_long;
  }
  if (begin_ == buffer_.size()) {
    return Next::end;
  }
  line = std::string_view(buffer_).substr(begin_);
  begin_ = buffer_.size();
  return Next::line;
}

void LineReader::fill() {
  buffer_.erase(0, begin_);
  begin_ = 0;
  const std::size_t size = buffer_.size();
  searched_ = size;
  buffer_.resize(size + kChunk);
  ssize_t got = -1;
  do {
    got = ::read(descriptor_, buffer_.data() + size, kChunk);
  } while (got < 0 && errno == EINTR);
  buffer_.resize(size + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
  ended_ = got <= 0;
}

StopSignal::StopSignal() {
  std::array<int, 2> ends{-1, -1};
  if (::pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK) != 0) {
    return;  // without it signals end the process at once, as they do by default
  }
  read_end_ = ends[0];
  stop_pipe.store(ends[1], std::memory_order_relaxed);
  handle(SIGTERM, note_stop);
  handle(SIGINT, note_stop);
  handle(SIGPIPE, SIG_IGN);  // write() says it
  handle(SIGXFSZ, SIG_IGN);  // so does the store
}

StopSignal::~StopSignal() {
  if (read_end_ >= 0) {
    handle(SIGTERM, SIG_DFL);
    handle(SIGINT, SIG_DFL);
    ::close(stop_pipe.exchange(-1, std::memory_order_relaxed));
    ::close(read_end_);
  }
}

StopSignal::Wake StopSignal::wait(int descriptor, std::chrono::milliseconds limit) const {
  std::array<pollfd, 2> both{{{.fd = descriptor, .events = POLLIN, .revents = 0},
                              {.fd = read_end_, .events = POLLIN, .revents = 0}}};
  const int ready = ::poll(both.data(), both.size(), static_cast<int>(limit.count()));
  if (both[1].revents != 0) {
    return Wake::stop;
  }
  // A poll that was interrupted counts as idle; one that failed otherwise lets read() find out why.
  return ready == 0 || (ready < 0 && errno == EINTR) ? Wake::idle : Wake::readable;
}

/// False: the reader took nothing for `grace` after a signal.
bool StopSignal::wait_for_room(int descriptor, std::chrono::milliseconds grace) const {
  std::array<pollfd, 2> both{{{.fd = descriptor, .events = POLLOUT, .revents = 0},
                              {.fd = read_end_, .events = POLLIN, .revents = 0}}};
  while (::poll(both.data(), both.size(), -1) < 0 && errno == EINTR) {
  }
  if (both[0].revents != 0 || both[1].revents == 0) {
    return true;  // there is room, or write() says what is wrong
  }
  const auto end = std::chrono::steady_clock::now() + grace;
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
    const int ready = ::poll(both.data(), 1, static_cast<int>(std::max<std::int64_t>(left.count(), 0)));
    if (ready >= 0 || errno != EINTR) {
      return ready != 0;
    }
  }
}

bool StopSignal::write_all(int descriptor, std::string_view text, std::chrono::milliseconds grace) const {
  // A pipe with room takes this much at once: a larger write could block where no signal ends it.
  constexpr std::size_t kAtOnce = PIPE_BUF;
  while (!text.empty()) {
    const std::string_view piece = text.substr(0, kAtOnce);
    if (!wait_for_room(descriptor, grace) || !tools::write_all(descriptor, piece)) {
      return false;
    }
    text.remove_prefix(piece.size());
  }
  return true;
}

bool write_all(int descriptor, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(descriptor, text.data(), text.size());
    if (written < 0 && errno == EINTR) {
      continue;
    }
    if (written <= 0) {
      return false;
    }
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

}  // namespace attune::tools
