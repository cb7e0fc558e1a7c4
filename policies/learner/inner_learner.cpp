// SPDX-License-Identifier: Apache-2.0
#include <attune/policies/inner_learner.hpp>

#include <utility>

namespace attune {
namespace {

/// std::visit that cannot throw.
template <class Held, class Visitor>
decltype(auto) over_inner(Held& held, const Visitor& visit) {
  if (auto* ftrl = std::get_if<FtrlLearner>(&held)) {
    return visit(*ftrl);
  }
  if (auto* sgd = std::get_if<SgdLearner>(&held)) {
    return visit(*sgd);
  }
  if (auto* automatic = std::get_if<AutoLinearLearner>(&held)) {
    return visit(*automatic);
  }
  return visit(*std::get_if<AdaGradLearner>(&held));
}

}  // namespace

Result<InnerModel> InnerModel::make(const InnerOptions& options, const Shape& shape) {
  const auto over = []<class Learner>(Result<Learner> made) -> Result<InnerModel> {
    if (!made) {
      return tl::unexpected(std::move(made).error());
    }
    return InnerModel(*std::move(made));
  };
  switch (options.learner) {
    case InnerLearner::ftrl:
      return over(FtrlLearner::make(
          {.loss = options.loss, .alpha = options.rate, .l1 = options.l1, .l2 = options.l2}, shape));
    case InnerLearner::sgd:
      return over(SgdLearner::make({.loss = options.loss, .rate = options.rate, .l2 = options.l2}, shape));
    case InnerLearner::auto_linear:
      return over(AutoLinearLearner::make({.loss = options.loss}, shape));
    default:
      return over(
          AdaGradLearner::make({.loss = options.loss, .rate = options.rate, .l2 = options.l2}, shape));
  }
}

Errc InnerModel::partial_fit(const Input& input, double target, double weight) noexcept {
  return over_inner(held_, [&](auto& learner) { return learner.partial_fit(input, target, weight); });
}

Errc InnerModel::predict_then_fit(const Input& input, double target, double weight, double& before) noexcept {
  return over_inner(held_, [&](auto& learner) {
    if constexpr (requires { learner.predict_then_fit(input, target, weight, before); }) {
      return learner.predict_then_fit(input, target, weight, before);
    } else {
      before = learner.predict(input);
      return learner.partial_fit(input, target, weight);
    }
  });
}

double InnerModel::predict(const Input& input) const noexcept {
  return over_inner(held_, [&](const auto& learner) { return learner.predict(input); });
}

void InnerModel::prefetch(const Input& input) const noexcept {
  if (const auto* automatic = std::get_if<AutoLinearLearner>(&held_)) {
    automatic->prefetch(input);
  }
}

std::uint64_t InnerModel::updates() const noexcept {
  return over_inner(held_, [](const auto& learner) { return learner.updates(); });
}

void InnerModel::save(Writer& writer) const {
  over_inner(held_, [&](const auto& learner) { learner.save(writer); });
}

Result<void> InnerModel::load(Reader& reader) {
  return over_inner(held_, [&](auto& learner) { return learner.load(reader); });
}

Description InnerModel::describe() const {
  return over_inner(held_, [](const auto& learner) { return learner.describe(); });
}

}  // namespace attune
