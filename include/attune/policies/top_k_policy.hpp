// SPDX-License-Identifier: Apache-2.0
/// @file
/// TopKPolicy: shows the k arms of the largest scores, best first; what the score is, a rule says.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

#include <attune/core/slates.hpp>

namespace attune {

/// Shows the k arms with the largest score(a), the largest first. What each shown arm brought is learned for
/// that arm alone: its reward with the signal `items`; with `first_click` a 0 for what stood before the
/// click, a 1 for the clicked arm, and nothing for what stood after it. So each rule here is two published
/// policies, one for either signal; docs/slates.md has the table.
///
/// A Rule has a Config, the constants kName, kTitle, kDomain and kRandom, a type Model that knows the arms
/// (its `arms()`, and the life of an arm), and, in its source, how to score: see top_k_policy_body.hpp.
///
/// Ties are broken uniformly. Propensities: of a position, 1 / (arms left that have its score); where scores
/// are drawn (kRandom) NaN, computed later, and 1 where one arm could be chosen. An arm that is offered twice
/// is shown once. Cost: select_slate O(arms + k) and k for each arm that enters the list on the way; update
/// O(k). None allocates. Limits: late rewards make a policy that does not draw repeat its list in the same
/// context.
template <class Rule>
class TopKPolicy {
 public:
  using Config = typename Rule::Config;
  using Model = typename Rule::Model;

  static constexpr std::string_view kName = Rule::kName;
  static constexpr std::uint32_t kStateVersion = 1;

  /// Errors: invalid_config, naming the field; unsupported where the rule's model cannot take the context.
  [[nodiscard]] static Result<TopKPolicy> make(const Config& config, const Shape& shape);

  [[nodiscard]] SlateChoice select_slate(const Context& context, Rng& rng,
                                         const SlateOut& out) const noexcept;

  /// Errors: those of check_slate_feedback; unsupported (signal `whole`); invalid_argument (a reward outside
  /// the rule's domain); dimension_mismatch, non_finite (input, or numbers that would overflow).
  [[nodiscard]] Errc update(const SlateFeedback& feedback) noexcept;
  [[nodiscard]] static constexpr bool takes(SlateSignal signal) noexcept {
    return signal != SlateSignal::whole;
  }

  [[nodiscard]] std::size_t arm_count() const noexcept { return model_.arms().count(); }
  [[nodiscard]] bool enabled(ArmIndex arm) const noexcept { return model_.arms().enabled(arm); }
  /// Errors: full.
  [[nodiscard]] Result<ArmIndex> add_arm() { return Rule::add(model_); }
  Errc set_enabled(ArmIndex arm, bool on) noexcept { return Rule::enable(model_, arm, on); }
  /// Errors: unknown_arm.
  Errc reset_arm(ArmIndex arm) noexcept { return Rule::reset(model_, arm); }
  /// Slates learned.
  [[nodiscard]] std::uint64_t updates() const noexcept { return slates_; }
  [[nodiscard]] const Model& model() const noexcept { return model_; }

  void save(Writer& writer) const;
  /// Errors: corrupt_state; unchanged on error.
  [[nodiscard]] Result<void> load(Reader& reader);
  [[nodiscard]] Description describe() const;
  [[nodiscard]] bool operator==(const TopKPolicy& other) const {
    return slates_ == other.slates_ && model_ == other.model_;
  }

 private:
  TopKPolicy(const Config& config, Model model) : config_(config), model_(std::move(model)) {}

  Config config_;
  Model model_;
  std::uint64_t slates_ = 0;
};

}  // namespace attune
