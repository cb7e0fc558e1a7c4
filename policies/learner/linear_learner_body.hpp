// SPDX-License-Identifier: Apache-2.0
/// @file
/// The bodies of LinearLearner, for the sources that instantiate it.
///
/// Each of them specialises LinearMath<Rule>, all static:
/// - `State start(features)`;
/// - `double scale(state)`: the common factor of all stored weights;
/// - `Errc learn(config, state, model, input, example, weight)`: an example of weight > 0 whose gradient is
///   checked; what it refuses changes nothing;
/// - `void save(writer, model, state, updates)`, and `bool load(reader, config, model, state, updates)`,
/// false
///   where a number is out of range; after it the reader may have failed;
/// - `void describe(config, text)`: the options that matter.
#pragma once

#include <string>
#include <utility>

#include <attune/policies/linear_learner.hpp>

#include "policies/bandit/choosing.hpp"
#include "policies/learner/linear_state.hpp"

namespace attune {
namespace detail {

template <class Rule>
struct LinearMath;

/// What a rule does to one weight (member `weight`) and to the intercept (member `bias`), given the gradient
/// and the Cell; made anew for each example.
template <class Rule>
struct CellStep;

/// LinearMath of rules that move each weight by itself, less how they are saved.
template <class Rule>
struct CellMath {
  using Config = typename Rule::Config;
  using State = typename Rule::State;

  static State start(std::size_t features) {
    State state;
    state.cells.resize(features);
    return state;
  }
  static constexpr double scale(const State& /*state*/) noexcept { return 1.0; }
  static Errc learn(const Config& config, State& state, LinearModel& model, const Input& input,
                    const LinearModel::Example& example, double weight) noexcept {
    const CellStep<Rule> step(config, weight);
    if (!step.finite()) {
      return Errc::non_finite;
    }
    model.for_each_feature(input, [&](std::size_t i, double x) {
      step.weight(example.derivative * x, model.weights[i], state.cells[i]);
    });
    if (config.intercept) {
      step.bias(example.derivative, model.bias, state.bias);
    }
    return Errc::ok;
  }
};

}  // namespace detail

template <class Rule>
LinearLearner<Rule>::LinearLearner(const Config& config, LinearModel model)
    : config_(config), model_(std::move(model)), state_(detail::LinearMath<Rule>::start(model_.features)) {}

template <class Rule>
Result<LinearLearner<Rule>> LinearLearner<Rule>::make(const Config& config, const Shape& shape) {
  if (Result<void> verdict = check_bounds(config); !verdict) {
    return tl::unexpected(std::move(verdict).error());
  }
  Result<LinearModel> model = LinearModel::make(kName, shape, config.loss, config.intercept, config.quantile);
  if (!model) {
    return tl::unexpected(std::move(model).error());
  }
  return LinearLearner(config, *std::move(model));
}

template <class Rule>
double LinearLearner<Rule>::predict(const Input& input) const noexcept {
  return model_.predict(input, detail::LinearMath<Rule>::scale(state_));
}

template <class Rule>
double LinearLearner<Rule>::weight(std::size_t feature) const noexcept {
  return detail::LinearMath<Rule>::scale(state_) * model_.weights[feature];
}

template <class Rule>
Errc LinearLearner<Rule>::partial_fit(const Input& input, double target, double weight) noexcept {
  using Math = detail::LinearMath<Rule>;
  LinearModel::Example example;
  Errc verdict = model_.prepare(input, target, weight, config_.clip, Math::scale(state_), example);
  if (verdict == Errc::ok && weight != 0.0) {
    verdict = Math::learn(config_, state_, model_, input, example, weight);
  }
  updates_ += verdict == Errc::ok ? 1 : 0;
  return verdict;
}

template <class Rule>
void LinearLearner<Rule>::save(Writer& writer) const {
  detail::LinearMath<Rule>::save(writer, model_, state_, updates_);
}

template <class Rule>
Result<void> LinearLearner<Rule>::load(Reader& reader) {
  LinearLearner read = *this;
  const bool good = detail::LinearMath<Rule>::load(reader, config_, read.model_, read.state_, read.updates_);
  if (!reader.ok() || !good) {
    return detail::corrupt(kName, "the state is cut short, of another shape, or holds numbers out of range");
  }
  *this = std::move(read);
  return {};
}

template <class Rule>
Description LinearLearner<Rule>::describe() const {
  Description text;
  text.summary =
      "linear model by " + std::string(Rule::kTitle) + " after " + std::to_string(updates_) + " examples";
  text.values = {{"updates", static_cast<double>(updates_)}};
  detail::LinearMath<Rule>::describe(config_, text);
  model_.describe(text, detail::LinearMath<Rule>::scale(state_));
  return text;
}

}  // namespace attune
