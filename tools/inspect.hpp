// SPDX-License-Identifier: Apache-2.0
/// @file
/// attune-inspect: what its parts share.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <attune/store/inspect.hpp>

namespace attune::tools {

enum class InspectCommand : std::uint8_t { summary, points, arms, decisions, checkpoints, verify };

struct InspectArguments {
  std::string store;
  InspectCommand command = InspectCommand::summary;
  bool json = false;
  std::optional<std::string> point;
  std::optional<std::string> arm;
  std::optional<Uuid> id;
  std::uint64_t last = 0;    ///< records looked at; 0: all
  std::uint64_t before = 0;  ///< position; 0: no limit
  std::uint64_t limit = 20;  ///< decisions shown
};

/// What is printed, and whether something is wrong with the store.
struct InspectAnswer {
  std::string text;
  bool sound = true;
};

/// Opens the store, asks, and puts the answer into words. Errors: those of StoreView.
[[nodiscard]] Result<InspectAnswer> inspect(const InspectArguments& arguments, Nanos now);

// -- for people: plain tables
// -----------------------------------------------------------------------------------
[[nodiscard]] std::string as_text(const StoreSummary& summary, Nanos now);
[[nodiscard]] std::string as_text(const std::vector<PointReport>& points);
[[nodiscard]] std::string as_text(const ArmsReport& arms);
[[nodiscard]] std::string as_text(const std::vector<DecisionReport>& decisions);
[[nodiscard]] std::string as_text(const std::vector<CheckpointReport>& checkpoints, Nanos now);
/// Sentences of verify().
[[nodiscard]] std::string verdict_text(const StoreSummary& summary, const std::vector<std::string>& problems);

// -- for programs: one JSON object, docs/inspect.md
// ----------------------------------------------------------------
[[nodiscard]] std::string as_json(const StoreSummary& summary, Nanos now);
[[nodiscard]] std::string as_json(const std::vector<PointReport>& points);
[[nodiscard]] std::string as_json(const ArmsReport& arms);
[[nodiscard]] std::string as_json(const std::vector<DecisionReport>& decisions);
[[nodiscard]] std::string as_json(const std::vector<CheckpointReport>& checkpoints);
[[nodiscard]] std::string verdict_json(const StoreSummary& summary, const std::vector<std::string>& problems);

/// RFC 3339 in UTC with microseconds: "2023-11-14T22:13:20.000000Z".
[[nodiscard]] std::string time_text(Nanos time);

}  // namespace attune::tools
