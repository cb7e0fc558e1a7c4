// SPDX-License-Identifier: Apache-2.0
#include <attune/policies/mini_batch.hpp>

#include <cmath>
#include <string>
#include <utility>

#include "policies/bandit/choosing.hpp"

namespace attune {

static_assert(check_online_learner<MiniBatchLearner>());

namespace {

void save_time(Writer& writer, const std::optional<double>& time) {
  writer.boolean(time.has_value());
  if (time) {
    writer.f64(*time);
  }
}

std::optional<double> load_time(Reader& reader) {
  return reader.boolean() ? std::optional(reader.finite()) : std::nullopt;
}

}  // namespace

Result<MiniBatchLearner> MiniBatchLearner::make(const Config& config, const Shape& shape) {
  if (Result<void> verdict = check_bounds(config); !verdict) {
    return tl::unexpected(std::move(verdict).error());
  }
  Result<ExampleBuffer> buffer = ExampleBuffer::make(
      kName, {.capacity = config.size, .most = config.most, .loss = config.inner.loss}, shape);
  if (!buffer) {
    return tl::unexpected(std::move(buffer).error());
  }
  Result<InnerModel> inner = InnerModel::make(config.inner, shape);
  if (!inner) {
    return tl::unexpected(std::move(inner).error());
  }
  return MiniBatchLearner(config.seconds, *std::move(buffer), *std::move(inner));
}

Errc MiniBatchLearner::partial_fit(const Input& input, double target, double weight) noexcept {
  if (const Errc verdict = buffer_.check(input, target, weight); verdict != Errc::ok) {
    return verdict;
  }
  ++updates_;
  if (weight == 0.0) {
    return Errc::ok;
  }
  if (buffer_.size() == 0) {
    oldest_ = now_;
  }
  buffer_.put(buffer_.size(), input, target, weight);
  if (buffer_.size() == buffer_.capacity()) {
    flush();
  }
  return Errc::ok;
}

Errc MiniBatchLearner::tick(double now_s) noexcept {
  if (!std::isfinite(now_s)) {
    return Errc::non_finite;
  }
  if (held() > 0 && (!oldest_ || now_s < *now_)) {
    oldest_ = now_s;
  }
  now_ = now_s;
  if (held() > 0 && now_s - *oldest_ >= seconds_) {
    flush();
  }
  return Errc::ok;
}

std::size_t MiniBatchLearner::flush() noexcept {
  std::size_t learned = 0;
  for (std::size_t place = 0; place < buffer_.size(); ++place) {
    const ExampleBuffer::Example example = buffer_.at(place);
    learned += inner_.partial_fit(example.input, example.target, example.weight) == Errc::ok ? 1 : 0;
  }
  refused_ += buffer_.size() - learned;
  buffer_.clear();
  oldest_.reset();
  return learned;
}

void MiniBatchLearner::save(Writer& writer) const {
  writer.u64(updates_);
  writer.u64(refused_);
  save_time(writer, now_);
  save_time(writer, oldest_);
  buffer_.save(writer);
  inner_.save(writer);
}

Result<void> MiniBatchLearner::load(Reader& reader) {
  MiniBatchLearner read = *this;
  read.updates_ = reader.u64();
  read.refused_ = reader.u64();
  read.now_ = load_time(reader);
  read.oldest_ = load_time(reader);
  read.buffer_.load(reader);
  const std::size_t held = read.held();
  const bool times = !read.oldest_ || (held > 0 && read.now_ && *read.oldest_ <= *read.now_);
  // A full batch is learned at once, never held.
  if (!reader.ok() || !times || held >= read.buffer_.capacity() || read.refused_ > read.updates_ ||
      held > read.updates_ - read.refused_) {
    return detail::corrupt(kName, "the examples held are cut short, of another shape, or out of range");
  }
  if (Result<void> loaded = read.inner_.load(reader); !loaded) {
    return loaded;
  }
  *this = std::move(read);
  return {};
}

Description MiniBatchLearner::describe() const {
  Description text = inner_.describe();
  text.summary = "batches of " + std::to_string(buffer_.capacity()) + " examples, " + std::to_string(held()) +
                 " held: " + std::move(text.summary);
  text.values.emplace_back("held", static_cast<double>(held()));
  text.values.emplace_back("refused", static_cast<double>(refused_));
  return text;
}

}  // namespace attune
