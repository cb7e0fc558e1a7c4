// SPDX-License-Identifier: Apache-2.0
/// @file
/// Seals of checkpoints: SHA-256, or HMAC-SHA-256 under a key that the store never sees.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <attune/store/journal.hpp>

namespace attune::detail {

/// That the id and the secret of a key are what they must be; `what` names it in the message ("a seal key").
/// Errors: invalid_argument.
[[nodiscard]] Result<void> check_key(const SealKey& key, std::string_view what);
/// HMAC-SHA-256 of a text under the key's secret.
[[nodiscard]] Sha256 hmac_sha256(const SealKey& key, std::string_view text);
/// Compares in a time that does not depend on where they differ.
[[nodiscard]] bool equal_in_constant_time(std::string_view a, std::string_view b) noexcept;
/// Overwrites the secrets.
void wipe(std::vector<SealKey>& keys) noexcept;

/// Whether a seal fits, and what to make of it.
enum class SealVerdict : std::uint8_t {
  good,
  broken,       ///< it does not fit: the row is not as it was written
  unsealed,     ///< fits, but anybody could have made it, and a key was given
  unknown_key,  ///< made with a key that was not given: cannot be checked
};

/// The keys of one connection. Secrets are overwritten when it goes.
class SealKeys {
 public:
  SealKeys() = default;
  /// Errors: invalid_argument (id or secret breaks a rule, an id twice).
  [[nodiscard]] static Result<SealKeys> make(const StoreOptions& options);
  SealKeys(SealKeys&& other) noexcept;
  SealKeys& operator=(SealKeys&& other) noexcept;
  SealKeys(const SealKeys&) = delete;
  SealKeys& operator=(const SealKeys&) = delete;
  ~SealKeys();

  /// Id of the key that seals; empty: none.
  [[nodiscard]] std::string_view key_id() const noexcept;
  /// Seal of a text under key_id(), as 64 hex digits.
  [[nodiscard]] std::string seal(std::string_view text) const;
  /// Checks the seal of a text that was made under `key_id`; compares in constant time.
  [[nodiscard]] SealVerdict check(std::string_view text, std::string_view key_id,
                                  std::string_view seal) const;
  /// Checkpoints that are `unsealed` or of an `unknown_key` are used all the same.
  [[nodiscard]] bool lenient() const noexcept { return lenient_; }

 private:
  std::vector<SealKey> keys_;  // the first one seals, where seals_
  bool seals_ = false;
  bool lenient_ = false;
};

}  // namespace attune::detail
