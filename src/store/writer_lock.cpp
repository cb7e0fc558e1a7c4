// SPDX-License-Identifier: Apache-2.0
#include "store/writer_lock.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <system_error>
#include <utility>

namespace attune::detail {
namespace {

// "attune store <32 hex> pid <20 digits> position <20 digits>\n"
constexpr std::size_t kIdOffset = 13;
constexpr std::size_t kIdSize = 32;
constexpr std::size_t kProcessOffset = kIdOffset + kIdSize + 5;
constexpr std::size_t kDigits = 20;
constexpr std::size_t kPositionOffset = kProcessOffset + kDigits + 10;
constexpr std::size_t kLineSize = kPositionOffset + kDigits + 1;
constexpr std::string_view kStart = "attune store ";

[[nodiscard]] std::string lock_path(const std::string& store_path) { return store_path + "-lock"; }

[[nodiscard]] std::string reason() { return std::generic_category().message(errno); }

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

[[nodiscard]] std::optional<WriterLock::Content> read_content(int descriptor) {
  std::array<char, kLineSize> line{};
  if (::pread(descriptor, line.data(), line.size(), 0) != static_cast<ssize_t>(line.size())) {
    return std::nullopt;
  }
  const std::string_view text(line.data(), line.size());
  WriterLock::Content content;
  content.store_id = text.substr(kIdOffset, kIdSize);
  const bool good = text.starts_with(kStart) &&
                    parse_digits(text.substr(kProcessOffset, kDigits), content.process) &&
                    parse_digits(text.substr(kPositionOffset, kDigits), content.position);
  return good ? std::optional(std::move(content)) : std::nullopt;
}

}  // namespace

WriterLock::WriterLock(int descriptor) noexcept : descriptor_(descriptor), process_(::getpid()) {}

WriterLock::WriterLock(WriterLock&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)), process_(other.process_) {}

WriterLock& WriterLock::operator=(WriterLock&& other) noexcept {
  std::swap(descriptor_, other.descriptor_);
  std::swap(process_, other.process_);
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
    const std::optional<Content> content = read_content(descriptor);
    const std::string who = content ? "process " + std::to_string(content->process) : "another process";
    return fail(Errc::io, "'" + store_path + "' is open for writing by " + who +
                              "; one process writes a store at a time: stop that one, or open it read-only");
  }
  return lock;
}

std::optional<WriterLock::Content> WriterLock::peek(const std::string& store_path) {
  const int descriptor =
      ::open(lock_path(store_path).c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (descriptor < 0) {
    return std::nullopt;
  }
  std::optional<Content> content = read_content(descriptor);
  ::close(descriptor);
  return content;
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
  const std::optional<Content> content = read_content(descriptor);
  ::close(descriptor);
  return held ? std::optional(content ? content->process : 0) : std::nullopt;
}

Result<void> WriterLock::write(std::string_view store_id, std::uint64_t position) const {
  std::array<char, kLineSize> line{};
  line.fill(' ');
  std::memcpy(line.data(), kStart.data(), kStart.size());
  std::memcpy(line.data() + kIdOffset, store_id.data(), std::min(store_id.size(), kIdSize));
  std::memcpy(line.data() + kProcessOffset - 4, "pid ", 4);
  put_digits(line.data() + kProcessOffset, static_cast<std::uint64_t>(process_));
  std::memcpy(line.data() + kPositionOffset - 9, "position ", 9);
  put_digits(line.data() + kPositionOffset, position);
  line.back() = '\n';
  if (::pwrite(descriptor_, line.data(), line.size(), 0) != static_cast<ssize_t>(line.size())) {
    return fail(Errc::io, "the lock file could not be written: " + reason());
  }
  return {};
}

void WriterLock::note_position(std::uint64_t position) const noexcept {
  std::array<char, kDigits> digits{};
  put_digits(digits.data(), position);
  static_cast<void>(::pwrite(descriptor_, digits.data(), digits.size(), kPositionOffset) > 0);
}

bool WriterLock::owned_by_this_process() const noexcept { return process_ == ::getpid(); }

}  // namespace attune::detail
