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
  Result<InnerModel> inner = InnerModel::make(config.inner, places);
  if (!inner) {
    return tl::unexpected(std::move(inner).error());
  }
  return HashedInteractions(*std::move(map), *std::move(inner));
}

Errc HashedInteractions::partial_fit(const Input& input, double target, double weight) noexcept {
  InteractionMap::Expanded expanded;
  if (const Errc verdict = map_.expand(input, expanded); verdict != Errc::ok) {
    return verdict;
  }
  const Input places{.sparse = expanded.features()};
  return inner_.partial_fit(places, target, weight);
}

Errc HashedInteractions::predict_then_fit(const Input& input, double target, double weight,
                                          double& before) noexcept {
  before = std::numeric_limits<double>::quiet_NaN();
  InteractionMap::Expanded expanded;
  if (const Errc verdict = map_.expand(input, expanded); verdict != Errc::ok) {
    return verdict;
  }
  const Input places{.sparse = expanded.features()};
  return inner_.predict_then_fit(places, target, weight, before);
}

double HashedInteractions::predict(const Input& input) const noexcept {
  InteractionMap::Expanded expanded;
  if (map_.expand(input, expanded) != Errc::ok) {
    return std::numeric_limits<double>::quiet_NaN();
  }
  const Input places{.sparse = expanded.features()};
  return inner_.predict(places);
}

std::uint64_t HashedInteractions::updates() const noexcept { return inner_.updates(); }

void HashedInteractions::save(Writer& writer) const { inner_.save(writer); }

Result<void> HashedInteractions::load(Reader& reader) { return inner_.load(reader); }

Description HashedInteractions::describe() const {
  Description text = inner_.describe();
  text.summary = "features and products hashed into " + std::to_string(map_.places()) +
                 " places: " + std::move(text.summary);
  return text;
}

}  // namespace attune
