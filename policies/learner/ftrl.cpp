// SPDX-License-Identifier: Apache-2.0
#include <attune/policies/ftrl.hpp>

#include <cmath>
#include <vector>

#include "policies/learner/linear_learner_body.hpp"

namespace attune {

template <>
struct detail::CellStep<FtrlRule> {
  explicit CellStep(const FtrlConfig& config, double /*weight*/ = 1.0) noexcept
      : config_(config), inverse_alpha_(1.0 / config.alpha) {}

  static constexpr bool finite() noexcept { return true; }
  void weight(double gradient, double& w, FtrlRule::Sums& sums) const noexcept {
    learn(sums, w, gradient, config_.l1, config_.l2);
  }
  void bias(double gradient, double& w, FtrlRule::Sums& sums) const noexcept {
    learn(sums, w, gradient, 0.0, 0.0);
  }
  /// The weight of the sums.
  [[nodiscard]] double solve(double gradient, double root, double l1, double l2) const noexcept {
    const double excess = std::abs(gradient) - l1;
    if (excess <= 0.0) {
      return 0.0;
    }
    return -std::copysign(excess, gradient) / (((config_.beta + root) * inverse_alpha_) + l2);
  }

 private:
  void learn(FtrlRule::Sums& sums, double& w, double gradient, double l1, double l2) const noexcept {
    const double squares = sums.squares + (gradient * gradient);
    const double root = std::sqrt(squares);
    const double sigma = (root - std::sqrt(sums.squares)) * inverse_alpha_;
    sums.gradient += gradient - (sigma * w);
    sums.squares = squares;
    w = solve(sums.gradient, root, l1, l2);
  }

  const FtrlConfig& config_;
  double inverse_alpha_;
};

template <>
struct detail::LinearMath<FtrlRule> : CellMath<FtrlRule> {
  static void save(Writer& writer, const LinearModel& /*model*/, const State& state, std::uint64_t updates) {
    writer.u64(updates);
    for (double FtrlRule::Sums::* part : {&FtrlRule::Sums::gradient, &FtrlRule::Sums::squares}) {
      writer.u64(state.cells.size());
      for (const FtrlRule::Sums& sums : state.cells) {
        writer.f64(sums.*part);
      }
    }
    writer.f64(state.bias.gradient);
    writer.f64(state.bias.squares);
  }
  static bool load(Reader& reader, const Config& config, LinearModel& model, State& state,
                   std::uint64_t& updates) {
    updates = reader.u64();
    const std::vector<double> gradients = reader.exactly<double>(model.features);
    const std::vector<double> squares = reader.exactly<double>(model.features);
    state.bias.gradient = reader.finite();
    state.bias.squares = reader.finite();
    // Written so that NaN is out of range.
    const auto in_range = [](const FtrlRule::Sums& sums, double weight) {
      return sums.squares >= 0.0 && sums.squares <= kLargestSquares &&
             std::abs(sums.gradient) < kLargestSquares && std::abs(weight) <= kLargestWeight;
    };
    const CellStep<FtrlRule> step(config);
    model.bias = step.solve(state.bias.gradient, std::sqrt(state.bias.squares), 0.0, 0.0);
    bool good = in_range(state.bias, model.bias) && (config.intercept || state.bias == FtrlRule::Sums{});
    for (std::size_t i = 0; i < model.features; ++i) {
      state.cells[i] = {gradients[i], squares[i]};
      model.weights[i] = step.solve(gradients[i], std::sqrt(squares[i]), config.l1, config.l2);
      good = good && in_range(state.cells[i], model.weights[i]);
    }
    return good;
  }
  static void describe(const Config& config, Description& text) {
    text.values.insert(
        text.values.end(),
        {{"alpha", config.alpha}, {"beta", config.beta}, {"l1", config.l1}, {"l2", config.l2}});
  }
};

template class LinearLearner<FtrlRule>;
static_assert(check_online_learner<FtrlLearner>());

}  // namespace attune
