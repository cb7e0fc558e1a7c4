// SPDX-License-Identifier: Apache-2.0
// PointDrift as bytes and as numbers for people. docs/format/state.md describes the bytes.
#include <algorithm>
#include <string>
#include <utility>

#include "engine/point_drift.hpp"

namespace attune {
namespace {

constexpr std::size_t kMostText = 65'536;

}  // namespace

// ---------------------------------------------------------------------------------------------------- state

void PointDrift::save_watch(std::size_t watch, Writer& writer) const {
  const Watch& mine = watches_[watch];
  writer.text(rules(watch).name);
  writer.text(rules(watch).identity);
  const std::size_t begun = writer.begin_blob();
  writer.u64(mine.silent_until);
  for (const std::uint64_t count :
       {mine.values, mine.skipped, mine.warnings, mine.drifts, mine.silenced, mine.withheld}) {
    writer.u64(count);
  }
  for (const std::uint64_t count : mine.actions) {
    writer.u64(count);
  }
  writer.u64(mine.last_position);
  writer.i64(mine.last_time);
  writer.text(mine.last_of);
  writer.i64(mine.alert_until);
  writer.u64(mine.cells.size());
  for (const Cell& cell : mine.cells) {
    writer.u64(cell.silent_until);
    writer.boolean(cell.detector.has_value());
    if (cell.detector) {
      writer.u32(cell.detector->state_version());
      const std::size_t state = writer.begin_blob();
      cell.detector->save(writer);
      writer.end_blob(state);
    }
  }
  writer.end_blob(begun);
}

void PointDrift::save(Writer& writer) const {
  writer.u64(decisions_);
  writer.u64(boost_left_);
  writer.f64(boost_share_);
  writer.i64(time_);
  writer.u64(watches_.size());
  for (std::size_t i = 0; i < watches_.size(); ++i) {
    save_watch(i, writer);
  }
}

bool PointDrift::load_cells(Reader& reader, std::size_t watch, Watch& into) const {
  constexpr std::size_t kLeastCellBytes = 9;
  const DriftWatchConfig& rule = rules(watch);
  const std::uint64_t count = reader.u64();
  const bool by_arm = rule.stream == DriftStream::reward_per_arm;
  if (!reader.ok() || count > reader.left() / kLeastCellBytes || (!by_arm && count > rule.streams)) {
    return false;
  }
  into.cells.resize(static_cast<std::size_t>(count));
  for (Cell& cell : into.cells) {
    cell.silent_until = reader.u64();
    if (!reader.boolean()) {
      continue;
    }
    cell.detector = rule.detector;
    if (reader.u32() > cell.detector->state_version()) {
      return false;
    }
    Reader bytes(reader.blob(reader.left()));
    if (!reader.ok() || !cell.detector->load(bytes) || !bytes.at_end()) {
      return false;
    }
  }
  return reader.ok() && reader.at_end();
}

void PointDrift::load_watch(Reader& reader) {
  const std::string_view name = reader.text(kMostText);
  const std::string_view identity = reader.text(kMostText);
  Reader bytes(reader.blob(reader.left()));
  const auto rule = std::ranges::find(config_.drift, name, &DriftWatchConfig::name);
  if (!reader.ok() || rule == config_.drift.end() || rule->identity != identity) {
    return;
  }
  Watch loaded;
  loaded.silent_until = bytes.u64();
  for (std::uint64_t* count : {&loaded.values, &loaded.skipped, &loaded.warnings, &loaded.drifts,
                               &loaded.silenced, &loaded.withheld}) {
    *count = bytes.u64();
  }
  for (std::uint64_t& count : loaded.actions) {
    count = bytes.u64();
  }
  loaded.last_position = bytes.u64();
  loaded.last_time = bytes.i64();
  loaded.last_of = bytes.text(kMostText);
  loaded.alert_until = bytes.i64();
  const auto at = static_cast<std::size_t>(rule - config_.drift.begin());
  if (!load_cells(bytes, at, loaded) || loaded.alert_until < 0) {
    reader.fail_now();
    return;
  }
  watches_[at] = std::move(loaded);
}

Result<void> PointDrift::load(Reader& reader, PointState& state) {
  std::fill(watches_.begin(), watches_.end(), Watch());
  decisions_ = reader.u64();
  boost_left_ = reader.u64();
  boost_share_ = reader.finite();
  time_ = reader.i64();
  const std::uint64_t count = reader.u64();
  for (std::uint64_t i = 0; i < count && reader.ok(); ++i) {
    load_watch(reader);
  }
  const bool boost = boost_left_ > 0 ? boost_share_ > 0.0 && boost_share_ <= 1.0 : boost_share_ == 0.0;
  if (!reader.ok() || !reader.at_end() || !boost) {
    return fail(Errc::corrupt_state, "the checkpoint's drift watches are cut short or damaged");
  }
  for (Watch& watch : watches_) {
    const bool by_arm =
        rules(static_cast<std::size_t>(&watch - watches_.data())).stream == DriftStream::reward_per_arm;
    if (by_arm && watch.cells.size() > state.arms.slot_count()) {
      return fail(Errc::corrupt_state, "a drift watch of the checkpoint has more arms than its point");
    }
  }
  if (!config_.safety) {
    boost_left_ = 0;  // the point has no action any more that boosts
    boost_share_ = 0.0;
  }
  state.safety.boost = boost_share_;
  settle_deadline();
  return {};
}

// -------------------------------------------------------------------------------------------------- metrics

std::vector<DriftMetrics> PointDrift::metrics() const {
  std::vector<DriftMetrics> out;
  for (std::size_t i = 0; i < watches_.size(); ++i) {
    const DriftWatchConfig& rule = rules(i);
    const Watch& mine = watches_[i];
    DriftMetrics one{.name = rule.name,
                     .watch = std::string(kEnumNames<DriftStream>[static_cast<std::size_t>(rule.stream)]),
                     .detector = std::string(rule.detector->name()),
                     .values = mine.values,
                     .skipped = mine.skipped,
                     .warnings = mine.warnings,
                     .drifts = mine.drifts,
                     .silenced = mine.silenced,
                     .withheld = mine.withheld,
                     .last_position = mine.last_position,
                     .last_time = mine.last_time,
                     .last_of = mine.last_of,
                     .alert = mine.alert_until != 0,
                     .actions = {}};
    for (std::size_t action = 0; action < kDriftActions; ++action) {
      if (rule.does(static_cast<DriftAction>(action))) {
        one.actions.emplace_back(kEnumNames<DriftAction>[action], mine.actions[action]);
      }
    }
    out.push_back(std::move(one));
  }
  return out;
}

std::vector<PointDrift::Alert> PointDrift::alerts() const {
  std::vector<Alert> out;
  for (std::size_t i = 0; i < watches_.size(); ++i) {
    const Watch& mine = watches_[i];
    if (mine.alert_until != 0) {
      const std::string of = mine.last_of.empty() ? "" : " of '" + mine.last_of + "'";
      out.push_back(
          {.watch = rules(i).name,
           .sentence = "point '" + config_.name + "' has drifted: watch '" + rules(i).name + "', " +
                       std::string(kEnumNames<DriftStream>[static_cast<std::size_t>(rules(i).stream)]) + of +
                       ", at position " + std::to_string(mine.last_position),
           .since = mine.last_time});
    }
  }
  return out;
}

}  // namespace attune
