// SPDX-License-Identifier: Apache-2.0
#include "engine/point_settle.hpp"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include <attune/core/record.hpp>
#include <attune/core/rng.hpp>
#include <attune/core/slates.hpp>

namespace attune {
namespace {

/// What a point that does not choose one arm does, for messages.
[[nodiscard]] std::string_view deed(const AnyPolicy& policy) noexcept {
  switch (action_kind(policy)) {
    case ActionKind::arm:
      return "chooses one arm";
    case ActionKind::parameters:
      return "tunes parameters and has no arms";
    case ActionKind::numbers:
      return "chooses numbers and has no arms";
    case ActionKind::pair:
      return "compares two arms";
    case ActionKind::list:
      return "shows lists of arms";
  }
  return "";
}

/// Agents learn from experience, so their points chain decisions whatever the default says.
[[nodiscard]] Result<void> settle_credit(PointConfig& config, const AnyPolicy& policy) {
  const std::string path = "points." + config.name + ".reward.credit";
  Credit& credit = config.reward.credit;
  if (std::holds_alternative<AnyAgent>(policy)) {
    if (credit != Credit::own && credit != Credit::transition) {
      return fail(Errc::invalid_config, path + ": an agent learns from transitions; leave the key out");
    }
    credit = Credit::transition;
  } else if (credit == Credit::transition) {
    return fail(Errc::invalid_config, path + " = \"transition\" needs a policy of the agent family");
  } else if (action_kind(policy) == ActionKind::parameters && credit != Credit::own) {
    return fail(Errc::invalid_config, path + ": an optimizer's trials are not chained; leave the key out");
  } else if (action_kind(policy) != ActionKind::arm && credit != Credit::own) {
    return fail(Errc::invalid_config, path + ": only decisions for one arm are chained, and this point " +
                                          std::string(deed(policy)) + "; leave the key out");
  }
  if (action_kind(policy) == ActionKind::parameters && config.reward.late == Lateness::learn) {
    return fail(Errc::invalid_config,
                "points." + config.name +
                    ".reward.late = \"learn\": an optimizer has forgotten the trial by then; "
                    "use \"discard\" and a longer join_window_s");
  }
  return {};
}

/// What only some policies can do for drift watches.
[[nodiscard]] Result<void> settle_drift(const PointConfig& config, const AnyPolicy& policy) {
  for (const DriftWatchConfig& watch : config.drift) {
    const std::string path = "points." + config.name + ".drift: '" + watch.name + "': ";
    const bool one_arm = action_kind(policy) == ActionKind::arm;
    const bool needs_arms = watch.changes_policy() || watch.does(DriftAction::boost_exploration) ||
                            watch.stream == DriftStream::reward_per_arm;
    if (!one_arm && needs_arms) {
      return fail(Errc::invalid_config, path + "the point " + std::string(deed(policy)) +
                                            "; it can be watched with the actions log, alert and retrain");
    }
    const auto* bandit = std::get_if<AnyBandit>(&policy);
    if (watch.does(DriftAction::forget) && (bandit == nullptr || !bandit->can_forget())) {
      return fail(Errc::invalid_config, path +
                                            "this policy cannot forget a part of what it has learned; use "
                                            "reset_arm, reset_policy or snapshot");
    }
    if (watch.stream == DriftStream::residual && (bandit == nullptr || !bandit->has_expectation())) {
      return fail(Errc::invalid_config, path +
                                            "this policy expects no reward of an arm, so that there is no "
                                            "residual; watch the reward");
    }
  }
  return {};
}

/// Only points that choose one arm have rungs for unfamiliar contexts, and arms to tell values by.
[[nodiscard]] Result<void> settle_screening(const PointConfig& config, const AnyPolicy& policy) {
  if (action_kind(policy) == ActionKind::arm) {
    return {};
  }
  const std::string path = "points." + config.name + ".screening";
  if (config.screening.contexts) {
    return fail(Errc::invalid_config, path + ".contexts: only points that choose one arm are watched for " +
                                          "unfamiliar contexts, and this one " + std::string(deed(policy)));
  }
  if (shows_arms(action_kind(policy)) && !config.screening.screens.empty()) {
    return fail(Errc::invalid_config,
                path + ".outcomes: what comes back here are no amounts to be screened: the point " +
                    std::string(deed(policy)));
  }
  const auto by_arm = std::ranges::find(config.screening.screens, ScreenScope::arm, &ScreenConfig::per);
  if (by_arm != config.screening.screens.end()) {
    return fail(Errc::invalid_config, path + ".outcomes: '" + by_arm->name + "': the point " +
                                          std::string(deed(policy)) + "; say \"per\": \"point\"");
  }
  return {};
}

/// Guards and shares judge single arms.
[[nodiscard]] Result<void> settle_safety(const PointConfig& config, const AnyPolicy& policy) {
  if (!config.safety || action_kind(policy) == ActionKind::arm) {
    return {};
  }
  return fail(Errc::invalid_config,
              "points." + config.name + ".safety: guards and shares are of arms, and this point " +
                  std::string(deed(policy)) + "; only the kill switch and the freeze work here");
}

/// Arms are for policies that know them, and some of their options for policies that choose one.
[[nodiscard]] Result<void> settle_arm_options(const PointConfig& config, const AnyPolicy& policy) {
  const std::string path = "points." + config.name;
  if (shows_arms(action_kind(policy))) {
    const auto prior =
        std::ranges::find_if(config.arms, [](const ArmConfig& arm) { return arm.prior.weight > 0.0; });
    if (prior != config.arms.end()) {
      return fail(Errc::invalid_config, path + ".arms: '" + prior->id + "' has a prior, and the point " +
                                            std::string(deed(policy)) + ": its policy takes none");
    }
    return config.fallback.empty()
               ? Result<void>{}
               : fail(Errc::invalid_config, path + ".fallback is one arm, and the point " +
                                                std::string(deed(policy)) + "; leave the key out");
  }
  if (action_kind(policy) != ActionKind::numbers) {
    return {};
  }
  if (!config.arms.empty()) {
    return fail(Errc::invalid_config, path + ".arms: the point " + std::string(deed(policy)));
  }
  if (config.action_features > 0) {
    return fail(Errc::invalid_config, path + ".action_features = " + std::to_string(config.action_features) +
                                          ": the point " + std::string(deed(policy)));
  }
  return {};
}

/// An action of the policy's box, for points that choose one.
[[nodiscard]] Result<void> settle_fallback_action(const PointConfig& config, const AnyPolicy& policy) {
  const std::string path = "points." + config.name + ".fallback_action";
  if (config.fallback_action.empty()) {
    return {};
  }
  const auto* continuous = std::get_if<AnyContinuousBandit>(&policy);
  if (continuous == nullptr) {
    return fail(Errc::invalid_config, path + " is for points that choose numbers, and this one " +
                                          std::string(deed(policy)) + "; leave the key out");
  }
  if (config.fallback_action.size() != continuous->dimension()) {
    return fail(Errc::invalid_config, path + " has " + std::to_string(config.fallback_action.size()) +
                                          " numbers; an action has " +
                                          std::to_string(continuous->dimension()));
  }
  for (std::size_t i = 0; i < continuous->dimension(); ++i) {
    const Bounds range = continuous->range(i);
    if (config.fallback_action[i] < range.min || config.fallback_action[i] > range.max) {
      return fail(Errc::invalid_config, path + "[" + std::to_string(i) + "] is outside the policy's range");
    }
  }
  return {};
}

/// Whether the policy shows lists of that length, asked with one arm more than it may have.
[[nodiscard]] bool shows_lists_of(AnySlateBandit policy, const PointConfig& config) {
  if (policy.arm_count() == 0 && !policy.add_arm()) {
    return true;
  }
  for (std::size_t slot = 0; slot < policy.arm_count(); ++slot) {
    static_cast<void>(policy.set_enabled(to_arm(slot), true));
  }
  const std::vector<double> rows(policy.arm_count() * config.action_features);
  const std::vector<double> dense(config.features.sparse() ? 0 : config.features.dimension());
  std::vector<ArmIndex> room(config.size);
  Rng rng(1);
  const Context seen{.input = {.dense = dense},
                     .actions = {.rows = rows, .dimension = config.action_features}};
  return policy.select_slate(seen, rng, {.arms = room}).status != Errc::invalid_argument;
}

/// What comes back for a list, as a reward.
void settle_list_reward(PointConfig& config) {
  RewardSpec& reward = config.reward;
  if (*config.signal == SlateSignal::items) {
    reward.components.clear();
    for (std::uint32_t item = 1; item <= config.size; ++item) {
      reward.components.push_back({.name = "item_" + std::to_string(item), .has_default = true});
    }
  }
  if (*config.signal == SlateSignal::first_click && !config.reward_given.default_reward) {
    reward.default_reward = -1.0;
  }
  // Silence says that nothing (more) was clicked or earned: without it only the others would be learned.
  if (*config.signal != SlateSignal::whole && !config.reward_given.silence) {
    reward.silence = Silence::default_value;
  }
}

[[nodiscard]] Result<void> settle_list(PointConfig& config, const AnyPolicy& policy) {
  const std::string path = "points." + config.name;
  const auto* slates = std::get_if<AnySlateBandit>(&policy);
  if (slates == nullptr) {
    return config.size == 0 && !config.signal
               ? Result<void>{}
               : fail(Errc::invalid_config, path + (config.size > 0 ? ".size" : ".signal") +
                                                " is for points that show lists, and this one " +
                                                std::string(deed(policy)) + "; leave the key out");
  }
  if (config.size == 0) {
    return fail(Errc::invalid_config, path + ".size is required: how many arms a list has");
  }
  if (!shows_lists_of(*slates, config)) {
    return fail(Errc::invalid_config, path + ".size = " + std::to_string(config.size) +
                                          " is more than this policy shows at once (see its options)");
  }
  for (const SlateSignal signal : {SlateSignal::items, SlateSignal::first_click, SlateSignal::whole}) {
    config.signal = config.signal           ? config.signal
                    : slates->takes(signal) ? std::optional(signal)
                                            : std::nullopt;
  }
  if (!config.signal || !slates->takes(*config.signal)) {
    return fail(Errc::invalid_config,
                path + ".signal = \"" +
                    std::string(kEnumNames<SlateSignal>[static_cast<std::size_t>(*config.signal)]) +
                    "\": this policy does not learn from it");
  }
  const bool items = *config.signal == SlateSignal::items;
  if (items && config.size > OutcomeRecord::kMaxComponents) {
    return fail(Errc::invalid_config, path + ".size = " + std::to_string(config.size) +
                                          ": with \"signal\": \"items\" a list has at most 16 arms");
  }
  if (items && config.reward_given.components) {
    return fail(
        Errc::invalid_config,
        path +
            ".reward.components: with \"signal\": \"items\" they are item_1, item_2, ... by themselves; "
            "leave the key out");
  }
  settle_list_reward(config);
  return {};
}

}  // namespace

Result<void> settle_point(PointConfig& config, const AnyPolicy& policy) {
  for (const auto settle :
       {&settle_drift, &settle_screening, &settle_safety, &settle_arm_options, &settle_fallback_action}) {
    if (Result<void> settled = settle(config, policy); !settled) {
      return settled;
    }
  }
  if (Result<void> settled = settle_list(config, policy); !settled) {
    return settled;
  }
  return settle_credit(config, policy);
}

Result<void> settle_arms(const PointConfig& config, PointState& state) {
  for (const ArmConfig& arm : config.arms) {
    const Result<ArmIndex> slot = state.arms.add(arm.id, arm.features, arm.enabled);
    if (!slot) {
      return fail(Errc::invalid_config, "points." + config.name + ".arms: " + slot.error().message);
    }
    const auto settle = [&](auto& policy) -> Result<void> {
      if constexpr (requires { policy.set_enabled(*slot, true); }) {
        if (!arm.enabled) {
          static_cast<void>(policy.set_enabled(*slot, false));
        }
      }
      if constexpr (requires { policy.warm_start(*slot, arm.prior); }) {
        if (arm.prior.weight > 0.0) {
          return policy.warm_start(*slot, arm.prior);
        }
      }
      return {};
    };
    if (Result<void> settled = std::visit(settle, state.policy); !settled) {
      return fail(Errc::invalid_config,
                  "points." + config.name + ".arms: '" + arm.id + "': " + settled.error().message);
    }
  }
  return {};
}

}  // namespace attune
