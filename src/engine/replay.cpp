// SPDX-License-Identifier: Apache-2.0
#include <attune/engine/replay.hpp>

#include <algorithm>
#include <charconv>
#include <ranges>
#include <utility>
#include <variant>

#include "engine/derive.hpp"
#include "engine/engine_impl.hpp"
#include "engine/replay_machine.hpp"

namespace attune {

ReplaySource replay_source(Journal& journal) {
  Journal* const from = &journal;
  return {.records = [from](std::uint64_t first, const auto& visit) { return from->read(first, visit); },
          .checkpoints = [from] { return from->checkpoints(); },
          .checkpoint = [from](std::uint64_t number) -> Result<Checkpoint> {
            Result<std::optional<Checkpoint>> newest = from->newest_checkpoint(nullptr);
            if (!newest) {
              return tl::unexpected(std::move(newest).error());
            }
            if (!*newest || (*newest)->info.number != number) {
              return fail(Errc::unsupported, "only the newest checkpoint's state can be read here");
            }
            return std::move(**newest);
          },
          .meta = [from](std::string_view key) { return from->meta(key); }};
}

// ------------------------------------------------------------------------------------------------- machine

Result<void> Replay::Machine::read_identity() {
  Result<ConfigHistory> read = ConfigHistory::read(source.meta);
  Result<std::optional<std::string>> seed_text = source.meta("seed");
  Result<std::optional<std::string>> node_text = source.meta("node");
  for (const Error* error : {read ? nullptr : &read.error(), seed_text ? nullptr : &seed_text.error(),
                             node_text ? nullptr : &node_text.error()}) {
    if (error != nullptr) {
      return tl::unexpected(*error);
    }
  }
  if (!*seed_text || !*node_text || read->newest().empty()) {
    return fail(Errc::invalid_argument,
                "no engine was ever opened on this journal: it has no seed, node or "
                "configuration");
  }
  const std::string& digits = **seed_text;
  const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), seed);
  if (parsed.ec != std::errc{} || parsed.ptr != digits.data() + digits.size()) {
    return fail(Errc::corrupt_state, "the store's seed '" + digits.substr(0, 40) + "' is not a number");
  }
  node = std::move(**node_text);
  history = std::move(*read);
  return {};
}

Result<std::unique_ptr<Engine::Impl>> Replay::Machine::make(std::string_view digest) const {
  Result<std::string> text = options.config.empty() ? ConfigHistory::config(source.meta, digest)
                                                    : Result<std::string>(options.config);
  if (!text) {
    return tl::unexpected(std::move(text).error());
  }
  Result<EngineConfig> config = parse_config(*text);
  if (!config) {
    return tl::unexpected(std::move(config).error());
  }
  config->threads = false;
  config->queue.bytes = 0;  // its ring is never used
  auto made = std::make_unique<Engine::Impl>(
      std::move(*config),
      EngineOptions{
          .clock = nullptr, .journal = nullptr, .credit_functions = options.credit_functions, .log = {}});
  if (Result<void> built = made->build_points(); !built) {
    return tl::unexpected(std::move(built).error());
  }
  made->use_identity(seed, node);
  made->log.set_active(false);
  return made;
}

Result<void> Replay::Machine::enter(ByteView state, std::uint64_t position) {
  const ConfigHistory::Part part = history.part(position + 1);
  Result<std::unique_ptr<Engine::Impl>> made = make(part.digest);
  if (!made) {
    return tl::unexpected(std::move(made).error());
  }
  if (!state.empty()) {
    if (Result<void> loaded = (*made)->load_state(state); !loaded) {
      return loaded;
    }
  }
  engine = std::move(*made);
  part_last = options.config.empty() ? part.last : ConfigHistory::kEnd;
  return {};
}

Result<std::vector<CheckpointInfo>> Replay::Machine::checkpoints() const {
  return source.checkpoints && source.checkpoint ? source.checkpoints() : std::vector<CheckpointInfo>{};
}

Result<void> Replay::Machine::load(std::uint64_t number) {
  Result<Checkpoint> found = source.checkpoint(number);
  if (!found) {
    return tl::unexpected(std::move(found).error());
  }
  if (Result<void> entered = enter(found->state, found->info.position); !entered) {
    return entered;
  }
  return engine->position == found->info.position
             ? Result<void>{}
             : fail(Errc::corrupt_state,
                    "checkpoint " + std::to_string(number) + " says another position than its state");
}

Result<void> Replay::Machine::restart_before(std::uint64_t position) {
  if (options.config.empty()) {
    const Result<std::vector<CheckpointInfo>> all = checkpoints();
    if (!all) {
      return tl::unexpected(all.error());
    }
    for (const CheckpointInfo& one : std::views::reverse(*all)) {
      if (one.position <= position && load(one.number)) {
        return {};
      }
    }
  }
  return enter({}, 0);
}

Result<void> Replay::Machine::fold(std::uint64_t last, const Observer& observer,
                                   const std::function<bool(ByteView)>& stop) {
  for (;;) {
    const Result<bool> more = fold_part(std::min(last, part_last), observer, stop);
    if (!more || !*more || engine->position >= last) {
      return more ? Result<void>{} : tl::unexpected(more.error());
    }
    // The configuration changed here: the next one takes over the state, as an engine does on opening.
    const Bytes state = engine->state();
    if (Result<void> entered = enter(state, engine->position); !entered) {
      return entered;
    }
  }
}

/// False: the end of the journal, or `stop` said so before a record was folded.
Result<bool> Replay::Machine::fold_part(std::uint64_t last, const Observer& observer,
                                        const std::function<bool(ByteView)>& stop) {
  if (engine->position >= last) {
    return true;
  }
  bool stopped = false;
  std::optional<Error> gap;
  Result<void> read = source.records(engine->position + 1, [&](ByteView record) {
    RecordHeader header;
    if (read_header(record, header) != Errc::ok || header.position != engine->position + 1) {
      gap = Error{Errc::invalid_argument, "the journal no longer has record " +
                                              std::to_string(engine->position + 1) +
                                              ": start from a checkpoint behind it"};
      return false;
    }
    if (stop && stop(record)) {
      stopped = true;
      return false;
    }
    ++engine->position;
    engine->fold_record(record);
    if (observer) {
      observer(record, header.kind == RecordKind::outcome ? engine->last_fate : std::nullopt);
    }
    return engine->position < last;
  });
  if (!read || gap) {
    return tl::unexpected(gap ? std::move(*gap) : std::move(read).error());
  }
  return !stopped && engine->position >= last;
}

Result<Bytes> Replay::Machine::record_at(std::uint64_t position) const {
  Bytes bytes;
  RecordHeader header;
  const Result<void> read = source.records(position, [&](ByteView record) {
    static_cast<void>(read_header(record, header));
    bytes.assign(record.begin(), record.end());
    return false;
  });
  if (!read) {
    return tl::unexpected(read.error());
  }
  if (bytes.empty() || header.position != position || header.kind != RecordKind::decision) {
    return fail(Errc::invalid_argument, "there is no decision at position " + std::to_string(position));
  }
  return bytes;
}

// -------------------------------------------------------------------------------------------------- public

Replay::Replay(std::unique_ptr<Machine> machine) noexcept : machine_(std::move(machine)) {}
Replay::Replay(Replay&&) noexcept = default;
Replay& Replay::operator=(Replay&&) noexcept = default;
Replay::~Replay() = default;

Result<Replay> Replay::open(ReplaySource source, ReplayOptions options) {
  auto machine = std::make_unique<Machine>();
  machine->source = std::move(source);
  machine->options = std::move(options);
  if (Result<void> read = machine->read_identity(); !read) {
    return tl::unexpected(std::move(read).error());
  }
  Replay replay(std::move(machine));
  if (Result<void> started = replay.restart(); !started) {
    return tl::unexpected(std::move(started).error());
  }
  return replay;
}

Result<void> Replay::restart() {
  // Where retention has removed the first records, the oldest checkpoint that works is the beginning.
  std::optional<std::uint64_t> first;
  const Result<void> read = machine_->source.records(1, [&](ByteView record) {
    RecordHeader header;
    static_cast<void>(read_header(record, header));
    first = header.position;
    return false;
  });
  if (read && first.value_or(1) == 1) {
    return machine_->enter({}, 0);
  }
  const Result<std::vector<CheckpointInfo>> all = machine_->checkpoints();
  if (all && machine_->options.config.empty()) {
    for (const CheckpointInfo& info : *all) {
      if (machine_->load(info.number)) {
        return {};
      }
    }
  }
  return read ? machine_->enter({}, 0) : read;
}

Result<void> Replay::restart_at(std::uint64_t checkpoint_number) { return machine_->load(checkpoint_number); }

Result<void> Replay::restart_before(std::uint64_t position) { return machine_->restart_before(position); }

Result<void> Replay::fold_to(std::uint64_t position, const Observer& observer) {
  if (position < machine_->engine->position) {
    return fail(Errc::invalid_argument, "the replay is at position " +
                                            std::to_string(machine_->engine->position) + ", behind " +
                                            std::to_string(position) + ": restart it first");
  }
  return machine_->fold(position, observer, {});
}

std::uint64_t Replay::position() const noexcept { return machine_->engine->position; }
Bytes Replay::state() const { return machine_->engine->state(); }
Sha256 Replay::digest() const {
#if ATTUNE_WITH_STORE
  return sha256(state());
#else
  return {};
#endif
}

EngineMetrics Replay::metrics() const {
  EngineMetrics out;
  out.position = machine_->engine->position;
  out.client_keys = machine_->engine->client_keys.metrics();
  for (const std::unique_ptr<Point>& point : machine_->engine->points) {
    out.points.push_back(point->metrics());
  }
  return out;
}

Result<Description> Replay::describe(std::string_view point) const {
  const auto found = machine_->engine->point_numbers.find(std::string(point));
  if (found == machine_->engine->point_numbers.end()) {
    return fail(Errc::unknown_point,
                "there is no decision point '" + std::string(point.substr(0, 128)) + "'");
  }
  const PointState& state = machine_->engine->points[found->second]->learned();
  return std::visit([](const auto& policy) { return policy.describe(); }, state.policy);
}

Result<void> Replay::check_checkpoints(std::uint64_t last,
                                       const std::function<void(const CheckpointCheck&)>& observer) {
  Result<std::vector<CheckpointInfo>> all = machine_->checkpoints();
  if (!all) {
    return tl::unexpected(std::move(all).error());
  }
  for (CheckpointInfo& info : *all) {
    if (info.position < position() || info.position > last) {
      continue;
    }
    if (Result<void> folded = fold_to(info.position); !folded) {
      return folded;
    }
    CheckpointCheck check{.info = std::move(info), .replayed = digest(), .equal = false, .note = {}};
    check.equal = position() == check.info.position && check.replayed == check.info.digest;
    if (position() != check.info.position) {
      check.note = "the journal ends at position " + std::to_string(position()) + ", before this checkpoint";
    } else if (!check.equal) {
      check.note = "the state that the records give differs from the checkpoint's";
    }
    observer(check);
  }
  return {};
}

Result<Derivation> Replay::derive(std::uint64_t position) {
  const Result<Bytes> bytes = machine_->record_at(position);
  if (!bytes) {
    return tl::unexpected(bytes.error());
  }
  DecisionRecord record;
  if (decode(*bytes, record) != Errc::ok) {
    return fail(Errc::corrupt_state,
                "the record at position " + std::to_string(position) + " cannot be read");
  }
  const std::uint32_t number = record.header.point;
  const auto version = [&]() -> std::uint64_t {
    return number < machine_->engine->points.size() ? machine_->engine->points[number]->learned().version : 0;
  };
  // Deciders may be behind the fold: an older checkpoint is needed when the newest one before is too new.
  std::uint64_t before = position - 1;
  for (;;) {
    if (Result<void> started = machine_->restart_before(before); !started) {
      return tl::unexpected(std::move(started).error());
    }
    if (version() <= record.version || machine_->engine->position == 0) {
      break;
    }
    before = machine_->engine->position - 1;
  }
  if (number >= machine_->engine->points.size()) {
    return fail(Errc::invalid_argument, "the configuration has no decision point " + std::to_string(number));
  }
  // The configuration of the decision's own part of the journal answers, also where the part begins with it.
  const auto reached = [&](ByteView) {
    return machine_->part_last >= position && version() == record.version;
  };
  if (Result<void> folded = machine_->fold(position - 1, {}, reached); !folded) {
    return tl::unexpected(std::move(folded).error());
  }
  if (machine_->part_last < position) {
    const Bytes state = machine_->engine->state();
    if (Result<void> entered = machine_->enter(state, machine_->engine->position); !entered) {
      return tl::unexpected(std::move(entered).error());
    }
  }
  return derive_decision(*machine_->engine->points[number], machine_->seed, machine_->engine->position,
                         record, machine_->options.propensities);
}

Result<Derivation> Replay::derive_here(ByteView decision) const {
  DecisionRecord record;
  if (decode(decision, record) != Errc::ok || record.header.point >= machine_->engine->points.size()) {
    return fail(Errc::invalid_argument, "that is no decision of a point of this configuration");
  }
  return derive_decision(*machine_->engine->points[record.header.point], machine_->seed,
                         machine_->engine->position, record, machine_->options.propensities);
}

}  // namespace attune
