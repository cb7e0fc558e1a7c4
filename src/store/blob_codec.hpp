// SPDX-License-Identifier: Apache-2.0
/// @file
/// Compression of large blobs. The codec's name is stored beside the bytes.
#pragma once

#include <cstdint>
#include <string_view>

#include <attune/core/serial.hpp>

namespace attune::detail {

inline constexpr std::string_view kRaw = "raw";
inline constexpr std::string_view kZstd = "zstd";

/// Bytes as they are stored: `view` points into `storage`, or at the original where nothing was gained.
struct Packed {
  std::string_view codec = kRaw;
  Bytes storage;
  ByteView view;
};

/// Compresses when zstd is built in, `bytes` is larger than a page and it helps.
[[nodiscard]] Packed pack(ByteView bytes);

/// The inverse. Never gives or allocates more than `expected` bytes.
/// Errors: corrupt_state (damaged, or another size), unsupported (codec not built in).
[[nodiscard]] Result<Bytes> unpack(std::string_view codec, ByteView stored, std::uint64_t expected);

/// The same for bytes whose size is not known beforehand: at most `limit`. Errors: likewise.
[[nodiscard]] Result<Bytes> unpack_at_most(std::string_view codec, ByteView stored, std::size_t limit);

}  // namespace attune::detail
