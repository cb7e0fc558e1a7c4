// SPDX-License-Identifier: Apache-2.0
/// @file
/// Configurations that the targets run under; the seeds of the corpora were made with them.
#pragma once

#include <string_view>

namespace attune::fuzz {

inline constexpr std::string_view kStateConfig = R"({"seed":7,"node":"fuzz","points":{
  "ucb":{"policy":{"type":"ucb1"},"arms":["a","b"],"reward":{"components":{"quality":{},"cost":{"normalise":"running"}}}},
  "lin":{"policy":{"type":"lin_ucb"},"arms":["a","b"],"context":{"dimension":2}},
  "walk":{"policy":{"type":"q_learning","states":3},"arms":["l","r"],"context":{"dimension":1}}}})";

inline constexpr std::string_view kProtocolConfig = R"({"seed":1,"node":"fuzz","points":{
  "model":{"policy":{"type":"ucb1"},"arms":["a","b"],"reward":{"components":{"quality":{},"cost":{"required":false,"default":0}}}},
  "dense":{"policy":{"type":"lin_ucb"},"arms":["a","b"],"context":{"dimension":2}},
  "sparse":{"policy":{"type":"ucb1"},"arms":["a","b"],"context":{"sparse":100}},
  "named":{"policy":{"type":"lin_ucb"},"arms":["a","b"],"context":{"features":[{"name":"n","type":"number"},
    {"name":"code","type":"boolean","default":false},{"name":"task","type":"category","values":["x"],"default":""}]}},
  "chain":{"policy":{"type":"ucb1"},"arms":["a","b"],"reward":{"credit":"uniform"}}}})";

}  // namespace attune::fuzz
