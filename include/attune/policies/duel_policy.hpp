// SPDX-License-Identifier: Apache-2.0
/// @file
/// DuelPolicy: chooses two arms to be compared by a rule over what is known of all pairs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

#include <attune/core/duels.hpp>

namespace attune {

/// The most arms of a dueling bandit.
inline constexpr std::size_t kMaxDuelArms = 1024;

/// Asks for the preference that its Rule wants to know, and learns who won.
///
/// A Rule has a Config, the constants kName and kTitle, and a type Model that keeps what is known (DuelTable,
/// DuelRatings); how to choose is in its source: see duel_policy_body.hpp. An arm that is offered twice
/// counts once.
template <class Rule>
class DuelPolicy {
 public:
  using Config = typename Rule::Config;
  using Model = typename Rule::Model;

  static constexpr std::string_view kName = Rule::kName;
  static constexpr std::uint32_t kStateVersion = 1;

  /// Errors: invalid_config, naming the field, or more than kMaxDuelArms.
  [[nodiscard]] static Result<DuelPolicy> make(const Config& config, const Shape& shape);

  [[nodiscard]] PairChoice select_pair(const Context& context, Rng& rng) const noexcept;
  /// Errors: those of check_duel_feedback; dimension_mismatch, non_finite (input).
  [[nodiscard]] Errc update(const DuelFeedback& feedback) noexcept;
  [[nodiscard]] ArmIndex best_arm() const noexcept;

  [[nodiscard]] std::size_t arm_count() const noexcept { return model_.arms().count(); }
  [[nodiscard]] bool enabled(ArmIndex arm) const noexcept { return model_.arms().enabled(arm); }
  /// Errors: full, at kMaxDuelArms.
  [[nodiscard]] Result<ArmIndex> add_arm();
  Errc set_enabled(ArmIndex arm, bool on) noexcept { return model_.arms().set_enabled(arm, on); }
  /// Forgets an arm's comparisons with all others. Errors: unknown_arm.
  Errc reset_arm(ArmIndex arm) noexcept;
  [[nodiscard]] std::uint64_t updates() const noexcept { return updates_; }
  [[nodiscard]] const Model& model() const noexcept { return model_; }

  void save(Writer& writer) const;
  /// Errors: corrupt_state; unchanged on error.
  [[nodiscard]] Result<void> load(Reader& reader);
  [[nodiscard]] Description describe() const;
  [[nodiscard]] bool operator==(const DuelPolicy& other) const {
    return updates_ == other.updates_ && model_ == other.model_;
  }

 private:
  DuelPolicy(const Config& config, const Shape& shape);

  Config config_;
  std::size_t features_;
  bool sparse_;
  Model model_;
  std::uint64_t updates_ = 0;
};

}  // namespace attune
