// SPDX-License-Identifier: Apache-2.0
/// @file
/// Specifications and a Config for the tests of the registry and of what it makes.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include <attune/engine/registry.hpp>
#include <attune/policies/builtin.hpp>

namespace attune::test {

using Json = nlohmann::json;

inline const Shape kShape{.arms = 3, .features = 1, .action_features = 1};

/// The smallest specification of an algorithm: its name and what it requires.
inline Json minimal_spec(const AlgorithmInfo& algorithm) {
  Json spec{{"type", algorithm.name}};
  for (const OptionInfo& option : algorithm.options) {
    if (option.required && option.type == "list") {
      spec[option.name] = Json::array({{{"name", "x"}}});
    } else if (option.required) {
      spec[option.name] = option.min;
    }
  }
  return spec;
}

/// An option of every type that there is.
struct EveryField {
  bool flag = true;
  std::uint32_t small = 3;
  std::uint64_t large = 5;
  double number = 0.5;
  std::string text = "a";
  LearningRate choice = LearningRate::visits;
  std::vector<double> numbers{1.0, 2.0};

  template <class Self, class Visitor>
  static constexpr void fields(Self& self, Visitor&& visit) {
    visit("flag", self.flag, Bounds{}, "a flag");
    visit("small", self.small, Bounds{0, 1e12}, "a small number, with bounds beyond its type");
    visit("large", self.large, Bounds{0, 1.8e19}, "a large number");
    visit("number", self.number, Bounds{-1, 1}, "a number");
    visit("text", self.text, Bounds{}, "a text");
    visit("choice", self.choice, Bounds{}, "a choice");
    visit("numbers", self.numbers, Bounds{0, 9}, "several numbers");
  }
};

}  // namespace attune::test
