// SPDX-License-Identifier: Apache-2.0
/// @file
/// AnyBandit: one handle for every Bandit, chosen at run time.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <string_view>
#include <utility>

#include <attune/core/concepts.hpp>
#include <attune/core/erased.hpp>
#include <attune/core/score_law.hpp>

namespace attune {
namespace detail {

/// What AnyBandit asks of what it holds.
struct ErasedBandit : ErasedArms<ErasedBandit> {
  [[nodiscard]] virtual Choice select(const Context& context, Rng& rng) const noexcept = 0;
  virtual Errc update(const Feedback& feedback) noexcept = 0;
  [[nodiscard]] virtual Errc probabilities(const Context& context, std::span<double> out) const noexcept = 0;
  virtual Errc note_pull(ArmIndex arm) noexcept = 0;
  virtual Errc note_lost(ArmIndex arm) noexcept = 0;
  [[nodiscard]] virtual bool counts_pending() const noexcept = 0;
  [[nodiscard]] virtual Result<void> warm_start(ArmIndex arm, const ArmPrior& prior) = 0;
  virtual Errc forget(ArmIndex arm, double keep) noexcept = 0;
  [[nodiscard]] virtual bool can_forget() const noexcept = 0;
  [[nodiscard]] virtual double expectation(ArmIndex arm, const Input& input,
                                           Features action) const noexcept = 0;
  [[nodiscard]] virtual bool has_expectation() const noexcept = 0;
  [[nodiscard]] virtual ScoreLaw score_law(ArmIndex arm, const Input& input,
                                           Features action) const noexcept = 0;
  [[nodiscard]] virtual bool draws_scores() const noexcept = 0;
};

template <Bandit B>
struct BanditModel final : ErasedArmsModel<ErasedBandit, BanditModel<B>, B> {
  using ErasedArmsModel<ErasedBandit, BanditModel, B>::ErasedArmsModel;
  [[nodiscard]] Choice select(const Context& context, Rng& rng) const noexcept override {
    return this->held.select(context, rng);
  }
  Errc update(const Feedback& feedback) noexcept override { return this->held.update(feedback); }
  [[nodiscard]] Errc probabilities(const Context& context, std::span<double> out) const noexcept override {
    if constexpr (ExplicitBandit<B>) {
      return this->held.probabilities(context, out);
    } else {
      return Errc::unsupported;
    }
  }
  Errc note_pull(ArmIndex arm) noexcept override {
    if constexpr (CountsPending<B>) {
      return this->held.note_pull(arm);
    } else {
      return to_index(arm) < this->held.arm_count() ? Errc::ok : Errc::unknown_arm;
    }
  }
  Errc note_lost(ArmIndex arm) noexcept override {
    if constexpr (CountsPending<B>) {
      return this->held.note_lost(arm);
    } else {
      return to_index(arm) < this->held.arm_count() ? Errc::ok : Errc::unknown_arm;
    }
  }
  [[nodiscard]] bool counts_pending() const noexcept override { return CountsPending<B>; }
  [[nodiscard]] Result<void> warm_start(ArmIndex arm, const ArmPrior& prior) override {
    return this->held.warm_start(arm, prior);
  }
  Errc forget(ArmIndex arm, double keep) noexcept override {
    if constexpr (Forgets<B>) {
      return this->held.forget(arm, keep);
    } else {
      return Errc::unsupported;
    }
  }
  [[nodiscard]] bool can_forget() const noexcept override { return Forgets<B>; }
  [[nodiscard]] double expectation(ArmIndex arm, const Input& input,
                                   Features action) const noexcept override {
    if constexpr (Expects<B>) {
      return this->held.expectation(arm, input, action);
    } else {
      return std::numeric_limits<double>::quiet_NaN();
    }
  }
  [[nodiscard]] bool has_expectation() const noexcept override { return Expects<B>; }
  [[nodiscard]] ScoreLaw score_law(ArmIndex arm, const Input& input,
                                   Features action) const noexcept override {
    if constexpr (DrawsScores<B>) {
      return this->held.score_law(arm, input, action);
    } else {
      return {};
    }
  }
  [[nodiscard]] bool draws_scores() const noexcept override { return DrawsScores<B>; }
};

}  // namespace detail

/// Holds any type that satisfies Bandit; copying copies the bandit. Calls cost one indirect call more.
/// A moved-from handle may only be assigned or destroyed.
class AnyBandit : public detail::ArmsHandle<detail::ErasedBandit> {
 public:
  // A handle has no kName: asking for it first keeps the concept from asking the handle whether it copies.
  template <class B>
    requires(requires { B::kName; } && Bandit<B>)
  explicit AnyBandit(B bandit) : ArmsHandle(std::make_unique<detail::BanditModel<B>>(std::move(bandit))) {}

  [[nodiscard]] Choice select(const Context& context, Rng& rng) const noexcept {
    return self_->select(context, rng);
  }
  Errc update(const Feedback& feedback) noexcept { return self_->update(feedback); }
  /// Errors: unsupported when the policy has no closed form.
  [[nodiscard]] Errc probabilities(const Context& context, std::span<double> out) const noexcept {
    return self_->probabilities(context, out);
  }
  /// Does nothing (and returns ok) for a policy that does not count pending pulls.
  Errc note_pull(ArmIndex arm) noexcept { return self_->note_pull(arm); }
  Errc note_lost(ArmIndex arm) noexcept { return self_->note_lost(arm); }
  [[nodiscard]] bool counts_pending() const noexcept { return self_->counts_pending(); }

  [[nodiscard]] Result<void> warm_start(ArmIndex arm, const ArmPrior& prior) {
    return self_->warm_start(arm, prior);
  }
  /// See Forgets. Errors: unsupported for a policy that cannot.
  Errc forget(ArmIndex arm, double keep) noexcept { return self_->forget(arm, keep); }
  [[nodiscard]] bool can_forget() const noexcept { return self_->can_forget(); }
  /// See Expects; NaN for a policy that has none.
  [[nodiscard]] double expectation(ArmIndex arm, const Input& input, Features action) const noexcept {
    return self_->expectation(arm, input, action);
  }
  [[nodiscard]] bool has_expectation() const noexcept { return self_->has_expectation(); }
  /// See DrawsScores; of kind unknown for a policy that does not.
  [[nodiscard]] ScoreLaw score_law(ArmIndex arm, const Input& input, Features action) const noexcept {
    return self_->score_law(arm, input, action);
  }
  [[nodiscard]] bool draws_scores() const noexcept { return self_->draws_scores(); }

  /// The bandit itself when it is a B, else null.
  template <Bandit B>
  [[nodiscard]] const B* as() const noexcept {
    return held_by<detail::BanditModel<B>>();
  }
};

}  // namespace attune
