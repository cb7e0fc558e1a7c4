// SPDX-License-Identifier: Apache-2.0
/// @file
/// Guards, switches and the ladder of a store's points, as a restart would find them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <attune/engine/engine.hpp>
#include <attune/store/admin.hpp>

#include "tools/inspect/store_reader.hpp"

namespace attune::tools {

/// When a guard that is not quiet changes its state next.
struct GuardUntil {
  /// Out: its arm is tested, or the budget's next period begins, at the earliest and at the latest. They
  /// differ where earlier trips may have doubled the cool-down. No value: time alone does not do it.
  std::optional<Nanos> earliest{};
  std::optional<Nanos> latest{};
  std::uint64_t samples = 0;  ///< on probation: so many new samples decide
  double share = 0.0;         ///< of share guards: out until the arm has no more than this
};

/// One decision point. The parts stand beside each other: `until[i]` belongs to `safety->guards[i]`.
struct PointGuards {
  std::string point;
  std::string policy{};                   ///< empty: not known
  std::optional<SafetyMetrics> safety{};  ///< no value: neither "safety" nor a switch that was ever used
  std::optional<ScreeningMetrics> screening{};  ///< no value: the point has no "screening"
  std::vector<GuardUntil> until{};
  std::vector<std::string> out{};        ///< arms that a guard has taken out
  std::vector<std::string> probation{};  ///< arms that are tested again
  std::vector<AuditEntry> acts{};        ///< kills and freezes of the audit trail, oldest first
};

struct StoreGuards {
  std::uint64_t position = 0;
  std::optional<Nanos> time;  ///< of the last record
  std::vector<PointGuards> points;
  std::string damage;  ///< of the audit trail; empty: none
};

/// Derived as a restart would: the newest checkpoint, and the records after it. Errors: those of reading the
/// audit trail, and those of fold_to where there may be guards or switches.
[[nodiscard]] Result<StoreGuards> guards_of(StoreReader& reader);

/// False: no configuration of the store has "safety" and no switch was ever used, so that nothing need be
/// folded to know that there is nothing. Cost: constant.
[[nodiscard]] bool may_have_safety(StoreReader& reader);

/// When a guard is due, from its options: JSON text of the configuration of the store, in which options that
/// are not given have the defaults of docs/safety.md. `now`: time of the last record.
[[nodiscard]] GuardUntil guard_until(const std::string& config, const std::string& point,
                                     const GuardMetrics& guard, Nanos now);

/// "killed, 1 out, 2 on probation"; empty when there is nothing to say.
[[nodiscard]] std::string safety_brief(const SafetyMetrics& safety);
/// "1 guard has taken out arm 'new' of 'model'; 0 killed; 0 frozen": all points in a sentence. Empty where no
/// point has guards or a switch that was ever used.
[[nodiscard]] std::string safety_sentence(const std::vector<PointMetrics>& points);
/// What a point's screening has seen, in lines: what, and the numbers.
[[nodiscard]] std::vector<std::pair<std::string, std::string>> screening_lines(
    const ScreeningMetrics& screening);
/// "guard 'error' (rate of error, limit 0.1) has taken out arm 'new' of 'model'".
[[nodiscard]] std::string guard_sentence(const std::string& point, const GuardMetrics& guard);
/// Who switched, of SafetyMetrics::killed_by and frozen_by: "anna: wrong prices".
[[nodiscard]] std::string switched_by(const std::string& text);
/// The component that a guard looks at; "decisions" of guards that look at shares of them.
[[nodiscard]] std::string guard_subject(const GuardMetrics& guard);

}  // namespace attune::tools
