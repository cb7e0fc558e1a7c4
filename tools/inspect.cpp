// SPDX-License-Identifier: Apache-2.0
#include "tools/inspect.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <utility>

namespace attune::tools {
namespace {

[[nodiscard]] bool all_sound(const std::vector<CheckpointReport>& checkpoints) {
  return std::ranges::all_of(checkpoints,
                             [](const CheckpointReport& report) { return report.damage.empty(); });
}

[[nodiscard]] Result<InspectAnswer> verify(StoreView& view, bool json) {
  Result<StoreSummary> summary = view.summary();
  if (!summary) {
    return tl::unexpected(std::move(summary).error());
  }
  return view.verify().map([&](const std::vector<std::string>& problems) {
    return InspectAnswer{.text = json ? verdict_json(*summary, problems) : verdict_text(*summary, problems),
                         .sound = problems.empty()};
  });
}

}  // namespace

Result<InspectAnswer> inspect(const InspectArguments& arguments, Nanos now) {
  Result<StoreView> view = StoreView::open(arguments.store);
  if (!view) {
    return tl::unexpected(std::move(view).error());
  }
  const bool json = arguments.json;
  const StoreRange range{.point = arguments.point, .last = arguments.last};
  switch (arguments.command) {
    case InspectCommand::summary:
      return view->summary().map([&](const StoreSummary& summary) {
        return InspectAnswer{.text = json ? as_json(summary, now) : as_text(summary, now),
                             .sound = summary.problems.empty()};
      });
    case InspectCommand::points:
      return view->points(range).map([&](const std::vector<PointReport>& points) {
        return InspectAnswer{.text = json ? as_json(points) : as_text(points)};
      });
    case InspectCommand::arms:
      return view->arms(range).map([&](const ArmsReport& arms) {
        return InspectAnswer{.text = json ? as_json(arms) : as_text(arms)};
      });
    case InspectCommand::decisions:
      return view
          ->decisions({.point = arguments.point,
                       .arm = arguments.arm,
                       .id = arguments.id,
                       .before = arguments.before,
                       .limit = arguments.limit})
          .map([&](const std::vector<DecisionReport>& decisions) {
            return InspectAnswer{.text = json ? as_json(decisions) : as_text(decisions)};
          });
    case InspectCommand::checkpoints:
      return view->checkpoints().map([&](const std::vector<CheckpointReport>& checkpoints) {
        return InspectAnswer{.text = json ? as_json(checkpoints) : as_text(checkpoints, now),
                             .sound = all_sound(checkpoints)};
      });
    case InspectCommand::verify:
      return verify(*view, json);
  }
  return fail(Errc::invalid_argument, "there is no such command");
}

std::string time_text(Nanos time) {
  using std::chrono::floor;
  const std::chrono::sys_time<std::chrono::nanoseconds> moment{std::chrono::nanoseconds(time)};
  const auto day = floor<std::chrono::days>(moment);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss<std::chrono::microseconds> clock(
      floor<std::chrono::microseconds>(moment - day));
  std::array<char, 48> buffer{};
  const int size = std::snprintf(
      buffer.data(), buffer.size(), "%04d-%02u-%02uT%02d:%02d:%02d.%06dZ", static_cast<int>(date.year()),
      static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
      static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()),
      static_cast<int>(clock.seconds().count()), static_cast<int>(clock.subseconds().count()));
  return {buffer.data(), static_cast<std::size_t>(std::max(size, 0))};
}

}  // namespace attune::tools
