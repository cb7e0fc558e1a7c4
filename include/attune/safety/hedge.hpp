// SPDX-License-Identifier: Apache-2.0
/// @file
/// HedgePolicy: when to send the same call a second time, without waiting for the first.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include <attune/core/concepts.hpp>
#include <attune/safety/retry.hpp>

namespace attune {

/// Quantile of durations seen lately, in 1.2 KB: counts over fixed buckets, eight an octave, halved from time
/// to time. The answer lies in the bucket of the quantile, so it is less than 12.5 % off (exact below 16 ns),
/// and spread over the bucket as its counts are; durations from 2^40 ns (18 minutes) on count as that.
///
/// Cost: two atomic additions to record; every 32nd looks through the buckets. Threads: all but load and
/// assignment at once.
// Moving is copying: atomics stay where they are.
// NOLINTNEXTLINE(cppcoreguidelines-special-member-functions)
class LatencyQuantile {
 public:
  static constexpr std::string_view kName = "latency_quantile";
  static constexpr std::uint32_t kStateVersion = 1;

  /// `quantile` in (0, 1); counts are halved when there are `window` of them, at least 64.
  LatencyQuantile(double quantile, std::uint32_t window) noexcept;
  LatencyQuantile(const LatencyQuantile& other) noexcept;
  LatencyQuantile& operator=(const LatencyQuantile& other) noexcept;
  ~LatencyQuantile() = default;

  /// Below zero counts as zero.
  void record(Nanos took) noexcept;
  /// As of the last 32nd duration; 0 before the first 32.
  [[nodiscard]] Nanos value() const noexcept { return value_.load(); }
  [[nodiscard]] std::uint64_t count() const noexcept { return count_.load(); }

  void save(Writer& writer) const;
  /// Errors: corrupt_state; unchanged on error.
  [[nodiscard]] Result<void> load(Reader& reader);
  [[nodiscard]] Description describe() const;
  [[nodiscard]] bool operator==(const LatencyQuantile& other) const noexcept;

 private:
  static constexpr unsigned kFirstOctave = 4;
  static constexpr unsigned kLastOctave = 40;
  static constexpr std::size_t kBuckets = 16 + 8 * (kLastOctave - kFirstOctave) + 1;
  static constexpr std::uint64_t kRefresh = 32;

  [[nodiscard]] static std::size_t bucket(Nanos took) noexcept;
  [[nodiscard]] static Nanos lower_edge(std::size_t bucket) noexcept;
  void refresh() noexcept;

  double quantile_;
  std::uint32_t window_;
  std::atomic_flag busy_;
  detail::RelaxedAtomic<std::uint64_t> count_{0};  // ever
  detail::RelaxedAtomic<Nanos> value_{0};
  std::array<detail::RelaxedAtomic<std::uint32_t>, kBuckets> counts_{};
};

/// Options of HedgePolicy.
struct HedgeConfig {
  double quantile = 0.95;
  double share = 0.05;
  double reserve = 5.0;
  std::uint32_t minimum_calls = 128;
  std::uint32_t window = 1024;
  double least_wait_s = 0.001;

  template <class Self, class Visitor>
  static constexpr void fields(Self& self, Visitor&& visit) {
    visit("quantile", self.quantile, Bounds{0.5, 0.9999},
          "a call that takes longer than this share is hedged");
    visit("share", self.share, Bounds{0.0, 0.5}, "second calls that a first call earns");
    visit("reserve", self.reserve, Bounds{1.0, 1e6}, "earned second calls that are kept at most");
    visit("minimum_calls", self.minimum_calls, Bounds{32, 1e9}, "durations seen before any call is hedged");
    visit("window", self.window, Bounds{64, 1e8}, "durations at which older ones begin to count half");
    visit("least_wait_s", self.least_wait_s, Bounds{0.0, 86400}, "never hedges sooner, seconds");
  }
  bool operator==(const HedgeConfig&) const = default;
};

/// Sends a second call where the first takes longer than most do, for at most `share` of the calls and
/// `reserve`. For idempotent calls only: both may be carried out. Whoever makes the calls does so like this:
///
///     hedge.note_call();
///     start the call; wait for it for hedge.wait(); still none: if (hedge.try_hedge()) start a second one;
///     take the first answer, cancel the other; hedge.record(how long the answer took);
///
/// Source: Dean, Barroso (2013), "The Tail at Scale", CACM 56(2), 74-80.
/// Cost and threads: as RetryBudget and LatencyQuantile.
class HedgePolicy {
 public:
  using Config = HedgeConfig;

  static constexpr std::string_view kName = "hedge_policy";
  static constexpr std::uint32_t kStateVersion = 1;

  /// Errors: invalid_config, naming the field.
  [[nodiscard]] static Result<HedgePolicy> make(const Config& config);

  /// A first call is made.
  void note_call() noexcept { budget_.note_call(); }
  /// How long to wait for it before a second one; none while too few durations are known.
  [[nodiscard]] std::optional<Nanos> wait() const noexcept;
  /// May the second call be made? Spends it.
  [[nodiscard]] bool try_hedge() noexcept { return wait().has_value() && budget_.try_retry(); }
  /// How long a call took.
  void record(Nanos took) noexcept { durations_.record(took); }

  void save(Writer& writer) const;
  /// Errors: corrupt_state; unchanged on error.
  [[nodiscard]] Result<void> load(Reader& reader);
  [[nodiscard]] Description describe() const;
  [[nodiscard]] bool operator==(const HedgePolicy&) const = default;

 private:
  HedgePolicy(const Config& config, RetryBudget budget);

  std::uint64_t minimum_calls_;
  Nanos least_wait_;
  RetryBudget budget_;
  LatencyQuantile durations_;
};

}  // namespace attune
