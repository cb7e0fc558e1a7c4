// SPDX-License-Identifier: Apache-2.0
/// @file
/// Hashes and checksums of bytes that are stored or assigned by.
#pragma once

#include <cstdint>
#include <string_view>

#include <attune/core/serial.hpp>

namespace attune {

/// XXH64 (xxHash): the hash of names, keys and features; never changes for the same bytes and seed.
[[nodiscard]] std::uint64_t hash64(ByteView bytes, std::uint64_t seed = 0) noexcept;
[[nodiscard]] std::uint64_t hash64(std::string_view text, std::uint64_t seed = 0) noexcept;

/// CRC32C (Castagnoli), continued from `crc` (0 to start): finds every error burst of up to 32 bits. By the
/// processor's instruction where there is one, else by table; same value either way.
[[nodiscard]] std::uint32_t crc32c(ByteView bytes, std::uint32_t crc = 0) noexcept;

namespace detail {
[[nodiscard]] std::uint32_t crc32c_table(ByteView bytes, std::uint32_t crc) noexcept;
}  // namespace detail

}  // namespace attune
