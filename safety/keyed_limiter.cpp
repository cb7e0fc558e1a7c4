// SPDX-License-Identifier: Apache-2.0
#include <attune/safety/keyed_limiter.hpp>

#include <algorithm>
#include <bit>
#include <span>
#include <string>
#include <utility>

#include <attune/core/rng.hpp>

#include "core/hash.hpp"

namespace attune {

static_assert(check_persistent<KeyedLimiter>());

namespace {

/// Key 0 marks a free place.
[[nodiscard]] std::uint64_t stored(std::uint64_t key) noexcept { return key == 0 ? mix64(0) : key; }

}  // namespace

Result<KeyedLimiter> KeyedLimiter::make(const Config& config) {
  if (Result<void> verdict = check_bounds(config); !verdict) {
    return tl::unexpected(std::move(verdict).error());
  }
  return detail::RateRule::make({config.rate, config.burst}).map([&](const detail::RateRule& rule) {
    return KeyedLimiter(config, rule, std::bit_ceil((config.keys + kWays - 1) / kWays));
  });
}

KeyedLimiter::KeyedLimiter(const Config& config, const detail::RateRule& rule, std::size_t sets)
    : config_(config), rule_(rule), sets_(sets), entries_(sets * kWays) {}

KeyedLimiter::KeyedLimiter(const KeyedLimiter& other)
    : config_(other.config_), rule_(other.rule_), sets_(other.sets_), entries_(other.entries_.size()) {
  *this = other;
}

KeyedLimiter& KeyedLimiter::operator=(const KeyedLimiter& other) {
  if (this == &other) {
    return *this;
  }
  config_ = other.config_;
  rule_ = other.rule_;
  sets_ = other.sets_;
  entries_.resize(other.entries_.size());
  base_ = other.base_;
  seen_ = other.seen_;
  for (std::size_t lock = 0; lock < kLocks; ++lock) {
    const std::lock_guard guard(other.stripes_[lock].mutex);
    stripes_[lock].count = other.stripes_[lock].count;
    for (std::size_t set = lock; set < sets_; set += kLocks) {
      std::copy_n(other.entries_.begin() + static_cast<std::ptrdiff_t>(set * kWays), kWays,
                  entries_.begin() + static_cast<std::ptrdiff_t>(set * kWays));
    }
  }
  return *this;
}

std::size_t KeyedLimiter::set_of(std::uint64_t key) const noexcept {
  return static_cast<std::size_t>(mix64(key ^ mix64(config_.seed))) & (sets_ - 1);
}

Nanos KeyedLimiter::elapsed(Nanos now) noexcept {
  Nanos base = base_.load();
  while (base == kUnknown) {
    if (base_.replace(base, now)) {
      base = now;
    }
  }
  return static_cast<Nanos>(static_cast<std::uint64_t>(now) - static_cast<std::uint64_t>(base));
}

KeyedLimiter::Entry* KeyedLimiter::find(std::size_t set, std::uint64_t key) noexcept {
  const std::span<Entry> ways = std::span(entries_).subspan(set * kWays, kWays);
  const auto at = std::ranges::find(ways, key, &Entry::key);
  return at == ways.end() ? nullptr : &*at;
}

KeyedLimiter::Entry& KeyedLimiter::make_room(std::size_t set, KeyedLimitCount& count, Nanos at) noexcept {
  if (Entry* const free = find(set, 0)) {
    ++count.held;
    return *free;
  }
  const std::span<Entry> ways = std::span(entries_).subspan(set * kWays, kWays);
  Entry& oldest = *std::ranges::min_element(ways, {}, &Entry::paid_at);
  ++(rule_.ahead(oldest.paid_at, at) == 0 ? count.dropped_idle : count.dropped_busy);
  return oldest;
}

Admission KeyedLimiter::try_acquire(std::uint64_t key, Nanos now, double cost) noexcept {
  key = stored(key);
  const Nanos at = elapsed(now);
  const std::size_t set = set_of(key);
  Stripe& stripe = this->stripe(set);
  const std::lock_guard lock(stripe.mutex);
  Entry* entry = find(set, key);
  const detail::RateRule::Step step =
      rule_.take(entry == nullptr ? at : entry->paid_at, at, rule_.duration(cost));
  if (entry == nullptr && step.wait == 0 && step.paid_at != at) {
    entry = &make_room(set, stripe.count, at);
    entry->key = key;
  }
  if (entry != nullptr) {
    entry->paid_at = step.paid_at;
  }
  seen_.store(at);
  return {step.wait};
}

Admission KeyedLimiter::try_acquire(std::string_view key, Nanos now, double cost) noexcept {
  return try_acquire(hash64(key, config_.seed), now, cost);
}

void KeyedLimiter::give_back(std::uint64_t key, Nanos now, double cost) noexcept {
  key = stored(key);
  const Nanos at = elapsed(now);
  const std::size_t set = set_of(key);
  const std::lock_guard lock(stripe(set).mutex);
  if (Entry* const entry = find(set, key)) {
    const Nanos less = std::max<Nanos>(0, rule_.duration(cost));
    entry->paid_at = detail::RateRule::after(at, std::max<Nanos>(0, rule_.ahead(entry->paid_at, at) - less));
  }
}

void KeyedLimiter::give_back(std::string_view key, Nanos now, double cost) noexcept {
  give_back(hash64(key, config_.seed), now, cost);
}

KeyedLimitCount KeyedLimiter::count() const noexcept {
  KeyedLimitCount sum;
  for (const Stripe& stripe : stripes_) {
    const std::lock_guard lock(stripe.mutex);
    sum.held += stripe.count.held;
    sum.dropped_idle += stripe.count.dropped_idle;
    sum.dropped_busy += stripe.count.dropped_busy;
  }
  return sum;
}

void KeyedLimiter::observe(Nanos now) noexcept { seen_.store(elapsed(now)); }

void KeyedLimiter::save(Writer& writer) const {
  const Nanos at = seen_.load();
  writer.u64(config_.seed);
  const std::size_t counted = writer.begin_blob();
  for (std::size_t set = 0; set < sets_; ++set) {
    const std::lock_guard lock(stripe(set).mutex);
    for (const Entry& entry : std::span(entries_).subspan(set * kWays, kWays)) {
      const Nanos owed = entry.key == 0 ? 0 : rule_.ahead(entry.paid_at, at);
      if (owed > 0) {
        writer.u64(entry.key);
        writer.i64(owed);
      }
    }
  }
  writer.end_blob(counted);
}

Result<void> KeyedLimiter::load(Reader& reader) {
  KeyedLimiter loaded(config_, rule_, sets_);
  const std::uint64_t seed = reader.u64();
  const ByteView owing = reader.blob(entries_.size() * 16);
  Reader pairs(owing);
  std::size_t last_set = 0;
  bool sound = reader.ok() && seed == config_.seed && owing.size() % 16 == 0;
  while (sound && !pairs.at_end()) {
    const std::uint64_t key = pairs.u64();
    const Nanos owed = pairs.i64();
    const std::size_t set = loaded.set_of(key);
    Entry* const free = loaded.find(set, 0);
    sound = key != 0 && owed > 0 && owed <= rule_.horizon() && set >= last_set && free != nullptr &&
            loaded.find(set, key) == nullptr;
    if (sound) {
      *free = {key, owed};
      ++loaded.stripe(set).count.held;
    }
    last_set = set;
  }
  if (!sound) {
    return fail(Errc::corrupt_state,
                std::string(kName) + ": the state is cut short, damaged, or of another configuration");
  }
  *this = loaded;
  return {};
}

bool KeyedLimiter::operator==(const KeyedLimiter& other) const {
  Writer mine;
  Writer others;
  save(mine);
  other.save(others);
  return config_ == other.config_ && std::ranges::equal(mine.view(), others.view());
}

Description KeyedLimiter::describe() const {
  const KeyedLimitCount now = count();
  Description text;
  text.summary = "keyed limiter: " + std::to_string(now.held) + " keys held";
  text.values = {{"held", static_cast<double>(now.held)},
                 {"dropped_idle", static_cast<double>(now.dropped_idle)},
                 {"dropped_busy", static_cast<double>(now.dropped_busy)}};
  return text;
}

}  // namespace attune
