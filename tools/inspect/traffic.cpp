// SPDX-License-Identifier: Apache-2.0
#include "tools/inspect/traffic.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "tools/inspect/moment.hpp"

namespace attune::tools {
namespace {

constexpr std::size_t kDelaySample = 1U << 16U;

}  // namespace

std::optional<Nanos> PointTraffic::delay_quantile(double share) const {
  if (delays.empty()) {
    return std::nullopt;
  }
  std::vector<Nanos> sorted = delays;
  const auto at =
      sorted.begin() + static_cast<std::ptrdiff_t>(share * static_cast<double>(sorted.size() - 1));
  std::ranges::nth_element(sorted, at);
  return *at;
}

Result<Traffic> Traffic::read(StoreReader& reader, const Slice& slice, std::optional<std::uint32_t> only) {
  Traffic traffic;
  Errc verdict = Errc::ok;
  std::uint64_t position = 0;
  Result<void> walked = reader.walk(slice.first, slice.last, [&](const StoredRecord& record) {
    position = record.header.position;
    if ((!only || record.header.point == *only) && slice.holds(record.header.time)) {
      verdict = traffic.add(record, reader);
    }
    return verdict == Errc::ok;
  });
  if (!walked) {
    return tl::unexpected(std::move(walked).error());
  }
  if (verdict != Errc::ok) {
    return fail(verdict, "record " + std::to_string(position) + " cannot be decoded");
  }
  traffic.finish();
  return traffic;
}

std::uint64_t Traffic::unmatched() const noexcept {
  return std::accumulate(points_.begin(), points_.end(), std::uint64_t{0},
                         [](std::uint64_t sum, const PointTraffic& point) { return sum + point.unmatched; });
}

std::size_t Traffic::point(const RecordHeader& header, const StoreReader& reader) {
  const auto [at, is_new] = point_index_.try_emplace(header.point, points_.size());
  if (is_new) {
    PointTraffic& fresh = points_.emplace_back();
    fresh.number = header.point;
    fresh.name = reader.point_name(header.point);
    fresh.first_time = header.time;
  }
  points_[at->second].last_time = header.time;
  return at->second;
}

std::uint32_t Traffic::arm(std::uint32_t point_number, std::optional<std::uint32_t> slot,
                           std::string_view name) {
  const auto [at, is_new] =
      arm_index_.try_emplace({point_number, std::string(name), name.empty() ? slot.value_or(0) : 0},
                             static_cast<std::uint32_t>(arms_.size()));
  if (is_new) {
    ArmTraffic& fresh = arms_.emplace_back();
    fresh.point = point_number;
    fresh.name = name;
  }
  if (slot) {
    arms_[at->second].slot = slot;
  }
  return at->second;
}

Errc Traffic::add(const StoredRecord& record, const StoreReader& reader) {
  ++records_;
  const std::size_t index = point(record.header, reader);
  Errc verdict = Errc::ok;
  switch (record.header.kind) {
    case RecordKind::decision: {
      DecisionRecord decision;
      verdict = decode(record.bytes, decision);
      if (verdict == Errc::ok) {
        add_decision(decision, record.arm, points_[index], static_cast<std::uint32_t>(index));
      }
      break;
    }
    case RecordKind::outcome: {
      OutcomeRecord outcome;
      verdict = decode(record.bytes, outcome);
      if (verdict == Errc::ok) {
        add_outcome(outcome, reader);
      }
      break;
    }
    case RecordKind::event: {
      EventRecord event;
      verdict = decode(record.bytes, event);
      if (verdict == Errc::ok) {
        ++points_[index].events;
        add_event(event);
      }
      break;
    }
  }
  return verdict;
}

void Traffic::add_decision(const DecisionRecord& decision, std::string_view arm_name, PointTraffic& point,
                           std::uint32_t index) {
  const bool explored = (decision.header.flags & DecisionRecord::kGreedy) == 0;
  const bool fallback = decision.rung != Rung::policy;
  ++point.decisions;
  point.explored += explored ? 1 : 0;
  point.fallbacks += fallback ? 1 : 0;
  point.deferred += std::isnan(decision.propensity) ? 1 : 0;
  std::uint32_t chosen = kNone;
  if (decision.arm != kNoArm) {
    chosen = arm(point.number, static_cast<std::uint32_t>(decision.arm), arm_name);
    ArmTraffic& arm = arms_[chosen];
    ++arm.decisions;
    arm.explored += explored ? 1 : 0;
    arm.fallbacks += fallback ? 1 : 0;
    arm.last_time = decision.header.time;
  }
  point.chosen.push_back(chosen);
  decisions_.insert_or_assign(
      decision.header.id,
      Place{.point = index, .arm = chosen, .time = decision.header.time, .answered = false});
}

void Traffic::add_outcome(const OutcomeRecord& outcome, const StoreReader& reader) {
  const auto found = decisions_.find(outcome.header.id);
  if (found == decisions_.end()) {
    ++points_[point(outcome.header, reader)].unmatched;
    return;
  }
  Place& place = found->second;
  PointTraffic& at = points_[place.point];
  ++at.outcomes;
  at.last_time = std::max(at.last_time.value_or(outcome.header.time), outcome.header.time);
  // A sample that keeps the newest: what is overwritten is as good as random.
  const Nanos delay = span_between(place.time, outcome.header.time);
  if (at.delays.size() < kDelaySample) {
    at.delays.push_back(delay);
  } else {
    at.delays[at.outcomes * 0x9E3779B97F4A7C15ULL >> 48U] = delay;
  }
  at.answered += place.answered ? 0 : 1;
  if (place.arm != kNone) {
    ArmTraffic& arm = arms_[place.arm];
    ++arm.outcomes;
    arm.answered += place.answered ? 0 : 1;
    for (const Component& component : outcome.all()) {
      if (!std::isfinite(component.value)) {
        ++at.not_finite;
        continue;
      }
      auto known = arm.components.find(component.name);
      if (known == arm.components.end()) {
        known = arm.components.emplace(component.name, Moments{}).first;
      }
      known->second.add(component.value);
    }
  }
  place.answered = true;
}

void Traffic::add_event(const EventRecord& event) {
  const char* state = event.kind == EventKind::arm_added || event.kind == EventKind::arm_enabled ? "enabled"
                      : event.kind == EventKind::arm_disabled                                    ? "disabled"
                      : event.kind == EventKind::arm_removed                                     ? "removed"
                                                                                                 : nullptr;
  if (state != nullptr) {
    arms_[arm(event.header.point, std::nullopt, event.text)].state = state;
  }
}

void Traffic::finish() {
  for (ArmTraffic& arm : arms_) {
    arm.share.assign(ArmTraffic::kParts, 0.0);
    ++points_[point_index_.at(arm.point)].arms;
  }
  for (const PointTraffic& point : points_) {
    std::vector<double> sizes(ArmTraffic::kParts, 0.0);
    const auto part_of = [&](std::size_t i) { return i * ArmTraffic::kParts / point.chosen.size(); };
    for (std::size_t i = 0; i < point.chosen.size(); ++i) {
      sizes[part_of(i)] += 1.0;
    }
    for (std::size_t i = 0; i < point.chosen.size(); ++i) {
      if (point.chosen[i] != kNone) {
        arms_[point.chosen[i]].share[part_of(i)] += 1.0 / sizes[part_of(i)];
      }
    }
  }
  std::ranges::sort(points_, {}, &PointTraffic::number);
  std::ranges::stable_sort(arms_, [](const ArmTraffic& a, const ArmTraffic& b) {
    constexpr std::uint32_t kUnused = static_cast<std::uint32_t>(-1);
    return std::tuple(a.point, a.slot.value_or(kUnused), a.name) <
           std::tuple(b.point, b.slot.value_or(kUnused), b.name);
  });
  decisions_ = {};
}

}  // namespace attune::tools
