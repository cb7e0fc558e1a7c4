// SPDX-License-Identifier: Apache-2.0
#include "tools/serve_tokens.hpp"

#include <cstddef>
#include <fstream>
#include <ios>
#include <utility>

#if ATTUNE_WITH_STORE
#include <attune/store/decision_token.hpp>
#endif

#include "tools/json_writer.hpp"
#include "tools/serve_session.hpp"

namespace attune::tools {

Result<SealKey> read_token_key(const std::string& text) {
  constexpr std::size_t kMost = std::size_t{64} << 10U;
  const std::size_t colon = text.find(':');
  if (colon == std::string::npos || colon == 0 || colon + 1 == text.size()) {
    return fail(Errc::invalid_argument,
                "'" + text + "' is no key: write its id, a colon and its file, ID:FILE");
  }
  const std::string path = text.substr(colon + 1);
  std::ifstream file(path, std::ios::binary);
  std::string secret(kMost + 1, '\0');
  file.read(secret.data(), static_cast<std::streamsize>(secret.size()));
  const auto size = static_cast<std::size_t>(file.gcount());
  if (size == 0 || !file.eof()) {
    return fail(Errc::io, "the key file '" + path + "' " +
                              (size > kMost ? "has more than 65536 bytes" : "cannot be read, or is empty"));
  }
  secret.resize(size);
  secret.erase(secret.find_last_not_of("\r\n") + 1);
  return SealKey{.id = text.substr(0, colon), .secret = std::move(secret)};
}

#if ATTUNE_WITH_STORE

Result<ServeTokens> ServeTokens::make(std::vector<SealKey> keys, std::uint64_t seconds,
                                      std::shared_ptr<const Clock> clock) {
  if (seconds == 0 || seconds > kMostSeconds) {
    return fail(Errc::invalid_argument, "tokens hold for 1 to " + std::to_string(kMostSeconds) +
                                            " seconds, not for " + std::to_string(seconds));
  }
  return DecisionTokens::make(std::move(keys)).map([&](DecisionTokens&& tokens) {
    return ServeTokens(std::make_shared<const DecisionTokens>(std::move(tokens)),
                       static_cast<Nanos>(seconds) * kSecond,
                       clock != nullptr ? std::move(clock) : std::make_shared<const SystemClock>());
  });
}

Result<std::string> ServeTokens::give(const Uuid& decision, std::string_view point) {
  Result<std::string> token =
      tokens_->sign({.decision = decision, .point = std::string(point), .expires = clock_->now() + span_});
  counters_.given += token ? 1 : 0;
  return token;
}

TokenRefusal ServeTokens::check(std::string_view token, const Uuid& decision) {
  if (token.empty()) {
    ++counters_.missing;
    return {.code = "token_missing", .message = "an outcome needs the \"token\" that its decision came with"};
  }
  const TokenCheck found = tokens_->check(token, clock_->now());
  switch (found.verdict) {
    case TokenVerdict::good:
      break;
    case TokenVerdict::unknown_key:
      ++counters_.unknown_key;
      return {.code = "token_unknown_key",
              .message = "\"token\" was signed with a key that is not known here (any more)"};
    case TokenVerdict::forged:
      ++counters_.forged;
      return {.code = "token_forged", .message = "the signature of \"token\" does not fit what it says"};
    case TokenVerdict::expired:
      if (found.claim.decision == decision) {
        ++counters_.expired;
        return {.code = "token_expired", .message = "\"token\" has expired: the outcome came too late"};
      }
      break;
    default:
      ++counters_.malformed;
      return {.code = "token_malformed", .message = "\"token\" is not a token as decide gives it"};
  }
  if (found.claim.decision != decision) {
    ++counters_.other_decision;
    return {.code = "token_other_decision",
            .message = "\"token\" was given for another decision than \"id\""};
  }
  ++counters_.accepted;
  return {};
}

#else

Result<ServeTokens> ServeTokens::make(std::vector<SealKey> /*keys*/, std::uint64_t /*seconds*/,
                                      std::shared_ptr<const Clock> /*clock*/) {
  return fail(Errc::unsupported, "this build has no store, and with it no tokens");
}

Result<std::string> ServeTokens::give(const Uuid& /*decision*/, std::string_view /*point*/) {
  return fail(Errc::unsupported, "this build has no tokens");
}

TokenRefusal ServeTokens::check(std::string_view /*token*/, const Uuid& /*decision*/) {
  return {.code = "unsupported", .message = "this build has no tokens"};
}

#endif

void ServeTokens::write_counters(JsonWriter& json) const {
  json.key("tokens").open_object();
  json.key("given").number(counters_.given);
  json.key("accepted").number(counters_.accepted);
  json.key("missing").number(counters_.missing);
  json.key("malformed").number(counters_.malformed);
  json.key("unknown_key").number(counters_.unknown_key);
  json.key("forged").number(counters_.forged);
  json.key("other_decision").number(counters_.other_decision);
  json.key("expired").number(counters_.expired);
  json.close_object();
}

// ------------------------------------------------------------------------------------------- in the session

Result<void> ServeSession::give_token(JsonWriter& json) {
  if (!options_.tokens) {
    return {};
  }
  return options_.tokens->give(decision_.id, request_.point).map([&](const std::string& token) {
    json.key("token").text(token);
  });
}

/// First of all, so that who has no token learns nothing of a decision.
Result<void> ServeSession::check_token(const Uuid& decision) {
  if (!options_.tokens) {
    return request_.has(Member::token)
               ? fail(Errc::invalid_argument, "\"token\" is not asked for: start with --token-key")
               : Result<void>();
  }
  const TokenRefusal refusal = options_.tokens->check(request_.token, decision);
  refusal_ = refusal.code;
  return refusal.code.empty() ? Result<void>() : fail(Errc::invalid_argument, std::string(refusal.message));
}

}  // namespace attune::tools
