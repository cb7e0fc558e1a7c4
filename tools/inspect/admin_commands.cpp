// SPDX-License-Identifier: Apache-2.0
// rollback, compact, erase and repair.
#include <algorithm>
#include <filesystem>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include <attune/store/admin.hpp>

#include "tools/inspect/act.hpp"
#include "tools/inspect/commands.hpp"
#include "tools/inspect/fold.hpp"
#include "tools/inspect/json.hpp"
#include "tools/inspect/text.hpp"

namespace attune::tools {
namespace {

using Json = nlohmann::ordered_json;

/// What a rollback needs to know before it is permitted.
struct RollbackPlan {
  RollbackRequest request;
  std::uint64_t position = 0;
  std::uint64_t abandoned = 0;
};

[[nodiscard]] Result<RollbackPlan> rollback_plan(const Options& options) {
  if (!options.to_position) {
    return fail(Errc::invalid_argument, "rollback needs --to WHERE: a position (1200) or a checkpoint (c7)");
  }
  if (options.out && options.discard) {
    return fail(Errc::invalid_argument, "--out and --discard exclude each other");
  }
  Result<StoreReader> reader = StoreReader::open(options);
  const Result<std::uint64_t> position =
      reader ? position_named(*reader, options.to_position) : tl::unexpected(reader.error());
  if (!position) {
    return tl::unexpected(position.error());
  }
  RollbackPlan plan{.request = {}, .position = *position, .abandoned = reader->last() - *position};
  plan.request.position = *position;
  plan.request.discard = options.discard;
  if (!options.discard && plan.abandoned > 0) {
    plan.request.abandon_to =
        options.out.value_or(options.store + "-abandoned-from-" + std::to_string(*position + 1) + ".jsonl");
    std::error_code ignored;
    if (std::filesystem::exists(plan.request.abandon_to, ignored)) {
      return fail(Errc::invalid_argument,
                  "'" + plan.request.abandon_to + "' exists already; name another file with --out");
    }
  }
  return plan;
}

/// Up to which record a rule can reach: what the newest `checkpoints` sound ones need must stay.
[[nodiscard]] Result<std::uint64_t> reach_of(const Options& options, const RetainRule& rule) {
  Result<StoreReader> reader = StoreReader::open(options);
  Result<std::vector<CheckpointReport>> reports =
      reader ? reader->view().checkpoints() : tl::unexpected(reader.error());
  if (!reports) {
    return tl::unexpected(std::move(reports).error());
  }
  std::erase_if(*reports, [](const CheckpointReport& report) { return !report.damage.empty(); });
  if (reports->size() < rule.checkpoints) {
    return fail(Errc::invalid_argument,
                "the store has " + plural(reports->size(), "sound checkpoint") + ", and " +
                    std::to_string(rule.checkpoints) +
                    " are to stay usable; take another one first, or lower --checkpoints");
  }
  std::uint64_t reach = std::min((*reports)[reports->size() - rule.checkpoints].info.position, rule.through);
  reach = std::min(reach, reader->last() - std::min(reader->last(), rule.keep_records));
  if (rule.older_than) {
    Result<void> walked = reader->walk(reader->first(), reach, [&](const StoredRecord& record) {
      const bool old = record.header.time < *rule.older_than;
      reach = old ? reach : record.position - 1;
      return old;
    });
    if (!walked) {
      return tl::unexpected(std::move(walked).error());
    }
  }
  return reach < reader->first() ? 0 : reach - reader->first() + 1;
}

/// How many records are about a subject.
struct SubjectCount {
  std::uint64_t decisions = 0;
  std::uint64_t outcomes = 0;
};

[[nodiscard]] Result<SubjectCount> count_subject(const Options& options) {
  Result<StoreReader> reader = StoreReader::open(options);
  if (!reader) {
    return tl::unexpected(std::move(reader).error());
  }
  const std::uint64_t wanted = text_key(*options.subject);
  SubjectCount count;
  std::unordered_set<Uuid> decisions;
  Result<void> walked = reader->walk(reader->first(), reader->last(), [&](const StoredRecord& stored) {
    if (stored.header.kind == RecordKind::outcome) {
      count.outcomes += decisions.contains(stored.header.id) ? 1 : 0;
    } else if (stored.header.kind == RecordKind::decision) {
      DecisionRecord record;
      if (decode(stored.bytes, record) == Errc::ok && record.subject == wanted) {
        decisions.insert(record.header.id);
        ++count.decisions;
      }
    }
    return true;
  });
  return walked ? Result<SubjectCount>(count) : tl::unexpected(std::move(walked).error());
}

[[nodiscard]] Done told(const SalvageReport& report, const std::string& file) {
  Json lost = Json::array();
  std::string out = plural(report.records, "record") + " and " + plural(report.checkpoints, "checkpoint") +
                    " saved into " + printable(file) + "; its last record is " +
                    grouped(report.last_position);
  for (const PositionRange& range : report.lost) {
    lost.push_back({{"first", range.first}, {"last", range.last}});
    out += "\nlost: " + (range.first == range.last
                             ? "record " + grouped(range.first)
                             : "records " + grouped(range.first) + " to " + grouped(range.last));
  }
  for (const std::string& note : report.notes) {
    out += "\nnote: " + printable(note);
  }
  out += report.recoverable
             ? "\nan engine can go on from it"
             : "\nan engine cannot go on from it: no sound checkpoint has what the lost records said. Roll "
               "it back to before the first of them, or keep it for its records";
  return {.text = std::move(out),
          .json = json_line({{"file", file},
                             {"records", report.records},
                             {"checkpoints", report.checkpoints},
                             {"last_position", report.last_position},
                             {"lost", std::move(lost)},
                             {"notes", report.notes},
                             {"recoverable", report.recoverable}}),
          .sound = report.recoverable};
}

}  // namespace

Result<Answer> run_rollback(const Options& options, const Surroundings& around) {
  Result<RollbackPlan> plan = rollback_plan(options);
  if (!plan) {
    return tl::unexpected(std::move(plan).error());
  }
  const std::string where = plan->request.abandon_to;
  const std::string sentence = "make record " + grouped(plan->position) + " the last one of '" +
                               options.store + "' and " + (where.empty() ? "drop " : "move ") + "the " +
                               plural(plan->abandoned, "record") + " after it" +
                               (where.empty() ? std::string() : " to '" + where + "'");
  return carry_out<RollbackReport>(
      options, around, sentence,
      [&](StoreAdmin& admin, const Act& act) { return admin.rollback(plan->request, act); },
      [&](const RollbackReport& report) {
        return Done{.text = "the last record is " + grouped(report.position) + " now; " +
                            plural(report.abandoned, "record") +
                            (where.empty() ? " dropped" : " moved to " + printable(where)) + ", " +
                            plural(report.checkpoints_removed, "checkpoint") + " removed",
                    .json = json_line({{"position", report.position},
                                       {"abandoned", report.abandoned},
                                       {"abandoned_to", json_text(where)},
                                       {"checkpoints_removed", report.checkpoints_removed}})};
      });
}

Result<Answer> run_compact(const Options& options, const Surroundings& around) {
  RetainRule rule;
  rule.keep_records = options.keep;
  rule.checkpoints = options.checkpoints;
  if (options.before > 0) {
    rule.through = options.before - 1;
  }
  if (options.to) {
    Result<StoreReader> reader = StoreReader::open(options);
    if (!reader) {
      return tl::unexpected(std::move(reader).error());
    }
    rule.older_than = options.to->at(reader->summary().last_time.value_or(0));
  }
  const Result<std::uint64_t> reach = reach_of(options, rule);
  if (!reach) {
    return tl::unexpected(reach.error());
  }
  return carry_out<CompactReport>(
      options, around,
      "remove the oldest " + plural(*reach, "record") + " of '" + options.store +
          "' for good, and checkpoints older than "
          "what is left",
      [&](StoreAdmin& admin, const Act& act) { return admin.compact(rule, act); },
      [](const CompactReport& report) {
        return Done{.text = plural(report.removed, "record") + " and " +
                            plural(report.checkpoints_removed, "checkpoint") +
                            " removed; the oldest record is " + grouped(report.first_kept) + " now; " +
                            size_text(report.free_bytes) + " free for reuse in the file",
                    .json = json_line({{"removed", report.removed},
                                       {"first_kept", report.first_kept},
                                       {"checkpoints_removed", report.checkpoints_removed},
                                       {"free_bytes", report.free_bytes}})};
      });
}

Result<Answer> run_erase(const Options& options, const Surroundings& around) {
  if (!options.subject) {
    return fail(Errc::invalid_argument, "erase needs --subject NAME, as it was given to decide()");
  }
  const Result<SubjectCount> count = count_subject(options);
  if (!count) {
    return tl::unexpected(count.error());
  }
  if (count->decisions == 0) {
    return answer_of(options, {.text = "no record is about that subject; nothing was changed",
                               .json = json_line({{"decisions", 0}, {"outcomes", 0}})});
  }
  return carry_out<EraseReport>(
      options, around,
      "blank " + plural(count->decisions, "decision") + " and " + plural(count->outcomes, "outcome") +
          " in '" + options.store + "' for good; what policies learned from them stays learned",
      [&](StoreAdmin& admin, const Act& act) {
        return admin.erase_subject(text_key(*options.subject), options.checkpoints, act);
      },
      [](const EraseReport& report) {
        return Done{
            .text = plural(report.decisions, "decision") + " and " + plural(report.outcomes, "outcome") +
                    " blanked, the last at record " + grouped(report.last_position) + "; " +
                    plural(report.checkpoints_removed, "checkpoint") + " that would need them removed",
            .json = json_line({{"decisions", report.decisions},
                               {"outcomes", report.outcomes},
                               {"last_position", report.last_position},
                               {"checkpoints_removed", report.checkpoints_removed}})};
      });
}

Result<Answer> run_repair(const Options& options, const Surroundings& around) {
  if (!options.out) {
    return fail(Errc::invalid_argument, "repair needs --out NEW: the damaged store is never written to");
  }
  std::error_code ignored;
  if (!std::filesystem::exists(options.store, ignored)) {
    return fail(Errc::invalid_argument, "there is no store at '" + options.store + "'");
  }
  if (std::filesystem::exists(*options.out, ignored)) {
    return fail(Errc::invalid_argument, "'" + *options.out + "' exists already; nothing is overwritten");
  }
  // A damaged store may not open at all: then nobody writes it either.
  if (const Result<StoreReader> reader = StoreReader::open(options); reader && reader->summary().writer) {
    return fail(Errc::invalid_argument, "'" + options.store + "' is open for writing by process " +
                                            std::to_string(*reader->summary().writer) + "; stop it first");
  }
  const Result<StoreOptions> store = store_options(options);
  if (!store) {
    return tl::unexpected(store.error());
  }
  if (Result<void> asked = permitted(options, around,
                                     "read what can be read of '" + options.store + "' into the new store '" +
                                         *options.out + "'; '" + options.store + "' stays as it is");
      !asked) {
    return tl::unexpected(std::move(asked).error());
  }
  return salvage(options.store, *options.out, act_of(options, around), *store)
      .map([&](const SalvageReport& report) { return answer_of(options, told(report, *options.out)); });
}

}  // namespace attune::tools
