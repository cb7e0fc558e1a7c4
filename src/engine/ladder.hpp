// SPDX-License-Identifier: Apache-2.0
/// @file
/// Ladder: the rungs that answer a decision, and the probabilities of what they answer.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include <attune/core/rng.hpp>

#include "engine/choose.hpp"

namespace attune {

/// One decision on its way down. Everything is bounded by the number of arms, and nothing allocates but the
/// first growth of `room`.
///
/// With guards, the answer is drawn from a mixture: forced tests of arms on probation and of arms with too
/// few trials, what each arm is owed, the live policy, and what stands in for it. An arm may be reachable in
/// several ways, so its propensity is the sum over the branches of weight x probability in the branch.
class Ladder {
 public:
  Ladder(const Question& question, std::vector<double>& room) noexcept;

  /// The live policy as it likes, and the rungs below when it cannot choose. Errors: as choose_arm().
  [[nodiscard]] Errc live(Answer& answer) const noexcept;
  [[nodiscard]] double live_probability(ArmIndex arm) const noexcept;
  /// The same under guards and limits of exploration.
  [[nodiscard]] Errc guarded(Answer& answer) const noexcept;
  [[nodiscard]] double guarded_probability(ArmIndex arm) const noexcept;
  /// Static shares, fallback arm, any arm.
  [[nodiscard]] Answer below(ChoiceReason why) const noexcept;
  [[nodiscard]] double below_probability(ArmIndex arm) const noexcept;

 private:
  enum class Branch : std::uint8_t {
    probation,
    floors,
    trial,
    boost,
    baseline,
    greedy,
    policy,
    snapshot,
    below
  };
  static constexpr std::size_t kBranches = 9;
  struct Mixture {
    std::array<double, kBranches> weight{};
    ChoiceReason below_reason = ChoiceReason::usual;
    [[nodiscard]] double& operator[](Branch branch) noexcept {
      return weight[static_cast<std::size_t>(branch)];
    }
    [[nodiscard]] double operator[](Branch branch) const noexcept {
      return weight[static_cast<std::size_t>(branch)];
    }
  };

  /// For any arm; the tests below are for arms that are known to be offered.
  [[nodiscard]] bool offered(ArmIndex arm) const noexcept;
  [[nodiscard]] bool sound(ArmIndex arm) const noexcept {
    return arms_.enabled(arm) && safety_.of(arm) == Standing::sound;
  }
  [[nodiscard]] bool on_probation(ArmIndex arm) const noexcept {
    return arms_.enabled(arm) && safety_.of(arm) == Standing::probation;
  }
  [[nodiscard]] bool wants_trial(ArmIndex arm) const noexcept;
  template <class Test>
  [[nodiscard]] std::size_t count(Test&& test) const noexcept;
  template <class Test>
  [[nodiscard]] ArmIndex nth(Test&& test, std::uint64_t n) const noexcept;
  template <class Test>
  [[nodiscard]] double share_sum(Test&& test) const noexcept;
  [[nodiscard]] ArmIndex baseline() const noexcept;
  /// No policy is to be asked about this context.
  [[nodiscard]] bool unfamiliar() const noexcept;

  [[nodiscard]] Mixture mixture() const noexcept;
  [[nodiscard]] static Branch draw(const Mixture& mixture, double u) noexcept;
  [[nodiscard]] Errc answer_branch(Branch branch, const Mixture& mixture, Answer& answer) const noexcept;
  [[nodiscard]] double probability(Branch branch, ArmIndex arm) const noexcept;
  [[nodiscard]] Choice select(const AnyPolicy& policy, std::uint32_t purpose) const noexcept;
  [[nodiscard]] double policy_probability(const AnyPolicy& policy, ArmIndex arm) const noexcept;
  /// Whether a branch that draws uniformly may draw the arm.
  [[nodiscard]] bool wanted(Branch branch, ArmIndex arm) const noexcept;
  [[nodiscard]] Answer forced(Branch branch, ChoiceReason why) const noexcept;
  /// The least share of an arm that is sound; their sum over those that are offered.
  [[nodiscard]] double floor_of(ArmIndex arm) const noexcept;
  [[nodiscard]] double floor_sum() const noexcept;
  [[nodiscard]] Answer owed() const noexcept;
  [[nodiscard]] ArmIndex greedy_arm() const noexcept;
  [[nodiscard]] Rng rng(std::uint32_t purpose) const noexcept {
    return Rng(question_.key.seed, question_.key.stream, question_.key.sequence, purpose);
  }

  const Question& question_;
  const ArmTable& arms_;
  const SafetyView& safety_;
  std::vector<double>& room_;
};

template <class Test>
std::size_t Ladder::count(Test&& test) const noexcept {
  std::size_t found = 0;
  if (question_.offered.empty()) {
    for (std::size_t slot = 0; slot < arms_.slot_count(); ++slot) {
      found += test(to_arm(slot)) ? 1 : 0;
    }
  } else {
    for (const ArmIndex arm : question_.offered) {
      found += test(arm) ? 1 : 0;
    }
  }
  return found;
}

template <class Test>
ArmIndex Ladder::nth(Test&& test, std::uint64_t n) const noexcept {
  const std::size_t slots = question_.offered.empty() ? arms_.slot_count() : question_.offered.size();
  for (std::size_t i = 0; i < slots; ++i) {
    const ArmIndex arm = question_.offered.empty() ? to_arm(i) : question_.offered[i];
    if (test(arm) && n-- == 0) {
      return arm;
    }
  }
  return kNoArm;
}

}  // namespace attune
