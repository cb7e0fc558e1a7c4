// SPDX-License-Identifier: Apache-2.0
/// @file
/// Uuid: 128-bit identifiers; version 7 for decisions.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include <attune/core/clock.hpp>
#include <attune/core/error.hpp>

namespace attune {

/// A universally unique identifier (RFC 9562), bytes in network order.
struct Uuid {
  std::array<std::uint8_t, 16> bytes{};

  auto operator<=>(const Uuid&) const = default;
  [[nodiscard]] bool is_nil() const noexcept { return *this == Uuid{}; }
  /// The first and last eight bytes as big-endian numbers; `low` holds 62 random bits in a version 7 id.
  [[nodiscard]] std::uint64_t high() const noexcept;
  [[nodiscard]] std::uint64_t low() const noexcept;

  /// 36 characters, lower case: "018f...-....-7...-....-............".
  [[nodiscard]] std::string to_string() const;
  /// Writes the 36 characters without allocation.
  void write(std::array<char, 36>& out) const noexcept;
  /// Errors: parse.
  [[nodiscard]] static Result<Uuid> parse(std::string_view text);

  /// Version 7: 48 bits of Unix milliseconds, then 74 of the given random bits.
  [[nodiscard]] static Uuid v7(Nanos time, std::uint64_t random_a, std::uint64_t random_b) noexcept;
};

}  // namespace attune

template <>
struct std::hash<attune::Uuid> {
  std::size_t operator()(const attune::Uuid& id) const noexcept {
    return static_cast<std::size_t>(id.low() ^ (id.high() * 0x9E3779B97F4A7C15ULL));
  }
};
