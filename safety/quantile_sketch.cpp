// SPDX-License-Identifier: Apache-2.0
#include <attune/safety/quantile_sketch.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <string>
#include <utility>

#include "core/portable_math.hpp"

namespace attune {
namespace {

constexpr double kLeastError = 1e-4;
constexpr double kMostError = 0.5;
constexpr std::uint32_t kLeastBins = 16;
constexpr std::uint32_t kMostBins = 65'536;

}  // namespace

Result<QuantileSketch> QuantileSketch::make(const Config& config) {
  if (!(config.relative_error >= kLeastError && config.relative_error <= kMostError)) {
    return fail(Errc::invalid_config,
                "relative_error = " + std::to_string(config.relative_error) + " is outside [0.0001, 0.5]");
  }
  if (config.max_bins < kLeastBins || config.max_bins > kMostBins) {
    return fail(Errc::invalid_config,
                "max_bins = " + std::to_string(config.max_bins) + " is outside [16, 65536]");
  }
  return QuantileSketch(config);
}

QuantileSketch::QuantileSketch() : QuantileSketch(Config{}) {}

QuantileSketch::QuantileSketch(const Config& config) noexcept
    : relative_error_(config.relative_error),
      log_gamma_(detail::portable_log((1.0 + config.relative_error) / (1.0 - config.relative_error))),
      max_bins_(config.max_bins) {}

Errc QuantileSketch::add(double value) noexcept {
  if (!std::isfinite(value)) {
    return Errc::non_finite;
  }
  ++count_;
  if (value <= kLeast) {
    ++zeros_;
    return Errc::ok;
  }
  // |log| of a double is at most 745 and log_gamma_ at least 2e-4: the bin's number fits.
  put(static_cast<std::int32_t>(std::ceil(detail::portable_log(value) / log_gamma_)), 1);
  return Errc::ok;
}

void QuantileSketch::put(std::int32_t bin, std::uint64_t times) {
  if (bins_.empty()) {
    first_ = bin;
    bins_.push_back(times);
    return;
  }
  const auto most = static_cast<std::int32_t>(max_bins_);
  if (bin > last()) {
    const std::int32_t lowest = bin - most + 1;
    if (lowest > first_) {  // the lowest bins become one
      const auto gone = static_cast<std::size_t>(std::min(lowest - first_, last() - first_ + 1));
      std::uint64_t merged = 0;
      for (std::size_t i = 0; i < gone; ++i) {
        merged += bins_[i];
      }
      bins_.erase(bins_.begin(), bins_.begin() + static_cast<std::ptrdiff_t>(gone));
      first_ = lowest;
      bins_.empty() ? bins_.push_back(merged) : static_cast<void>(bins_.front() += merged);
    }
    bins_.resize(static_cast<std::size_t>(bin - first_) + 1, 0);
  } else if (bin < first_) {
    bin = std::max(bin, last() - most + 1);
    if (bin < first_) {
      bins_.insert(bins_.begin(), static_cast<std::size_t>(first_ - bin), 0);
      first_ = bin;
    }
  }
  bins_[static_cast<std::size_t>(bin - first_)] += times;
}

Errc QuantileSketch::merge(const QuantileSketch& other) noexcept {
  if (other.relative_error_ != relative_error_) {
    return Errc::dimension_mismatch;
  }
  const std::size_t count = other.bins_.size();  // `other` may be this
  for (std::size_t i = count; i-- > 0;) {        // from the top: what has no room is merged downwards once
    const std::uint64_t times = other.bins_[i];
    if (times > 0) {
      put(other.first_ + static_cast<std::int32_t>(i), times);
    }
  }
  zeros_ += other.zeros_;
  count_ += other.count_;
  return Errc::ok;
}

double QuantileSketch::middle(std::int32_t bin) const noexcept {
  // 2 gamma^bin / (gamma + 1), as gamma + 1 = 2 / (1 - a).
  // The bin of the largest doubles ends beyond them.
  return std::min(std::numeric_limits<double>::max(),
                  detail::portable_exp(static_cast<double>(bin) * log_gamma_) * (1.0 - relative_error_));
}

double QuantileSketch::quantile(double q, const QuantileSketch& one, const QuantileSketch* more) noexcept {
  const std::uint64_t count = one.count_ + (more == nullptr ? 0 : more->count_);
  if (count == 0) {
    return std::numeric_limits<double>::quiet_NaN();
  }
  const double share = q >= 0.0 ? std::min(q, 1.0) : 0.0;  // NaN counts as 0
  const auto rank =
      std::min(count - 1, static_cast<std::uint64_t>(std::floor(share * static_cast<double>(count - 1))));
  std::uint64_t below = one.zeros_ + (more == nullptr ? 0 : more->zeros_);
  if (rank < below) {
    return 0.0;
  }
  const bool other = more != nullptr && !more->bins_.empty();
  std::int32_t bin = one.bins_.empty() ? more->first_
                     : other           ? std::min(one.first_, more->first_)
                                       : one.first_;
  const std::int32_t end = one.bins_.empty() ? more->last()
                           : other           ? std::max(one.last(), more->last())
                                             : one.last();
  const auto in = [](const QuantileSketch& sketch, std::int32_t at) -> std::uint64_t {
    return at < sketch.first_ || at > sketch.last()
               ? 0
               : sketch.bins_[static_cast<std::size_t>(at - sketch.first_)];
  };
  for (; bin < end; ++bin) {
    below += in(one, bin) + (other ? in(*more, bin) : 0);
    if (below > rank) {
      break;
    }
  }
  return one.middle(bin);
}

void QuantileSketch::clear() noexcept {
  count_ = 0;
  zeros_ = 0;
  first_ = 0;
  bins_.clear();
}

void QuantileSketch::save(Writer& writer) const {
  writer.u64(count_);
  writer.u64(zeros_);
  writer.u32(static_cast<std::uint32_t>(first_));
  writer.numbers(bins_);
}

Result<void> QuantileSketch::load(Reader& reader) {
  const std::uint64_t count = reader.u64();
  const std::uint64_t zeros = reader.u64();
  const auto first = static_cast<std::int32_t>(reader.u32());
  std::vector<std::uint64_t> bins = reader.numbers<std::uint64_t>(max_bins_);
  const double farthest = 800.0 / log_gamma_;
  std::uint64_t sum = zeros;
  bool sound = reader.ok() && zeros <= count && std::abs(static_cast<double>(first)) <= farthest;
  for (const std::uint64_t times : bins) {
    sound = sound && times <= count - sum;  // no overflow: sum <= count so far
    sum += sound ? times : 0;
  }
  sound = sound && sum == count;
  if (!sound || (!bins.empty() && (bins.back() == 0 || bins.front() == 0))) {
    return fail(Errc::corrupt_state, "quantile sketch: the counts are cut short or do not add up");
  }
  count_ = count;
  zeros_ = zeros;
  first_ = bins.empty() ? 0 : first;
  bins_ = std::move(bins);
  return {};
}

bool QuantileSketch::operator==(const QuantileSketch& other) const noexcept {
  return relative_error_ == other.relative_error_ && max_bins_ == other.max_bins_ && count_ == other.count_ &&
         zeros_ == other.zeros_ && (bins_.empty() || first_ == other.first_) && bins_ == other.bins_;
}

}  // namespace attune
