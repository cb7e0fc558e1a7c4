// SPDX-License-Identifier: Apache-2.0
#include <attune/policies/hashed_interactions.hpp>

#include <limits>
#include <string>
#include <utility>

namespace attune {

static_assert(check_online_learner<HashedInteractions>());

Result<HashedInteractions> HashedInteractions::make(const Config& config, const Shape& shape) {
  if (Result<void> verdict = check_bounds(config); !verdict) {
    return tl::unexpected(std::move(verdict).error());
  }
  Result<InteractionMap> map = InteractionMap::make(config.map, shape);
  if (!map) {
    return tl::unexpected(std::move(map).error());
  }
  const Shape places{.features = map->places(), .sparse = true};
  const auto over = [&]<class Learner>(Result<Learner> made) -> Result<HashedInteractions> {
    if (!made) {
      return tl::unexpected(std::move(made).error());
    }
    return HashedInteractions(*std::move(map), *std::move(made));
  };
  switch (config.learner) {
    case InnerLearner::ftrl:
      return over(FtrlLearner::make(
          {.loss = config.loss, .alpha = config.rate, .l1 = config.l1, .l2 = config.l2}, places));
    case InnerLearner::sgd:
      return over(SgdLearner::make({.loss = config.loss, .rate = config.rate, .l2 = config.l2}, places));
    case InnerLearner::auto_linear:
      return over(AutoLinearLearner::make({.loss = config.loss}, places));
    default:
      return over(AdaGradLearner::make({.loss = config.loss, .rate = config.rate, .l2 = config.l2}, places));
  }
}

Errc HashedInteractions::partial_fit(const Input& input, double target, double weight) noexcept {
  InteractionMap::Expanded expanded;
  if (const Errc verdict = map_.expand(input, expanded); verdict != Errc::ok) {
    return verdict;
  }
  const Input places{.sparse = expanded.features()};
  return std::visit([&](auto& learner) { return learner.partial_fit(places, target, weight); }, inner_);
}

Errc HashedInteractions::predict_then_fit(const Input& input, double target, double weight,
                                          double& before) noexcept {
  before = std::numeric_limits<double>::quiet_NaN();
  InteractionMap::Expanded expanded;
  if (const Errc verdict = map_.expand(input, expanded); verdict != Errc::ok) {
    return verdict;
  }
  const Input places{.sparse = expanded.features()};
  return std::visit(
      [&](auto& learner) {
        if constexpr (requires { learner.predict_then_fit(places, target, weight, before); }) {
          return learner.predict_then_fit(places, target, weight, before);
        } else {
          before = learner.predict(places);
          return learner.partial_fit(places, target, weight);
        }
      },
      inner_);
}

double HashedInteractions::predict(const Input& input) const noexcept {
  InteractionMap::Expanded expanded;
  if (map_.expand(input, expanded) != Errc::ok) {
    return std::numeric_limits<double>::quiet_NaN();
  }
  const Input places{.sparse = expanded.features()};
  return std::visit([&](const auto& learner) { return learner.predict(places); }, inner_);
}

std::uint64_t HashedInteractions::updates() const noexcept {
  return std::visit([](const auto& learner) { return learner.updates(); }, inner_);
}

void HashedInteractions::save(Writer& writer) const {
  std::visit([&](const auto& learner) { learner.save(writer); }, inner_);
}

Result<void> HashedInteractions::load(Reader& reader) {
  return std::visit([&](auto& learner) { return learner.load(reader); }, inner_);
}

Description HashedInteractions::describe() const {
  Description text = std::visit([](const auto& learner) { return learner.describe(); }, inner_);
  text.summary = "features and products hashed into " + std::to_string(map_.places()) +
                 " places: " + std::move(text.summary);
  return text;
}

}  // namespace attune
