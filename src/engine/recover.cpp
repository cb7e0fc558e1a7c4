// SPDX-License-Identifier: Apache-2.0
// Taking up the state that the journal holds: newest checkpoint, then the records after it, each folded under
// the configuration that it was written under.
#include <algorithm>
#include <iterator>
#include <utility>

#include "core/failpoint.hpp"
#include "engine/engine_impl.hpp"

namespace attune {
namespace {

constexpr std::string_view kArms = "configured_arms";

}  // namespace

Result<void> Engine::Impl::recover() {
  Journal& journal = *options.journal;
  Result<ConfigHistory> history =
      ConfigHistory::read([&](std::string_view key) { return journal.meta(key); });
  if (!history) {
    return tl::unexpected(std::move(history).error());
  }
  const bool other_config = !history->newest().empty() && history->newest() != config_digest;
  Result<Base> base = take_checkpoint();
  if (!base) {
    return tl::unexpected(std::move(base).error());
  }
  const std::uint64_t from = base->position;
  if (Result<void> done = replay_history(*history, *base); !done) {
    return done;
  }
  if (!base->state.empty()) {
    if (Result<void> loaded = load_state(base->state); !loaded) {
      return loaded;
    }
  }
  const RecordReader reader = [&](std::uint64_t first, const auto& visit) {
    return journal.read(first, visit);
  };
  if (Result<void> replayed = replay(reader, position + 1, ConfigHistory::kEnd); !replayed) {
    return replayed;
  }
  if (position > from) {
    notes.push_back("replayed " + std::to_string(position - from) + " records");
  }
  settle_switches();
  if (Result<void> kept = check_frozen_points(*history); !kept) {
    return kept;
  }
  commit_position = position;
  {
    const std::scoped_lock lock(status_mutex);
    status.durable_position = position;
  }
  publish_names();
  const Result<std::string> settled = settled_arms(*history);
  if (!settled) {
    return tl::unexpected(settled.error());
  }
  if (Result<void> noted = note_config(*history); !noted) {
    return noted;
  }
  detail::failpoint(detail::Failpoint::engine_config_kept);
  if (Result<void> added = add_configured_arms(*settled); !added) {
    return added;
  }
  detail::failpoint(detail::Failpoint::engine_arms_added);
  if (other_config) {
    // Records before this point were made under the old configuration: they need not be looked at again.
    notes.emplace_back("the configuration has changed: a new checkpoint was taken");
    const std::scoped_lock lock(learner_mutex);
    return commit_folded(true);
  }
  return {};
}

Result<Engine::Impl::Base> Engine::Impl::take_checkpoint() {
  Journal& journal = *options.journal;
  std::vector<std::string> skipped;
  Result<std::optional<Checkpoint>> checkpoint = journal.newest_checkpoint(&skipped);
  if (!checkpoint) {
    return tl::unexpected(std::move(checkpoint).error());
  }
  if (!skipped.empty()) {
    const std::scoped_lock lock(status_mutex);
    status.damage = skipped.front();
    status.damage_since = clock->now();
  }
  notes = journal.take_notes();
  notes.insert(notes.end(), std::make_move_iterator(skipped.begin()), std::make_move_iterator(skipped.end()));
  if (!*checkpoint) {
    last_checkpoint_time = clock->now();
    return Base{};
  }
  Checkpoint& found = **checkpoint;
  {
    const std::scoped_lock lock(status_mutex);
    status.checkpoint_number = found.info.number;
  }
  last_checkpoint_position = found.info.position;
  last_checkpoint_time = found.info.time;
  notes.push_back("state taken from checkpoint " + std::to_string(found.info.number) + " at position " +
                  std::to_string(found.info.position));
  return Base{.state = std::move(found.state), .position = found.info.position};
}

Result<void> Engine::Impl::replay_history(const ConfigHistory& history, Base& base) {
  Journal& journal = *options.journal;
  while (base.position < journal.last_position()) {
    const ConfigHistory::Part part = history.part(base.position + 1);
    if (part.digest.empty() || part.digest == config_digest) {
      return {};
    }
    const Result<std::string> text =
        ConfigHistory::config([&](std::string_view key) { return journal.meta(key); }, part.digest);
    if (!text) {
      notes.push_back(text.error().message + ": records after position " + std::to_string(base.position) +
                      " are folded under the present one");
      return {};
    }
    if (Result<void> done = replay_part(*text, std::min(part.last, journal.last_position()), base); !done) {
      return done;
    }
  }
  return {};
}

Result<void> Engine::Impl::replay_part(const std::string& old_config, std::uint64_t last, Base& base) {
  Result<EngineConfig> parsed = parse_config(old_config);
  if (!parsed) {
    return tl::unexpected(std::move(parsed).error());
  }
  parsed->threads = false;
  Impl old(std::move(*parsed),
           {.clock = clock, .journal = nullptr, .credit_functions = options.credit_functions, .log = {}});
  if (Result<void> built = old.build_points(); !built) {
    return built;
  }
  old.config.seed = config.seed;
  old.ids = ids;
  if (!base.state.empty()) {
    if (Result<void> loaded = old.load_state(base.state); !loaded) {
      return loaded;
    }
  }
  const RecordReader reader = [&](std::uint64_t first, const auto& visit) {
    return options.journal->read(first, visit);
  };
  if (Result<void> replayed = old.replay(reader, base.position + 1, last); !replayed) {
    return replayed;
  }
  base = {.state = old.state(), .position = old.position};
  return {};
}

Result<void> Engine::Impl::replay(const RecordReader& read, std::uint64_t first, std::uint64_t last) {
  if (first > last) {
    return {};
  }
  log.set_active(false);
  Result<void> done = read(first, [&](ByteView record) {
    ++position;
    fold_record(record);
    return position < last;
  });
  log.set_active(true);
  publish_copies();
  return done;
}

Result<void> Engine::Impl::note_config(ConfigHistory& history) {
  Journal& journal = *options.journal;
  if (history.newest() != config_digest) {
    // Records of nobody knows which configuration, as imported ones are, have just been folded under this
    // one.
    history.add(history.newest().empty() ? 0 : position, config_digest);
    Result<void> written = journal.set_meta(ConfigHistory::key(config_digest), config.canonical_text);
    written = written ? journal.set_meta("config_history", history.text()) : written;
    if (!written) {
      return written;
    }
  }
  return journal.set_meta("config", config.canonical_text);
}

Result<std::string> Engine::Impl::settled_arms(const ConfigHistory& history) {
  Journal& journal = *options.journal;
  Result<std::optional<std::string>> found = journal.meta(kArms);
  if (!found || *found) {
    return found ? Result<std::string>(std::move(**found)) : tl::unexpected(std::move(found).error());
  }
  // A new store has the arms that its points were built with. Nothing is written yet: its configuration is
  // not kept yet either, and must not be named before.
  if (history.newest().empty()) {
    return config_digest;
  }
  // A store of before this rule has the arms of its last engine, whose text may be about to be replaced.
  std::string settled(history.newest());
  const Result<std::string> text =
      ConfigHistory::config([&](std::string_view key) { return journal.meta(key); }, settled);
  if (!text) {
    notes.push_back(text.error().message + ": the arms are left as they are");
    return config_digest;
  }
  Result<void> written = journal.set_meta(ConfigHistory::key(settled), *text);
  written = written ? journal.set_meta(kArms, settled) : written;
  return written ? Result<std::string>(std::move(settled)) : tl::unexpected(std::move(written).error());
}

/// Arms that the configuration names and the one before did not are added as any arm is: by a record. One
/// that was named before and is not there was removed since, and stays removed.
Result<void> Engine::Impl::add_configured_arms(const std::string& settled) {
  Journal& journal = *options.journal;
  if (settled == config_digest) {
    const Result<std::optional<std::string>> noted = journal.meta(kArms);
    if (!noted || *noted == settled) {
      return noted ? Result<void>{} : tl::unexpected(noted.error());
    }
    return journal.set_meta(kArms, settled);
  }
  const Result<std::string> text =
      ConfigHistory::config([&](std::string_view key) { return journal.meta(key); }, settled);
  const Result<EngineConfig> before = text ? parse_config(*text) : tl::unexpected(text.error());
  if (!before) {
    return tl::unexpected(before.error());
  }
  for (const std::unique_ptr<Point>& point : points) {
    const auto old = std::ranges::find(before->points, point->config().name, &PointConfig::name);
    if (!point->has_arms()) {
      continue;
    }
    for (const ArmConfig& arm : point->config().arms) {
      const bool there = point->learned().arms.find(arm.id) != kNoArm;
      const bool named =
          old != before->points.end() && std::ranges::count(old->arms, arm.id, &ArmConfig::id) > 0;
      if (there || named) {
        continue;
      }
      if (Result<void> added = add_configured_arm(*point, arm); !added) {
        return added;
      }
    }
  }
  return journal.set_meta(kArms, config_digest);
}

Result<void> Engine::Impl::add_configured_arm(const Point& point, const ArmConfig& arm) {
  EventRecord event;
  event.header.time = clock->now();
  event.header.point = point.config().number;
  event.kind = EventKind::arm_added;
  event.text = arm.id;
  event.numbers = arm.features;
  event.value = arm.prior.mean;
  event.aux = arm.prior.weight;
  if (const Errc pushed = push_event(event); pushed != Errc::ok) {
    return fail(pushed, std::string(last_error()));
  }
  notes.push_back("arm '" + arm.id + "' of '" + point.config().name + "' is new in the configuration: added");
  const std::scoped_lock lock(learner_mutex);
  fold_available(1);
  return commit_folded(false);
}

}  // namespace attune
