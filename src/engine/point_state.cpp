// SPDX-License-Identifier: Apache-2.0
// A point as bytes and as numbers for people. docs/format/state.md describes the bytes.
#include <cmath>
#include <limits>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "engine/point.hpp"

namespace attune {

namespace {

/// See PointMetrics::regret_estimated.
double estimated_regret(const PointState& state) {
  const auto* bandit = std::get_if<AnyBandit>(&state.policy);
  double best = std::numeric_limits<double>::quiet_NaN();
  std::vector<std::pair<double, double>> arms;  // selections, mean
  for (std::size_t slot = 0; bandit != nullptr && slot < state.arms.slot_count(); ++slot) {
    const ArmIndex arm = to_arm(slot);
    const double mean = bandit->expectation(arm, {}, {});
    if (!state.arms.id(arm).empty() && std::isfinite(mean)) {
      best = std::fmax(best, mean);
      arms.emplace_back(static_cast<double>(state.arms.selections(arm)), mean);
    }
  }
  double regret = 0.0;
  for (const auto& [selections, mean] : arms) {
    regret += selections * (best - mean);
  }
  return arms.empty() ? best : regret;
}

}  // namespace

PointMetrics Point::metrics() const {
  const PointState& state = learned();
  PointMetrics out{.name = config_.name,
                   .policy = policy_name_,
                   .decisions = counters_.decisions,
                   .version = state.version,
                   .explored = counters_.explored,
                   .regret_estimated = estimated_regret(state),
                   .fallbacks = counters_.fallbacks,
                   .refused = refused.load(std::memory_order_relaxed),
                   .refused_rewards = counters_.refused_rewards,
                   .arm_gone = counters_.arm_gone,
                   .foreign = counters_.foreign,
                   .early = counters_.early,
                   .pending = collector_.pending(),
                   .rewards = collector_.counters(),
                   .arms = {},
                   .selections = {},
                   .safety = {},
                   .drift = drift_.metrics()};
  if (screen_.active()) {
    out.screening = screen_.metrics(state);
  }
  if (safety_.has_state()) {
    out.safety = safety_.metrics(state);
  }
  for (std::size_t slot = 0; slot < state.arms.slot_count(); ++slot) {
    out.arms.emplace_back(state.arms.id(to_arm(slot)));
    out.selections.push_back(state.arms.selections(to_arm(slot)));
  }
  return out;
}

void Point::save(Writer& writer, std::uint32_t version) const {
  const PointState& state = learned();
  writer.text(config_.name);
  writer.text(policy_name_);
  writer.u32(std::visit([](const auto& policy) { return policy.state_version(); }, state.policy));
  writer.text(config_.features.fingerprint());
  writer.u64(state.version);
  state.arms.save(writer);
  const std::size_t policy = writer.begin_blob();
  std::visit([&](const auto& p) { p.save(writer); }, state.policy);
  writer.end_blob(policy);
  const std::size_t collector = writer.begin_blob();
  collector_.save(writer);
  writer.end_blob(collector);
  writer.numbers(arm_since_);
  writer.u64(folded_sequence_);  // not next_sequence: deciders are ahead of the fold
  writer.u64(counters_.decisions);
  writer.u64(counters_.explored);
  writer.u64(counters_.fallbacks);
  writer.u64(counters_.refused_rewards);
  writer.u64(counters_.arm_gone);
  writer.u64(counters_.foreign);
  writer.u64(counters_.early);
  if (version >= 3) {
    const std::size_t safety = writer.begin_blob();
    if (safety_.has_state()) {
      safety_.save(state, writer, version);
    }
    writer.end_blob(safety);
  }
  if (version >= 4) {
    const std::size_t drift = writer.begin_blob();
    if (drift_.active()) {
      drift_.save(writer);
    }
    writer.end_blob(drift);
  }
  if (version >= 5) {
    const std::size_t screening = writer.begin_blob();
    if (screen_.active()) {
      screen_.save(state, writer);
    }
    writer.end_blob(screening);
  }
}

Result<void> Point::load(Reader& reader, std::uint32_t state_version) {
  const std::string where = "decision point '" + config_.name + "': ";
  const std::string_view name = reader.text();
  const std::string_view policy_name = reader.text();
  const std::uint32_t version = reader.u32();
  const std::string_view features = reader.text();
  PointState state = learned();
  if (!reader.ok() || name != config_.name) {
    return fail(Errc::corrupt_state, where + "the checkpoint has '" + std::string(name) + "' in its place");
  }
  if (policy_name != policy_name_) {
    return fail(Errc::invalid_config, where + "the store learned with policy '" + std::string(policy_name) +
                                          "', the configuration names '" + policy_name_ +
                                          "'; use another store, or the old policy");
  }
  if (version > std::visit([](const auto& p) { return p.state_version(); }, state.policy)) {
    return fail(Errc::unsupported_version, where + "its policy state was written by a newer attune");
  }
  if (features != config_.features.fingerprint()) {
    return fail(Errc::invalid_config, where + "the store learned from context '" + std::string(features) +
                                          "', the configuration declares '" + config_.features.fingerprint() +
                                          "'; use another store, or the old context");
  }
  state.version = reader.u64();
  if (Result<void> loaded = state.arms.load(reader); !loaded) {
    return loaded;
  }
  Reader policy(reader.blob(reader.left()));
  const auto load_policy = [&](auto& p) { return p.load(policy); };
  if (Result<void> loaded = std::visit(load_policy, state.policy); !loaded) {
    return fail(loaded.error().code, where + loaded.error().message);
  }
  Reader collector(reader.blob(reader.left()));
  if (Result<void> loaded = collector_.load(collector); !loaded) {
    return fail(loaded.error().code, where + loaded.error().message);
  }
  if (!policy.at_end() || !collector.at_end()) {
    return fail(Errc::corrupt_state, where + "the checkpoint has bytes behind the state of its " +
                                         (policy.at_end() ? "reward collector" : "policy"));
  }
  arm_since_ = reader.numbers<std::uint64_t>(state.arms.slot_count());
  folded_sequence_ = reader.u64();
  next_sequence.store(folded_sequence_, std::memory_order_relaxed);
  counters_ = {.decisions = reader.u64(),
               .explored = reader.u64(),
               .fallbacks = reader.u64(),
               .refused_rewards = reader.u64(),
               .arm_gone = reader.u64()};
  if (state_version >= 2) {
    counters_.foreign = reader.u64();
    counters_.early = reader.u64();
  }
  if (state_version >= 3) {
    Reader safety(reader.blob(reader.left()));
    if (safety.left() > 0) {
      if (Result<void> loaded = safety_.load(safety, state, state_version); !loaded) {
        return fail(loaded.error().code, where + loaded.error().message);
      }
    }
  }
  if (state_version >= 4) {
    Reader drift(reader.blob(reader.left()));
    if (drift.left() > 0 && drift_.active()) {
      if (Result<void> loaded = drift_.load(drift, state); !loaded) {
        return fail(loaded.error().code, where + loaded.error().message);
      }
    }
  }
  state.safety.contexts.reset();
  if (config_.screening.contexts) {
    state.safety.contexts = config_.screening.contexts->detector;
  }
  if (state_version >= 5) {
    Reader screening(reader.blob(reader.left()));
    if (screening.left() > 0 && screen_.active()) {
      if (Result<void> loaded = screen_.load(screening, state); !loaded) {
        return fail(loaded.error().code, where + loaded.error().message);
      }
    }
  }
  if (!reader.ok()) {
    return fail(Errc::corrupt_state, where + "the checkpoint is cut short");
  }
  published_.back() = state;
  published_.publish();
  published_.back() = std::move(state);
  return {};
}

}  // namespace attune
