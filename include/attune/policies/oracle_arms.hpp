// SPDX-License-Identifier: Apache-2.0
/// @file
/// OracleArms: arms with one or more regressions of their rewards, and the scale of the context: what the
/// bandits over a regression share.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <attune/core/arm_set.hpp>
#include <attune/core/concepts.hpp>
#include <attune/policies/context_scaling.hpp>
#include <attune/policies/reward_oracle.hpp>

namespace attune {

/// What a policy asks of its OracleArms.
struct OracleSetup {
  std::string_view policy;  ///< a literal
  OracleKind oracle = OracleKind::automatic;
  Loss loss = Loss::squared;
  std::size_t members = 1;  ///< regressions
  NeuralOptions neural{};   ///< of the oracle neural_linear
};

/// Arms, `members` RewardOracles over them, and what is known of the context and the rewards. Members are all
/// of one kind.
///
/// Oracles of the kinds ridge and gradient see the context scaled: each feature brought to mean 0 and
/// deviation 1 and cut (ContextScaling), times 2 / sqrt(features), and a constant 1. The scale is taken anew
/// after 2, 3, 4, 6, 9, ... rewards, half as many again each time, where it has moved by more than a tenth of
/// a deviation; what was learned is then restated in the new one (RewardOracle::restate), so that nothing is
/// learned twice and no context kept. The first 1024 contexts are counted for the scale, later every eighth.
/// Learners see the context as it came.
class OracleArms {
 public:
  /// Errors: invalid_config, naming the field; unsupported (sparse contexts of a dense oracle).
  [[nodiscard]] static Result<OracleArms> make(const OracleSetup& setup, const Shape& shape);

  /// A context in the form that the oracles read. `buffer` is written as far as it is read.
  struct alignas(64) Buffer : std::array<double, RidgeBank::kMaxDimension> {};
  [[nodiscard]] OracleInput prepared(const Input& input, Buffer& buffer) const noexcept;
  [[nodiscard]] Errc check(const Context& context) const noexcept;
  [[nodiscard]] const RewardOracle& member(std::size_t i) const noexcept { return members_[i]; }
  [[nodiscard]] std::size_t member_count() const noexcept { return members_.size(); }
  [[nodiscard]] bool logistic() const noexcept { return setup_.loss == Loss::logistic; }
  /// Score as a reward.
  [[nodiscard]] double linked(double score) const noexcept;

  /// Checks a reward. Errors: as Bandit::update; non_finite also for a reward beyond 1e50, a weight beyond
  /// 1e9, what a model makes of it beyond 1e60, and a feature beyond 1e20 where a learner reads it;
  /// invalid_argument for a reward outside [0, 1] with logistic loss.
  [[nodiscard]] Errc check(const Feedback& feedback) const noexcept;
  /// After check(): `learn(member, number, input)` does what a policy wants for each member, and returns its
  /// score of the arm before; then what is known of rewards and contexts is brought up to date.
  template <class Learn>
  void update(const Feedback& feedback, const Learn& learn) noexcept {
    Buffer buffer;  // NOLINT(cppcoreguidelines-pro-type-member-init): written as far as it is read
    const OracleInput input = prepared(feedback.input, buffer);
    if (begin(feedback)) {
      const double score = learn(members_.front(), std::size_t{0}, input);
      for (std::size_t i = 1; i < members_.size(); ++i) {
        learn(members_[i], i, input);
      }
      finish(feedback, score);
    }
  }

  /// Errors: full.
  [[nodiscard]] Result<ArmIndex> add();
  Errc reset(ArmIndex arm) noexcept;
  /// See Forgets. Errors: also unsupported, for learners and keep strictly between 0 and 1.
  Errc forget(ArmIndex arm, double keep) noexcept;
  /// `prior.weight` pseudo-rewards of `prior.mean` at the mean context (learners: at zeros).
  [[nodiscard]] Result<void> warm_start(ArmIndex arm, const ArmPrior& prior);
  /// See Expects: the average of the members.
  [[nodiscard]] double expectation(ArmIndex arm, const Input& input) const noexcept;

  [[nodiscard]] const ArmSet& arms() const noexcept { return arms_; }
  [[nodiscard]] ArmSet& arms() noexcept { return arms_; }
  [[nodiscard]] OracleKind kind() const noexcept { return members_.front().kind(); }
  [[nodiscard]] std::uint64_t updates() const noexcept { return updates_; }
  /// Root of the mean squared error of the predictions, each made before its reward was learned, one error of
  /// half a range added; 1 with logistic loss.
  [[nodiscard]] double deviation() const noexcept { return deviation_; }
  /// Largest reward less smallest; 1 while they are equal.
  [[nodiscard]] double range() const noexcept { return range_; }

  void save(Writer& writer) const;
  /// Errors: corrupt_state; unchanged on error.
  [[nodiscard]] Result<void> load(Reader& reader);
  /// One row an arm: enabled, rewards, and the score at the mean context.
  [[nodiscard]] Description describe(std::string summary) const;
  [[nodiscard]] bool operator==(const OracleArms& other) const;

 private:
  OracleArms(const OracleSetup& setup, const Shape& shape);
  [[nodiscard]] Result<void> build(OracleKind kind, std::size_t arms);
  [[nodiscard]] bool scaled() const noexcept { return members_.front().wants_scaled(); }
  [[nodiscard]] bool begin(const Feedback& feedback) noexcept;
  void finish(const Feedback& feedback, double score) noexcept;
  [[nodiscard]] bool notes_next() const noexcept;
  void derive() noexcept;

  OracleSetup setup_;
  Shape shape_;
  ArmSet arms_;
  std::vector<RewardOracle> members_;
  ContextScaling scaling_;
  std::vector<double> rewards_;                             // weight of an arm's rewards
  double least_ = std::numeric_limits<double>::infinity();  // of the rewards
  double most_ = -std::numeric_limits<double>::infinity();
  double errors_ = 0.0;        // weighted squares
  double weights_ = 0.0;       // of the errors
  std::uint64_t learned_ = 0;  // rewards of some weight
  std::uint64_t next_ = 2;     // at so many the scale is looked at
  std::uint64_t updates_ = 0;
  // Derived.
  double size_;  // of a scaled feature whose deviation is 1
  double range_ = 1.0;
  double deviation_ = 1.0;
  // Scratch of a change of scale.
  std::vector<double> stretch_;
  std::vector<double> shift_;
};

}  // namespace attune
