// SPDX-License-Identifier: Apache-2.0
#include <attune/safety/robust_mean.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <string>
#include <utility>

#include "core/hash.hpp"
#include "safety/detector_state.hpp"

namespace attune {

static_assert(check_persistent<MedianOfMeans>());

namespace {

constexpr std::size_t kMaxBlocks = 1023;

/// Sum of the values that stay, divided by `count` one by one: the sum itself may overflow.
[[nodiscard]] double mean_of(std::span<const double> values, double count) noexcept {
  double mean = 0.0;
  for (const double value : values) {
    mean += value / count;
  }
  return mean;
}

/// Values that go at each end; none where the share is not one.
[[nodiscard]] bool cut_of(std::size_t size, double share, std::size_t& cut) noexcept {
  if (size == 0 || !(share >= 0.0 && share < 0.5)) {
    return false;
  }
  // 0.1 of 30 may come out just below 3.
  cut = static_cast<std::size_t>(share * static_cast<double>(size) + 1e-9);
  return true;
}

}  // namespace

double trimmed_mean(std::span<const double> sorted, double share) noexcept {
  std::size_t cut = 0;
  if (!cut_of(sorted.size(), share, cut)) {
    return std::numeric_limits<double>::quiet_NaN();
  }
  const std::span<const double> kept = sorted.subspan(cut, sorted.size() - 2 * cut);
  return mean_of(kept, static_cast<double>(kept.size()));
}

double winsorized_mean(std::span<const double> sorted, double share) noexcept {
  std::size_t cut = 0;
  if (!cut_of(sorted.size(), share, cut)) {
    return std::numeric_limits<double>::quiet_NaN();
  }
  const std::span<const double> kept = sorted.subspan(cut, sorted.size() - 2 * cut);
  const auto count = static_cast<double>(sorted.size());
  const double ends = static_cast<double>(cut) / count;
  return mean_of(kept, count) + ends * kept.front() + ends * kept.back();
}

Result<MedianOfMeans> MedianOfMeans::make(const Config& config) {
  if (Result<void> verdict = check_bounds(config); !verdict) {
    return tl::unexpected(std::move(verdict).error());
  }
  return MedianOfMeans(config);
}

Errc MedianOfMeans::add_to(std::uint64_t block, double value) noexcept {
  if (!std::isfinite(value)) {
    ++skipped_;
    return Errc::non_finite;
  }
  Block& into = blocks_[static_cast<std::size_t>(block)];
  ++into.count;
  // Not mean += (value - mean) / n: the difference of two finite values may overflow.
  const double share = 1.0 / static_cast<double>(into.count);
  into.mean = (1.0 - share) * into.mean + share * value;
  ++values_;
  return Errc::ok;
}

Errc MedianOfMeans::add(double value) noexcept { return add_to(values_ % config_.blocks, value); }

Errc MedianOfMeans::add(double value, std::uint64_t source) noexcept {
  return add_to(hash64(std::as_bytes(std::span(&source, 1)), config_.seed) % config_.blocks, value);
}

double MedianOfMeans::estimate() const noexcept {
  std::array<double, kMaxBlocks> means;  // NOLINT: as much as is used is written
  std::size_t size = 0;
  for (const Block& block : blocks_) {
    if (block.count > 0) {
      means[size++] = block.mean;
    }
  }
  if (size == 0) {
    return std::numeric_limits<double>::quiet_NaN();
  }
  std::sort(means.begin(), means.begin() + static_cast<std::ptrdiff_t>(size));
  return size % 2 == 1 ? means[size / 2] : 0.5 * means[size / 2 - 1] + 0.5 * means[size / 2];
}

void MedianOfMeans::reset() noexcept {
  std::fill(blocks_.begin(), blocks_.end(), Block{});
  values_ = 0;
}

void MedianOfMeans::save(Writer& writer) const {
  writer.u64(values_);
  writer.u64(skipped_);
  for (const Block& block : blocks_) {
    writer.u64(block.count);
    writer.f64(block.mean);
  }
}

Result<void> MedianOfMeans::load(Reader& reader) {
  MedianOfMeans loaded(config_);
  loaded.values_ = reader.u64();
  loaded.skipped_ = reader.u64();
  std::uint64_t total = 0;
  for (Block& block : loaded.blocks_) {
    block = {reader.u64(), reader.finite()};
    total += block.count;
  }
  const bool sound = total == loaded.values_;
  return detail::take_loaded(*this, std::move(loaded), reader, sound);
}

Description MedianOfMeans::describe() const {
  Description text;
  text.summary = "median of means: " + number_text(estimate()) + " of " + std::to_string(values_) + " values";
  text.values = {{"values", static_cast<double>(values_)},
                 {"skipped", static_cast<double>(skipped_)},
                 {"estimate", estimate()}};
  return text;
}

}  // namespace attune
