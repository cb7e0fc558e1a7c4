// SPDX-License-Identifier: Apache-2.0
// Opening an engine: points from the configuration, identity and state from the journal.
#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <random>
#include <utility>

#include "core/hash.hpp"
#include "engine/engine_impl.hpp"

namespace attune {
namespace {

constexpr std::size_t kMaxPoints = 4096;  // a decision id has twelve bits for its point

std::uint64_t random_word() {
  std::random_device device;
  const std::uint64_t high = device();
  return (high << 32U) | device();
}

std::string hex(std::uint64_t value) {
  std::array<char, 17> text{};
  const auto end = std::to_chars(text.data(), text.data() + text.size(), value, 16);
  return {text.data(), end.ptr};
}

std::string digest_of(std::string_view text) { return hex(hash64(text, 1)) + "-" + hex(hash64(text, 2)); }

/// The value under `key`, or `fresh`, which is then written there.
Result<std::string> meta_or(Journal& journal, std::string_view key, const std::string& fresh) {
  Result<std::optional<std::string>> found = journal.meta(key);
  if (!found) {
    return tl::unexpected(std::move(found).error());
  }
  if (*found) {
    return std::move(**found);
  }
  if (Result<void> written = journal.set_meta(key, fresh); !written) {
    return tl::unexpected(std::move(written).error());
  }
  return fresh;
}

}  // namespace

void Engine::Impl::NameBook::set(std::uint32_t point, ArmIndex arm, std::string_view name) {
  if (arm == kNoArm) {
    return;
  }
  const std::scoped_lock lock(mutex);
  if (arms.size() <= point) {
    arms.resize(std::size_t{point} + 1);
  }
  auto& slots = arms[point];
  if (slots.size() <= to_index(arm)) {
    slots.resize(to_index(arm) + 1);
  }
  slots[to_index(arm)] = std::make_shared<const std::string>(name);
}

std::shared_ptr<const std::string> Engine::Impl::NameBook::get(std::uint32_t point, std::uint32_t arm) const {
  const std::scoped_lock lock(mutex);
  return point < arms.size() && arm < arms[point].size() ? arms[point][arm] : nullptr;
}

void Engine::Impl::publish_names() {
  for (const std::unique_ptr<Point>& point : points) {
    const ArmTable& arms = point->learned().arms;
    for (std::size_t slot = 0; slot < arms.slot_count(); ++slot) {
      names.set(point->config().number, to_arm(slot), arms.id(to_arm(slot)));
    }
  }
  options.journal->set_names(
      {.point = [this](std::uint32_t point) -> std::string_view {
         return point < points.size() ? std::string_view(points[point]->config().name) : std::string_view();
       },
       .arm = [this](std::uint32_t point, std::uint32_t arm) -> std::string_view {
         // NOLINTNEXTLINE(misc-use-internal-linkage): it is inside a function
         thread_local std::shared_ptr<const std::string> kept;  // keeps the text alive until the next call
         kept = names.get(point, arm);
         return kept ? std::string_view(*kept) : std::string_view();
       }});
}

Result<void> Engine::Impl::build_points() {
  if (config.points.size() > kMaxPoints) {
    return fail(Errc::invalid_config, "points: there are " + std::to_string(config.points.size()) +
                                          ", at most " + std::to_string(kMaxPoints) + " are possible");
  }
  for (const PointConfig& point_config : config.points) {
    CreditFunction credit;
    if (point_config.reward.credit == Credit::custom) {
      const auto found = std::ranges::find(options.credit_functions, point_config.reward.credit_function,
                                           [](const auto& entry) { return entry.first; });
      if (found == options.credit_functions.end()) {
        return fail(Errc::invalid_config, "points." + point_config.name + ".reward.credit_function = \"" +
                                              point_config.reward.credit_function +
                                              "\" is not registered in EngineOptions::credit_functions");
      }
      credit = found->second;
    }
    Result<std::unique_ptr<Point>> point = Point::make(point_config, config.threads, std::move(credit));
    if (!point) {
      return tl::unexpected(std::move(point).error());
    }
    for (const ComponentSpec& component : point_config.reward.components) {
      component_names.push_back(component.name);
    }
    point_numbers.emplace(point_config.name, point_config.number);
    points.push_back(std::move(*point));
  }
  std::ranges::sort(component_names);
  const auto repeated = std::ranges::unique(component_names);
  component_names.erase(repeated.begin(), repeated.end());
  return {};
}

Result<void> Engine::Impl::settle_identity() {
  if (!config.seed_given) {
    config.seed = random_word();
  }
  std::string node = config.node.empty() ? hex(random_word()) : config.node;
  if (options.journal != nullptr) {
    Result<std::string> seed = meta_or(*options.journal, "seed", std::to_string(config.seed));
    Result<std::string> known = meta_or(*options.journal, "node", node);
    if (!seed || !known) {
      return tl::unexpected(!seed ? std::move(seed).error() : std::move(known).error());
    }
    if (config.seed_given && *seed != std::to_string(config.seed)) {
      return fail(Errc::invalid_config, "seed = " + std::to_string(config.seed) +
                                            ": the store was written with seed " + *seed +
                                            ", which its decisions depend on; leave the key out");
    }
    if (!config.node.empty() && *known != config.node) {
      return fail(Errc::invalid_config, "node = \"" + config.node + "\": the store belongs to node \"" +
                                            *known + "\"; leave the key out, or use another store");
    }
    std::uint64_t stored = 0;
    const auto read = std::from_chars(seed->data(), seed->data() + seed->size(), stored);
    if (read.ec != std::errc{} || read.ptr != seed->data() + seed->size()) {
      return fail(Errc::corrupt_state, "the store's seed '" + *seed + "' is not a number");
    }
    config.seed = stored;
    node = std::move(*known);
  }
  id_key = mix64(config.seed ^ hash64(node));
  config_digest = digest_of(config.canonical_text);
  return {};
}

Result<void> Engine::Impl::recover() {
  Journal& journal = *options.journal;
  std::vector<std::string> skipped;
  Result<std::optional<Checkpoint>> checkpoint = journal.newest_checkpoint(&skipped);
  if (!checkpoint) {
    return tl::unexpected(std::move(checkpoint).error());
  }
  notes = std::move(skipped);
  bool other_config = false;
  if (*checkpoint) {
    const Checkpoint& found = **checkpoint;
    if (Result<void> loaded = load_state(found.state); !loaded) {
      return fail(loaded.error().code, "checkpoint " + std::to_string(found.info.number) + " of " +
                                           journal.describe() + ": " + loaded.error().message);
    }
    if (position != found.info.position) {
      return fail(Errc::corrupt_state, "checkpoint " + std::to_string(found.info.number) +
                                           " says another position than its state");
    }
    other_config = found.info.config_digest != config_digest;
    {
      const std::scoped_lock lock(status_mutex);
      status.checkpoint_number = found.info.number;
    }
    last_checkpoint_position = position;
    last_checkpoint_time = found.info.time;
    notes.push_back("state taken from checkpoint " + std::to_string(found.info.number) + " at position " +
                    std::to_string(position));
  } else {
    last_checkpoint_time = clock->now();
  }
  const std::uint64_t from = position;
  if (Result<void> replayed = replay(from + 1); !replayed) {
    return replayed;
  }
  if (position > from) {
    notes.push_back("replayed " + std::to_string(position - from) + " records");
  }
  publish();
  {
    const std::scoped_lock lock(status_mutex);
    status.durable_position = position;
  }
  publish_names();
  if (Result<void> added = add_configured_arms(); !added) {
    return added;
  }
  if (other_config) {
    // Records before this point were made under the old configuration: never replay them under the new one
    // again.
    notes.emplace_back("the configuration has changed since the last checkpoint: a new one was taken");
    const std::scoped_lock lock(learner_mutex);
    if (Result<void> done = commit(true); !done) {
      return done;
    }
  }
  return journal.set_meta("config", config.canonical_text);
}

Result<void> Engine::Impl::replay(std::uint64_t first) {
  constexpr std::size_t kPublishEvery = 4096;
  std::vector<std::uint64_t> aligned;
  std::size_t count = 0;
  return options.journal->read(first, [&](ByteView record) {
    // Folding only reads, but the shared code takes the ring's writable bytes.
    aligned.resize((record.size() + 7) / 8);
    std::ranges::copy(record, reinterpret_cast<std::byte*>(aligned.data()));
    ++position;
    fold_record({reinterpret_cast<std::byte*>(aligned.data()), record.size()});
    if (++count % kPublishEvery == 0) {
      publish();
    }
    return true;
  });
}

/// Arms that the configuration has gained since the store was written are added as any arm is: by a record.
Result<void> Engine::Impl::add_configured_arms() {
  for (const std::unique_ptr<Point>& point : points) {
    if (point->is_optimizer()) {
      continue;
    }
    for (const ArmConfig& arm : point->config().arms) {
      if (point->learned().arms.find(arm.id) != kNoArm) {
        continue;
      }
      EventRecord event;
      event.header.time = clock->now();
      event.header.point = point->config().number;
      event.kind = EventKind::arm_added;
      event.text = arm.id;
      event.numbers = arm.features;
      event.value = arm.prior.mean;
      event.aux = arm.prior.weight;
      if (const Errc pushed = push_event(event); pushed != Errc::ok) {
        return fail(pushed, std::string(last_error()));
      }
      notes.push_back("arm '" + arm.id + "' of '" + point->config().name +
                      "' is new in the configuration: added");
      const std::scoped_lock lock(learner_mutex);
      fold_available(1);
      if (Result<void> committed_now = commit(false); !committed_now) {
        return committed_now;
      }
    }
  }
  return {};
}

}  // namespace attune
