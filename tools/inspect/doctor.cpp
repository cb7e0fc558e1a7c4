// SPDX-License-Identifier: Apache-2.0
// doctor: what is wrong, most urgent first, and what to do next.
#include <algorithm>
#include <array>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "tools/inspect/commands.hpp"
#include "tools/inspect/findings.hpp"
#include "tools/inspect/json.hpp"
#include "tools/inspect/moment.hpp"
#include "tools/inspect/summary.hpp"
#include "tools/inspect/text.hpp"
#include "tools/inspect/traffic.hpp"
#include "tools/inspect/verify.hpp"

namespace attune::tools {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::array<const char*, 3> kUrgencies{"critical", "warning", "note"};

/// What is done about damage, by the words that the store uses for it.
[[nodiscard]] Finding damage_of(const std::string& problem) {
  if (problem.starts_with("checkpoint") || problem.find("passed over") != std::string::npos) {
    return {Urgency::warning, problem,
            "A restart uses the checkpoint before it. Let the engine take a new one soon, keep a copy of the "
            "file, and "
            "look at the disk (smartctl, dmesg)."};
  }
  if (problem.find("are gone") != std::string::npos) {
    return {Urgency::critical, problem,
            "Put back the -wal file that belongs to this store, if there is one. Else go on from what is "
            "there with "
            "attune-inspect STORE repair, and count what is named here as lost."};
  }
  return {Urgency::critical, problem,
          "Stop the engine, keep a copy of all files of the store, restore a backup, or save the rest with "
          "attune-inspect STORE repair --out NEW."};
}

void check_files(const StoreSummary& summary, Nanos now, Findings& findings) {
  constexpr std::uint64_t kLargeLog = std::uint64_t{256} << 20U;
  if (summary.wal_bytes > kLargeLog) {
    findings.push_back({Urgency::warning, "the write-ahead log has " + size_text(summary.wal_bytes),
                        summary.writer
                            ? "A reader keeps it from being reused: look for a long sqlite3 session or a "
                              "forgotten attune-inspect beside the engine, and end it."
                            : "No process writes the store: open it once with the engine, and the log goes "
                              "into the file."});
  }
  constexpr Nanos kSilent = 600 * kSecond;
  if (summary.writer && summary.last_time && span_between(*summary.last_time, now) > kSilent) {
    findings.push_back(
        {Urgency::note,
         "process " + std::to_string(*summary.writer) + " has the store open, and wrote its last record " +
             span_text(span_between(*summary.last_time, now)) + " ago",
         "If the service has traffic, look at its health: a store that fails or a queue that is full "
         "shows there (store_error, queue_shed)."});
  }
  if (summary.writer && summary.last_time && span_between(now, *summary.last_time) > 60 * kSecond) {
    findings.push_back(
        {Urgency::warning,
         "the last record lies " + span_text(span_between(now, *summary.last_time)) + " in the future",
         "Compare the clocks of this machine and of the engine's: join windows follow the records' time."});
  }
}

void check_checkpoints(const StoreSummary& summary, Findings& findings) {
  constexpr std::uint64_t kManyRecords = 2'000'000;
  const std::uint64_t since = summary.position - (summary.checkpoint ? summary.checkpoint->position : 0);
  if (since > kManyRecords) {
    findings.push_back(
        {Urgency::warning,
         plural(since, "record") + (summary.checkpoint ? " came after the newest usable checkpoint"
                                                       : " are there, and no usable checkpoint"),
         "A restart replays them all. Set checkpoint.every_records or checkpoint.every_s lower, or ask "
         "the engine for a checkpoint now."});
  } else if (!summary.checkpoint && summary.position > 0) {
    findings.push_back({Urgency::note, "there is no usable checkpoint yet",
                        "None is needed for so few records: a restart replays the journal from its start."});
  }
}

void check_traffic(const Traffic& traffic, Findings& findings) {
  for (const PointTraffic& point : traffic.points()) {
    const std::string at = "'" + name_or_number(point.name, point.number) + "': ";
    const auto decisions = static_cast<double>(point.decisions);
    if (static_cast<double>(point.fallbacks) > 0.01 * decisions) {
      findings.push_back(
          {Urgency::warning,
           at + percent(static_cast<double>(point.fallbacks), decisions) +
               " of the decisions were answered by a fallback, not by the policy",
           "See decisions --point for their rung and time; a policy that cannot choose is usually one "
           "whose arms are all disabled or not offered; \"why\" names the kill switch and guards."});
    }
    constexpr std::uint64_t kEnough = 100;
    if (point.decisions >= kEnough && static_cast<double>(point.answered) < 0.5 * decisions) {
      findings.push_back(
          {Urgency::warning,
           at + "only " + percent(static_cast<double>(point.answered), decisions) +
               " of the decisions have an outcome",
           "Check that the service reports outcomes, with the id it was given; for rare outcomes set "
           "silence to \"default\", so that nothing means something."});
    }
    if (point.not_finite > 0) {
      findings.push_back(
          {Urgency::warning, at + plural(point.not_finite, "component value") + " are no finite numbers",
           "Find them with outcomes --point --json (null), and mend the service that reports them."});
    }
    if (point.decisions > 0 && point.deferred == point.decisions) {
      findings.push_back({Urgency::note, at + "no decision has its propensity yet (the policy draws samples)",
                          "Nothing is wrong. explain and replay compute it where it is needed."});
    }
    if (point.unmatched > point.outcomes / 50 + 10) {
      findings.push_back(
          {Urgency::warning,
           at + plural(point.unmatched, "outcome") +
               " are about decisions that are not among the records "
               "looked at",
           "Outcomes of another node, or reported long after retention removed the decision: check where "
           "the service sends them."});
    }
  }
  for (const ArmTraffic& arm : traffic.arms()) {
    if (arm.decisions == 0 && arm.state == "enabled") {
      findings.push_back({Urgency::note,
                          "arm '" + printable(arm.name) +
                              "' is enabled and was never chosen in the records "
                              "looked at",
                          "Expected shortly after it was added; else check that it is offered."});
    }
  }
}

void check_learning(const Result<std::vector<PointMetrics>>& points, Findings& findings) {
  if (!points && points.error().code == Errc::invalid_argument) {
    findings.push_back({Urgency::note, points.error().message, "Nothing, if that is meant."});
    return;
  }
  if (!points) {
    findings.push_back({Urgency::warning,
                        "the state cannot be derived from the store: " + points.error().message,
                        "A restart with the configuration kept in the store would say the same. Compare it "
                        "with the configuration of the engine."});
    return;
  }
  check_safety(*points, findings);
  for (const PointMetrics& point : *points) {
    const std::string at = "'" + printable(point.name) + "': ";
    const CollectorCounters& seen = point.rewards;
    const auto add = [&](Urgency urgency, std::uint64_t count, const char* what, const char* next) {
      if (count > 0) {
        findings.push_back({urgency, at + plural(count, "outcome") + what, next});
      }
    };
    const bool many_late = seen.late > seen.outcomes / 20;
    add(many_late ? Urgency::warning : Urgency::note, seen.late,
        " came after the join window and taught nothing",
        "Make join_window_s longer than the delay shown by points (p99), or set late to \"learn\".");
    add(Urgency::warning, seen.conflict, " repeated a key with other values: the first stands",
        "Two reporters disagree, or keys are reused: see outcomes --point.");
    add(Urgency::note, seen.duplicate, " were repeats and were ignored",
        "Nothing is wrong: retries look like this.");
    add(Urgency::warning, seen.invalid + seen.unknown_component + seen.too_many, " were refused",
        "Compare the components that are reported with those of the configuration.");
    add(Urgency::warning, point.refused_rewards,
        " gave a reward outside the policy's range, which was refused",
        "Normalise the components (\"range\"), so that rewards fit the policy, usually 0 to 1.");
    if (seen.overflow_expired + seen.overflow_refused > 0) {
      findings.push_back({Urgency::warning,
                          at + plural(seen.overflow_expired + seen.overflow_refused, "decision") +
                              " were closed early or not waited for: max_pending is too small",
                          "Raise reward.max_pending, or make join_window_s shorter."});
    }
  }
}

[[nodiscard]] Result<Findings> examine(StoreReader& reader, const Options& options, Nanos now) {
  Findings findings;
  const StoreSummary& summary = reader.summary();
  const Result<std::vector<std::string>> problems =
      options.last > 0 ? Result<std::vector<std::string>>(summary.problems) : reader.view().verify();
  if (!problems) {
    return tl::unexpected(problems.error());
  }
  for (const std::string& problem : *problems) {
    findings.push_back(damage_of(problem));
  }
  check_files(summary, now, findings);
  check_checkpoints(summary, findings);
  const Result<Slice> slice = reader.slice(options);
  const Result<Traffic> traffic =
      slice ? Traffic::read(reader, *slice, std::nullopt) : tl::unexpected(slice.error());
  if (traffic) {
    check_traffic(*traffic, findings);
    if (problems->empty() && reader.last() > 0) {
      check_learning(metrics_of(reader), findings);
    }
    if (problems->empty() && options.full) {
      const Result<ReplayVerdict> replayed = replay_checkpoints(reader);
      if (!replayed) {
        return tl::unexpected(replayed.error());
      }
      for (const std::string& broken : replayed->broken) {
        findings.push_back(
            {Urgency::critical, broken,
             "A restart would go on from that state. Keep a copy; then roll back to a checkpoint before it "
             "(rollback --to), and import what was cut off: it is folded anew."});
      }
      for (const std::string& unproven : replayed->unproven) {
        findings.push_back({Urgency::note, unproven, "Nothing, if that is expected."});
      }
    }
  } else if (problems->empty()) {
    findings.push_back(damage_of(traffic.error().message));
  }
  std::ranges::stable_sort(findings, {}, &Finding::urgency);
  return findings;
}

[[nodiscard]] bool sound(const Findings& findings) {
  return std::ranges::none_of(findings,
                              [](const Finding& finding) { return finding.urgency != Urgency::note; });
}

[[nodiscard]] std::string as_text(const Findings& findings, const std::string& looked) {
  std::string out;
  for (const Finding& finding : findings) {
    out += std::string(kUrgencies[static_cast<std::size_t>(finding.urgency)]) + ": " +
           printable(finding.what) + "\n    next: " + printable(finding.next) + "\n";
  }
  const auto count = [&](Urgency urgency) {
    return static_cast<std::uint64_t>(std::ranges::count(findings, urgency, &Finding::urgency));
  };
  const std::string verdict = std::to_string(count(Urgency::critical)) + " critical, " +
                              plural(count(Urgency::warning), "warning") + ", " +
                              plural(count(Urgency::note), "note");
  return out + (findings.empty() ? "nothing is wrong" : verdict) + "; " + looked + "\n";
}

[[nodiscard]] std::string as_json(const Findings& findings) {
  Json list = Json::array();
  for (const Finding& finding : findings) {
    list.push_back({{"urgency", kUrgencies[static_cast<std::size_t>(finding.urgency)]},
                    {"finding", finding.what},
                    {"next", finding.next}});
  }
  return json_line({{"sound", sound(findings)}, {"findings", std::move(list)}});
}

}  // namespace

Result<Answer> run_doctor(const Options& options, const Surroundings& around) {
  Result<StoreReader> reader = StoreReader::open(options);
  Result<Findings> findings = reader ? examine(*reader, options, around.now) : tl::unexpected(reader.error());
  std::string looked = "the store could not be opened";
  if (reader) {
    looked =
        (options.last > 0 ? "looked at the newest " + grouped(std::min(options.last, reader->last())) + " of "
                          : std::string("read and checked ")) +
        plural(reader->last(), "record");
  }
  if (!findings) {
    if (exit_code_of(findings.error()) == ExitCode::refused) {
      return tl::unexpected(std::move(findings).error());
    }
    findings = Findings{damage_of(findings.error().message)};
  }
  return Answer{.text = options.json ? as_json(*findings) : as_text(*findings, looked),
                .sound = sound(*findings)};
}

}  // namespace attune::tools
