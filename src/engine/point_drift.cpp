// SPDX-License-Identifier: Apache-2.0
#include "engine/point_drift.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include <attune/core/rng.hpp>

namespace attune {
namespace {

constexpr std::size_t kMostEvents = 1024;  // of one batch: whoever is told needs no more

}  // namespace

PointDrift::PointDrift(const PointConfig& config, const AnyPolicy* fresh)
    : config_(config), fresh_(fresh), watches_(config.drift.size()), signs_(config.drift.size()) {
  for (const DriftWatchConfig& watch : config.drift) {
    watches_residuals_ = watches_residuals_ || watch.stream == DriftStream::residual;
    watches_components_ = watches_components_ || watch.stream == DriftStream::component;
    watches_rewards_ = watches_rewards_ || watch.stream == DriftStream::residual ||
                       watch.stream == DriftStream::reward || watch.stream == DriftStream::reward_per_arm;
  }
  draw_signs();
}

/// Random directions of +1 and -1, always the same for the same number of them. Source: Achlioptas (2003),
/// "Database-friendly random projections", J. Comput. Syst. Sci. 66(4).
void PointDrift::draw_signs() {
  constexpr std::uint64_t kSeed = 0x6472696674ULL;
  for (std::size_t i = 0; i < watches_.size(); ++i) {
    if (rules(i).stream != DriftStream::features || rules(i).form != DriftForm::projection) {
      continue;
    }
    const std::size_t columns = config_.features.dimension();
    signs_[i].reserve(columns * rules(i).streams);
    for (std::uint32_t row = 0; row < rules(i).streams; ++row) {
      Rng rng(kSeed, columns, row, 0);
      for (std::size_t column = 0; column < columns; ++column) {
        signs_[i].push_back(rng.below(2) == 0 ? std::int8_t{-1} : std::int8_t{1});
      }
    }
  }
}

// -------------------------------------------------------------------------------------------------- records

void PointDrift::begin(const RecordHeader& header, bool frozen) {
  position_ = header.position;
  time_ = std::max(time_, header.time);
  frozen_ = frozen;
  ops_.clear();
  if (time_ < deadline_) {
    return;
  }
  for (Watch& watch : watches_) {
    if (watch.alert_until != 0 && watch.alert_until <= time_) {
      watch.alert_until = 0;
      news_ = true;
    }
  }
  settle_deadline();
}

PointDrift::Ops PointDrift::decided(const DecisionRecord& record, const PointState& state) {
  ops_.clear();
  ++decisions_;
  const bool boosted = boost_left_ > 0;
  boost_left_ -= boosted ? 1 : 0;
  if (boosted && boost_left_ == 0) {
    boost_share_ = 0.0;
    ops_.push_back({.kind = PolicyOp::Kind::set_boost, .reward = 0.0});
  }
  const Features x = record.input.dense;
  for (std::size_t i = 0; i < watches_.size(); ++i) {
    if (rules(i).stream == DriftStream::feature && rules(i).column < x.size()) {
      feed(i, 0, x[rules(i).column], state);
    } else if (rules(i).stream == DriftStream::features && x.size() == config_.features.dimension()) {
      feed_features(i, x, state);
    }
  }
  return ops_;
}

void PointDrift::feed_features(std::size_t watch, Features x, const PointState& state) {
  for (std::size_t stream = 0; stream < rules(watch).streams; ++stream) {
    double value = 0.0;
    if (rules(watch).form == DriftForm::each) {
      value = x[stream];
    } else {
      const std::int8_t* signs = signs_[watch].data() + stream * x.size();
      for (std::size_t column = 0; column < x.size(); ++column) {
        value += static_cast<double>(signs[column]) * x[column];
      }
    }
    feed(watch, stream, value, state);
  }
}

PointDrift::Ops PointDrift::observed(const OutcomeRecord& record, std::uint32_t joined,
                                     const PointState& state) {
  ops_.clear();
  for (std::uint32_t i = 0; i < record.component_count; ++i) {
    if ((joined >> i & 1U) == 0) {
      continue;
    }
    for (std::size_t watch = 0; watch < watches_.size(); ++watch) {
      if (rules(watch).stream == DriftStream::component &&
          rules(watch).component == record.components[i].name) {
        feed(watch, 0, record.components[i].value, state);
      }
    }
  }
  return ops_;
}

PointDrift::Ops PointDrift::rewarded(ArmIndex arm, double reward, double expected, const PointState& state) {
  ops_.clear();
  for (std::size_t i = 0; i < watches_.size(); ++i) {
    switch (rules(i).stream) {
      case DriftStream::reward:
        feed(i, 0, reward, state);
        break;
      case DriftStream::reward_per_arm:
        if (arm != kNoArm) {
          feed(i, to_index(arm), reward, state);
        }
        break;
      case DriftStream::residual:
        if (!std::isnan(expected)) {
          feed(i, 0, reward - expected, state);
        }
        break;
      case DriftStream::component:
      case DriftStream::feature:
      case DriftStream::features:
        break;
    }
  }
  return ops_;
}

void PointDrift::arm_changed(ArmIndex arm) {
  for (std::size_t i = 0; i < watches_.size(); ++i) {
    if (rules(i).stream == DriftStream::reward_per_arm && to_index(arm) < watches_[i].cells.size()) {
      watches_[i].cells[to_index(arm)] = Cell();
    }
  }
}

// --------------------------------------------------------------------------------------------------- drifts

void PointDrift::feed(std::size_t watch, std::size_t stream, double value, const PointState& state) {
  Watch& mine = watches_[watch];
  if (!std::isfinite(value)) {  // a difference of finite numbers, or a sum, may still overflow
    ++mine.skipped;
    return;
  }
  if (stream >= mine.cells.size()) {
    mine.cells.resize(stream + 1);
  }
  Cell& cell = mine.cells[stream];
  if (!cell.detector) {
    cell.detector = rules(watch).detector;
  }
  ++mine.values;
  switch (cell.detector->update(value)) {
    case Signal::none:
      return;
    case Signal::warning:
      ++mine.warnings;
      return;
    case Signal::drift:
      break;
  }
  ++mine.drifts;
  if (decisions_ < mine.silent_until || decisions_ < cell.silent_until) {
    ++mine.silenced;
    return;
  }
  fire(watch, stream, state);
}

void PointDrift::fire(std::size_t watch, std::size_t stream, const PointState& state) {
  const DriftWatchConfig& rule = rules(watch);
  Watch& mine = watches_[watch];
  const bool of_arm = rule.stream == DriftStream::reward_per_arm && rule.scope == DriftScope::arm;
  (of_arm ? mine.cells[stream].silent_until : mine.silent_until) = decisions_ + rule.cooldown;
  mine.last_position = position_;
  mine.last_time = time_;
  mine.last_of = name_of_stream(watch, stream, state);
  std::string done;
  for (std::size_t i = 0; i < kDriftActions; ++i) {
    const auto action = static_cast<DriftAction>(i);
    if (!rule.does(action)) {
      continue;
    }
    if (!act(action, watch, stream, state)) {
      ++mine.withheld;
      continue;
    }
    ++mine.actions[i];
    done += (done.empty() ? "" : ", ") + std::string(kEnumNames<DriftAction>[i]);
  }
  if (events_.size() < kMostEvents) {
    events_.push_back({.watch = &rule, .of = mine.last_of, .position = position_, .done = std::move(done)});
  }
}

bool PointDrift::act(DriftAction action, std::size_t watch, std::size_t stream, const PointState& state) {
  const DriftWatchConfig& rule = rules(watch);
  switch (action) {
    case DriftAction::log:
    case DriftAction::retrain:
      return true;
    case DriftAction::alert:
      watches_[watch].alert_until = time_ + static_cast<Nanos>(rule.alert_s * static_cast<double>(kSecond));
      news_ = true;
      settle_deadline();
      return true;
    case DriftAction::boost_exploration:
      if (frozen_) {
        return false;
      }
      boost_left_ = std::max(boost_left_, rule.boost_decisions);
      boost_share_ = std::max(boost_share_, rule.boost_share);
      ops_.push_back({.kind = PolicyOp::Kind::set_boost, .reward = boost_share_});
      return true;
    case DriftAction::forget:
    case DriftAction::reset_arm:
    case DriftAction::reset_policy:
    case DriftAction::snapshot:
      return !frozen_ && change_policy(action, watch, stream, state);
  }
  return false;
}

bool PointDrift::change_policy(DriftAction action, std::size_t watch, std::size_t stream,
                               const PointState& state) {
  const DriftWatchConfig& rule = rules(watch);
  const bool of_arm = rule.stream == DriftStream::reward_per_arm && rule.scope == DriftScope::arm;
  const ArmIndex arm = of_arm ? to_arm(stream) : kNoArm;
  switch (action) {
    case DriftAction::forget:
      ops_.push_back({.kind = PolicyOp::Kind::discount, .arm = arm, .reward = rule.keep});
      break;
    case DriftAction::reset_policy:
      ops_.push_back({.kind = PolicyOp::Kind::reset_policy, .fresh = fresh_});
      for (std::size_t slot = 0; slot < state.arms.slot_count(); ++slot) {
        add_prior(to_arm(slot), state, {.kind = PolicyOp::Kind::warm_arm});
      }
      break;
    case DriftAction::reset_arm:
      for (std::size_t slot = 0; slot < state.arms.slot_count(); ++slot) {
        if (!of_arm || slot == stream) {
          ops_.push_back({.kind = PolicyOp::Kind::reset_arm, .arm = to_arm(slot)});
          add_prior(to_arm(slot), state, {.kind = PolicyOp::Kind::warm_arm});
        }
      }
      break;
    case DriftAction::snapshot:
      if (!state.safety.good) {
        return false;
      }
      ops_.push_back({.kind = PolicyOp::Kind::restore_snapshot});
      break;
    default:
      return false;
  }
  if (!of_arm) {
    restart(watch, stream);
  }
  return true;
}

/// What the others have seen was earned before the evidence went: they begin anew. The one that found the
/// drift has kept what it thinks is new.
void PointDrift::restart(std::size_t watch, std::size_t stream) {
  std::vector<Cell>& cells = watches_[watch].cells;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    if (i != stream && cells[i].detector && rules(watch).stream == DriftStream::reward_per_arm) {
      cells[i].detector->reset();
    }
  }
}

/// Arms of the configuration begin with their prior again.
void PointDrift::add_prior(ArmIndex arm, const PointState& state, PolicyOp op) {
  if (!state.arms.contains(arm)) {
    return;
  }
  const auto named = std::ranges::find(config_.arms, state.arms.id(arm), &ArmConfig::id);
  if (named != config_.arms.end() && named->prior.weight > 0.0) {
    op.arm = arm;
    op.prior = named->prior;
    ops_.push_back(op);
  }
}

std::string PointDrift::name_of_stream(std::size_t watch, std::size_t stream, const PointState& state) const {
  const DriftWatchConfig& rule = rules(watch);
  switch (rule.stream) {
    case DriftStream::reward_per_arm:
      return std::string(state.arms.id(to_arm(stream)));
    case DriftStream::component:
      return rule.component;
    case DriftStream::feature:
      return rule.feature;
    case DriftStream::features:
      break;
    case DriftStream::reward:
    case DriftStream::residual:
      return {};
  }
  if (rule.form == DriftForm::each) {
    for (const FeatureColumn& column : config_.features.columns()) {
      if (stream >= column.offset && stream < column.offset + std::size_t{column.width}) {
        return column.name;
      }
    }
  }
  return std::to_string(stream);
}

void PointDrift::settle_deadline() noexcept {
  deadline_ = kNever;
  for (const Watch& watch : watches_) {
    if (watch.alert_until != 0) {
      deadline_ = std::min(deadline_, watch.alert_until);
    }
  }
}

}  // namespace attune
