// SPDX-License-Identifier: Apache-2.0
#include <attune/policies/replay.hpp>

#include <algorithm>
#include <limits>
#include <string>
#include <utility>

#include <attune/core/rng.hpp>

#include "policies/bandit/choosing.hpp"

namespace attune {

static_assert(check_online_learner<ReplayLearner>());

Result<ReplayLearner> ReplayLearner::make(const Config& config, const Shape& shape) {
  if (Result<void> verdict = check_bounds(config); !verdict) {
    return tl::unexpected(std::move(verdict).error());
  }
  Result<ExampleBuffer> buffer = ExampleBuffer::make(
      kName, {.capacity = config.capacity, .most = config.most, .loss = config.inner.loss}, shape);
  if (!buffer) {
    return tl::unexpected(std::move(buffer).error());
  }
  Result<InnerModel> inner = InnerModel::make(config.inner, shape);
  if (!inner) {
    return tl::unexpected(std::move(inner).error());
  }
  return ReplayLearner(config, *std::move(buffer), *std::move(inner));
}

Errc ReplayLearner::partial_fit(const Input& input, double target, double weight) noexcept {
  Errc verdict = buffer_.check(input, target, weight);
  if (verdict == Errc::ok) {
    verdict = inner_.partial_fit(input, target, weight);
  }
  if (verdict == Errc::ok) {
    replay_and_keep(input, target, weight);
  }
  return verdict;
}

Errc ReplayLearner::predict_then_fit(const Input& input, double target, double weight,
                                     double& before) noexcept {
  before = std::numeric_limits<double>::quiet_NaN();
  Errc verdict = buffer_.check(input, target, weight);
  if (verdict == Errc::ok) {
    verdict = inner_.predict_then_fit(input, target, weight, before);
  }
  if (verdict == Errc::ok) {
    replay_and_keep(input, target, weight);
  }
  return verdict;
}

void ReplayLearner::replay_and_keep(const Input& input, double target, double weight) noexcept {
  ++updates_;
  if (weight == 0.0) {
    return;
  }
  ++offered_;
  Rng rng(config_.seed, name_stream(kName), offered_);
  // Drawn first: what is kept does not depend on how much is learned again.
  const std::uint64_t place = offered_ <= buffer_.capacity() ? buffer_.size() : rng.below(offered_);
  for (std::uint32_t i = 0; i < config_.replays && buffer_.size() > 0; ++i) {
    const ExampleBuffer::Example old = buffer_.at(static_cast<std::size_t>(rng.below(buffer_.size())));
    (void)inner_.partial_fit(old.input, old.target, config_.weight * old.weight);
  }
  if (place < buffer_.capacity()) {
    buffer_.put(static_cast<std::size_t>(place), input, target, weight);
  }
}

void ReplayLearner::save(Writer& writer) const {
  writer.u64(updates_);
  writer.u64(offered_);
  buffer_.save(writer);
  inner_.save(writer);
}

Result<void> ReplayLearner::load(Reader& reader) {
  ReplayLearner read = *this;
  read.updates_ = reader.u64();
  read.offered_ = reader.u64();
  read.buffer_.load(reader);
  if (!reader.ok() || read.offered_ > read.updates_ ||
      read.buffer_.size() != std::min<std::uint64_t>(read.offered_, read.buffer_.capacity())) {
    return detail::corrupt(kName, "the kept examples are cut short, of another shape, or out of range");
  }
  if (Result<void> loaded = read.inner_.load(reader); !loaded) {
    return loaded;
  }
  *this = std::move(read);
  return {};
}

Description ReplayLearner::describe() const {
  Description text = inner_.describe();
  text.summary = std::to_string(updates_) + " examples, " + std::to_string(buffer_.size()) +
                 " of them kept and learned again: " + std::move(text.summary);
  text.values.emplace_back("examples", static_cast<double>(updates_));
  text.values.emplace_back("kept", static_cast<double>(buffer_.size()));
  return text;
}

}  // namespace attune
