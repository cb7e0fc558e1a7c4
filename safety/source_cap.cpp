// SPDX-License-Identifier: Apache-2.0
#include <attune/safety/source_cap.hpp>

#include <algorithm>
#include <bit>
#include <cmath>
#include <span>
#include <string>
#include <utility>

#include "core/hash.hpp"
#include "safety/detector_state.hpp"

namespace attune {

static_assert(check_persistent<SourceCap>());

namespace {

constexpr double kUnits = 1048576.0;  // in a weight of 1

}  // namespace

SourceCap::SourceCap(const Config& config)
    : config_(config), ring_(config.window), table_(2 * std::bit_ceil(std::size_t{config.window})) {}

Result<SourceCap> SourceCap::make(const Config& config) {
  if (Result<void> verdict = check_bounds(config); !verdict) {
    return tl::unexpected(std::move(verdict).error());
  }
  return SourceCap(config);
}

std::size_t SourceCap::home(std::uint64_t source) const noexcept {
  return static_cast<std::size_t>(hash64(std::as_bytes(std::span(&source, 1)), config_.seed)) &
         (table_.size() - 1);
}

/// The slot of a source, or the free one where it would be.
std::size_t SourceCap::find(std::uint64_t source) const noexcept {
  std::size_t at = home(source);
  while (table_[at].units != 0 && table_[at].source != source) {
    at = (at + 1) & (table_.size() - 1);
  }
  return at;
}

void SourceCap::add(std::uint64_t source, std::uint64_t units) noexcept {
  Slot& slot = table_[find(source)];
  slot.source = source;
  slot.units += units;
  total_ += units;
}

void SourceCap::take(std::uint64_t source, std::uint64_t units) noexcept {
  std::size_t free = find(source);
  total_ -= units;
  table_[free].units -= units;
  if (table_[free].units != 0) {
    return;
  }
  // Slots behind the one that became free move up, unless they are where they belong. Knuth, volume 3, 6.4 R.
  const std::size_t mask = table_.size() - 1;
  for (std::size_t at = (free + 1) & mask; table_[at].units != 0; at = (at + 1) & mask) {
    if (((at - home(table_[at].source)) & mask) >= ((at - free) & mask)) {
      table_[free] = table_[at];
      table_[at] = {};
      free = at;
    }
  }
  table_[free] = {};
}

const SourceCap::Record& SourceCap::record(std::size_t age) const noexcept {
  return ring_[held_ < ring_.size() ? age : (next_ + age) % ring_.size()];
}

double SourceCap::admit(std::uint64_t source, double weight) noexcept {
  if (!(weight >= 0.0 && weight <= kMaxWeight)) {
    ++count_.invalid;
    return 0.0;
  }
  const auto wanted = static_cast<std::uint64_t>(std::llround(weight * kUnits));
  if (wanted == 0) {
    ++count_.admitted;
    return 0.0;
  }
  const bool full = held_ == ring_.size();
  // As it will be when the oldest has gone.
  std::uint64_t own = table_[find(source)].units;
  std::uint64_t total = total_;
  if (full) {
    total -= ring_[next_].units;
    own -= ring_[next_].source == source ? ring_[next_].units : 0;
  }
  // s + a <= share floor, or s + a <= share (t + a).
  const auto has = static_cast<double>(own);
  const double by_floor = config_.share * config_.floor * kUnits - has;
  const double by_total = (config_.share * static_cast<double>(total) - has) / (1.0 - config_.share);
  const double room = std::floor(std::max({0.0, by_floor, by_total}));
  const std::uint64_t units = room >= static_cast<double>(wanted) ? wanted : static_cast<std::uint64_t>(room);
  if (units == 0) {
    ++count_.refused;
    return 0.0;
  }
  if (full) {
    take(ring_[next_].source, ring_[next_].units);
  } else {
    ++held_;
  }
  ring_[next_] = {source, units};
  next_ = next_ + 1 == ring_.size() ? 0 : next_ + 1;
  add(source, units);
  if (units == wanted) {
    ++count_.admitted;
    return weight;
  }
  ++count_.reduced;
  return static_cast<double>(units) / kUnits;
}

double SourceCap::weight(std::uint64_t source) const noexcept {
  return static_cast<double>(table_[find(source)].units) / kUnits;
}

double SourceCap::total() const noexcept { return static_cast<double>(total_) / kUnits; }

void SourceCap::reset() noexcept {
  std::fill(ring_.begin(), ring_.end(), Record{});
  std::fill(table_.begin(), table_.end(), Slot{});
  held_ = 0;
  next_ = 0;
  total_ = 0;
}

void SourceCap::save(Writer& writer) const {
  for (const std::uint64_t number : {count_.admitted, count_.reduced, count_.refused, count_.invalid}) {
    writer.u64(number);
  }
  writer.u64(held_);
  for (std::size_t age = 0; age < held_; ++age) {
    writer.u64(record(age).source);
    writer.u64(record(age).units);
  }
}

Result<void> SourceCap::load(Reader& reader) {
  SourceCapCount count{reader.u64(), reader.u64(), reader.u64(), reader.u64()};
  const std::uint64_t held = reader.u64();
  if (!reader.ok() || held > ring_.size() || held > reader.left() / (2 * sizeof(std::uint64_t))) {
    return detail::corrupt_detector(kName, detail::kCutShort);
  }
  SourceCap loaded(config_);
  loaded.count_ = count;
  bool sound = true;
  for (std::uint64_t i = 0; i < held && sound; ++i) {
    const Record record{reader.u64(), reader.u64()};
    sound = record.units > 0 && static_cast<double>(record.units) <= kMaxWeight * kUnits;
    if (sound) {
      loaded.ring_[i] = record;
      loaded.add(record.source, record.units);
    }
  }
  loaded.held_ = held;
  loaded.next_ = held % ring_.size();
  return detail::take_loaded(*this, std::move(loaded), reader, sound);
}

bool SourceCap::operator==(const SourceCap& other) const noexcept {
  if (!(config_ == other.config_) || !(count_ == other.count_) || held_ != other.held_) {
    return false;
  }
  for (std::size_t age = 0; age < held_; ++age) {
    const Record& left = record(age);
    const Record& right = other.record(age);
    if (left.source != right.source || left.units != right.units) {
      return false;
    }
  }
  return true;
}

Description SourceCap::describe() const {
  Description text;
  text.summary = "source cap: " + std::to_string(count_.admitted) + " admitted, " +
                 std::to_string(count_.reduced) + " reduced, " + std::to_string(count_.refused) + " refused";
  text.values = {{"admitted", static_cast<double>(count_.admitted)},
                 {"reduced", static_cast<double>(count_.reduced)},
                 {"refused", static_cast<double>(count_.refused)},
                 {"invalid", static_cast<double>(count_.invalid)},
                 {"total", total()}};
  return text;
}

}  // namespace attune
