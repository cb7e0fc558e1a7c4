// SPDX-License-Identifier: Apache-2.0
/// @file
/// SlateList: the k best of the arms that are offered to it, in order, with what their propensities need.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>

#include <attune/core/rng.hpp>
#include <attune/core/slates.hpp>

namespace attune::detail {

/// Ties are broken by random priorities, a hash of the arm and of one random number: uniformly, and an arm
/// that is offered twice does not count twice.
class SlateList {
 public:
  /// `length` in [1, kMaxSlate].
  // The entries are written before they are read.
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-member-init)
  SlateList(std::size_t length, std::uint64_t key) noexcept : length_(length), key_(key) {}

  void offer(std::size_t arm, double score) noexcept {
    Entry entry{.score = std::isnan(score) ? -std::numeric_limits<double>::infinity() : score,
                .priority = mix64(key_ ^ mix64(arm)),
                .arm = to_arm(arm)};
    if (size_ == length_ && !before(entry, last())) {
      outside_ += entry.score == last().score && entry.arm != last().arm ? 1U : 0U;
      return;
    }
    if (holds(entry.arm)) {
      return;
    }
    if (size_ == length_) {
      const double pushed_out = last().score;
      --size_;
      insert(entry);
      outside_ = last().score == pushed_out ? outside_ + 1 : 0;
    } else {
      insert(entry);
    }
  }

  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] ArmIndex arm(std::size_t position) const noexcept { return entries_[position].arm; }
  [[nodiscard]] double score(std::size_t position) const noexcept { return entries_[position].score; }
  /// Whether arms with the score of the last position were left out. Some may have been offered twice, or
  /// stand in the list.
  [[nodiscard]] bool cuts_a_tie() const noexcept { return outside_ > 0; }

  /// Writes arms and propensities; `tied_at_cut`: how many arms have the score of the last position, within
  /// and without. The product of the propensities.
  [[nodiscard]] double write(const SlateOut& out, double tied_at_cut) const noexcept {
    double product = 1.0;
    std::size_t first = 0;  // of the group of equal scores
    double tied = 0.0;
    for (std::size_t i = 0; i < size_; ++i) {
      if (i == 0 || score(i) != score(first)) {
        first = i;
        tied = score(i) == last().score ? tied_at_cut : in_list(i);
      }
      const double propensity = 1.0 / (tied - static_cast<double>(i - first));
      out.arms[i] = arm(i);
      if (!out.propensities.empty()) {
        out.propensities[i] = propensity;
      }
      product *= propensity;
    }
    return product;
  }
  /// How many arms of the list have the score of position `i`.
  [[nodiscard]] double in_list(std::size_t i) const noexcept {
    const auto same = [&](const Entry& entry) { return entry.score == score(i); };
    return static_cast<double>(std::ranges::count_if(std::span(entries_).first(size_), same));
  }

 private:
  struct Entry {
    double score;
    std::uint64_t priority;
    ArmIndex arm;
  };

  [[nodiscard]] static bool before(const Entry& left, const Entry& right) noexcept {
    return left.score != right.score ? left.score > right.score : left.priority > right.priority;
  }
  [[nodiscard]] const Entry& last() const noexcept { return entries_[size_ - 1]; }
  [[nodiscard]] bool holds(ArmIndex arm) const noexcept {
    const auto same = [arm](const Entry& entry) { return entry.arm == arm; };
    return std::ranges::any_of(std::span(entries_).first(size_), same);
  }
  void insert(const Entry& entry) noexcept {
    std::size_t at = size_++;
    for (; at > 0 && before(entry, entries_[at - 1]); --at) {
      entries_[at] = entries_[at - 1];
    }
    entries_[at] = entry;
  }

  std::size_t length_;
  std::uint64_t key_;
  std::size_t size_ = 0;
  std::size_t outside_ = 0;
  std::array<Entry, kMaxSlate> entries_;
};

/// ok, or what is wrong with where a slate is to go. What lies there is cleared.
[[nodiscard]] inline Errc start_slate(const SlateOut& out) noexcept {
  std::ranges::fill(out.arms, kNoArm);
  std::ranges::fill(out.propensities, 0.0);
  const bool fits = out.propensities.empty() || out.propensities.size() == out.arms.size();
  return fits && !out.arms.empty() && out.arms.size() <= kMaxSlate ? Errc::ok : Errc::invalid_argument;
}

}  // namespace attune::detail
