// SPDX-License-Identifier: Apache-2.0
/// @file
/// LearnerArms: any OnlineLearner as the regression of each arm.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include <attune/core/concepts.hpp>
#include <attune/policies/linear_loss.hpp>

namespace attune {
namespace detail {

/// log(p / (1 - p)), p first brought away from 0 and 1.
[[nodiscard]] double log_odds(double probability) noexcept;

}  // namespace detail

/// One learner L an arm, all made alike. With logistic loss a score is the logarithm of the odds that the
/// learner predicts.
///
/// spread: the deviation that the learner states (predict_with_variance), else sqrt(kFirst / (1 + weight of
/// the arm's targets)). Cost and memory: those of L, an arm; learners stand apart in memory.
template <OnlineLearner L>
class LearnerArms {
 public:
  static constexpr double kFirst = 4.0;

  [[nodiscard]] static Result<LearnerArms> make(std::size_t arms, const Shape& shape, Loss loss) {
    typename L::Config config;
    config.loss = loss;
    return L::make(config, shape).map([&](L fresh) {
      return LearnerArms(arms, shape, loss, std::move(fresh));
    });
  }

  void scores(const Input& input, std::span<const std::uint32_t> which, double* mean,
              double* spread) const noexcept {
    for (std::size_t i = 0; i < which.size(); ++i) {
      const L& own = learners_[which[i]];
      const double predicted = own.predict(input);
      mean[i] = loss_ == Loss::logistic ? detail::log_odds(predicted) : predicted;
      if constexpr (requires { own.predict_with_variance(input); }) {
        spread[i] = std::sqrt(std::max(own.predict_with_variance(input).variance, 0.0));
      } else {
        spread[i] = std::sqrt(kFirst / (1.0 + seen_[which[i]]));
      }
    }
  }
  /// Returns the score before. What the learner refuses is not learned.
  double learn(std::size_t arm, const Input& input, double target, double weight) noexcept {
    const double predicted = learners_[arm].predict(input);
    if (learners_[arm].partial_fit(input, target, weight) == Errc::ok) {
      seen_[arm] += weight;
    }
    return loss_ == Loss::logistic ? detail::log_odds(predicted) : predicted;
  }
  /// A pseudo-target at a context of zeros.
  void learn_constant(std::size_t arm, double target, double weight) noexcept {
    learn(arm, {.dense = zeros_}, target, weight);
  }

  void add() {
    learners_.reserve(grown(learners_.capacity(), learners_.size() + 1));
    seen_.reserve(grown(seen_.capacity(), seen_.size() + 1));
    learners_.push_back(fresh_);
    seen_.push_back(0.0);
  }
  void reset(std::size_t arm) noexcept {
    learners_[arm] = fresh_;
    seen_[arm] = 0.0;
  }

  void save(Writer& writer) const {
    writer.numbers(seen_);
    for (const L& learner : learners_) {
      learner.save(writer);
    }
  }
  /// As many `arms`; false or a failed reader otherwise, unchanged then.
  [[nodiscard]] bool load(Reader& reader, std::size_t arms) {
    std::vector<double> seen = reader.exactly<double>(std::min(arms, reader.left()));
    std::vector<L> learners;
    for (std::size_t arm = 0; arm < seen.size() && reader.ok(); ++arm) {
      L learner = fresh_;
      // Written so that NaN fails.
      if (!learner.load(reader) || !(seen[arm] >= 0.0 && seen[arm] <= kMostSeen)) {
        return false;
      }
      learners.push_back(std::move(learner));
    }
    if (!reader.ok() || learners.size() != arms) {
      return false;
    }
    learners_ = std::move(learners);
    seen_ = std::move(seen);
    return true;
  }
  [[nodiscard]] bool operator==(const LearnerArms& other) const {
    return loss_ == other.loss_ && learners_ == other.learners_ && seen_ == other.seen_;
  }

 private:
  static constexpr double kMostSeen = 1e300;

  LearnerArms(std::size_t arms, const Shape& shape, Loss loss, L fresh)
      : loss_(loss),
        fresh_(std::move(fresh)),
        learners_(arms, fresh_),
        seen_(arms, 0.0),
        zeros_(shape.sparse ? 0 : shape.features, 0.0) {}
  [[nodiscard]] static std::size_t grown(std::size_t capacity, std::size_t needed) noexcept {
    return capacity >= needed ? needed : std::max(needed, 2 * capacity);
  }

  Loss loss_;
  L fresh_;
  std::vector<L> learners_;
  std::vector<double> seen_;   // weight of an arm's targets
  std::vector<double> zeros_;  // a context
};

}  // namespace attune
