// SPDX-License-Identifier: Apache-2.0
/// @file
/// Traffic: one pass over a slice of the journal that joins outcomes to their decisions and counts.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <unordered_map>
#include <vector>

#include <attune/core/record.hpp>

#include "tools/inspect/stats.hpp"
#include "tools/inspect/store_reader.hpp"

namespace attune::tools {

struct PointTraffic {
  std::uint32_t number = 0;
  std::string name;
  std::uint64_t decisions = 0;
  std::uint64_t outcomes = 0;   ///< of those decisions
  std::uint64_t answered = 0;   ///< decisions with at least one outcome
  std::uint64_t unmatched = 0;  ///< outcomes whose decision is not among the records looked at
  std::uint64_t events = 0;
  std::uint64_t explored = 0;
  std::uint64_t fallbacks = 0;
  std::uint64_t deferred = 0;
  std::uint64_t not_finite = 0;  ///< component values that are no numbers
  std::size_t arms = 0;
  std::optional<Nanos> first_time;
  std::optional<Nanos> last_time;
  std::vector<Nanos> delays;          ///< of a sample of the outcomes, unordered
  std::vector<std::uint32_t> chosen;  ///< arm of each decision in order, while reading

  /// Delay that so many of the outcomes do not exceed; no value without outcomes.
  [[nodiscard]] std::optional<Nanos> delay_quantile(double share) const;
};

struct ArmTraffic {
  static constexpr std::size_t kParts = 20;

  std::uint32_t point = 0;
  std::string name;
  std::optional<std::uint32_t> slot;  ///< newest seen; no value: never chosen
  std::string state = "enabled";      ///< by the events looked at
  std::uint64_t decisions = 0;
  std::uint64_t explored = 0;
  std::uint64_t fallbacks = 0;
  std::uint64_t outcomes = 0;
  std::uint64_t answered = 0;
  std::map<std::string, Moments, std::less<>> components;
  std::vector<double> share;  ///< of the point's decisions in each part of them, oldest first
  std::optional<Nanos> last_time;
};

/// What one pass learned.
class Traffic {
 public:
  static constexpr std::uint32_t kNone = static_cast<std::uint32_t>(-1);

  /// `only`: records of other points are passed over. Errors: corrupt_state, io.
  [[nodiscard]] static Result<Traffic> read(StoreReader& reader, const Slice& slice,
                                            std::optional<std::uint32_t> only);

  [[nodiscard]] const std::vector<PointTraffic>& points() const noexcept { return points_; }
  /// By point, then slot, then name.
  [[nodiscard]] const std::vector<ArmTraffic>& arms() const noexcept { return arms_; }
  [[nodiscard]] std::uint64_t unmatched() const noexcept;
  [[nodiscard]] std::uint64_t records() const noexcept { return records_; }

 private:
  struct Place {
    std::uint32_t point;  // index
    std::uint32_t arm;    // index
    Nanos time;
    bool answered;
  };

  Traffic() = default;
  std::size_t point(const RecordHeader& header, const StoreReader& reader);
  std::uint32_t arm(std::uint32_t point_number, std::optional<std::uint32_t> slot, std::string_view name);
  [[nodiscard]] Errc add(const StoredRecord& record, const StoreReader& reader);
  void add_decision(const DecisionRecord& decision, std::string_view arm_name, PointTraffic& point,
                    std::uint32_t index);
  void add_outcome(const OutcomeRecord& outcome, const StoreReader& reader);
  void add_event(const EventRecord& event);
  void finish();

  std::vector<PointTraffic> points_;
  std::vector<ArmTraffic> arms_;
  std::map<std::uint32_t, std::size_t> point_index_;
  // An arm is its id; where that is unknown, its slot.
  std::map<std::tuple<std::uint32_t, std::string, std::uint32_t>, std::uint32_t> arm_index_;
  std::unordered_map<Uuid, Place> decisions_;
  std::uint64_t records_ = 0;
};

}  // namespace attune::tools
