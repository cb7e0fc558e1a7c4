// SPDX-License-Identifier: Apache-2.0
// The state of NeuralArms: saving, loading, comparing.
#include <algorithm>
#include <cmath>
#include <utility>

#include <attune/policies/neural_arms.hpp>

namespace attune {

namespace {

constexpr double kMostNeuralNumber = 1e300;

bool is_weight(double value) noexcept { return value >= 0.0 && value <= kMostNeuralNumber; }

}  // namespace

void NeuralArms::save(Writer& writer) const {
  for (const std::uint64_t number : {learned_, cycles_, until_, refill_from_, std::uint64_t{refilled_}}) {
    writer.u64(number);
  }
  writer.boolean(refilling_);
  writer.f64(target_mean_);
  writer.f64(target_squares_);
  for (const Model* const model : {&live_, &next_}) {
    model->scaling.save(writer);
    model->layers.save(writer);
    writer.f64(model->base);
  }
  live_.heads.save(writer);
  // Until they are refilled, the new heads are what is left of old ones.
  if (refilling_) {
    next_.heads.save(writer);
  }
  trainer_.save(writer);
  noted_.save(writer);
  kept_.save(writer);
  for (const Origin& origin : std::span(origins_).first(kept_.size())) {
    writer.u32(origin.arm);
    writer.u64(origin.number);
  }
  for (const Arm& arm : arms_) {
    for (const double number : {arm.seen, arm.prior_mean, arm.prior_weight, arm.stands_for}) {
      writer.f64(number);
    }
    writer.u64(arm.offered);
  }
}

bool NeuralArms::load(Reader& reader, std::size_t arms) {
  NeuralArms read = *this;
  for (std::uint64_t* const number : {&read.learned_, &read.cycles_, &read.until_, &read.refill_from_}) {
    *number = reader.u64();
  }
  read.refilled_ = static_cast<std::size_t>(reader.u64());
  read.refilling_ = reader.boolean();
  read.target_mean_ = reader.finite();
  read.target_squares_ = reader.finite();
  for (Model* const model : {&read.live_, &read.next_}) {
    if (!model->scaling.load(reader)) {
      return false;
    }
    model->layers.load(reader);
    model->base = reader.f64();
    // Written so that NaN fails.
    if (!(std::abs(model->base) <= kMostNeuralNumber)) {
      return false;
    }
  }
  if (!read.live_.heads.load(reader, arms)) {
    return false;
  }
  if (!read.refilling_) {
    read.next_.heads = read.live_.heads;  // as many; start_refill() empties them
  } else if (!read.next_.heads.load(reader, arms)) {
    return false;
  }
  read.trainer_.load(reader);
  if (!read.noted_.load(reader)) {
    return false;
  }
  read.kept_.load(reader);
  // As many arms as the heads that were read.
  read.arms_.assign(arms, {});
  for (std::size_t place = 0; place < read.kept_.size() && reader.ok(); ++place) {
    Origin& origin = read.origins_[place];
    origin.arm = reader.u32();
    origin.number = reader.u64();
    if (origin.arm >= arms || origin.number > read.learned_) {
      return false;
    }
    ++read.arms_[origin.arm].kept;
  }
  for (Arm& arm : read.arms_) {
    arm.seen = reader.f64();
    arm.prior_mean = reader.finite();
    arm.prior_weight = reader.f64();
    arm.stands_for = reader.f64();
    arm.offered = reader.u64();
    // Written so that NaN fails.
    if (!is_weight(arm.seen) || !is_weight(arm.prior_weight) || !is_weight(arm.stands_for) ||
        arm.offered < arm.kept) {
      return false;
    }
  }
  const bool sound = read.until_ - read.learned_ <= kLongestTraining || read.refilling_;
  if (!reader.ok() || !sound || !is_weight(read.target_squares_) ||
      std::abs(read.target_mean_) > kMostNeuralNumber || read.learned_ < read.kept_.size() ||
      read.refill_from_ > read.learned_ || read.refilled_ > read.kept_.size()) {
    return false;
  }
  *this = std::move(read);
  return true;
}

bool NeuralArms::operator==(const NeuralArms& other) const {
  return learned_ == other.learned_ && cycles_ == other.cycles_ && until_ == other.until_ &&
         refill_from_ == other.refill_from_ && refilled_ == other.refilled_ &&
         refilling_ == other.refilling_ && target_mean_ == other.target_mean_ &&
         target_squares_ == other.target_squares_ && live_ == other.live_ &&
         next_.scaling == other.next_.scaling && next_.layers == other.next_.layers &&
         next_.base == other.next_.base && (!refilling_ || next_.heads == other.next_.heads) &&
         trainer_ == other.trainer_ && noted_ == other.noted_ && kept_ == other.kept_ &&
         std::ranges::equal(std::span(origins_).first(kept_.size()),
                            std::span(other.origins_).first(other.kept_.size())) &&
         arms_ == other.arms_;
}

}  // namespace attune
