// SPDX-License-Identifier: Apache-2.0
#include <attune/policies/fading_means.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <type_traits>
#include <utility>

#include "core/portable_math.hpp"
#include "policies/bandit/choosing.hpp"
#include "policies/bandit/decision_order.hpp"

namespace attune {
namespace {

/// base^count, the same for the same count however it is reached in time.
[[nodiscard]] double faded(double base, std::uint64_t count) noexcept {
  return count == 0 ? 1.0 : detail::portable_exp(static_cast<double>(count) * detail::portable_log(base));
}

}  // namespace

Errc FadingMeans::update(const Feedback& feedback) noexcept {
  if (const Errc verdict = detail::check_unit(feedback, means_.arms(), means_.total()); verdict != Errc::ok) {
    return verdict;
  }
  const std::uint64_t sequence = detail::sequence_of(feedback, next_);
  Feedback learned = feedback;
  if (sequence >= next_) {
    if (next_ > 0 && discount_ < 1.0) {
      static_cast<void>(means_.forget(kNoArm, faded(discount_, sequence - next_ + 1)));
    }
    next_ = sequence + 1;
  } else if (discount_ < 1.0) {
    learned.weight *= faded(discount_, next_ - 1 - sequence);
    learned.weight = learned.weight < detail::kLeastWeight ? 0.0 : learned.weight;
  }
  return means_.update(learned);
}

void FadingMeans::save(Writer& writer) const {
  means_.save(writer);
  writer.u64(next_);
}

bool FadingMeans::load(Reader& reader, const char*& problem) {
  FadingMeans loaded = *this;
  if (!loaded.means_.load(reader, problem)) {
    return false;
  }
  loaded.next_ = reader.u64();
  if (!reader.ok()) {
    problem = "the state is cut short";
    return false;
  }
  *this = std::move(loaded);
  return true;
}

WindowMeans::WindowMeans(const Shape& shape, std::size_t window, double first_mean)
    : means_(shape, RewardDomain::unit, first_mean),
      ring_(window),
      weight_(shape.arms, 0.0),
      sum_(shape.arms, 0.0) {}

Errc WindowMeans::update(const Feedback& feedback) noexcept {
  if (const Errc verdict = detail::check_unit(feedback, means_.arms(), total()); verdict != Errc::ok) {
    return verdict;
  }
  const std::uint64_t sequence = detail::sequence_of(feedback, next_);
  if (sequence >= next_) {
    advance(sequence);
  }
  if (next_ - sequence <= ring_.size() && feedback.weight > 0.0) {
    Entry& entry = ring_[sequence % ring_.size()];
    drop(entry);  // a second reward of the same decision stands for the first
    entry = {.sequence = sequence,
             .reward = feedback.reward,
             .weight = feedback.weight,
             .arm = to_index(feedback.arm)};
    weight_[to_index(feedback.arm)] += entry.weight;
    sum_[to_index(feedback.arm)] += entry.weight * entry.reward;
    total_ += entry.weight;
  }
  if (sequence % ring_.size() == 0) {
    recount();  // what additions and subtractions have rounded does not add up
  }
  Feedback counted = feedback;
  counted.weight = 0.0;
  return means_.update(counted);
}

/// Empties the places of the decisions that leave the window when `sequence` becomes the latest.
void WindowMeans::advance(std::uint64_t sequence) noexcept {
  const std::uint64_t steps = sequence - next_ + 1;
  if (steps >= ring_.size()) {
    std::ranges::fill(ring_, Entry{});
    recount();
  } else {
    for (std::uint64_t number = next_; number <= sequence; ++number) {
      drop(ring_[number % ring_.size()]);
    }
  }
  next_ = sequence + 1;
}

void WindowMeans::drop(Entry& entry) noexcept {
  if (!(entry.weight > 0.0)) {
    return;
  }
  const double weight = weight_[entry.arm] - entry.weight;
  const double total = total_ - entry.weight;
  // Where nearly all of a sum goes, what stays is mostly rounding.
  const bool anew = weight < 1e-6 * weight_[entry.arm] || total < 1e-6 * total_;
  weight_[entry.arm] = weight;
  sum_[entry.arm] = std::clamp(sum_[entry.arm] - entry.weight * entry.reward, 0.0, std::max(weight, 0.0));
  total_ = total;
  entry = {};
  if (anew) {
    recount();
  }
}

void WindowMeans::recount() noexcept {
  std::ranges::fill(weight_, 0.0);
  std::ranges::fill(sum_, 0.0);
  total_ = 0.0;
  for (const Entry& entry : ring_) {
    if (entry.weight > 0.0) {
      weight_[entry.arm] += entry.weight;
      sum_[entry.arm] += entry.weight * entry.reward;
      total_ += entry.weight;
    }
  }
}

double WindowMeans::mean(std::size_t arm) const noexcept {
  const double prior = means_.weight(arm);
  const double weight = prior + weight_[arm];
  return weight > 0.0
             ? std::clamp((prior > 0.0 ? prior * means_.mean(arm) : 0.0) / weight + sum_[arm] / weight, 0.0,
                          1.0)
             : means_.mean(arm);
}

double WindowMeans::variance(std::size_t arm) const noexcept {
  return weight(arm) > 0.0 ? mean(arm) * (1.0 - mean(arm)) : 0.0;  // of a coin: the largest there can be
}

Result<ArmIndex> WindowMeans::add_arm() {
  detail::make_room(weight_, count() + 1);
  detail::make_room(sum_, count() + 1);
  Result<ArmIndex> added = means_.add_arm();
  if (added) {
    weight_.push_back(0.0);
    sum_.push_back(0.0);
  }
  return added;
}

Errc WindowMeans::reset_arm(ArmIndex arm) noexcept {
  const Errc verdict = means_.reset_arm(arm);
  if (verdict == Errc::ok) {
    for (Entry& entry : ring_) {
      entry = entry.weight > 0.0 && entry.arm == to_index(arm) ? Entry{} : entry;
    }
    recount();
  }
  return verdict;
}

Errc WindowMeans::forget(ArmIndex arm, double keep) noexcept {
  const Errc verdict = means_.forget(arm, keep);
  if (verdict == Errc::ok) {
    for (Entry& entry : ring_) {
      if (arm == kNoArm || entry.arm == to_index(arm)) {
        entry.weight *= keep;
        entry = entry.weight < detail::kLeastWeight ? Entry{} : entry;
      }
    }
    recount();
  }
  return verdict;
}

double WindowMeans::expectation(ArmIndex arm) const noexcept {
  return arms().contains(arm) && weight(to_index(arm)) > 0.0 ? mean(to_index(arm))
                                                             : std::numeric_limits<double>::quiet_NaN();
}

bool WindowMeans::operator==(const WindowMeans& other) const {
  return means_ == other.means_ && ring_ == other.ring_ && next_ == other.next_ && weight_ == other.weight_ &&
         sum_ == other.sum_ && total_ == other.total_;
}

void WindowMeans::save(Writer& writer) const {
  static_assert(std::is_trivially_copyable_v<Entry> && sizeof(Entry) == 32, "it is stored as it lies");
  means_.save(writer);
  writer.u64(next_);
  writer.numbers(ring_);
  // As they have been rounded: a restored policy goes on to the bit.
  writer.numbers(weight_);
  writer.numbers(sum_);
  writer.f64(total_);
}

bool WindowMeans::load(Reader& reader, const char*& problem) {
  WindowMeans loaded = *this;
  if (!loaded.means_.load(reader, problem)) {
    return false;
  }
  loaded.next_ = reader.u64();
  loaded.ring_ = reader.exactly<Entry>(ring_.size());
  loaded.weight_ = reader.exactly<double>(loaded.count());
  loaded.sum_ = reader.exactly<double>(loaded.count());
  loaded.total_ = reader.finite();
  if (!reader.ok()) {
    problem = "the state is cut short, or its window has another length";
    return false;
  }
  const bool sound = std::ranges::all_of(loaded.ring_, [&](const Entry& entry) {
    return entry.weight == 0.0 ||
           (entry.arm < loaded.count() && entry.weight > 0.0 && std::isfinite(entry.weight) &&
            entry.reward >= 0.0 && entry.reward <= 1.0 && entry.sequence < loaded.next_ &&
            loaded.next_ - entry.sequence <= ring_.size());
  });
  if (!sound || !detail::all_weights(loaded.weight_) || !detail::all_weights(loaded.sum_) ||
      loaded.total_ < 0.0) {
    problem = "a reward of the window cannot be one, or a sum is not finite";
    return false;
  }
  WindowMeans exact = loaded;
  exact.recount();
  const auto near = [](double kept, double sum) {
    return std::abs(kept - sum) <= 1e-6 * std::max(kept, sum) + 1e-9;
  };
  for (std::size_t arm = 0; arm < loaded.count(); ++arm) {
    if (!near(loaded.weight_[arm], exact.weight_[arm]) || !near(loaded.sum_[arm], exact.sum_[arm])) {
      problem = "the sums are not those of the window";
      return false;
    }
  }
  if (!near(loaded.total_, exact.total_) || !std::isfinite(exact.total_ + loaded.means_.total())) {
    problem = "the sums are not those of the window";
    return false;
  }
  *this = std::move(loaded);
  return true;
}

}  // namespace attune
