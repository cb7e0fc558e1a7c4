// SPDX-License-Identifier: Apache-2.0
/// @file
/// Bytes in and out: little-endian, length-prefixed, bounds-checked. The reader trusts nothing.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <attune/core/error.hpp>

namespace attune {

static_assert(std::endian::native == std::endian::little,
              "attune: the stored formats are little-endian and written by memcpy");

using Bytes = std::vector<std::byte>;
using ByteView = std::span<const std::byte>;

/// Appends values to a growing buffer. Doubles are stored by their bits: NaN payloads and -0 survive.
class Writer {
 public:
  Writer() = default;
  /// Continues at the end of a buffer that the caller keeps for reuse (no allocation once it is large
  /// enough).
  explicit Writer(Bytes&& reuse) noexcept : buffer_(std::move(reuse)) { buffer_.clear(); }

  void u8(std::uint8_t value) { raw(&value, 1); }
  void u16(std::uint16_t value) { raw(&value, sizeof value); }
  void u32(std::uint32_t value) { raw(&value, sizeof value); }
  void u64(std::uint64_t value) { raw(&value, sizeof value); }
  void i64(std::int64_t value) { raw(&value, sizeof value); }
  void f64(double value) { raw(&value, sizeof value); }
  void boolean(bool value) { u8(value ? 1 : 0); }
  /// u64 length, then the bytes.
  void text(std::string_view value) {
    u64(value.size());
    raw(value.data(), value.size());
  }
  void blob(ByteView value) {
    u64(value.size());
    raw(value.data(), value.size());
  }
  /// u64 length, then the entries. T: a trivially copyable number.
  template <class T>
  void numbers(std::span<const T> values) {
    u64(values.size());
    raw(values.data(), values.size_bytes());
  }
  template <class T>
  void numbers(const std::vector<T>& values) {
    numbers(std::span<const T>(values));
  }
  void raw(const void* data, std::size_t size) {
    const auto* first = static_cast<const std::byte*>(data);
    buffer_.insert(buffer_.end(), first, first + size);
  }
  /// What is written until end_blob() is what blob() would have written, without a copy of it. Blobs may lie
  /// in each other.
  [[nodiscard]] std::size_t begin_blob() {
    u64(0);
    return buffer_.size();
  }
  void end_blob(std::size_t begun) noexcept {
    const std::uint64_t size = buffer_.size() - begun;
    std::memcpy(buffer_.data() + begun - sizeof size, &size, sizeof size);
  }
  void reserve(std::size_t size) { buffer_.reserve(size); }

  [[nodiscard]] ByteView view() const noexcept { return buffer_; }
  [[nodiscard]] std::size_t size() const noexcept { return buffer_.size(); }
  [[nodiscard]] Bytes take() && noexcept { return std::move(buffer_); }

 private:
  Bytes buffer_;
};

/// Reads what Writer wrote. The first failure sticks: later reads return zero and change nothing, so a parser
/// reads all its fields and asks `ok()` once. Lengths are checked against the bytes left and against a limit
/// before anything is allocated.
class Reader {
 public:
  explicit Reader(ByteView bytes) noexcept : bytes_(bytes) {}

  [[nodiscard]] std::uint8_t u8() noexcept { return number<std::uint8_t>(); }
  [[nodiscard]] std::uint16_t u16() noexcept { return number<std::uint16_t>(); }
  [[nodiscard]] std::uint32_t u32() noexcept { return number<std::uint32_t>(); }
  [[nodiscard]] std::uint64_t u64() noexcept { return number<std::uint64_t>(); }
  [[nodiscard]] std::int64_t i64() noexcept { return number<std::int64_t>(); }
  [[nodiscard]] double f64() noexcept { return number<double>(); }
  /// A byte that is neither 0 nor 1 is a failure.
  [[nodiscard]] bool boolean() noexcept {
    const std::uint8_t value = u8();
    if (value > 1) {
      fail_now();
    }
    return value == 1;
  }
  /// A double that must be finite.
  [[nodiscard]] double finite() noexcept;
  [[nodiscard]] std::string_view text(std::size_t limit = kDefaultLimit) noexcept {
    const std::span<const std::byte> part = sized(1, limit);
    return {reinterpret_cast<const char*>(part.data()), part.size()};
  }
  [[nodiscard]] ByteView blob(std::size_t limit = kDefaultLimit) noexcept { return sized(1, limit); }
  /// Reads a vector of at most `limit` entries.
  template <class T>
  [[nodiscard]] std::vector<T> numbers(std::size_t limit = kDefaultLimit) {
    const std::span<const std::byte> part = sized(sizeof(T), limit);
    std::vector<T> values(part.size() / sizeof(T));
    if (!values.empty()) {
      std::memcpy(values.data(), part.data(), part.size());
    }
    return values;
  }
  /// Reads a vector that must have exactly `count` entries.
  template <class T>
  [[nodiscard]] std::vector<T> exactly(std::size_t count) {
    std::vector<T> values = numbers<T>(count);
    if (values.size() != count) {
      fail_now();
      values.assign(count, T{});
    }
    return values;
  }

  void fail_now() noexcept { failed_ = true; }
  [[nodiscard]] bool ok() const noexcept { return !failed_; }
  [[nodiscard]] std::size_t left() const noexcept { return bytes_.size() - at_; }
  [[nodiscard]] bool at_end() const noexcept { return left() == 0; }

  static constexpr std::size_t kDefaultLimit = std::size_t{1} << 28;

 private:
  template <class T>
  [[nodiscard]] T number() noexcept {
    T value{};
    if (failed_ || left() < sizeof(T)) {
      failed_ = true;
      return T{};
    }
    std::memcpy(&value, bytes_.data() + at_, sizeof(T));
    at_ += sizeof(T);
    return value;
  }
  [[nodiscard]] std::span<const std::byte> sized(std::size_t entry, std::size_t limit) noexcept {
    const std::uint64_t count = u64();
    if (failed_ || count > limit || count > left() / entry) {
      failed_ = true;
      return {};
    }
    const std::span<const std::byte> part = bytes_.subspan(at_, static_cast<std::size_t>(count) * entry);
    at_ += part.size();
    return part;
  }

  ByteView bytes_;
  std::size_t at_ = 0;
  bool failed_ = false;
};

namespace detail {
/// Frame around a state: magic, name, version, length, payload, XXH64 of all before it.
[[nodiscard]] Bytes seal_state(std::string_view name, std::uint32_t version, ByteView payload);
/// Errors: corrupt_state (cut, damaged, other name), unsupported_version (newer than `version`).
[[nodiscard]] Result<ByteView> open_state(ByteView framed, std::string_view name, std::uint32_t version);
}  // namespace detail

/// State of a policy or learner as bytes that can be stored: framed with its name, version and checksum, so
/// that any changed bit is noticed. Cost: one copy of the state.
template <class P>
[[nodiscard]] Bytes save_state(const P& policy) {
  Writer writer;
  policy.save(writer);
  return detail::seal_state(P::kName, P::kStateVersion, writer.view());
}

/// The inverse of save_state. `policy` must have been made with the same Config.
/// Errors: corrupt_state, unsupported_version, dimension_mismatch; the policy is unchanged on error.
template <class P>
[[nodiscard]] Result<void> load_state(P& policy, ByteView framed) {
  Result<ByteView> payload = detail::open_state(framed, P::kName, P::kStateVersion);
  if (!payload) {
    return tl::unexpected(std::move(payload).error());
  }
  Reader reader(*payload);
  return policy.load(reader);
}

}  // namespace attune
