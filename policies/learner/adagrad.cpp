// SPDX-License-Identifier: Apache-2.0
#include <attune/policies/adagrad.hpp>

#include <algorithm>
#include <cmath>

#include "policies/learner/linear_learner_body.hpp"

namespace attune {

template <>
struct detail::CellStep<AdaGradRule> {
  CellStep(const AdaGradConfig& config, double weight) noexcept
      : config_(config), penalty_(config.l2 * weight) {}

  // Keeps the penalty's part of the gradient below the same bound as the rest.
  [[nodiscard]] bool finite() const noexcept { return penalty_ <= 1e70; }
  void weight(double gradient, double& w, AdaGradRule::Cell& cell) const noexcept {
    bias(gradient + (penalty_ * w), w, cell);
  }
  void bias(double gradient, double& w, AdaGradRule::Cell& cell) const noexcept {
    cell.squares += gradient * gradient;
    w -= config_.rate * gradient / (std::sqrt(cell.squares) + config_.epsilon);
  }

 private:
  const AdaGradConfig& config_;
  double penalty_;
};

template <>
struct detail::LinearMath<AdaGradRule> : CellMath<AdaGradRule> {
  static void save(Writer& writer, const LinearModel& model, const State& state, std::uint64_t updates) {
    save_numbers(writer, model, updates);
    writer.u64(state.cells.size());
    for (const AdaGradRule::Cell& cell : state.cells) {
      writer.f64(cell.squares);
    }
    writer.f64(state.bias.squares);
  }
  static bool load(Reader& reader, const Config& /*config*/, LinearModel& model, State& state,
                   std::uint64_t& updates) {
    load_numbers(reader, model, updates);
    const std::vector<double> squares = reader.exactly<double>(model.features);
    std::ranges::transform(squares, state.cells.begin(), [](double sum) { return AdaGradRule::Cell{sum}; });
    state.bias.squares = reader.finite();
    // Written so that NaN fails.
    const auto sum_of_squares = [](const AdaGradRule::Cell& cell) {
      return cell.squares >= 0.0 && cell.squares <= kLargestSquares;
    };
    return std::ranges::all_of(state.cells, sum_of_squares) && sum_of_squares(state.bias) &&
           all_within(model.weights, kLargestWeight) && std::abs(model.bias) <= kLargestWeight;
  }
  static void describe(const Config& config, Description& text) {
    text.values.insert(text.values.end(), {{"rate", config.rate}, {"l2", config.l2}});
  }
};

template class LinearLearner<AdaGradRule>;
static_assert(check_online_learner<AdaGradLearner>());

}  // namespace attune
