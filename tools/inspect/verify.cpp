// SPDX-License-Identifier: Apache-2.0
// verify: everything is read and checked, and the journal is folded from each checkpoint to the next.
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "tools/inspect/commands.hpp"
#include "tools/inspect/fold.hpp"
#include "tools/inspect/json.hpp"
#include "tools/inspect/state_view.hpp"
#include "tools/inspect/text.hpp"
#include "tools/inspect/verify.hpp"

namespace attune::tools {
namespace {

using Json = nlohmann::ordered_json;

[[nodiscard]] std::string from_name(const std::optional<CheckpointInfo>& start) {
  return start ? "checkpoint " + std::to_string(start->number) : std::string("the first record");
}

/// Which points differ, and in what; for a stretch that does not lead where it should.
[[nodiscard]] std::string blame(StoreReader& reader, const std::string& config, const Engine& derived,
                                const Checkpoint& stored) {
  Result<FoldedEngine> kept = fold_from(reader, config, stored, stored.info.position);
  const Result<std::vector<PointView>> left = views_of(derived);
  const Result<std::vector<PointView>> right =
      kept ? views_of(kept->engine) : tl::unexpected(std::move(kept).error());
  if (!left || !right) {
    return {};
  }
  const std::vector<Difference> found = differences(*left, *right);
  if (found.empty()) {
    return "; policies agree, what waits for its reward does not";
  }
  const Difference& first = found.front();
  return "; " + plural(found.size(), "value") + " differ, the first at '" + first.point + "'" +
         (first.row.empty() ? "" : ", " + first.row) + ": " + first.column + " is " + exact(first.left) +
         " replayed and " + exact(first.right) + " in the checkpoint";
}

}  // namespace

Result<ReplayVerdict> replay_checkpoints(StoreReader& reader) {
  ReplayVerdict verdict;
  const Result<std::string> config = stored_config(reader);
  if (!config) {
    verdict.unproven.push_back(config.error().message);
    return verdict;
  }
  const Result<std::vector<CheckpointReport>> reports = reader.view().checkpoints();
  if (!reports) {
    return tl::unexpected(reports.error());
  }
  if (reports->empty()) {
    return verdict;
  }
  const std::string& today = reports->back().info.config_digest;
  std::optional<Checkpoint> start;
  for (const CheckpointReport& report : *reports) {
    const std::string name = "checkpoint " + std::to_string(report.info.number);
    if (!report.damage.empty()) {
      continue;  // named already, by the check of its seal and hash
    }
    Result<Checkpoint> target = reader.view().checkpoint(report.info.number);
    if (!target) {
      return tl::unexpected(std::move(target).error());
    }
    const bool can_start = start ? start->info.config_digest == today : reader.first() == 1;
    if (!can_start || report.info.config_digest != today) {
      verdict.unproven.push_back(name +
                                 " cannot be replayed to: it was taken under another configuration, or what "
                                 "led to it is gone");
    } else {
      const std::optional<CheckpointInfo> from = start ? std::optional(start->info) : std::nullopt;
      Result<FoldedEngine> folded = fold_from(reader, *config, std::move(start), report.info.position);
      if (!folded) {
        verdict.unproven.push_back(name + ": " + folded.error().message);
      } else if (sha256(folded->engine.state()) == report.info.digest) {
        ++verdict.proven;
        verdict.records += report.info.position - (from ? from->position : 0);
      } else {
        verdict.broken.push_back(name + ": the records up to " + std::to_string(report.info.position) +
                                 ", folded from " + from_name(from) + ", give another state than it holds" +
                                 blame(reader, *config, folded->engine, *target));
      }
    }
    start = std::move(*target);
  }
  return verdict;
}

Result<Answer> run_verify(const Options& options, const Surroundings& /*around*/) {
  Result<StoreReader> reader = StoreReader::open(options.store);
  if (!reader) {
    return tl::unexpected(std::move(reader).error());
  }
  Result<std::vector<std::string>> problems = reader->view().verify();
  if (!problems) {
    return tl::unexpected(std::move(problems).error());
  }
  ReplayVerdict replayed;
  if (problems->empty()) {
    Result<ReplayVerdict> verdict = replay_checkpoints(*reader);
    if (!verdict) {
      return tl::unexpected(std::move(verdict).error());
    }
    replayed = std::move(*verdict);
    problems->insert(problems->end(), replayed.broken.begin(), replayed.broken.end());
  }
  const StoreSummary& summary = reader->summary();
  if (options.json) {
    return Answer{.text = json_line({{"sound", problems->empty()},
                                     {"records", summary.position},
                                     {"checkpoints", summary.checkpoints},
                                     {"checkpoints_replayed", replayed.proven},
                                     {"records_replayed", replayed.records},
                                     {"unproven", replayed.unproven},
                                     {"problems", *problems}}),
                  .sound = problems->empty()};
  }
  std::string out;
  for (const std::string& problem : *problems) {
    out += "problem: " + printable(problem) + "\n";
  }
  for (const std::string& sentence : replayed.unproven) {
    out += "unproven: " + printable(sentence) + "\n";
  }
  if (problems->empty()) {
    out += "sound: " + plural(summary.position, "record") + " and " +
           plural(summary.checkpoints, "checkpoint") + " read and checked; " +
           plural(replayed.proven, "checkpoint") + " replayed, equal bit for bit\n";
  }
  return Answer{.text = std::move(out), .sound = problems->empty()};
}

}  // namespace attune::tools
