// SPDX-License-Identifier: Apache-2.0
// What attune-serve acknowledges survives kill -9, and what it cannot store it does not acknowledge.
#include <signal.h>
#include <sys/resource.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <attune/core/rng.hpp>

#include "tests/tools/serve_process.hpp"

namespace attune::tools::serve_durable_test {
namespace {

using test::Json;
using test::Server;

class ServeDurable : public test::ServeProcess {
 protected:
  void use(const std::string& mode, const std::string& acknowledge) const {
    std::ofstream(config()) << R"({"seed": 5, "mode": ")" << mode
                            << R"(", "points": {"p": {"policy": {"type": "ucb1"}, "arms": ["a", "b"],
                                  "acknowledge": ")"
                            << acknowledge << R"("}}})";
  }
  static Json decide(const std::string& key) {
    return {{"op", "decide"}, {"point", "p"}, {"client_key", key}, {"ref", key}};
  }
  static Json report(const std::string& id) {
    return {{"op", "outcome"}, {"id", id}, {"reward", 0.5}, {"ref", id}};
  }
};

/// What the client was told.
struct Told {
  std::map<std::string, std::string> decisions;  ///< id by client key
  std::vector<std::string> outcomes;             ///< ids whose outcome was acknowledged
};

/// Sends decisions and outcomes without waiting, reads some of the answers, and kills.
void run_and_kill(Server& server, Rng& rng, int round, Told& told) {
  const std::uint64_t burst = 1 + rng.below(60);
  std::string lines;
  std::vector<std::string> open;
  for (std::uint64_t i = 0; i < burst; ++i) {
    const std::string key = std::to_string(round) + "-" + std::to_string(i);
    lines += Json{{"op", "decide"}, {"point", "p"}, {"client_key", key}, {"ref", key}}.dump() + "\n";
  }
  server.send_raw(lines);
  const std::uint64_t read = rng.below(burst + 1);
  const auto receive = [&](std::uint64_t count) {
    for (std::uint64_t i = 0; i < count; ++i) {
      const Json answer = server.receive();
      if (answer.contains("ok")) {
        told.outcomes.push_back(answer["ref"]);
      } else {
        ASSERT_TRUE(answer.contains("id")) << answer;
        told.decisions[answer["ref"]] = answer["id"];
        open.push_back(answer["id"]);
      }
    }
  };
  ASSERT_NO_FATAL_FAILURE(receive(read));
  if (rng.below(4) != 0) {
    lines.clear();
    for (const std::string& id : open) {
      lines += Json{{"op", "outcome"}, {"id", id}, {"reward", 0.5}, {"ref", id}}.dump() + "\n";
    }
    server.send_raw(lines);
    ASSERT_NO_FATAL_FAILURE(receive(burst - read + rng.below(read + 1)));
  }
  server.signal(SIGKILL);
  EXPECT_EQ(server.wait(), -SIGKILL);
}

void expect_all_kept(Server& again, const Told& told) {
  for (const std::string& id : told.outcomes) {
    const Json answer = again.ask({{"op", "outcome"}, {"id", id}, {"reward", 0.5}});
    ASSERT_EQ(answer["ok"], true) << "lost " << id << ": " << answer;
    if (answer["fate"] != "queued") {  // thread mode says it in the counters only
      ASSERT_EQ(answer["fate"], "duplicate") << id;
    }
  }
  for (const auto& [key, id] : told.decisions) {
    const Json answer = again.ask({{"op", "decide"}, {"point", "p"}, {"client_key", key}});
    ASSERT_EQ(answer["id"], id) << key;
  }
}

TEST_F(ServeDurable, NothingThatWasAcknowledgedIsLostByKill) {
  const char* const scale = std::getenv("ATTUNE_FAULT_SCALE");
  const int rounds = 6 * std::max(1, scale == nullptr ? 1 : std::atoi(scale));
  for (const std::string mode : {"pump", "threads"}) {
    use(mode, "durable");
    const std::string path = store() + mode;
    Rng rng(2026, name_stream(mode));
    Told told;
    for (int round = 0; round < rounds; ++round) {
      Server server({"--stdio", "--config", config(), "--store", path});
      ASSERT_NO_FATAL_FAILURE(run_and_kill(server, rng, round, told));
    }
    Server again({"--stdio", "--config", config(), "--store", path});
    ASSERT_NO_FATAL_FAILURE(expect_all_kept(again, told));
    const Json metrics = again.ask({{"op", "metrics"}});
    EXPECT_EQ(metrics["points"][0]["rewards"]["unknown_decision"], 0) << mode;
    EXPECT_GE(metrics["points"][0]["rewards"]["duplicate"], told.outcomes.size()) << mode;
    EXPECT_GE(metrics["client_keys"]["retried"], told.decisions.size()) << mode;
    EXPECT_GT(told.outcomes.size(), 0U);
  }
}

TEST_F(ServeDurable, AFlagMakesEveryPointDurable) {
  use("threads", "async");
  Server server({"--stdio", "--config", config(), "--store", store(), "--durable"});
  const Json decision = server.ask(decide("k"));
  EXPECT_TRUE(decision.contains("id")) << decision;
  EXPECT_EQ(server.ask({{"op", "health"}})["durable_position"], 1);
  Server without({"--stdio", "--config", config(), "--durable"}, error_file());
  without.close_input();
  EXPECT_EQ(without.wait(), 2) << errors();
}

TEST_F(ServeDurable, ADurablePointNeedsAStore) {
  use("pump", "durable");
  Server server({"--stdio", "--config", config()}, error_file());
  server.close_input();
  EXPECT_EQ(server.wait(), 1);
  EXPECT_NE(errors().find("points.p.acknowledge"), std::string::npos) << errors();
}

TEST_F(ServeDurable, WhatCannotBeStoredIsNotAcknowledged) {
  for (const std::string mode : {"pump", "threads"}) {
    use(mode, "durable");
    const std::string path = store() + mode;
    std::string unacknowledged;
    {
      Server server({"--stdio", "--config", config(), "--store", path});
      const std::string good = server.ask(decide("good"))["id"];
      EXPECT_EQ(server.ask({{"op", "health"}})["level"], "ok");
      rlimit before{};
      ASSERT_EQ(::prlimit(server.process(), RLIMIT_FSIZE, nullptr, &before), 0);
      rlimit small = before;
      small.rlim_cur = 100;  // no file may be written beyond: a full disk
      ASSERT_EQ(::prlimit(server.process(), RLIMIT_FSIZE, &small, nullptr), 0);
      server.send(decide("bad").dump());
      server.send(report(good).dump());
      const Json refused = server.receive();
      EXPECT_EQ(refused["error"]["code"], "not_durable") << refused;
      EXPECT_EQ(refused["ref"], "bad");
      const Json outcome = server.receive();
      EXPECT_EQ(outcome["error"]["code"], "not_durable") << outcome;
      EXPECT_EQ(outcome["ref"], good);
      const Json health = server.ask({{"op", "health"}});
      EXPECT_EQ(health["ok"], false);
      EXPECT_EQ(health["level"], "failing");
      EXPECT_EQ(health["durable_position"], 1);
      EXPECT_FALSE(health["reasons"].empty());
      ASSERT_EQ(::prlimit(server.process(), RLIMIT_FSIZE, &before, nullptr), 0);
      Json retried;
      do {  // the journal thread tries again after a pause
        retried = server.ask(decide("bad"));
      } while (retried.contains("error"));
      unacknowledged = retried["id"];
      EXPECT_EQ(server.ask(report(good))["ok"], true);
      server.signal(SIGKILL);
      EXPECT_EQ(server.wait(), -SIGKILL);
    }
    Server again({"--stdio", "--config", config(), "--store", path});
    EXPECT_EQ(again.ask(decide("bad"))["id"], unacknowledged);
    const Json point = again.ask({{"op", "metrics"}})["points"][0];
    EXPECT_EQ(point["decisions"], 2) << mode;
    EXPECT_EQ(point["rewards"]["learned"], 1) << mode;
    EXPECT_EQ(point["rewards"]["duplicate"], 1) << mode;
  }
}

}  // namespace
}  // namespace attune::tools::serve_durable_test
