// SPDX-License-Identifier: Apache-2.0
#include <attune/rewards/reward_spec.hpp>

#include <cmath>
#include <string>
#include <utility>

namespace attune {
namespace {

constexpr double kLargest = 1e300;
constexpr double kLargestWeight = 1e12;
constexpr double kLongestWindow = 1e9;
constexpr std::size_t kLongestName = 255;

Result<void> check_range(const std::string& name, double value, double low, double high) {
  if (!(value >= low && value <= high)) {
    return fail(Errc::invalid_config, name + " = " + number_text(value) + " is outside [" + number_text(low) +
                                          ", " + number_text(high) + "]");
  }
  return {};
}

Result<void> check_count(const std::string& name, std::uint64_t value, std::uint64_t low,
                         std::uint64_t high) {
  if (value < low || value > high) {
    return fail(Errc::invalid_config, name + " = " + std::to_string(value) + " is outside [" +
                                          std::to_string(low) + ", " + std::to_string(high) + "]");
  }
  return {};
}

Result<void> check_name(const std::vector<ComponentSpec>& components, std::size_t at) {
  const std::string where = "components[" + std::to_string(at) + "].name";
  const std::string& name = components[at].name;
  if (name.empty() || name.size() > kLongestName) {
    return fail(Errc::invalid_config,
                where + " has " + std::to_string(name.size()) + " bytes; allowed are 1 to 255");
  }
  for (std::size_t earlier = 0; earlier < at; ++earlier) {
    if (components[earlier].name == name) {
      std::string message = where;
      message.append(" = '").append(name).append("' is already the name of components[");
      message.append(std::to_string(earlier)).append("]");
      return fail(Errc::invalid_config, std::move(message));
    }
  }
  return {};
}

Result<void> check_component(const ComponentSpec& component, const std::string& where) {
  Result<void> verdict = check_range(where + ".weight", component.weight, -kLargestWeight, kLargestWeight);
  const auto also = [&](const char* field, double value) {
    if (verdict) {
      verdict = check_range(where + field, value, -kLargest, kLargest);
    }
  };
  also(".range_min", component.range_min);
  also(".range_max", component.range_max);
  also(".default_value", component.default_value);
  also(".limit_min", component.limit_min);
  also(".limit_max", component.limit_max);
  if (!verdict) {
    return verdict;
  }
  if (component.normalise == Normalisation::range && !(component.range_min < component.range_max)) {
    return fail(Errc::invalid_config, where + ".range_min = " + number_text(component.range_min) +
                                          " is not below range_max = " + number_text(component.range_max));
  }
  if (component.has_limit_min && component.has_limit_max && component.limit_min > component.limit_max) {
    return fail(Errc::invalid_config, where + ".limit_min = " + number_text(component.limit_min) +
                                          " is above limit_max = " + number_text(component.limit_max));
  }
  return {};
}

Result<void> check_components(const std::vector<ComponentSpec>& components) {
  if (components.empty() || components.size() > kMaxRewardComponents) {
    return fail(Errc::invalid_config, "components has " + std::to_string(components.size()) +
                                          " entries; allowed are 1 to " +
                                          std::to_string(kMaxRewardComponents));
  }
  for (std::size_t at = 0; at < components.size(); ++at) {
    if (Result<void> named = check_name(components, at); !named) {
      return named;
    }
    const std::string where = "components[" + std::to_string(at) + "]";
    if (Result<void> checked = check_component(components[at], where); !checked) {
      return checked;
    }
  }
  return {};
}

Result<void> check_numbers(const RewardSpec& spec) {
  if (!(spec.join_window_s > 0.0 && spec.join_window_s <= kLongestWindow)) {
    return fail(Errc::invalid_config, "join_window_s = " + number_text(spec.join_window_s) +
                                          " is outside (0, " + number_text(kLongestWindow) + "]");
  }
  Result<void> verdict = check_range("default_reward", spec.default_reward, -kLargest, kLargest);
  const auto also = [&verdict](Result<void> next) {
    if (verdict) {
      verdict = std::move(next);
    }
  };
  also(check_range("breach_reward", spec.breach_reward, -kLargest, kLargest));
  also(check_range("reward_min", spec.reward_min, -kLargest, kLargest));
  also(check_range("reward_max", spec.reward_max, -kLargest, kLargest));
  also(check_range("lambda", spec.lambda, 0.0, 1.0));
  also(check_count("max_pending", spec.max_pending, 1, RewardSpec::kMostDecisions));
  also(check_count("max_closed", spec.max_closed, 0, RewardSpec::kMostDecisions));
  also(check_count("max_signals", spec.max_signals, 1, RewardSpec::kMostSignals));
  if (verdict && !(spec.reward_min < spec.reward_max)) {
    return fail(Errc::invalid_config, "reward_min = " + number_text(spec.reward_min) +
                                          " is not below reward_max = " + number_text(spec.reward_max));
  }
  return verdict;
}

Result<void> check_rules(const RewardSpec& spec) {
  if (spec.late == Lateness::learn) {
    if (spec.silence == Silence::default_value) {
      return fail(
          Errc::invalid_config,
          "late = learn beside silence = default would learn a decision twice; use discard or censor");
    }
    if (spec.credit != Credit::own) {
      return fail(Errc::invalid_config,
                  "late = learn needs credit = own: the credits of a chain are given when its window ends");
    }
    if (spec.max_closed == 0) {
      return fail(Errc::invalid_config, "late = learn needs max_closed > 0: nothing is remembered to learn");
    }
  }
  if (spec.credit == Credit::custom && spec.credit_function.empty()) {
    return fail(Errc::invalid_config,
                "credit = custom needs credit_function, the name it is registered under");
  }
  if (spec.credit != Credit::custom && !spec.credit_function.empty()) {
    return fail(Errc::invalid_config,
                "credit_function = '" + spec.credit_function + "' is used with credit = custom only");
  }
  return {};
}

}  // namespace

Result<void> check(const RewardSpec& spec) {
  if (Result<void> components = check_components(spec.components); !components) {
    return components;
  }
  if (Result<void> numbers = check_numbers(spec); !numbers) {
    return numbers;
  }
  return check_rules(spec);
}

}  // namespace attune
