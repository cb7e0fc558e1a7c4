// SPDX-License-Identifier: Apache-2.0
#include <openssl/evp.h>

#include <attune/core/assert.hpp>
#include <attune/store/journal.hpp>

namespace attune {

Sha256 sha256(ByteView bytes) {
  Sha256 digest{};
  unsigned int size = 0;
  const int done = EVP_Digest(bytes.data(), bytes.size(), digest.data(), &size, EVP_sha256(), nullptr);
  ATTUNE_ASSERT(done == 1 && size == digest.size(), "OpenSSL offers no SHA-256");
  return digest;
}

std::string to_hex(const Sha256& digest) {
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string text;
  text.reserve(2 * digest.size());
  for (const std::uint8_t byte : digest) {
    text += {kHex[byte >> 4U], kHex[byte & 0xFU]};
  }
  return text;
}

}  // namespace attune
