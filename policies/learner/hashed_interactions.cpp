// SPDX-License-Identifier: Apache-2.0
#include <attune/policies/hashed_interactions.hpp>

#include <limits>
#include <string>
#include <utility>

namespace attune {

static_assert(check_online_learner<HashedInteractions>());

namespace {

/// std::visit that cannot throw.
template <class Inner, class Visitor>
decltype(auto) over_inner(Inner& inner, const Visitor& visit) {
  if (auto* ftrl = std::get_if<FtrlLearner>(&inner)) {
    return visit(*ftrl);
  }
  if (auto* sgd = std::get_if<SgdLearner>(&inner)) {
    return visit(*sgd);
  }
  if (auto* automatic = std::get_if<AutoLinearLearner>(&inner)) {
    return visit(*automatic);
  }
  return visit(*std::get_if<AdaGradLearner>(&inner));
}

}  // namespace

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
  return over_inner(inner_, [&](auto& learner) { return learner.partial_fit(places, target, weight); });
}

Errc HashedInteractions::predict_then_fit(const Input& input, double target, double weight,
                                          double& before) noexcept {
  before = std::numeric_limits<double>::quiet_NaN();
  InteractionMap::Expanded expanded;
  if (const Errc verdict = map_.expand(input, expanded); verdict != Errc::ok) {
    return verdict;
  }
  const Input places{.sparse = expanded.features()};
  return over_inner(inner_, [&](auto& learner) {
    if constexpr (requires { learner.predict_then_fit(places, target, weight, before); }) {
      return learner.predict_then_fit(places, target, weight, before);
    } else {
      before = learner.predict(places);
      return learner.partial_fit(places, target, weight);
    }
  });
}

double HashedInteractions::predict(const Input& input) const noexcept {
  InteractionMap::Expanded expanded;
  if (map_.expand(input, expanded) != Errc::ok) {
    return std::numeric_limits<double>::quiet_NaN();
  }
  const Input places{.sparse = expanded.features()};
  return over_inner(inner_, [&](const auto& learner) { return learner.predict(places); });
}

std::uint64_t HashedInteractions::updates() const noexcept {
  return over_inner(inner_, [](const auto& learner) { return learner.updates(); });
}

void HashedInteractions::save(Writer& writer) const {
  over_inner(inner_, [&](const auto& learner) { learner.save(writer); });
}

Result<void> HashedInteractions::load(Reader& reader) {
  return over_inner(inner_, [&](auto& learner) { return learner.load(reader); });
}

Description HashedInteractions::describe() const {
  Description text = over_inner(inner_, [](const auto& learner) { return learner.describe(); });
  text.summary = "features and products hashed into " + std::to_string(map_.places()) +
                 " places: " + std::move(text.summary);
  return text;
}

}  // namespace attune
