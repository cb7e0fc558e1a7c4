// SPDX-License-Identifier: Apache-2.0
#include "engine/point.hpp"

#include <algorithm>
#include <limits>
#include <utility>
#include <variant>

#include <nlohmann/json.hpp>

#include "engine/point_settle.hpp"

namespace attune {
namespace {

[[nodiscard]] std::string_view name_of(const AnyPolicy& policy) {
  return std::visit([](const auto& p) { return p.name(); }, policy);
}

}  // namespace

Result<std::unique_ptr<Point>> Point::make(PointConfig config, bool shared, CreditFunction credit) {
  Result<AnyPolicy> policy =
      make_policy(nlohmann::json::parse(config.policy_json), config.shape(), config.policy_path());
  if (!policy) {
    return tl::unexpected(std::move(policy).error());
  }
  if (Result<void> settled = settle_point(config, *policy); !settled) {
    return tl::unexpected(std::move(settled).error());
  }
  Result<Collector> collector = Collector::make(config.reward, std::move(credit));
  if (!collector) {
    return fail(collector.error().code, "points." + config.name + ".reward: " + collector.error().message);
  }
  const bool resets = std::ranges::any_of(
      config.drift, [](const auto& watch) { return watch.does(DriftAction::reset_policy); });
  std::optional<AnyPolicy> fresh = resets ? std::optional<AnyPolicy>(*policy) : std::nullopt;
  PointState state{.arms = ArmTable(config.action_features), .policy = std::move(*policy)};
  if (config.screening.contexts) {
    state.safety.contexts = config.screening.contexts->detector;
  }
  if (Result<void> settled = settle_arms(config, state); !settled) {
    return tl::unexpected(std::move(settled).error());
  }
  return std::unique_ptr<Point>(
      new Point(std::move(config), std::move(state), std::move(*collector), std::move(fresh), shared));
}

Point::Point(PointConfig config, PointState state, Collector collector, std::optional<AnyPolicy> fresh,
             bool shared)
    : config_(std::move(config)),
      published_(std::move(state), shared),
      collector_(std::move(collector)),
      safety_(config_.safety ? &*config_.safety : nullptr),
      fresh_(std::move(fresh)),
      drift_(config_, fresh_ ? &*fresh_ : nullptr),
      screen_(config_),
      arm_since_(config_.arms.size(), 0),
      stream_(name_stream(config_.name)),
      policy_name_(name_of(published_.back().policy)),
      action_(action_kind(published_.back().policy)) {}

Errc Point::perform(const PolicyOp& op) noexcept {
  dirty_ = true;
  if (published_.shared() && log_->active()) {
    log_->add(config_.number, op);
  }
  return apply(published_.back(), op);
}

void Point::perform_all(PointSafety::Ops ops) noexcept {
  for (const PolicyOp& op : ops) {
    static_cast<void>(perform(op));
  }
}

bool Point::is_same_arm(ArmIndex arm, std::uint64_t position) const noexcept {
  const std::size_t slot = to_index(arm);
  return learned().arms.contains(arm) && slot < arm_since_.size() && position >= arm_since_[slot];
}

bool Point::next_deadline(Nanos& time) const noexcept {
  const bool awaits = collector_.next_deadline(time);
  const Nanos watched = std::min(safety_.deadline(), drift_.deadline());
  if (watched != GuardCell::kNever && (!awaits || watched < time)) {
    time = watched;
    return true;
  }
  return awaits;
}

void Point::fold(const DecisionRecord& record, OpLog& log) noexcept {
  log_ = &log;
  if (drift_.active()) {
    drift_.begin(record.header, safety_.frozen());
  }
  ++counters_.decisions;
  counters_.explored += (record.header.flags & DecisionRecord::kGreedy) == 0 ? 1 : 0;
  counters_.fallbacks += record.rung == Rung::policy ? 0 : 1;
  folded_sequence_ = std::max(folded_sequence_, record.sequence + 1);
  if (record.sequence >= next_sequence.load(std::memory_order_relaxed)) {  // replay only
    next_sequence.store(record.sequence + 1, std::memory_order_relaxed);
  }
  const Errc awaited = collector_.on_decision(record, *this);
  if (safety_.has_state()) {
    perform_all(safety_.decided(record, learned()));
  }
  if (drift_.active() && awaited != Errc::duplicate && awaited != Errc::non_finite) {
    perform_all(drift_.decided(record, learned()));
  }
  if (screen_.watches_contexts() && awaited != Errc::duplicate && awaited != Errc::non_finite) {
    screen_.decided(learned().safety.contexts->score(record.input.dense));
    (void)perform({.kind = PolicyOp::Kind::learn_context, .input = {.dense = record.input.dense}});
  }
  if (awaited != Errc::ok) {
    return;
  }
  if (action_ == ActionKind::parameters) {
    static_cast<void>(
        perform({.kind = PolicyOp::Kind::begin, .trial = record.sequence, .values = record.values}));
  } else if (action_ == ActionKind::arm) {
    static_cast<void>(perform({.kind = PolicyOp::Kind::pull, .arm = record.arm}));
  } else if (shows_arms(action_)) {
    static_cast<void>(perform({.kind = PolicyOp::Kind::pull, .values = record.values}));
  }
}

Fate Point::fold(const OutcomeRecord& record, std::optional<std::uint64_t> sequence, OpLog& log) noexcept {
  log_ = &log;
  if (drift_.active()) {
    drift_.begin(record.header, safety_.frozen());
  }
  PointSafety::Observed seen;
  if (safety_.guards_outcomes()) {
    if (const PendingDecision* decision = collector_.held(record.header.id); decision != nullptr) {
      seen = {.arm = is_same_arm(decision->arm, decision->position) ? decision->arm : kNoArm,
              .sequence = decision->sequence,
              .decided = decision->time};
    }
  }
  const Fate fate = collector_.on_outcome(record, *this);
  seen.joined = collector_.joined();
  if (safety_.guards_outcomes()) {
    perform_all(safety_.observed(record, seen, learned()));
  }
  if (drift_.watches_components()) {
    perform_all(drift_.observed(record, seen.joined, learned()));
  }
  if (fate != Fate::unknown_decision) {
    return fate;
  }
  if (!sequence) {
    ++counters_.foreign;
    return Fate::foreign;
  }
  if (*sequence >= folded_sequence_) {
    ++counters_.early;
    return Fate::early;
  }
  return fate;  // forgotten, or never recorded
}

void Point::publish_copy() {
  PointState copy = learned();
  published_.publish();
  if (published_.shared()) {
    published_.back() = std::move(copy);
  }
}

void Point::fold(const EventRecord& record, OpLog& log) noexcept {
  log_ = &log;
  if (drift_.active()) {
    drift_.begin(record.header, safety_.frozen());
  }
  collector_.on_time(record.header.time, *this);
  perform_all(safety_.passed(record.header.time, learned()));
  PolicyOp op{.text = record.text};
  switch (record.kind) {
    case EventKind::tick:
      return;
    case EventKind::killed:
    case EventKind::frozen:
      safety_.switched(record);
      return;
    case EventKind::episode_ended:
      collector_.on_episode_end(record.number, record.header.time, *this);
      return;
    case EventKind::arm_added:
      op.kind = PolicyOp::Kind::add_arm;
      op.action = record.numbers;
      op.prior = {.mean = record.value, .weight = record.aux};
      break;
    case EventKind::arm_enabled:
      op.kind = PolicyOp::Kind::enable_arm;
      break;
    case EventKind::arm_disabled:
      op.kind = PolicyOp::Kind::disable_arm;
      break;
    case EventKind::arm_removed:
      op.kind = PolicyOp::Kind::remove_arm;
      break;
  }
  change_arm(op, record.header.position);
}

void Point::change_arm(PolicyOp op, std::uint64_t position) noexcept {
  const ArmIndex before = learned().arms.find(op.text);
  if (perform(op) != Errc::ok) {
    return;
  }
  if (op.kind == PolicyOp::Kind::remove_arm) {
    safety_.arm_changed(before);
    drift_.arm_changed(before);
    screen_.arm_changed(before);
  }
  if (op.kind == PolicyOp::Kind::add_arm) {
    const ArmIndex arm = learned().arms.find(op.text);
    const std::size_t slot = to_index(arm);
    arm_since_.resize(std::max(arm_since_.size(), slot + 1), 0);
    arm_since_[slot] = position;
    safety_.arm_changed(arm);
    drift_.arm_changed(arm);
    screen_.arm_changed(arm);
  }
}

bool Point::arm_is_same(const PendingDecision& decision) noexcept {
  const bool same = is_same_arm(decision.arm, decision.position);
  counters_.arm_gone += same ? 0 : 1;
  return same;
}

/// Before the policy learns it: what it expected is what it knew until now, and a reset keeps this reward.
void Point::watch_reward(const PendingDecision& decision, double reward) noexcept {
  if (!drift_.watches_rewards()) {
    return;
  }
  const bool same = action_ == ActionKind::arm && is_same_arm(decision.arm, decision.position);
  double expected = std::numeric_limits<double>::quiet_NaN();
  if (const auto* bandit = std::get_if<AnyBandit>(&learned().policy);
      same && bandit != nullptr && drift_.watches_residuals()) {
    expected = bandit->expectation(decision.arm, decision.input(), decision.action_features);
  }
  perform_all(drift_.rewarded(same ? decision.arm : kNoArm, reward, expected, learned()));
}

Fate Point::screen(const PendingDecision& decision, const OutcomeRecord& record, std::uint32_t fresh,
                   std::span<double> values) noexcept {
  if (!screen_.active()) {
    return Fate::waiting;
  }
  const bool same = action_ == ActionKind::arm && is_same_arm(decision.arm, decision.position);
  return screen_.outcome(record, same ? decision.arm : kNoArm, fresh, values);
}

std::optional<double> Point::screened(const PendingDecision& decision, double reward) {
  if (!screen_.screens_rewards()) {
    return reward;
  }
  const bool same = action_ == ActionKind::arm && is_same_arm(decision.arm, decision.position);
  return screen_.reward(same ? decision.arm : kNoArm, reward);
}

void Point::learn(const PendingDecision& decision, double formed, RewardOrigin origin) noexcept {
  const std::optional<double> kept = screened(decision, formed);
  if (!kept) {
    // To the policy it is a reward that never came.
    if (origin != RewardOrigin::late) {
      lost(decision, LossReason::silent);
    }
    return;
  }
  const double reward = *kept;
  watch_reward(decision, reward);
  if (safety_.values_rewards() && is_same_arm(decision.arm, decision.position)) {
    perform_all(safety_.rewarded(decision.arm, reward, learned()));
  }
  if (safety_.frozen()) {
    // To the policy it is a reward that never came: its wait ends, and nothing is learned.
    safety_.count_frozen_reward();
    if (origin != RewardOrigin::late) {
      lost(decision, LossReason::silent);
    }
    return;
  }
  if (action_ != ActionKind::arm && action_ != ActionKind::parameters) {
    learn_action(decision, reward);
    return;
  }
  const bool tunes = action_ == ActionKind::parameters;
  PolicyOp op{.kind = tunes ? PolicyOp::Kind::tell : PolicyOp::Kind::learn,
              .announced = origin != RewardOrigin::late,
              .arm = decision.arm,
              .reward = reward,
              .propensity = decision.propensity,
              .trial = decision.sequence,
              .input = decision.input(),
              .action = decision.action_features};
  if ((tunes || arm_is_same(decision)) && perform(op) != Errc::ok) {
    ++counters_.refused_rewards;
  }
}

void Point::experience(const PendingDecision& decision, double formed, const Input& next, bool terminal,
                       bool truncated) noexcept {
  const std::optional<double> kept = screened(decision, formed);
  if (!kept) {
    return;
  }
  const double reward = *kept;
  watch_reward(decision, reward);
  if (safety_.values_rewards() && is_same_arm(decision.arm, decision.position)) {
    perform_all(safety_.rewarded(decision.arm, reward, learned()));
  }
  if (safety_.frozen()) {
    safety_.count_frozen_reward();
    return;
  }
  const PolicyOp op{.kind = PolicyOp::Kind::experience,
                    .terminal = terminal,
                    .truncated = truncated,
                    .arm = decision.arm,
                    .reward = reward,
                    .input = decision.input(),
                    .next = next};
  if (arm_is_same(decision) && perform(op) != Errc::ok) {
    ++counters_.refused_rewards;
  }
}

void Point::lost(const PendingDecision& decision, LossReason /*reason*/) noexcept {
  if (action_ == ActionKind::parameters) {
    static_cast<void>(perform({.kind = PolicyOp::Kind::forget, .trial = decision.sequence}));
  } else if (action_ == ActionKind::arm && arm_is_same(decision)) {
    static_cast<void>(perform({.kind = PolicyOp::Kind::lost, .arm = decision.arm}));
  }
}

}  // namespace attune
