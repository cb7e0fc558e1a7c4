// SPDX-License-Identifier: Apache-2.0
// Signed decision tokens at the pipe: through a session, and once through the program.
#include <algorithm>
#include <fstream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/tools/serve_process.hpp"
#include "tools/serve_session.hpp"
#include "tools/serve_tokens.hpp"

namespace attune::tools::serve_token_test {
namespace {

using test::Json;
using test::kDecide;
using test::outcome;
using test::ServeProcess;
using test::Server;

constexpr std::uint64_t kSeconds = 60;
const SealKey kNew{.id = "2026-11", .secret = "0123456789abcdef"};
const SealKey kOld{.id = "2026-10", .secret = "fedcba9876543210"};

class ServeToken : public ::testing::Test {
 protected:
  ServeToken() { open(kSession, session_); }

  [[nodiscard]] std::shared_ptr<tools::ServeTokens> tokens(std::vector<SealKey> keys) const {
    Result<tools::ServeTokens> made = tools::ServeTokens::make(std::move(keys), kSeconds, clock_);
    EXPECT_TRUE(made) << (made ? "" : made.error().message);
    return made ? std::make_shared<tools::ServeTokens>(std::move(*made)) : nullptr;
  }
  [[nodiscard]] ServeOptions options(std::shared_ptr<tools::ServeTokens> with) const {
    return {.store = {}, .queued = false, .durable = false, .clock = clock_, .log = {}, .tokens = with};
  }
  static void open(const char* config, ServeSession& session) {
    const Result<void> opened = session.open(config);
    ASSERT_TRUE(opened) << opened.error().message;
  }
  static Json ask(ServeSession& session, const Json& request) {
    std::string out;
    EXPECT_TRUE(session.handle(request.dump(), out));
    return Json::parse(out, nullptr, false);
  }
  Json decide() { return ask(session_, kDecide); }
  /// The code of the error that an outcome with this token gets; empty: none.
  std::string report(const Json& decision, const std::string& token) {
    Json request = outcome(decision, 1.0);
    request["token"] = token;
    const Json answer = ask(session_, request);
    EXPECT_TRUE(answer.contains("error") || answer.contains("fate")) << answer;
    return answer.contains("error") ? answer["error"]["code"].get<std::string>() : std::string();
  }
  [[nodiscard]] Json counters() { return ask(session_, {{"op", "metrics"}})["tokens"]; }

  static constexpr const char* kSession =
      R"({"seed":5,"points":{"p":{"policy":{"type":"ucb1"},"arms":["a","b"],"reward":{"join_window_s":1e6}}}})";
  std::shared_ptr<ManualClock> clock_ = std::make_shared<ManualClock>(1'769'860'800 * kSecond);
  std::shared_ptr<tools::ServeTokens> tokens_ = tokens({kNew});
  ServeSession session_{options(tokens_)};
};

TEST_F(ServeToken, AnOutcomeNeedsTheTokenOfItsDecision) {
  const Json decision = decide();
  const std::string token = decision.at("token");
  EXPECT_EQ(ask(session_, outcome(decision, 1.0))["error"]["code"], "token_missing");
  EXPECT_EQ(report(decision, ""), "token_missing");
  Json request = outcome(decision, 1.0);
  request["token"] = token;
  EXPECT_EQ(ask(session_, request), (Json{{"ok", true}, {"fate", "learned"}}));
  EXPECT_EQ(ask(session_, request), (Json{{"ok", true}, {"fate", "duplicate"}}));
  EXPECT_EQ(counters(), (Json{{"given", 1},
                              {"accepted", 2},
                              {"missing", 2},
                              {"malformed", 0},
                              {"unknown_key", 0},
                              {"forged", 0},
                              {"other_decision", 0},
                              {"expired", 0}}));
  EXPECT_EQ(ask(session_, {{"op", "health"}})["tokens_refused"], 2);
}

TEST_F(ServeToken, RefusesEachKindByItsCodeAndLearnsNothing) {
  const Json decision = decide();
  const Json other = decide();
  const Uuid id = Uuid::parse(decision["id"].get<std::string>()).value();
  const SealKey impostor{.id = kNew.id, .secret = "another secret of 16 bytes"};
  EXPECT_EQ(report(decision, "x"), "token_malformed");
  EXPECT_EQ(report(decision, std::string(100'000, 'A')), "token_malformed");
  EXPECT_EQ(report(decision, other["token"]), "token_other_decision");
  EXPECT_EQ(report(decision, tokens({kOld})->give(id, "p").value()), "token_unknown_key");
  EXPECT_EQ(report(decision, tokens({impostor})->give(id, "p").value()), "token_forged");
  clock_->advance(static_cast<Nanos>(kSeconds) * kSecond);
  EXPECT_EQ(report(decision, decision["token"]), "token_expired");
  EXPECT_EQ(report(decision, other["token"]), "token_other_decision");
  const Json metrics = ask(session_, {{"op", "metrics"}});
  EXPECT_EQ(metrics["points"][0]["rewards"]["outcomes"], 0) << "nothing came to the engine";
  EXPECT_EQ(metrics["outcomes_refused"], 0);
  const Json count = counters();
  EXPECT_EQ(count["malformed"], 2);
  EXPECT_EQ(count["other_decision"], 2);
  EXPECT_EQ(count["unknown_key"], 1);
  EXPECT_EQ(count["forged"], 1);
  EXPECT_EQ(count["expired"], 1);
  EXPECT_EQ(count["accepted"], 0);
}

TEST_F(ServeToken, HoldsBeforeItsExpiryNotAtIt) {
  const Json decision = decide();
  const Json other = decide();
  clock_->advance(static_cast<Nanos>(kSeconds) * kSecond - 1);
  EXPECT_EQ(report(decision, decision["token"]), "");
  clock_->advance(1);
  EXPECT_EQ(report(other, other["token"]), "token_expired");
}

TEST_F(ServeToken, NoChangeOfOneCharacterPasses) {
  const Json decision = decide();
  const std::string token = decision["token"];
  for (std::size_t i = 0; i < token.size(); ++i) {
    for (const char other : {'A', 'b', '7', '_', '=', ' ', '"'}) {
      std::string changed = token;
      changed[i] = other;
      ASSERT_NE(report(decision, changed) == "", changed != token) << i;
    }
    ASSERT_NE(report(decision, token.substr(0, i)), "") << i;
  }
  EXPECT_EQ(report(decision, token + "A"), "token_malformed");
}

TEST_F(ServeToken, FormerKeysCheckAndDoNotSign) {
  const auto before = tokens({kOld});
  const auto rotated = tokens({kNew, kOld});
  const Uuid id = Uuid::parse(decide()["id"].get<std::string>()).value();
  EXPECT_EQ(rotated->check(before->give(id, "p").value(), id).code, "");
  EXPECT_EQ(before->check(rotated->give(id, "p").value(), id).code, "token_unknown_key");
}

TEST_F(ServeToken, WithoutAKeyNothingChanges) {
  ServeSession plain(options(nullptr));
  open(kSession, plain);
  const Json decision = ask(plain, kDecide);
  EXPECT_FALSE(decision.contains("token"));
  Json request = outcome(decision, 1.0);
  request["token"] = "x";
  EXPECT_EQ(ask(plain, request)["error"]["code"], "invalid_argument");
  request.erase("token");
  EXPECT_EQ(ask(plain, request)["fate"], "learned");
  EXPECT_FALSE(ask(plain, {{"op", "metrics"}}).contains("tokens"));
  EXPECT_FALSE(ask(plain, {{"op", "health"}}).contains("tokens_refused"));
  EXPECT_EQ(ask(session_, {{"op", "health"}, {"token", "x"}})["error"]["code"], "invalid_argument");
}

TEST_F(ServeToken, MakeNamesTheRuleThatWasBroken) {
  const auto error = [](std::vector<SealKey> keys, std::uint64_t seconds) {
    const Result<tools::ServeTokens> made = tools::ServeTokens::make(std::move(keys), seconds);
    return made ? std::string() : made.error().message;
  };
  EXPECT_NE(error({kNew}, 0).find("not for 0"), std::string::npos);
  EXPECT_NE(error({kNew}, tools::ServeTokens::kMostSeconds + 1).find("1 to 1000000000"), std::string::npos);
  EXPECT_NE(error({kNew, kNew}, 1).find("two token keys have the id '2026-11'"), std::string::npos);
  EXPECT_NE(error({{.id = "short", .secret = "15 bytes of it."}}, 1), "");
  EXPECT_EQ(error({kNew, kOld}, tools::ServeTokens::kMostSeconds), "");
}

using ServeTokenProcess = ServeProcess;

TEST_F(ServeTokenProcess, SignsWithAKeyFileAndTakesFormerKeysAfterARotation) {
  const auto key_file = [&](const SealKey& key) {
    const std::string path = (folder_ / ("key-" + key.id)).string();
    std::ofstream(path) << key.secret << "\n";
    return key.id + ":" + path;
  };
  const std::vector<std::string> common{"--stdio", "--verbose", "--config", config(), "--store", store()};
  const auto with = [&](std::vector<std::string> more) {
    more.insert(more.begin(), common.begin(), common.end());
    return more;
  };
  const auto report = [](const Json& decision) {
    Json request = outcome(decision, 1.0);
    request["token"] = decision.at("token");
    return request;
  };
  Json first;
  Json second;
  std::string said;
  {
    Server server(with({"--token-key", key_file(kOld), "--token-ttl", "3600"}), error_file());
    first = server.ask(kDecide);
    second = server.ask(kDecide);
    EXPECT_EQ(server.ask(outcome(first, 1.0))["error"]["code"], "token_missing");
    EXPECT_EQ(server.ask({{"op", "end"}})["ok"], true);
    EXPECT_EQ(server.wait(), 0);
    said = errors();
  }
  {
    Server server(with({"--token-key", key_file(kNew), "--former-token-key", key_file(kOld)}), error_file());
    EXPECT_EQ(server.ask(report(first))["fate"], "learned");
    const Json fresh = server.ask(kDecide);
    EXPECT_EQ(server.ask(report(fresh))["fate"], "learned");
    EXPECT_EQ(server.ask({{"op", "end"}})["ok"], true);
    EXPECT_EQ(server.wait(), 0);
    said += errors();
  }
  {
    Server server(with({"--token-key", key_file(kNew)}), error_file());
    EXPECT_EQ(server.ask(report(second))["error"]["code"], "token_unknown_key");
    EXPECT_EQ(server.ask({{"op", "metrics"}})["tokens"]["unknown_key"], 1);
    EXPECT_EQ(server.ask({{"op", "end"}})["ok"], true);
    said += errors();
  }
  EXPECT_EQ(said.find(kOld.secret), std::string::npos) << said;
  EXPECT_EQ(said.find(kNew.secret), std::string::npos) << said;
}

TEST_F(ServeTokenProcess, RefusesKeysThatAreNoneInOneLineWithoutTheirContent) {
  const auto run = [&](std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "--stdio");
    Server server(std::move(arguments), error_file());
    server.close_input();
    EXPECT_EQ(server.receive(), nullptr);
    return server.wait();
  };
  const std::string path = (folder_ / "key").string();
  const auto refused = [&](const std::string& key, const std::string& part) {
    EXPECT_EQ(run({"--token-key", key}), 1) << key;
    EXPECT_NE(errors().find(part), std::string::npos) << errors();
    EXPECT_EQ(std::ranges::count(errors(), '\n'), 1) << errors();
  };
  refused("no-colon", "ID:FILE");
  refused(":" + path, "ID:FILE");
  refused("id:", "ID:FILE");
  refused("id:" + path, "cannot be read, or is empty");
  refused("id:" + folder_.string(), "cannot be read, or is empty");
  std::ofstream(path) << std::string(70'000, 'k');
  refused("id:" + path, "more than 65536 bytes");
  std::ofstream(path) << "hush-hush\n";
  refused("id:" + path, "at least 16 are needed");
  EXPECT_EQ(errors().find("hush"), std::string::npos) << errors();
  refused("an id:" + path, "id");
  EXPECT_EQ(errors().find("hush"), std::string::npos) << errors();
  EXPECT_EQ(run({"--former-token-key", "id:" + path}), 2);
  EXPECT_EQ(run({"--token-ttl", "60"}), 2);
  EXPECT_EQ(run({"--token-key", "id:" + path, "--token-ttl", "0"}), 2);
  EXPECT_EQ(run({"--token-key", "id:" + path, "--token-ttl", "soon"}), 2);
}

}  // namespace
}  // namespace attune::tools::serve_token_test
