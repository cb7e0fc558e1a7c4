// SPDX-License-Identifier: Apache-2.0
#include <attune/safety/sorted_window.hpp>

#include <algorithm>
#include <cmath>

namespace attune {

SortedWindow::SortedWindow(std::size_t capacity) : ring_(capacity, 0.0), sorted_(capacity, 0.0) {}

void SortedWindow::push(double value) noexcept {
  const auto begin = sorted_.begin();
  const auto end = begin + static_cast<std::ptrdiff_t>(held_);
  if (held_ < ring_.size()) {
    const auto place = std::upper_bound(begin, end, value);
    std::move_backward(place, end, end + 1);
    *place = value;
    ++held_;
  } else {
    // What lies between the place that becomes free and the one that is needed moves by one.
    const auto gone = std::lower_bound(begin, end, ring_[next_]);
    const auto place = std::upper_bound(begin, end, value);
    if (gone < place) {
      std::move(gone + 1, place, gone);
      *(place - 1) = value;
    } else {
      std::move_backward(place, gone, gone + 1);
      *place = value;
    }
  }
  ring_[next_] = value;
  next_ = next_ + 1 == ring_.size() ? 0 : next_ + 1;
}

double SortedWindow::quantile(double p) const noexcept {
  const double position = p * static_cast<double>(held_ - 1);
  const auto below = static_cast<std::size_t>(position);
  const double share = position - static_cast<double>(below);
  if (share == 0.0 || sorted_[below] == sorted_[below + 1]) {
    return sorted_[below];  // exactly
  }
  // Not low + share (high - low): the difference of two finite values may overflow.
  return (1.0 - share) * sorted_[below] + share * sorted_[below + 1];
}

double SortedWindow::median_deviation(double center) const noexcept {
  // Two rising sequences: distances to the right of the center, and, read backwards, to the left of it.
  const std::span<const double> values = sorted();
  const auto split =
      static_cast<std::size_t>(std::upper_bound(values.begin(), values.end(), center) - values.begin());
  const auto left = [&](std::size_t i) { return center - values[split - 1 - i]; };
  const auto right = [&](std::size_t i) { return values[split + i] - center; };
  const std::size_t right_size = held_ - split;
  /// The k-th smallest distance, k from 0.
  const auto smallest = [&](std::size_t k) {
    // So many of the left are among the k smallest: the first count at which the right ones fit.
    std::size_t low = k > right_size ? k - right_size : 0;
    std::size_t high = std::min(k, split);
    while (low < high) {
      const std::size_t taken = low + (high - low) / 2;
      if (left(taken) < right(k - taken - 1)) {
        low = taken + 1;
      } else {
        high = taken;
      }
    }
    const std::size_t rest = k - low;
    if (low == split) {
      return right(rest);
    }
    return rest == right_size ? left(low) : std::min(left(low), right(rest));
  };
  const std::size_t half = held_ / 2;
  return held_ % 2 == 1 ? smallest(half) : 0.5 * smallest(half - 1) + 0.5 * smallest(half);
}

double SortedWindow::mean_deviation(double center) const noexcept {
  double sum = 0.0;
  for (const double value : sorted()) {
    sum += std::fabs(value - center) / static_cast<double>(held_);
  }
  return sum;
}

void SortedWindow::reset() noexcept {
  std::fill(ring_.begin(), ring_.end(), 0.0);
  held_ = 0;
  next_ = 0;
}

void SortedWindow::save(Writer& writer) const {
  writer.u64(held_);
  for (std::size_t i = 0; i < held_; ++i) {
    writer.f64(ring_[held_ < ring_.size() ? i : (next_ + i) % ring_.size()]);
  }
}

void SortedWindow::load(Reader& reader) {
  const std::uint64_t held = reader.u64();
  if (held > ring_.size() || held > reader.left() / sizeof(double)) {
    reader.fail_now();
    return;
  }
  SortedWindow loaded(ring_.size());
  for (std::uint64_t i = 0; i < held; ++i) {
    const double value = reader.finite();
    if (value == 0.0 && std::signbit(value)) {
      reader.fail_now();
    }
    if (!reader.ok()) {
      return;
    }
    loaded.ring_[i] = value;
    loaded.sorted_[i] = value;
  }
  loaded.held_ = held;
  loaded.next_ = held % ring_.size();
  std::sort(loaded.sorted_.begin(), loaded.sorted_.begin() + static_cast<std::ptrdiff_t>(held));
  *this = std::move(loaded);
}

bool SortedWindow::operator==(const SortedWindow& other) const noexcept {
  if (held_ != other.held_ || ring_.size() != other.ring_.size()) {
    return false;
  }
  const auto at = [](const SortedWindow& window, std::size_t i) {
    return window.ring_[window.held_ < window.ring_.size() ? i : (window.next_ + i) % window.ring_.size()];
  };
  for (std::size_t i = 0; i < held_; ++i) {
    if (at(*this, i) != at(other, i)) {
      return false;
    }
  }
  return true;
}

}  // namespace attune
