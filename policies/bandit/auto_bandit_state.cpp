// SPDX-License-Identifier: Apache-2.0
// AutoBandit: saving, loading, equality.
#include <attune/policies/auto_bandit.hpp>

#include <algorithm>
#include <cmath>
#include <utility>

#include "policies/bandit/choosing.hpp"

namespace attune {
namespace {

bool all_nonnegative(std::span<const double> values) noexcept {
  return std::ranges::all_of(values, [](double value) { return value >= 0.0 && std::isfinite(value); });
}

}  // namespace

bool AutoBandit::Moments::sound() const noexcept {
  return weight >= 0.0 && std::isfinite(weight) && std::isfinite(mean) && squares >= 0.0 &&
         std::isfinite(squares);
}

void AutoBandit::save(Writer& writer) const {
  writer.u64(sizes_.inputs);
  writer.u64(sizes_.centres);
  writer.boolean(sizes_.products);
  writer.u64(updates_);
  arms_.save(writer);
  const auto moments = [&](const Moments& of) {
    writer.f64(of.weight);
    writer.f64(of.mean);
    writer.f64(of.squares);
  };
  std::ranges::for_each(rewards_, moments);
  std::ranges::for_each(priors_, moments);
  moments(all_);
  writer.numbers(errors_);
  writer.numbers(counts_);
  writer.boolean(binary_);
  writer.f64(base_);
  if (features_ > 0) {
    scaling_.save(writer);
    for (const RewardModel& model : models_) {
      model.save(writer);
    }
    save_kept(writer);
  }
}

void AutoBandit::save_kept(Writer& writer) const {
  writer.u64(kept_count_);
  writer.u64(next_);
  for (std::size_t i = 0; i < kept_count_; ++i) {
    writer.u32(kept_[i].arm);
    writer.f64(kept_[i].reward);
    writer.f64(kept_[i].weight);
  }
  writer.numbers(std::span(contexts_).first(kept_count_ * features_));
}

bool AutoBandit::load_sizes(Reader& reader) {
  Sizes sizes;
  sizes.inputs = static_cast<std::size_t>(reader.u64());
  sizes.centres = static_cast<std::size_t>(reader.u64());
  sizes.products = reader.boolean();
  const bool possible = features_ == 0
                            ? sizes == Sizes{}
                            : sizes.inputs >= 1 && sizes.inputs <= features_ &&
                                  sizes.inputs <= RewardModel::kMaxInputs &&
                                  sizes.centres <= RewardModel::kMaxCentres &&
                                  (!sizes.products || sizes.inputs <= RewardModel::kMaxProductInputs);
  return reader.ok() && possible && build(sizes).has_value();
}

bool AutoBandit::load_arms(Reader& reader) {
  updates_ = reader.u64();
  arms_.load(reader);
  const std::size_t count = arms_.count();
  if (!reader.ok() || count > reader.left() / sizeof(double)) {
    return false;
  }
  bool sound = true;
  const auto moments = [&](Moments& of) {
    of.weight = reader.f64();
    of.mean = reader.f64();
    of.squares = reader.f64();
    sound = sound && of.sound();
  };
  rewards_.resize(count);
  priors_.resize(count);
  std::ranges::for_each(rewards_, moments);
  std::ranges::for_each(priors_, moments);
  moments(all_);
  errors_ = reader.numbers<double>(count);
  counts_ = reader.numbers<double>(count);
  binary_ = reader.boolean();
  base_ = reader.finite();
  return reader.ok() && sound && errors_.size() == count && counts_.size() == count &&
         all_nonnegative(errors_) && all_nonnegative(counts_);
}

bool AutoBandit::load_kept(Reader& reader) {
  kept_count_ = reader.u64();
  next_ = reader.u64();
  // The state may come from a configuration that kept more.
  constexpr std::size_t kLeastBytes = 20;  // of one kept reward
  if (!reader.ok() || kept_count_ > reader.left() / kLeastBytes || next_ < kFirstReplay) {
    return false;
  }
  if (kept_count_ > kept_.size()) {
    kept_.resize(kept_count_);
    contexts_.resize(kept_count_ * features_);
  }
  bool sound = true;
  for (std::size_t i = 0; i < kept_count_; ++i) {
    Kept& kept = kept_[i];
    kept.arm = reader.u32();
    kept.reward = reader.f64();
    kept.weight = reader.f64();
    sound = sound && kept.arm < arms_.count() && std::abs(kept.reward) <= RewardModel::kMaxError &&
            kept.weight >= 0.0 && kept.weight <= RewardModel::kMaxError;
  }
  const std::vector<double> contexts = reader.numbers<double>(kept_count_ * features_);
  if (!reader.ok() || !sound || contexts.size() != kept_count_ * features_ || !all_finite(contexts)) {
    return false;
  }
  std::ranges::copy(contexts, contexts_.begin());
  return true;
}

Result<void> AutoBandit::load(Reader& reader) {
  AutoBandit next(config_, {.features = features_});
  if (!next.load_sizes(reader)) {
    return detail::corrupt(kName, "the sizes of the models are damaged or fit another context");
  }
  if (!next.load_arms(reader)) {
    return detail::corrupt(kName, "what is known of the arms is cut short or damaged");
  }
  if (features_ > 0) {
    bool sound = next.scaling_.load(reader);
    for (RewardModel& model : next.models_) {
      sound = sound && model.load(reader, next.arms_.count());
    }
    if (!sound || !next.load_kept(reader)) {
      return detail::corrupt(kName, "the models are damaged, or belong to another context");
    }
  }
  next.weigh();
  *this = std::move(next);
  return {};
}

bool AutoBandit::operator==(const AutoBandit& other) const noexcept {
  const auto same_kept = [&] {
    const auto kept = static_cast<std::ptrdiff_t>(kept_count_);
    const auto numbers = static_cast<std::ptrdiff_t>(kept_count_ * features_);
    return std::equal(kept_.begin(), kept_.begin() + kept, other.kept_.begin()) &&
           std::equal(contexts_.begin(), contexts_.begin() + numbers, other.contexts_.begin());
  };
  return config_ == other.config_ && features_ == other.features_ && arms_ == other.arms_ &&
         sizes_ == other.sizes_ && scaling_ == other.scaling_ && models_ == other.models_ &&
         rewards_ == other.rewards_ && priors_ == other.priors_ && errors_ == other.errors_ &&
         counts_ == other.counts_ && all_ == other.all_ && binary_ == other.binary_ && base_ == other.base_ &&
         kept_count_ == other.kept_count_ && next_ == other.next_ && updates_ == other.updates_ &&
         same_kept();
}

}  // namespace attune
