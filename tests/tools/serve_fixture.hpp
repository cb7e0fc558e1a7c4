// SPDX-License-Identifier: Apache-2.0
/// @file
/// A ServeSession under simulated time, with points of every kind.
#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <attune/core/clock.hpp>

#include "tools/serve_session.hpp"

namespace attune::tools::test {

using Json = nlohmann::json;

inline constexpr std::string_view kConfig = R"({
  "seed": 1,
  "points": {
    "model": {"policy": {"type": "ucb1"}, "arms": ["a", "b", "c"],
              "reward": {"components": {"quality": {}, "cost": {"weight": -1, "required": false, "default": 0}},
                         "join_window_s": 60}},
    "dense": {"policy": {"type": "lin_ucb"}, "arms": ["a", "b"], "context": {"dimension": 2}},
    "sparse": {"policy": {"type": "ucb1"}, "arms": ["a", "b"], "context": {"sparse": 100}},
    "named": {"policy": {"type": "lin_ucb"}, "arms": ["a", "b"],
              "context": {"features": [{"name": "n", "type": "number"}, {"name": "index", "type": "number", "default": 0},
                                       {"name": "code", "type": "boolean", "default": false},
                                       {"name": "task", "type": "category", "values": ["x"], "default": ""}]}},
    "tune": {"policy": {"type": "gp_optimizer", "parameters": [{"name": "t", "low": 0, "high": 1},
                                                               {"name": "n", "type": "integer", "low": 1, "high": 9}]}},
    "shared": {"policy": {"type": "ucb1"}, "arms": ["a"], "action_features": 0},
    "chain": {"policy": {"type": "ucb1"}, "arms": ["a", "b"], "reward": {"credit": "uniform", "join_window_s": 60}}
  }
})";

class Serve : public ::testing::Test {
 protected:
  explicit Serve(bool queued = false)
      : session_({.store = {}, .queued = queued, .durable = false, .clock = clock_, .log = {}}) {}

  void open(std::string_view config = kConfig) {
    const Result<void> opened = session_.open(config);
    ASSERT_TRUE(opened) << opened.error().message;
  }
  /// The answer to one line, which must be exactly one line of JSON.
  Json ask(std::string_view line) {
    std::string out;
    goes_on_ = session_.handle(line, out);
    EXPECT_FALSE(out.empty()) << line;
    EXPECT_EQ(std::count(out.begin(), out.end(), '\n'), 1) << out;
    EXPECT_EQ(out.back(), '\n');
    const Json answer = Json::parse(out, nullptr, false);
    EXPECT_TRUE(answer.is_object()) << line << " -> " << out;
    return answer;
  }
  Json send(const Json& request) { return ask(request.dump()); }
  void expect_error(std::string_view line, std::string_view code, std::string_view part) {
    const Json answer = ask(line);
    ASSERT_TRUE(answer.contains("error")) << line << " -> " << answer;
    EXPECT_EQ(answer["error"]["code"], code) << line << " -> " << answer;
    const std::string message = answer["error"]["message"];
    EXPECT_NE(message.find(part), std::string::npos) << line << " -> " << message;
  }
  std::string decide(std::string_view point) {
    return send(Json{{"op", "decide"}, {"point", point}}).value("id", "");
  }

  std::shared_ptr<ManualClock> clock_ = std::make_shared<ManualClock>();
  ServeSession session_;
  bool goes_on_ = true;
};

}  // namespace attune::tools::test
