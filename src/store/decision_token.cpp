// SPDX-License-Identifier: Apache-2.0
#include <attune/store/decision_token.hpp>

#include <algorithm>
#include <span>
#include <utility>

#include "store/base64.hpp"
#include "store/seal.hpp"

namespace attune {
namespace {

constexpr std::uint8_t kVersion = 1;
constexpr std::size_t kMaxPoint = 256;
/// Of the longest key id and point, in base64.
constexpr std::size_t kMaxToken = 600;
/// Keeps a signature of a token from being one of something else under the same key.
constexpr std::string_view kDomain = "attune decision token";

[[nodiscard]] std::string_view as_text(ByteView bytes) noexcept {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

[[nodiscard]] Sha256 signature(const SealKey& key, ByteView payload) {
  std::string text(kDomain);
  text += as_text(payload);
  return detail::hmac_sha256(key, text);
}

[[nodiscard]] std::string to_url(ByteView bytes) {
  std::string text;
  detail::append_base64(text, bytes);
  text.erase(text.find_last_not_of('=') + 1);
  std::ranges::replace(text, '+', '-');
  std::ranges::replace(text, '/', '_');
  return text;
}

/// False: not base64url, or not the one way to write these bytes.
[[nodiscard]] bool from_url(std::string_view url, Bytes& bytes) {
  if (url.size() > kMaxToken || url.find_first_of("+/=") != std::string_view::npos) {
    return false;
  }
  std::string text(url);
  std::ranges::replace(text, '-', '+');
  std::ranges::replace(text, '_', '/');
  text.append((4 - text.size() % 4) % 4, '=');
  return detail::parse_base64(text, bytes);
}

/// Reads so many bytes; empty where there are not as many.
[[nodiscard]] std::string read_text(Reader& reader, std::size_t size) {
  std::string text;
  for (std::size_t i = 0; i < size && reader.ok(); ++i) {
    text += static_cast<char>(reader.u8());
  }
  return text;
}

/// Reads a payload; false: it is none.
[[nodiscard]] bool parse(ByteView payload, DecisionClaim& claim, std::string& key_id) {
  Reader reader(payload);
  const bool known = reader.u8() == kVersion;
  key_id = read_text(reader, reader.u8());
  for (std::uint8_t& byte : claim.decision.bytes) {
    byte = reader.u8();
  }
  claim.expires = reader.i64();
  const std::uint16_t length = reader.u16();
  claim.point = length <= kMaxPoint ? read_text(reader, length) : std::string();
  return known && reader.ok() && reader.at_end();
}

}  // namespace

std::string_view to_string(TokenVerdict verdict) noexcept {
  switch (verdict) {
    case TokenVerdict::good:
      return "good";
    case TokenVerdict::malformed:
      return "malformed";
    case TokenVerdict::unknown_key:
      return "unknown_key";
    case TokenVerdict::forged:
      return "forged";
    case TokenVerdict::wrong_point:
      return "wrong_point";
    case TokenVerdict::expired:
      return "expired";
  }
  return "unknown";
}

Result<DecisionTokens> DecisionTokens::make(std::vector<SealKey> keys) {
  DecisionTokens made(std::move(keys));  // overwrites the secrets whatever happens
  if (made.keys_.empty()) {
    return fail(Errc::invalid_argument, "no token key is given to sign with");
  }
  for (std::size_t i = 0; i < made.keys_.size(); ++i) {
    const SealKey& key = made.keys_[i];
    if (Result<void> good = detail::check_key(key, "a token key"); !good) {
      return tl::unexpected(std::move(good).error());
    }
    const auto before = std::span(made.keys_).first(i);
    if (std::ranges::find(before, key.id, &SealKey::id) != before.end()) {
      return fail(Errc::invalid_argument, "two token keys have the id '" + key.id + "'");
    }
  }
  return made;
}

DecisionTokens& DecisionTokens::operator=(DecisionTokens&& other) noexcept {
  if (this != &other) {
    detail::wipe(keys_);
    keys_ = std::move(other.keys_);
  }
  return *this;
}

DecisionTokens::~DecisionTokens() { detail::wipe(keys_); }

Result<std::string> DecisionTokens::sign(const DecisionClaim& claim) const {
  if (claim.point.size() > kMaxPoint) {
    return fail(Errc::invalid_argument, "the point of a token has " + std::to_string(claim.point.size()) +
                                            " bytes; at most 256 are allowed");
  }
  const SealKey& key = keys_.front();
  Writer writer;
  writer.u8(kVersion);
  writer.u8(static_cast<std::uint8_t>(key.id.size()));
  writer.raw(key.id.data(), key.id.size());
  writer.raw(claim.decision.bytes.data(), claim.decision.bytes.size());
  writer.i64(claim.expires);
  writer.u16(static_cast<std::uint16_t>(claim.point.size()));
  writer.raw(claim.point.data(), claim.point.size());
  const Sha256 mac = signature(key, writer.view());
  writer.raw(mac.data(), mac.size());
  return to_url(writer.view());
}

TokenCheck DecisionTokens::check(std::string_view token, Nanos now, std::string_view point) const {
  Bytes bytes;
  if (!from_url(token, bytes) || bytes.size() < sizeof(Sha256)) {
    return {};
  }
  const ByteView payload = ByteView(bytes).first(bytes.size() - sizeof(Sha256));
  DecisionClaim claim;
  std::string key_id;
  if (!parse(payload, claim, key_id)) {
    return {};
  }
  const auto key = std::ranges::find(keys_, key_id, &SealKey::id);
  if (key == keys_.end()) {
    return {.verdict = TokenVerdict::unknown_key};
  }
  const Sha256 mac = signature(*key, payload);
  const ByteView given = ByteView(bytes).last(sizeof(Sha256));
  if (!detail::equal_in_constant_time(as_text(std::as_bytes(std::span(mac))), as_text(given))) {
    return {.verdict = TokenVerdict::forged};
  }
  TokenVerdict verdict = now < claim.expires ? TokenVerdict::good : TokenVerdict::expired;
  if (!point.empty() && point != claim.point) {
    verdict = TokenVerdict::wrong_point;
  }
  return {.verdict = verdict, .claim = std::move(claim), .key_id = std::move(key_id)};
}

}  // namespace attune
