// SPDX-License-Identifier: Apache-2.0
// StoreView::points and StoreView::arms: one pass over the journal that joins outcomes to their decisions.
#include <algorithm>
#include <cmath>
#include <map>
#include <string>
#include <tuple>
#include <type_traits>
#include <unordered_map>
#include <utility>

#include "store/store_view.hpp"

namespace attune {
namespace {

using detail::Head;
using detail::RecordCursor;
using detail::Transaction;

struct PointTraffic {
  PointReport report;
  std::vector<std::size_t> chosen;  // index of the arm of each decision, in order; kNoIndex: none
};

constexpr std::size_t kNoIndex = static_cast<std::size_t>(-1);

/// Everything that one pass learns.
class Traffic {
 public:
  explicit Traffic(std::map<std::uint32_t, std::string> names) : names_(std::move(names)) {}

  /// Errors: corrupt_state.
  [[nodiscard]] Result<void> add(const RecordCursor& cursor);

  [[nodiscard]] std::vector<PointReport> points(std::optional<std::uint32_t> only) const;
  [[nodiscard]] ArmsReport arms(std::optional<std::uint32_t> only);

 private:
  struct Place {
    std::uint32_t point;
    std::size_t arm;
  };

  PointTraffic& point(const RecordHeader& header);
  std::size_t arm(std::uint32_t point, std::optional<std::uint32_t> slot, std::string_view name);
  void add_decision(const DecisionRecord& decision, std::string_view arm_name);
  void add_outcome(const OutcomeRecord& outcome);
  void add_event(const EventRecord& event);
  void fill_shares();

  std::map<std::uint32_t, std::string> names_;
  std::map<std::uint32_t, PointTraffic> points_;
  std::vector<ArmReport> arms_;
  // An arm is its id; where that is unknown, its slot.
  std::map<std::tuple<std::uint32_t, std::string, std::uint32_t>, std::size_t> arm_index_;
  std::unordered_map<Uuid, Place> decisions_;
  std::uint64_t unmatched_ = 0;
};

Result<void> Traffic::add(const RecordCursor& cursor) {
  Errc verdict = Errc::ok;
  switch (cursor.header().kind) {
    case RecordKind::decision: {
      DecisionRecord decision;
      verdict = decode(cursor.record(), decision);
      if (verdict == Errc::ok) {
        add_decision(decision, cursor.arm());
      }
      break;
    }
    case RecordKind::outcome: {
      OutcomeRecord outcome;
      verdict = decode(cursor.record(), outcome);
      if (verdict == Errc::ok) {
        add_outcome(outcome);
      }
      break;
    }
    case RecordKind::event: {
      EventRecord event;
      verdict = decode(cursor.record(), event);
      if (verdict == Errc::ok) {
        add_event(event);
      }
      break;
    }
  }
  return verdict == Errc::ok
             ? Result<void>{}
             : fail(verdict, "record " + std::to_string(cursor.header().position) + " cannot be decoded");
}

PointTraffic& Traffic::point(const RecordHeader& header) {
  PointTraffic& traffic = points_[header.point];
  PointReport& report = traffic.report;
  if (!report.first_time) {
    report.number = header.point;
    report.first_time = header.time;
    if (const auto name = names_.find(header.point); name != names_.end()) {
      report.name = name->second;
    }
  }
  report.last_time = header.time;
  return traffic;
}

std::size_t Traffic::arm(std::uint32_t point, std::optional<std::uint32_t> slot, std::string_view name) {
  const auto [at, is_new] =
      arm_index_.try_emplace({point, std::string(name), name.empty() ? slot.value_or(0) : 0}, arms_.size());
  if (is_new) {
    ArmReport report;
    report.point = point;
    report.point_name = points_[point].report.name;
    report.name = name;
    report.state = "enabled";
    arms_.push_back(std::move(report));
  }
  if (slot) {
    arms_[at->second].slot = slot;
  }
  return at->second;
}

void Traffic::add_decision(const DecisionRecord& decision, std::string_view arm_name) {
  PointTraffic& traffic = point(decision.header);
  PointReport& report = traffic.report;
  const bool explored = (decision.header.flags & DecisionRecord::kGreedy) == 0;
  ++report.decisions;
  report.explored += explored ? 1 : 0;
  report.fallbacks += decision.rung != Rung::policy ? 1 : 0;
  report.deferred += std::isnan(decision.propensity) ? 1 : 0;
  std::size_t index = kNoIndex;
  if (decision.arm != kNoArm) {
    index = arm(report.number, static_cast<std::uint32_t>(decision.arm), arm_name);
    ++arms_[index].decisions;
    arms_[index].explored += explored ? 1 : 0;
  }
  traffic.chosen.push_back(index);
  decisions_.insert_or_assign(decision.header.id, Place{.point = report.number, .arm = index});
}

void Traffic::add_outcome(const OutcomeRecord& outcome) {
  const auto place = decisions_.find(outcome.header.id);
  if (place == decisions_.end()) {
    ++unmatched_;
    return;
  }
  PointReport& report = points_[place->second.point].report;
  ++report.outcomes;
  report.last_time = std::max(*report.last_time, outcome.header.time);
  if (place->second.arm == kNoIndex) {
    return;
  }
  ArmReport& arm = arms_[place->second.arm];
  ++arm.outcomes;
  for (const Component& component : outcome.all()) {
    if (!std::isfinite(component.value)) {
      continue;
    }
    const auto at =
        std::ranges::lower_bound(arm.components, component.name, {},
                                 [](const ComponentReport& known) -> std::string_view { return known.name; });
    ComponentReport& known = at != arm.components.end() && at->name == component.name
                                 ? *at
                                 : *arm.components.insert(at, {.name = std::string(component.name)});
    ++known.count;
    known.sum += component.value;
  }
}

void Traffic::add_event(const EventRecord& event) {
  PointReport& report = point(event.header).report;
  ++report.events;
  const bool about_arm = event.kind == EventKind::arm_added || event.kind == EventKind::arm_enabled ||
                         event.kind == EventKind::arm_disabled || event.kind == EventKind::arm_removed;
  if (about_arm) {
    arms_[arm(report.number, std::nullopt, event.text)].state =
        event.kind == EventKind::arm_disabled  ? "disabled"
        : event.kind == EventKind::arm_removed ? "removed"
                                               : "enabled";
  }
}

std::vector<PointReport> Traffic::points(std::optional<std::uint32_t> only) const {
  std::vector<PointReport> reports;
  for (const auto& [number, traffic] : points_) {
    if (!only || *only == number) {
      reports.push_back(traffic.report);
      reports.back().arms = static_cast<std::size_t>(
          std::ranges::count_if(arms_, [&](const ArmReport& arm) { return arm.point == number; }));
    }
  }
  return reports;
}

void Traffic::fill_shares() {
  for (auto& [number, traffic] : points_) {
    const std::size_t total = traffic.chosen.size();
    for (std::size_t i = 0; i < total; ++i) {
      if (traffic.chosen[i] != kNoIndex) {
        arms_[traffic.chosen[i]].share[i * ArmReport::kParts / total] += 1.0;
      }
    }
  }
  for (ArmReport& arm : arms_) {
    const std::size_t total = points_[arm.point].chosen.size();
    for (std::size_t part = 0; part < ArmReport::kParts; ++part) {
      // Decisions i with i * parts / total == part.
      const std::size_t begin = (part * total + ArmReport::kParts - 1) / ArmReport::kParts;
      const std::size_t end = ((part + 1) * total + ArmReport::kParts - 1) / ArmReport::kParts;
      arm.share[part] /= static_cast<double>(std::max<std::size_t>(end - begin, 1));
    }
  }
}

ArmsReport Traffic::arms(std::optional<std::uint32_t> only) {
  fill_shares();
  ArmsReport report{.arms = std::move(arms_), .unmatched = unmatched_};
  std::erase_if(report.arms, [&](const ArmReport& arm) { return only && arm.point != *only; });
  std::ranges::sort(report.arms, {}, [](const ArmReport& arm) {
    return std::tuple(arm.point, arm.slot.value_or(static_cast<std::uint32_t>(kNoArm)), arm.name);
  });
  return report;
}

/// Reads the records of `range` into `traffic`, all of one moment.
[[nodiscard]] Result<void> collect(const detail::StoreFile& store, const StoreRange& range,
                                   Traffic& traffic) {
  Result<Transaction> moment = Transaction::begin(store.database);
  const Result<Head> head = moment ? detail::read_head(store) : tl::unexpected(moment.error());
  if (!head) {
    return tl::unexpected(head.error());
  }
  const bool all = range.last == 0 || range.last >= head->position;
  const std::uint64_t first = all ? 1 : head->position - range.last + 1;
  Result<RecordCursor> cursor = RecordCursor::open(store, *head, first);
  if (!cursor) {
    return tl::unexpected(std::move(cursor).error());
  }
  Result<bool> more = cursor->next();
  for (; more && *more; more = cursor->next()) {
    if (cursor->erased()) {
      continue;  // nothing is known of it but its kind
    }
    if (Result<void> added = traffic.add(*cursor); !added) {
      return added;
    }
  }
  return more ? Result<void>{} : tl::unexpected(std::move(more).error());
}

/// What `say(traffic, point)` says of a range, and of the point that it names.
template <class Say>
[[nodiscard]] auto report_on(const detail::StoreFile& store, const StoreRange& range, Say&& say)
    -> Result<std::invoke_result_t<Say, Traffic&, std::optional<std::uint32_t>>> {
  const auto names = detail::read_point_names(store.database);
  const auto only = names ? find_point(*names, range.point) : tl::unexpected(names.error());
  if (!only) {
    return tl::unexpected(only.error());
  }
  Traffic traffic(*names);
  return collect(store, range, traffic).map([&] { return say(traffic, *only); });
}

}  // namespace

Result<std::vector<PointReport>> StoreView::points(const StoreRange& range) {
  return report_on(impl_->store, range, [](const Traffic& traffic, std::optional<std::uint32_t> only) {
    return traffic.points(only);
  });
}

Result<ArmsReport> StoreView::arms(const StoreRange& range) {
  return report_on(impl_->store, range,
                   [](Traffic& traffic, std::optional<std::uint32_t> only) { return traffic.arms(only); });
}

}  // namespace attune
