// SPDX-License-Identifier: Apache-2.0
#include "store/seal.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <span>
#include <utility>

#include <attune/core/assert.hpp>

namespace attune::detail {
namespace {

constexpr std::size_t kMinSecret = 16;
constexpr std::size_t kMaxId = 64;

}  // namespace

Result<void> check_key(const SealKey& key, std::string_view what) {
  const auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
  };
  if (key.id.empty() || key.id.size() > kMaxId || !std::ranges::all_of(key.id, plain)) {
    return fail(Errc::invalid_argument, "the id of " + std::string(what) + " = '" + key.id +
                                            "' is not 1 to 64 letters, digits, '.', '_' or '-'");
  }
  if (key.secret.size() < kMinSecret) {
    return fail(Errc::invalid_argument, "the secret of " + std::string(what) + " '" + key.id + "' has " +
                                            std::to_string(key.secret.size()) +
                                            " bytes; at least 16 are needed");
  }
  return {};
}

Sha256 hmac_sha256(const SealKey& key, std::string_view text) {
  Sha256 digest{};
  unsigned int size = 0;
  const auto* const bytes = reinterpret_cast<const unsigned char*>(text.data());
  const unsigned char* made = HMAC(EVP_sha256(), key.secret.data(), static_cast<int>(key.secret.size()),
                                   bytes, text.size(), digest.data(), &size);
  ATTUNE_ASSERT(made != nullptr && size == digest.size(), "OpenSSL offers no HMAC-SHA-256");
  return digest;
}

bool equal_in_constant_time(std::string_view a, std::string_view b) noexcept {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

void wipe(std::vector<SealKey>& keys) noexcept {
  for (SealKey& key : keys) {
    OPENSSL_cleanse(key.secret.data(), key.secret.size());
  }
  keys.clear();
}

Result<SealKeys> SealKeys::make(const StoreOptions& options) {
  SealKeys made;
  made.lenient_ = options.accept_unsealed;
  made.seals_ = options.key.has_value();
  made.keys_.reserve(1 + options.former_keys.size());  // no growth: it would leave secrets behind
  if (options.key) {
    made.keys_.push_back(*options.key);
  }
  for (const SealKey& key : options.former_keys) {
    made.keys_.push_back(key);
  }
  for (std::size_t i = 0; i < made.keys_.size(); ++i) {
    const SealKey& key = made.keys_[i];
    if (Result<void> good = check_key(key, "a seal key"); !good) {
      return tl::unexpected(std::move(good).error());
    }
    const auto before = std::span(made.keys_).first(i);
    if (std::ranges::find(before, key.id, &SealKey::id) != before.end()) {
      return fail(Errc::invalid_argument, "two seal keys have the id '" + key.id + "'");
    }
  }
  return made;
}

SealKeys::SealKeys(SealKeys&& other) noexcept
    : keys_(std::move(other.keys_)), seals_(other.seals_), lenient_(other.lenient_) {}

SealKeys& SealKeys::operator=(SealKeys&& other) noexcept {
  if (this != &other) {
    wipe(keys_);
    keys_ = std::move(other.keys_);
    seals_ = other.seals_;
    lenient_ = other.lenient_;
  }
  return *this;
}

SealKeys::~SealKeys() { wipe(keys_); }

std::string_view SealKeys::key_id() const noexcept { return seals_ ? std::string_view(keys_[0].id) : ""; }

std::string SealKeys::seal(std::string_view text) const {
  return seals_ ? to_hex(hmac_sha256(keys_[0], text)) : to_hex(sha256(std::as_bytes(std::span(text))));
}

SealVerdict SealKeys::check(std::string_view text, std::string_view key_id, std::string_view seal) const {
  if (key_id.empty()) {
    if (!equal_in_constant_time(seal, to_hex(sha256(std::as_bytes(std::span(text)))))) {
      return SealVerdict::broken;
    }
    return keys_.empty() ? SealVerdict::good : SealVerdict::unsealed;
  }
  const auto key = std::ranges::find(keys_, key_id, &SealKey::id);
  if (key == keys_.end()) {
    return SealVerdict::unknown_key;
  }
  return equal_in_constant_time(seal, to_hex(hmac_sha256(*key, text))) ? SealVerdict::good
                                                                       : SealVerdict::broken;
}

}  // namespace attune::detail
