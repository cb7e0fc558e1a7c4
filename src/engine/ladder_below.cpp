// SPDX-License-Identifier: Apache-2.0
// The rungs below the policies: static shares, fallback arm, any arm; and what each arm is owed.
#include <algorithm>
#include <string_view>
#include <utility>

#include "engine/ladder.hpp"

namespace attune {
namespace {

constexpr std::uint32_t kUniformPurpose = 1;
constexpr std::uint32_t kSharesPurpose = 2;
constexpr std::uint32_t kFloorsPurpose = 6;  // 3 to 5: ladder.cpp

}  // namespace

template <class Test>
double Ladder::share_sum(Test&& test) const noexcept {
  double sum = 0.0;
  for (const auto& [id, share] : question_.config.safety->allocation) {
    sum += test(arms_.find(id)) ? share : 0.0;
  }
  return sum;
}

double Ladder::floor_of(ArmIndex arm) const noexcept {
  const ExplorationConfig& rules = question_.config.safety->exploration;
  const std::string_view id = arms_.id(arm);
  const auto named = std::ranges::lower_bound(
      rules.floors, id, {}, [](const auto& entry) { return std::string_view(entry.first); });
  return named != rules.floors.end() && named->first == id ? named->second : rules.floor;
}

double Ladder::floor_sum() const noexcept {
  double sum = 0.0;
  static_cast<void>(count([&](ArmIndex arm) {
    sum += sound(arm) ? floor_of(arm) : 0.0;
    return false;
  }));
  return sum;
}

Answer Ladder::owed() const noexcept {
  const double sum = floor_sum();
  double left = rng(kFloorsPurpose).uniform() * sum;
  ArmIndex chosen = kNoArm;
  static_cast<void>(count([&](ArmIndex arm) {
    const double share = left >= 0.0 && sound(arm) ? floor_of(arm) : 0.0;
    chosen = share > 0.0 ? arm : chosen;  // the last one stands where rounding leaves something over
    left -= share;
    return false;
  }));
  return {
      .choice = {.arm = chosen, .propensity = floor_of(chosen) / sum, .greedy = false, .status = Errc::ok},
      .rung = Rung::policy,
      .reason = ChoiceReason::share_floor};
}

Answer Ladder::below(ChoiceReason why) const noexcept {
  const auto usable = [this](ArmIndex arm) { return sound(arm); };
  const auto shared = [this](ArmIndex arm) { return sound(arm) && offered(arm); };
  const double shares = question_.config.safety ? share_sum(shared) : 0.0;
  if (shares > 0.0) {
    double left = rng(kSharesPurpose).uniform() * shares;
    ArmIndex chosen = kNoArm;
    double share_of_it = 0.0;
    for (const auto& [id, share] : question_.config.safety->allocation) {
      const ArmIndex arm = arms_.find(id);
      if (!shared(arm)) {
        continue;
      }
      chosen = arm;  // the last one stands where rounding leaves something over
      share_of_it = share;
      left -= share;
      if (left < 0.0) {
        break;
      }
    }
    return {.choice = {.arm = chosen, .propensity = share_of_it / shares, .status = Errc::ok},
            .rung = Rung::allocation,
            .reason = why};
  }
  const std::string_view fallback = question_.config.fallback;
  const ArmIndex arm = fallback.empty() ? kNoArm : arms_.find(fallback);
  if (arms_.enabled(arm) && offered(arm)) {  // a person chose it: guards do not take it from here
    return {
        .choice = {.arm = arm, .propensity = 1.0, .status = Errc::ok}, .rung = Rung::fallback, .reason = why};
  }
  const std::size_t good = safety_.held_back == 0 ? question_.eligible : count(usable);
  const std::size_t of = good > 0 ? good : question_.eligible;
  const std::uint64_t n = rng(kUniformPurpose).below(of);
  const ArmIndex any = good > 0 ? nth(usable, n) : nth([this](ArmIndex a) { return arms_.enabled(a); }, n);
  return {.choice = {.arm = any,
                     .propensity = 1.0 / static_cast<double>(of),
                     .greedy = false,
                     .status = Errc::ok},
          .rung = Rung::uniform,
          .reason = why};
}

double Ladder::below_probability(ArmIndex arm) const noexcept {
  const auto usable = [this](ArmIndex a) { return sound(a); };
  const auto shared = [this](ArmIndex a) { return sound(a) && offered(a); };
  const double shares = question_.config.safety ? share_sum(shared) : 0.0;
  if (shares > 0.0) {
    for (const auto& [id, share] : question_.config.safety->allocation) {
      if (shared(arm) && arms_.find(id) == arm) {
        return share / shares;
      }
    }
    return 0.0;
  }
  const std::string_view fallback = question_.config.fallback;
  const ArmIndex named = fallback.empty() ? kNoArm : arms_.find(fallback);
  if (arms_.enabled(named) && offered(named)) {
    return arm == named ? 1.0 : 0.0;
  }
  const std::size_t good = count(usable);
  const bool among = good > 0 ? usable(arm) : arms_.enabled(arm);
  return among ? 1.0 / static_cast<double>(good > 0 ? good : question_.eligible) : 0.0;
}

}  // namespace attune
