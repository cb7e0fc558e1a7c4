// SPDX-License-Identifier: Apache-2.0
// PointScreen as bytes. docs/format/state.md describes them.
#include <algorithm>
#include <utility>

#include "engine/point_screen.hpp"

namespace attune {
namespace {

constexpr std::size_t kMostScreenText = 65'536;

[[nodiscard]] std::string identity_of(const std::optional<SourceCapConfig>& sources) {
  return sources ? std::to_string(sources->share) + " " + std::to_string(sources->window) + " " +
                       std::to_string(sources->floor) + " " + std::to_string(sources->seed)
                 : std::string();
}

}  // namespace

void NewestShare::save(Writer& writer) const {
  for (const std::uint64_t number : {values_, marked_, values_before_, marked_before_}) {
    writer.u64(number);
  }
}

void NewestShare::load(Reader& reader) noexcept {
  for (std::uint64_t* number : {&values_, &marked_, &values_before_, &marked_before_}) {
    *number = reader.u64();
  }
  if (values_ > kHalf || marked_ > values_ || (values_before_ != 0 && values_before_ != kHalf) ||
      marked_before_ > values_before_) {
    reader.fail_now();
  }
}

void PointScreen::save_screen(std::size_t screen, Writer& writer) const {
  const Screen& mine = state_.screens[screen];
  writer.text(rules(screen).name);
  writer.text(rules(screen).identity);
  const std::size_t begun = writer.begin_blob();
  for (const std::uint64_t count : {mine.values, mine.anomalies, mine.clipped, mine.rejected}) {
    writer.u64(count);
  }
  mine.newest.save(writer);
  writer.boolean(mine.alarm);
  writer.u64(mine.cells.size());
  for (const std::optional<AnyAnomalyDetector>& cell : mine.cells) {
    writer.boolean(cell.has_value());
    if (cell) {
      writer.u32(cell->state_version());
      const std::size_t state = writer.begin_blob();
      cell->save(writer);
      writer.end_blob(state);
    }
  }
  writer.end_blob(begun);
}

void PointScreen::save(const PointState& state, Writer& writer) const {
  const auto& contexts = config_.screening.contexts;
  writer.text(contexts ? std::string_view(contexts->identity) : std::string_view());
  std::size_t begun = writer.begin_blob();
  if (contexts) {
    writer.u64(state_.familiar);
    writer.u64(state_.unfamiliar);
    state_.contexts.save(writer);
    writer.boolean(state_.context_alarm);
    writer.u32(Mahalanobis::kStateVersion);
    state.safety.contexts->save(writer);
  }
  writer.end_blob(begun);
  writer.text(identity_of(config_.screening.sources));
  begun = writer.begin_blob();
  if (state_.sources) {
    writer.u64(state_.admitted);
    writer.u64(state_.capped);
    writer.u32(SourceCap::kStateVersion);
    state_.sources->save(writer);
  }
  writer.end_blob(begun);
  writer.u64(state_.screens.size());
  for (std::size_t i = 0; i < state_.screens.size(); ++i) {
    save_screen(i, writer);
  }
}

bool PointScreen::load_cells(Reader& reader, std::size_t screen, Screen& into) const {
  const ScreenConfig& rule = rules(screen);
  const std::uint64_t count = reader.u64();
  const bool whole = rule.per == ScreenScope::point;
  if (!reader.ok() || count > reader.left() || (whole && count > 1)) {
    return false;
  }
  into.cells.resize(static_cast<std::size_t>(count));
  for (std::optional<AnyAnomalyDetector>& cell : into.cells) {
    if (!reader.boolean()) {
      continue;
    }
    cell = rule.detector;
    if (reader.u32() > cell->state_version()) {
      return false;
    }
    Reader bytes(reader.blob(reader.left()));
    if (!reader.ok() || !cell->load(bytes) || !bytes.at_end()) {
      return false;
    }
  }
  return reader.ok() && reader.at_end();
}

void PointScreen::load_screen(Reader& reader, State& into) const {
  const std::string_view name = reader.text(kMostScreenText);
  const std::string_view identity = reader.text(kMostScreenText);
  Reader bytes(reader.blob(reader.left()));
  const std::vector<ScreenConfig>& screens = config_.screening.screens;
  const auto rule = std::ranges::find(screens, name, &ScreenConfig::name);
  if (!reader.ok() || rule == screens.end() || rule->identity != identity) {
    return;
  }
  const auto at = static_cast<std::size_t>(rule - screens.begin());
  Screen loaded;
  for (std::uint64_t* count : {&loaded.values, &loaded.anomalies, &loaded.clipped, &loaded.rejected}) {
    *count = bytes.u64();
  }
  loaded.newest.load(bytes);
  loaded.alarm = bytes.boolean();
  if (!load_cells(bytes, at, loaded) || loaded.anomalies > loaded.values) {
    reader.fail_now();
    return;
  }
  into.screens[at] = std::move(loaded);
}

Result<void> PointScreen::load(Reader& reader, PointState& state) {
  State loaded = fresh();
  const auto& contexts = config_.screening.contexts;
  const std::string_view context_identity = reader.text(kMostScreenText);
  Reader usual(reader.blob(reader.left()));
  std::optional<Mahalanobis> detector;
  if (contexts && reader.ok() && context_identity == contexts->identity) {
    detector = contexts->detector;
    loaded.familiar = usual.u64();
    loaded.unfamiliar = usual.u64();
    loaded.contexts.load(usual);
    loaded.context_alarm = usual.boolean();
    if (usual.u32() > Mahalanobis::kStateVersion || !usual.ok() || !detector->load(usual) ||
        !usual.at_end()) {
      reader.fail_now();
    }
  }
  const std::string_view source_identity = reader.text(kMostScreenText);
  Reader sources(reader.blob(reader.left()));
  if (loaded.sources && reader.ok() && source_identity == identity_of(config_.screening.sources)) {
    loaded.admitted = sources.u64();
    loaded.capped = sources.u64();
    if (sources.u32() > SourceCap::kStateVersion || !sources.ok() || !loaded.sources->load(sources) ||
        !sources.at_end()) {
      reader.fail_now();
    }
  }
  const std::uint64_t count = reader.u64();
  for (std::uint64_t i = 0; i < count && reader.ok(); ++i) {
    load_screen(reader, loaded);
  }
  const bool fits = std::ranges::all_of(loaded.screens, [&](const Screen& screen) {
    return screen.cells.size() <= std::max<std::size_t>(state.arms.slot_count(), 1);
  });
  if (!reader.ok() || !reader.at_end() || !fits) {
    return fail(Errc::corrupt_state, "the checkpoint's screening is cut short or damaged");
  }
  state_ = std::move(loaded);
  if (detector) {
    state.safety.contexts = std::move(detector);
  }
  return {};
}

}  // namespace attune
