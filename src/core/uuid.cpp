// SPDX-License-Identifier: Apache-2.0
#include <attune/core/uuid.hpp>

#include <algorithm>

namespace attune {
namespace {

constexpr std::string_view kHex = "0123456789abcdef";
constexpr std::size_t kTextLength = 36;

constexpr bool is_dash(std::size_t at) { return at == 8 || at == 13 || at == 18 || at == 23; }

std::uint64_t big_endian(const std::uint8_t* at) noexcept {
  std::uint64_t value = 0;
  for (int i = 0; i < 8; ++i) {
    value = (value << 8U) | at[i];
  }
  return value;
}

int nibble(char c) noexcept {
  if (c >= '0' && c <= '9') {
    return c - '0';
  }
  if (c >= 'a' && c <= 'f') {
    return c - 'a' + 10;
  }
  if (c >= 'A' && c <= 'F') {
    return c - 'A' + 10;
  }
  return -1;
}

}  // namespace

std::uint64_t Uuid::high() const noexcept { return big_endian(bytes.data()); }
std::uint64_t Uuid::low() const noexcept { return big_endian(bytes.data() + 8); }

void Uuid::write(std::array<char, 36>& out) const noexcept {
  std::size_t at = 0;
  for (const std::uint8_t byte : bytes) {
    if (is_dash(at)) {
      out[at++] = '-';
    }
    out[at++] = kHex[byte >> 4U];
    out[at++] = kHex[byte & 15U];
  }
}

std::string Uuid::to_string() const {
  std::array<char, kTextLength> text{};
  write(text);
  return {text.data(), text.size()};
}

Result<Uuid> Uuid::parse(std::string_view text) {
  const auto refused = [&] {
    return fail(Errc::parse, "'" + std::string(text.substr(0, 64)) +
                                 "' is not a UUID (xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx, hexadecimal)");
  };
  if (text.size() != kTextLength) {
    return refused();
  }
  Uuid id;
  std::size_t out = 0;
  for (std::size_t at = 0; at < kTextLength;) {
    if (is_dash(at)) {
      if (text[at] != '-') {
        return refused();
      }
      ++at;
      continue;
    }
    const int high = nibble(text[at]);
    const int low = nibble(text[at + 1]);
    if (high < 0 || low < 0) {
      return refused();
    }
    id.bytes[out++] = static_cast<std::uint8_t>(high * 16 + low);
    at += 2;
  }
  return id;
}

Uuid Uuid::v7(Nanos time, std::uint64_t random_a, std::uint64_t random_b) noexcept {
  constexpr Nanos kMillisecond = 1'000'000;
  const auto milliseconds = static_cast<std::uint64_t>(std::max<Nanos>(time, 0) / kMillisecond);
  const std::uint64_t high = (milliseconds << 16U) | 0x7000U | (random_a & 0x0FFFU);
  const std::uint64_t low = (random_b & 0x3FFFFFFFFFFFFFFFULL) | 0x8000000000000000ULL;
  Uuid id;
  for (unsigned i = 0; i < 8; ++i) {
    id.bytes[i] = static_cast<std::uint8_t>(high >> (56U - 8U * i));
    id.bytes[8 + i] = static_cast<std::uint8_t>(low >> (56U - 8U * i));
  }
  return id;
}

}  // namespace attune
