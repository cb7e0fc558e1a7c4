// SPDX-License-Identifier: Apache-2.0
/// @file
/// KeyedLimiter: a rate limit of its own for each caller, action or whatever has a name, in bounded memory.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string_view>
#include <vector>

#include <attune/safety/rate_limiter.hpp>

namespace attune {

/// Options of KeyedLimiter.
struct KeyedLimitConfig {
  double rate = 100.0;
  double burst = 10.0;
  std::uint32_t keys = 4096;
  std::uint64_t seed = 0;

  template <class Self, class Visitor>
  static constexpr void fields(Self& self, Visitor&& visit) {
    visit("rate", self.rate, Bounds{1e-6, 1e7}, "cost that comes free per second, for each key");
    visit("burst", self.burst, Bounds{1e-6, 1e9}, "cost that may be spent at once, for each key");
    visit("keys", self.keys, Bounds{8, 16777216}, "keys that are remembered, rounded up to 8 times 2^k");
    visit("seed", self.seed, Bounds{0, 18446744073709551615.0},
          "of the places of keys: secret where callers choose their keys");
  }
  bool operator==(const KeyedLimitConfig&) const = default;
};

/// Keys that had to go.
struct KeyedLimitCount {
  std::uint64_t held = 0;          ///< keys in memory
  std::uint64_t dropped_idle = 0;  ///< had paid all: nothing was forgotten with them
  std::uint64_t dropped_busy = 0;  ///< the one that owed least: it starts anew with a full burst

  bool operator==(const KeyedLimitCount&) const = default;
};

/// One RateLimiter a key, of which `keys` are remembered, 16 bytes each.
///
/// A key has eight places that it may take, drawn from its hash. Where all are taken by others, the one that
/// has been paid up for longest goes, and no answer depends on it: an unknown key is a key that owes nothing.
/// Only where all eight still owe does the one that owes least lose its memory, which is counted apart: by a
/// new key with probability 1e-5 where an eighth of all places owe, 1e-3 where a quarter do (Poisson).
/// Cost: one lock of a 64th of the table, and a look at eight places; nothing is allocated.
/// Threads: all members but load and assignment may be called at once.
// Moving is copying: atomics stay where they are.
// NOLINTNEXTLINE(cppcoreguidelines-special-member-functions)
class KeyedLimiter {
 public:
  using Config = KeyedLimitConfig;

  static constexpr std::string_view kName = "keyed_limiter";
  static constexpr std::uint32_t kStateVersion = 1;

  /// Errors: invalid_config, naming the field.
  [[nodiscard]] static Result<KeyedLimiter> make(const Config& config);

  KeyedLimiter(const KeyedLimiter& other);
  KeyedLimiter& operator=(const KeyedLimiter& other);
  ~KeyedLimiter() = default;

  /// As RateLimiter::try_acquire, for this key. A refused request is not remembered.
  [[nodiscard]] Admission try_acquire(std::uint64_t key, Nanos now, double cost = 1.0) noexcept;
  [[nodiscard]] Admission try_acquire(std::string_view key, Nanos now, double cost = 1.0) noexcept;
  /// Takes a cost back; nothing where the key is not remembered.
  void give_back(std::uint64_t key, Nanos now, double cost = 1.0) noexcept;
  void give_back(std::string_view key, Nanos now, double cost = 1.0) noexcept;
  [[nodiscard]] KeyedLimitCount count() const noexcept;
  /// Tells the time; see RateLimiter.
  void observe(Nanos now) noexcept;

  /// The keys that owe something as of the last time known.
  void save(Writer& writer) const;
  /// Errors: corrupt_state; unchanged on error.
  [[nodiscard]] Result<void> load(Reader& reader);
  [[nodiscard]] Description describe() const;
  [[nodiscard]] bool operator==(const KeyedLimiter& other) const;

 private:
  static constexpr std::size_t kWays = 8;
  static constexpr std::size_t kLocks = 64;
  static constexpr Nanos kUnknown = detail::PaidAt::kUnknown;

  struct Entry {
    std::uint64_t key = 0;  // 0: free
    Nanos paid_at = 0;      // since base_
  };
  struct Stripe {
    mutable std::mutex mutex;
    KeyedLimitCount count;
  };

  KeyedLimiter(const Config& config, const detail::RateRule& rule, std::size_t sets);
  [[nodiscard]] std::size_t set_of(std::uint64_t key) const noexcept;
  [[nodiscard]] Stripe& stripe(std::size_t set) const noexcept { return stripes_[set % kLocks]; }
  /// Time since the first one that was told.
  [[nodiscard]] Nanos elapsed(Nanos now) noexcept;
  [[nodiscard]] Entry* find(std::size_t set, std::uint64_t key) noexcept;
  Entry& make_room(std::size_t set, KeyedLimitCount& count, Nanos at) noexcept;

  Config config_;
  detail::RateRule rule_;
  std::size_t sets_;
  detail::RelaxedAtomic<Nanos> base_{kUnknown};
  detail::RelaxedAtomic<Nanos> seen_{0};  // since base_
  std::vector<Entry> entries_;
  mutable std::array<Stripe, kLocks> stripes_;
};

}  // namespace attune
