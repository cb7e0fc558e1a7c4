// SPDX-License-Identifier: Apache-2.0
#include "engine/point_screen.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <utility>

namespace attune {
namespace {

[[nodiscard]] std::string percent_text(double share) {
  std::array<char, 32> text{};
  const auto end =
      std::to_chars(text.data(), text.data() + text.size(), 100.0 * share, std::chars_format::general, 3);
  return {text.data(), end.ptr};
}

}  // namespace

// ------------------------------------------------------------------------------------------------ the newest

void NewestShare::add(bool marked) noexcept {
  if (values_ == kHalf) {
    values_before_ = values_;
    marked_before_ = marked_;
    values_ = 0;
    marked_ = 0;
  }
  ++values_;
  marked_ += marked ? 1 : 0;
}

double NewestShare::share() const noexcept {
  const std::uint64_t all = values_ + values_before_;
  return all < kHalf ? std::numeric_limits<double>::quiet_NaN()
                     : static_cast<double>(marked_ + marked_before_) / static_cast<double>(all);
}

// ----------------------------------------------------------------------------------------------------- fold

PointScreen::PointScreen(const PointConfig& config)
    : config_(config),
      active_(config.screening.any()),
      watches_contexts_(config.screening.contexts.has_value()),
      screens_rewards_(std::ranges::any_of(
          config.screening.screens,
          [](const ScreenConfig& screen) { return screen.stream == ScreenStream::reward; })),
      state_(fresh()) {}

PointScreen::State PointScreen::fresh() const {
  State out;
  if (config_.screening.sources) {
    out.sources = SourceCap::make(*config_.screening.sources).value();  // checked when it was read
  }
  out.screens.resize(config_.screening.screens.size());
  return out;
}

void PointScreen::decided(const VectorAnomaly& verdict) noexcept {
  if (verdict.status != Errc::ok) {
    return;
  }
  ++(verdict.is_anomaly ? state_.unfamiliar : state_.familiar);
  state_.contexts.add(verdict.is_anomaly);
  const bool alarm = state_.contexts.above(config_.screening.contexts->alarm_above);
  news_ = news_ || alarm != state_.context_alarm;
  state_.context_alarm = alarm;
}

bool PointScreen::pass(std::size_t screen, ArmIndex arm, double& value) {
  const ScreenConfig& rule = rules(screen);
  Screen& mine = state_.screens[screen];
  const bool whole = rule.per == ScreenScope::point;
  if (!whole && arm == kNoArm) {
    return true;
  }
  const std::size_t at = whole ? 0 : to_index(arm);
  if (at >= mine.cells.size()) {
    mine.cells.resize(at + 1);
  }
  std::optional<AnyAnomalyDetector>& cell = mine.cells[at];
  if (!cell) {
    cell = rule.detector;
  }
  const Anomaly verdict = cell->update(value);
  ++mine.values;
  mine.anomalies += verdict.is_anomaly ? 1 : 0;
  mine.newest.add(verdict.is_anomaly);
  const bool alarm = mine.newest.above(rule.alarm_above);
  news_ = news_ || alarm != mine.alarm;
  mine.alarm = alarm;
  if (!verdict.is_anomaly || rule.action == ScreenAction::log) {
    return true;
  }
  if (rule.action == ScreenAction::reject) {
    ++mine.rejected;
    return false;
  }
  ++mine.clipped;
  value = value < verdict.lower ? verdict.lower : verdict.upper;
  return true;
}

Fate PointScreen::outcome(const OutcomeRecord& record, ArmIndex arm, std::uint32_t fresh,
                          std::span<double> values) {
  if (state_.sources && record.source != 0) {
    // Whole outcomes only: a part of one would have to be learned with a weight that policies do not know.
    if (state_.sources->admit(record.source) < 1.0) {
      ++state_.capped;
      return Fate::capped;
    }
    ++state_.admitted;
  }
  bool passes = true;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if ((fresh >> i & 1U) == 0) {
      continue;
    }
    for (std::size_t screen = 0; screen < state_.screens.size(); ++screen) {
      if (rules(screen).stream == ScreenStream::component &&
          rules(screen).component == record.components[i].name) {
        passes = pass(screen, arm, values[i]) && passes;
      }
    }
  }
  return passes ? Fate::waiting : Fate::rejected;
}

std::optional<double> PointScreen::reward(ArmIndex arm, double reward) {
  bool passes = true;
  for (std::size_t screen = 0; screen < state_.screens.size(); ++screen) {
    if (rules(screen).stream == ScreenStream::reward) {
      passes = pass(screen, arm, reward) && passes;
    }
  }
  return passes ? std::optional(reward) : std::nullopt;
}

void PointScreen::arm_changed(ArmIndex arm) {
  for (std::size_t i = 0; i < state_.screens.size(); ++i) {
    if (rules(i).per == ScreenScope::arm && to_index(arm) < state_.screens[i].cells.size()) {
      state_.screens[i].cells[to_index(arm)].reset();
    }
  }
}

// ------------------------------------------------------------------------------------------- to people

std::vector<PointScreen::Alarm> PointScreen::alarms() const {
  std::vector<Alarm> out;
  if (state_.context_alarm) {
    const ContextWatchConfig& rule = *config_.screening.contexts;
    out.push_back(
        {.key = "contexts",
         .sentence =
             "point '" + config_.name + "': more than " + percent_text(rule.alarm_above) +
             " % of the newest contexts are unlike those before them" +
             (rule.action == ContextAction::fall_back ? ", and are answered without the policy" : "")});
  }
  for (std::size_t i = 0; i < state_.screens.size(); ++i) {
    if (state_.screens[i].alarm) {
      const std::string did = rules(i).action == ScreenAction::log    ? "are anomalies"
                              : rules(i).action == ScreenAction::clip ? "are anomalies and were clipped"
                                                                      : "are anomalies and were rejected";
      out.push_back({.key = "screen\n" + rules(i).name,
                     .sentence = "point '" + config_.name + "': more than " +
                                 percent_text(rules(i).alarm_above) + " % of the newest values of screen '" +
                                 rules(i).name + "' " + did});
    }
  }
  return out;
}

ScreeningMetrics PointScreen::metrics(const PointState& state) const {
  ScreeningMetrics out;
  constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
  out.threshold = kNone;
  out.unfamiliar_share = kNone;
  if (const auto& contexts = config_.screening.contexts; contexts) {
    out.contexts = true;
    out.context_action = kEnumNames<ContextAction>[static_cast<std::size_t>(contexts->action)];
    out.familiar = state_.familiar;
    out.unfamiliar = state_.unfamiliar;
    if (state.safety.contexts) {
      out.threshold = state.safety.contexts->threshold();
    }
    out.unfamiliar_share = state_.contexts.share();
    out.alarm = state_.context_alarm;
  }
  out.sources = state_.sources.has_value();
  out.admitted = state_.admitted;
  out.capped = state_.capped;
  for (std::size_t i = 0; i < state_.screens.size(); ++i) {
    const Screen& mine = state_.screens[i];
    out.screens.push_back(
        {.name = rules(i).name,
         .watch = std::string(kEnumNames<ScreenStream>[static_cast<std::size_t>(rules(i).stream)]),
         .component = rules(i).component,
         .detector = std::string(rules(i).detector->name()),
         .action = std::string(kEnumNames<ScreenAction>[static_cast<std::size_t>(rules(i).action)]),
         .values = mine.values,
         .anomalies = mine.anomalies,
         .clipped = mine.clipped,
         .rejected = mine.rejected,
         .share = mine.newest.share(),
         .alarm = mine.alarm});
  }
  return out;
}

}  // namespace attune
