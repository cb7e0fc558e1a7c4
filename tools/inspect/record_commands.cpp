// SPDX-License-Identifier: Apache-2.0
// decisions, outcomes and checkpoints: what stands in the store.
#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include <nlohmann/json.hpp>

#include "tools/inspect/commands.hpp"
#include "tools/inspect/found_records.hpp"
#include "tools/inspect/json.hpp"
#include "tools/inspect/moment.hpp"
#include "tools/inspect/open_propensities.hpp"
#include "tools/inspect/record_text.hpp"
#include "tools/inspect/text.hpp"

namespace attune::tools {

using Json = nlohmann::ordered_json;

std::string components_text(const FoundOutcome& outcome, int digits) {
  std::string text;
  for (const auto& [name, value] : outcome.components) {
    text += (text.empty() ? "" : " ") + printable(name) + "=" + rounded(value, digits);
  }
  text += outcome.terminal ? (text.empty() ? "ended" : " ended") : "";
  text += outcome.truncated ? (text.empty() ? "cut off" : " cut off") : "";
  return text;
}

std::string choice_text(const FoundDecision& decision) {
  if (decision.parameters.empty()) {
    std::string arms = name_or_number(decision.arm, decision.slot);
    for (std::size_t i = 1; i < decision.shown.size(); ++i) {
      arms += " " + name_or_number({}, decision.shown[i]);
    }
    return arms;
  }
  std::string out;
  for (const double value : decision.parameters) {
    out += (out.empty() ? "" : " ") + rounded(value, 6);
  }
  return out;
}

std::string propensity_text(double propensity) {
  return std::isnan(propensity) ? std::string("deferred") : rounded(propensity);
}

Json outcome_json(const FoundOutcome& outcome) {
  Json components = Json::object();
  for (const auto& [name, value] : outcome.components) {
    components[name] = json_number(value);
  }
  return {{"position", outcome.position},
          {"time", time_text(outcome.time)},
          {"time_ns", outcome.time},
          {"components", std::move(components)},
          {"key", outcome.key == 0 ? Json(nullptr) : Json(hex_text(outcome.key))},
          {"terminal", outcome.terminal},
          {"truncated", outcome.truncated}};
}

Json decision_json(const FoundDecision& decision, const std::string& point) {
  Json outcomes = Json::array();
  for (const FoundOutcome& outcome : decision.outcomes) {
    outcomes.push_back(outcome_json(outcome));
    outcomes.back()["delay_s"] = static_cast<double>(span_between(decision.time, outcome.time)) / 1e9;
  }
  Json out{{"position", decision.position},
           {"time", time_text(decision.time)},
           {"time_ns", decision.time},
           {"point", json_text(point)},
           {"point_number", decision.point},
           {"sequence", decision.sequence},
           {"id", decision.id.to_string()},
           {"arm", json_text(decision.arm)},
           {"slot", json_count(decision.slot)},
           {"propensity", json_number(decision.propensity)},
           {"score", json_number(decision.score)},
           {"version", decision.version},
           {"rung", to_string(decision.rung)},
           {"greedy", decision.greedy},
           {"episode", decision.episode == 0 ? Json(nullptr) : Json(hex_text(decision.episode))},
           {"client_key", decision.client_key == 0 ? Json(nullptr) : Json(hex_text(decision.client_key))},
           {"parameters", decision.parameters},
           {"shown", decision.shown},
           {"outcomes", std::move(outcomes)}};
  if (decision.method) {
    out["propensity_method"] = to_string(*decision.method);
    out["propensity_error"] = json_number(decision.propensity_error);
  }
  if (decision.reason != ChoiceReason::usual) {
    out["reason"] = to_string(decision.reason);
  }
  return out;
}

namespace {

/// What overruled the policy; else what the policy was after.
[[nodiscard]] std::string why_text(const FoundDecision& decision) {
  if (decision.reason != ChoiceReason::usual) {
    return std::string(to_string(decision.reason));
  }
  return decision.greedy ? "greedy" : "explore";
}

[[nodiscard]] std::string decisions_text(const std::vector<FoundDecision>& decisions,
                                         const StoreReader& reader) {
  InspectTable table({">record", "time", "point", ">number", "id", "choice", ">propensity", ">version",
                      "rung", "why", "outcomes"});
  for (const FoundDecision& decision : decisions) {
    std::string outcomes;
    for (const FoundOutcome& outcome : decision.outcomes) {
      outcomes += (outcomes.empty() ? "" : "; ") + components_text(outcome, 6) + " after " +
                  span_text(span_between(decision.time, outcome.time));
    }
    table.add({std::to_string(decision.position), time_text(decision.time),
               name_or_number(reader.point_name(decision.point), decision.point),
               std::to_string(decision.sequence), decision.id.to_string(), choice_text(decision),
               propensity_text(decision.propensity), std::to_string(decision.version),
               std::string(to_string(decision.rung)), why_text(decision),
               outcomes.empty() ? std::string(1, '-') : outcomes});
  }
  return table.empty() ? "no decision fits\n" : table.text();
}

[[nodiscard]] std::string decisions_csv(const std::vector<FoundDecision>& decisions,
                                        const StoreReader& reader) {
  std::string out =
      "position,time,point,sequence,id,arm,slot,propensity,score,version,rung,greedy,outcomes\n";
  for (const FoundDecision& decision : decisions) {
    out += std::to_string(decision.position) + "," + time_text(decision.time) + "," +
           csv_cell(reader.point_name(decision.point)) + "," + std::to_string(decision.sequence) + "," +
           decision.id.to_string() + "," + csv_cell(decision.arm) + "," +
           (decision.slot ? std::to_string(*decision.slot) : std::string()) + "," +
           (std::isnan(decision.propensity) ? std::string() : exact(decision.propensity)) + "," +
           exact(decision.score) + "," + std::to_string(decision.version) + "," +
           std::string(to_string(decision.rung)) + "," + (decision.greedy ? "1" : "0") + "," +
           std::to_string(decision.outcomes.size()) + "\n";
  }
  return out;
}

[[nodiscard]] std::string outcomes_text(const std::vector<JoinedOutcome>& outcomes,
                                        const StoreReader& reader) {
  InspectTable table(
      {">record", "time", "point", "decision", ">of record", "choice", ">delay", "key", "what came back"});
  for (const JoinedOutcome& joined : outcomes) {
    const FoundOutcome& outcome = joined.outcome;
    const std::optional<FoundDecision>& decision = joined.decision;
    table.add({std::to_string(outcome.position), time_text(outcome.time),
               name_or_number(reader.point_name(joined.point), joined.point), outcome.decision.to_string(),
               decision ? std::to_string(decision->position) : "unknown",
               decision ? choice_text(*decision) : std::string(1, '-'),
               decision ? span_text(span_between(decision->time, outcome.time)) : std::string(1, '-'),
               outcome.key == 0 ? std::string(1, '-') : hex_text(outcome.key), components_text(outcome, 6)});
  }
  return table.empty() ? "no outcome fits\n" : table.text();
}

[[nodiscard]] Json outcomes_json(const std::vector<JoinedOutcome>& outcomes, const StoreReader& reader) {
  Json list = Json::array();
  for (const JoinedOutcome& joined : outcomes) {
    Json json = outcome_json(joined.outcome);
    json["decision"] = joined.outcome.decision.to_string();
    json["point"] = json_text(reader.point_name(joined.point));
    json["known"] = joined.decision.has_value();
    if (joined.decision) {
      json["decision_position"] = joined.decision->position;
      json["arm"] = json_text(joined.decision->arm);
      json["delay_s"] = static_cast<double>(span_between(joined.decision->time, joined.outcome.time)) / 1e9;
    }
    list.push_back(std::move(json));
  }
  return {{"outcomes", std::move(list)}};
}

[[nodiscard]] std::string outcomes_csv(const std::vector<JoinedOutcome>& outcomes,
                                       const StoreReader& reader) {
  std::string out = "position,time,point,decision,arm,delay_s,component,value\n";
  for (const JoinedOutcome& joined : outcomes) {
    const std::string front =
        std::to_string(joined.outcome.position) + "," + time_text(joined.outcome.time) + "," +
        csv_cell(reader.point_name(joined.point)) + "," + joined.outcome.decision.to_string() + "," +
        (joined.decision ? csv_cell(joined.decision->arm) : std::string()) + "," +
        (joined.decision
             ? exact(static_cast<double>(span_between(joined.decision->time, joined.outcome.time)) / 1e9)
             : std::string());
    for (const auto& [name, value] : joined.outcome.components) {
      out += front + "," + csv_cell(name) + "," + exact(value) + "\n";
    }
  }
  return out;
}

[[nodiscard]] std::string checkpoints_text(const std::vector<CheckpointReport>& checkpoints, Nanos now) {
  InspectTable table({">number", ">record", "time", ">age", ">state", ">stored", "codec", "sha256", "sound"});
  for (const CheckpointReport& report : checkpoints) {
    const CheckpointInfo& info = report.info;
    table.add({std::to_string(info.number), grouped(info.position), time_text(info.time),
               span_text(span_between(info.time, now)), size_text(info.bytes), size_text(report.stored_bytes),
               printable(report.codec), to_hex(info.digest).substr(0, 16),
               report.damage.empty() ? "yes" : "no: " + printable(report.damage)});
  }
  return table.empty() ? "there is no checkpoint yet\n" : table.text();
}

[[nodiscard]] Json checkpoints_json(const std::vector<CheckpointReport>& checkpoints) {
  Json list = Json::array();
  for (const CheckpointReport& report : checkpoints) {
    Json json = json_checkpoint(report.info);
    json["stored_bytes"] = report.stored_bytes;
    json["codec"] = report.codec;
    json["sound"] = report.damage.empty();
    json["damage"] = json_text(report.damage);
    list.push_back(std::move(json));
  }
  return {{"checkpoints", std::move(list)}};
}

[[nodiscard]] std::string checkpoints_csv(const std::vector<CheckpointReport>& checkpoints) {
  std::string out = "number,position,time,bytes,stored_bytes,sha256,sound\n";
  for (const CheckpointReport& report : checkpoints) {
    out += std::to_string(report.info.number) + "," + std::to_string(report.info.position) + "," +
           time_text(report.info.time) + "," + std::to_string(report.info.bytes) + "," +
           std::to_string(report.stored_bytes) + "," + to_hex(report.info.digest) + "," +
           (report.damage.empty() ? "1" : "0") + "\n";
  }
  return out;
}

/// Finds the propensities that were left open.
[[nodiscard]] Result<void> fill_in(StoreReader& reader, std::vector<FoundDecision>& decisions) {
  const auto open = [](const FoundDecision& decision) { return std::isnan(decision.propensity); };
  const auto first = std::ranges::find_if(decisions, open);
  if (first == decisions.end()) {
    return {};
  }
  const Result<std::unordered_map<std::uint64_t, FoundPropensity>> found =
      open_propensities(reader, first->position, decisions.back().position);
  if (!found) {
    return tl::unexpected(found.error());
  }
  for (FoundDecision& decision : decisions) {
    const auto one = open(decision) ? found->find(decision.position) : found->end();
    if (one != found->end()) {
      decision.propensity = one->second.value;
      decision.method = one->second.method;
      decision.propensity_error = one->second.error;
    }
  }
  return {};
}

}  // namespace

Result<Answer> run_decisions(const Options& options, const Surroundings& /*around*/) {
  Result<StoreReader> reader = StoreReader::open(options);
  if (!reader) {
    return tl::unexpected(std::move(reader).error());
  }
  Result<std::vector<FoundDecision>> decisions = find_decisions(*reader, options);
  if (Result<void> filled = decisions && options.propensities ? fill_in(*reader, *decisions) : Result<void>{};
      !filled) {
    return tl::unexpected(std::move(filled).error());
  }
  return decisions.map([&](const std::vector<FoundDecision>& found) {
    if (options.json) {
      Json list = Json::array();
      for (const FoundDecision& decision : found) {
        list.push_back(decision_json(decision, reader->point_name(decision.point)));
      }
      return Answer{.text = json_line({{"decisions", std::move(list)}})};
    }
    return Answer{.text = options.csv ? decisions_csv(found, *reader) : decisions_text(found, *reader)};
  });
}

Result<Answer> run_outcomes(const Options& options, const Surroundings& /*around*/) {
  Result<StoreReader> reader = StoreReader::open(options);
  if (!reader) {
    return tl::unexpected(std::move(reader).error());
  }
  return find_outcomes(*reader, options).map([&](const std::vector<JoinedOutcome>& found) {
    return Answer{.text = options.json  ? json_line(outcomes_json(found, *reader))
                          : options.csv ? outcomes_csv(found, *reader)
                                        : outcomes_text(found, *reader)};
  });
}

Result<Answer> run_checkpoints(const Options& options, const Surroundings& around) {
  Result<StoreReader> reader = StoreReader::open(options);
  Result<std::vector<CheckpointReport>> found =
      reader ? reader->view().checkpoints() : tl::unexpected(std::move(reader).error());
  return found.map([&](const std::vector<CheckpointReport>& checkpoints) {
    const bool sound = std::ranges::all_of(
        checkpoints, [](const CheckpointReport& report) { return report.damage.empty(); });
    return Answer{.text = options.json  ? json_line(checkpoints_json(checkpoints))
                          : options.csv ? checkpoints_csv(checkpoints)
                                        : checkpoints_text(checkpoints, around.now),
                  .sound = sound};
  });
}

}  // namespace attune::tools
