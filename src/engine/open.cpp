// SPDX-License-Identifier: Apache-2.0
// Opening an engine: points from the configuration, identity and state from the journal.
#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <random>
#include <ranges>
#include <utility>

#include "core/failpoint.hpp"
#include "core/hash.hpp"
#include "engine/engine_impl.hpp"

namespace attune {
namespace {

constexpr std::size_t kMaxPoints = 4096;  // a decision id has twelve bits for its point
constexpr std::string_view kOpenings = "openings";
constexpr std::string_view kOrderly = " closed";

std::uint64_t random_word() {
  std::random_device device;
  const std::uint64_t high = device();
  return (high << 32U) | device();
}

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

void Engine::Impl::NameBook::set(std::uint32_t point, const ArmTable& table, ArmIndex arm) {
  constexpr std::size_t kKept = 8;
  if (!table.contains(arm)) {
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
  auto& names = slots[to_index(arm)];
  if (names.size() == kKept) {
    names.erase(names.begin());
  }
  names.push_back(
      {.generation = table.generation(arm), .text = std::make_shared<const std::string>(table.id(arm))});
}

std::shared_ptr<const std::string> Engine::Impl::NameBook::get(std::uint32_t point, std::uint32_t arm,
                                                               std::uint16_t generation) const {
  const std::scoped_lock lock(mutex);
  if (point >= arms.size() || arm >= arms[point].size()) {
    return nullptr;
  }
  for (const Name& name : arms[point][arm] | std::views::reverse) {
    if (generation == 0 || name.generation == generation) {
      return name.text;
    }
  }
  return nullptr;
}

void Engine::Impl::publish_names() {
  for (const std::unique_ptr<Point>& point : points) {
    const ArmTable& arms = point->learned().arms;
    for (std::size_t slot = 0; slot < arms.slot_count(); ++slot) {
      names.set(point->config().number, arms, to_arm(slot));
    }
  }
  options.journal->set_names(
      {.point = [this](std::uint32_t point) -> std::string_view {
         return point < points.size() ? std::string_view(points[point]->config().name) : std::string_view();
       },
       .arm = [this](std::uint32_t point, std::uint32_t arm, std::uint16_t generation) -> std::string_view {
         // NOLINTNEXTLINE(misc-use-internal-linkage): it is inside a function
         thread_local std::shared_ptr<const std::string> kept;  // keeps the text alive until the next call
         kept = names.get(point, arm, generation);
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
    for (const ComponentSpec& component : (*point)->config().reward.components) {
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

// Durable before the first id leaves: ids that a process took with it are not made again. After an orderly
// end there are none, and the number stays: the engine goes on as if it had never been stopped.
Result<void> Engine::Impl::count_opening() {
  Journal& journal = *options.journal;
  const Result<std::optional<std::string>> found = journal.meta(kOpenings);
  if (!found) {
    return tl::unexpected(found.error());
  }
  if (*found) {
    const std::string_view text = **found;
    const auto read = std::from_chars(text.data(), text.data() + text.size(), opening);
    const std::string_view rest = text.substr(static_cast<std::size_t>(read.ptr - text.data()));
    if (read.ec != std::errc{} || (!rest.empty() && rest != kOrderly)) {
      return fail(Errc::corrupt_state,
                  "the store's number of openings '" + std::string(text.substr(0, 40)) + "' is none");
    }
    opening += rest.empty() ? 1 : 0;
  } else {
    opening = journal.last_position() > 0 ? 1 : 0;  // written before openings were counted
  }
  return journal.set_meta(kOpenings, std::to_string(opening));
}

void Engine::Impl::note_orderly_end() noexcept {
  if (options.journal != nullptr && !options.repeat_lost_ids && commit_cursor == ring.tail()) {
    // Not written, the next opening has another number: no harm.
    static_cast<void>(
        options.journal->set_meta(kOpenings, std::to_string(opening) + std::string(kOrderly)).has_value());
  }
}

Result<void> Engine::Impl::settle_identity() {
  if (!config.seed_given) {
    config.seed = random_word();
  }
  std::string node = config.node.empty() ? hex_text(random_word()) : config.node;
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
    if (Result<void> counted = options.repeat_lost_ids ? Result<void>{} : count_opening(); !counted) {
      return counted;
    }
    detail::failpoint(detail::Failpoint::engine_opened);
  }
  use_identity(config.seed, node);
  return {};
}

void Engine::Impl::use_identity(std::uint64_t seed, std::string_view node) {
  config.seed = seed;
  ids = DecisionIds(mix64(seed ^ hash64(node)), opening);
  config_digest = config_digest_of(config.canonical_text);
}

Result<void> Engine::Impl::check_acknowledgements() const {
  for (const PointConfig& point : config.points) {
    if (point.durable && options.journal == nullptr) {
      return fail(
          Errc::invalid_config,
          "points." + point.name + ".acknowledge = \"durable\" needs a store: in memory nothing is durable");
    }
  }
  return {};
}

}  // namespace attune
