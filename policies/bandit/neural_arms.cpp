// SPDX-License-Identifier: Apache-2.0
#include <attune/policies/neural_arms.hpp>

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include <attune/core/rng.hpp>

#include "core/kernels.hpp"
#include "policies/bandit/choosing.hpp"
#include "policies/learner/link.hpp"

namespace attune {

namespace {

constexpr std::uint64_t kNeuralStream = name_stream("neural_linear");
constexpr std::uint64_t kShortestTraining = 2;
constexpr std::uint64_t kTrainingPart = 4;
// Deviations that an error counts for at most: one wild reward turns no feature around.
constexpr double kMostNeuralError = 3.0;
// What the hidden units and the features themselves may add up to, before any example.
constexpr double kHiddenWhole = 2.0;
constexpr double kInputWhole = 1.0;

std::size_t head_size(const NeuralOptions& options, std::size_t features) noexcept {
  return options.units + features + 1;
}

double share_of(std::size_t count, double whole) noexcept {
  return whole / std::sqrt(static_cast<double>(std::max<std::size_t>(count, 1)));
}

}  // namespace

/// Room for what one context becomes; written as far as it is read.
struct NeuralArms::Pass {
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-member-init,modernize-use-equals-default)
  Pass() noexcept {}

  std::array<double, kMaxFeatures + 1> input;
  NeuralLayers::Activations active;
  std::array<double, NeuralLayers::kMaxUnits + kMaxFeatures + 1> features;
};

NeuralArms::NeuralArms(const NeuralOptions& options, Loss loss, const Shape& shape, ExampleBuffer kept,
                       Model model)
    : options_(options),
      loss_(loss),
      features_(shape.features),
      live_(std::move(model)),
      next_(live_),
      trainer_(live_.layers.weights().size()),
      noted_(shape.features),
      kept_(std::move(kept)),
      origins_(kept_.capacity()),
      arms_(shape.arms) {}

Result<NeuralArms> NeuralArms::make(std::string_view user, const NeuralOptions& options, Loss loss,
                                    const Shape& shape) {
  if (Result<void> verdict = check_curved_loss(user, loss); !verdict) {
    return tl::unexpected(std::move(verdict).error());
  }
  if (shape.sparse) {
    return fail(Errc::unsupported, std::string(user) + ": needs a dense context for its network");
  }
  if (shape.features > kMaxFeatures) {
    return fail(Errc::invalid_config, std::string(user) + ": features = " + std::to_string(shape.features) +
                                          " is above " + std::to_string(kMaxFeatures));
  }
  Result<ExampleBuffer> kept = ExampleBuffer::make(user, {.capacity = options.capacity, .loss = loss}, shape);
  if (!kept) {
    return tl::unexpected(std::move(kept).error());
  }
  const NeuralLayers layers(
      {.inputs = shape.features + 1, .units = detail::padded_size(options.units), .layers = options.layers},
      options.seed);
  Result<RidgeArms> heads = RidgeArms::make(shape.arms, head_size(options, shape.features), loss);
  if (!heads) {
    return tl::unexpected(std::move(heads).error());
  }
  return NeuralArms(
      options, loss, shape, *std::move(kept),
      {.scaling = ContextScaling(shape.features), .layers = layers, .heads = *std::move(heads)});
}

// Hidden units, the scaled context, the constant, and zeros up to whole strips.
std::span<const double> NeuralArms::features_of(const Model& model, Features x, Pass& pass) const noexcept {
  model.scaling.apply(x, 1.0, pass.input.data());
  pass.input[features_] = 1.0;
  const std::span<const double> hidden =
      model.layers.forward(std::span(pass.input).first(features_ + 1), pass.active).first(options_.units);
  const double hidden_share = share_of(hidden.size(), kHiddenWhole);
  const double input_share = share_of(features_, kInputWhole);
  double* z = pass.features.data();
  for (const double unit : hidden) {
    *z++ = hidden_share * unit;
  }
  for (std::size_t i = 0; i < features_; ++i) {
    *z++ = input_share * pass.input[i];
  }
  *z++ = 1.0;
  const std::size_t padded = detail::padded_size(head_size(options_, features_));
  std::fill(z, pass.features.data() + padded, 0.0);
  return std::span(pass.features).first(padded);
}

std::vector<double> NeuralArms::represented(const Input& input) const {
  Pass pass;
  const std::span<const double> z = features_of(live_, input.dense, pass);
  return {z.begin(), z.end()};
}

void NeuralArms::scores(const Input& input, std::span<const std::uint32_t> which, double* mean,
                        double* spread) const noexcept {
  Pass pass;
  live_.heads.scores(features_of(live_, input.dense, pass), which, mean, spread);
  for (std::size_t i = 0; i < which.size(); ++i) {
    mean[i] += live_.base;
  }
}

double NeuralArms::score_of(const Model& model, std::size_t arm, std::span<const double> z) noexcept {
  const std::span<const double> theta = model.heads.bank().coefficients(arm);
  return model.base + detail::kernels().dot(theta.data(), z.data(), theta.size());
}

double NeuralArms::score(std::size_t arm, const Input& input) const noexcept {
  Pass pass;
  return score_of(live_, arm, features_of(live_, input.dense, pass));
}

double NeuralArms::learn(std::size_t arm, const Input& input, double target, double weight) noexcept {
  if (weight < detail::kLeastWeight) {
    return score(arm, input);
  }
  Pass pass;
  ++learned_;
  live_.scaling.widen(input.dense);
  next_.scaling.widen(input.dense);
  const double score =
      live_.base + live_.heads.learn(arm, features_of(live_, input.dense, pass), target - live_.base, weight);
  noted_.note(input.dense);
  const double before = target - target_mean_;
  target_mean_ += before / static_cast<double>(learned_);
  target_squares_ += before * (target - target_mean_);
  arms_[arm].seen += weight;
  Rng rng(options_.seed, kNeuralStream, learned_);
  keep(arm, input, target, weight, rng);
  if (refilling_) {
    next_.heads.learn(arm, features_of(next_, input.dense, pass), target - next_.base, weight);
    refill();
  } else {
    train(rng);
    if (learned_ >= until_) {
      start_refill();
    }
  }
  return score;
}

// A place that holds an example of the arm; there must be one.
std::size_t NeuralArms::place_of(std::size_t arm, Rng& rng) const noexcept {
  auto place = static_cast<std::size_t>(rng.below(kept_.size()));
  while (origins_[place].arm != arm) {
    place = place + 1 < kept_.size() ? place + 1 : 0;
  }
  return place;
}

void NeuralArms::keep(std::size_t arm, const Input& input, double target, double weight, Rng& rng) noexcept {
  Arm& own = arms_[arm];
  ++own.offered;
  std::size_t place = kept_.size();
  if (place == kept_.capacity()) {
    const auto most = std::ranges::max_element(arms_, {}, &Arm::kept);
    if (own.kept == most->kept && rng.below(own.offered) >= own.kept) {
      return;
    }
    const bool own_gives_way = own.kept == most->kept;
    place = place_of(own_gives_way ? arm : static_cast<std::size_t>(most - arms_.begin()), rng);
    --arms_[origins_[place].arm].kept;
  }
  kept_.put(place, input, target, weight);
  origins_[place] = {.arm = static_cast<std::uint32_t>(arm), .number = learned_};
  ++own.kept;
}

void NeuralArms::train(Rng& rng) noexcept {
  const double deviation =
      loss_ == Loss::logistic ? 1.0 : std::sqrt(target_squares_ / static_cast<double>(learned_));
  if (!(deviation > 0.0)) {
    return;  // nothing to tell apart
  }
  Pass pass;
  std::array<double, NeuralLayers::kMaxUnits> slope;  // NOLINT: written as far as it is read
  const std::size_t units = options_.units;
  const double share = share_of(units, kHiddenWhole) / static_cast<double>(options_.batch);
  for (std::uint32_t step = 0; step < options_.steps; ++step) {
    for (std::uint32_t i = 0; i < options_.batch; ++i) {
      const auto place = static_cast<std::size_t>(rng.below(kept_.size()));
      const ExampleBuffer::Example example = kept_.at(place);
      const std::span<const double> z = features_of(next_, example.input.dense, pass);
      const std::size_t arm = origins_[place].arm;
      const double score = score_of(live_, arm, z);
      const double error = loss_ == Loss::logistic ? detail::logistic_of(score) - example.target
                                                   : std::clamp((score - example.target) / deviation,
                                                                -kMostNeuralError, kMostNeuralError);
      const double factor = error * example.weight * share / deviation;
      const std::span<const double> theta = live_.heads.bank().coefficients(arm);
      // Units that fill up a group of eight are in no head.
      const std::span<double> slopes = std::span(slope).first(next_.layers.size().units);
      for (std::size_t unit = 0; unit < slopes.size(); ++unit) {
        slopes[unit] = unit < units ? factor * theta[unit] : 0.0;
      }
      next_.layers.backward(std::span(pass.input).first(features_ + 1), pass.active, slopes,
                            trainer_.gradient());
    }
    trainer_.step(options_.rate, next_.layers.weights());
  }
}

void NeuralArms::start_training() noexcept {
  refilling_ = false;
  refilled_ = 0;
  next_.scaling = noted_;
  next_.scaling.adopt();
  until_ = learned_ + std::clamp(learned_ / kTrainingPart, kShortestTraining, kLongestTraining);
}

void NeuralArms::start_refill() noexcept {
  refilling_ = true;
  refill_from_ = learned_;
  refilled_ = 0;
  next_.base = loss_ == Loss::squared ? target_mean_ : 0.0;
  for (Arm& arm : arms_) {
    arm.stands_for = 0.0;
  }
  for (std::size_t place = 0; place < kept_.size(); ++place) {
    arms_[origins_[place].arm].stands_for += kept_.at(place).weight;
  }
  for (std::size_t arm = 0; arm < arms_.size(); ++arm) {
    Arm& own = arms_[arm];
    own.stands_for = own.stands_for > 0.0 ? own.seen / own.stands_for : 1.0;
    if (own.offered > 0 || own.prior_weight > 0.0) {
      next_.heads.reset(arm);  // not where there is nothing: arms may be many
    }
    if (own.prior_weight > 0.0) {
      next_.heads.learn_constant(arm, own.prior_mean - next_.base, own.prior_weight);
    }
  }
}

void NeuralArms::refill() noexcept {
  Pass pass;
  for (std::size_t i = 0; i < kRefill && refilled_ < kept_.size(); ++i, ++refilled_) {
    const Origin& origin = origins_[refilled_];
    if (origin.number <= refill_from_) {
      const ExampleBuffer::Example example = kept_.at(refilled_);
      next_.heads.learn(origin.arm, features_of(next_, example.input.dense, pass),
                        example.target - next_.base, example.weight * arms_[origin.arm].stands_for);
    }
  }
  if (refilled_ >= kept_.size()) {
    std::swap(live_.heads, next_.heads);
    live_.scaling = next_.scaling;
    live_.layers = next_.layers;
    live_.base = next_.base;
    ++cycles_;
    start_training();
  }
}

void NeuralArms::learn_constant(std::size_t arm, double target, double weight) noexcept {
  Arm& own = arms_[arm];
  own.prior_weight += weight;
  own.prior_mean += (target - own.prior_mean) * (weight / own.prior_weight);
  live_.heads.learn_constant(arm, target - live_.base, weight);
  next_.heads.learn_constant(arm, target - next_.base, weight);
}

Result<void> NeuralArms::add() {
  detail::make_room(arms_, arms_.size() + 1);
  for (Model* const model : {&live_, &next_}) {
    // Where memory ran out after the first, that one has its new head already.
    if (model->heads.bank().count() == arms_.size()) {
      if (Result<void> added = model->heads.add(); !added) {
        return added;
      }
    }
  }
  arms_.emplace_back();
  return {};
}

void NeuralArms::reset(std::size_t arm) noexcept {
  for (std::size_t place = kept_.size(); place-- > 0;) {
    if (origins_[place].arm == arm) {
      kept_.drop(place);
      origins_[place] = origins_[kept_.size()];
    }
  }
  arms_[arm] = {};
  live_.heads.reset(arm);
  next_.heads.reset(arm);
  if (refilling_) {
    start_refill();  // places have moved
  }
}

}  // namespace attune
