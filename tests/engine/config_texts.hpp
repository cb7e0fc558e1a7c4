// SPDX-License-Identifier: Apache-2.0
/// @file
/// Configurations that several tests read.
#pragma once

#include <string>
#include <string_view>

namespace attune::test {

/// Every option but those of named features, each with a value that is not its default.
inline constexpr std::string_view kFull = R"({
  // an LLM gateway
  "seed": 18446744073709551615, "node": "gateway-1", "mode": "threads",
  "queue": {"bytes": 65536, "on_full": "shed"},
  "checkpoint": {"every_s": 1.5, "every_records": 0, "keep": 3},
  "client_keys": {"keep": 1000}, "acknowledge_timeout_s": 2.5,
  "points": {
    "model": {
      "policy": {"type": "lin_ucb", "alpha": 1},
      "arms": ["a", {"id": "b", "prior": {"mean": 0.5, "weight": 2}, "enabled": false}],
      "context": {"dimension": 20},
      "reward": {
        "components": {
          "quality": {"weight": 2, "aggregate": "mean", "normalise": "range", "range": [0, 5], "limit": {"min": 0.5}},
          "cost": {"weight": -1, "required": false, "default": 0.25, "limit": {"max": 9}}
        },
        "join_window_s": 60, "closing": "window", "silence": "default", "default_reward": -1, "late": "discard",
        "breach_reward": -5, "clip": [-10, 10], "credit": "discounted", "lambda": 0.5,
        "max_pending": 10, "max_closed": 20, "overflow": "refuse"
      },
      "fallback": "a", "acknowledge": "durable"
    },
    "shared": {
      "policy": {"type": "lin_ucb_hybrid"}, "action_features": 2, "arms": [{"id": "x", "features": [1, 2.5]}]
    },
    "a point": {"policy": {"type": "ucb1"}}
  }
})";

/// A configuration whose only point has this text as its members beside the policy.
inline std::string point(std::string_view members) {
  return R"({"points": {"p": {"policy": {"type": "ucb1"}, )" + std::string(members) + "}}}";
}

inline std::string reward(std::string_view members) {
  return point(R"("reward": {)" + std::string(members) + "}");
}

}  // namespace attune::test
