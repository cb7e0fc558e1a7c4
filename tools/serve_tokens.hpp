// SPDX-License-Identifier: Apache-2.0
/// @file
/// ServeTokens: signed decision tokens at the pipe: given with each decision, asked for with each outcome.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <attune/core/clock.hpp>
#include <attune/core/error.hpp>
#include <attune/core/uuid.hpp>
#include <attune/store/journal.hpp>

namespace attune {
class DecisionTokens;
}

namespace attune::tools {

class JsonWriter;

/// What became of the tokens that came with outcomes, or did not.
struct TokenCounters {
  std::uint64_t given = 0;     ///< with answers to decide
  std::uint64_t accepted = 0;  ///< the outcome went on to the engine
  std::uint64_t missing = 0;
  std::uint64_t malformed = 0;
  std::uint64_t unknown_key = 0;
  std::uint64_t forged = 0;
  std::uint64_t other_decision = 0;  ///< good, but of another id
  std::uint64_t expired = 0;

  [[nodiscard]] std::uint64_t refused() const noexcept {
    return missing + malformed + unknown_key + forged + other_decision + expired;
  }
};

/// Why an outcome was refused, as the protocol says it.
struct TokenRefusal {
  std::string_view code;  ///< empty: it was not
  std::string_view message;
};

/// Signs and checks with the keys that it was given, and counts. One thread.
class ServeTokens {
 public:
  static constexpr std::uint64_t kMostSeconds = 1'000'000'000;  // some 31 years
  static constexpr std::uint64_t kDefaultSeconds = 86'400;

  /// The first key signs, all of them check; tokens hold for `seconds` by the clock (null: the system's).
  /// Errors: invalid_argument (seconds that are 0 or more than kMostSeconds, and as DecisionTokens::make),
  /// unsupported (a build without the store).
  [[nodiscard]] static Result<ServeTokens> make(std::vector<SealKey> keys, std::uint64_t seconds,
                                                std::shared_ptr<const Clock> clock = nullptr);

  /// Errors: invalid_argument (the name of the point is longer than a token takes).
  [[nodiscard]] Result<std::string> give(const Uuid& decision, std::string_view point);
  /// May an outcome of this decision pass with this token? Empty: there was none.
  [[nodiscard]] TokenRefusal check(std::string_view token, const Uuid& decision);

  [[nodiscard]] const TokenCounters& counters() const noexcept { return counters_; }
  /// "tokens": every counter.
  void write_counters(JsonWriter& json) const;

 private:
  ServeTokens(std::shared_ptr<const DecisionTokens> tokens, Nanos span, std::shared_ptr<const Clock> clock)
      : tokens_(std::move(tokens)), span_(span), clock_(std::move(clock)) {}

  std::shared_ptr<const DecisionTokens> tokens_;
  Nanos span_;
  std::shared_ptr<const Clock> clock_;
  TokenCounters counters_;
};

/// Reads "ID:FILE": the secret is what is in the file, without line ends behind it. Errors: invalid_argument
/// (no colon, or no id), io (the file cannot be read, or has more than 64 KiB). None says what is in the
/// file.
[[nodiscard]] Result<SealKey> read_token_key(const std::string& text);

}  // namespace attune::tools
