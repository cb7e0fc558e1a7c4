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

/// Which points differ, and in what; for a stretch that does not lead where it should.
[[nodiscard]] std::string blame(const Replay& derived, const Replay& kept) {
  const Result<std::vector<PointView>> right = views_of(kept);
  const Result<std::vector<PointView>> left = views_of(derived);
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

/// A checkpoint whose bytes are not those that the records give: is it the state that differs, or its format?
void judge(StoreReader& reader, const Replay& derived, const CheckpointCheck& check, ReplayVerdict& verdict) {
  const std::string name = "checkpoint " + std::to_string(check.info.number);
  if (derived.position() != check.info.position) {
    verdict.unproven.push_back(name + ": " + check.note);
    return;
  }
  Result<Replay> kept = Replay::open(replay_source(reader));
  const Result<void> loaded = kept ? kept->restart_at(check.info.number) : tl::unexpected(kept.error());
  if (!loaded) {
    verdict.unproven.push_back(name + " cannot be loaded: " + loaded.error().message);
    return;
  }
  const Sha256 loaded_digest = kept->digest();
  if (loaded_digest == check.replayed) {
    ++verdict.converted;  // an older state format, and the same state
  } else if (loaded_digest != check.info.digest) {
    verdict.unproven.push_back(name + " has an older state format, which lacks part of today's state");
  } else {
    verdict.broken.push_back(name + ": the records up to " + std::to_string(check.info.position) +
                             ", folded from the ones before, give another state than it holds" +
                             blame(derived, *kept));
  }
}

}  // namespace

Result<ReplayVerdict> replay_checkpoints(StoreReader& reader) {
  ReplayVerdict verdict;
  Result<Replay> replay = Replay::open(replay_source(reader));
  if (!replay) {
    verdict.unproven.push_back(replay.error().message);
    return verdict;
  }
  const std::uint64_t begin = replay->position();
  Result<void> checked = replay->check_checkpoints(reader.last(), [&](const CheckpointCheck& check) {
    if (check.equal) {
      ++verdict.proven;
    } else {
      judge(reader, *replay, check, verdict);
    }
    verdict.records = replay->position() - begin;
  });
  // Records that were erased or made under a configuration that is not known end a replay, and are no damage.
  if (!checked && exit_code_of(checked.error()) == ExitCode::refused) {
    verdict.unproven.push_back(checked.error().message);
    checked = {};
  }
  return checked ? Result<ReplayVerdict>(std::move(verdict)) : tl::unexpected(std::move(checked).error());
}

Result<Answer> run_verify(const Options& options, const Surroundings& /*around*/) {
  Result<StoreReader> reader = StoreReader::open(options);
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
                                     {"checkpoints_converted", replayed.converted},
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
           plural(replayed.proven, "checkpoint") + " replayed, equal bit for bit" +
           (replayed.converted > 0
                ? ", " + grouped(replayed.converted) + " more after conversion from an older state format"
                : std::string()) +
           "\n";
  }
  return Answer{.text = std::move(out), .sound = problems->empty()};
}

}  // namespace attune::tools
