// SPDX-License-Identifier: Apache-2.0
#include "store/base64.hpp"

#include <openssl/evp.h>

#include <cstddef>

namespace attune::detail {

void append_base64(std::string& out, ByteView bytes) {
  const std::size_t at = out.size();
  out.resize(at + (bytes.size() + 2) / 3 * 4 + 1);  // OpenSSL adds a zero byte
  const int size =
      EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data() + at),
                      reinterpret_cast<const unsigned char*>(bytes.data()), static_cast<int>(bytes.size()));
  out.resize(at + static_cast<std::size_t>(size));
}

bool parse_base64(std::string_view text, Bytes& out) {
  if (text.size() % 4 != 0) {
    return false;
  }
  out.resize(text.size() / 4 * 3);
  const int size =
      EVP_DecodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                      reinterpret_cast<const unsigned char*>(text.data()), static_cast<int>(text.size()));
  if (size < 0 || static_cast<std::size_t>(size) != out.size()) {
    return false;
  }
  const std::size_t padding = text.ends_with("==") ? 2 : text.ends_with("=") ? 1 : 0;
  out.resize(out.size() - padding);
  std::string again;
  append_base64(again, out);  // OpenSSL also takes white space and bits that are dropped
  return again == text;
}

}  // namespace attune::detail
