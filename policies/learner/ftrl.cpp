// SPDX-License-Identifier: Apache-2.0
#include <attune/policies/ftrl.hpp>

#include <cmath>
#include <string>
#include <utility>

#include "policies/bandit/choosing.hpp"
#include "policies/learner/linear_state.hpp"

namespace attune {

using detail::kLargestSquares;
using detail::kLargestWeight;

static_assert(check_online_learner<FtrlLearner>());

namespace {}  // namespace

Result<FtrlLearner> FtrlLearner::make(const Config& config, const Shape& shape) {
  if (Result<void> verdict = check_bounds(config); !verdict) {
    return tl::unexpected(std::move(verdict).error());
  }
  Result<LinearModel> model = LinearModel::make(kName, shape, config.loss, config.intercept, config.quantile);
  if (!model) {
    return tl::unexpected(std::move(model).error());
  }
  return FtrlLearner(config, *std::move(model));
}

double FtrlLearner::solve(double gradient, double root, double l1, double l2) const noexcept {
  const double excess = std::abs(gradient) - l1;
  if (excess <= 0.0) {
    return 0.0;
  }
  return -std::copysign(excess, gradient) / (((config_.beta + root) * inverse_alpha_) + l2);
}

void FtrlLearner::learn(Sums& sums, double& weight, double gradient, double l1, double l2) const noexcept {
  const double squares = sums.squares + (gradient * gradient);
  const double root = std::sqrt(squares);
  const double sigma = (root - std::sqrt(sums.squares)) * inverse_alpha_;
  sums.gradient += gradient - (sigma * weight);
  sums.squares = squares;
  weight = solve(sums.gradient, root, l1, l2);
}

Errc FtrlLearner::partial_fit(const Input& input, double target, double weight) noexcept {
  LinearModel::Example example;
  const Errc verdict = model_.prepare(input, target, weight, config_.clip, 1.0, example);
  if (verdict != Errc::ok) {
    return verdict;
  }
  ++updates_;
  if (weight == 0.0) {
    return Errc::ok;
  }
  model_.for_each_feature(input, [&](std::size_t i, double x) {
    learn(sums_[i], model_.weights[i], example.derivative * x, config_.l1, config_.l2);
  });
  if (config_.intercept) {
    learn(bias_sums_, model_.bias, example.derivative, 0.0, 0.0);
  }
  return Errc::ok;
}

void FtrlLearner::save(Writer& writer) const {
  writer.u64(updates_);
  std::vector<double> part;
  part.reserve(sums_.size());
  for (const Sums& sums : sums_) {
    part.push_back(sums.gradient);
  }
  writer.numbers(part);
  part.clear();
  for (const Sums& sums : sums_) {
    part.push_back(sums.squares);
  }
  writer.numbers(part);
  writer.f64(bias_sums_.gradient);
  writer.f64(bias_sums_.squares);
}

Result<void> FtrlLearner::load(Reader& reader) {
  FtrlLearner read = *this;
  read.updates_ = reader.u64();
  const std::vector<double> gradients = reader.exactly<double>(model_.features);
  const std::vector<double> squares = reader.exactly<double>(model_.features);
  read.bias_sums_.gradient = reader.finite();
  read.bias_sums_.squares = reader.finite();
  if (!reader.ok()) {
    return detail::corrupt(kName, "the state is cut short or of another shape");
  }
  // Written so that NaN is out of range.
  const auto in_range = [](const Sums& sums, double weight) {
    return sums.squares >= 0.0 && sums.squares <= kLargestSquares &&
           std::abs(sums.gradient) < kLargestSquares && std::abs(weight) <= kLargestWeight;
  };
  read.model_.bias = solve(read.bias_sums_.gradient, std::sqrt(read.bias_sums_.squares), 0.0, 0.0);
  bool good = in_range(read.bias_sums_, read.model_.bias) && (config_.intercept || read.bias_sums_ == Sums{});
  for (std::size_t i = 0; i < read.sums_.size(); ++i) {
    read.sums_[i] = {gradients[i], squares[i]};
    read.model_.weights[i] = solve(gradients[i], std::sqrt(squares[i]), config_.l1, config_.l2);
    good = good && in_range(read.sums_[i], read.model_.weights[i]);
  }
  if (!good) {
    return detail::corrupt(kName, "a sum of gradients or of their squares is out of range");
  }
  *this = std::move(read);
  return {};
}

Description FtrlLearner::describe() const {
  Description text;
  text.summary = "linear model by FTRL-Proximal after " + std::to_string(updates_) + " examples";
  text.values = {{"updates", static_cast<double>(updates_)},
                 {"alpha", config_.alpha},
                 {"beta", config_.beta},
                 {"l1", config_.l1},
                 {"l2", config_.l2}};
  model_.describe(text, 1.0);
  return text;
}

}  // namespace attune
