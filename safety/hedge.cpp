// SPDX-License-Identifier: Apache-2.0
#include <attune/safety/hedge.hpp>

#include <algorithm>
#include <bit>
#include <cmath>
#include <string>
#include <utility>

namespace attune {

static_assert(check_persistent<LatencyQuantile>());
static_assert(check_persistent<HedgePolicy>());

LatencyQuantile::LatencyQuantile(double quantile, std::uint32_t window) noexcept
    : quantile_(quantile), window_(std::max(window, 64U)) {}

LatencyQuantile::LatencyQuantile(const LatencyQuantile& other) noexcept
    : quantile_(other.quantile_),
      window_(other.window_),
      count_(other.count_),
      value_(other.value_),
      counts_(other.counts_) {}

LatencyQuantile& LatencyQuantile::operator=(const LatencyQuantile& other) noexcept {
  if (this != &other) {
    quantile_ = other.quantile_;
    window_ = other.window_;
    count_ = other.count_;
    value_ = other.value_;
    counts_ = other.counts_;
  }
  return *this;
}

bool LatencyQuantile::operator==(const LatencyQuantile& other) const noexcept {
  return quantile_ == other.quantile_ && window_ == other.window_ && count_ == other.count_ &&
         value_ == other.value_ && counts_ == other.counts_;
}

std::size_t LatencyQuantile::bucket(Nanos took) noexcept {
  const auto value = static_cast<std::uint64_t>(std::max<Nanos>(took, 0));
  if (value < 16) {
    return static_cast<std::size_t>(value);
  }
  const auto octave = static_cast<unsigned>(std::bit_width(value)) - 1;
  if (octave >= kLastOctave) {
    return kBuckets - 1;
  }
  return 16 + 8 * (octave - kFirstOctave) + (value >> (octave - 3) & 7U);
}

Nanos LatencyQuantile::lower_edge(std::size_t bucket) noexcept {
  if (bucket < 16) {
    return static_cast<Nanos>(bucket);
  }
  const std::size_t octave = kFirstOctave + (bucket - 16) / 8;
  return static_cast<Nanos>((8 + (bucket - 16) % 8) << (octave - 3));
}

void LatencyQuantile::record(Nanos took) noexcept {
  counts_[bucket(took)].add(1);
  if ((count_.add(1) + 1) % kRefresh == 0 && !busy_.test_and_set(std::memory_order_acquire)) {
    refresh();
    busy_.clear(std::memory_order_release);
  }
}

void LatencyQuantile::refresh() noexcept {
  std::array<std::uint32_t, kBuckets> seen{};
  std::uint64_t total = 0;
  for (std::size_t i = 0; i < kBuckets; ++i) {
    seen[i] = counts_[i].load();
    total += seen[i];
  }
  const auto wanted = static_cast<std::uint64_t>(std::ceil(quantile_ * static_cast<double>(total)));
  std::uint64_t below = 0;
  for (std::size_t i = 0; i < kBuckets; ++i) {
    if (seen[i] > 0 && below + seen[i] >= wanted) {
      // As if the durations of a bucket were spread evenly over it.
      const double share = static_cast<double>(wanted - below) / seen[i];
      const auto width =
          static_cast<double>(i < 16 || i + 1 == kBuckets ? 0 : lower_edge(i + 1) - lower_edge(i));
      value_.store(lower_edge(i) + static_cast<Nanos>(share * width));
      break;
    }
    below += seen[i];
  }
  if (total >= window_) {
    for (std::size_t i = 0; i < kBuckets; ++i) {
      // Only this thread takes away; what others add meanwhile stays.
      counts_[i].add(0U - (seen[i] - seen[i] / 2));
    }
  }
}

void LatencyQuantile::save(Writer& writer) const {
  writer.u64(count_.load());
  writer.i64(value_.load());
  for (const auto& count : counts_) {
    writer.u32(count.load());
  }
}

Result<void> LatencyQuantile::load(Reader& reader) {
  LatencyQuantile loaded(quantile_, window_);
  const std::uint64_t count = reader.u64();
  const Nanos value = reader.i64();
  std::uint64_t total = 0;
  for (auto& each : loaded.counts_) {
    each.store(reader.u32());
    total += each.load();
  }
  const bool possible = value >= 0 && value <= lower_edge(kBuckets - 1);
  // Halved at the window's length, looked at every 32nd time; threads may have added a few in between.
  const std::uint64_t most = 4 * (std::uint64_t{window_} + kRefresh);
  if (!reader.ok() || !possible || total > count || total > most) {
    return fail(Errc::corrupt_state, std::string(kName) + ": the state is cut short or damaged");
  }
  loaded.count_.store(count);
  loaded.value_.store(value);
  *this = loaded;
  return {};
}

Description LatencyQuantile::describe() const {
  Description text;
  text.summary = "latency quantile: " + number_text(quantile_) + " of " + std::to_string(count()) +
                 " durations below " + number_text(static_cast<double>(value()) * 1e-9) + " s";
  text.values = {{"count", static_cast<double>(count())}, {"value_s", static_cast<double>(value()) * 1e-9}};
  return text;
}

Result<HedgePolicy> HedgePolicy::make(const Config& config) {
  if (Result<void> verdict = check_bounds(config); !verdict) {
    return tl::unexpected(std::move(verdict).error());
  }
  return RetryBudget::make({config.share, config.reserve}).map([&](const RetryBudget& budget) {
    return HedgePolicy(config, budget);
  });
}

HedgePolicy::HedgePolicy(const Config& config, RetryBudget budget)
    : minimum_calls_(config.minimum_calls),
      least_wait_(std::llround(config.least_wait_s * static_cast<double>(kSecond))),
      budget_(std::move(budget)),
      durations_(config.quantile, config.window) {}

std::optional<Nanos> HedgePolicy::wait() const noexcept {
  if (durations_.count() < minimum_calls_) {
    return std::nullopt;
  }
  return std::max(least_wait_, durations_.value());
}

void HedgePolicy::save(Writer& writer) const {
  budget_.save(writer);
  durations_.save(writer);
}

Result<void> HedgePolicy::load(Reader& reader) {
  HedgePolicy loaded = *this;
  if (Result<void> read = loaded.budget_.load(reader); !read) {
    return read;
  }
  if (Result<void> read = loaded.durations_.load(reader); !read) {
    return read;
  }
  *this = loaded;
  return {};
}

Description HedgePolicy::describe() const {
  Description text = durations_.describe();
  text.summary = "hedge policy: " + number_text(budget_.available()) + " second calls left; " + text.summary;
  text.values.emplace_back("available", budget_.available());
  return text;
}

}  // namespace attune
