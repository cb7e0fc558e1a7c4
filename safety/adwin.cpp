// SPDX-License-Identifier: Apache-2.0
#include <attune/safety/adwin.hpp>

#include <algorithm>
#include <bit>
#include <cmath>
#include <span>
#include <utility>

#include "safety/detector_state.hpp"

namespace attune {

static_assert(check_drift_detector<Adwin>());

namespace {

/// Part of the false alarms that octave j of h may have: the delays that matter most, 100 to 1000 values, are
/// bought with those of very short and very long ones. The shares of the octaves 0 to 20 sum to 1.34; the
/// sum's excess over 1 is in kCrossings.
[[nodiscard]] double share_of(std::size_t octave) noexcept {
  const double j = static_cast<double>(octave);
  return octave < 7 ? 0.24 * std::exp2(1.2 * (j - 7.0)) : octave <= 9 ? 0.24 : 0.04;
}
/// Tests of one octave are neither as few as h values apart, nor independent, nor at the boundary all the
/// time; this factor makes the rate on N(0, 1) what delta says, by simulation (docs/drift.md).
constexpr double kCrossings = 25.0;
constexpr double kWarningShare = 0.85;
constexpr std::size_t kNewestRows = 5;  // rows that every test looks at

}  // namespace

Adwin::Adwin(const Config& config) : config_(config), used_(kRows, 0) {
  buckets_.resize(kRows * row_capacity());
  make_bounds();
}

Result<Adwin> Adwin::make(const Config& config) {
  if (Result<void> verdict = check_bounds(config); !verdict) {
    return tl::unexpected(std::move(verdict).error());
  }
  return Adwin(config);
}

void Adwin::make_bounds() noexcept {
  const double rate = config_.delta / 1000.0;
  for (std::size_t octave = 0; octave < kRows; ++octave) {
    // Windows beyond 2^20 gain nothing more: the octaves there have no share.
    const double h = std::ldexp(1.0, static_cast<int>(std::min<std::size_t>(octave, 20)));
    double squared = 20.0;
    for (int step = 0; step < 60; ++step) {
      const double next =
          2.0 * std::log(squared * std::sqrt(squared) / (kCrossings * rate * share_of(octave) * h));
      squared = std::max(next, 9.0);
    }
    quantile_[octave] = std::sqrt(squared);
  }
  const double least = kWarningShare * quantile_[kRows - 1];
  least_squared_ = least * least;
}

void Adwin::start_window() noexcept {
  for (std::size_t index = 0; index < rows_; ++index) {
    used_[index] = 0;
  }
  std::fill_n(buckets_.begin(), rows_ * row_capacity(), Sums{});
  total_ = {};
  width_ = 0;
  tick_ = 0;
  rows_ = 1;
}

void Adwin::reset() noexcept {
  start_window();
  scale_.reset();
}

Signal Adwin::update(double value) noexcept {
  if (!detail::counted(count_, value)) [[unlikely]] {
    return Signal::none;
  }
  if (!scale_.ready()) [[unlikely]] {
    if (scale_.add(value)) {
      for (const double first : scale_.first()) {
        insert(scale_.score(first));
      }
    }
    return Signal::none;
  }
  (void)scale_.add(value);
  insert(scale_.score(value));
  ++tick_;
  if (tick_ % config_.clock != 0 || width_ < config_.grace_period) {
    return Signal::none;
  }
  return test();
}

void Adwin::insert(double score) noexcept {
  const double square = score * score;
  const Sums sums{.powers = {score, square, square * score, square * square}};
  row(0)[used_[0]] = sums;
  ++used_[0];
  ++width_;
  for (std::size_t i = 0; i < 4; ++i) {
    total_.powers[i] += sums.powers[i];
  }
  if (used_[0] > config_.max_buckets) {
    compress();
  }
}

void Adwin::compress() noexcept {
  for (std::size_t index = 0; index + 1 < kRows && used_[index] > config_.max_buckets; ++index) {
    Sums* const here = row(index);
    Sums& merged = row(index + 1)[used_[index + 1]];
    for (std::size_t i = 0; i < 4; ++i) {
      merged.powers[i] = here[0].powers[i] + here[1].powers[i];
    }
    ++used_[index + 1];
    std::copy(here + 2, here + used_[index], here);
    used_[index] -= 2;
    here[used_[index]] = {};
    here[used_[index] + 1] = {};
    rows_ = std::max(rows_, index + 2);
  }
  if (used_[kRows - 1] > config_.max_buckets) {
    drop_older(width_ - (std::uint64_t{1} << (kRows - 1)));
  }
}

Adwin::Shape Adwin::shape() const noexcept {
  const double count = static_cast<double>(width_);
  const double m1 = total_.powers[0] / count;
  const double m2 = total_.powers[1] / count;
  const double m3 = total_.powers[2] / count;
  const double m4 = total_.powers[3] / count;
  const double variance = std::max(m2 - m1 * m1, 0.0);
  if (!(variance > 1e-13 * m2)) {
    return {.mean = m1};  // constant up to rounding
  }
  const double third = m3 - 3.0 * m1 * m2 + 2.0 * m1 * m1 * m1;
  const double fourth = m4 - 4.0 * m1 * m3 + 6.0 * m1 * m1 * m2 - 3.0 * m1 * m1 * m1 * m1;
  return {.mean = m1,
          .variance = variance,
          .skewness = third / (variance * std::sqrt(variance)),
          .kurtosis = fourth / (variance * variance) - 3.0};
}

double Adwin::bound(double older, double newer, bool up, const Shape& shape) const noexcept {
  const double r0 = 1.0 / older;
  const double r1 = 1.0 / newer;
  const double m = r0 + r1;
  const int octave = std::max(std::ilogb(1.0 / m), 0);
  const double z = quantile_[static_cast<std::size_t>(octave)];
  const double side = up ? shape.skewness : -shape.skewness;
  const double skewness = side * (r1 * r1 - r0 * r0) / (m * std::sqrt(m));
  const double kurtosis = shape.kurtosis * (r1 * r1 * r1 + r0 * r0 * r0) / (m * m);
  return z + std::max(skewness, 0.0) / 6.0 * (z * z - 1.0) +
         std::max(kurtosis, 0.0) / 24.0 * (z * z * z - 3.0 * z);
}

Signal Adwin::test() noexcept {
  const Shape now = shape();
  if (now.variance == 0.0) {
    return Signal::none;
  }
  const std::uint64_t turn = tick_ / config_.clock;
  const std::size_t rows = std::min(rows_, kNewestRows + static_cast<std::size_t>(std::countr_zero(turn)));
  const double width = static_cast<double>(width_);
  const double shortest = static_cast<double>(config_.min_window_length);
  const double least = least_squared_ * now.variance / width;
  double newer = 0.0;
  double sum = 0.0;
  Signal signal = Signal::none;
  for (std::size_t index = 0; index < rows; ++index) {
    const Sums* const buckets = row(index);
    const double size = static_cast<double>(std::uint64_t{1} << index);
    for (std::uint32_t k = used_[index]; k-- > 0;) {
      newer += size;
      sum += buckets[k].powers[0];
      const double older = width - newer;
      // z^2 = excess^2 W / (n0 n1 v): no division needed to see that nothing is there.
      const double excess = sum - newer * now.mean;
      if (excess * excess < least * older * newer || newer < shortest || older < shortest) [[likely]] {
        continue;
      }
      const double z = std::fabs(excess) * std::sqrt(width / (older * newer * now.variance));
      const double limit = bound(older, newer, excess > 0.0, now);
      if (z > limit) {
        ++count_.drifts;
        keep_newer(now);
        return Signal::drift;
      }
      if (z > kWarningShare * limit) {
        signal = Signal::warning;
      }
    }
  }
  return signal;
}

void Adwin::keep_newer(const Shape& shape) noexcept {
  const double width = static_cast<double>(width_);
  std::uint64_t newer = 0;
  std::uint64_t best = 0;
  double sum = 0.0;
  double strongest = -1.0;
  for (std::size_t index = 0; index < rows_; ++index) {
    for (std::uint32_t k = used_[index]; k-- > 0;) {
      newer += std::uint64_t{1} << index;
      sum += row(index)[k].powers[0];
      if (newer < config_.min_window_length || width_ - newer < config_.min_window_length) {
        continue;
      }
      const double excess = sum - static_cast<double>(newer) * shape.mean;
      const double strength =
          excess * excess / (static_cast<double>(newer) * (width - static_cast<double>(newer)));
      if (strength > strongest) {
        strongest = strength;
        best = newer;
      }
    }
  }
  drop_older(best);
  const Shape left = this->shape();
  if (std::fabs(left.mean) > 0.5 * scale_.limit() || left.variance > 0.25 * scale_.limit() * scale_.limit()) {
    reset();
  }
}

void Adwin::drop_older(std::uint64_t keep) noexcept {
  while (width_ > keep) {
    const std::size_t last = rows_ - 1;
    Sums* const buckets = row(last);
    width_ -= std::uint64_t{1} << last;
    std::copy(buckets + 1, buckets + used_[last], buckets);
    --used_[last];
    buckets[used_[last]] = {};
    while (rows_ > 1 && used_[rows_ - 1] == 0) {
      --rows_;
    }
  }
  // Anew, not by subtraction: what rounding left of the dropped would stay for good.
  total_ = {};
  for (std::size_t index = 0; index < rows_; ++index) {
    for (std::uint32_t k = 0; k < used_[index]; ++k) {
      for (std::size_t i = 0; i < 4; ++i) {
        total_.powers[i] += row(index)[k].powers[i];
      }
    }
  }
}

double Adwin::estimation() const noexcept {
  return width_ == 0 ? 0.0
                     : scale_.center() + scale_.scale() * (total_.powers[0] / static_cast<double>(width_));
}

double Adwin::deviation() const noexcept {
  return width_ == 0 ? 0.0 : scale_.scale() * std::sqrt(shape().variance);
}

void Adwin::save(Writer& writer) const {
  detail::save_count(writer, count_);
  scale_.save(writer);
  writer.u64(width_);
  writer.u64(tick_);
  for (const double sum : total_.powers) {
    writer.f64(sum);
  }
  writer.u8(static_cast<std::uint8_t>(rows_));
  for (std::size_t index = 0; index < rows_; ++index) {
    writer.u32(used_[index]);
    for (std::uint32_t k = 0; k < used_[index]; ++k) {
      for (const double sum : row(index)[k].powers) {
        writer.f64(sum);
      }
    }
  }
}

Result<void> Adwin::load(Reader& reader) {
  Adwin loaded(config_);
  loaded.count_ = detail::load_count(reader);
  loaded.scale_.load(reader);
  loaded.width_ = reader.u64();
  loaded.tick_ = reader.u64();
  for (double& sum : loaded.total_.powers) {
    sum = reader.finite();
  }
  loaded.rows_ = reader.u8();
  if (!reader.ok() || loaded.rows_ == 0 || loaded.rows_ > kRows) {
    return detail::corrupt_detector(kName, detail::kCutShort);
  }
  const std::uint64_t held = detail::load_rows(reader, std::span(loaded.used_).first(loaded.rows_),
                                               config_.max_buckets, [&](std::size_t index, std::uint32_t k) {
                                                 for (double& sum : loaded.row(index)[k].powers) {
                                                   sum = reader.finite();
                                                 }
                                               });
  const bool sound = held == loaded.width_ && (loaded.rows_ == 1 || loaded.used_[loaded.rows_ - 1] > 0) &&
                     (held == 0 || loaded.scale_.ready());
  return detail::take_loaded(*this, std::move(loaded), reader, sound);
}

Description Adwin::describe() const {
  Description text = detail::describe_stream("adaptive window", count_);
  text.values.emplace_back("width", static_cast<double>(width_));
  text.values.emplace_back("estimation", estimation());
  text.values.emplace_back("deviation", deviation());
  text.values.emplace_back("clipped", static_cast<double>(scale_.clipped()));
  return text;
}

}  // namespace attune
