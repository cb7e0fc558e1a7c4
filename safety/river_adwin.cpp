// SPDX-License-Identifier: Apache-2.0
#include <attune/safety/river_adwin.hpp>

#include <algorithm>
#include <cmath>
#include <span>
#include <utility>

#include "safety/detector_state.hpp"

namespace attune {

static_assert(check_drift_detector<RiverAdwin>());

namespace {

[[nodiscard]] double size_of_row(std::size_t row) noexcept {
  return static_cast<double>(std::uint64_t{1} << row);
}

}  // namespace

RiverAdwin::RiverAdwin(const Config& config) : config_(config), used_(kRows, 0) {
  buckets_.resize(kRows * row_capacity());
}

Result<RiverAdwin> RiverAdwin::make(const Config& config) {
  if (Result<void> verdict = check_bounds(config); !verdict) {
    return tl::unexpected(std::move(verdict).error());
  }
  return RiverAdwin(config);
}

void RiverAdwin::reset() noexcept {
  for (std::size_t index = 0; index < rows_; ++index) {
    used_[index] = 0;
  }
  std::fill_n(buckets_.begin(), rows_ * row_capacity(), Bucket{});
  width_ = 0.0;
  total_ = 0.0;
  squares_ = 0.0;
  tick_ = 0;
  rows_ = 1;
  restart_ = false;
  deaf_ = false;
}

Signal RiverAdwin::update(double value) noexcept {
  if (!std::isfinite(value)) {
    ++count_.skipped;
    if (!config_.skip_non_finite) {
      if (restart_) {
        reset();
      }
      deaf_ = true;
    }
    return Signal::none;
  }
  ++count_.values;
  if (deaf_) {
    return Signal::none;
  }
  if (restart_) {
    reset();
  }
  insert(value);
  ++tick_;
  const bool due = tick_ % config_.clock == 0 && width_ > static_cast<double>(config_.grace_period);
  restart_ = due && shrink();
  if (!std::isfinite(total_) || !std::isfinite(squares_)) [[unlikely]] {
    // Sums overflowed. River detects at once or never again: from infinity on, each test compares NaN or
    // infinity with infinity.
    const bool hit = restart_;
    reset();
    restart_ = hit;
    deaf_ = !hit;
  }
  if (!restart_) {
    return Signal::none;
  }
  ++count_.drifts;
  return Signal::drift;
}

// The order of every operation below is River's: another one rounds differently.
void RiverAdwin::insert(double value) noexcept {
  row(0)[used_[0]] = {.total = value, .squares = 0.0};
  ++used_[0];
  width_ += 1.0;
  if (width_ > 1.0) {
    const double deviation = value - total_ / (width_ - 1.0);
    squares_ += (width_ - 1.0) * deviation * deviation / width_;
  }
  total_ += value;
  compress();
}

void RiverAdwin::compress() noexcept {
  for (std::size_t index = 0; index + 1 < kRows && used_[index] == config_.max_buckets + 1; ++index) {
    Bucket* const here = row(index);
    Bucket* const next = row(index + 1);
    const double size = size_of_row(index);
    const double difference = here[0].total / size - here[1].total / size;
    const double between = size * size * difference * difference / (size + size);
    next[used_[index + 1]] = {.total = here[0].total + here[1].total,
                              .squares = here[0].squares + here[1].squares + between};
    ++used_[index + 1];
    std::copy(here + 2, here + used_[index], here);
    used_[index] -= 2;
    here[used_[index]] = {};
    here[used_[index] + 1] = {};
    rows_ = std::max(rows_, index + 2);
  }
}

void RiverAdwin::drop_oldest() noexcept {
  const std::size_t last = rows_ - 1;
  Bucket* const oldest = row(last);
  const double size = size_of_row(last);
  const double mean = oldest[0].total / size;
  width_ -= size;
  total_ -= oldest[0].total;
  const double difference = mean - total_ / width_;
  squares_ -= oldest[0].squares + size * width_ * difference * difference / (size + width_);
  std::copy(oldest + 1, oldest + used_[last], oldest);
  --used_[last];
  oldest[used_[last]] = {};
  while (rows_ > 1 && used_[rows_ - 1] == 0) {
    --rows_;
  }
}

bool RiverAdwin::find_cut() const noexcept {
  const double shortest = static_cast<double>(config_.min_window_length);
  const double evidence = std::log(2.0 * std::log(width_) / config_.delta);
  const double spread = squares_ / width_;
  double n0 = 0.0;
  double n1 = width_;
  double u0 = 0.0;
  double u1 = total_;
  for (std::size_t index = rows_; index-- > 0;) {
    const Bucket* const buckets = row(index);
    const double size = size_of_row(index);
    for (std::uint32_t k = 0; k < used_[index]; ++k) {
      n0 += size;
      n1 -= size;
      u0 += buckets[k].total;
      u1 -= buckets[k].total;
      if (index == 0 && k + 1 == used_[0]) {
        return false;  // nothing is newer
      }
      if (n0 < shortest) {
        continue;
      }
      if (n1 < shortest) {
        return false;
      }
      const double difference = std::fabs(u0 / n0 - u1 / n1);
      const double m = 1.0 / (n0 - shortest + 1.0) + 1.0 / (n1 - shortest + 1.0);
      const double bound = std::sqrt(2.0 * m * spread * evidence) + 2.0 / 3.0 * evidence * m;
      if (difference > bound) {
        return true;
      }
    }
  }
  return false;
}

bool RiverAdwin::shrink() noexcept {
  bool hit = false;
  while (find_cut()) {
    hit = true;
    drop_oldest();
  }
  return hit;
}

void RiverAdwin::save(Writer& writer) const {
  detail::save_count(writer, count_);
  writer.u64(static_cast<std::uint64_t>(width_));
  writer.f64(total_);
  writer.f64(squares_);
  writer.u64(tick_);
  writer.boolean(restart_);
  writer.boolean(deaf_);
  writer.u8(static_cast<std::uint8_t>(rows_));
  for (std::size_t index = 0; index < rows_; ++index) {
    writer.u32(used_[index]);
    for (std::uint32_t k = 0; k < used_[index]; ++k) {
      writer.f64(row(index)[k].total);
      writer.f64(row(index)[k].squares);
    }
  }
}

Result<void> RiverAdwin::load(Reader& reader) {
  RiverAdwin loaded(config_);
  loaded.count_ = detail::load_count(reader);
  const std::uint64_t width = reader.u64();
  loaded.total_ = reader.finite();
  loaded.squares_ = reader.finite();
  loaded.tick_ = reader.u64();
  loaded.restart_ = reader.boolean();
  loaded.deaf_ = reader.boolean();
  loaded.rows_ = reader.u8();
  if (!reader.ok() || loaded.rows_ == 0 || loaded.rows_ > kRows) {
    return detail::corrupt_detector(kName, detail::kCutShort);
  }
  const std::uint64_t held = detail::load_rows(reader, std::span(loaded.used_).first(loaded.rows_),
                                               config_.max_buckets, [&](std::size_t index, std::uint32_t k) {
                                                 loaded.row(index)[k].total = reader.finite();
                                                 loaded.row(index)[k].squares = reader.finite();
                                               });
  const bool sound = held == width && (loaded.rows_ == 1 || loaded.used_[loaded.rows_ - 1] > 0);
  loaded.width_ = static_cast<double>(width);
  return detail::take_loaded(*this, std::move(loaded), reader, sound);
}

Description RiverAdwin::describe() const {
  Description text = detail::describe_stream("ADWIN as River does it", count_);
  text.values.emplace_back("width", width_);
  text.values.emplace_back("total", total_);
  text.values.emplace_back("variance", variance());
  text.values.emplace_back("estimation", estimation());
  text.values.emplace_back("deaf", deaf_ ? 1.0 : 0.0);
  return text;
}

}  // namespace attune
