// SPDX-License-Identifier: Apache-2.0
/// @file
/// RetryBudget and Backoff: whether to try again, and when.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include <attune/core/clock.hpp>
#include <attune/core/concepts.hpp>
#include <attune/core/rng.hpp>
#include <attune/safety/relaxed_atomic.hpp>

namespace attune {

/// Options of RetryBudget.
struct RetryBudgetConfig {
  double share = 0.1;
  double reserve = 10.0;

  template <class Self, class Visitor>
  static constexpr void fields(Self& self, Visitor&& visit) {
    visit("share", self.share, Bounds{0.0, 1.0}, "retries that a call earns");
    visit("reserve", self.reserve, Bounds{1.0, 1e6},
          "earned retries that are kept at most, and to begin with");
  }
  bool operator==(const RetryBudgetConfig&) const = default;
};

/// Keeps retries to a share of calls, so that they do not multiply the load of a callee that is failing.
///
/// Of any n calls in a row at most reserve + share n are retried: each call earns `share` of a retry, up to
/// `reserve` are kept, a retry spends one. Counted in thousandths.
/// Cost: one compare-and-swap; a plain load while the reserve is full. Threads: all members may be called at
/// once.
class RetryBudget {
 public:
  using Config = RetryBudgetConfig;

  static constexpr std::string_view kName = "retry_budget";
  static constexpr std::uint32_t kStateVersion = 1;

  /// Errors: invalid_config, naming the field.
  [[nodiscard]] static Result<RetryBudget> make(const Config& config);

  /// A first attempt is made.
  void note_call() noexcept;
  /// May it be tried again? Spends the retry.
  [[nodiscard]] bool try_retry() noexcept;
  [[nodiscard]] double available() const noexcept { return static_cast<double>(kept_.load()) / kWhole; }

  void save(Writer& writer) const;
  /// Errors: corrupt_state; unchanged on error.
  [[nodiscard]] Result<void> load(Reader& reader);
  [[nodiscard]] Description describe() const;
  [[nodiscard]] bool operator==(const RetryBudget&) const = default;

 private:
  static constexpr std::int64_t kWhole = 1000;

  explicit RetryBudget(const Config& config);

  std::int64_t earned_;
  std::int64_t most_;
  detail::RelaxedAtomic<std::int64_t> kept_;
};

enum class Jitter : std::uint8_t {
  none = 0,
  full = 1,          ///< U(0, d)
  equal = 2,         ///< d / 2 + U(0, d / 2)
  decorrelated = 3,  ///< U(first, 3 x the wait before)
};
template <>
inline constexpr std::array<std::string_view, 4> kEnumNames<Jitter>{"none", "full", "equal", "decorrelated"};

/// Options of Backoff.
struct BackoffConfig {
  double first_s = 0.1;
  double factor = 2.0;
  double cap_s = 10.0;
  Jitter jitter = Jitter::full;

  template <class Self, class Visitor>
  static constexpr void fields(Self& self, Visitor&& visit) {
    visit("first_s", self.first_s, Bounds{1e-9, 86400},
          "wait before the first retry, without jitter, seconds");
    visit("factor", self.factor, Bounds{1.0, 100.0}, "longer by this from one retry to the next");
    visit("cap_s", self.cap_s, Bounds{1e-9, 604800}, "no wait is longer, seconds");
    visit("jitter", self.jitter, Bounds{}, "none, full, equal or decorrelated");
  }
  bool operator==(const BackoffConfig&) const = default;
};

/// How long to wait before retry number `retry`, counted from 0: d = min(cap, first x factor^retry), spread
/// by the jitter. All randomness is the Rng's: Rng(seed, stream, call number) gives each call its own waits.
///
/// Source: Brooker (2015), "Exponential Backoff And Jitter", AWS Architecture Blog.
class Backoff {
 public:
  using Config = BackoffConfig;

  /// Errors: invalid_config, naming the field.
  [[nodiscard]] static Result<Backoff> make(const Config& config);

  /// `before`: the wait before the retry before, 0 for the first; only Jitter::decorrelated looks at it.
  [[nodiscard]] Nanos wait(std::uint32_t retry, Nanos before, Rng& rng) const noexcept;

 private:
  explicit Backoff(const Config& config) : config_(config) {}

  Config config_;
};

}  // namespace attune
