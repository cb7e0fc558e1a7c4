// SPDX-License-Identifier: Apache-2.0
/// @file
/// SharePolicy: draws the arm from shares that follow the losses estimated so far; for worlds that may change
/// or play against it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include <attune/core/arm_set.hpp>
#include <attune/core/concepts.hpp>

namespace attune {

/// Draws arm a with probability p(a), a function of the scores of all arms that a Rule says (exp3.hpp and its
/// neighbours); of arms that are not all offered, with p(a) over the sum of theirs. A reward r of an arm that
/// was chosen with probability q is divided by q, so that the scores estimate what every arm would have had.
///
/// q is Feedback::propensity where it is known, so that a reward that comes late is divided by what held when
/// its arm was chosen; else the present p(a). Below 1e-9 it is taken for that.
///
/// Rewards: in [0, 1]; others are refused. `propensity` and `probabilities` are exact. `score` of a choice:
/// p(a); `greedy`: no arm that could be chosen has a larger one. An arm that is added or reset starts with
/// the best score of the others. `warm_start` counts as so many losses of 1/2 - mean each. Cost: select
/// O(arms), one draw; update O(arms), for the shares. Neither allocates. Memory: 17 bytes an arm. Choices are
/// random: pending pulls need no counting. Limits: the context is checked but not used.
template <class Rule>
class SharePolicy {
 public:
  using Config = typename Rule::Config;

  static constexpr std::string_view kName = Rule::kName;
  static constexpr std::uint32_t kStateVersion = 1;

  /// Errors: invalid_config, naming the field.
  [[nodiscard]] static Result<SharePolicy> make(const Config& config, const Shape& shape);

  [[nodiscard]] Choice select(const Context& context, Rng& rng) const noexcept;
  [[nodiscard]] Errc probabilities(const Context& context, std::span<double> out) const noexcept;

  /// Errors: unknown_arm, non_finite (an argument, or a score that would overflow), invalid_argument (weight
  /// < 0, reward outside [0, 1]).
  [[nodiscard]] Errc update(const Feedback& feedback) noexcept;

  [[nodiscard]] std::size_t arm_count() const noexcept { return arms_.count(); }
  [[nodiscard]] bool enabled(ArmIndex arm) const noexcept { return arms_.enabled(arm); }
  /// Errors: full. Cost: O(arms), as for the two below.
  [[nodiscard]] Result<ArmIndex> add_arm();
  Errc set_enabled(ArmIndex arm, bool on) noexcept { return arms_.set_enabled(arm, on); }
  /// Errors: unknown_arm.
  Errc reset_arm(ArmIndex arm) noexcept;
  /// Errors: unknown_arm, non_finite, invalid_argument.
  [[nodiscard]] Result<void> warm_start(ArmIndex arm, const ArmPrior& prior);
  /// See Forgets: brings scores nearer to the best one. Errors: unknown_arm, invalid_argument.
  Errc forget(ArmIndex arm, double keep) noexcept;

  /// p(a) where all arms may be chosen. The arm must exist.
  [[nodiscard]] double share(ArmIndex arm) const noexcept { return shares_[to_index(arm)]; }
  [[nodiscard]] std::uint64_t updates() const noexcept { return updates_; }

  void save(Writer& writer) const;
  /// Errors: corrupt_state; unchanged on error.
  [[nodiscard]] Result<void> load(Reader& reader);
  [[nodiscard]] Description describe() const;
  [[nodiscard]] bool operator==(const SharePolicy& other) const {
    return arms_ == other.arms_ && losses_ == other.losses_ && rounds_ == other.rounds_ &&
           updates_ == other.updates_;
  }

 private:
  /// Of the arms that may be chosen, as often as they are listed.
  struct Offer {
    double shares = 0.0;
    double largest = 0.0;
    std::size_t arms = 0;
  };

  SharePolicy(const Config& config, const Shape& shape);
  [[nodiscard]] Offer offer_of(const Context& context) const noexcept;
  [[nodiscard]] double probability(const Context& context, const Offer& offer,
                                   std::size_t arm) const noexcept;
  [[nodiscard]] double best_of_others(std::size_t arm) const noexcept;
  void refresh() noexcept;

  Config config_;
  std::size_t features_;
  bool sparse_;
  ArmSet arms_;
  std::vector<double> losses_;  // scores, smaller is better
  std::uint64_t rounds_ = 0;    // updates that were learned from
  std::uint64_t updates_ = 0;
  std::vector<double> shares_;  // derived: p, over all arms
};

}  // namespace attune
