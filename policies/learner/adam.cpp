// SPDX-License-Identifier: Apache-2.0
#include <attune/policies/adam.hpp>

#include <algorithm>
#include <cmath>

#include "policies/learner/linear_learner_body.hpp"

namespace attune {

template <>
struct detail::CellStep<AdamRule> {
  CellStep(const AdamConfig& config, double /*weight*/) noexcept : config_(config) {}

  static constexpr bool finite() noexcept { return true; }
  void weight(double gradient, double& w, AdamRule::Moments& moments) const noexcept {
    moments.mean += (1.0 - config_.beta1) * (gradient - moments.mean);
    moments.square += (1.0 - config_.beta2) * (gradient * gradient - moments.square);
    moments.first *= config_.beta1;
    moments.second *= config_.beta2;
    const double mean = moments.mean / (1.0 - moments.first);
    const double square = moments.square / (1.0 - moments.second);
    w -= config_.rate * mean / (std::sqrt(square) + config_.epsilon);
  }
  void bias(double gradient, double& w, AdamRule::Moments& moments) const noexcept {
    weight(gradient, w, moments);
  }

 private:
  const AdamConfig& config_;
};

template <>
struct detail::LinearMath<AdamRule> : CellMath<AdamRule> {
  static void save(Writer& writer, const LinearModel& model, const State& state, std::uint64_t updates) {
    save_numbers(writer, model, updates);
    const auto write = [&](const AdamRule::Moments& moments) {
      for (const double number : {moments.mean, moments.square, moments.first, moments.second}) {
        writer.f64(number);
      }
    };
    std::ranges::for_each(state.cells, write);
    write(state.bias);
  }
  static bool load(Reader& reader, const Config& config, LinearModel& model, State& state,
                   std::uint64_t& updates) {
    load_numbers(reader, model, updates);
    bool good = all_within(model.weights, kLargestWeight) && std::abs(model.bias) <= kLargestWeight;
    const auto take = [&](AdamRule::Moments& moments) {
      for (double* number : {&moments.mean, &moments.square, &moments.first, &moments.second}) {
        *number = reader.finite();
      }
      // Written so that NaN fails. Powers of a beta are 1 before the first example, else at most the beta.
      const auto power = [](double value, double beta) {
        return value == 1.0 || (value >= 0.0 && value <= beta);
      };
      good = good && std::abs(moments.mean) <= kLargestSquares && moments.square >= 0.0 &&
             moments.square <= kLargestSquares && power(moments.first, config.beta1) &&
             power(moments.second, config.beta2);
    };
    std::ranges::for_each(state.cells, take);
    take(state.bias);
    return good;
  }
  static void describe(const Config& config, Description& text) {
    text.values.insert(text.values.end(),
                       {{"rate", config.rate}, {"beta1", config.beta1}, {"beta2", config.beta2}});
  }
};

template class LinearLearner<AdamRule>;
static_assert(check_online_learner<AdamLearner>());

}  // namespace attune
