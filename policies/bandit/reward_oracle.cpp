// SPDX-License-Identifier: Apache-2.0
#include <attune/policies/reward_oracle.hpp>

#include <algorithm>
#include <string>
#include <type_traits>

#include "core/kernels.hpp"
#include "core/portable_math.hpp"

namespace attune {

double detail::log_odds(double probability) noexcept {
  constexpr double kSurest = 1e-15;
  const double p = std::clamp(probability, kSurest, 1.0 - kSurest);
  return portable_log(p / (1.0 - p));
}

namespace {

// Numbers in the matrices of one kind up to which `automatic` means ridge: 32 MiB, twice.
constexpr std::size_t kMostRidgeNumbers = std::size_t{1} << 22;
constexpr std::size_t kMostRidgeFeatures = 128;

template <class Arms>
inline constexpr bool kIsScaled = std::is_same_v<Arms, RidgeArms> || std::is_same_v<Arms, GradientArms>;

}  // namespace

OracleKind RewardOracle::chosen(OracleKind kind, const Shape& shape) noexcept {
  if (kind != OracleKind::automatic) {
    return kind;
  }
  if (shape.sparse) {
    return OracleKind::nag;
  }
  const bool few =
      shape.features <= kMostRidgeFeatures &&
      shape.arms <= kMostRidgeNumbers / detail::packed_size(detail::strip_count(shape.features + 1));
  return few ? OracleKind::ridge : OracleKind::gradient;
}

template <class Learners>
Result<RewardOracle> RewardOracle::of_learners(Loss loss, const Shape& shape) {
  return Learners::make(shape.arms, shape, loss).map([](Learners made) {
    return RewardOracle(Any(std::move(made)));
  });
}

Result<RewardOracle> RewardOracle::make(std::string_view policy, OracleKind kind, Loss loss,
                                        const Shape& shape, const NeuralOptions& neural) {
  if (Result<void> verdict = check_curved_loss(policy, loss); !verdict) {
    return tl::unexpected(std::move(verdict).error());
  }
  const OracleKind own = chosen(kind, shape);
  if (own <= OracleKind::gradient) {
    const std::string name(kEnumNames<OracleKind>.at(static_cast<std::size_t>(own)));
    if (shape.sparse) {
      return fail(Errc::unsupported,
                  std::string(policy) + ": oracle = \"" + name +
                      "\" needs a dense context; the learners (\"nag\", \"ftrl\", ...) take "
                      "sparse ones");
    }
    if (shape.features > kMaxScaled) {
      return fail(Errc::invalid_config, std::string(policy) + ": oracle = \"" + name + "\" takes at most " +
                                            std::to_string(kMaxScaled) + " features, not " +
                                            std::to_string(shape.features) + "; declare a sparse context");
    }
  }
  const std::size_t size = shape.features + 1;
  switch (own) {
    case OracleKind::ridge:
      return RidgeArms::make(shape.arms, size, loss).map([](RidgeArms made) {
        return RewardOracle(Any(std::move(made)));
      });
    case OracleKind::sgd:
      return of_learners<LearnerArms<SgdLearner>>(loss, shape);
    case OracleKind::adagrad:
      return of_learners<LearnerArms<AdaGradLearner>>(loss, shape);
    case OracleKind::ftrl:
      return of_learners<LearnerArms<FtrlLearner>>(loss, shape);
    case OracleKind::nag:
      return of_learners<LearnerArms<NagLearner>>(loss, shape);
    case OracleKind::adam:
      return of_learners<LearnerArms<AdamLearner>>(loss, shape);
    case OracleKind::bayes_linear:
      return of_learners<LearnerArms<BayesLinearLearner>>(loss, shape);
    case OracleKind::auto_linear:
      return of_learners<LearnerArms<AutoLinearLearner>>(loss, shape);
    case OracleKind::random_features:
      return of_learners<LearnerArms<RandomFeatures>>(loss, shape);
    case OracleKind::tree:
      return of_learners<LearnerArms<RegressionTree>>(loss, shape);
    case OracleKind::neural_linear:
      return NeuralArms::make(policy, neural, loss, shape).map([](NeuralArms made) {
        return RewardOracle(Any(std::move(made)));
      });
    case OracleKind::automatic:
    case OracleKind::gradient:
      break;
  }
  return RewardOracle(Any(GradientArms(shape.arms, size, loss)));
}

// std::visit throws for a variant without a value only; moving its types does not throw, so it always has
// one. NOLINTBEGIN(bugprone-exception-escape)
OracleKind RewardOracle::kind() const noexcept { return static_cast<OracleKind>(any_.index() + 1); }

void RewardOracle::scores(const OracleInput& input, std::span<const std::uint32_t> which, double* mean,
                          double* spread) const noexcept {
  std::visit(
      [&]<class Arms>(const Arms& arms) {
        if constexpr (kIsScaled<Arms>) {
          arms.scores(input.scaled, which, mean, spread);
        } else {
          arms.scores(input.raw, which, mean, spread);
        }
      },
      any_);
}

const double* RewardOracle::all_scores(const OracleInput& input, std::span<const std::uint32_t> all,
                                       double* mean, double* room) const noexcept {
  if (const auto* const gradient = std::get_if<GradientArms>(&any_)) {
    return gradient->all_scores(input.scaled, mean);
  }
  scores(input, all, mean, room);
  return room;
}

double RewardOracle::learn(std::size_t arm, const OracleInput& input, double target, double weight) noexcept {
  return std::visit(
      [&]<class Arms>(Arms& arms) {
        if constexpr (kIsScaled<Arms>) {
          return arms.learn(arm, input.scaled, target, weight);
        } else {
          return arms.learn(arm, input.raw, target, weight);
        }
      },
      any_);
}

void RewardOracle::learn_constant(std::size_t arm, double target, double weight) noexcept {
  std::visit([&](auto& arms) { arms.learn_constant(arm, target, weight); }, any_);
}

Result<void> RewardOracle::add() {
  return std::visit(
      []<class Arms>(Arms& arms) -> Result<void> {
        if constexpr (std::is_void_v<decltype(arms.add())>) {
          arms.add();
          return {};
        } else {
          return arms.add();
        }
      },
      any_);
}

void RewardOracle::reset(std::size_t arm) noexcept {
  std::visit([&](auto& arms) { arms.reset(arm); }, any_);
}

Errc RewardOracle::forget(std::size_t arm, double keep) noexcept {
  return std::visit(
      [&]<class Arms>(Arms& arms) {
        if constexpr (kIsScaled<Arms>) {
          arms.forget(arm, keep);
        } else if (keep == 0.0) {
          arms.reset(arm);
        } else if (keep < 1.0) {
          return Errc::unsupported;
        }
        return Errc::ok;
      },
      any_);
}

void RewardOracle::restate(std::span<const double> stretch, std::span<const double> shift) noexcept {
  std::visit(
      [&]<class Arms>(Arms& arms) {
        if constexpr (kIsScaled<Arms>) {
          arms.restate(stretch, shift);
        }
      },
      any_);
}

// NOLINTEND(bugprone-exception-escape)

void RewardOracle::save(Writer& writer) const {
  std::visit([&](const auto& arms) { arms.save(writer); }, any_);
}

bool RewardOracle::load(Reader& reader, std::size_t arms) {
  return std::visit([&](auto& own) { return own.load(reader, arms); }, any_);
}

}  // namespace attune
