// SPDX-License-Identifier: Apache-2.0
#include "store/writer_lock.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <span>
#include <system_error>
#include <utility>

#include "core/hash.hpp"
#include "store/sync_folder.hpp"

namespace attune::detail {
namespace {

// "attune store <32 hex> pid <20 digits> position <20 digits> check <8 hex>\n"; format 1 ended after the
// position.
constexpr std::size_t kIdOffset = 13;
constexpr std::size_t kIdSize = 32;
constexpr std::size_t kProcessOffset = kIdOffset + kIdSize + 5;
constexpr std::size_t kDigits = 20;
constexpr std::size_t kPositionOffset = kProcessOffset + kDigits + 10;
constexpr std::size_t kPositionEnd = kPositionOffset + kDigits;
constexpr std::size_t kCheckOffset = kPositionEnd + 7;
constexpr std::size_t kCheckSize = 8;
constexpr std::size_t kSize = kCheckOffset + kCheckSize + 1;
constexpr std::size_t kSizeOfFormat1 = kPositionEnd + 1;
constexpr std::string_view kStart = "attune store ";

[[nodiscard]] std::string lock_path(const std::string& store_path) { return store_path + "-lock"; }

// Locks of the open file description (POSIX.1-2024), not of the process: they also keep out a second writer
// in the same process, and closing another descriptor of the file does not drop them.
[[nodiscard]] struct flock whole_file() noexcept {
  struct flock request{};
  request.l_type = F_WRLCK;
  request.l_whence = SEEK_SET;
  return request;
}

void put_digits(char* out, std::uint64_t value) noexcept {
  for (std::size_t i = kDigits; i-- > 0; value /= 10) {
    out[i] = static_cast<char>('0' + value % 10);
  }
}

template <class T>
[[nodiscard]] bool parse_digits(std::string_view text, T& out) noexcept {
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), out);
  return code == std::errc{} && end == text.data() + text.size();
}

void put_check(std::span<char> line) noexcept {
  constexpr std::string_view kHex = "0123456789abcdef";
  std::uint32_t sum = crc32c(std::as_bytes(line.first(kCheckOffset)));
  for (std::size_t i = kCheckSize; i-- > 0; sum >>= 4U) {
    line[kCheckOffset + i] = kHex[sum & 0xFU];
  }
}

[[nodiscard]] WriterLock::Line read_line(int descriptor) {
  using State = WriterLock::LineState;
  std::array<char, kSize + 1> line{};  // one more: a longer file is not ours
  const ssize_t size = ::pread(descriptor, line.data(), line.size(), 0);
  if (size == 0) {
    return {};
  }
  const std::string_view text(line.data(), static_cast<std::size_t>(std::max<ssize_t>(size, 0)));
  // Format 1 ended its line here; one that goes on was cut to this length.
  const bool format_1 = text.size() == kSizeOfFormat1 && text.back() == '\n';
  State state = format_1 ? State::unchecked : State::damaged;
  if (text.size() == kSize) {
    std::array<char, kSize + 1> expected = line;
    put_check(expected);
    expected[kSize - 1] = '\n';
    state = expected == line ? State::good : State::damaged;
  }
  WriterLock::Line result{.state = state, .content = {}};
  if (state == State::damaged) {
    return result;
  }
  result.content.store_id = text.substr(kIdOffset, kIdSize);
  const bool parsed = text.starts_with(kStart) &&
                      parse_digits(text.substr(kProcessOffset, kDigits), result.content.process) &&
                      parse_digits(text.substr(kPositionOffset, kDigits), result.content.position);
  return parsed ? std::move(result) : WriterLock::Line{.state = State::damaged, .content = {}};
}

/// Who the line names, for messages.
[[nodiscard]] std::optional<std::int64_t> process_of(const WriterLock::Line& line) {
  const bool known =
      line.state == WriterLock::LineState::good || line.state == WriterLock::LineState::unchecked;
  return known ? std::optional(line.content.process) : std::nullopt;
}

}  // namespace

WriterLock::WriterLock(int descriptor) noexcept : descriptor_(descriptor), process_(::getpid()) {}

WriterLock::WriterLock(WriterLock&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)), process_(other.process_), line_(other.line_) {}

WriterLock& WriterLock::operator=(WriterLock&& other) noexcept {
  std::swap(descriptor_, other.descriptor_);
  std::swap(process_, other.process_);
  std::swap(line_, other.line_);
  return *this;
}

WriterLock::~WriterLock() {
  if (descriptor_ >= 0) {
    ::close(descriptor_);  // lets the lock go; the file stays, as removing it would race with the next writer
  }
}

Result<WriterLock> WriterLock::take(const std::string& store_path) {
  const std::string path = lock_path(store_path);
  const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
  if (descriptor < 0) {
    return fail(Errc::io, "the lock file '" + path + "' could not be opened: " + reason());
  }
  WriterLock lock(descriptor);
  struct flock request = whole_file();
  if (::fcntl(descriptor, F_OFD_SETLK, &request) != 0) {
    if (errno != EAGAIN && errno != EACCES) {
      return fail(Errc::io, "the lock file '" + path + "' could not be locked: " + reason());
    }
    const std::optional<std::int64_t> process = process_of(read_line(descriptor));
    const std::string who = process ? "process " + std::to_string(*process) : "another process";
    return fail(Errc::io, "'" + store_path + "' is open for writing by " + who +
                              "; one process writes a store at a time: stop that one, or open it read-only");
  }
  return lock;
}

WriterLock::Line WriterLock::peek(const std::string& store_path) {
  const int descriptor =
      ::open(lock_path(store_path).c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (descriptor < 0) {
    return {.state = errno == ENOENT || errno == EACCES ? LineState::none : LineState::damaged,
            .content = {}};
  }
  Line line = read_line(descriptor);
  if (line.state == LineState::damaged) {
    line = read_line(descriptor);  // its owner may have been writing it just then
  }
  ::close(descriptor);
  return line;
}

std::optional<std::int64_t> WriterLock::holder(const std::string& store_path) {
  const int descriptor =
      ::open(lock_path(store_path).c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (descriptor < 0) {
    return std::nullopt;
  }
  // Asks only: taking the lock, however shortly, could turn a starting writer away.
  struct flock request = whole_file();
  const bool held = ::fcntl(descriptor, F_OFD_GETLK, &request) == 0 && request.l_type != F_UNLCK;
  const std::optional<std::int64_t> process = process_of(read_line(descriptor));
  ::close(descriptor);
  return held ? std::optional(process.value_or(0)) : std::nullopt;
}

void WriterLock::set_position(std::uint64_t position) noexcept {
  put_digits(line_.data() + kPositionOffset, position);
  put_check(line_);
}

Result<void> WriterLock::write(std::string_view store_id, std::uint64_t position) {
  static_assert(kSize == kLineSize);
  line_.fill(' ');
  std::memcpy(line_.data(), kStart.data(), kStart.size());
  std::memcpy(line_.data() + kIdOffset, store_id.data(), std::min(store_id.size(), kIdSize));
  std::memcpy(line_.data() + kProcessOffset - 4, "pid ", 4);
  put_digits(line_.data() + kProcessOffset, static_cast<std::uint64_t>(process_));
  std::memcpy(line_.data() + kPositionOffset - 9, "position ", 9);
  std::memcpy(line_.data() + kPositionEnd + 1, "check ", 6);
  line_.back() = '\n';
  set_position(position);
  if (::pwrite(descriptor_, line_.data(), line_.size(), 0) != static_cast<ssize_t>(line_.size()) ||
      ::ftruncate(descriptor_, static_cast<off_t>(line_.size())) != 0) {
    return fail(Errc::io, "the lock file could not be written: " + reason());
  }
  return {};
}

void WriterLock::note_position(std::uint64_t position) noexcept {
  set_position(position);
  const auto tail = std::span(line_).subspan(kPositionOffset);
  static_cast<void>(::pwrite(descriptor_, tail.data(), tail.size(), kPositionOffset) > 0);
}

Result<void> WriterLock::lower_position(std::uint64_t position) {
  set_position(position);
  // The whole line: an earlier write of it may not be on the disk either.
  if (::pwrite(descriptor_, line_.data(), line_.size(), 0) != static_cast<ssize_t>(line_.size()) ||
      ::fdatasync(descriptor_) != 0) {
    return fail(Errc::io, "the lock file could not be written: " + reason());
  }
  return {};
}

bool WriterLock::owned_by_this_process() const noexcept { return process_ == ::getpid(); }

}  // namespace attune::detail
