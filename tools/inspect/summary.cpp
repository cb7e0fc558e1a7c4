// SPDX-License-Identifier: Apache-2.0
// summary: a store at a glance.
#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include <nlohmann/json.hpp>

#include "tools/inspect/commands.hpp"
#include "tools/inspect/fold.hpp"
#include "tools/inspect/guards.hpp"
#include "tools/inspect/json.hpp"
#include "tools/inspect/moment.hpp"
#include "tools/inspect/summary.hpp"
#include "tools/inspect/text.hpp"

namespace attune::tools {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::uint64_t kMostForRates = 200'000;

}  // namespace

Result<Rate> rate_before_end(StoreReader& reader, Nanos window) {
  Rate rate{.window = window};
  const Nanos end = reader.summary().last_time.value_or(0);
  const Nanos begin = time_before(end, window);
  const Result<std::uint64_t> at = reader.position_of(begin);
  if (!at) {
    return tl::unexpected(at.error());
  }
  const std::uint64_t enough = reader.last() > kMostForRates ? reader.last() - kMostForRates + 1 : 1;
  const std::uint64_t first = std::max(*at, enough);
  Nanos oldest = end;
  Result<void> walked = reader.walk(first, reader.last(), [&](const StoredRecord& record) {
    if (record.header.time >= begin) {
      oldest = std::min(oldest, record.header.time);
      rate.decisions += record.header.kind == RecordKind::decision ? 1 : 0;
      rate.outcomes += record.header.kind == RecordKind::outcome ? 1 : 0;
    }
    return true;
  });
  if (!walked) {
    return tl::unexpected(std::move(walked).error());
  }
  // Too many to read them all, or a journal that is younger than the window: what was read spans less.
  if (first > *at || reader.summary().first_time.value_or(0) > begin) {
    rate.window = std::max(span_between(oldest, end), kSecond);
  }
  return rate;
}

Result<std::vector<PointMetrics>> metrics_of(StoreReader& reader) {
  return fold_to(reader, reader.last()).map([](const FoldedState& folded) {
    return folded.replay.metrics().points;
  });
}

namespace {

[[nodiscard]] std::string rate_text(const Rate& rate) {
  const double seconds = static_cast<double>(rate.window) / 1e9;
  return rounded(static_cast<double>(rate.decisions) / seconds, 3) + " decisions/s, " +
         rounded(static_cast<double>(rate.outcomes) / seconds, 3) + " outcomes/s over " +
         span_text(rate.window);
}

struct Glance {
  StoreSummary summary;
  std::vector<Rate> rates;
  Result<std::vector<PointMetrics>> points;
};

[[nodiscard]] std::string checkpoint_text(const StoreSummary& summary, Nanos now) {
  if (!summary.checkpoint) {
    return summary.checkpoints == 0 ? "none" : "none that can be used";
  }
  const CheckpointInfo& info = *summary.checkpoint;
  return std::to_string(info.number) + " at record " + grouped(info.position) + ", " + time_text(info.time) +
         ", " + span_text(span_between(info.time, now)) + " old, " + size_text(info.bytes) + ", sound; " +
         plural(summary.position - info.position, "record") + " since";
}

[[nodiscard]] std::string as_text(const Glance& glance, Nanos now) {
  const StoreSummary& summary = glance.summary;
  std::string out;
  add_line(out, "store", printable(summary.path));
  add_line(out, "id", summary.store_id + ", format " + std::to_string(summary.schema_version));
  add_line(out, "health",
           summary.problems.empty()
               ? "sound, as far as a look can tell (verify reads everything)"
               : plural(summary.problems.size(), "problem") + ", see below; doctor says what to do");
  add_line(out, "size",
           size_text(summary.file_bytes) + " + " + size_text(summary.wal_bytes) + " write-ahead log");
  add_line(out, "writer",
           summary.writer ? "process " + std::to_string(*summary.writer) : std::string("none"));
  add_line(out, "records",
           grouped(summary.position) + " (" + plural(summary.decisions, "decision") + ", " +
               plural(summary.outcomes, "outcome") + ", " + plural(summary.events, "event") + ") at " +
               plural(summary.points, "point"));
  if (summary.first_position > 1 || summary.erased > 0) {
    add_line(out, "",
             (summary.first_position > 1 ? "kept from record " + grouped(summary.first_position) + " on; "
                                         : std::string()) +
                 plural(summary.erased, "record") + " erased");
  }
  add_line(out, "first", time_or_dash(summary.first_time));
  add_line(out, "last",
           time_or_dash(summary.last_time) +
               (summary.last_time ? ", " + span_text(span_between(*summary.last_time, now)) + " ago"
                                  : std::string()));
  for (const Rate& rate : glance.rates) {
    add_line(out, &rate == glance.rates.data() ? "rates" : "", rate_text(rate));
  }
  add_line(out, "checkpoint", checkpoint_text(summary, now));
  if (!glance.points) {
    add_line(out, "pending", "not known: " + printable(glance.points.error().message));
  } else {
    for (const PointMetrics& point : *glance.points) {
      add_line(out, &point == glance.points->data() ? "pending" : "",
               printable(point.name) + " (" + point.policy + "): " + plural(point.pending, "decision") +
                   " waiting, " + grouped(point.rewards.learned + point.rewards.learned_late) + " learned");
    }
    if (const std::string safety = safety_sentence(*glance.points); !safety.empty()) {
      add_line(out, "safety", printable(safety));
    }
  }
  for (const std::string& problem : summary.problems) {
    add_line(out, "problem", printable(problem));
  }
  return out;
}

[[nodiscard]] Json as_json(const Glance& glance, Nanos now) {
  const StoreSummary& summary = glance.summary;
  Json rates = Json::array();
  for (const Rate& rate : glance.rates) {
    const double seconds = static_cast<double>(rate.window) / 1e9;
    rates.push_back({{"window_s", seconds},
                     {"decisions_per_s", static_cast<double>(rate.decisions) / seconds},
                     {"outcomes_per_s", static_cast<double>(rate.outcomes) / seconds}});
  }
  Json pending = nullptr;
  if (glance.points) {
    pending = Json::array();
    for (const PointMetrics& point : *glance.points) {
      pending.push_back({{"point", point.name},
                         {"policy", point.policy},
                         {"pending", point.pending},
                         {"learned", point.rewards.learned},
                         {"learned_late", point.rewards.learned_late},
                         {"silent", point.rewards.silent},
                         {"censored", point.rewards.censored},
                         {"late", point.rewards.late},
                         {"duplicate", point.rewards.duplicate},
                         {"conflict", point.rewards.conflict},
                         {"unknown_decision", point.rewards.unknown_decision}});
    }
  }
  Json json{{"store", summary.path},
            {"store_id", summary.store_id},
            {"format", summary.schema_version},
            {"sound", summary.problems.empty()},
            {"file_bytes", summary.file_bytes},
            {"log_bytes", summary.wal_bytes},
            {"writer", summary.writer ? Json(*summary.writer) : Json(nullptr)},
            {"records", summary.position},
            {"first_record", summary.first_position},
            {"erased", summary.erased},
            {"decisions", summary.decisions},
            {"outcomes", summary.outcomes},
            {"events", summary.events},
            {"points", summary.points},
            {"first_time", json_time(summary.first_time)},
            {"last_time", json_time(summary.last_time)},
            {"age_seconds", summary.last_time
                                ? Json(static_cast<double>(span_between(*summary.last_time, now)) / 1e9)
                                : Json(nullptr)},
            {"rates", std::move(rates)},
            {"checkpoints", summary.checkpoints},
            {"checkpoint", nullptr},
            {"pending", std::move(pending)},
            {"pending_unknown", glance.points ? Json(nullptr) : Json(glance.points.error().message)},
            {"safety", glance.points ? json_text(safety_sentence(*glance.points)) : Json(nullptr)},
            {"problems", summary.problems}};
  if (summary.checkpoint) {
    json["checkpoint"] = json_checkpoint(*summary.checkpoint);
    json["checkpoint"]["age_seconds"] =
        static_cast<double>(span_between(summary.checkpoint->time, now)) / 1e9;
    json["checkpoint"]["records_since"] = summary.position - summary.checkpoint->position;
  }
  return json;
}

}  // namespace

Result<Answer> run_summary(const Options& options, const Surroundings& around) {
  Result<StoreReader> reader = StoreReader::open(options);
  if (!reader) {
    return tl::unexpected(std::move(reader).error());
  }
  Glance glance{.summary = reader->summary(), .rates = {}, .points = metrics_of(*reader)};
  if (reader->last() > 0) {
    for (const Nanos window : {60 * kSecond, 3600 * kSecond}) {
      const Result<Rate> rate = rate_before_end(*reader, window);
      // A damaged record is a problem of the store, not of the summary.
      if (!rate) {
        glance.summary.problems.push_back(rate.error().message);
        break;
      }
      if (glance.rates.empty() || rate->window != glance.rates.back().window) {
        glance.rates.push_back(*rate);
      }
    }
  }
  return Answer{.text = options.json ? json_line(as_json(glance, around.now)) : as_text(glance, around.now),
                .sound = glance.summary.problems.empty()};
}

}  // namespace attune::tools
