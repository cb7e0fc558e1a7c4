// SPDX-License-Identifier: Apache-2.0
/// @file
/// DecisionTokens: a decision's id that nobody else could have made, to be handed back with its outcome.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <attune/core/clock.hpp>
#include <attune/core/uuid.hpp>
#include <attune/store/journal.hpp>

namespace attune {

/// What a token says.
struct DecisionClaim {
  Uuid decision{};
  std::string point{};  ///< at most 256 bytes
  Nanos expires = 0;    ///< the token holds before this time, not at it

  bool operator==(const DecisionClaim&) const = default;
};

/// What was found of a token, in the order of the checks.
enum class TokenVerdict : std::uint8_t {
  good = 0,
  malformed = 1,    ///< no token, or not the one way to write it
  unknown_key = 2,  ///< signed with a key that was not given
  forged = 3,       ///< the signature does not fit
  wrong_point = 4,  ///< signed for another decision point
  expired = 5,
};
/// "good", "malformed", "unknown_key", "forged", "wrong_point", "expired".
[[nodiscard]] std::string_view to_string(TokenVerdict verdict) noexcept;

struct TokenCheck {
  TokenVerdict verdict = TokenVerdict::malformed;
  DecisionClaim claim{};  ///< empty unless the signature fits: what is not signed is not shown
  std::string key_id{};   ///< the same
};

/// Signs decisions and checks what comes back: a caller that may report outcomes need not be trusted to
/// report them for decisions that it was not given.
///
/// The token is base64url (RFC 4648, section 5, without padding) of: version 1 (u8), length of the key's id
/// (u8), the id, 16 bytes of the decision, expiry in nanoseconds (i64), length of the point (u16), the point,
/// 32 bytes of HMAC-SHA-256 over "attune decision token" and all of that before. Numbers are little-endian.
///
/// Keys are told apart by id: to rotate, the new key signs and the former ones are kept for checking until
/// the last of their tokens has expired. Signatures are compared in constant time. Secrets are overwritten
/// when this goes.
///
/// Limits: a token may be used again until it expires; outcomes carry idempotency keys for that. It is
/// signed, not encrypted: its holder can read the point. Cost: about a microsecond each way; allocates.
class DecisionTokens {
 public:
  /// The first key signs, all of them check. Errors: invalid_argument (no key, an id or secret that breaks
  /// the rules of SealKey, an id twice).
  [[nodiscard]] static Result<DecisionTokens> make(std::vector<SealKey> keys);
  DecisionTokens(DecisionTokens&& other) noexcept = default;
  DecisionTokens& operator=(DecisionTokens&& other) noexcept;
  DecisionTokens(const DecisionTokens&) = delete;
  DecisionTokens& operator=(const DecisionTokens&) = delete;
  ~DecisionTokens();

  /// Errors: invalid_argument (the point is longer than 256 bytes).
  [[nodiscard]] Result<std::string> sign(const DecisionClaim& claim) const;
  /// Is `token` one of ours, for `point`, and is it not yet `now`? An empty `point` takes any.
  [[nodiscard]] TokenCheck check(std::string_view token, Nanos now, std::string_view point = {}) const;

 private:
  explicit DecisionTokens(std::vector<SealKey> keys) : keys_(std::move(keys)) {}

  std::vector<SealKey> keys_;
};

}  // namespace attune
