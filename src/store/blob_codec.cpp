// SPDX-License-Identifier: Apache-2.0
#include "store/blob_codec.hpp"

#include <string>

#ifdef ATTUNE_WITH_ZSTD
#include <zstd.h>
#endif

namespace attune::detail {
namespace {

[[nodiscard]] tl::unexpected<Error> wrong_size(std::uint64_t found, std::uint64_t expected) {
  return fail(Errc::corrupt_state, "there are " + std::to_string(found) + " bytes where " +
                                       std::to_string(expected) + " were written");
}

}  // namespace

Packed pack(ByteView bytes) {
  Packed packed{.codec = kRaw, .storage = {}, .view = bytes};
#ifdef ATTUNE_WITH_ZSTD
  constexpr std::size_t kWorthIt = 4096;
  constexpr int kFastLevel = 1;  // a checkpoint is written beside live traffic
  if (bytes.size() >= kWorthIt) {
    packed.storage.resize(ZSTD_compressBound(bytes.size()));
    const std::size_t size =
        ZSTD_compress(packed.storage.data(), packed.storage.size(), bytes.data(), bytes.size(), kFastLevel);
    if (ZSTD_isError(size) == 0 && size < bytes.size() - bytes.size() / 16) {
      packed.codec = kZstd;
      packed.view = ByteView(packed.storage).first(size);
    }
  }
#endif
  return packed;
}

Result<Bytes> unpack(std::string_view codec, ByteView stored, std::uint64_t expected) {
  if (codec == kRaw) {
    if (stored.size() != expected) {
      return wrong_size(stored.size(), expected);
    }
    return Bytes(stored.begin(), stored.end());
  }
#ifdef ATTUNE_WITH_ZSTD
  if (codec == kZstd) {
    // The frame states its size: checked before anything is allocated on the word of the row.
    const unsigned long long stated = ZSTD_getFrameContentSize(stored.data(), stored.size());
    if (stated == ZSTD_CONTENTSIZE_ERROR || stated == ZSTD_CONTENTSIZE_UNKNOWN || stated != expected) {
      return fail(Errc::corrupt_state, "its compressed bytes are damaged");
    }
    Bytes state(expected);
    const std::size_t size = ZSTD_decompress(state.data(), state.size(), stored.data(), stored.size());
    if (ZSTD_isError(size) != 0) {
      return fail(Errc::corrupt_state,
                  std::string("its compressed bytes are damaged (zstd: ") + ZSTD_getErrorName(size) + ")");
    }
    if (size != expected) {
      return wrong_size(size, expected);
    }
    return state;
  }
  return fail(Errc::corrupt_state, "its codec '" + std::string(codec) + "' is unknown");
#else
  return fail(Errc::unsupported, "its codec '" + std::string(codec) + "' is not in this build of attune");
#endif
}

Result<Bytes> unpack_at_most(std::string_view codec, ByteView stored, std::size_t limit) {
  std::uint64_t size = stored.size();
#ifdef ATTUNE_WITH_ZSTD
  if (codec == kZstd) {
    size = ZSTD_getFrameContentSize(stored.data(), stored.size());  // errors are huge numbers
  }
#endif
  if (size > limit) {
    return fail(Errc::corrupt_state, "it claims more than " + std::to_string(limit) + " bytes");
  }
  return unpack(codec, stored, size);
}

}  // namespace attune::detail
