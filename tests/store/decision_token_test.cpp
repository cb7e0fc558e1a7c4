// SPDX-License-Identifier: Apache-2.0
// Decision tokens: vectors made elsewhere, every changed character, rotation, expiry.
#include <algorithm>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <attune/store/decision_token.hpp>

namespace attune::decision_token_test {
namespace {

SealKey first_key() {
  std::string secret;
  for (char byte = 0; byte < 32; ++byte) {
    secret += byte;
  }
  return {.id = "2026-11", .secret = secret};
}
const SealKey kOtherKey{.id = "k", .secret = "0123456789abcdef"};

DecisionTokens tokens(std::vector<SealKey> keys) { return DecisionTokens::make(std::move(keys)).value(); }

DecisionClaim claim_of(const char* decision, const char* point, Nanos expires) {
  return {.decision = Uuid::parse(decision).value(), .point = point, .expires = expires};
}

constexpr Nanos kExpiry = 1'800'000'000 * kSecond;
const DecisionClaim kClaim = claim_of("018f4e2a-7b1c-7d3e-8f90-a1b2c3d4e5f6", "model", kExpiry);

// With Python's standard library, nothing of attune's:
//   p = bytes([1, len(id)]) + id + uuid.UUID(decision).bytes + struct.pack("<qH", expires, len(point)) +
//   point mac = hmac.new(secret, b"attune decision token" + p, hashlib.sha256).digest()
//   base64.urlsafe_b64encode(p + mac).rstrip(b"=")
// with the keys ("2026-11", bytes 0 to 31) and ("k", "0123456789abcdef").
constexpr const char* kFirstToken =
    "AQcyMDI2LTExAY9OKnscfT6PkKGyw9Tl9gAAtJN24voYBQBtb2RlbBK2sz-DF-i6QQm1a-8xL4C-mDWs1K2pdFRmqAi4_me2";
constexpr const char* kSecondToken =
    "AQFrAAAAAAAAAAAAAAAAAAAAAP__________AACE7qN6apwgPgPHsFNuJnOk2T262IFc8HZ16prF69_zRg";

TEST(DecisionTokens, AreTheVectorsMadeElsewhere) {
  EXPECT_EQ(tokens({first_key()}).sign(kClaim).value(), kFirstToken);
  const DecisionClaim empty = claim_of("00000000-0000-0000-0000-000000000000", "", -1);
  EXPECT_EQ(tokens({kOtherKey}).sign(empty).value(), kSecondToken);
  const TokenCheck found = tokens({first_key()}).check(kFirstToken, kExpiry - 1, "model");
  EXPECT_EQ(found.verdict, TokenVerdict::good);
  EXPECT_EQ(found.claim, kClaim);
  EXPECT_EQ(found.key_id, "2026-11");
}

TEST(DecisionTokens, ExpireAtTheirTimeAndHoldAtTheirPoint) {
  const DecisionTokens signer = tokens({first_key()});
  EXPECT_EQ(signer.check(kFirstToken, 0).verdict, TokenVerdict::good);
  EXPECT_EQ(signer.check(kFirstToken, kExpiry).verdict, TokenVerdict::expired);
  EXPECT_EQ(signer.check(kFirstToken, kExpiry).claim, kClaim) << "the signature fits: who sent it is known";
  EXPECT_EQ(signer.check(kFirstToken, 0, "mode").verdict, TokenVerdict::wrong_point);
  EXPECT_EQ(signer.check(kFirstToken, kExpiry, "mode").verdict, TokenVerdict::wrong_point);
}

TEST(DecisionTokens, ShowNothingThatIsNotSigned) {
  for (const TokenCheck& found :
       {tokens({kOtherKey}).check(kFirstToken, 0), tokens({kOtherKey}).check("", 0),
        tokens({{.id = "2026-11", .secret = kOtherKey.secret}}).check(kFirstToken, 0)}) {
    EXPECT_NE(found.verdict, TokenVerdict::good);
    EXPECT_EQ(found.claim, DecisionClaim{});
    EXPECT_EQ(found.key_id, "");
  }
  EXPECT_EQ(tokens({kOtherKey}).check(kFirstToken, 0).verdict, TokenVerdict::unknown_key);
  EXPECT_EQ(tokens({{.id = "2026-11", .secret = kOtherKey.secret}}).check(kFirstToken, 0).verdict,
            TokenVerdict::forged);
}

TEST(DecisionTokens, RotateKeys) {
  const DecisionTokens before = tokens({first_key()});
  const DecisionTokens both = tokens({kOtherKey, first_key()});
  const DecisionTokens after = tokens({kOtherKey});
  const std::string old = before.sign(kClaim).value();
  const std::string fresh = both.sign(kClaim).value();
  EXPECT_NE(old, fresh);
  EXPECT_EQ(both.check(old, 0).verdict, TokenVerdict::good);
  EXPECT_EQ(both.check(fresh, 0).key_id, "k");
  EXPECT_EQ(before.check(fresh, 0).verdict, TokenVerdict::unknown_key);
  EXPECT_EQ(after.check(old, 0).verdict, TokenVerdict::unknown_key);
  EXPECT_EQ(after.check(fresh, 0).verdict, TokenVerdict::good);
}

TEST(DecisionTokens, NoticeEveryOtherCharacterAndCut) {
  const DecisionTokens signer = tokens({first_key(), kOtherKey});
  const std::string token = kFirstToken;
  for (std::size_t i = 0; i < token.size(); ++i) {
    ASSERT_NE(signer.check(token.substr(0, i), 0).verdict, TokenVerdict::good) << "cut at " << i;
    for (const char other : std::string("ABYZabyz0189-_+/= \n")) {
      if (other != token[i]) {
        std::string changed = token;
        changed[i] = other;
        ASSERT_NE(signer.check(changed, 0).verdict, TokenVerdict::good) << other << " at " << i;
      }
    }
  }
  for (const std::string& tail :
       {std::string("A"), std::string("="), std::string("=="), std::string("\0", 1)}) {
    EXPECT_EQ(signer.check(token + tail, 0).verdict, TokenVerdict::malformed);
  }
  EXPECT_EQ(signer.check(std::string(1 << 20, 'A'), 0).verdict, TokenVerdict::malformed);
  // The other token has bits that base64 leaves over: only one way to write it counts.
  std::string loose = kSecondToken;
  loose.back() = 'h';
  EXPECT_EQ(signer.check(kSecondToken, -2).verdict, TokenVerdict::good);
  EXPECT_EQ(signer.check(loose, -2).verdict, TokenVerdict::malformed);
}

RC_GTEST_PROP(DecisionTokens, ComeBackAsTheyWere, ()) {
  DecisionClaim claim;
  for (std::uint8_t& byte : claim.decision.bytes) {
    byte = *rc::gen::arbitrary<std::uint8_t>();
  }
  claim.point = *rc::gen::container<std::string>(rc::gen::arbitrary<char>());
  claim.point.resize(std::min<std::size_t>(claim.point.size(), 256));
  claim.expires = *rc::gen::arbitrary<Nanos>();
  const DecisionTokens signer = tokens({first_key()});
  const std::string token = signer.sign(claim).value();
  RC_ASSERT(token.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") ==
            std::string::npos);
  const TokenCheck found = signer.check(token, std::numeric_limits<Nanos>::min());
  RC_ASSERT(found.claim == claim);
  RC_ASSERT(found.verdict ==
            (claim.expires > std::numeric_limits<Nanos>::min() ? TokenVerdict::good : TokenVerdict::expired));
}

TEST(DecisionTokens, RefuseKeysAndPointsThatBreakTheRules) {
  const auto refusal = [](std::vector<SealKey> keys) {
    const auto made = DecisionTokens::make(std::move(keys));
    EXPECT_FALSE(made);
    return made ? std::string() : made.error().message;
  };
  EXPECT_EQ(refusal({}), "no token key is given to sign with");
  EXPECT_EQ(refusal({{.id = "a b", .secret = kOtherKey.secret}}),
            "the id of a token key = 'a b' is not 1 to 64 letters, digits, '.', '_' or '-'");
  EXPECT_EQ(refusal({{.id = "k", .secret = "short"}}),
            "the secret of a token key 'k' has 5 bytes; at least 16 are needed");
  EXPECT_EQ(refusal({kOtherKey, kOtherKey}), "two token keys have the id 'k'");
  const DecisionTokens signer = tokens({kOtherKey});
  EXPECT_TRUE(signer.sign({.point = std::string(256, 'p')}));
  EXPECT_EQ(signer.sign({.point = std::string(257, 'p')}).error().message,
            "the point of a token has 257 bytes; at most 256 are allowed");
}

// As docs/poisoning.md has it; tests/docs/safety_pages_test.cpp compares.
TEST(DecisionTokens, AreUsedAsThePageSays) {
  const std::string secret = "0123456789abcdef";
  const attune::Uuid id = kClaim.decision;
  const attune::Nanos now = attune::kSecond;
  const attune::DecisionTokens tokens =
      attune::DecisionTokens::make({{.id = "2026-11", .secret = secret}}).value();
  const std::string token =
      tokens.sign({.decision = id, .point = "model", .expires = now + 3600 * attune::kSecond}).value();
  // ... the caller hands it back with the outcome ...
  if (tokens.check(token, now, "model").verdict != attune::TokenVerdict::good) { /* refuse the outcome */
  }
  EXPECT_EQ(tokens.check(token, now, "model").verdict, TokenVerdict::good);
  EXPECT_EQ(tokens.check(token, now + 3601 * attune::kSecond, "model").verdict, TokenVerdict::expired);
}

TEST(DecisionTokens, VerdictsHaveNames) {
  EXPECT_EQ(to_string(TokenVerdict::good), "good");
  EXPECT_EQ(to_string(TokenVerdict::malformed), "malformed");
  EXPECT_EQ(to_string(TokenVerdict::unknown_key), "unknown_key");
  EXPECT_EQ(to_string(TokenVerdict::forged), "forged");
  EXPECT_EQ(to_string(TokenVerdict::wrong_point), "wrong_point");
  EXPECT_EQ(to_string(TokenVerdict::expired), "expired");
}

}  // namespace
}  // namespace attune::decision_token_test
