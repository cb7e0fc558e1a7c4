// SPDX-License-Identifier: Apache-2.0
/// @file
/// RewardOracle: what predicts the rewards of all arms from one context, of a kind chosen by option.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>
#include <variant>

#include <attune/policies/adagrad.hpp>
#include <attune/policies/adam.hpp>
#include <attune/policies/auto_linear.hpp>
#include <attune/policies/bayes_linear.hpp>
#include <attune/policies/ftrl.hpp>
#include <attune/policies/gradient_arms.hpp>
#include <attune/policies/learner_arms.hpp>
#include <attune/policies/nag.hpp>
#include <attune/policies/neural_arms.hpp>
#include <attune/policies/random_features.hpp>
#include <attune/policies/regression_tree.hpp>
#include <attune/policies/ridge_arms.hpp>
#include <attune/policies/sgd.hpp>

namespace attune {

/// Kinds of RewardOracle.
enum class OracleKind : std::uint8_t {
  automatic,  ///< ridge while its matrices stay small, else gradient; of sparse contexts nag
  ridge,
  gradient,
  sgd,
  adagrad,
  ftrl,
  nag,
  adam,
  bayes_linear,
  auto_linear,
  random_features,
  tree,
  neural_linear,
};
template <>
inline constexpr std::array<std::string_view, 13> kEnumNames<OracleKind>{
    "automatic",    "ridge",       "gradient",        "sgd",  "adagrad",      "ftrl", "nag", "adam",
    "bayes_linear", "auto_linear", "random_features", "tree", "neural_linear"};

/// A context as oracles want it: `scaled` for ridge and gradient (see OracleArms; padded with zeros to a
/// multiple of eight), `raw` for the others.
struct OracleInput {
  const Input& raw;
  std::span<const double> scaled;
};

/// Rewards of each arm as a regression on the context: one of the kinds above, none of them automatic.
///
/// A score is what the regression adds up: the reward itself with squared loss, the logarithm of its odds
/// with logistic loss.
class RewardOracle {
 public:
  /// Features that ridge and gradient can have, without the constant.
  static constexpr std::size_t kMaxScaled = RidgeBank::kMaxDimension - 1;

  /// What `automatic` stands for, others as they are.
  [[nodiscard]] static OracleKind chosen(OracleKind kind, const Shape& shape) noexcept;
  /// `neural` is for neural_linear. Errors: invalid_config, naming the field; unsupported for sparse contexts
  /// of ridge, gradient and others that are dense only.
  [[nodiscard]] static Result<RewardOracle> make(std::string_view policy, OracleKind kind, Loss loss,
                                                 const Shape& shape, const NeuralOptions& neural = {});

  [[nodiscard]] OracleKind kind() const noexcept;
  /// Whether it reads OracleInput::scaled.
  [[nodiscard]] bool wants_scaled() const noexcept { return kind() <= OracleKind::gradient; }

  /// Score and its deviation (GradientArms, RidgeArms and LearnerArms say what that is) of the arms which[i].
  void scores(const OracleInput& input, std::span<const std::uint32_t> which, double* mean,
              double* spread) const noexcept;
  /// Of all arms; returns their spreads, in `room` or elsewhere. Arrays have room for their number rounded up
  /// to a multiple of eight.
  const double* all_scores(const OracleInput& input, std::span<const std::uint32_t> all, double* mean,
                           double* room) const noexcept;
  /// Returns the score before. Never refuses a target up to 1e60 in magnitude of a weight up to 1e9.
  double learn(std::size_t arm, const OracleInput& input, double target, double weight) noexcept;
  void learn_constant(std::size_t arm, double target, double weight) noexcept;

  /// Errors: full.
  [[nodiscard]] Result<void> add();
  void reset(std::size_t arm) noexcept;
  /// Errors: unsupported for learners and keep above 0.
  [[nodiscard]] Errc forget(std::size_t arm, double keep) noexcept;
  /// See RidgeArms and GradientArms; nothing of learners.
  void restate(std::span<const double> stretch, std::span<const double> shift) noexcept;

  void save(Writer& writer) const;
  /// An oracle of this kind, shape and as many `arms`; false or a failed reader otherwise, unchanged then.
  [[nodiscard]] bool load(Reader& reader, std::size_t arms);
  [[nodiscard]] bool operator==(const RewardOracle& other) const = default;

 private:
  using Any = std::variant<RidgeArms, GradientArms, LearnerArms<SgdLearner>, LearnerArms<AdaGradLearner>,
                           LearnerArms<FtrlLearner>, LearnerArms<NagLearner>, LearnerArms<AdamLearner>,
                           LearnerArms<BayesLinearLearner>, LearnerArms<AutoLinearLearner>,
                           LearnerArms<RandomFeatures>, LearnerArms<RegressionTree>, NeuralArms>;

  explicit RewardOracle(Any any) : any_(std::move(any)) {}
  template <class Learners>
  [[nodiscard]] static Result<RewardOracle> of_learners(Loss loss, const Shape& shape);

  Any any_;  // in the order of OracleKind, less the first
};

}  // namespace attune
