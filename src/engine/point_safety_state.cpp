// SPDX-License-Identifier: Apache-2.0
// PointSafety as bytes and as numbers for people. docs/format/state.md describes the bytes.
#include <algorithm>
#include <utility>
#include <variant>

#include "engine/point_safety.hpp"

namespace attune {
namespace {

constexpr std::size_t kMostText = 4096;
constexpr std::size_t kFewArms = 64;  // up to here metrics list every arm that a guard has seen

/// Reasons of decisions that a version of the state counts.
[[nodiscard]] constexpr std::size_t reasons_in(std::uint32_t version) noexcept {
  return version >= 6 ? kChoiceReasons : version == 5 ? 11 : version == 4 ? 10 : 9;
}

void save_policy(const std::optional<AnyPolicy>& policy, Writer& writer) {
  writer.boolean(policy.has_value());
  if (policy) {
    const std::size_t begun = writer.begin_blob();
    std::visit([&](const auto& p) { p.save(writer); }, *policy);
    writer.end_blob(begun);
  }
}

/// `like`: a policy of the same configuration.
[[nodiscard]] Result<void> load_policy(Reader& reader, const AnyPolicy& like, std::optional<AnyPolicy>& out) {
  out.reset();
  if (!reader.boolean()) {
    return {};
  }
  Reader bytes(reader.blob(reader.left()));
  AnyPolicy loaded = like;
  if (Result<void> done = std::visit([&](auto& p) { return p.load(bytes); }, loaded); !done) {
    return done;
  }
  if (!bytes.at_end()) {
    return fail(Errc::corrupt_state, "a snapshot has bytes behind its policy");
  }
  out = std::move(loaded);
  return {};
}

[[nodiscard]] std::string_view to_string(GuardState state) noexcept {
  switch (state) {
    case GuardState::quiet:
      return "quiet";
    case GuardState::tripped:
      return "tripped";
    case GuardState::probation:
      return "probation";
  }
  return "unknown";
}

template <class E>
[[nodiscard]] std::string name_of(E value) {
  return std::string(kEnumNames<E>[static_cast<std::size_t>(value)]);
}

}  // namespace

// --------------------------------------------------------------------------------------------------- guards

void PointSafety::save_guard(std::size_t guard, Writer& writer) const {
  const GuardConfig& rules = rules_->guards[guard];
  writer.text(rules.name);
  writer.u8(static_cast<std::uint8_t>(rules.kind));
  writer.u8(static_cast<std::uint8_t>(rules.per));
  writer.text(rules.component);
  const std::size_t begun = writer.begin_blob();
  watches_[guard].total.save(rules, writer);
  writer.u64(watches_[guard].cells.size());
  for (const GuardCell& one : watches_[guard].cells) {
    one.save(rules, writer);
  }
  writer.end_blob(begun);
}

void PointSafety::load_guard(Reader& reader) {
  constexpr std::size_t kLeastCellBytes = 100;
  const std::string_view name = reader.text(kMostText);
  const std::uint8_t kind = reader.u8();
  const std::uint8_t per = reader.u8();
  const std::string_view component = reader.text(kMostText);
  Reader cells(reader.blob(reader.left()));
  const std::size_t guards = rules_ == nullptr ? 0 : rules_->guards.size();
  for (std::size_t i = 0; i < guards; ++i) {
    const GuardConfig& rules = rules_->guards[i];
    if (rules.name != name || static_cast<std::uint8_t>(rules.kind) != kind ||
        static_cast<std::uint8_t>(rules.per) != per || rules.component != component) {
      continue;
    }
    watches_[i].total.load(rules, cells);
    const std::uint64_t count = cells.u64();
    if (!cells.ok() || count > cells.left() / kLeastCellBytes) {
      reader.fail_now();
      return;
    }
    watches_[i].cells.assign(static_cast<std::size_t>(count), GuardCell());
    for (GuardCell& one : watches_[i].cells) {
      one.load(rules, cells);
    }
    watches_[i].out = static_cast<std::size_t>(std::ranges::count_if(
        watches_[i].cells, [](const GuardCell& one) { return one.state() == GuardState::tripped; }));
    if (!cells.ok() || !cells.at_end()) {
      reader.fail_now();
    }
    return;
  }
}

// ---------------------------------------------------------------------------------------------------- state

void PointSafety::save(const PointState& state, Writer& writer, std::uint32_t version) const {
  writer.boolean(touched_);
  for (const Switch* one : {&killed_, &frozen_}) {
    writer.boolean(one->on);
    writer.i64(one->since);
    writer.text(one->by);
  }
  for (const std::uint64_t count : rungs_) {
    writer.u64(count);
  }
  for (std::size_t i = 0; i < reasons_in(version); ++i) {
    writer.u64(reasons_[i]);
  }
  if (version >= 5) {
    writer.u64(restored_);
  }
  writer.u64(frozen_rewards_);
  writer.i64(time_);
  writer.boolean(rules_ != nullptr);
  if (rules_ == nullptr) {
    return;
  }
  exploration_.save(writer);
  writer.numbers(live_);
  writer.u64(since_snapshot_);
  writer.boolean(candidate_is_doubtful_);
  save_policy(state.safety.good, writer);
  save_policy(state.safety.candidate, writer);
  writer.u64(watches_.size());
  for (std::size_t i = 0; i < watches_.size(); ++i) {
    save_guard(i, writer);
  }
}

Result<void> PointSafety::load(Reader& reader, PointState& state, std::uint32_t version) {
  touched_ = reader.boolean();
  for (Switch* one : {&killed_, &frozen_}) {
    one->on = reader.boolean();
    one->since = reader.i64();
    one->by = reader.text(kMostText);
  }
  for (std::uint64_t& count : rungs_) {
    count = reader.u64();
  }
  for (std::size_t i = 0; i < reasons_in(version); ++i) {
    reasons_[i] = reader.u64();
  }
  restored_ = version >= 5 ? reader.u64() : 0;
  frozen_rewards_ = reader.u64();
  time_ = reader.i64();
  const bool ruled = reader.boolean();
  if (ruled) {
    exploration_.load(reader);
    live_ = reader.numbers<std::uint64_t>(kMostLive);
    since_snapshot_ = reader.u64();
    candidate_is_doubtful_ = reader.boolean();
    for (std::optional<AnyPolicy>* kept : {&state.safety.good, &state.safety.candidate}) {
      if (Result<void> loaded = load_policy(reader, state.policy, *kept); !loaded) {
        return loaded;
      }
    }
    const std::uint64_t guards = reader.u64();
    for (std::uint64_t i = 0; i < guards && reader.ok(); ++i) {
      load_guard(reader);
    }
  }
  if (!reader.ok() || !reader.at_end()) {
    return fail(Errc::corrupt_state, "the checkpoint's guards and switches are cut short or damaged");
  }
  if (rules_ == nullptr) {
    exploration_ = {};
    live_.clear();
    state.safety = {};
  } else if (rules_->snapshot_every == 0) {
    state.safety.good.reset();
    state.safety.candidate.reset();
    candidate_is_doubtful_ = true;
  }
  settle_view(state);
  settle_deadline();
  return {};
}

/// What deciders see follows from the guards, under the present rules.
void PointSafety::settle_view(PointState& state) const {
  const auto enable = [](AnyPolicy& policy, ArmIndex arm, bool on) {
    std::visit(
        [&](auto& p) {
          if constexpr (requires { p.set_enabled(arm, on); }) {
            static_cast<void>(p.set_enabled(arm, on));
          }
        },
        policy);
  };
  state.safety.standing.clear();
  state.safety.held_back = 0;
  for (std::size_t slot = 0; slot < state.arms.slot_count(); ++slot) {
    const ArmIndex arm = to_arm(slot);
    if (!state.arms.contains(arm)) {
      continue;
    }
    const Standing now = rules_ == nullptr ? Standing::sound : standing(arm);
    static_cast<void>(state.safety.set(arm, now));
    const bool on = state.arms.enabled(arm) && now == Standing::sound;
    enable(state.policy, arm, on);
    for (std::optional<AnyPolicy>* kept : {&state.safety.good, &state.safety.candidate}) {
      if (*kept) {
        enable(**kept, arm, on);
      }
    }
  }
  state.safety.mode = rules_ == nullptr ? 0 : mode(state);
}

// -------------------------------------------------------------------------------------------------- metrics

GuardMetrics PointSafety::describe(std::size_t guard, const GuardCell& cell, std::string_view arm) const {
  const GuardConfig& rules = rules_->guards[guard];
  return {.name = rules.name,
          .kind = name_of(rules.kind),
          .component = rules.component,
          .arm = std::string(arm),
          .state = std::string(to_string(cell.state())),
          .action = name_of(rules.action),
          .since = cell.since(),
          .trips = cell.trips(),
          .value = cell.measure(rules),
          .limit = rules.limit};
}

SafetyMetrics PointSafety::metrics(const PointState& state) const {
  SafetyMetrics out;
  out.killed = killed_.on;
  out.frozen = frozen_.on;
  out.killed_by = killed_.by;
  out.frozen_by = frozen_.by;
  out.killed_since = killed_.since;
  out.frozen_since = frozen_.since;
  out.rungs = rungs_;
  out.reasons = reasons_;
  out.frozen_rewards = frozen_rewards_;
  out.restored = restored_;
  out.held_back = state.safety.held_back;
  out.greedy_only = (state.safety.mode & SafetyView::kGreedyOnly) != 0;
  out.baseline_only = (state.safety.mode & SafetyView::kBaselineOnly) != 0;
  out.snapshot = state.safety.good.has_value();
  if (rules_ == nullptr) {
    return out;
  }
  out.explored_share = exploration_.share(rules_->exploration);
  out.explored_alarm = rules_->exploration.alarm_below;
  for (std::size_t i = 0; i < watches_.size(); ++i) {
    const bool whole = rules_->guards[i].per == GuardScope::point;
    for (std::size_t at = 0; at < watches_[i].cells.size(); ++at) {
      const GuardCell& one = watches_[i].cells[at];
      const std::string_view arm = whole ? std::string_view() : state.arms.id(to_arm(at));
      out.trips += one.trips();
      const bool tells = one.state() != GuardState::quiet || one.trips() > 0 || at < kFewArms;
      if (whole || (tells && !arm.empty())) {
        out.guards.push_back(describe(i, one, arm));
      }
    }
  }
  return out;
}

}  // namespace attune
